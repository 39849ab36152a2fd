use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

fn filter(words: &[&str], patterns: &[&str], categories: &[&str]) -> Option<Filter> {
    Some(Filter {
        words: words.iter().map(|w| Phrase::parse(w).unwrap()).collect(),
        patterns: patterns
            .iter()
            .map(|p| Pattern::parse(p).unwrap())
            .collect(),
        categories: categories
            .iter()
            .map(|c| Category::parse(c).unwrap())
            .collect(),
    })
}

fn excluding(filter: Option<Filter>) -> Rules {
    Rules {
        exclude: filter,
        ..Rules::default()
    }
}

fn judge(rules: &Rules, entry: &Entry, text: &str) -> Admission {
    rules.admits(entry, &[entry.title.clone(), text.to_owned()], now())
}

#[track_caller]
fn word(word: &str, text: &str, is_found: bool) {
    let rules = excluding(filter(&[word], &[], &[]));
    let left_out = judge(&rules, &Entry::default(), text) != Admission::Admitted;
    assert_eq!(left_out, is_found, "{word} in {text}");
}

#[test]
fn words_are_whole_words_in_any_case_and_any_script() {
    word("port", "The PORT is closed", true);
    word("port", "A sports report", false);
    word("ferry strike", "The ferry-strike goes on", true);
    word("ferry strike", "A strike of the ferry", false);
    word("größe", "Die GRÖSSE", false);
    word("größe", "Die GRÖßE zählt", true);
    word("москва", "Новости: Москва.", true);
    word("москва", "Московская область", false);
    word("利上げ", "日銀、利上げを決定", true);
    word("利下げ", "日銀、利上げを決定", false);
}

#[test]
fn a_phrase_does_not_begin_in_the_title_and_end_in_the_text() {
    let rules = excluding(filter(&["ferry strike"], &[], &[]));
    let entry = Entry {
        title: "The ferry".to_owned(),
        ..Entry::default()
    };

    assert_eq!(judge(&rules, &entry, "Strike over."), Admission::Admitted);
}

#[test]
fn patterns_ignore_case_unless_they_say_otherwise() {
    let finds = |pattern: &str, text: &str| {
        let rules = excluding(filter(&[], &[pattern], &[]));
        judge(&rules, &Entry::default(), text) != Admission::Admitted
    };

    assert!(finds("f[ei]rr(y|ies)", "Ferries again"));
    assert!(finds("^sponsored:", "News\nSponsored: shoes"));
    assert!(finds("(?-i)US", "the US said"));
    assert!(!finds("(?-i)US", "all of us"));
}

#[test]
fn categories_are_compared_whole() {
    let entry = Entry {
        tags: vec!["  Local  News".to_owned()],
        ..Entry::default()
    };
    let left_out = |category: &str| {
        judge(&excluding(filter(&[], &[], &[category])), &entry, "") != Admission::Admitted
    };

    assert!(left_out("LOCAL news"));
    assert!(!left_out("local"));
}

#[test]
fn what_is_excluded_is_left_out_even_if_it_is_included() {
    let rules = Rules {
        include: filter(&["harbor", "sea"], &[], &["port"]),
        exclude: filter(&[], &["advert"], &[]),
        max_age: None,
    };
    let entry = Entry {
        tags: vec!["Port".to_owned()],
        ..Entry::default()
    };

    assert_eq!(
        judge(&rules, &Entry::default(), "By the sea"),
        Admission::Admitted
    );
    assert_eq!(judge(&rules, &entry, "Nothing else"), Admission::Admitted);
    assert_eq!(
        judge(&rules, &Entry::default(), "Inland"),
        Admission::LeftOut(Reason::NotIncluded)
    );
    assert_eq!(
        judge(&rules, &entry, "Advertisement: the sea"),
        Admission::LeftOut(Reason::Excluded("advert".to_owned()))
    );
}

#[test]
fn age_is_that_of_the_date_an_entry_states() {
    let rules = Rules {
        max_age: Some(Duration::from_secs(3600)),
        ..Rules::default()
    };
    let aged = |seconds: i64| Entry {
        published: Some(now() - chrono::TimeDelta::seconds(seconds)),
        ..Entry::default()
    };

    assert_eq!(judge(&rules, &aged(3600), ""), Admission::Admitted);
    assert_eq!(
        judge(&rules, &aged(3601), ""),
        Admission::LeftOut(Reason::TooOld)
    );
    assert_eq!(judge(&rules, &aged(-9999), ""), Admission::Admitted);
    assert_eq!(judge(&rules, &Entry::default(), ""), Admission::Admitted);
}

#[test]
fn a_bad_pattern_is_told_with_the_place_of_the_mistake() {
    let told = |pattern: &str| Pattern::parse(pattern).unwrap_err().to_string();

    assert_eq!(told("é(ab"), "`é(ab`: unclosed group, at character 2");
    assert!(told(r"a\p{Nowhere}").ends_with("at character 2"));
    assert!(told(r"(\w{100}){100}").contains("too large"));
    assert!(told(&"a".repeat(1001)).contains("more than 1000 characters"));
}

#[test]
fn only_the_beginning_of_a_huge_text_is_looked_at() {
    word("end", &format!("{} end", "é ".repeat(MOST_TEXT)), false);
    word("end", &format!("{} end", "é ".repeat(MOST_TEXT / 4)), true);
}

proptest! {
    #[test]
    fn a_phrase_and_a_category_read_as_themselves_again(text in any::<String>()) {
        if let Ok(phrase) = Phrase::parse(&text) {
            prop_assert_eq!(&Phrase::parse(&phrase.to_string()), &Ok(phrase));
        }
        if let Ok(category) = Category::parse(&text) {
            prop_assert_eq!(&Category::parse(&category.to_string()), &Ok(category));
        }
    }

    #[test]
    fn no_pattern_and_no_text_makes_rules_panic(pattern in ".{0,40}", text in ".{0,200}") {
        let rules = Rules {
            include: filter(&["a"], &[], &[]),
            exclude: Some(Filter {
                words: Phrase::parse(&pattern).into_iter().collect(),
                patterns: Pattern::parse(&pattern).into_iter().collect(),
                categories: Category::parse(&pattern).into_iter().collect(),
            }),
            max_age: Some(Duration::MAX),
        };
        judge(&rules, &Entry::default(), &text);
    }

    #[test]
    fn a_word_of_a_text_is_found_in_it(text in "\\PC{0,100}") {
        for one in words(&text) {
            let Ok(phrase) = Phrase::parse(&one) else { continue };
            let rules = excluding(Some(Filter { words: vec![phrase], ..Filter::default() }));
            prop_assert!(judge(&rules, &Entry::default(), &text) != Admission::Admitted);
        }
    }
}
