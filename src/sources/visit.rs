//! Visits web pages the way their hosts want it: robots.txt is asked first, and requests to one
//! host are spaced. Feeds are not visited: somebody offers them to programs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep_until, timeout_at},
};
use url::Url;

use super::{
    Validators,
    fetch::{Download, Fetched, Fetcher, Hop, Wanted},
    robots::Robots,
};

/// How long a site's rules are believed (RFC 9309, section 2.4).
const KEPT: TimeDelta = TimeDelta::hours(24);

/// How long a site whose rules could not be had is left alone.
const CLOSED: TimeDelta = TimeDelta::hours(1);

/// No host's wish keeps us away longer.
const LONGEST_REST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Hosts that are remembered at once.
const MOST_HOSTS: usize = 2_000;

/// Redirects that robots.txt may take (RFC 9309, section 2.3.1.2).
const ROBOTS_REDIRECTS: usize = 5;

/// Gets pages. Clones share what they know of hosts.
#[derive(Clone, Debug)]
pub struct Visitor {
    fetcher: Fetcher,
    hosts: Arc<Mutex<Hosts>>,
}

#[derive(Debug, Default)]
struct Hosts {
    /// By scheme, host and port.
    rules: HashMap<String, Rules>,
    /// By host, who asks it now and when the next request may begin.
    turns: HashMap<String, Lane>,
    /// By host, until when it asked to be left alone.
    rests: HashMap<String, DateTime<Utc>>,
}

type Lane = Arc<tokio::sync::Mutex<Instant>>;

/// The right to ask a host once, which nobody else has meanwhile.
struct Turn {
    free_from: OwnedMutexGuard<Instant>,
    gap: Duration,
}

#[derive(Clone, Debug)]
struct Rules {
    robots: Robots,
    until: DateTime<Utc>,
    /// Why the rules could not be had.
    missing: Option<String>,
}

/// What came of a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visited {
    Page(Box<Page>),
    NotModified {
        validators: Validators,
        max_age: Option<Duration>,
    },
    Gone,
    Failed {
        /// One sentence for the operator.
        reason: String,
        retry_after: Option<Duration>,
    },
    /// The host's next turn is too late.
    Late,
}

/// A page as served. Not a [`Download`]: nothing that reads feeds takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Decompressed.
    pub bytes: Vec<u8>,
    pub content_type: Option<String>,
    /// Where the last redirect led.
    pub url: Url,
    /// Of this answer alone.
    pub validators: Validators,
    pub max_age: Option<Duration>,
}

impl Visitor {
    pub fn new(fetcher: Fetcher) -> Self {
        Visitor {
            fetcher,
            hosts: Arc::default(),
        }
    }

    /// Somebody else has just asked the host of `url`, which is then left alone for as long as ever.
    pub fn asked(&self, url: &Url) {
        if let Ok(mut free_from) = self.lane(url).try_lock() {
            *free_from = Instant::now() + self.fetcher.config().spacing;
        }
    }

    /// The longest that one visit to a host that answers may take.
    pub fn timeout(&self) -> Duration {
        self.fetcher.config().timeout
    }

    /// Asks for the page at `url`, newer than `validators`, unless its turn comes after `until`.
    pub async fn visit(
        &self,
        url: &Url,
        validators: &Validators,
        until: Instant,
        now: DateTime<Utc>,
    ) -> Visited {
        let mut url = url.clone();
        let max_redirects = self.fetcher.config().max_redirects;
        for _ in 0..=max_redirects {
            let Some(rules) = self.rules(&url, until, now).await else {
                return Visited::Late;
            };
            if let Some(rest) = self.rest(&url, now) {
                return Visited::Failed {
                    reason: "not asked: its host asked to be left alone".to_owned(),
                    retry_after: Some(rest),
                };
            }
            if !rules.robots.allows(&url) {
                return failed(rules.refusal(&url));
            }
            let Some(turn) = self.turn(&url, rules.robots.delay, until).await else {
                return Visited::Late;
            };
            let hop = self.fetcher.hop(&url, Wanted::Page, validators, now).await;
            turn.end();
            match hop {
                Hop::To(next) => url = next,
                Hop::Failed(reason) => return failed(reason),
                Hop::Answer { fetched, .. } => {
                    self.heed(&url, &fetched, now);
                    return visited(fetched);
                }
            }
        }
        failed(format!("redirected more than {max_redirects} times"))
    }

    /// The rules of the site that `url` is on; none if there is no time to ask for them.
    async fn rules(&self, url: &Url, until: Instant, now: DateTime<Utc>) -> Option<Rules> {
        let site = url.origin().ascii_serialization();
        if let Some(rules) = self
            .hosts()
            .rules
            .get(&site)
            .filter(|rules| now < rules.until)
        {
            return Some(rules.clone());
        }
        let rules = self.ask_for_rules(url, until, now).await?;
        let mut hosts = self.hosts();
        if hosts.rules.len() >= MOST_HOSTS {
            hosts.rules.retain(|_, rules| now < rules.until);
        }
        if hosts.rules.len() >= MOST_HOSTS {
            hosts.rules.clear();
        }
        hosts.rules.insert(site, rules.clone());
        Some(rules)
    }

    async fn ask_for_rules(&self, url: &Url, until: Instant, now: DateTime<Utc>) -> Option<Rules> {
        let closed = |reason| Rules {
            robots: Robots::closed(),
            until: now + CLOSED,
            missing: Some(reason),
        };
        let open = |robots| Rules {
            robots,
            until: now + KEPT,
            missing: None,
        };
        let Ok(mut url) = url.join("/robots.txt") else {
            return Some(closed("it has no address".to_owned()));
        };
        let none = Validators::default();
        for _ in 0..=ROBOTS_REDIRECTS {
            let turn = self.turn(&url, None, until).await?;
            let hop = self.fetcher.hop(&url, Wanted::Robots, &none, now).await;
            turn.end();
            match hop {
                Hop::To(next) => url = next,
                Hop::Failed(reason) => return Some(closed(reason)),
                Hop::Answer {
                    fetched: Fetched::Document(file),
                    ..
                } => return Some(open(Robots::parse(&file.bytes))),
                Hop::Answer { status, .. } if status.is_client_error() => {
                    return Some(open(Robots::default()));
                }
                Hop::Answer { status, .. } => return Some(closed(format!("answered {status}"))),
            }
        }
        // As if there were none (RFC 9309, section 2.3.1.2).
        Some(open(Robots::default()))
    }

    /// Waits until the host of `url` may be asked again, unless that is after `until`.
    async fn turn(&self, url: &Url, delay: Option<Duration>, until: Instant) -> Option<Turn> {
        let gap = self.fetcher.config().spacing.max(delay.unwrap_or_default());
        let lane = self.lane(url).lock_owned();
        let free_from = timeout_at(until, lane).await.ok()?;
        if *free_from > until {
            return None;
        }
        sleep_until(*free_from).await;
        Some(Turn { free_from, gap })
    }

    fn lane(&self, url: &Url) -> Lane {
        let mut hosts = self.hosts();
        if hosts.turns.len() >= MOST_HOSTS {
            let present = Instant::now();
            let is_free = |lane: &Lane| lane.try_lock().is_ok_and(|from| *from <= present);
            hosts.turns.retain(|_, lane| !is_free(lane));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let free = || Arc::new(tokio::sync::Mutex::new(Instant::now()));
        Arc::clone(hosts.turns.entry(host).or_insert_with(free))
    }

    /// How long the host of `url` still wants to be left alone.
    fn rest(&self, url: &Url, now: DateTime<Utc>) -> Option<Duration> {
        let until = *self.hosts().rests.get(url.host_str()?)?;
        (until - now).to_std().ok().filter(|rest| !rest.is_zero())
    }

    /// Remembers a `Retry-After`, which holds for the whole host.
    fn heed(&self, url: &Url, fetched: &Fetched, now: DateTime<Utc>) {
        let Fetched::Failed {
            retry_after: Some(wait),
            ..
        } = fetched
        else {
            return;
        };
        let mut hosts = self.hosts();
        if hosts.rests.len() >= MOST_HOSTS {
            hosts.rests.retain(|_, until| *until > now);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        hosts.rests.insert(host, now + (*wait).min(LONGEST_REST));
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The host has answered; it may be asked again after the gap.
    fn end(mut self) {
        *self.free_from = Instant::now() + self.gap;
    }
}

impl Rules {
    fn refusal(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        match &self.missing {
            Some(reason) => format!("not asked: robots.txt of {host} could not be had: {reason}"),
            None => format!("not asked: robots.txt of {host} disallows it"),
        }
    }
}

fn failed(reason: String) -> Visited {
    Visited::Failed {
        reason,
        retry_after: None,
    }
}

fn visited(fetched: Fetched) -> Visited {
    match fetched {
        Fetched::Document(download) => page(*download),
        Fetched::NotModified {
            validators,
            max_age,
            moved: _,
        } => Visited::NotModified {
            validators,
            max_age,
        },
        Fetched::Gone => Visited::Gone,
        Fetched::Failed {
            reason,
            retry_after,
        } => Visited::Failed {
            reason,
            retry_after,
        },
    }
}

fn page(download: Download) -> Visited {
    let stated = download.content_type.as_deref().unwrap_or("text/html");
    let media_type = stated.split(';').next().unwrap_or_default().trim();
    if !["text/html", "application/xhtml+xml", "text/plain"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
    {
        return failed(format!("answered `{media_type}`, which is no page"));
    }
    Visited::Page(Box::new(Page {
        bytes: download.bytes,
        content_type: download.content_type,
        url: download.url,
        validators: download.validators,
        max_age: download.max_age,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{fetch::FetchConfig, guard::Guard};

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_are_a_gap_apart_and_hosts_do_not_wait_for_each_other() {
        let agent = "Courant/1 (+https://courant.example)".to_owned();
        let config = FetchConfig {
            spacing: Duration::from_secs(2),
            ..FetchConfig::new(agent, Guard::default())
        };
        let visitor = Visitor::new(Fetcher::new(config).unwrap());
        let url = |host: &str| Url::parse(&format!("https://{host}/")).unwrap();
        let (here, there) = (url("a.example"), url("b.example"));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let turn = |url, delay| visitor.turn(url, delay, after(9));

        let first = turn(&here, None).await.unwrap();
        assert!(visitor.turn(&here, None, after(1)).await.is_none());
        assert_eq!(Instant::now(), after(1), "while somebody is being answered");
        turn(&there, None).await.unwrap().end();
        assert_eq!(Instant::now(), after(1));

        first.end();
        let delay = Some(Duration::from_secs(4));
        turn(&here, delay).await.unwrap().end();
        assert_eq!(Instant::now(), after(3), "the gap begins at the end");
        turn(&here, None).await.unwrap().end();
        assert_eq!(Instant::now(), after(7), "the host asked for a longer one");
        assert!(visitor.turn(&here, None, after(8)).await.is_none());
        visitor.asked(&there);
        turn(&there, None).await.unwrap();
        assert_eq!(Instant::now(), after(9), "somebody else asked it");
    }
}
