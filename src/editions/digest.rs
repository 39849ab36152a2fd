//! Which digest is due, and over which window.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{DigestRule, Progress};
use crate::parts::Window;

/// What a rule asks for at this moment; the end of a window is the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    NotYet,
    /// Missed by more than the rule allows: the slot is passed over.
    TooLate {
        window: Window,
    },
    Now {
        window: Window,
    },
}

/// Tells whether a digest of `rule` is due at `now`.
///
/// Of several missed slots only the last counts, and its window covers all of them. A clock that
/// was set back finds its slots closed already.
pub fn due(rule: &DigestRule, progress: Progress, now: DateTime<Utc>) -> Due {
    let Some(slot) = rule.cadence.latest(progress.slot, now) else {
        return Due::NotYet;
    };
    let window = window(rule, progress, slot);
    match is_late(slot, rule.late_after, now) {
        true => Due::TooLate { window },
        false => Due::Now { window },
    }
}

/// From where the last window ended to `to`; the first window covers one period of the cadence.
pub fn window(rule: &DigestRule, progress: Progress, to: DateTime<Utc>) -> Window {
    let from = progress.from.unwrap_or_else(|| {
        let next = rule.cadence.next(to).unwrap_or(to);
        let after = rule.cadence.next(next).unwrap_or(next);
        to - (after - next)
    });
    Window {
        from: from.min(to),
        to,
    }
}

fn is_late(slot: DateTime<Utc>, late_after: Duration, now: DateTime<Utc>) -> bool {
    (now - slot).to_std().is_ok_and(|late| late > late_after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{editions::cadence::Cadence, id::DigestName};

    fn rule(schedule: &str) -> DigestRule {
        DigestRule {
            name: DigestName::parse("daily").unwrap(),
            cadence: Cadence::parse(schedule, "Europe/Berlin".parse().unwrap()).unwrap(),
            template: "digest".to_owned(),
            late_after: Duration::from_secs(24 * 3600),
            stale_after: None,
        }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(slot: &str, from: Option<&str>, now: &str, expected: Due) {
        let progress = Progress {
            slot: utc(slot),
            from: from.map(utc),
        };
        assert_eq!(due(&rule("0 8 * * *"), progress, utc(now)), expected);
    }

    fn now(slot: &str, from: &str) -> Due {
        Due::Now {
            window: Window {
                from: utc(from),
                to: utc(slot),
            },
        }
    }

    #[test]
    fn a_slot_is_due_once_and_windows_join_without_gap_or_overlap() {
        let (yesterday, today) = ("2026-11-22T07:00:00Z", "2026-11-23T07:00:00Z");
        check(
            yesterday,
            Some(yesterday),
            "2026-11-23T06:59:59Z",
            Due::NotYet,
        );
        check(
            yesterday,
            Some(yesterday),
            "2026-11-23T07:00:00Z",
            now(today, yesterday),
        );
        check(today, Some(today), "2026-11-23T07:30:00Z", Due::NotYet);
        // The clock was set back by two hours.
        check(today, Some(today), "2026-11-23T05:00:00Z", Due::NotYet);
    }

    #[test]
    fn three_days_down_make_one_digest_over_all_of_them() {
        check(
            "2026-11-19T07:00:00Z",
            Some("2026-11-19T07:00:00Z"),
            "2026-11-23T09:00:00Z",
            now("2026-11-23T07:00:00Z", "2026-11-19T07:00:00Z"),
        );
    }

    #[test]
    fn a_new_rule_waits_for_its_first_slot_and_then_covers_one_period() {
        check(
            "2026-11-23T10:00:00Z",
            None,
            "2026-11-23T12:00:00Z",
            Due::NotYet,
        );
        check(
            "2026-11-23T10:00:00Z",
            None,
            "2026-11-24T07:00:00Z",
            now("2026-11-24T07:00:00Z", "2026-11-23T07:00:00Z"),
        );
    }

    #[test]
    fn a_weekly_slot_missed_by_two_days_is_passed_over() {
        let progress = Progress {
            slot: utc("2026-11-16T07:00:00Z"),
            from: None,
        };
        let window = Window {
            from: utc("2026-11-16T07:00:00Z"),
            to: utc("2026-11-23T07:00:00Z"),
        };

        assert_eq!(
            due(&rule("0 8 * * 1"), progress, utc("2026-11-25T09:00:00Z")),
            Due::TooLate { window }
        );
    }
}
