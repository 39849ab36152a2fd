//! `[[source]]`: what each of its keys means.

use std::time::Duration;

use super::{
    reader::{Section, World},
    value::{duration, list, number, text, words},
};
use crate::{
    id::{SourceName, TopicSlug},
    sources::{FeedUrl, Origin, Source, push::PushToken},
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
    let push = read_push(section).map(Origin::Push);
    let stated = ["feed", "folder", "push"].map(|key| (key, section.has(key)));
    let mut stated = stated.iter().filter(|(_, is_stated)| *is_stated);
    match (stated.next(), stated.next()) {
        (None, _) => section.report(
            "feed",
            "a source needs `feed = ADDRESS`, `folder = PATH` or `push = true`".to_owned(),
        ),
        (Some((first, _)), Some((second, _))) => section.report(
            second,
            format!("a source has either `{first}` or `{second}`, not both"),
        ),
        (Some(_), None) => {}
    }
    let origin = feed.or(folder).or(push);
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
    let name = name?;
    Some(Source {
        title: title.unwrap_or_else(|| name.to_string()),
        name,
        origin: origin?,
        interval: interval.unwrap_or(Duration::from_secs(3600)),
        topics,
        mail_first,
    })
}
