use chrono::{Datelike, NaiveDate, Weekday};
use proptest::prelude::*;

use super::*;

fn cadence(schedule: &str, zone: &str) -> Cadence {
    Cadence::parse(schedule, zone.parse().unwrap()).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The slots of one year in local time, checked to be strictly increasing.
fn slots(schedule: &str, zone: &str, year: i32) -> Vec<DateTime<Tz>> {
    let cadence = cadence(schedule, zone);
    let zone = cadence.zone();
    let start = zone.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
    let end = zone.with_ymd_and_hms(year + 1, 1, 1, 0, 0, 0).unwrap();
    let mut slots = Vec::new();
    let mut after = start.to_utc() - TimeDelta::seconds(1);
    while let Some(slot) = cadence.next(after).filter(|slot| *slot < end) {
        assert!(slot > after, "{slot} is not after {after}");
        slots.push(slot.with_timezone(&zone));
        after = slot;
    }
    slots
}

/// A day on which the clock changes, and the time of day at which its digest is then due.
type Change = (u32, u32, &'static str);

/// Zone, schedule, spring and autumn of 2027. 02:30 (02:15 in Lord Howe, whose clock changes by half
/// an hour, 01:30 in New York's autumn) falls into the gap in spring or stands on the clock twice.
#[rustfmt::skip]
const CHANGES: [(&str, &str, Change, Change); 8] = [
    ("Europe/Berlin", "30 2 * * *", (3, 28, "03:00"), (10, 31, "02:30")),
    ("Europe/Berlin", "0 8 * * *", (3, 28, "08:00"), (10, 31, "08:00")),
    ("America/New_York", "30 2 * * *", (3, 14, "03:00"), (11, 7, "02:30")),
    ("America/New_York", "30 1 * * *", (3, 14, "01:30"), (11, 7, "01:30")),
    ("America/New_York", "0 8 * * *", (3, 14, "08:00"), (11, 7, "08:00")),
    ("Australia/Lord_Howe", "15 2 * * *", (10, 3, "02:30"), (4, 4, "02:15")),
    ("Australia/Lord_Howe", "45 1 * * *", (10, 3, "01:45"), (4, 4, "01:45")),
    ("Australia/Lord_Howe", "0 8 * * *", (10, 3, "08:00"), (4, 4, "08:00")),
];

#[test]
fn every_day_has_one_digest_across_spring_and_autumn() {
    let year = 2027;
    let every_day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().iter_days();
    let every_day: Vec<NaiveDate> = every_day.take_while(|day| day.year() == year).collect();
    for (zone, schedule, spring, autumn) in CHANGES {
        let slots = slots(schedule, zone, year);
        let days: Vec<NaiveDate> = slots.iter().map(DateTime::date_naive).collect();
        assert_eq!(days, every_day, "{schedule} in {zone}");

        for (month, day, time) in [spring, autumn] {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            let slot = slots.iter().find(|slot| slot.date_naive() == date).unwrap();
            assert_eq!(
                slot.format("%H:%M").to_string(),
                time,
                "{schedule} in {zone} on {date}"
            );
        }
        // Of a time that autumn doubles it is the first.
        for slot in &slots {
            let earliest = slot
                .timezone()
                .from_local_datetime(&slot.naive_local())
                .earliest()
                .unwrap();
            assert_eq!(*slot, earliest, "{schedule} in {zone}");
        }
    }
}

#[test]
fn a_schedule_of_every_hour_runs_in_both_hours_of_autumn() {
    assert_eq!(slots("0 * * * *", "Europe/Berlin", 2027).len(), 365 * 24);
    assert_eq!(
        slots("*/30 * * * *", "Australia/Lord_Howe", 2027).len(),
        365 * 48
    );
}

#[test]
fn a_day_that_a_place_left_out_has_no_digest() {
    let days: Vec<u32> = slots("0 8 * * *", "Pacific/Apia", 2011)
        .iter()
        .map(DateTime::ordinal)
        .collect();

    assert_eq!(days.len(), 364);
    assert!(
        !days.contains(&364),
        "30 December 2011 did not happen in Samoa"
    );
}

#[test]
fn a_gap_at_midnight_is_made_up_for_on_the_same_day() {
    assert_eq!(slots("0 0 * * *", "America/Sao_Paulo", 2018).len(), 365);
}

#[test]
fn weekdays_count_as_in_crontab() {
    #[track_caller]
    fn check(field: &str, expected: &str) {
        assert_eq!(weekdays(field).as_deref(), Ok(expected), "{field}");
    }
    check("0", "SUN");
    check("7", "SUN");
    check("1", "MON");
    check("1-5", "MON,TUE,WED,THU,FRI");
    check("5-7", "SUN,FRI,SAT");
    check("fri-sun", "SUN,FRI,SAT");
    check("Mon,wed", "MON,WED");
    check("*/2", "SUN,TUE,THU,SAT");
    check("0-6", "SUN,MON,TUE,WED,THU,FRI,SAT");

    let monday = cadence("0 8 * * 1", "UTC")
        .next(utc("2026-11-23T08:00:00Z"))
        .unwrap();
    assert_eq!(
        (monday.weekday(), monday.to_rfc3339()),
        (Weekday::Mon, "2026-11-30T08:00:00+00:00".to_owned())
    );
}

#[test]
fn what_is_no_schedule_is_refused_with_a_reason() {
    #[track_caller]
    fn check(text: &str, expected: BadSchedule) {
        assert_eq!(Cadence::parse(text, Tz::UTC).unwrap_err(), expected);
    }
    check("0 8 * *", BadSchedule::Fields(4));
    check("0 8 * * 9", BadSchedule::Weekday("9".to_owned()));
    check("0 8 * * MOO", BadSchedule::Weekday("MOO".to_owned()));
    check("0 8 1 * MON", BadSchedule::BothDays);
    check("0 25 * * *", BadSchedule::Syntax("0 25 * * *".to_owned()));
    check("@sometimes", BadSchedule::Syntax("@sometimes".to_owned()));
    check("0 0 30 2 *", BadSchedule::Never("0 0 30 2 *".to_owned()));
}

#[test]
fn of_many_missed_slots_only_the_last_is_made_up_for() {
    let daily = cadence("0 8 * * *", "UTC");

    assert_eq!(
        daily.latest(utc("2026-11-19T08:00:00Z"), utc("2026-11-23T09:00:00Z")),
        Some(utc("2026-11-23T08:00:00Z"))
    );
    assert_eq!(
        daily.latest(utc("2026-11-23T08:00:00Z"), utc("2026-11-23T09:00:00Z")),
        None
    );
    assert_eq!(
        cadence("@yearly", "UTC").latest(utc("2020-06-01T00:00:00Z"), utc("2026-11-23T00:00:00Z")),
        Some(utc("2026-01-01T00:00:00Z"))
    );
}

proptest! {
    #[test]
    fn the_next_slot_is_always_later(
        seconds in 0_i64..2_000_000_000,
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
        schedule in prop::sample::select(vec!["30 2 * * *", "*/20 1-3 * * *", "0 0 * * 0", "*/7 * * * *"]),
    ) {
        let after = DateTime::from_timestamp(seconds, 0).unwrap();
        let next = cadence(schedule, zone).next(after).unwrap();
        prop_assert!(next > after);
        prop_assert_eq!(cadence(schedule, zone).next(next - TimeDelta::seconds(1)), Some(next));
    }
}
