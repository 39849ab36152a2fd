//! The tags of an HTML text, found as an HTML parser finds them (WHATWG HTML, section 13.2.5) but
//! without building a tree: in linear time whatever the text.

use std::ops::Range;

/// Attributes of one tag; the others are passed over.
const ATTRIBUTES: usize = 64;

/// A start or end tag as written.
pub(super) struct Tag<'a> {
    /// As written; compare without regard to case.
    pub(super) name: &'a str,
    pub(super) is_end: bool,
    /// Where it stands in the text, from `<` to after `>`.
    pub(super) span: Range<usize>,
    /// Those that have a value.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// How many there are, with and without value.
    pub(super) n_attributes: usize,
}

/// A value as written, with character references; none is empty.
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Where the value stands in the text, without its quotes.
    pub(super) span: Range<usize>,
}

impl<'a> Tag<'a> {
    pub(super) fn is(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let found = self
            .attributes
            .iter()
            .find(|a| a.name.eq_ignore_ascii_case(name))?;
        Some(found.value)
    }
}

/// Every tag of `text` in order. Comments are passed over; a `<` that opens no tag is text.
pub(super) fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..].find('<')?;
            let rest = &text[start + 1..];
            let is_end = rest.starts_with('/');
            let named = start + 1 + usize::from(is_end);
            if text[named..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                let tag = tag(text, start, named, is_end)?;
                at = tag.span.end;
                return Some(tag);
            }
            at = start + 1 + passed(rest, is_end)?;
        }
    })
}

/// How much of `rest`, which follows a `<` that opens no tag, belongs to it; none if all does.
fn passed(rest: &str, is_end: bool) -> Option<usize> {
    if rest.starts_with("!--") {
        // `<!-->` is a whole comment, `<!--!>` is not.
        let ends = |at: usize| {
            let body = &rest[..at];
            body.ends_with("--") || at >= "!----!".len() && body.ends_with("--!")
        };
        return rest
            .match_indices('>')
            .find(|(at, _)| ends(*at))
            .map(|(at, _)| at + 1);
    }
    if is_end || rest.starts_with(['!', '?']) {
        return rest.find('>').map(|n| n + 1);
    }
    Some(0)
}

/// None where the text ends inside the tag.
fn tag(text: &str, start: usize, named: usize, is_end: bool) -> Option<Tag<'_>> {
    let bytes = text.as_bytes();
    let ends_name = |b: u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>');
    let mut at = position(bytes, named, ends_name)?;
    let name = &text[named..at];
    let mut tag = Tag {
        name,
        is_end,
        span: start..at,
        attributes: Vec::new(),
        n_attributes: 0,
    };
    loop {
        at = position(bytes, at, |b| !b.is_ascii_whitespace() && b != b'/')?;
        if bytes[at] == b'>' {
            tag.span.end = at + 1;
            return Some(tag);
        }
        // An attribute's name may begin with `=`.
        let name_end = position(bytes, at + 1, |b| ends_name(b) || b == b'=')?;
        let name = &text[at..name_end];
        tag.n_attributes += 1;
        at = position(bytes, name_end, |b| !b.is_ascii_whitespace())?;
        if bytes[at] != b'=' {
            continue;
        }
        let open = position(bytes, at + 1, |b| !b.is_ascii_whitespace())?;
        let span = match bytes[open] {
            quote @ (b'"' | b'\'') => open + 1..position(bytes, open + 1, |b| b == quote)?,
            _ => open..position(bytes, open, |b| b.is_ascii_whitespace() || b == b'>')?,
        };
        at = span.end + usize::from(matches!(bytes[open], b'"' | b'\''));
        if !span.is_empty() && tag.attributes.len() < ATTRIBUTES {
            tag.attributes.push(Attribute {
                name,
                value: &text[span.clone()],
                span,
            });
        }
    }
}

/// The first place from `from` on whose byte is `wanted`.
fn position(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    bytes
        .get(from..)?
        .iter()
        .position(|&b| wanted(b))
        .map(|n| from + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let written = tags(text).map(|tag| {
            let values = tag
                .attributes
                .iter()
                .map(|a| format!(" {}={}", a.name, a.value));
            format!(
                "{}{}{}",
                if tag.is_end { "/" } else { "" },
                tag.name,
                values.collect::<String>()
            )
        });
        assert_eq!(written.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn tags_are_found_as_an_html_parser_finds_them() {
        check("a<b>c</b>", &["b", "/b"]);
        check("<a href='>' b=\"<i>\" c=d/e f>", &["a href=> b=<i> c=d/e"]);
        check("<br/><a/b=1>", &["br", "a b=1"]);
        check("1 < 2 <3> <é>", &[]);
        check("<a =\"><b>\">", &["a", "b"]);
        check("<a b=c'><i>", &["a b=c'", "i"]);
    }

    #[test]
    fn comments_and_what_looks_like_them_are_passed_over() {
        check("<!-- <a> --><b>", &["b"]);
        check("<!--><b><!---><c><!-- --!><d>", &["b", "c", "d"]);
        check("<!x <a><b><?x <c><d></ <e><f>", &["b", "d", "f"]);
        check("<!--!><a>--><b>", &["b"]);
        check("<!-- <a>", &[]);
    }
}
