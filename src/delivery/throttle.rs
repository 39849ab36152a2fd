//! How much may be sent, and when: quotas of relays, and the pace of destinations.
//!
//! Nothing here waits. Whoever asks too early is told when to ask again.

pub mod pace;
pub mod quota;
pub mod warmup;
mod window;

use std::{num::NonZeroU32, str::FromStr};

/// So many messages in any second, hour or day: `10/s`, `500/h`, `20000/d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub messages: NonZeroU32,
    pub per: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Second,
    Hour,
    Day,
}

/// Rates that hold together. None at all is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub per_second: Option<NonZeroU32>,
    pub per_hour: Option<NonZeroU32>,
    pub per_day: Option<NonZeroU32>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRate {
    #[error("`{0}` is not a rate: write `10/s`, `500/h` or `20000/d`")]
    NotARate(String),
    #[error("`{0}` is the second rate for the same period")]
    Twice(String),
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let bad = || BadRate::NotARate(text.to_owned());
        let (messages, per) = text.split_once('/').ok_or_else(bad)?;
        let per = match per.trim() {
            "s" => Period::Second,
            "h" => Period::Hour,
            "d" => Period::Day,
            _ => return Err(bad()),
        };
        let messages = messages.trim().parse().map_err(|_| bad())?;
        Ok(Self { messages, per })
    }
}

/// Rates with commas between them; an empty text is no limit.
impl FromStr for Limits {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        match text.trim() {
            "" => Ok(Self::default()),
            text => Self::of(text.split(',').map(str::trim)),
        }
    }
}

impl Limits {
    /// Reads one rate from each text; a period may occur once.
    pub fn of<'a>(rates: impl IntoIterator<Item = &'a str>) -> Result<Self, BadRate> {
        let mut limits = Self::default();
        for text in rates {
            let Rate { messages, per } = text.parse()?;
            let limit = match per {
                Period::Second => &mut limits.per_second,
                Period::Hour => &mut limits.per_hour,
                Period::Day => &mut limits.per_day,
            };
            if limit.replace(messages).is_some() {
                return Err(BadRate::Twice(text.to_owned()));
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<[u32; 3], BadRate>) {
        let limits: Result<Limits, _> = text.parse();
        let number = |limit: Option<NonZeroU32>| limit.map_or(0, NonZeroU32::get);
        let numbers =
            limits.map(|limits| [limits.per_second, limits.per_hour, limits.per_day].map(number));
        assert_eq!(numbers, expected, "{text}");
    }

    #[test]
    fn limits_are_rates_with_commas_between_them() {
        check("", Ok([0, 0, 0]));
        check("10/s", Ok([10, 0, 0]));
        check(" 500 / h ", Ok([0, 500, 0]));
        check("20000/d, 14/s", Ok([14, 0, 20_000]));
    }

    #[test]
    fn a_wrong_rate_is_told() {
        let bad = |text: &str| Err(BadRate::NotARate(text.to_owned()));
        for text in ["10", "0/s", "-1/s", "10/m", "ten/s", "5000000000/d", "/s"] {
            check(text, bad(text));
        }
        check("10/s,", bad(""));
        check("10/s, 5/s", Err(BadRate::Twice("5/s".to_owned())));
    }
}
