//! What HTML may cost. A parser's work grows with the square of what a text leaves open, so that
//! a short one can keep it busy for minutes; such a text is reduced to its words first.

use std::borrow::Cow;

use super::{
    tags::{Tag, tags},
    xml,
};

/// Elements open at once. Mails made of nested tables come to 60.
const DEPTH: usize = 200;
const TAGS: usize = 50_000;
const ATTRIBUTES: usize = 200;
/// Open formatting elements summed over all tags: a parser opens them anew in each paragraph.
const REOPENED: usize = 300_000;

/// Characters to escape times bytes: writing a text takes that long.
const ESCAPES: u64 = 20_000_000_000;

const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];
/// Closed by the next of their kind, so that they nest no deeper than what holds them.
const IMPLIED: [&str; 16] = [
    "p", "li", "dd", "dt", "tr", "td", "th", "tbody", "thead", "tfoot", "colgroup", "option",
    "optgroup", "rb", "rp", "rt",
];
const FORMATTING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// An end tag does not reach past these.
const BARRIERS: [&str; 8] = [
    "applet", "button", "marquee", "math", "object", "svg", "table", "template",
];
/// No end tag of an unknown element reaches past these either.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "header",
    "main",
    "nav",
    "ol",
    "pre",
    "section",
    "select",
    "summary",
    "ul",
    "iframe",
];
/// What is inside is text, but not within `svg` and `math`.
const RAW: [&str; 9] = [
    "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript",
];

/// `html` itself, or only its words where parsing it would cost too much.
pub(super) fn tame(html: &str) -> Cow<'_, str> {
    let n_escapes = html.matches(['&', '\u{a0}']).count();
    if n_escapes as u64 * html.len() as u64 > ESCAPES {
        return Cow::Owned(tame(&html.replace(['&', '\u{a0}'], " ")).into_owned());
    }
    if is_bounded(html) {
        Cow::Borrowed(html)
    } else {
        Cow::Owned(words(html))
    }
}

/// Tells whether a parser reads `html` in time that its length bounds.
pub(super) fn is_bounded(html: &str) -> bool {
    let mut open: Vec<Tag<'_>> = Vec::new();
    let mut raw: Option<&str> = None;
    let (mut n_formatting, mut reopened) = (0, 0);
    for (n, tag) in tags(html).enumerate() {
        if let Some(name) = raw {
            // Inside SVG this is no raw text, and where SVG ends is hard to tell: until it surely has,
            // what opens is counted and what closes is not.
            let is_foreign = open.iter().any(|tag| tag.is(&["svg", "math"]));
            if tag.is_end && tag.name.eq_ignore_ascii_case(name) {
                raw = None;
            } else if tag.is_end || !is_foreign {
                continue;
            }
        }
        reopened += n_formatting;
        if n >= TAGS || tag.n_attributes > ATTRIBUTES || reopened > REOPENED {
            return false;
        }
        if tag.is(&VOID) || tag.is(&IMPLIED) {
            continue;
        }
        if tag.is_end {
            if let Some(closed) = closed_by(&tag, &open) {
                n_formatting -= usize::from(open[closed].is(&FORMATTING));
                open.remove(closed);
            }
            continue;
        }
        n_formatting += usize::from(tag.is(&FORMATTING));
        raw = raw.or_else(|| tag.is(&RAW).then_some(tag.name));
        open.push(tag);
        if open.len() > DEPTH {
            return false;
        }
    }
    true
}

/// Which open element an end tag closes; what is open inside it counts as open still.
fn closed_by(end: &Tag<'_>, open: &[Tag<'_>]) -> Option<usize> {
    let is_special = end.is(&FORMATTING) || end.is(&BLOCKS);
    for (n, tag) in open.iter().enumerate().rev() {
        if tag.name.eq_ignore_ascii_case(end.name) {
            return Some(n);
        }
        if tag.is(&BARRIERS) || !is_special && tag.is(&BLOCKS) {
            return None;
        }
    }
    None
}

/// What stands between the tags, as HTML without any.
fn words(html: &str) -> String {
    let mut words = String::new();
    let mut from = 0;
    for tag in tags(html) {
        words.push_str(&html[from..tag.span.start].replace('<', "&lt;"));
        words.push(' ');
        from = tag.span.end;
    }
    words + &xml::escape(&html[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_bounded() {
        for html in [
            "<p>x".repeat(10_000),
            "<ul><li>a<li>b</ul>".repeat(1000),
            "<div><b>x</b> <a href=x>y</a><br><img src=z></div>".repeat(2000),
            format!("{}x{}", "<table><tr><td>".repeat(60), "</table>".repeat(60)),
            "<p><b>x</p>".repeat(150),
        ] {
            assert!(is_bounded(&html), "{}", &html[..40]);
        }
    }

    #[test]
    fn a_text_of_nothing_but_references_loses_them() {
        assert_eq!(tame(&"&a".repeat(150_000)), " a".repeat(150_000));
        assert_eq!(tame(&"\u{a0}a".repeat(150_000)), " a".repeat(150_000));
        assert_eq!(tame("&a&amp;"), "&a&amp;");
    }

    #[test]
    fn what_would_keep_a_parser_busy_is_reduced_to_words() {
        for html in [
            "<div>x".repeat(10_000),
            "<p><b>x</p>".repeat(10_000),
            "<div><marquee></div>x".repeat(10_000),
            format!("{}{}", "<b>".repeat(199), "<p>x".repeat(10_000)),
            format!("<a {}>x", "b ".repeat(10_000)),
            "<div><!--><div>--><textarea></div></textarea>x".repeat(10_000),
            format!(
                "<svg><p>{}",
                "<div><textarea></div></textarea>x".repeat(10_000)
            ),
            "<div title='</div>'>x".repeat(10_000),
        ] {
            let tamed = tame(&html);
            assert!(
                !tamed.contains('<') && tamed.contains('x'),
                "{}",
                &html[..40]
            );
        }
    }
}
