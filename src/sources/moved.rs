//! Permanent redirects are believed when they last: captive portals and broken servers answer 301
//! as well.

use chrono::{DateTime, TimeDelta, Utc};

use super::{FeedUrl, Moved, Poll, Source};

/// Polls in a row, and the time between the first and the last of them, that make a move believed.
const TIMES: u32 = 3;
const LASTING: TimeDelta = TimeDelta::hours(48);

/// An address that was believed and has failed for so long is given up for the configured one.
const GIVEN_UP: TimeDelta = TimeDelta::days(7);

impl Source {
    /// Where to ask, which is where a believed redirect led.
    pub fn asked<'a>(&'a self, poll: &'a Poll) -> Option<&'a FeedUrl> {
        let configured = self.origin.address()?;
        Some(poll.address.as_ref().unwrap_or(configured))
    }
}

impl Poll {
    /// A document came, or was not modified, behind a chain of permanent redirects that led to
    /// `to`; without one, none.
    ///
    /// A redirect from https to http is followed and never believed.
    pub(super) fn led(self, source: &Source, to: Option<&FeedUrl>, now: DateTime<Utc>) -> Self {
        let from = source.asked(&self);
        let is_secure = |url: &FeedUrl| url.url().scheme() == "https";
        let is_weaker = |to: &FeedUrl| from.is_some_and(is_secure) && !is_secure(to);
        let Some(to) = to.filter(|to| !is_weaker(to)) else {
            return Poll {
                moved: None,
                ..self
            };
        };
        let moved = match self.moved {
            Some(moved) if moved.to == *to && moved.since <= now => Moved {
                times: moved.times.saturating_add(1),
                ..moved
            },
            _ => Moved {
                to: to.clone(),
                since: now,
                times: 1,
            },
        };
        match moved.times >= TIMES && now - moved.since >= LASTING {
            true => Poll {
                address: Some(moved.to),
                moved: None,
                ..self
            },
            false => Poll {
                moved: Some(moved),
                ..self
            },
        }
    }

    /// A failure breaks the row, and a lasting one the belief.
    pub(super) fn led_nowhere(self, now: DateTime<Utc>) -> Self {
        let is_given_up = self
            .failing_since
            .is_some_and(|since| now - since >= GIVEN_UP);
        Poll {
            address: self.address.filter(|_| !is_given_up),
            moved: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::fixture;

    const OLD: &str = "https://wire.example/old";
    const NEW: &str = "https://wire.example/new";

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn source() -> Source {
        fixture::feed("wire", OLD)
    }

    /// Where the source is asked after polls at these hours that led there; `!` is a failed one.
    #[track_caller]
    fn check(polls: &[(i64, &str)], expected: &str) {
        let mut poll = Poll::unpolled(&source().origin, at(0));
        for (hours, to) in polls {
            poll = match *to {
                "!" => Poll {
                    failing_since: poll.failing_since.or(Some(at(*hours))),
                    ..poll
                }
                .led_nowhere(at(*hours)),
                to => Poll {
                    failing_since: None,
                    ..poll
                }
                .led(&source(), FeedUrl::parse(to).ok().as_ref(), at(*hours)),
            };
        }
        assert_eq!(source().asked(&poll).unwrap().as_str(), expected);
    }

    #[test]
    fn a_move_is_believed_when_it_lasts() {
        check(&[(0, NEW), (24, NEW), (48, NEW)], NEW);
        check(&[(0, NEW), (24, NEW), (47, NEW)], OLD);
        check(&[(0, NEW), (48, NEW)], OLD);
        check(&[(0, NEW), (24, ""), (48, NEW), (72, NEW)], OLD);
        check(&[(0, NEW), (24, "!"), (48, NEW), (72, NEW)], OLD);
        check(
            &[
                (0, NEW),
                (24, NEW),
                (48, "https://portal.example/"),
                (72, NEW),
            ],
            OLD,
        );
        let plain = "http://wire.example/new";
        check(&[(0, plain), (24, plain), (48, plain), (72, plain)], OLD);
        // A clock that was ahead when the redirect was first seen.
        check(&[(900, NEW), (0, NEW), (24, NEW)], OLD);
        check(&[(900, NEW), (0, NEW), (24, NEW), (48, NEW)], NEW);
    }

    #[test]
    fn a_move_that_leads_nowhere_in_the_end_is_taken_back() {
        let moved = [(0, NEW), (24, NEW), (48, NEW)];
        let then = |more: &[(i64, &'static str)]| [&moved[..], more].concat();

        check(&then(&[(72, "!"), (100, "!")]), NEW);
        check(&then(&[(72, "!"), (100, ""), (300, "!")]), NEW);
        check(&then(&[(72, "!"), (72 + 7 * 24, "!")]), OLD);
    }
}
