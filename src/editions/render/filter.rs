//! What templates can do with text and dates.

use chrono::DateTime;
use minijinja::{Error, ErrorKind};

/// Writes a moment in the zone it is given in: `date` in full, `date("short")`, `date("time")`.
pub(super) fn date(at: &str, style: Option<&str>) -> Result<String, Error> {
    let invalid = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    let at = DateTime::parse_from_rfc3339(at)
        .map_err(|_| invalid(format!("`{at}` is not a date of RFC 3339")))?;
    let format = match style {
        None | Some("long") => "%A, %-d %B %Y",
        Some("short") => "%-d %b %Y",
        Some("time") => "%H:%M (UTC%:z)",
        Some(other) => return Err(invalid(format!("there is no date style `{other}`"))),
    };
    Ok(at.format(format).to_string())
}

/// Cuts text after at most `n` characters, between words where it can, and says so by an ellipsis.
pub(super) fn clip(text: &str, n: usize) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(n) else {
        return text.to_owned();
    };
    let room = text
        .char_indices()
        .nth(n.saturating_sub(1))
        .map_or(0, |(at, _)| at);
    let cut = &text[..room];
    let next_is_space = text[room..end].starts_with(char::is_whitespace);
    // A script without spaces between words is cut between characters.
    let kept = match cut.rfind(char::is_whitespace) {
        Some(at) if !next_is_space && at * 2 > room => &cut[..at],
        _ => cut,
    };
    let kept = kept.trim_end_matches(|c: char| c.is_whitespace() || ",;:.–-".contains(c));
    format!("{kept}…")
}

/// Breaks text into lines of at most `width` characters, the later ones after `indent`. A word that
/// is longer, such as an address, stays whole.
pub(super) fn wrap(text: &str, width: usize, indent: Option<&str>) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.push_str(indent.unwrap_or_default());
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

/// Makes a subject: one line, and nothing in it that turns the direction of what follows
/// (UTS 36, section 2.8).
pub(super) fn one_line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|&c| !turns(c)).collect();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(made: String, expected: &str) {
        assert_eq!(made, expected);
    }

    #[test]
    fn text_is_cut_between_words() {
        check(clip("short", 10), "short");
        check(clip("exactly ten", 11), "exactly ten");
        check(clip("The harbour wall, again", 18), "The harbour wall…");
        check(clip("The harbour wall is closed", 17), "The harbour wall…");
        check(clip("日本語の新聞は毎日", 5), "日本語の…");
        check(clip("Pneumonoultramicroscopic", 8), "Pneumon…");
    }

    #[test]
    fn lines_are_wrapped_and_addresses_stay_whole() {
        check(wrap("one two three", 7, None), "one two\nthree");
        check(wrap("one two three", 7, Some("  ")), "one two\n  three");
        let long = format!("https://example.org/{}", "a".repeat(300));
        check(
            wrap(&format!("see {long} now"), 20, None),
            &format!("see\n{long}\nnow"),
        );
        check(wrap("  a \n b  ", 20, None), "a b");
    }

    #[test]
    fn dates_are_written_in_their_own_zone() {
        let at = "2026-11-23T06:30:00+01:00";
        check(date(at, None).unwrap(), "Monday, 23 November 2026");
        check(date(at, Some("short")).unwrap(), "23 Nov 2026");
        check(date(at, Some("time")).unwrap(), "06:30 (UTC+01:00)");
        assert!(date("yesterday", None).is_err());
        assert!(date(at, Some("roman")).is_err());
    }

    #[test]
    fn a_subject_is_one_line_in_one_direction() {
        check(
            one_line("Daily:\r\nBcc: x@example.org\u{0}\n"),
            "Daily: Bcc: x@example.org",
        );
        check(one_line("in\u{202E}voice"), "invoice");
    }
}
