//! Which new articles no digest may carry.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{library::Mail, sources::Poll};

/// So many new entries at once are no flood, however few were known.
const ALWAYS_FINE: u64 = 20;

/// An entry this much older than the newest one seen was brought back, not written.
const STALE: TimeDelta = TimeDelta::days(30);

/// Decides, for the new articles of one document, whether digests may carry them.
///
/// `poll` is the state before this document; `dates` are those stated, in the document's order.
/// Of a first fetch only the `mail_first` latest are due; where dates do not tell, those that stand
/// first. Later on a batch larger than half of all entries ever seen is held as a whole, and
/// everything much older than what was seen before is held as well.
pub fn mail(poll: &Poll, mail_first: usize, dates: &[Option<DateTime<Utc>>]) -> Vec<Mail> {
    let Some(seen) = poll.entries else {
        return latest(mail_first, dates);
    };
    let is_flood = dates.len() as u64 > ALWAYS_FINE.max(seen / 2);
    let oldest = poll
        .newest
        .and_then(|newest| newest.checked_sub_signed(STALE));
    dates
        .iter()
        .map(|date| match (date, oldest) {
            _ if is_flood => Mail::Held,
            (Some(date), Some(oldest)) if *date < oldest => Mail::Held,
            _ => Mail::Due,
        })
        .collect()
}

/// The same for a source that pushes, from the first article on: what is pushed is meant to be
/// news. A batch as large as a whole archive is held all the same, and so is what is a month old.
pub fn mail_pushed(
    poll: &Poll,
    mail_first: usize,
    dates: &[Option<DateTime<Utc>>],
    now: DateTime<Utc>,
) -> Vec<Mail> {
    let is_archive = poll.entries.is_none() && dates.len() as u64 > ALWAYS_FINE;
    let before = Poll {
        entries: poll.entries.or((!is_archive).then_some(0)),
        newest: Some(now),
        ..poll.clone()
    };
    mail(&before, mail_first, dates)
}

fn latest(n: usize, dates: &[Option<DateTime<Utc>>]) -> Vec<Mail> {
    let mut order: Vec<usize> = (0..dates.len()).collect();
    order.sort_by_key(|at| Reverse(dates[*at]));
    let mut mail = vec![Mail::Held; dates.len()];
    for at in order.into_iter().take(n) {
        mail[at] = Mail::Due;
    }
    mail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Origin;

    /// `dates` are days of November 2026, `-` for none; `expected` says `D`ue or `H`eld for each.
    #[track_caller]
    fn check(seen: Option<u64>, newest: &str, mail_first: usize, dates: &str, expected: &str) {
        let date = |day: &str| format!("2026-{day}T00:00:00Z").parse().ok();
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let poll = Poll {
            entries: seen,
            newest: date(newest),
            ..Poll::unpolled(&Origin::Folder("desk".into()), now)
        };
        let dates: Vec<_> = dates.split_whitespace().map(date).collect();

        let found: String = mail(&poll, mail_first, &dates)
            .into_iter()
            .map(|mail| if mail == Mail::Due { 'D' } else { 'H' })
            .collect();

        assert_eq!(found, expected);
    }

    #[test]
    fn a_first_fetch_mails_only_what_was_asked_for() {
        check(None, "-", 0, "11-22 11-21 11-20", "HHH");
        check(None, "-", 2, "11-22 11-20 11-21", "DHD");
        check(None, "-", 2, "11-20 - 11-21", "DHD");
        check(None, "-", 1, "- - -", "DHH");
        check(None, "-", 9, "11-22 01-01", "DD");
        check(None, "-", 5, "", "");
    }

    #[test]
    fn a_batch_out_of_proportion_is_held() {
        let dates = |n: usize| "11-22 ".repeat(n);
        check(Some(10), "11-20", 0, &dates(20), &"D".repeat(20));
        check(Some(10), "11-20", 0, &dates(21), &"H".repeat(21));
        check(Some(100), "11-20", 0, &dates(50), &"D".repeat(50));
        check(Some(100), "11-20", 0, &dates(51), &"H".repeat(51));
        check(Some(0), "-", 5, &dates(3), "DDD");
    }

    #[test]
    fn what_is_pushed_is_news_unless_it_is_old_or_a_whole_archive() {
        #[track_caller]
        fn check(seen: Option<u64>, mail_first: usize, dates: &str, expected: &str) {
            let now = "2026-11-23T08:00:00Z".parse().unwrap();
            let poll = Poll {
                entries: seen,
                ..Poll::unpolled(&Origin::Folder("desk".into()), now)
            };
            let date = |day: &str| format!("2026-{day}T00:00:00Z").parse().ok();
            let dates: Vec<_> = dates.split_whitespace().map(date).collect();

            let found: String = mail_pushed(&poll, mail_first, &dates, now)
                .into_iter()
                .map(|mail| if mail == Mail::Due { 'D' } else { 'H' })
                .collect();

            assert_eq!(found, expected);
        }

        check(None, 0, "11-22", "D");
        check(None, 0, "- -", "DD");
        check(None, 0, &"11-22 ".repeat(20), &"D".repeat(20));
        check(None, 0, &"11-22 ".repeat(21), &"H".repeat(21));
        check(
            None,
            1,
            &"11-22 ".repeat(21),
            &format!("D{}", "H".repeat(20)),
        );
        check(Some(1), 0, &"11-22 ".repeat(21), &"H".repeat(21));
        check(Some(1), 0, "11-22 10-25 10-23", "DDH");
    }

    #[test]
    fn old_entries_that_come_back_are_held() {
        check(Some(10), "11-20", 0, "11-22 10-22 10-21 10-20 -", "DDDHD");
        check(Some(10), "-", 0, "01-01", "D");
    }
}
