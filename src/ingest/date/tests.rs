use chrono::SecondsFormat;
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let parsed = parse(text).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    assert_eq!(parsed.as_deref().unwrap_or("none"), expected, "{text}");
}

#[test]
fn rfc_822_and_its_variants() {
    for text in [
        "Thu, 01 Jan 2004 19:48:21 GMT",
        "Thu, 1 Jan 2004 14:48:21 -0500",
        "01 Jan 04 19:48:21 UT",
        "Thursday, 1 January 2004 14:48:21 EST",
        "Thu, 01 Jan 2004 20:48:21 +01:00",
        "thu,01-jan-2004 19:48:21 z",
        "Thu Jan  1 19:48:21 2004",
        "Thu Jan 1 14:48:21 EST 2004",
        "Jan 1, 2004 7:48:21 PM",
        "January 1st, 2004 7:48:21pm GMT",
        "Thu, 01 Jan 2004 20:48:21 GMT+1",
        "01/01/2004 19:48:21",
    ] {
        check(text, "2004-01-01T19:48:21Z");
    }
    check("Thu, 01 Jan 2004", "2004-01-01T00:00:00Z");
    check("Thu, 31 Jun 2004 23:59:60 GMT", "2004-07-02T00:00:00Z");
    check("26 Feb 1987 15:01:01.79 GMT", "1987-02-26T15:01:01Z");
}

#[test]
fn w3c_dates_at_every_precision() {
    check("2003", "2003-01-01T00:00:00Z");
    check("2003-12", "2003-12-01T00:00:00Z");
    check("2003-12-31", "2003-12-31T00:00:00Z");
    check("2003-12-31T10:14Z", "2003-12-31T10:14:00Z");
    check("2003-12-31T10:14:55Z", "2003-12-31T10:14:55Z");
    check("2003-12-31T10:14:55.5-08:00", "2003-12-31T18:14:55Z");
    check("2003-12-31t24:00:00z", "2004-01-01T00:00:00Z");
    check("2003-12-31 10:14:55", "2003-12-31T10:14:55Z");
    check("20031231T101455Z", "2003-12-31T10:14:55Z");
    check("2003-365", "2003-12-31T00:00:00Z");
    check("2003/12/31 10:14 +0100", "2003-12-31T09:14:00Z");
}

#[test]
fn other_forms_in_use() {
    check("31.12.2003 10:14", "2003-12-31T10:14:00Z");
    check("12/31/2003", "2003-12-31T00:00:00Z");
    check("31 décembre 2003", "2003-12-31T00:00:00Z");
    check("Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T17:00:00Z");
}

#[test]
fn what_is_no_date_is_none() {
    for text in [
        "",
        "soon",
        "99",
        "2003-13-01",
        "Thu, 99 Foo 2004",
        "00000",
        "-",
        "10:14",
        &"1 ".repeat(99),
    ] {
        check(text, "none");
    }
}

proptest! {
    #[test]
    fn every_instant_is_read_back_from_the_forms_of_the_standards(
        seconds in -2_000_000_000_i64..4_000_000_000,
        minutes_east in -840_i32..=840,
    ) {
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        let zone = chrono::FixedOffset::east_opt(minutes_east * 60).unwrap();
        let local = at.with_timezone(&zone);

        prop_assert_eq!(parse(&local.to_rfc2822()), Some(at));
        prop_assert_eq!(parse(&local.to_rfc3339_opts(SecondsFormat::Millis, true)), Some(at));
    }

    #[test]
    fn no_text_stops_the_reader(
        text in "(\\PC|[0-9:,./ +-]|Mon|jan|EST|T|Z|pm){0,30}",
    ) {
        let _ = parse(&text);
    }
}
