//! Topics that articles get by the operator's rules, beside those of their source.
//!
//! Rules look at what is kept of an article and at nothing else, so that they can be tried on the
//! library and say there what they say of new articles.

use std::sync::Arc;

use super::{Judged, Verdict, task::off_the_runtime};
use crate::{
    id::{SourceName, TopicSlug},
    library::{Article, Body},
    sources::rules::{Filter, Found, Told},
};

/// A topic as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub slug: TopicSlug,
    /// What readers see. Default: the slug.
    pub title: String,
    pub rule: Rule,
}

/// Which articles get a topic. One that states nothing catches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Where any are stated, only articles that one of them represents.
    pub sources: Vec<SourceName>,
    /// Of those, the ones that it finds something in; all where it is empty.
    pub filter: Filter,
}

/// Why an article gets a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught<'a> {
    /// It is of a source whose articles all get it.
    BySource,
    By(Found<'a>),
}

impl Rule {
    /// Says why `article` gets the topic, if it does; `told` is what is told of it.
    pub fn catches(&self, article: &Article, told: &Told<'_>) -> Option<Caught<'_>> {
        let is_of = self.sources.is_empty() || self.sources.contains(&article.source);
        match (is_of, self.filter.is_empty()) {
            (false, _) => None,
            (true, true) => (!self.sources.is_empty()).then_some(Caught::BySource),
            (true, false) => self.filter.finds(told).map(Caught::By),
        }
    }
}

/// What rules look at of an article: its title, summary and text, and the categories that its
/// source gave it.
pub fn told<'a>(article: &'a Article, body: &'a Body) -> Told<'a> {
    let texts = [&article.title, &article.summary, &body.text];
    Told::of(texts.map(String::as_str), &article.tags)
}

/// Gives new and revised articles the topics whose rules catch them.
pub(super) async fn given(topics: &Arc<[Topic]>, mut judged: Vec<Judged>) -> Vec<Judged> {
    if topics.is_empty() {
        return judged;
    }
    let topics = topics.clone();
    off_the_runtime(move || {
        for one in &mut judged {
            if let Verdict::New(new) | Verdict::Revised(new) = &mut one.verdict {
                let (article, body) = &mut **new;
                add(&topics, article, body);
            }
        }
        judged
    })
    .await
}

fn add(topics: &[Topic], article: &mut Article, body: &Body) {
    let told = told(article, body);
    let caught = topics
        .iter()
        .filter(|topic| topic.rule.catches(article, &told).is_some());
    let new: Vec<TopicSlug> = caught
        .map(|topic| topic.slug.clone())
        .filter(|slug| !article.topics.contains(slug))
        .collect();
    article.topics.extend(new);
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use url::Url;

    use super::*;
    use crate::{
        id::ArticleId,
        ingest::article,
        library::Mail,
        sources::{
            entry::Entry,
            fixture::feed,
            rules::{Category, Pattern, Phrase},
        },
    };

    fn slug(name: &str) -> TopicSlug {
        TopicSlug::parse(name).unwrap()
    }

    fn sources(names: &[&str]) -> Vec<SourceName> {
        let parse = |name: &&str| SourceName::parse(name).unwrap();
        names.iter().map(parse).collect()
    }

    fn words(words: &[&str]) -> Filter {
        Filter {
            words: words.iter().map(|w| Phrase::parse(w).unwrap()).collect(),
            ..Filter::default()
        }
    }

    /// What becomes of an entry of the source `desk`, whose articles all get the topic `news`.
    fn kept(title: &str, text: &str, tags: &[&str]) -> (Article, Body) {
        let home = Url::parse("https://desk.example/").unwrap();
        let mut source = feed("desk", "https://desk.example/feed");
        source.topics = vec![slug("news")];
        let entry = Entry {
            title: title.to_owned(),
            content: Some(format!("<p>{text}</p>")),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Entry::default()
        };
        let readable = article::readable(&entry, &home);
        let now = DateTime::UNIX_EPOCH;
        article::article(ArticleId(1), &source, entry, readable, Mail::Due, now)
    }

    #[track_caller]
    fn check(rule: Rule, is_caught: bool) {
        let (article, body) = kept("The Ferry is back", "After a strike.", &["Harbor News"]);
        let caught = rule.catches(&article, &told(&article, &body));
        assert_eq!(caught.is_some(), is_caught, "{rule:?}");
    }

    #[test]
    fn sources_restrict_and_what_is_sought_are_alternatives() {
        let rule = |names: &[&str], filter: Filter| Rule {
            sources: sources(names),
            filter,
        };
        check(Rule::default(), false);
        check(rule(&["desk", "wire"], Filter::default()), true);
        check(rule(&["wire"], Filter::default()), false);
        check(rule(&[], words(&["ferry"])), true);
        check(rule(&[], words(&["bridge", "strike"])), true);
        check(rule(&[], words(&["bridge"])), false);
        check(rule(&["wire"], words(&["ferry"])), false);
        check(rule(&["desk"], words(&["ferry"])), true);
        check(rule(&["desk"], words(&["bridge"])), false);
        let either = Filter {
            patterns: vec![Pattern::parse("^no such line$").unwrap()],
            categories: vec![Category::parse("harbor  news").unwrap()],
            ..words(&["bridge"])
        };
        check(rule(&[], either), true);
    }

    #[test]
    fn topics_of_the_source_stay_and_each_comes_once() {
        let topic = |name: &str, filter: Filter| Topic {
            slug: slug(name),
            title: name.to_owned(),
            rule: Rule {
                filter,
                ..Rule::default()
            },
        };
        let topics = [
            topic("sea", words(&["ferry"])),
            topic("news", words(&["ferry"])),
            topic("roads", words(&["bridge"])),
            topic("labor", words(&["strike"])),
        ];
        let (mut article, body) = kept("The Ferry is back", "After a strike.", &[]);

        add(&topics, &mut article, &body);

        assert_eq!(article.topics, ["news", "sea", "labor"].map(slug));
    }

    #[test]
    fn words_are_found_in_scripts_without_spaces() {
        let rule = Rule {
            filter: words(&["利上げ"]),
            ..Rule::default()
        };
        let (article, body) = kept("日銀、利上げを決定", "", &[]);

        let caught = rule.catches(&article, &told(&article, &body));

        let phrase = Phrase::parse("利上げ").unwrap();
        assert_eq!(caught, Some(Caught::By(Found::Words(&phrase))));
    }
}
