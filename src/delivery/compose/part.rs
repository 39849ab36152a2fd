//! A text part of a message, encoded as far as it is the same for every recipient.
//!
//! Quoted-printable (RFC 2045, section 6.7) lets a soft line break stand anywhere, and it decodes to
//! nothing. With one on either side of a link, what lies between the links can be encoded once.
//! In scripts where that would triple the size, base64 is encoded for each recipient instead.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::delivery::Mark;

#[derive(Debug)]
pub(super) struct Part {
    encoding: Encoding,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// Fixed pieces are encoded, and end where a line starts.
    QuotedPrintable,
    /// Fixed pieces are plain.
    Base64,
}

#[derive(Debug)]
enum Piece {
    Fixed(Vec<u8>),
    Link(Mark),
}

impl Part {
    pub(super) fn new(text: &str) -> Self {
        let quoted = Self {
            encoding: Encoding::QuotedPrintable,
            pieces: split(text, encode_open),
        };
        // Base64 has four characters for three octets, and two more in every 76.
        if quoted.len() * 100 <= text.len() * 137 {
            return quoted;
        }
        Self {
            encoding: Encoding::Base64,
            pieces: split(text, |text| with_crlf(text).into_bytes()),
        }
    }

    pub(super) fn marks(&self) -> impl Iterator<Item = Mark> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Link(mark) => Some(*mark),
            Piece::Fixed(_) => None,
        })
    }

    /// Without the links, in octets.
    pub(super) fn len(&self) -> usize {
        let len = |piece: &Piece| match piece {
            Piece::Fixed(bytes) => bytes.len(),
            Piece::Link(_) => 0,
        };
        self.pieces.iter().map(len).sum()
    }

    /// As Content-Transfer-Encoding names it.
    pub(super) fn encoding(&self) -> &'static str {
        match self.encoding {
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        }
    }

    /// Writes the part with `link` for each mark.
    pub(super) fn write<'a>(&self, out: &mut Vec<u8>, link: impl Fn(Mark) -> &'a str) {
        match self.encoding {
            Encoding::QuotedPrintable => self.fill(out, |mark| encode_open(link(mark))),
            Encoding::Base64 => {
                let mut plain = Vec::with_capacity(self.len() + 1024);
                self.fill(&mut plain, |mark| link(mark).as_bytes().to_vec());
                for line in STANDARD.encode(plain).as_bytes().chunks(BASE64_LINE) {
                    out.extend(line);
                    out.extend(b"\r\n");
                }
            }
        }
    }

    fn fill(&self, out: &mut Vec<u8>, link: impl Fn(Mark) -> Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(bytes) => out.extend(bytes),
                Piece::Link(mark) => out.extend(link(*mark)),
            }
        }
    }
}

/// Columns of a line, the most there may be (RFC 2045, section 6.8).
const BASE64_LINE: usize = 76;

fn split(text: &str, encode: impl Fn(&str) -> Vec<u8>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((at, mark)) = next_mark(rest) {
        pieces.push(Piece::Fixed(encode(&rest[..at])));
        pieces.push(Piece::Link(mark));
        rest = &rest[at + mark.text().len()..];
    }
    pieces.push(Piece::Fixed(encode(rest)));
    pieces
}

fn with_crlf(text: &str) -> String {
    let lf = text.replace("\r\n", "\n").replace('\r', "\n");
    lf.replace('\n', "\r\n")
}

fn next_mark(text: &str) -> Option<(usize, Mark)> {
    Mark::ALL
        .into_iter()
        .filter_map(|mark| Some((text.find(mark.text())?, mark)))
        .min_by_key(|(at, _)| *at)
}

/// Encodes text that may go on: it ends where a line starts.
fn encode_open(text: &str) -> Vec<u8> {
    let mut out = encode(text);
    if !(out.is_empty() || out.ends_with(b"\r\n")) {
        out.extend(SOFT_BREAK);
    }
    out
}

const SOFT_BREAK: &[u8] = b"=\r\n";
/// Room for the `=` of a soft break in the 76 columns that a line may have.
const COLUMNS: usize = 75;

/// Encodes text that starts at the start of a line. Every kind of line break becomes CRLF.
fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    let mut column = 0;
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = after_line_break(rest) {
            out.extend(b"\r\n");
            column = 0;
            rest = after;
            continue;
        }
        if column + width(byte, rest, column) > COLUMNS {
            out.extend(SOFT_BREAK);
            column = 0;
        }
        let width = width(byte, rest, column);
        if width == 1 {
            out.push(byte);
        } else {
            out.extend([b'=', hex(byte >> 4), hex(byte & 15)]);
        }
        column += width;
        rest = after;
    }
    out
}

fn after_line_break(rest: &[u8]) -> Option<&[u8]> {
    rest.strip_prefix(b"\r\n")
        .or_else(|| rest.strip_prefix(b"\n"))
        .or_else(|| rest.strip_prefix(b"\r"))
}

/// 1 where a byte stands for itself, 3 where it is escaped.
///
/// Escaped as well: a dot that starts a line, which a careless server takes for the end of the
/// message (RFC 5321, section 4.5.2), and `From ` there, which mailbox files alter (RFC 2049).
fn width(byte: u8, rest: &[u8], column: usize) -> usize {
    let plain = match byte {
        b'=' => false,
        b'.' => column > 0,
        b'F' => column > 0 || !rest.starts_with(b"From "),
        b' ' | b'\t' => rest.len() > 1 && after_line_break(&rest[1..]).is_none(),
        _ => byte.is_ascii_graphic(),
    };
    if plain { 1 } else { 3 }
}

fn hex(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(
            String::from_utf8(encode(text)).unwrap(),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn only_what_mail_alters_is_escaped() {
        check("", "");
        check("plain, text. a=b", "plain, text. a=3Db");
        check("naïve", "na=C3=AFve");
        check("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd");
        check(
            "ends in a blank \nand a tab\t",
            "ends in a blank=20\r\nand a tab=09",
        );
        check(".\n.dot\n\r.\r", "=2E\r\n=2Edot\r\n\r\n=2E\r\n");
        check("From me\nFrost", "=46rom me\r\nFrost");
        check("nul \0", "nul =00");
    }

    /// What a reader makes of it.
    fn decode(encoded: &[u8]) -> String {
        let text = str::from_utf8(encoded).unwrap().replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == b'=' {
                let code = str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(code, 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn any_text_survives_in_short_lines(text in "[ -~\t\r\n.é字🙂]{0,400}") {
            let encoded = encode(&text);

            prop_assert_eq!(decode(&encoded), with_crlf(&text));
            for line in str::from_utf8(&encoded).unwrap().split("\r\n") {
                prop_assert!(line.len() <= 76 && !line.starts_with('.') && !line.ends_with(' '));
                prop_assert!(!line.contains(['\r', '\n']));
            }
        }

        #[test]
        fn links_stand_where_their_marks_stood(
            before in "[ -~\n]{0,100}", between in "[ -~\n]{0,100}", after in "[ -~\n]{0,100}",
            link in "https://[a-z./=-]{0,200}",
        ) {
            let [unsubscribe, confirm] = Mark::ALL.map(Mark::text);
            let text = format!("{before}{unsubscribe}{between}{confirm}{unsubscribe}{after}");
            let mut out = Vec::new();

            let part = Part::new(&text);
            part.write(&mut out, |_| &link);

            let expected = format!("{before}{link}{between}{link}{link}{after}");
            prop_assert_eq!(part.encoding(), "quoted-printable");
            prop_assert_eq!(decode(&out), with_crlf(&expected));
        }

        #[test]
        fn text_in_another_script_is_base64(
            before in "[а-я\n]{50,400}", after in "[ а-я\n]{0,100}", link in "https://[a-z]{0,100}",
        ) {
            let part = Part::new(&format!("{before}{}{after}", Mark::Confirm.text()));
            let mut out = Vec::new();

            part.write(&mut out, |_| &link);

            prop_assert_eq!(part.encoding(), "base64");
            let lines = String::from_utf8(out).unwrap();
            prop_assert!(lines.split("\r\n").all(|line| line.len() <= 76));
            let decoded = STANDARD.decode(lines.replace("\r\n", "")).unwrap();
            let expected = with_crlf(&format!("{before}{link}{after}"));
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), expected);
        }
    }
}
