use super::*;

/// Made-up prose, the same at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// Words of which few are frequent, as in a language.
    fn prose(&mut self, n: usize) -> Vec<String> {
        let word = |chance: &mut Self| {
            let reach = 1 << (4 + chance.below(11));
            letters(chance.below(reach))
        };
        (0..n).map(|_| word(self)).collect()
    }
}

/// A word of its own for each number.
fn letters(n: u64) -> String {
    n.to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'k'))
        .collect()
}

fn day(n: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + n)
}

/// A library that folds reprints, as ingest does.
struct Library {
    recent: Recent,
    groups: HashMap<ArticleId, Vec<u64>>,
    n_entries: u64,
}

impl Library {
    fn new() -> Self {
        Library {
            recent: Recent::new(TimeDelta::days(7)),
            groups: HashMap::new(),
            n_entries: 0,
        }
    }

    /// Takes an entry and returns the article it came to.
    fn take(&mut self, source: &str, at: DateTime<Utc>, title: &str, text: &str) -> ArticleId {
        let source = SourceName::parse(source).unwrap();
        let origin = Origin {
            source: &source,
            published: at,
            priority: 0,
        };
        let sketch = Sketch::of(title, text);
        let id = ArticleId(self.n_entries);
        self.n_entries += 1;
        let home = match self.recent.find(&sketch, origin).first() {
            Some(found) => found.article,
            None => {
                self.recent.add(id, &sketch, origin, at);
                id
            }
        };
        self.groups.entry(home).or_default().push(id.0);
        home
    }
}

#[test]
fn a_wire_story_in_forty_outlets_is_one_article_among_two_thousand_others() {
    let mut chance = Chance(7);
    let footers: Vec<String> = (0..60).map(|_| chance.prose(40).join(" ")).collect();
    let story = chance.prose(300);
    let mut library = Library::new();
    let mut copies = Vec::new();
    for n in 0..2_040_u64 {
        let is_copy = n % 51 == 20;
        let outlet = if is_copy { n / 51 } else { n % 60 };
        let at = day(0) + TimeDelta::minutes(i64::try_from(n).unwrap());
        let footer = &footers[usize::try_from(outlet).unwrap()];
        let title = chance.prose(8).join(" ");
        if is_copy {
            let kept = story.len() - usize::try_from(chance.below(120)).unwrap();
            let text = format!("{} {footer}", story[..kept].join(" "));
            copies.push(n);
            library.take(&format!("outlet-{outlet}"), at, &title, &text);
        } else {
            let text = format!("{} {footer}", chance.prose(150).join(" "));
            library.take(&format!("outlet-{outlet}"), at, &title, &text);
        }
    }

    let large: Vec<&Vec<u64>> = library
        .groups
        .values()
        .filter(|group| group.len() > 1)
        .collect();

    assert_eq!(large, [&copies]);
    assert_eq!(copies.len(), 40);
    assert_eq!(library.groups.len(), 2_001);
}

#[test]
fn an_edited_copy_a_cut_one_and_a_summary_are_reprints_and_a_shared_quotation_is_not() {
    let mut chance = Chance(11);
    let story = chance.prose(300);
    let edited: Vec<String> = story
        .iter()
        .enumerate()
        .map(|(n, word)| {
            if n % 7 == 3 {
                format!("x{n}")
            } else {
                word.clone()
            }
        })
        .collect();
    let mut quoting = chance.prose(260);
    quoting.extend_from_slice(&story[100..150]);
    let mut library = Library::new();
    let title = "Ferry returns to the old pier";
    let home = library.take("a", day(0), title, &story.join(" "));
    let mut check = |source: &str, days: i64, title: &str, words: &[String], is_one: bool| {
        let found = library.take(source, day(days), title, &words.join(" "));
        assert_eq!(found == home, is_one, "{source}");
    };

    check("edited", 1, "Old pier sees its ferry again", &edited, true);
    check("cut", 1, "The ferry is back", &story[..150], true);
    check("summary", 2, title, &story[..35], true);
    check("quoting", 1, "Mayor on bridges", &quoting, false);
    check("late", 8, title, &story, false);
}

#[test]
fn a_short_text_needs_a_title_or_a_lead_that_agrees() {
    let notice = "closed for repair on all days but the second sunday";
    let mut library = Library::new();
    let first = library.take(
        "a",
        day(0),
        "Lighthouse museum",
        &format!("The museum is {notice}"),
    );

    let other = library.take(
        "b",
        day(0),
        "Swimming hall and sauna near the northern railway station, entrance by the park",
        &format!("Both halls, ticket office, restaurant and all changing rooms stay {notice}"),
    );
    let same = library.take(
        "c",
        day(0),
        "Lighthouse museum",
        &format!("The museum is {notice}"),
    );

    assert_ne!(other, first);
    assert_eq!(same, first);
}

#[test]
fn a_form_that_one_source_fills_in_makes_no_reprints() {
    let form = Chance(2).prose(120).join(" ");
    let mut library = Library::new();

    let monday = library.take("a", day(0), "Tide table for 24 November", &form);
    let again = library.take("a", day(1), "Tide table for 24 November", &form);
    let tuesday = library.take("a", day(1), "Tide table for 25 November", &form);
    assert_eq!(again, monday);
    assert_ne!(tuesday, monday);

    let short = Chance(2).prose(60).join(" ");
    let ferry = library.take("b", day(0), "The ferry", &short);
    let pier = library.take("b", day(0), "Some pier", &short);
    assert_ne!(ferry, pier);
}

#[test]
fn what_one_source_repeats_is_its_boilerplate() {
    let mut chance = Chance(3);
    let footer = chance.prose(90).join(" ");
    let mut library = Library::new();
    for n in 0..3 {
        let body = chance.prose(120).join(" ");
        library.take(
            "a",
            day(0),
            &format!("Number {n}"),
            &format!("{body} {footer}"),
        );
    }

    let body = chance.prose(120).join(" ");
    let found = library.take("b", day(0), "Elsewhere", &format!("{body} {footer}"));

    assert_eq!(found, ArticleId(3));
    assert_eq!(library.groups.len(), 4);
}

#[test]
fn what_turns_up_day_after_day_proves_nothing() {
    let mut chance = Chance(5);
    let phrase = chance.prose(80).join(" ");
    let mut library = Library::new();
    let mut take = |source: &str, days: i64| {
        let text = format!("{} {phrase}", chance.prose(150).join(" "));
        let title = chance.prose(7).join(" ");
        library.take(source, day(days), &title, &text)
    };
    for n in 0..6 {
        take(&format!("s{n}"), n);
    }
    assert_eq!(take("another", 6), ArticleId(6));
    let kept = library.recent.kept(6).unwrap();
    assert!((148..160).contains(&kept.n_rare), "{}", kept.n_rare);
}

#[test]
fn articles_leave_with_the_window_and_when_they_are_removed() {
    let text = Chance(1).prose(100).join(" ");
    let mut library = Library::new();
    let first = library.take("a", day(0), "One", &text);
    library.recent.expire(day(7));
    assert_eq!(library.take("b", day(1), "One", &text), first);

    library.recent.expire(day(7) + TimeDelta::minutes(1));
    assert!(library.recent.is_empty());
    assert!(library.recent.leads.is_empty());
    let second = library.take("b", day(1), "One", &text);
    assert_ne!(second, first);

    library.recent.remove(second);
    assert_ne!(library.take("c", day(1), "One", &text), second);
}

#[test]
fn a_text_that_is_one_with_two_articles_names_both() {
    let story = Chance(9).prose(300);
    let mut library = Library::new();
    let head = library.take("a", day(0), "Ferry returns", &story[..120].join(" "));
    let tail = library.take("b", day(0), "Old pier busy", &story[150..].join(" "));
    assert_ne!(head, tail);

    let source = SourceName::parse("c").unwrap();
    let origin = Origin {
        source: &source,
        published: day(0),
        priority: 0,
    };
    let sketch = Sketch::of("Ferry returns", &story.join(" "));
    let found: Vec<ArticleId> = library
        .recent
        .find(&sketch, origin)
        .iter()
        .map(|found| found.article)
        .collect();

    assert_eq!(found, [head, tail]);
}

#[test]
fn reprints_are_found_in_five_scripts() {
    for (title, text) in [
        (
            "Fog bell",
            "The fog bell at the old pier rang for three days and nobody knew who had wound it up, the keeper told the council",
        ),
        (
            "Туманный колокол",
            "Туманный колокол у старого причала звонил три дня, и никто не знал, кто его завёл, сказал смотритель на совете города",
        ),
        (
            "霧の鐘",
            "古い桟橋の霧の鐘は三日間鳴り続け、誰がそれを鳴らしたのか誰も知らなかったと灯台守は町議会で語った",
        ),
        (
            "雾钟",
            "老码头的雾钟连续响了三天，没有人知道是谁上的发条，灯塔看守人在镇议会上这样说道，居民们对此感到十分惊讶",
        ),
        (
            "ระฆังหมอก",
            "ระฆังหมอกที่ท่าเรือเก่าดังอยู่สามวันและไม่มีใครรู้ว่าใครเป็นคนไขลาน ผู้ดูแลประภาคารกล่าวต่อสภาเมือง",
        ),
        (
            "कोहरे की घंटी",
            "पुराने घाट पर कोहरे की घंटी तीन दिन तक बजती रही और किसी को पता नहीं था कि उसे किसने चालू किया, रखवाले ने परिषद को बताया",
        ),
    ] {
        let mut library = Library::new();
        let first = library.take("a", day(0), title, text);

        let cut: String = text.chars().take(text.chars().count() * 4 / 5).collect();
        let found = library.take("b", day(0), title, &cut);

        assert_eq!(found, first, "{title}");
    }
}

#[test]
fn what_was_loaded_is_judged_like_what_came_one_by_one() {
    let mut chance = Chance(11);
    let footer = chance.prose(40).join(" ");
    let texts: Vec<String> = (0..20)
        .map(|_| format!("{} {footer}", chance.prose(80).join(" ")))
        .collect();
    let sources = ["wire", "post", "star"].map(|name| SourceName::parse(name).unwrap());
    let origin = |n: usize| Origin {
        source: &sources[n % 3],
        published: day(0),
        priority: 0,
    };
    let (mut added, mut loaded) = (
        Recent::new(TimeDelta::days(7)),
        Recent::new(TimeDelta::days(7)),
    );
    for (n, text) in texts.iter().enumerate() {
        let sketch = Sketch::of("A title", text);
        let id = ArticleId(u64::try_from(n).unwrap());
        added.add(id, &sketch, origin(n), day(0));
        loaded.load(id, &sketch, origin(n), day(0));
    }
    loaded.settle();

    for (n, text) in texts.iter().enumerate() {
        let half = text.len() / 2;
        for text in [text, &text[..half]] {
            let sketch = Sketch::of("Another title", text);
            let expected = added.find(&sketch, origin(n + 1));
            assert!(!expected.is_empty());
            assert_eq!(loaded.find(&sketch, origin(n + 1)), expected);
        }
    }
}
