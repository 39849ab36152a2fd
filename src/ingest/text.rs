//! Plain text out of HTML.

use dom_query::{Document, NodeRef};

use super::{bounds, charset, tags::tags};

/// Elements whose text nobody reads.
const SILENT: [&str; 9] = [
    "script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head",
];
/// Elements that begin and end a paragraph.
const BLOCK: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];
/// Tags that a feed may write where it means plain text, so that they are markup, not prose.
const KNOWN: [&str; 30] = [
    "a",
    "abbr",
    "acronym",
    "b",
    "big",
    "blockquote",
    "br",
    "center",
    "cite",
    "code",
    "del",
    "div",
    "em",
    "font",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "u",
];

/// The text that a reader of `html` sees: a paragraph a line, references decoded, spaces folded.
///
/// Captions go with the pictures, which a plain text has none of; where there is nothing else, they
/// are the text.
pub fn from_html(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return fold(&charset::clean(html));
    }
    let document = Document::fragment(bounds::tame(html).as_ref());
    let told = told(&document, &["figcaption"]);
    if told.is_empty() {
        return self::told(&document, &[]);
    }
    told
}

/// The text of `document` without that of the `silent` elements.
fn told(document: &Document, silent: &[&str]) -> String {
    let mut text = String::new();
    let root = document.root();
    let mut next = root.first_child();
    while let Some(node) = next {
        let name = node.node_name();
        let name = name.as_deref().unwrap_or_default();
        if node.is_text() {
            text.extend(node.text().chars().map(|c| if c == '\n' { ' ' } else { c }));
        } else if name == "br" || BLOCK.contains(&name) {
            text.push('\n');
        } else if matches!(name, "td" | "th") {
            text.push(' ');
        }
        let child = if SILENT.contains(&name) || silent.contains(&name) {
            None
        } else {
            node.first_child()
        };
        next = child.or_else(|| leave(node, &root, &mut text));
    }
    fold(&charset::clean(&text))
}

/// The node after `node` and its descendants; a block that ends on the way ends its line.
fn leave<'a>(mut node: NodeRef<'a>, root: &NodeRef<'a>, text: &mut String) -> Option<NodeRef<'a>> {
    loop {
        if is_block(&node) {
            text.push('\n');
        }
        if let Some(sibling) = node.next_sibling() {
            return Some(sibling);
        }
        node = node.parent().filter(|parent| parent.id != root.id)?;
    }
}

pub(super) fn is_block(node: &NodeRef<'_>) -> bool {
    node.node_name()
        .is_some_and(|name| BLOCK.contains(&name.as_ref()))
}

/// One space between words, one line break between lines, none at the ends.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']) {
        for (n, word) in line.split_whitespace().enumerate() {
            if n > 0 {
                folded.push(' ');
            } else if !folded.is_empty() {
                folded.push('\n');
            }
            folded.push_str(word);
        }
    }
    folded
}

/// Plain text of something stated without a type, an RSS title for one: markup only where it
/// closes what it opens or stands for itself, since `The <b> tag` is prose.
pub(super) fn guessed(stated: &str) -> String {
    let text = if looks_like_html(stated) {
        from_html(stated).into()
    } else {
        charset::clean(stated)
    };
    one_line(&text)
}

/// As [`guessed`], but markup stays as it is: one more level of references is taken off text
/// without tags, so that `AT&amp;amp;T` reads as it was meant.
pub(super) fn guessed_text(stated: &str) -> String {
    if tags(stated).next().is_some() {
        one_line(&charset::clean(stated))
    } else {
        guessed(stated)
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn looks_like_html(text: &str) -> bool {
    let mut closes = false;
    for tag in tags(text) {
        if !tag.is(&KNOWN) {
            return false;
        }
        closes |= tag.is_end || tag.is(&["br", "img"]);
    }
    closes || has_reference(text)
}

fn has_reference(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let rest = rest.as_bytes();
        let end = rest.iter().take(32).position(|&b| b == b';');
        end.is_some_and(|n| {
            n > 1
                && rest[..n]
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || *b == b'#')
        })
    })
}

/// The beginning of a plain text in at most `max_chars` characters, cut after a sentence if one
/// ends in the second half, else after a word with an ellipsis.
pub fn summary(text: &str, max_chars: usize) -> String {
    let text = one_line(text);
    let Some((limit, _)) = text.char_indices().nth(max_chars) else {
        return text;
    };
    let head = &text[..limit];
    let sentence = head
        .rmatch_indices(['.', '!', '?', '…', '。', '！', '？'])
        .find(|(at, mark)| {
            let end = at + mark.len();
            text[end..].starts_with(' ') || !mark.is_ascii()
        });
    if let Some((at, mark)) = sentence.filter(|(at, _)| *at >= limit / 2) {
        return head[..at + mark.len()].to_owned();
    }
    let Some((room, _)) = head.char_indices().next_back() else {
        return String::new();
    };
    let word = if text[room..].starts_with(' ') {
        room
    } else {
        head[..room].rfind(' ').unwrap_or(room)
    };
    format!(
        "{}…",
        head[..word].trim_end_matches([',', ';', ':', '-', '–', ' '])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(from_html(html), expected, "{html}");
    }

    #[test]
    fn blocks_are_lines_and_inline_markup_is_none() {
        check(
            "<p>One <b>bold</b> word</p><p>two</p>",
            "One bold word\ntwo",
        );
        check("a<br>b<div>c<div>d</div></div>e", "a\nb\nc\nd\ne");
        check("<ul><li>x<li>y</ul>", "x\ny");
        check("<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3");
    }

    #[test]
    fn references_are_decoded_once() {
        check("AT&amp;T &lt;b&gt; &amp;amp; &nbsp;x", "AT&T <b> &amp; x");
        check("&#63743;&#146;", "’");
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        check("a<script>b</script><style>c</style><!-- d -->e", "ae");
    }

    #[test]
    fn captions_are_left_out_unless_they_are_all_there_is() {
        check(
            "<p>a</p><figure><img><figcaption>b</figcaption></figure>",
            "a",
        );
        check("<figure><img><figcaption>b</figcaption></figure>", "b");
    }

    #[test]
    fn a_title_without_a_type_is_guessed() {
        for (stated, expected) in [
            ("AT&amp;T", "AT&T"),
            ("The <b> tag", "The <b> tag"),
            ("<b>bold</b> move", "bold move"),
            ("&lt;b&gt;", "<b>"),
            ("1 < 2 & 3", "1 < 2 & 3"),
            ("Vec<T> for all</T>", "Vec<T> for all</T>"),
            (" two\n lines ", "two lines"),
        ] {
            assert_eq!(guessed(stated), expected);
        }
        assert_eq!(guessed_text("The <b>x</b> element"), "The <b>x</b> element");
    }

    #[test]
    fn a_summary_ends_where_a_reader_would_stop() {
        for (text, max, expected) in [
            ("Short.", 80, "Short."),
            (
                "One sentence here. Another that is cut",
                24,
                "One sentence here.",
            ),
            ("words without any end to them", 14, "words without…"),
            ("version 1.5 of everything there is", 16, "version 1.5 of…"),
            ("Donaudampfschifffahrt", 6, "Donau…"),
            ("x", 0, ""),
        ] {
            assert_eq!(summary(text, max), expected);
            assert!(summary(text, max).chars().count() <= max);
        }
    }
}
