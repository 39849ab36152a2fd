//! `[[source]]`: what each of its keys means.

use std::time::Duration;

use super::{
    reader::{Section, World},
    rules::read_rules,
    value::{duration, list, number, text, words},
};
use crate::{
    id::{SourceName, TopicSlug},
    sources::{FeedUrl, Origin, Source},
};

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
    match (section.has("feed"), section.has("folder")) {
        (true, true) => section.report(
            "folder",
            "a source has either a feed or a folder, not both".to_owned(),
        ),
        (false, false) => section.report(
            "feed",
            "a source needs `feed = ADDRESS` or `folder = PATH`".to_owned(),
        ),
        _ => {}
    }
    let origin = feed.or(folder);
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
    let rules = read_rules(section);
    let name = name?;
    Some(Source {
        title: title.unwrap_or_else(|| name.to_string()),
        name,
        origin: origin?,
        interval,
        topics,
        mail_first,
        rules,
    })
}
