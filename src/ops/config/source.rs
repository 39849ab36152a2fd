//! `[[source]]`: what each of its keys means.

use std::time::Duration;

use toml::Value;

use super::{
    reader::{Section, World},
    rules::read_rules,
    value::{duration, list, number, text, truth, words},
};
use crate::{
    id::{SourceName, TopicSlug},
    ingest::listing,
    sources::{
        FeedUrl, FullText, Origin, Source,
        page::{Listing, Select},
        push::PushToken,
    },
};

/// The token of a source that is pushed to; one in a file goes before one that stands here.
fn read_push(section: &Section<'_>) -> Option<PushToken> {
    let push = section.optional("push", |value| match value.as_bool() {
        Some(true) => Ok(()),
        _ => Err("must be true, or left out".to_owned()),
    });
    let in_file = section.optional("token_file", |value| {
        let path = section.folder("token_file").join(words(value)?);
        let text = std::fs::read_to_string(&path)
            .map_err(|err| format!("{} cannot be read: {err}", path.display()))?;
        let token = text.trim_end().parse();
        token.map_err(|err| format!("the token in {} {err}", path.display()))
    });
    let token = in_file.or(section.optional("token", text::<PushToken>));
    let is_stated = section.has("token") || section.has("token_file");
    match (section.has("push"), is_stated) {
        (true, false) => section.report("token", "is missing: `push = true` needs one".to_owned()),
        (false, true) => section.report("push", "is missing beside a token".to_owned()),
        _ => {}
    }
    push.and(token)
}

/// The name of one of `sources`.
pub(super) fn known_source(sources: &[Source]) -> impl Fn(&Value) -> Result<SourceName, String> {
    move |value| {
        let name: SourceName = text(value)?;
        match sources.iter().any(|source| source.name == name) {
            true => Ok(name),
            false => Err(format!("there is no source named `{name}`")),
        }
    }
}

pub(super) fn read_source(section: &Section<'_>) -> Option<Source> {
    let name: Option<SourceName> = section.required("name", text);
    let title = section.optional("title", words);
    let feed = section.optional("feed", text::<FeedUrl>).map(Origin::Feed);
    let folder = section.optional("folder", |value| {
        let path = section.folder("folder").join(words(value)?);
        if section.world() == World::Checked {
            std::fs::read_dir(&path)
                .map_err(|err| format!("{} cannot be read: {err}", path.display()))?;
        }
        Ok(Origin::Folder(path))
    });
    let page = read_page(section);
    let push = read_push(section).map(Origin::Push);
    let kinds: Vec<&str> = ["feed", "page", "folder", "push"]
        .into_iter()
        .filter(|key| section.has(key))
        .collect();
    match kinds.as_slice() {
        [] => section.report(
            "feed",
            "a source needs `feed = ADDRESS`, `page = ADDRESS`, `folder = PATH` or `push = true`"
                .to_owned(),
        ),
        [_] => {}
        [first, .., last] => section.report(
            last,
            format!("a source has either `{first}` or `{last}`, not both"),
        ),
    }
    let origin = feed.or(page).or(folder).or(push);
    if let Some(Origin::Push(_)) = origin {
        for key in ["interval", "include", "exclude", "max_age"] {
            if section.has(key) {
                section.report(key, "is for sources that are polled".to_owned());
            }
        }
    }
    let full_text = read_full_text(section);
    let interval = section.optional("interval", |value| match duration(value)? {
        interval if interval < Duration::from_secs(300) => Err("must be at least 5m".to_owned()),
        interval => Ok(interval),
    });
    let topics = section
        .optional("topics", list(text::<TopicSlug>))
        .unwrap_or_default();
    let mail_first = section
        .optional("mail_first", number(0..=1000))
        .unwrap_or(0);
    let priority = section
        .optional("priority", number(-100..=100))
        .unwrap_or(0);
    let rules = read_rules(section);
    let name = name?;
    Some(Source {
        title: title.unwrap_or_else(|| name.to_string()),
        name,
        origin: origin?,
        interval,
        topics,
        mail_first,
        priority,
        rules,
        full_text,
    })
}

fn read_page(section: &Section<'_>) -> Option<Origin> {
    let url = section.optional("page", text::<FeedUrl>);
    let select = section.section("select");
    if section.has("select") && !section.has("page") {
        section.report("select", "only the links of a page are selected".to_owned());
    }
    let selector = |key| {
        select.optional(key, |value| {
            listing::selector(&words(value)?).map_err(|err| err.to_string())
        })
    };
    let select = Select {
        list: selector("list"),
        link: selector("link"),
        title: selector("title"),
        date: selector("date"),
    };
    Some(Origin::Page(Listing { url: url?, select }))
}

fn read_full_text(section: &Section<'_>) -> FullText {
    let is_on = section.optional("full_text", truth).unwrap_or_default();
    if is_on && !section.has("feed") {
        section.report(
            "full_text",
            "only the entries of a feed have pages to fetch".to_owned(),
        );
    }
    if is_on {
        FullText::Fetched
    } else {
        FullText::Stated
    }
}
