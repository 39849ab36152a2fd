//! When an edition's digests are due, in a time zone.
//!
//! Schedules are written as people know cron; the `cron` crate underneath counts weekdays from 1 =
//! Sunday, wants seconds, skips a local time that a spring change removes and repeats one that an
//! autumn change doubles. It is therefore only ever asked about plain wall-clock times, and the
//! zone is applied here.

use std::fmt;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use cron::{Schedule, TimeUnitSpec};

/// A schedule in an IANA zone.
#[derive(Clone)]
pub struct Cadence {
    text: String,
    schedule: Schedule,
    zone: Tz,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    #[error(
        "a schedule has five fields (minute hour day month weekday), or six with seconds first, not {0}"
    )]
    Fields(usize),
    #[error("`{0}` is not a weekday: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    Weekday(String),
    #[error(
        "a schedule may name days of the month or weekdays, not both: cron would run on either"
    )]
    BothDays,
    #[error("`{0}` is not a schedule that can be read")]
    Syntax(String),
    #[error("`{0}` never comes")]
    Never(String),
}

/// The widest change of clocks that is a change of clocks; a wider gap is a day that a place left
/// out (Samoa, 30 December 2011), and what was due on it is not due at all.
const WIDEST_CHANGE: TimeDelta = TimeDelta::hours(3);

impl Cadence {
    /// Reads five or six cron fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, BadSchedule> {
        let expression = translate(text)?;
        let schedule = expression
            .parse()
            .map_err(|_| BadSchedule::Syntax(text.to_owned()))?;
        let cadence = Cadence {
            text: text.to_owned(),
            schedule,
            zone,
        };
        match cadence.schedule.after(&DateTime::UNIX_EPOCH).next() {
            Some(_) => Ok(cadence),
            None => Err(BadSchedule::Never(text.to_owned())),
        }
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first slot strictly after `after`.
    ///
    /// A time that a spring change removes is due at the first moment after the change; one that an
    /// autumn change doubles is due the first time only. A schedule that names every hour runs in
    /// both hours of autumn and has nothing to make up for in spring.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone).naive_local();
        let mut first: Option<DateTime<Utc>> = None;
        for wall in self
            .schedule
            .after(&Utc.from_utc_datetime(&(local - WIDEST_CHANGE)))
        {
            let wall = wall.naive_utc();
            let due = self
                .instants(wall)
                .into_iter()
                .flatten()
                .filter(|due| *due > after)
                .min();
            first = [first, due].into_iter().flatten().min();
            if first.is_some() && wall > local + WIDEST_CHANGE {
                break;
            }
        }
        first
    }

    /// The last slot in `(after, now]`: of many that were missed only this one is made up for.
    pub fn latest(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let spans = [
            TimeDelta::hours(1),
            TimeDelta::days(1),
            TimeDelta::days(32),
            now - after,
        ];
        spans.into_iter().find_map(|span| {
            let mut latest = None;
            let mut from = after.max(now - span);
            while let Some(slot) = self.next(from).filter(|slot| *slot <= now) {
                latest = Some(slot);
                from = slot;
            }
            latest
        })
    }

    /// The instants at which `wall` is due, at most two.
    fn instants(&self, wall: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let every_hour = self.schedule.hours().is_all();
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(due) => [Some(due.to_utc()), None],
            LocalResult::Ambiguous(a, b) => {
                let (a, b) = (a.to_utc(), b.to_utc());
                [Some(a.min(b)), every_hour.then_some(a.max(b))]
            }
            LocalResult::None if every_hour => [None, None],
            LocalResult::None => [self.after_gap(wall), None],
        }
    }

    fn after_gap(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let minute = wall.with_second(0)?;
        (1..=WIDEST_CHANGE.num_minutes())
            .find_map(|n| {
                self.zone
                    .from_local_datetime(&(minute + TimeDelta::minutes(n)))
                    .earliest()
            })
            .map(|due| due.to_utc())
    }
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone)
    }
}

impl fmt::Debug for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cadence({self})")
    }
}

/// From crontab's grammar to that of the `cron` crate.
fn translate(text: &str) -> Result<String, BadSchedule> {
    let text = text.trim();
    if text.starts_with('@') {
        return Ok(text.to_owned());
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (seconds, rest) = match fields.as_slice() {
        [_, _, _, _, _] => ("0", fields.as_slice()),
        [seconds, rest @ ..] if rest.len() == 5 => (*seconds, rest),
        _ => return Err(BadSchedule::Fields(fields.len())),
    };
    let free = |field: &str| matches!(field, "*" | "?");
    if !free(rest[2]) && !free(rest[4]) {
        return Err(BadSchedule::BothDays);
    }
    let weekdays = if free(rest[4]) {
        "*".to_owned()
    } else {
        weekdays(rest[4])?
    };
    Ok(format!(
        "{seconds} {} {} {} {} {weekdays}",
        rest[0], rest[1], rest[2], rest[3]
    ))
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Spells a weekday field out by name: `1-5` is `MON,TUE,WED,THU,FRI`.
fn weekdays(field: &str) -> Result<String, BadSchedule> {
    let bad = || BadSchedule::Weekday(field.to_owned());
    let mut named = [false; 7];
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: usize = step.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => {
                let (first, last) = (
                    weekday(first).ok_or_else(bad)?,
                    weekday(last).ok_or_else(bad)?,
                );
                // A week that ends on Sunday: FRI-SUN is 5-7.
                (first, if last == 0 && first > 0 { 7 } else { last })
            }
            None => weekday(range).map(|day| (day, day)).ok_or_else(bad)?,
        };
        if first > last {
            return Err(bad());
        }
        for day in (first..=last).step_by(step) {
            named[day % 7] = true;
        }
    }
    Ok(WEEKDAYS
        .iter()
        .zip(named)
        .filter(|(_, on)| *on)
        .map(|(day, _)| *day)
        .collect::<Vec<_>>()
        .join(","))
}

fn weekday(text: &str) -> Option<usize> {
    match text.parse::<usize>() {
        Ok(number) => (number <= 7).then_some(number),
        Err(_) => WEEKDAYS
            .iter()
            .position(|day| day.eq_ignore_ascii_case(text.get(..3).unwrap_or(text))),
    }
}

#[cfg(test)]
mod tests;
