use proptest::prelude::*;
use url::Url;

use super::page;
use crate::{
    ingest::{dom, named::MAX_LINKS},
    sources::entry::Entry,
};

mod trimmed;

const DEMO: &str = include_str!("../../../config/demo/desk/harbour-board-votes.html");

const PARAGRAPH: &str = "The ferry left the long quay at a quarter past eleven, with a wedding \
    cake, a goat and two hundred passengers, and came alongside the island pier, two minutes \
    early, to a crowd that had counted every lamp on the way in. ";

fn read(html: &str) -> Entry {
    page(
        html,
        &Url::parse("https://courier.example/news/story").unwrap(),
    )
}

/// A page whose story is `body` between two paragraphs.
fn story(body: &str) -> Entry {
    read(&format!(
        "<html><head><title>The night ferry returns | Courier</title></head><body><main><article>\
         <h1>The night ferry returns</h1><p>First. {PARAGRAPH}</p><p>{PARAGRAPH}</p>{body}\
         <p>{PARAGRAPH}</p><p>{PARAGRAPH} Last.</p></article></main></body></html>"
    ))
}

fn text(entry: &Entry) -> String {
    let html = entry.content.clone().unwrap_or_default();
    dom::line(&dom_query::Document::fragment(html).root())
}

#[track_caller]
fn check_absent(entry: &Entry, words: &[&str]) {
    let text = text(entry);
    assert!(
        text.contains("First.") && text.contains("Last."),
        "the story is cut: {text}"
    );
    for word in words {
        assert!(!text.contains(word), "`{word}` stands in: {text}");
    }
}

#[test]
fn the_fields_of_a_news_page_are_found() {
    let entry = read(DEMO);

    assert_eq!(
        entry.title,
        "Harbour board votes to keep both ferries running all winter"
    );
    assert!(
        entry
            .summary
            .unwrap()
            .starts_with("Five sailings a day in place of seven")
    );
    assert_eq!(entry.authors[0].name.as_deref(), Some("Rosalind Thorne"));
    assert_eq!(
        entry.published.unwrap().to_rfc3339(),
        "2026-11-23T07:00:00+00:00"
    );
    assert_eq!(
        entry.modified.unwrap().to_rfc3339(),
        "2026-11-23T07:25:00+00:00"
    );
    assert_eq!(entry.language.as_deref(), Some("en-GB"));
    assert_eq!(entry.tags, ["Ferries", "Harbour board"]);
    let canonical = "https://tidewater-courier.example/2026/11/23/harbour-board-ferries";
    assert_eq!(entry.canonical.unwrap().as_str(), canonical);
    assert_eq!(entry.url.unwrap().as_str(), canonical);
    let picture = entry.picture.unwrap();
    assert!(picture.url.path().ends_with("/ferry.jpg"));
    assert!(picture.alt.unwrap().starts_with("A steam ferry"));
    let caption = "The Ada Maris, which made the first night crossing in eleven years on Saturday.";
    assert_eq!(picture.caption.as_deref(), Some(caption));
    assert_eq!(
        picture.credit.as_deref(),
        Some("Wren Hollis/Tidewater Courier")
    );
    assert_eq!((picture.width, picture.height), (Some(1200), Some(675)));
    let titles: Vec<_> = entry
        .named_related
        .iter()
        .map(|link| link.title.as_str())
        .collect();
    let expected = [
        "Ferry crews ask for a winter timetable that means it",
        "Night ferry to Gannet Isle returns after eleven years",
        "The last timetable",
        "Three walks that end at a ferry",
    ];
    assert_eq!(titles, expected);
}

#[test]
fn the_body_of_a_news_page_is_the_story_alone() {
    let text = text(&read(DEMO));

    assert!(text.starts_with("Both ferries between Saltmere"), "{text}");
    assert!(
        text.ends_with("where there was nobody in the way."),
        "{text}"
    );
    assert!(text.contains("What it means for the night boat"));
    let furniture = [
        "Cookies",
        "cookies",
        "Consent",
        "Privacy",
        "Always Active",
        "Opt out",
        "Reject All", // consent
        "Share",
        "Facebook",
        "WhatsApp",
        "Bluesky",
        "Copy link",
        "Pass it on", // sharing
        "newsletter",
        "inbox",
        "Subscribe",
        "at Breakfast", // newsletter
        "Related",
        "See also",
        "Minutes of", // related lines
        "Letters",
        "Printed on the premises",
        "Rosalind",
        "23 November",
        "Five sailings a day in", // around
        "Ada Maris, which made",
        "Wren Hollis",
        "votes to keep", // said elsewhere
    ];
    for word in furniture {
        assert!(!text.contains(word), "`{word}` stands in: {text}");
    }
}

const PANEL: &str = "<h2>Manage Consent Preferences</h2>\
    <h3>Strictly Necessary Cookies</h3><p>Always Active</p><p>They cannot be switched off.</p>\
    <h3>Performance Cookies</h3><p>These cookies allow us to count visits.</p>\
    <h3>Targeting Cookies</h3><p>Our advertising partners set these cookies.</p>\
    <h3>Sale or Sharing of Personal Data</h3><p>You may opt out of the sale of your data.</p>\
    <button>Confirm My Choices</button>";

const PANEL_WORDS: &[&str] = &[
    "Consent",
    "Cookies",
    "cookies",
    "switched off",
    "Sharing",
    "opt out",
    "Confirm",
];

#[test]
fn a_consent_panel_without_a_name_is_taken_out_of_the_story() {
    check_absent(&story(PANEL), PANEL_WORDS);
    check_absent(&story(&format!("<div>{PANEL}</div>")), PANEL_WORDS);
    check_absent(
        &story(&format!("<div class='modal' role='dialog'>{PANEL}</div>")),
        PANEL_WORDS,
    );
    check_absent(
        &story(&format!("<div id='x-cookie-banner'>{PANEL}</div>")),
        PANEL_WORDS,
    );
}

#[test]
fn a_consent_panel_after_the_story_is_taken_out() {
    let page = format!(
        "<h1>The night ferry returns</h1><p>First. {PARAGRAPH}</p><p>{PARAGRAPH} Last.</p>{PANEL}"
    );
    check_absent(&read(&page), PANEL_WORDS);
}

#[test]
fn a_story_about_cookies_keeps_them() {
    let entry = story(&format!(
        "<h2>Strictly necessary cookies</h2><p>The law lets a site set such cookies. {PARAGRAPH}</p>\
         <h2>Targeting cookies</h2><p>These need consent. {PARAGRAPH}</p><p>{PARAGRAPH}</p>"
    ));

    let text = text(&entry);
    assert!(
        text.contains("The law lets a site set such cookies."),
        "{text}"
    );
    assert!(text.contains("These need consent."), "{text}");
}

#[test]
fn share_bars_and_newsletter_boxes_are_no_part_of_the_story() {
    let bars = "<div class='article-share'><a href='#'>Share this</a></div>\
        <p><a href='https://twitter.com/intent/tweet?u=x'>Tweet it</a></p>";
    check_absent(&story(bars), &["Share this", "Tweet it"]);
    let boxes = "<div><h4>Never miss a tide</h4><p>Get it in your inbox.</p>\
        <form><input type='email'><button>Sign up</button></form></div>\
        <section id='newsletterSignup'><p>Join the list</p></section>";
    check_absent(
        &story(boxes),
        &["Never miss", "inbox", "Sign up", "Join the list"],
    );
}

#[test]
fn a_form_around_the_whole_page_is_no_box() {
    let page = format!(
        "<form><input name=state><h1>The night ferry returns</h1><p>First. {PARAGRAPH}</p>\
         <p>{PARAGRAPH} Subscribe to the idea. Last.</p></form>"
    );
    check_absent(&read(&page), &[]);
}

#[track_caller]
fn check_picture(figure: &str, caption: Option<&str>, credit: Option<&str>) {
    let entry = read(&format!(
        "<title>The night ferry returns</title><h1>The night ferry returns</h1>{figure}\
         <p>First. {PARAGRAPH}</p><p>{PARAGRAPH} Last.</p>"
    ));
    check_absent(&entry, &["pier at dawn", "Ada Ames"]);
    let picture = entry.picture.unwrap();
    assert_eq!(picture.url.as_str(), "https://courier.example/pier.jpg");
    assert_eq!(
        (picture.caption.as_deref(), picture.credit.as_deref()),
        (caption, credit)
    );
}

#[test]
fn a_lead_picture_comes_with_its_caption_and_credit() {
    let img = "<img src=/pier.jpg>";
    let figure =
        |caption: &str| format!("<figure>{img}<figcaption>{caption}</figcaption></figure>");
    let both = (Some("The pier at dawn."), Some("Ada Ames"));
    check_picture(&figure("The pier at dawn. Photo: Ada Ames"), both.0, both.1);
    check_picture(
        &figure("The pier at dawn. (Photograph by Ada Ames)"),
        both.0,
        both.1,
    );
    check_picture(
        &figure("The pier at dawn. <cite>Ada Ames</cite>"),
        both.0,
        both.1,
    );
    check_picture(
        &figure("<p>The pier at dawn.</p><p class=credit>Credit: Ada Ames</p>"),
        both.0,
        both.1,
    );
    check_picture(
        &figure("The pier at dawn. © Ada Ames"),
        both.0,
        Some("© Ada Ames"),
    );
    check_picture(&figure("The pier at dawn."), both.0, None);
    check_picture(&figure("Photo: Ada Ames"), None, both.1);
    let wrapped = format!(
        "<div class=wp-caption>{img}<p class=wp-caption-text>The pier at dawn. Foto: Ada Ames</p></div>"
    );
    check_picture(&wrapped, both.0, both.1);
    let lazy = "<figure><img src='data:image/gif;base64,R0' data-src=/pier.jpg></figure>";
    check_picture(lazy, None, None);
    let set = "<picture><source srcset='/small.jpg 1w, /pier.jpg 2w'><img></picture>";
    check_picture(set, None, None);
}

#[track_caller]
fn check_meta(head: &str, title: &str, published: Option<&str>, author: Option<&str>) {
    let entry = read(&format!(
        "<html><head>{head}</head><body><p>{PARAGRAPH}</p></body></html>"
    ));
    let published_in = entry
        .published
        .map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
    let author_in = entry
        .authors
        .first()
        .and_then(|author| author.name.as_deref());
    assert_eq!(
        (entry.title.as_str(), published_in.as_deref(), author_in),
        (title, published, author)
    );
}

#[test]
fn what_a_page_states_for_machines_is_read() {
    let at = Some("2026-11-20T07:30");
    check_meta(
        "<title>The bell is back - Courier</title>",
        "The bell is back",
        None,
        None,
    );
    check_meta("<title>Tea - Courier</title>", "Tea - Courier", None, None);
    check_meta(
        "<meta property=og:site_name content='The Tide'><title>Bell | The Tide</title>",
        "Bell",
        None,
        None,
    );
    check_meta(
        "<meta property=article:published_time content='2026-11-20T08:30:00+01:00'>\
         <meta name=author content='By Ada Ames and Ben Bray'><meta property=og:title content='A &amp;amp; B'>",
        "A & B",
        at,
        Some("Ada Ames"),
    );
    check_meta(
        r#"<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"WebSite","name":"x"},
        {"@type":["Thing","NewsArticle"],"headline":"Bell","datePublished":"2026-11-20 07:30:00","author":["Ada Ames"]}]}</script>"#,
        "Bell",
        at,
        Some("Ada Ames"),
    );
    check_meta(
        r#"<script type="application/ld+json">{"@type":"NewsArticle", broken</script><title>Bell rings again</title>"#,
        "Bell rings again",
        None,
        None,
    );
    check_meta(
        "<meta property=article:author content='https://x.example/ada'>",
        "",
        None,
        None,
    );
}

#[test]
fn a_canonical_link_to_the_home_page_is_not_the_address_of_a_story() {
    let url = |head: &str| {
        read(&format!("<head>{head}</head><p>{PARAGRAPH}</p>"))
            .url
            .unwrap()
            .to_string()
    };
    assert_eq!(
        url("<link rel=canonical href='/story?page=1'>"),
        "https://courier.example/story?page=1"
    );
    assert_eq!(
        url("<link rel=canonical href='https://courier.example/'>"),
        "https://courier.example/news/story"
    );
    assert_eq!(
        url("<link rel=canonical href='javascript:1'>"),
        "https://courier.example/news/story"
    );
}

#[test]
fn a_page_without_a_story_has_no_content() {
    assert_eq!(read("").content, None);
    assert_eq!(
        read("<html><body><script>1</script></body></html>").content,
        None
    );
}

#[test]
fn a_page_nested_beyond_reason_yields_its_address_alone() {
    let entry = read(&format!(
        "<title>The bell is back</title>{}x",
        "<div>".repeat(450)
    ));

    assert_eq!(entry.content, None);
    assert!(entry.url.is_some());
}

proptest! {
    #[test]
    fn junk_never_panics_and_yields_absolute_addresses_in_bounds(
        parts in prop::collection::vec(prop::sample::select(JUNK), 0..60),
    ) {
        let entry = read(&parts.concat());

        prop_assert!(entry.named_related.len() <= MAX_LINKS);
        let links = entry.named_related.iter().map(|link| &link.url);
        let picture = entry.picture.as_ref().map(|picture| &picture.url);
        for url in links.chain(picture).chain(&entry.url).chain(&entry.canonical) {
            prop_assert!(dom::is_web(url), "{url}");
        }
        let n_bytes = entry.content.map_or(0, |content| content.len());
        prop_assert!(n_bytes <= 50_000, "{n_bytes}");
    }
}

const JUNK: &[&str] = &[
    "<",
    ">",
    "<p>",
    "</p>",
    "<h1>",
    "</div>",
    "<div class='related share cookie'>",
    "<a href='//['>",
    "<a href=x>",
    "Related:",
    "Read more",
    "<br>",
    "<figure>",
    "<figcaption>",
    "<img src=a.jpg>",
    "<td>",
    "<table>",
    "<tr>",
    "</table>",
    "<noscript><img></noscript>",
    "<form><input>",
    "<!--",
    "-->",
    "<script type=application/ld+json>[{\"@type\":1}]</script>",
    "<svg><p>",
    "<template>",
    "\u{0}",
    "İ",
    "Photo: ß",
    "<time datetime=-1>",
    "<base href='::'>",
    "<meta property=og:image content=x>",
    "<ul><li>",
    "Manage consent preferences",
    "<button>Accept all",
    "<dialog>",
    "<body onload=1>",
    "<frameset>",
    "&#x0;",
    "<font><a href=javascript:1>x</a>",
    "<title>|",
    " - ",
    "long text, with commas, and more, ",
];
