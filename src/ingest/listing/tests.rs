use proptest::prelude::*;

use super::*;

const BASE: &str = "https://gazette.example/news/";

#[track_caller]
fn check(html: &str, select: &Select, expected: &[(&str, &str, &str)]) {
    let found = links(html, &Url::parse(BASE).unwrap(), select);
    let shown: Vec<_> = found
        .iter()
        .map(|link| {
            let date = link.date.map(|date| date.date_naive().to_string());
            (
                link.url.as_str(),
                link.title.as_str(),
                date.unwrap_or_default(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(url, title, date)| (*url, *title, (*date).to_owned()))
        .collect();
    assert_eq!(shown, expected, "{html}");
}

fn select(list: &str, link: &str, title: &str, date: &str) -> Select {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Select {
        list: some(list),
        link: some(link),
        title: some(title),
        date: some(date),
    }
}

const CARDS: &str = r#"<nav><a href="/news/a-story-of-navigation">The story of a long navigation</a></nav>
    <div class=card><a class=pic href="/2026/ferry?utm_source=x"><img></a>
      <h3><a href="/2026/ferry">Ferry</a></h3> <time datetime="2026-11-20">Friday</time></div>
    <div class=card><h3><a href="pier#c">Pier</a></h3> <b>21 Nov 2026</b></div>
    <a class=more href="/about">More about us all</a>"#;

#[test]
fn selectors_say_exactly_which_links_are_articles() {
    check(
        CARDS,
        &select(".card", "h3 a", "", ""),
        &[
            ("https://gazette.example/2026/ferry", "Ferry", "2026-11-20"),
            ("https://gazette.example/news/pier", "Pier", ""),
        ],
    );
    check(
        CARDS,
        &select("", "h3 a", "", "b"),
        &[
            ("https://gazette.example/2026/ferry", "Ferry", ""),
            ("https://gazette.example/news/pier", "Pier", "2026-11-21"),
        ],
    );
    check(
        CARDS,
        &select(".card", "", "h3", "b, time"),
        &[
            (
                "https://gazette.example/2026/ferry?utm_source=x",
                "Ferry",
                "2026-11-20",
            ),
            ("https://gazette.example/news/pier", "Pier", "2026-11-21"),
        ],
    );
    check(
        CARDS,
        &select("", ".more", "", ""),
        &[("https://gazette.example/about", "More about us all", "")],
    );
    check(CARDS, &select(".nothing", "", "", ""), &[]);
}

#[test]
fn without_selectors_headlines_of_the_same_site_are_articles() {
    let page = r#"<header><a href="/"><h1>Gazette</h1></a></header>
        <ul class="main-nav"><li><a href="/sport/all-the-sport-there-is">All the sport there ever is</a></ul>
        <main><article><a href="/a/1"><h2>Ferry</h2></a><time>2026-11-20</time></article>
        <p><a href="/2026/11/pier.html">The pier is to be mended at last</a>
        <p><a href="/local/bridge-closed-again">Read on</a> <a href="/local/bridge-closed-again">The bridge is closed once more</a>
        <p><a href="/story?id=4711">A story from an old system of the house</a>
        <p><a href="https://other.example/a-story-from-elsewhere">A story from somewhere else, told there</a>
        <p><a href="/tag/harbour-and-sea-and-sky">Everything about harbour, sea and sky</a>
        <p><a href="/author/ada-ames-the-writer">All that Ada Ames has ever written</a>
        <p><a href="/report-of-the-year.pdf">The report of the whole year to read</a>
        <p><a href="?page=22">The next page of this long list</a> <a href="/local/quay-walls-fall">Quay</a>
        <p><a href="/login">Log in to read everything we have</a></main>
        <footer><a href="/legal/terms-of-our-use">The terms of use of this whole site</a></footer>"#;
    check(
        page,
        &Select::default(),
        &[
            ("https://gazette.example/a/1", "Ferry", "2026-11-20"),
            (
                "https://gazette.example/2026/11/pier.html",
                "The pier is to be mended at last",
                "",
            ),
            (
                "https://gazette.example/local/bridge-closed-again",
                "The bridge is closed once more",
                "",
            ),
            (
                "https://gazette.example/story?id=4711",
                "A story from an old system of the house",
                "",
            ),
        ],
    );
}

#[test]
fn links_are_bounded_and_each_stands_once() {
    let many: String = (0..500)
        .map(|n| {
            format!("<a href='/a/{n}'>x</a><a href='http://www.gazette.example/a/{n}/'>xy</a>")
        })
        .collect();
    let found = links(&many, &Url::parse(BASE).unwrap(), &select("", "a", "", ""));

    assert_eq!(found.len(), MOST_LINKS);
    assert_eq!(
        (found[7].url.path(), found[7].title.as_str()),
        ("/a/7", "xy")
    );
}

#[test]
fn a_page_links_neither_to_itself_nor_to_the_front_page() {
    let page = "<a href='#top'>a</a><a href='/news'>b</a><a href='/'>c</a><a href='mailto:x@y.example'>d</a><a href=''>e</a>";
    check(page, &select("", "a", "", ""), &[]);
}

#[test]
fn a_bad_selector_is_told() {
    assert!(selector("main > a.story:not(.ad)").is_ok());
    assert_eq!(
        selector("a[").unwrap_err().to_string(),
        "`a[` is not a CSS selector"
    );
}

/// Pieces that pages are made of, whole and broken.
const PIECES: &[&str] = &[
    "<a href=/news/one-two-three>",
    "<a href='../x'>",
    "<a href=//b.example/1>",
    "<a href='http://['>",
    "<a href=javascript:x>",
    "</a>",
    "<h3>",
    "</h3>",
    "<article>",
    "<nav>",
    "</nav>",
    "<time datetime=2026-11-20>",
    "<base href=/deep/er/>",
    "<base href=':'>",
    "A headline of more than four words",
    "<li>",
    "<table>",
    "&amp;",
    "<",
];

proptest! {
    #[test]
    fn whatever_a_page_holds_its_links_are_absolute_and_bounded(
        parts in prop::collection::vec(prop::sample::select(PIECES), 0..80),
        noise in ".{0,40}",
    ) {
        let html = format!("{}{noise}", parts.concat());
        let base = Url::parse(BASE).unwrap();
        for select in [Select::default(), select("article, li", "", "h3", "time"), select("", "a", "", "")] {
            let found = links(&html, &base, &select);
            prop_assert!(found.len() <= MOST_LINKS);
            for link in found {
                prop_assert!(dom::is_web(&link.url) && link.url.host().is_some());
                prop_assert!(link.title.chars().count() <= MAX_TITLE);
            }
        }
    }
}
