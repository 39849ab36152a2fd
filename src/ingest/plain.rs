//! A plain text file as an entry.

use url::Url;

use super::{charset, dom, xml::escape};
use crate::sources::entry::Entry;

/// Reads a text whose paragraphs are parted by empty lines. The first line is the title, unless
/// it is a paragraph.
pub(super) fn entry(bytes: &[u8], base: &Url) -> Entry {
    let text = charset::decode(bytes, None).text;
    let text = charset::clean(&text);
    let text = text.trim_matches(['\u{feff}', '\n', '\r', ' ']);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let stands_alone =
        rest.trim().is_empty() || rest.trim_start_matches([' ', '\r']).starts_with('\n');
    let (title, body) = match stands_alone && first.chars().count() <= LONGEST_TITLE {
        true => (dom::squeeze(first), rest),
        false => (String::new(), text),
    };
    let mut paragraphs = vec![String::new()];
    for line in body.lines().map(dom::squeeze) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() && last.is_empty() => *last = line,
            Some(last) if !line.is_empty() => *last = format!("{last} {line}"),
            _ => paragraphs.push(String::new()),
        }
    }
    let html: Vec<String> = paragraphs
        .iter()
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{}</p>", escape(paragraph)))
        .collect();
    Entry {
        title,
        url: Some(base.clone()).filter(dom::is_web),
        content: Some(html.join("\n")).filter(|html| !html.is_empty()),
        ..Entry::default()
    }
}

/// In characters.
const LONGEST_TITLE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, title: &str, content: Option<&str>) {
        let base = Url::parse("file:///desk/a.txt").unwrap();
        let entry = entry(text.as_bytes(), &base);
        assert_eq!((&*entry.title, entry.content.as_deref()), (title, content));
    }

    #[test]
    fn a_first_line_that_stands_alone_is_the_title() {
        check(
            "\u{feff}Ferry  late\r\n\r\nThe ferry\r\nis <late> & slow.\r\n\r\n\r\nSo it is.\r\n",
            "Ferry late",
            Some("<p>The ferry is &lt;late&gt; &amp; slow.</p>\n<p>So it is.</p>"),
        );
        check("Alone", "Alone", None);
        check("Not alone\nat all", "", Some("<p>Not alone at all</p>"));
        check("", "", None);
    }
}
