//! Header fields with text from outside: one line, encoded for mail (RFC 2047).

use base64::{Engine, engine::general_purpose::STANDARD};
use lettre::{
    Address,
    message::{
        Mailbox, Mailboxes,
        header::{self, Headers},
    },
};

/// Free text in a header is clipped here: what is longer is a mistake or an attack.
const MAX_HEADER_CHARS: usize = 200;

/// How an encoded word begins.
const ENCODED: &str = "=?";

/// Columns of a line that has encoded words (RFC 2047, section 2).
const LINE: usize = 76;

pub(super) fn subject(text: &str) -> String {
    let text = one_line(text);
    if text.contains(ENCODED) {
        return format!("Subject: {}\r\n", encoded_words(&text, "Subject: ".len()));
    }
    let mut headers = Headers::new();
    headers.set(header::Subject::from(text));
    headers.to_string()
}

/// A header of a name and, in angle brackets, what it is the name of.
pub(super) fn named(header: &str, name: &str, of: &str) -> String {
    let name = phrase(&one_line(name), header.len() + 2);
    let last_line = name.len() - name.rfind('\n').map_or(0, |at| at + 1);
    let between = match last_line {
        0 => "",
        n if header.len() + n + of.len() <= 72 => " ",
        _ => "\r\n ",
    };
    format!("{header}: {name}{between}<{of}>\r\n")
}

/// Quotes or encodes a name (RFC 5322, section 3.2.5; RFC 2047, section 5) as lettre does in From.
fn phrase(name: &str, column: usize) -> String {
    if is_plain(name) {
        return match name.contains(' ') {
            true => ["\"", name, "\""].concat(),
            false => name.to_owned(),
        };
    }
    if name.contains(ENCODED) {
        return encoded_words(name, column);
    }
    // The address is cut off again.
    let mailbox = Mailbox::new(Some(name.to_owned()), Address::new_dangerous("x", "x"));
    let mut headers = Headers::new();
    headers.set(header::From::from(Mailboxes::from(mailbox)));
    let line = headers.to_string();
    let value = line.strip_prefix("From: ").unwrap_or(&line);
    let phrase = value
        .rsplit_once('<')
        .map_or("", |(phrase, _)| phrase.trim_end());
    // lettre leaves `J.R.` bare, which RFC 5322 calls obsolete.
    if phrase.contains('.') && !phrase.starts_with(['"', '=']) {
        format!("\"{phrase}\"")
    } else {
        phrase.to_owned()
    }
}

/// Tells whether a name needs neither encoding nor a fold, as most do not.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    name.len() <= 50 && name.bytes().all(is_plain)
}

/// Text as encoded words alone, the first of which starts in `column`.
///
/// lettre leaves half an encoded word as it is; readers that look for the other half find it in a word
/// of ours, and garble both.
fn encoded_words(text: &str, column: usize) -> String {
    let room = |column: usize| (LINE - column - "=?utf-8?b??=".len()) / 4 * 3;
    let mut words = vec![String::new()];
    let mut left = room(column);
    for c in text.chars() {
        if c.len_utf8() > left {
            words.push(String::new());
            left = room(" ".len());
        }
        left -= c.len_utf8();
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let encoded = words
        .iter()
        .map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word)));
    encoded.collect::<Vec<_>>().join("\r\n ")
}

/// Drops what could end a header (CWE-93), and what makes lettre panic: every control character.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(MAX_HEADER_CHARS).collect();
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_written_as_lettre_writes_it() {
        for (name, field) in [
            ("", "To: <ann@example.net>\r\n"),
            ("Ann", "To: Ann <ann@example.net>\r\n"),
            ("Ann Lee 3", "To: \"Ann Lee 3\" <ann@example.net>\r\n"),
            ("Ann-Lee", "To: Ann-Lee <ann@example.net>\r\n"),
            ("Ann-Lee 3", "To: \"Ann-Lee 3\" <ann@example.net>\r\n"),
        ] {
            assert_eq!(named("To", name, "ann@example.net"), field);
        }
    }

    #[test]
    fn half_an_encoded_word_is_encoded() {
        let field = subject("=?utf-8?b?4piD and more\r\nBcc: x");
        assert_eq!(
            field,
            "Subject: =?utf-8?b?PT91dGYtOD9iPzRwaUQgYW5kIG1vcmUgQmNjOiB4?=\r\n"
        );
        let field = named("To", "a =?x", "ann@example.net");
        assert_eq!(field, "To: =?utf-8?b?YSA9P3g=?= <ann@example.net>\r\n");
    }

    #[test]
    fn long_text_is_cut_between_characters_into_lines_of_76() {
        let text = format!("=?{}", "é字😀".repeat(40));
        for field in [subject(&text), named("List-Id", &text, "a.example.org")] {
            let (_, value) = field.split_once(": ").unwrap();
            let words: Vec<_> = value.split_whitespace().collect();
            let words: String = words
                .iter()
                .filter_map(|word| word.strip_prefix("=?utf-8?b?")?.strip_suffix("?="))
                .map(|word| String::from_utf8(STANDARD.decode(word).unwrap()).unwrap())
                .collect();
            assert_eq!(words, text);
            assert!(
                field.split("\r\n").all(|line| line.len() <= LINE),
                "{field}"
            );
        }
    }
}
