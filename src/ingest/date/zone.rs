//! Zones as feeds write them: offsets, and the abbreviations that are not ambiguous in practice.

/// Seconds east of Greenwich.
pub(super) fn seconds_east(text: &str) -> Option<i32> {
    let text = text.trim();
    let named = match text {
        "" | "z" | "ut" | "utc" | "gmt" | "wet" => 0,
        "bst" | "cet" | "met" | "west" | "ist" => 1,
        "cest" | "mest" | "eet" | "mesz" => 2,
        "eest" | "msk" => 3,
        "msd" => 4,
        "hkt" | "sgt" | "awst" => 8,
        "jst" | "kst" => 9,
        "aest" => 10,
        "aedt" => 11,
        "nzst" => 12,
        "nzdt" => 13,
        "ast" | "edt" => -4,
        "adt" => -3,
        "est" | "cdt" | "et" => -5,
        "cst" | "mdt" | "ct" => -6,
        "mst" | "pdt" | "mt" => -7,
        "pst" | "pt" | "akdt" => -8,
        "akst" => -9,
        "hst" => -10,
        _ => return offset(text),
    };
    Some(named * 3600)
}

/// `+01:00`, `-0800`, `+1`, `gmt+1`.
fn offset(text: &str) -> Option<i32> {
    let at = text.find(['+', '-', '−'])?;
    let prefix = text[..at].trim();
    if !matches!(prefix, "" | "gmt" | "utc" | "ut" | "z") {
        return None;
    }
    let sign = if text[at..].starts_with('+') { 1 } else { -1 };
    let digits = text[at..]
        .trim_start_matches(['+', '-', '−'])
        .split_whitespace()
        .next()?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    ((0..=24).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 3600 + minutes * 60))
}
