//! Web pages as sources: a listing that links to articles, and the pages behind its links that
//! could not be had.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{FeedUrl, Poll, Validators};

/// Waits before a page is asked for again; after the last one it is given up for as long as the
/// listing names it.
const RETRIES: [Duration; 3] = [
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(24 * 3600),
];

/// A page that names articles, and how to find them in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub url: FeedUrl,
    pub select: Select,
}

/// CSS selectors. Without any, the links that look like articles are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// One box for each article.
    pub list: Option<String>,
    /// The link to the article, in its box if there are boxes. Default with `list`: the first one.
    pub link: Option<String>,
    /// Default: the text of the link.
    pub title: Option<String>,
    /// Default: the first `<time>` of the box.
    pub date: Option<String>,
}

/// A page that a listing names and that could not be had, or held no article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    pub url: Url,
    /// How often it was asked for.
    pub times: u32,
    /// When to ask again; none if it was given up.
    pub again: Option<DateTime<Utc>>,
}

impl Missed {
    /// One failure more than `before`.
    pub fn once_more(before: Option<&Missed>, url: Url, now: DateTime<Utc>) -> Self {
        let times = before.map_or(0, |missed| missed.times);
        let wait = usize::try_from(times).ok().and_then(|n| RETRIES.get(n));
        Missed {
            url,
            times: times.saturating_add(1),
            again: wait.map(|wait| now + *wait),
        }
    }

    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.again.is_some_and(|again| again <= now)
    }
}

impl Poll {
    /// What to ask the source with: nothing where pages wait, because an answer that the listing
    /// did not change would bring none of them.
    pub fn conditions(&self, now: DateTime<Utc>) -> Validators {
        let waits = self.left > 0 || self.missed.iter().any(|missed| missed.is_due(now));
        if waits {
            Validators::default()
        } else {
            self.validators.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_page_that_fails_is_asked_for_a_few_times_ever_more_rarely_and_then_given_up() {
        let start: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let url = Url::parse("https://a.example/1").unwrap();
        let mut now = start;
        let mut missed = None;
        let mut hours = Vec::new();
        loop {
            let next = Missed::once_more(missed.as_ref(), url.clone(), now);
            let Some(again) = next.again else {
                assert_eq!(
                    (next.times, next.is_due(now + TimeDelta::days(99))),
                    (4, false)
                );
                break;
            };
            assert!(!next.is_due(again - TimeDelta::seconds(1)) && next.is_due(again));
            hours.push((again - now).num_hours());
            now = again;
            missed = Some(next);
        }
        assert_eq!(hours, [1, 6, 24]);
    }

    #[test]
    fn pages_that_wait_are_asked_for_whatever_the_listing_says_of_itself() {
        let now: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let url = FeedUrl::parse("https://a.example/").unwrap();
        let validators = Validators {
            etag: Some(b"\"1\"".to_vec()),
            ..Validators::default()
        };
        let rest = Poll {
            validators: validators.clone(),
            ..Poll::unpolled(&super::super::Origin::Feed(url.clone()), now)
        };
        let missed = vec![Missed::once_more(None, url.url().clone(), now)];
        let left = Poll {
            left: 1,
            ..rest.clone()
        };
        let late = Poll {
            missed,
            ..rest.clone()
        };

        assert_eq!(rest.conditions(now), validators);
        assert_eq!(left.conditions(now), Validators::default());
        assert_eq!(late.conditions(now), validators);
        assert_eq!(
            late.conditions(now + TimeDelta::hours(1)),
            Validators::default()
        );
    }
}
