//! Writes an OPML 2.0 list.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::Outline;
use crate::ingest::charset;

/// The list that [`super::read()`] reads back as `outlines`, as long as those of one folder stand
/// together.
pub fn write(title: &str, outlines: &[Outline], now: DateTime<Utc>) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  <head>\n    \
         <title>{}</title>\n    <dateCreated>{}</dateCreated>\n  </head>\n  <body>\n",
        escaped(title),
        now.format("%a, %d %b %Y %H:%M:%S GMT"),
    );
    let mut open: Vec<&str> = Vec::new();
    for outline in outlines {
        let common = open
            .iter()
            .zip(&outline.folders)
            .take_while(|(open, folder)| **open == folder.as_str())
            .count();
        close(&mut text, &mut open, common);
        for folder in &outline.folders[common..] {
            indent(&mut text, open.len());
            let name = escaped(folder);
            let _ = writeln!(text, "<outline text=\"{name}\" title=\"{name}\">");
            open.push(folder);
        }
        indent(&mut text, open.len());
        let (title, address) = (escaped(&outline.title), escaped(&outline.address));
        let _ = writeln!(
            text,
            "<outline type=\"rss\" text=\"{title}\" title=\"{title}\" xmlUrl=\"{address}\"/>"
        );
    }
    close(&mut text, &mut open, 0);
    text + "  </body>\n</opml>\n"
}

fn close(text: &mut String, open: &mut Vec<&str>, down_to: usize) {
    while open.len() > down_to {
        open.pop();
        indent(text, open.len());
        text.push_str("</outline>\n");
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth + 2));
}

/// Without what XML 1.0 cannot hold (section 2.2).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in charset::clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
