//! Dates as feeds write them: RFC 822 and its variants, RFC 3339, W3C-DTF at every precision,
//! ISO 8601, asctime, and the forms that people type.

mod zone;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Longer texts are no dates.
const LONGEST: usize = 100;

/// The instant that `text` states, to the second. Without a zone it is UTC, without a time midnight.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    iso(text).or_else(|| words(&text.to_lowercase()))
}

/// Year first: `2003`, `2003-12`, `2003-12-31T10:14:55.1-08:00`, `20031231`, `2003-335`.
fn iso(text: &str) -> Option<DateTime<Utc>> {
    let date_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '-' && c != '/' && c != '.')
        .unwrap_or(text.len());
    let (date, rest) = text.split_at(date_end);
    let rest = rest.trim_start();
    let is_marked =
        rest.starts_with(['T', 't', ' ']) || rest.starts_with(|c: char| c.is_ascii_digit());
    if !(rest.is_empty() || is_marked || rest.starts_with([',', 'Z', 'z'])) {
        return None;
    }
    let date = iso_date(date.trim_end_matches(['-', '.', '/']))?;
    let rest = rest.trim_start_matches(['T', 't', ',', ' ']);
    if rest.is_empty() {
        return at(date, (0, 0, 0), 0);
    }
    let time_end = rest
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
        .unwrap_or(rest.len());
    let (time, zone) = rest.split_at(time_end);
    let (half, zone) = meridiem(zone.trim_start());
    let time = if time.is_empty() {
        (0, 0, 0)
    } else {
        clock(time)?
    };
    at(
        date,
        half_day(time, half),
        zone::seconds_east(&zone.trim().to_lowercase()).unwrap_or(0),
    )
}

fn iso_date(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let n = |part: &str| part.parse::<u32>().ok();
    match parts[..] {
        [y] if y.len() == 4 => day(year(y)?, 1, 1),
        [ymd] if ymd.len() == 8 => day(year(&ymd[..4])?, n(&ymd[4..6])?, n(&ymd[6..])?),
        [yd] if yd.len() == 7 => NaiveDate::from_yo_opt(year(&yd[..4])?, n(&yd[4..])?),
        [ym] if ym.len() == 6 => day(year(&ym[..4])?, n(&ym[4..])?, 1),
        [y, d] if y.len() == 4 && d.len() == 3 => NaiveDate::from_yo_opt(year(y)?, n(d)?),
        [y, m] if y.len() == 4 => day(year(y)?, n(m)?, 1),
        [y, m, d] if y.len() == 4 => day(year(y)?, n(m)?, n(d)?),
        [a, b, y] if y.len() == 4 => {
            // `31.12.2003` is European, `12/31/2003` American, unless that makes no date.
            let (a, b) = (n(a)?, n(b)?);
            let day_first = text.contains('.') || text.contains('-') || a > 12;
            let (m, d) = if day_first { (b, a) } else { (a, b) };
            day(year(y)?, m, d)
        }
        [y, m, d] if y.len() == 2 && text.contains('-') => day(year(y)?, n(m)?, n(d)?),
        _ => None,
    }
}

/// A date that does not exist, 31 June, is the days after the month's first that it says.
fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    let exact = NaiveDate::from_ymd_opt(year, month, day);
    let first = || NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (1..=31).contains(&day));
    exact.or_else(|| first()?.checked_add_days(Days::new(u64::from(day) - 1)))
}

/// Two digits are 1970 to 2069.
fn year(text: &str) -> Option<i32> {
    let n: i32 = text.parse().ok()?;
    match text.len() {
        4 if n > 0 => Some(n),
        2 => Some(if n < 70 { 2000 + n } else { 1900 + n }),
        3 if n >= 100 => Some(1900 + n),
        _ => None,
    }
}

/// Hour, minute, second.
type Clock = (u32, u32, u32);

/// `10:14:55.2`, `10:14`, `101455`, `10`.
fn clock(text: &str) -> Option<Clock> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !text.contains(':') {
        return match text.len() {
            2 if digits(text) => Some((text.parse().ok()?, 0, 0)),
            4 if digits(text) => Some((text[..2].parse().ok()?, text[2..].parse().ok()?, 0)),
            n if n >= 6 && digits(&text[..6]) => Some((
                text[..2].parse().ok()?,
                text[2..4].parse().ok()?,
                whole(&text[4..])?,
            )),
            _ => text
                .split_once('.')
                .and_then(|(h, m)| Some((h.parse().ok()?, m.parse().ok()?, 0))),
        };
    }
    let mut parts = text.trim_end_matches([',', ':', '.']).split(':');
    let hour = parts.next()?.parse().ok()?;
    let minute = parts.next()?.parse().ok()?;
    let second = parts.next().map_or(Some(0), whole)?;
    Some((hour, minute, second))
}

/// Seconds without their fraction.
fn whole(text: &str) -> Option<u32> {
    text.split(['.', ',']).next()?.parse().ok()
}

/// `am` or `pm` at the front, and what follows.
fn meridiem(text: &str) -> (Option<&str>, &str) {
    match text.get(..2) {
        Some(half) if half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm") => {
            (Some(half), &text[2..])
        }
        _ => (None, text),
    }
}

fn half_day((hour, minute, second): Clock, half: Option<&str>) -> Clock {
    let hour = match half.map(str::to_ascii_lowercase).as_deref() {
        Some("pm") if hour < 12 => hour + 12,
        Some("am") if hour == 12 => 0,
        _ => hour,
    };
    (hour, minute, second)
}

/// Anything with the name of a month in it, and asctime.
fn words(text: &str) -> Option<DateTime<Utc>> {
    let (mut numbers, mut month, mut time, mut half, mut zone) =
        (Vec::new(), None, None, None, None);
    let mut rest = text;
    while let Some(token) = token(&mut rest) {
        // A hyphen before the time joins, `01-jan-2004`; behind it, it is a sign.
        let token = if time.is_none() {
            token.trim_start_matches('-')
        } else {
            token
        };
        if token.contains(':') && time.is_none() {
            time = Some(clock(token)?);
        } else if let Some(m) = month_number(token).filter(|_| month.is_none()) {
            month = Some(m);
        } else if matches!(token, "am" | "pm" | "a.m." | "p.m.") {
            half = Some(if token.starts_with('p') { "pm" } else { "am" });
        } else if token.starts_with(['+', '-']) && time.is_some() {
            zone = zone::seconds_east(token).or(zone);
        } else if let Some(number) = token
            .trim_end_matches(['.', 't', 'h', 's', 'n', 'd', 'r'])
            .split('.')
            .next()
            .filter(|n| is_number(n))
        {
            numbers.push(number);
        } else if zone.is_none() && time.is_some() {
            zone = zone::seconds_east(token);
        }
    }
    let (month, numbers) = match (month, numbers.as_slice()) {
        (Some(month), numbers) => (month, numbers.to_vec()),
        (None, [d, m, y, ..]) if time.is_some() => (m.parse().ok()?, vec![*d, *y]),
        _ => return None,
    };
    let is_year = |n: &&&str| n.len() > 2;
    let (day_number, year_number) = match numbers[..] {
        [y] if y.len() == 4 => ("1", y),
        [a, b, ..] if is_year(&&a) && !is_year(&&b) => (b, a),
        [a, b, ..] => (a, b),
        _ => return None,
    };
    let date = day(year(year_number)?, month, day_number.parse().ok()?)?;
    at(
        date,
        half_day(time.unwrap_or((0, 0, 0)), half),
        zone.unwrap_or(0),
    )
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The next run of text up to white space, a comma, or a sign after a word or number.
fn token<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, ',' | '(' | ')' | '/' | '|')
    });
    if text.is_empty() {
        return None;
    }
    let stops = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '/' | '|' | '+' | '-');
    let end = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| stops(*c))
        .map_or(text.len(), |(at, _)| at);
    // `10:14:55pm` and `gmt+1` are two things each.
    let is_time = text[..end].contains(':');
    let letters = text[..end]
        .find(|c: char| c.is_alphabetic())
        .filter(|n| is_time && *n > 0);
    let end = letters.unwrap_or(end);
    *rest = &text[end..];
    Some(&text[..end])
}

/// English names by their first three letters; the others as feeds have been seen to write them.
fn month_number(token: &str) -> Option<u32> {
    const ENGLISH: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    const OTHERS: [(&str, u32); 44] = [
        ("ιαν", 1),
        ("φεβ", 2),
        ("μάώ", 3),
        ("μαώ", 3),
        ("μάρ", 3),
        ("μαρ", 3),
        ("απρ", 4),
        ("μάι", 5),
        ("μαϊ", 5),
        ("μαι", 5),
        ("ιούν", 6),
        ("ιον", 6),
        ("ιουν", 6),
        ("ιούλ", 7),
        ("ιολ", 7),
        ("ιουλ", 7),
        ("αύγ", 8),
        ("αυγ", 8),
        ("σεπ", 9),
        ("οκτ", 10),
        ("νοέ", 11),
        ("νοε", 11),
        ("δεκ", 12),
        ("febr", 2),
        ("márc", 3),
        ("ápr", 4),
        ("máj", 5),
        ("jún", 6),
        ("júl", 7),
        ("szept", 9),
        ("okt", 10),
        ("dez", 12),
        ("mär", 3),
        ("mai", 5),
        ("janv", 1),
        ("févr", 2),
        ("fév", 2),
        ("avr", 4),
        ("juin", 6),
        ("juil", 7),
        ("août", 8),
        ("déc", 12),
        ("ene", 1),
        ("dic", 12),
    ];
    let english = token
        .get(..3)
        .and_then(|head| ENGLISH.iter().position(|name| *name == head));
    if let Some(n) = english {
        return u32::try_from(n + 1).ok();
    }
    OTHERS
        .iter()
        .find(|(name, _)| token.starts_with(name))
        .map(|(_, n)| *n)
}

/// Hours, minutes and seconds may run over, as 24:00 and leap seconds do.
fn at(date: NaiveDate, (hour, minute, second): Clock, zone: i32) -> Option<DateTime<Utc>> {
    if hour > 30 || minute > 90 || second > 90 {
        return None;
    }
    let seconds = i64::from((hour * 60 + minute) * 60 + second) - i64::from(zone);
    let midnight = date.and_time(NaiveTime::MIN);
    Some(
        midnight
            .checked_add_signed(TimeDelta::seconds(seconds))?
            .and_utc(),
    )
}

#[cfg(test)]
mod tests;
