//! The canonicalisation "relaxed/relaxed" of RFC 6376, section 3.4: what mail servers do to white
//! space and to the case of header names on the way leaves a signature whole.

use std::iter;

use memchr::memchr;

/// One field of a head: its name, and its value as it stands, folds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// None if `field` has no colon.
    pub(super) fn parse(field: &'a [u8]) -> Option<Self> {
        let colon = field.iter().position(|byte| *byte == b':')?;
        let (name, rest) = field.split_at(colon);
        Some(Field {
            name: name.trim_ascii_end(),
            value: &rest[1..],
        })
    }

    /// Tells whether this is the field of that name, whatever its case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Writes the field without the end of its line (RFC 6376, section 3.4.2).
    pub(super) fn write_relaxed(&self, out: &mut Vec<u8>) {
        out.extend(self.name.to_ascii_lowercase());
        out.push(b':');
        let start = out.len();
        let words = self.value.split(|byte| b" \t\r\n".contains(byte));
        for word in words.filter(|word| !word.is_empty()) {
            if out.len() > start {
                out.push(b' ');
            }
            out.extend(word);
        }
    }
}

/// Cuts a message into its head, the last line's end included, and its body.
pub(super) fn split(message: &[u8]) -> (&[u8], &[u8]) {
    const EMPTY_LINE: &[u8] = b"\r\n\r\n";
    let end = message
        .windows(EMPTY_LINE.len())
        .position(|bytes| bytes == EMPTY_LINE);
    match end {
        Some(at) => (&message[..at + 2], &message[at + EMPTY_LINE.len()..]),
        None => (message, &[]),
    }
}

/// The fields of a head, from top to bottom.
pub(super) fn fields(head: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut start = 0;
    for (at, byte) in head.iter().enumerate() {
        let continues = matches!(head.get(at + 1), Some(b' ' | b'\t'));
        if *byte == b'\n' && !continues {
            fields.extend(Field::parse(&head[start..at]));
            start = at + 1;
        }
    }
    fields
}

/// Writes the fields that `names` lists, each with the end of its line.
///
/// A name that is listed again takes the next field of that name further up; one that is listed more
/// often than it stands takes nothing, and so forbids that one is added (RFC 6376, section 5.4.2).
pub(super) fn write_fields(fields: &[Field<'_>], names: &[&str], out: &mut Vec<u8>) {
    for (n, name) in names.iter().enumerate() {
        let earlier = names[..n]
            .iter()
            .filter(|other| other.eq_ignore_ascii_case(name));
        let mut upwards = fields.iter().rev().filter(|field| field.is(name));
        if let Some(field) = upwards.nth(earlier.count()) {
            field.write_relaxed(out);
            out.extend(b"\r\n");
        }
    }
}

/// Hands the body over, piece by piece (RFC 6376, section 3.4.4). Its lines end with CRLF.
///
/// Lines that are relaxed already, as nearly all are, go together in one piece.
pub(super) fn relaxed_body(body: &[u8], mut take: impl FnMut(&[u8])) {
    let body = without_empty_lines(body);
    let mut squeezed = Vec::new();
    let mut from = 0;
    let mut at = 0;
    for line in lines(body) {
        if !is_relaxed(line) {
            take(&body[from..at]);
            squeeze(without_end(line), &mut squeezed);
            take(&squeezed);
            take(b"\r\n");
            from = at + line.len();
        }
        at += line.len();
    }
    take(&body[from..]);
}

/// Lines with their ends.
fn lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// A body up to the end of its last line that has more than white space.
fn without_empty_lines(body: &[u8]) -> &[u8] {
    let Some(last) = body.iter().rposition(|byte| !b" \t\r\n".contains(byte)) else {
        return &[];
    };
    let end = body[last..].iter().position(|byte| *byte == b'\n');
    end.map_or(body, |end| &body[..=last + end])
}

/// A line without CRLF, and without the white space before it.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
    &line[..end.map_or(0, |at| at + 1)]
}

/// Tells whether a line ends with CRLF and has single spaces only, none of them at its end.
fn is_relaxed(line: &[u8]) -> bool {
    // Both folds look at every byte, so that many are looked at in one instruction.
    let has_tab = line.iter().fold(false, |has, byte| has | (*byte == b'\t'));
    let pairs = line.iter().zip(line.get(1..).unwrap_or_default());
    let has_run = pairs.fold(false, |has, (one, next)| {
        has | ((*one == b' ') & ((*next == b' ') | (*next == b'\r')))
    });
    line.ends_with(b"\r\n") && !has_tab && !has_run
}

fn squeeze(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for byte in line {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            byte => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_body(body: &str, expected: &str) {
        let mut canonical = Vec::new();
        relaxed_body(body.as_bytes(), |piece| canonical.extend(piece));
        assert_eq!(String::from_utf8(canonical).unwrap(), expected);
    }

    #[track_caller]
    fn check_head(head: &str, names: &[&str], expected: &str) {
        let mut canonical = Vec::new();
        write_fields(&fields(head.as_bytes()), names, &mut canonical);
        assert_eq!(String::from_utf8(canonical).unwrap(), expected);
    }

    #[test]
    fn white_space_and_empty_lines_at_the_end_do_not_count_in_a_body() {
        // The example of RFC 6376, section 3.4.5.
        check_body(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
        check_body("", "");
        check_body("\r\n\r\n", "");
        check_body("\r\n \t\r\na", "\r\n\r\na\r\n");
        check_body(".\r\n..\r\n", ".\r\n..\r\n");
        check_body("\t\ta  b\t\r\n", " a b\r\n");
        check_body("a\r\nb \r\nc\r\n\t", "a\r\nb\r\nc\r\n");
        check_body("a\r\n\r\nb", "a\r\n\r\nb\r\n");
    }

    proptest! {
        #[test]
        fn a_body_in_pieces_is_a_body_line_by_line(lines in prop::collection::vec("[ab \t]{0,6}", 0..12)) {
            let body = lines.join("\r\n");
            let relaxed: Vec<_> = lines
                .iter()
                .map(|line| {
                    let mut line = line.replace('\t', " ");
                    while line.contains("  ") {
                        line = line.replace("  ", " ");
                    }
                    line.trim_end().to_owned()
                })
                .collect();
            let expected = relaxed.join("\r\n");
            let expected = expected.trim_end_matches("\r\n");
            let end = if expected.is_empty() { "" } else { "\r\n" };
            check_body(&body, &format!("{expected}{end}"));
        }
    }

    #[test]
    fn folds_and_the_case_of_names_do_not_count_in_a_head() {
        // The example of RFC 6376, section 3.4.5.
        check_head(
            "A: X\r\nB : Y\t\r\n\tZ  \r\n",
            &["a", "b"],
            "a:X\r\nb:Y Z\r\n",
        );
        check_head(
            "List-Id:\r\n The <x>\r\n",
            &["LIST-ID"],
            "list-id:The <x>\r\n",
        );
    }

    #[test]
    fn a_name_that_is_listed_again_takes_the_next_field_further_up() {
        let head = "From: a\r\nTo: t\r\nFrom: b\r\n";
        check_head(head, &["from"], "from:b\r\n");
        check_head(
            head,
            &["from", "cc", "from", "from"],
            "from:b\r\nfrom:a\r\n",
        );
    }

    #[test]
    fn a_message_is_cut_at_its_first_empty_line() {
        assert_eq!(
            split(b"A: b\r\n\r\nc\r\n\r\n"),
            (&b"A: b\r\n"[..], &b"c\r\n\r\n"[..])
        );
        assert_eq!(split(b"A: b\r\n"), (&b"A: b\r\n"[..], &b""[..]));
    }
}
