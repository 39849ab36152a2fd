//! A Markdown file with front matter as an entry.

mod front_matter;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use url::Url;

use self::front_matter::FrontMatter;
use super::{date, dom, named};
use crate::{
    parts::{Author, Picture},
    sources::entry::Entry,
};

/// Reads a Markdown text with optional front matter, YAML-like between `---` or TOML between `+++`.
///
/// The title is that of the front matter, else a first heading of level one; the text does not
/// open with it again.
pub fn entry(text: &str, base: &Url) -> Entry {
    let (matter, body) = FrontMatter::split(text.trim_start_matches('\u{feff}'));
    let web = |keys: &[&str]| {
        matter
            .first(keys)
            .and_then(|href| dom::web_address(&href, base))
    };
    let date = |keys: &[&str]| matter.first(keys).as_deref().and_then(date::parse);

    let events: Vec<_> = Parser::new_ext(body, syntax()).collect();
    let stated = matter.first(&["title", "headline"]);
    let heading =
        first_heading(&events).filter(|(text, _)| stated.as_ref().is_none_or(|t| t == text));
    let (title, n_events) = heading.unwrap_or((stated.unwrap_or_default(), 0));
    let mut content = String::new();
    html::push_html(&mut content, events.into_iter().skip(n_events));
    let (content, named_related) = named::named_related(&content, base);

    let canonical = web(&["canonical", "canonical_url"]);
    Entry {
        guid: matter.first(&["guid", "id"]),
        url: web(&["url", "link", "permalink"])
            .or_else(|| canonical.clone())
            .or_else(|| Some(base.clone()).filter(dom::is_web)),
        canonical,
        title,
        summary: matter.first(&["summary", "description", "standfirst", "excerpt"]),
        content: Some(content).filter(|html| !html.trim().is_empty()),
        published: date(&["date", "published", "datepublished"]),
        modified: date(&["modified", "updated", "lastmod"]),
        authors: matter
            .all(&["authors", "author", "by"])
            .iter()
            .map(|text| author(text))
            .collect(),
        tags: matter.all(&["tags", "categories", "keywords"]),
        language: matter.first(&["language", "lang"]),
        picture: web(&["image", "picture"]).map(|url| Picture {
            url,
            alt: matter.first(&["image_alt", "picture_alt"]),
            caption: matter.first(&["image_caption", "picture_caption"]),
            credit: matter.first(&["image_credit", "picture_credit"]),
            width: None,
            height: None,
        }),
        named_related,
        ..Entry::default()
    }
}

fn syntax() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES
}

/// The text of a heading of level one that opens the text, and how many events it takes.
fn first_heading(events: &[Event<'_>]) -> Option<(String, usize)> {
    let Some(Event::Start(Tag::Heading {
        level: HeadingLevel::H1,
        ..
    })) = events.first()
    else {
        return None;
    };
    let is_end = |event: &Event<'_>| matches!(event, Event::End(TagEnd::Heading(_)));
    let end = events.iter().position(is_end)?;
    let words = events[1..end].iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(&**text),
        Event::SoftBreak | Event::HardBreak => Some(" "),
        _ => None,
    });
    Some((dom::squeeze(&words.collect::<String>()), end + 1))
}

/// `Ada Ames <ada@tide.example>`, or a name alone.
fn author(text: &str) -> Author {
    match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, email)) if email.contains('@') => Author {
            name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
            email: Some(email.trim().to_owned()),
            url: None,
        },
        _ => Author {
            name: Some(text.to_owned()),
            email: None,
            url: None,
        },
    }
}

#[cfg(test)]
mod tests;
