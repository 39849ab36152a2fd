//! `[[edition]]` and `[[edition.digest]]`.

use std::{path::Path, time::Duration};

use super::{
    reader::{Section, World},
    sections::{no_doubles, read_all, zone as read_zone},
    source::known_source,
    value::{duration, list, number, text, words},
};
use crate::{
    editions::{
        DigestRule, Edition, Select,
        cadence::Cadence,
        render::{TemplateProblem, Templates},
    },
    id::{DigestName, EditionSlug},
    sources::Source,
};
use chrono_tz::Tz;

pub(super) fn read_edition(
    section: &Section<'_>,
    zone: Tz,
    sources: &[Source],
    offered: Option<&Templates>,
) -> Option<Edition> {
    let slug: Option<EditionSlug> = section.required("slug", text);
    let title = section.required("title", words);
    let description = section.optional("description", words);
    let select = section.section("select");
    let select = Select {
        sources: select
            .optional("sources", list(known_source(sources)))
            .unwrap_or_default(),
        topics: select.optional("topics", list(text)).unwrap_or_default(),
        exclude: select.optional("exclude", list(text)).unwrap_or_default(),
    };
    let max_articles = section
        .optional("max_articles", number(1..=500))
        .unwrap_or(30);
    let min_articles = section
        .optional("min_articles", number(1..=500))
        .unwrap_or(1);
    let max_per_story = section
        .optional("max_per_story", number(1..=500))
        .unwrap_or(3);
    let related = section.optional("related", number(0..=10)).unwrap_or(3);
    let digests = read_all(section, "digest", |digest| {
        read_digest(digest, zone, offered)
    });
    no_doubles(
        section,
        "digest",
        digests.iter().map(|digest| digest.name.as_str()),
    );
    let title = title?;
    Some(Edition {
        slug: slug?,
        description: description.unwrap_or_else(|| title.clone()),
        title,
        select,
        max_articles,
        min_articles,
        max_per_story,
        related,
        digests,
    })
}

/// The templates that digests may choose from; none where the world is ignored, or nothing can be
/// said about them because they are broken.
pub(super) fn mail_templates(root: &Section<'_>, folder: Option<&Path>) -> Option<Templates> {
    if root.world() == World::Ignored {
        return None;
    }
    let report = |problems: Vec<TemplateProblem>| {
        problems
            .into_iter()
            .for_each(|problem| root.report_file(&problem.file, problem.message))
    };
    Templates::load(folder).map_err(report).ok()
}

fn read_digest(section: &Section<'_>, zone: Tz, offered: Option<&Templates>) -> Option<DigestRule> {
    let name: Option<DigestName> = section.required("name", text);
    let zone = section.optional("time_zone", read_zone).unwrap_or(zone);
    let cadence = section.required("schedule", |value| {
        Cadence::parse(&words(value)?, zone).map_err(|err| err.to_string())
    });
    let template = section.optional("template", |value| {
        let name = words(value)?;
        match offered.is_none_or(|templates| templates.has_mail(&name)) {
            true => Ok(name),
            false => Err(format!("there is no mail template `{name}`")),
        }
    });
    let template = template.unwrap_or_else(|| "digest".to_owned());
    let late_after = section
        .optional("late_after", duration)
        .unwrap_or(Duration::from_secs(24 * 3600));
    let stale_after = section.optional("stale_after", duration);
    Some(DigestRule {
        name: name?,
        cadence: cadence?,
        template,
        late_after,
        stale_after,
    })
}
