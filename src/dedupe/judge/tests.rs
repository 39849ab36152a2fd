use super::*;

/// A library with one trace per fingerprint, as the store keeps it.
#[derive(Default)]
struct Library {
    kept: Known,
    n_articles: u64,
}

impl Library {
    /// Judges a document and records it; says what each entry came to.
    fn ingest(&mut self, source: &str, entries: Vec<Entry>) -> Vec<(Finding, u64)> {
        let source = SourceName::parse(source).unwrap();
        let candidates = candidates(&source, entries);
        let sifted = by_identity(
            &source,
            candidates.clone(),
            &self.known(&asked(&candidates)),
        );
        let texted: Vec<Texted> = sifted
            .open
            .into_iter()
            .map(|open| {
                let text = open.entry.content.clone().unwrap_or_default();
                open.with_text(&text)
            })
            .collect();
        let known = self.known(&asked_of_texts(&texted));
        let mut judged = sifted.settled;
        judged.extend(by_text(&source, texted, &known));

        let first = ArticleId(self.n_articles);
        let mut findings = Vec::new();
        for judgment in judged {
            let trace = judgment.trace(&source, first);
            findings.push((judgment.finding, trace.article.0));
            for print in judgment.prints {
                let before = self.kept.insert(print, trace.clone());
                let moved = before.is_some_and(|before| before.article != trace.article);
                assert!(!moved, "a fingerprint leads to one article for ever");
            }
        }
        let is_new = |(finding, _): &&(Finding, u64)| *finding == Finding::New;
        self.n_articles += findings.iter().filter(is_new).count() as u64;
        findings
    }

    fn known(&self, asked: &[Fingerprint]) -> Known {
        let found = |print: &Fingerprint| Some((*print, self.kept.get(print)?.clone()));
        asked.iter().filter_map(found).collect()
    }
}

/// With a text of its own for each title.
fn entry(guid: &str, url: &str, title: &str) -> Entry {
    Entry {
        guid: (!guid.is_empty()).then(|| guid.to_owned()),
        url: url.parse().ok(),
        title: title.to_owned(),
        content: Some(format!("{title}, told at length. ").repeat(30)),
        ..Entry::default()
    }
}

fn with_text(entry: Entry, text: &str) -> Entry {
    Entry {
        content: Some(text.to_owned()),
        ..entry
    }
}

const TEXT: &str = "A ship of the line sank off the cape on Tuesday night with all hands, the harbor \
    master said, after the fog had hidden the new lighthouse for three days; the owners had asked \
    for a bell, and the council had put it off until the spring.";

const NEW: Finding = Finding::New;
const REVISED: Finding = Finding::Revised;
const KNOWN: Finding = Finding::Known;
const REPRINT: Finding = Finding::Reprint { score: 1.0 };

/// A document: its source, its entries, and what each is to come to.
type Step<'a> = (&'a str, Vec<Entry>, &'a [(Finding, u64)]);

/// Ingests documents in turn and compares what came of them.
#[track_caller]
fn check(steps: Vec<Step<'_>>) {
    let mut library = Library::default();
    for (step, (source, entries, expected)) in steps.into_iter().enumerate() {
        assert_eq!(library.ingest(source, entries), expected, "document {step}");
    }
}

#[test]
fn the_same_document_twice_changes_nothing() {
    let document = || {
        vec![
            entry("1", "https://a.example/1", "One"),
            entry("", "https://a.example/2", "Two"),
            entry("3", "", "Three"),
            entry("", "", "Four"),
        ]
    };
    let mut library = Library::default();

    let first = library.ingest("a", document());
    let kept = library.kept.clone();

    assert_eq!(first, [(NEW, 3), (NEW, 2), (NEW, 1), (NEW, 0)]);
    assert_eq!(library.ingest("a", document()), first.map_findings(KNOWN));
    assert_eq!(library.kept, kept);
}

trait MapFindings {
    fn map_findings(&self, finding: Finding) -> Vec<(Finding, u64)>;
}

impl MapFindings for Vec<(Finding, u64)> {
    fn map_findings(&self, finding: Finding) -> Vec<(Finding, u64)> {
        self.iter()
            .map(|(_, article)| (finding, *article))
            .collect()
    }
}

#[test]
fn an_edit_revises_the_article_once() {
    let link = "https://a.example/1";
    check(vec![
        ("a", vec![entry("1", link, "Storm nears")], &[(NEW, 0)]),
        (
            "a",
            vec![entry("1", link, "Storm is here")],
            &[(REVISED, 0)],
        ),
        ("a", vec![entry("1", link, "Storm is here")], &[(KNOWN, 0)]),
        (
            "a",
            vec![entry("1", "https://a.example/moved", "Storm is here")],
            &[(REVISED, 0)],
        ),
    ]);
}

#[test]
fn an_edited_title_under_the_same_link_is_the_same_article() {
    let link = "https://a.example/1";
    check(vec![
        ("a", vec![entry("", link, "Storm nears")], &[(NEW, 0)]),
        ("a", vec![entry("", link, "Storm is here")], &[(REVISED, 0)]),
        ("a", vec![entry("", link, "Storm is here")], &[(KNOWN, 0)]),
    ]);
}

#[test]
fn where_a_link_led_and_what_its_page_calls_itself_is_the_same_article() {
    let short = |page: Entry| Entry {
        full: Full::Page(Box::new(page)),
        ..entry("s", "https://short.example/x7", "One, in short")
    };
    let led = || entry("", "https://b.example/stories/1", "One");
    let names = Entry {
        canonical: "https://b.example/stories/1".parse().ok(),
        ..entry("", "https://mirror.example/1", "One")
    };
    for page in [led(), names] {
        check(vec![
            ("b", vec![led()], &[(NEW, 0)]),
            ("a", vec![short(page)], &[(REPRINT, 0)]),
        ]);
    }
}

#[test]
fn a_guid_that_flips_under_the_same_link_is_the_same_article() {
    let link = "https://a.example/1";
    check(vec![
        ("a", vec![entry("1", link, "Storm")], &[(NEW, 0)]),
        ("a", vec![entry("urn:1", link, "Storm")], &[(KNOWN, 0)]),
        (
            "a",
            vec![entry("urn:1#2", link, "Storm is here")],
            &[(REVISED, 0)],
        ),
        (
            "a",
            vec![entry("urn:1#2", "https://a.example/moved", "Storm is here")],
            &[(REVISED, 0)],
        ),
    ]);
}

#[test]
fn five_hundred_guids_may_flip_and_nothing_is_new() {
    let document = |prefix: &str, scheme: &str| -> Vec<Entry> {
        let one = |n| {
            let url = format!("{scheme}://a.example/{n}?utm_source={prefix}");
            entry(&format!("{prefix}{n}"), &url, &format!("Title {n}"))
        };
        (0..500).map(one).collect()
    };
    let mut library = Library::default();
    let first = library.ingest("a", document("", "http"));

    let second = library.ingest("a", document("urn:", "https"));

    assert_eq!(first.len(), 500);
    assert_eq!(second, first.map_findings(KNOWN));
}

#[test]
fn a_move_to_https_changes_nothing() {
    check(vec![
        (
            "a",
            vec![entry("http://a.example/1", "http://a.example/1", "One")],
            &[(NEW, 0)],
        ),
        (
            "a",
            vec![entry(
                "https://a.example/1",
                "https://www.a.example/1/",
                "One",
            )],
            &[(KNOWN, 0)],
        ),
    ]);
}

#[test]
fn a_firm_guid_is_its_article_whatever_else_has_changed() {
    let mut library = Library::default();
    library.ingest("desk", vec![entry("g", "https://a.example/1", "One")]);
    let source = SourceName::parse("desk").unwrap();
    let changed = || candidates(&source, vec![entry("g", "https://a.example/2", "Two")]);
    let known = library.known(&asked(&changed()));

    let doubted = by_identity(&source, changed(), &known);
    let firm = by_identity(&source, with_firm_guids(changed()), &known);

    assert_eq!((doubted.settled.len(), doubted.open.len()), (0, 1));
    assert_eq!(firm.settled[0].finding, Finding::Revised);
}

#[test]
fn a_guid_that_different_articles_share_identifies_none() {
    let one = || entry("guid", "https://a.example/1", "One");
    let two = || entry("guid", "https://a.example/2", "Two");
    let three = || entry("guid", "https://a.example/3", "Three");
    check(vec![
        ("a", vec![two(), one()], &[(NEW, 1), (NEW, 0)]),
        (
            "a",
            vec![three(), two(), one()],
            &[(KNOWN, 1), (KNOWN, 0), (NEW, 2)],
        ),
    ]);
    check(vec![
        ("a", vec![one()], &[(NEW, 0)]),
        ("a", vec![two()], &[(NEW, 1)]),
        ("a", vec![two(), one()], &[(KNOWN, 1), (KNOWN, 0)]),
    ]);
    check(vec![(
        "a",
        vec![entry("guid", "", "One"), entry("guid", "", "Two")],
        &[(NEW, 1), (NEW, 0)],
    )]);
}

#[test]
fn a_link_that_different_articles_share_identifies_none() {
    let notes = |n: u32| {
        entry(
            &n.to_string(),
            &format!("https://a.example/notes#{n}"),
            &format!("Release {n}"),
        )
    };
    let verse = |n: u32| entry(&n.to_string(), "https://b.example/", &format!("Verse {n}"));
    check(vec![
        ("a", vec![notes(2), notes(1)], &[(NEW, 1), (NEW, 0)]),
        ("a", vec![notes(3), notes(2)], &[(KNOWN, 1), (NEW, 2)]),
        ("b", vec![verse(1)], &[(NEW, 3)]),
        ("b", vec![verse(2)], &[(NEW, 4)]),
    ]);
}

#[test]
fn an_entry_that_stands_twice_in_a_document_counts_once() {
    let one = || entry("1", "https://a.example/1", "One");
    check(vec![
        (
            "a",
            vec![one(), one(), entry("1b", "https://a.example/1", "One")],
            &[(NEW, 0)],
        ),
        (
            "a",
            vec![one(), entry("1", "https://a.example/1", "One, old")],
            &[(KNOWN, 0)],
        ),
    ]);
}

#[test]
fn a_text_from_two_sources_is_one_article() {
    let at = |source: &str, title: &str| {
        with_text(
            entry("1", &format!("https://{source}.example/1"), title),
            TEXT,
        )
    };
    check(vec![
        ("a", vec![at("a", "Ship lost off cape")], &[(NEW, 0)]),
        ("b", vec![at("b", "All hands lost")], &[(REPRINT, 0)]),
        ("b", vec![at("b", "All hands lost")], &[(KNOWN, 0)]),
        (
            "b",
            vec![with_text(at("b", "All hands lost"), "Corrected.")],
            &[(KNOWN, 0)],
        ),
        (
            "a",
            vec![with_text(at("a", "Ship lost off cape"), "Corrected.")],
            &[(REVISED, 0)],
        ),
    ]);
}

#[test]
fn a_link_from_two_sources_is_one_article_of_the_first() {
    let link = "https://a.example/1";
    check(vec![
        ("a", vec![entry("1", link, "Storm")], &[(NEW, 0)]),
        ("b", vec![entry("x", link, "Must read")], &[(REPRINT, 0)]),
        ("b", vec![entry("x", link, "Must read this")], &[(KNOWN, 0)]),
        ("a", vec![entry("1b", link, "Storm")], &[(KNOWN, 0)]),
        (
            "a",
            vec![entry("1b", link, "Storm is over")],
            &[(REVISED, 0)],
        ),
    ]);
}

#[test]
fn the_address_that_a_page_names_for_itself_counts() {
    let syndicated = Entry {
        canonical: "https://a.example/1".parse().ok(),
        ..entry("x", "https://b.example/9", "Storm, from A")
    };
    check(vec![
        (
            "a",
            vec![entry("1", "https://a.example/1", "Storm")],
            &[(NEW, 0)],
        ),
        ("b", vec![syndicated], &[(REPRINT, 0)]),
    ]);
}

#[test]
fn a_text_twice_in_a_document_is_one_article() {
    let at = |n: u32, title: &str| {
        let url = format!("https://a.example/{n}");
        with_text(entry(&n.to_string(), &url, title), TEXT)
    };
    let one = || at(1, "Ship lost");
    let two = || at(2, "Ship lost");
    check(vec![
        ("a", vec![one(), two()], &[(NEW, 0), (REPRINT, 0)]),
        ("a", vec![one(), two()], &[(KNOWN, 0), (KNOWN, 0)]),
        ("a", vec![at(3, "Ship lost")], &[(REPRINT, 0)]),
        (
            "a",
            vec![two(), with_text(one(), "All saved.")],
            &[(KNOWN, 0), (REVISED, 0)],
        ),
    ]);
}

#[test]
fn a_description_that_a_source_repeats_identifies_nothing() {
    let episode = |n: u32| {
        let url = format!("https://a.example/{n}");
        with_text(entry(&n.to_string(), &url, &format!("Episode {n}")), TEXT)
    };
    check(vec![
        ("a", vec![episode(1)], &[(NEW, 0)]),
        ("a", vec![episode(2), episode(1)], &[(KNOWN, 0), (NEW, 1)]),
        ("a", vec![episode(4), episode(3)], &[(NEW, 3), (NEW, 2)]),
    ]);
}

#[test]
fn short_texts_need_the_same_title() {
    let comments = |source: &str, n: u32, title: &str| {
        let url = format!("https://{source}.example/{n}");
        with_text(entry(&n.to_string(), &url, title), "Comments")
    };
    let title = "A lighthouse keeper explains why fog bells fell silent";
    check(vec![
        (
            "a",
            vec![comments("a", 1, title), comments("a", 2, "Ask")],
            &[(NEW, 1), (NEW, 0)],
        ),
        (
            "b",
            vec![comments("b", 1, title), comments("b", 2, "Ask")],
            &[(REPRINT, 1), (NEW, 2)],
        ),
    ]);
}

#[test]
fn new_articles_are_numbered_oldest_first() {
    let dated = |n: u32, date: &str| Entry {
        published: date.parse().ok(),
        ..entry(
            &n.to_string(),
            &format!("https://a.example/{n}"),
            &format!("Title {n}"),
        )
    };
    check(vec![(
        "a",
        vec![
            dated(1, "2026-11-22T00:00:00Z"),
            dated(2, ""),
            dated(3, ""),
            dated(4, "2026-11-21T00:00:00Z"),
        ],
        &[(NEW, 1), (NEW, 3), (NEW, 2), (NEW, 0)],
    )]);
}
