//! Text as a sequence of words, for comparing and for finding.

/// The words of `text`, lower-case, in order.
///
/// A word is a run of letters and digits. In scripts that are written without spaces every
/// character counts as one.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .flat_map(|run| run.split_inclusive(is_unspaced).flat_map(detach))
        .filter(|word| !word.is_empty())
        .map(lower)
}

/// The lower case of some letters, the Turkish `İ` for one, ends in a mark that is no letter.
fn lower(word: &str) -> String {
    let mut lower = word.to_lowercase();
    lower.retain(char::is_alphanumeric);
    lower
}

/// Separates the unspaced character that may end `piece` from what stands before it.
fn detach(piece: &str) -> [&str; 2] {
    let last = piece.char_indices().next_back();
    let at = match last {
        Some((at, c)) if is_unspaced(c) => at,
        _ => piece.len(),
    };
    let (before, last) = piece.split_at(at);
    [before, last]
}

/// Thai, Lao, Khmer, Burmese, kana and Han.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'
        | '\u{1000}'..='\u{109F}'
        | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        }

        check(
            "The  Fed's 2 % rise\u{2014}again!",
            &["the", "fed", "s", "2", "rise", "again"],
        );
        check("Größe ÅNGSTRÖM Москва", &["größe", "ångström", "москва"]);
        check(
            "日銀、利上げ2026年 to",
            &["日", "銀", "利", "上", "げ", "2026", "年", "to"],
        );
        check("İstanbul", &["istanbul"]);
        check(" \u{a0}...\n", &[]);
        check("", &[]);
    }
}
