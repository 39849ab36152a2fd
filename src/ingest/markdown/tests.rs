use url::Url;

use super::entry;
use crate::{parts::NamedLink, sources::entry::Entry};

fn read(text: &str) -> Entry {
    entry(text, &Url::parse("file:///desk/a.md").unwrap())
}

const FULL: &str = r#"---
# Set by the night desk.
title: "The bell: back at last"
url: https://courier.example/bell
guid: desk-7
date: 2026-11-20T07:30:00+01:00
modified: 2026-11-21
authors:
  - Ada Ames
  - name: Ben Bray
    url: https://courier.example/ben
summary: >
  After nine years
  the bell rings.
tags: [harbour, "town hall"]
language: en-GB
image: https://courier.example/bell.jpg
image_alt: A bell
image_caption: The bell on its way up.
image_credit: 'Cy Coe''s archive'
mystery: 42
---

# The bell: back at last

It rang ~~eight~~ **nine** times.

Related: [The tower](https://courier.example/tower)

| a | b |
|---|---|
| 1 | 2 |
"#;

#[test]
fn front_matter_fills_the_entry() {
    let entry = read(FULL);

    assert_eq!(entry.title, "The bell: back at last");
    assert_eq!(entry.url.unwrap().as_str(), "https://courier.example/bell");
    assert_eq!(entry.guid.unwrap(), "desk-7");
    assert_eq!(
        entry.published.unwrap().to_rfc3339(),
        "2026-11-20T06:30:00+00:00"
    );
    assert_eq!(
        entry.modified.unwrap().to_rfc3339(),
        "2026-11-21T00:00:00+00:00"
    );
    let names: Vec<_> = entry
        .authors
        .iter()
        .map(|author| author.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["Ada Ames", "Ben Bray"]);
    assert_eq!(entry.summary.unwrap(), "After nine years the bell rings.");
    assert_eq!(entry.tags, ["harbour", "town hall"]);
    assert_eq!(entry.language.unwrap(), "en-GB");
    let picture = entry.picture.unwrap();
    assert_eq!(picture.url.as_str(), "https://courier.example/bell.jpg");
    assert_eq!(picture.caption.unwrap(), "The bell on its way up.");
    assert_eq!(picture.credit.unwrap(), "Cy Coe's archive");
}

#[test]
fn the_text_holds_neither_its_title_nor_its_related_lines() {
    let entry = read(FULL);

    let content = entry.content.unwrap();
    assert!(content.starts_with("<p>It rang <del>eight</del> <strong>nine</strong> times.</p>"));
    assert!(content.contains("<td>2</td>"));
    assert!(!content.contains("Related"), "{content}");
    let url = Url::parse("https://courier.example/tower").unwrap();
    assert_eq!(
        entry.named_related,
        [NamedLink {
            url,
            title: "The tower".to_owned()
        }]
    );
}

#[test]
fn toml_between_pluses_does_as_well() {
    let entry = read(
        "+++\ntitle = \"A\"\ndate = 2026-11-20T06:30:00Z\ntags = [\"x\", \"y\"]\nauthor = { name = \"Ada\" }\n+++\nText.",
    );

    assert_eq!(entry.title, "A");
    assert_eq!(
        entry.published.unwrap().to_rfc3339(),
        "2026-11-20T06:30:00+00:00"
    );
    assert_eq!(entry.tags, ["x", "y"]);
    assert_eq!(entry.authors[0].name.as_deref(), Some("Ada"));
    assert_eq!(entry.content.unwrap().trim(), "<p>Text.</p>");
}

#[track_caller]
fn check(text: &str, title: &str, content: &str) {
    let entry = read(text);
    assert_eq!(
        (
            entry.title.as_str(),
            entry.content.unwrap_or_default().trim()
        ),
        (title, content)
    );
}

#[test]
fn bad_front_matter_loses_no_text() {
    check("# A *b*\n\nText.", "A b", "<p>Text.</p>");
    check("Text.\n\n# Later", "", "<p>Text.</p>\n<h1>Later</h1>");
    check(
        "---\ntitle: A\nno key here\n: \n---\nText.",
        "A",
        "<p>Text.</p>",
    );
    check("---\r\ntitle: A\r\n---\r\nText.", "A", "<p>Text.</p>");
    check("\u{feff}---\ntitle: A\n...\nText.", "A", "<p>Text.</p>");
    check(
        "---\ntitle: never closed\n\nText.",
        "",
        "<hr />\n<p>title: never closed</p>\n<p>Text.</p>",
    );
    check(
        "+++\nnot toml\n+++\n\nText.",
        "",
        "<p>+++\nnot toml\n+++</p>\n<p>Text.</p>",
    );
    check(
        "---\ntitle: A\n---\n# Another\n\nText.",
        "A",
        "<h1>Another</h1>\n<p>Text.</p>",
    );
    check("---\ntitle: A\n---", "A", "");
    check("---", "", "<hr />");
    check("", "", "");
}
