//! Text as a sequence of words, for comparing and for finding.
//!
//! One definition for every script: [`words`] are what stands between spaces and punctuation, and
//! [`terms`] are what two texts are compared by, where scripts without spaces give overlapping
//! pieces of a few characters in place of words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A word or a piece as a number: equal for equal ones, and hardly ever for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Term(u32);

impl Term {
    pub fn of(word: &str) -> Self {
        Self::over(word.bytes())
    }

    /// Of several in a row.
    pub fn joined(terms: &[Term]) -> Self {
        Self::over(terms.iter().flat_map(|term| term.0.to_le_bytes()))
    }

    /// FNV-1a in 64 bits, folded.
    fn over(bytes: impl Iterator<Item = u8>) -> Self {
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [a, b, c, d, e, f, g, h] = hash.to_le_bytes();
        Term(u32::from_le_bytes([a, b, c, d]) ^ u32::from_le_bytes([e, f, g, h]))
    }

    pub fn number(self) -> u32 {
        self.0
    }

    /// The one of that number.
    pub fn numbered(number: u32) -> Self {
        Term(number)
    }
}

/// The words of `text`, lower-case, in order.
///
/// A word is a run of letters and digits with their marks. In scripts that are written without
/// spaces every character counts as one.
pub fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    stretches(text).flat_map(|(script, stretch)| match script {
        Script::Spaced => Pieces::whole(stretch),
        Script::Ideographs | Script::Letters => Pieces::of(stretch, 1),
    })
}

/// What `text` is compared by, spelled, lower-case, in order: words, and pieces where there are no
/// spaces between words.
pub fn spelled(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    stretches(text).flat_map(|(script, stretch)| match script.piece() {
        None => Pieces::whole(stretch),
        Some(length) => Pieces::of(stretch, length),
    })
}

/// What `text` is compared by, in order.
pub fn terms(text: &str) -> impl Iterator<Item = Term> {
    // Most of what is read is ASCII between spaces, and hashed several times as fast as the rest.
    text.split_ascii_whitespace().flat_map(|run| {
        let (plain, rest) = match run.is_ascii() {
            true => (run, ""),
            false => ("", run),
        };
        plain_terms(plain).chain(spelled(rest).map(|word| Term::of(&word)))
    })
}

/// The terms of ASCII.
fn plain_terms(text: &str) -> impl Iterator<Item = Term> {
    let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    let lower = |word: &[u8]| Term::over(word.iter().map(u8::to_ascii_lowercase));
    words.filter(|word| !word.is_empty()).map(lower)
}

/// The stretches of `text`, where each is of a script without spaces and shorter than a piece: as
/// [`terms`], those are found only where they stand alone.
pub fn fragments(text: &str) -> Option<Vec<&str>> {
    let is_fragment = |(script, stretch): &(Script, &str)| {
        let length = stretch.chars().filter(|c| !is_mark(*c)).count();
        script.piece().is_some_and(|piece| length < piece)
    };
    let stretches: Vec<_> = stretches(text).collect();
    let all = !stretches.is_empty() && stretches.iter().all(is_fragment);
    all.then(|| stretches.into_iter().map(|(_, stretch)| stretch).collect())
}

/// How a script tells where a word ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Spaced,
    /// Two of them mostly make a word: Han and kana.
    Ideographs,
    /// Four of them mostly make a word: Thai, Lao, Khmer and Burmese.
    Letters,
}

impl Script {
    /// How many characters a piece has; none where words stand apart.
    fn piece(self) -> Option<usize> {
        match self {
            Script::Spaced => None,
            Script::Ideographs => Some(2),
            Script::Letters => Some(4),
        }
    }
}

/// Runs of one kind of script, without what separates words.
fn stretches(text: &str) -> impl Iterator<Item = (Script, &str)> {
    text.split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .flat_map(|run| {
            let mut rest = run;
            std::iter::from_fn(move || {
                if rest.is_ascii() && !rest.is_empty() {
                    return Some((Script::Spaced, std::mem::take(&mut rest)));
                }
                let script = script(rest.chars().find(|c| !is_mark(*c))?);
                let is_other = |c: char| !is_mark(c) && self::script(c) != script;
                let (stretch, after) = rest.split_at(rest.find(is_other).unwrap_or(rest.len()));
                rest = after;
                Some((script, stretch))
            })
        })
}

/// The overlapping pieces of a stretch, each so many characters long.
struct Pieces<'a> {
    rest: &'a str,
    /// None for the stretch as a whole.
    length: Option<usize>,
    is_first: bool,
}

impl<'a> Pieces<'a> {
    fn whole(stretch: &'a str) -> Self {
        Pieces {
            rest: stretch,
            length: None,
            is_first: true,
        }
    }

    fn of(stretch: &'a str, length: usize) -> Self {
        Pieces {
            length: Some(length),
            ..Self::whole(stretch)
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.rest;
        let Some(length) = self.length else {
            self.rest = "";
            return (!piece.is_empty()).then(|| lower(piece));
        };
        let mut ends = piece
            .char_indices()
            .filter(|(_, c)| !is_mark(*c))
            .map(|(at, c)| at + c.len_utf8());
        let first = ends.next()?;
        // A stretch that is shorter than a piece is one.
        let end = match (ends.nth(length.saturating_sub(2)), length) {
            (_, 1) => first,
            (Some(end), _) => end,
            (None, _) if self.is_first => piece.len(),
            (None, _) => return None,
        };
        self.is_first = false;
        self.rest = &piece[first..];
        Some(lower(&piece[..end]))
    }
}

/// In lower case and without marks that are no letters; the lower case of some letters, the Turkish
/// `İ` for one, ends in such a mark.
fn lower(word: &str) -> Cow<'_, str> {
    if word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return Cow::Borrowed(word);
    }
    let mut lower = word.to_lowercase();
    lower.retain(char::is_alphanumeric);
    Cow::Owned(lower)
}

/// What stands within words and is no letter: accents of their own, signs that silence a vowel or
/// give a tone, hyphens that nobody sees, and joiners.
fn is_mark(c: char) -> bool {
    !c.is_ascii()
        && matches!(c,
            '\u{AD}'
            | '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{487}'
            | '\u{93C}' | '\u{94D}' | '\u{9BC}' | '\u{9CD}' | '\u{A3C}' | '\u{A4D}'
            | '\u{ABC}' | '\u{ACD}' | '\u{B3C}' | '\u{B4D}' | '\u{BCD}' | '\u{C4D}'
            | '\u{CBC}' | '\u{CCD}' | '\u{D4D}' | '\u{DCA}'
            | '\u{E47}'..='\u{E4E}' | '\u{EC8}'..='\u{ECE}'
            | '\u{1037}' | '\u{1039}' | '\u{103A}' | '\u{17C9}'..='\u{17D3}'
            | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

fn script(c: char) -> Script {
    match c {
        '\0'..='\u{DFF}' => Script::Spaced,
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' => {
            Script::Letters
        }
        '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Script::Ideographs,
        _ => Script::Spaced,
    }
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
        check("Donau\u{AD}dampf", &["donaudampf"]);
        check("हिन्दी में", &["हिनदी", "में"]);
        check("می\u{200C}رود", &["میرود"]);
        check("ที่นี่", &["ท", "ี", "น", "ี"]);
        check("\u{301} \u{200B}", &[]);
        check(" \u{a0}...\n", &[]);
        check("", &[]);
    }

    #[test]
    fn scripts_without_spaces_are_compared_by_pieces() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(spelled(text).collect::<Vec<_>>(), expected, "{text}");
            let hashes: Vec<Term> = expected.iter().map(|word| Term::of(word)).collect();
            assert_eq!(terms(text).collect::<Vec<_>>(), hashes, "{text}");
        }

        check("Fog bell", &["fog", "bell"]);
        check(
            "日銀、利上げ2026年",
            &["日銀", "利上", "上げ", "2026", "年"],
        );
        check("ราคาน้ำมัน", &["ราคา", "าคาน", "คานำ", "านำม", "นำมั", "ำมัน"]);
        check("ดี", &["ดี"]);
        check("", &[]);
    }

    #[test]
    fn what_is_shorter_than_a_piece_is_told_apart() {
        assert_eq!(fragments("年"), Some(vec!["年"]));
        assert_eq!(fragments("น้ำ, 年"), Some(vec!["น้ำ", "年"]));
        assert_eq!(fragments("日銀"), None);
        assert_eq!(fragments("น้ำมัน"), None);
        assert_eq!(fragments("年 fog"), None);
        assert_eq!(fragments("..."), None);
    }

    #[test]
    fn terms_in_a_row_depend_on_their_order() {
        let [a, b] = ["fog", "bell"].map(Term::of);

        assert_eq!(Term::joined(&[a, b]), Term::joined(&[a, b]));
        assert_ne!(Term::joined(&[a, b]), Term::joined(&[b, a]));
        assert_ne!(Term::joined(&[a]), Term::joined(&[a, a]));
    }

    proptest::proptest! {
        #[test]
        fn terms_are_what_is_spelled(text in "[a-zA-Z0-9 .,_\t\u{a0}\u{2019}éİßж漢字ก-]{0,60}") {
            let spelled: Vec<Term> = spelled(&text).map(|word| Term::of(&word)).collect();
            assert_eq!(terms(&text).collect::<Vec<_>>(), spelled);
        }
    }
}
