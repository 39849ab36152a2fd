//! RSS 0.90 to 2.0 and the RDF family, with the modules in common use.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    construct, date, fields, media, person, text,
    xml::{self, Element, Space},
};
use crate::{
    parts::{Attribution, Author},
    sources::entry::{Document, Entry, Format},
};

/// Reads a `channel` that came from `at`. Items are those of `items`: RDF keeps them beside it.
pub(super) fn document(
    channel: &Element<'_>,
    items: &[&Element<'_>],
    format: Format,
    at: &Url,
) -> Document {
    let home_page_url = link(channel, at).filter(fields::is_web);
    let site = home_page_url.as_ref().unwrap_or(at);
    let description = ["description", "tagline", "subtitle", "abstract"]
        .iter()
        .find_map(|name| channel.first(Space::Core, name).map(Element::html))
        .map(Cow::into_owned)
        .or_else(|| channel.text_of(Space::Dc, "description"))
        .or_else(|| {
            ["summary", "subtitle"]
                .iter()
                .find_map(|name| channel.text_of(Space::Itunes, name))
        })
        .or_else(|| {
            channel
                .first(Space::Atom, "subtitle")
                .and_then(construct::html)
        });
    let document = Document {
        format: Some(format),
        title: title(channel),
        description: description
            .map(|html| text::from_html(&html))
            .filter(|text| !text.is_empty()),
        language: channel
            .text_of(Space::Core, "language")
            .map(|tag| fields::language_tag(&tag))
            .or_else(|| fields::language(channel)),
        authors: authors(channel, site),
        hints: fields::hints(channel),
        hub: fields::hub(channel, at),
        entries: items.iter().map(|item| entry(item, site)).collect(),
        ..Document::default()
    };
    Document {
        home_page_url,
        ..document
    }
}

fn entry(item: &Element<'_>, site: &Url) -> Entry {
    let guid = item.first(Space::Core, "guid");
    let is_permalink = guid.is_some_and(|guid| {
        guid.attribute("ispermalink")
            .is_none_or(|is| !is.eq_ignore_ascii_case("false"))
    });
    let guid = guid.and_then(Element::stated);
    let linked_guid = || {
        guid.as_deref()
            .filter(|_| is_permalink)
            .and_then(|guid| Url::parse(guid).ok())
            .filter(fields::is_web)
    };
    let url = link(item, site).or_else(linked_guid);
    let about = || {
        item.attribute_in(Space::Rdf, "about")
            .or_else(|| item.attribute("about"))
            .map(str::to_owned)
    };
    let content = content(item);
    let summary = summary(item);
    let attachments = fields::attachments(item, site);
    let picture = media::picture(item, &attachments, site);
    Entry {
        guid_is_permalink: guid.is_some() && is_permalink,
        guid: guid
            .or_else(about)
            .or_else(|| item.first(Space::Atom, "id").and_then(Element::stated)),
        url,
        canonical: fields::original(item),
        title: title(item).unwrap_or_default(),
        summary,
        content,
        base: Some(site.clone()),
        published: published(item),
        modified: modified(item),
        authors: authors(item, site),
        tags: fields::tags(item),
        language: item
            .text_of(Space::Core, "language")
            .map(|tag| fields::language_tag(&tag))
            .or_else(|| fields::language(item)),
        picture,
        attachments,
        named_related: fields::related(item, site),
        source: source(item, site),
        ..Entry::default()
    }
}

fn title(element: &Element<'_>) -> Option<String> {
    let plain = |e: &Element<'_>| Some(text::guessed(&e.html())).filter(|title| !title.is_empty());
    let core = || element.all(Space::Core, "title").find_map(plain);
    let dc = || element.all(Space::Dc, "title").find_map(plain);
    let atom = || {
        element
            .all(Space::Atom, "title")
            .map(construct::title)
            .find(|title| !title.is_empty())
    };
    core()
        .or_else(dc)
        .or_else(atom)
        .or_else(|| media::title(element))
}

/// The address of the page, as text (RSS), or as Atom and CDF put it.
fn link(element: &Element<'_>, site: &Url) -> Option<Url> {
    let stated = |e: &Element<'_>| e.resolve(&e.stated()?, site);
    let written = element.all(Space::Core, "link").find_map(stated);
    let page = || fields::alternate(element, site);
    written
        .or_else(page)
        .or_else(|| element.resolve(element.attribute("href")?, site))
}

fn content(item: &Element<'_>) -> Option<String> {
    let stated = |e: &Element<'_>| construct::based(e, &e.html());
    let encoded = || item.all(Space::Content, "encoded").find_map(stated);
    let atom = || item.all(Space::Atom, "content").find_map(construct::html);
    let body = |e: &&Element<'_>| {
        matches!(
            (e.space, &*e.name),
            (Space::Xhtml, "body" | "div")
                | (Space::Core, "body" | "fullitem" | "content" | "encoded")
        )
    };
    let inline = || item.elements().filter(body).find_map(stated);
    // Where an item has both, the description is the long one.
    let described = || {
        item.first(Space::Core, "summary")?;
        item.all(Space::Core, "description").find_map(stated)
    };
    encoded().or_else(atom).or_else(inline).or_else(described)
}

fn summary(item: &Element<'_>) -> Option<String> {
    let stated = |e: &Element<'_>| construct::based(e, &e.html());
    let named = |space, names: &[&str]| {
        names
            .iter()
            .find_map(|name| item.all(space, name).find_map(stated))
    };
    named(Space::Core, &["summary", "description", "abstract"])
        .or_else(|| item.all(Space::Atom, "summary").find_map(construct::html))
        .or_else(|| named(Space::Dc, &["description", "abstract"]))
        .or_else(|| named(Space::Itunes, &["summary", "subtitle"]))
        .or_else(|| media::description(item).map(|text| xml::escape(&text)))
}

fn published(item: &Element<'_>) -> Option<DateTime<Utc>> {
    let of = |space, name| item.all(space, name).find_map(|e| date::parse(&e.text()));
    of(Space::Core, "pubdate")
        .or_else(|| of(Space::Atom, "published"))
        .or_else(|| fields::dc_date(item))
        .or_else(|| of(Space::Core, "date"))
        .or_else(|| of(Space::Core, "published"))
}

fn modified(item: &Element<'_>) -> Option<DateTime<Utc>> {
    let of = |space, name| item.all(space, name).find_map(|e| date::parse(&e.text()));
    of(Space::Atom, "updated")
        .or_else(|| of(Space::Dc, "modified"))
        .or_else(|| of(Space::Core, "lastbuilddate"))
        .or_else(|| item.attribute("lastmod").and_then(date::parse))
}

fn authors(element: &Element<'_>, site: &Url) -> Vec<Author> {
    let authors = fields::authors(element, site);
    if !authors.is_empty() {
        return authors;
    }
    let editors = ["managingeditor", "webmaster"]
        .iter()
        .find_map(|name| element.first(Space::Core, name));
    let owner = || element.first(Space::Itunes, "owner");
    editors
        .or_else(owner)
        .and_then(|element| person::read(element, site))
        .into_iter()
        .collect()
}

fn source(item: &Element<'_>, site: &Url) -> Option<Attribution> {
    let source = item
        .elements()
        .find(|e| e.name == "source" && matches!(e.space, Space::Core | Space::Atom))?;
    let attribution = fields::attribution(source, site);
    (attribution != Attribution::default()).then_some(attribution)
}
