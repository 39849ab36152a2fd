//! What the values of keys may be, and how each is read.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use toml::Value;

/// Any type that reads itself from text.
pub(super) fn text<T: FromStr<Err: fmt::Display>>(value: &Value) -> Result<T, String> {
    value
        .as_str()
        .ok_or("must be text in quotes")?
        .parse()
        .map_err(|err: T::Err| err.to_string())
}

/// Text that is not empty.
pub(super) fn words(value: &Value) -> Result<String, String> {
    match value.as_str().map(str::trim) {
        Some("") => Err("must not be empty".to_owned()),
        Some(words) => Ok(words.to_owned()),
        None => Err("must be text in quotes".to_owned()),
    }
}

/// `true` or `false`.
pub(super) fn truth(value: &Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| "must be true or false".to_owned())
}

pub(super) fn list<T>(
    item: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        value
            .as_array()
            .ok_or("must be a list: [..]")?
            .iter()
            .map(&item)
            .collect()
    }
}

/// A whole number in `range`.
pub(super) fn number<T: TryFrom<i64> + PartialOrd + fmt::Display + Copy>(
    range: RangeInclusive<T>,
) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let bad = || {
            format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )
        };
        let number = value
            .as_integer()
            .and_then(|n| T::try_from(n).ok())
            .ok_or_else(bad)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(bad())
        }
    }
}

/// A length of time: `30s`, `15m`, `1h`, `7d`, `2w`.
pub(super) fn duration(value: &Value) -> Result<Duration, String> {
    let bad = || "must be a length of time such as \"15m\", \"1h\" or \"7d\"".to_owned();
    let text = value.as_str().ok_or_else(bad)?.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?);
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(bad)
}

/// A number of bytes: `500KB`, `20MB`, `1GB`; one kilobyte is 1,000 bytes.
pub(super) fn size(value: &Value) -> Result<u64, String> {
    let bad = || "must be a size such as \"500KB\" or \"20MB\"".to_owned();
    let text = value.as_str().ok_or_else(bad)?.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?);
    let unit = match unit.trim() {
        "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(bad()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn seconds(text: &str, expected: Option<u64>) {
        let value = Value::String(text.to_owned());
        assert_eq!(
            duration(&value).ok().map(|duration| duration.as_secs()),
            expected,
            "{text}"
        );
    }

    #[track_caller]
    fn bytes(text: &str, expected: Option<u64>) {
        assert_eq!(
            size(&Value::String(text.to_owned())).ok(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn lengths_of_time_and_sizes_carry_their_unit() {
        seconds("30s", Some(30));
        seconds("15m", Some(900));
        seconds("7d", Some(604_800));
        seconds("15", None);
        seconds("m", None);
        seconds("1 year", None);
        seconds("99999999999999999999d", None);
        bytes("20MB", Some(20_000_000));
        bytes("20", None);
    }
}
