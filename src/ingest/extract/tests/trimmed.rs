//! What stands around and between the paragraphs of a story, and what only looks so.

use super::{PARAGRAPH, check_absent, read, story, text};
use crate::ingest::text::from_html;

/// A page whose article holds `lead`, paragraphs and `tail`.
fn framed(lead: &str, tail: &str) -> String {
    let page = format!(
        "<html><head><title>The night ferry returns | Courier</title></head><body><main><article>\
         <h1>The night ferry returns</h1><div>{lead}<p>First. {PARAGRAPH}</p><p>{PARAGRAPH}</p>\
         <p>{PARAGRAPH}</p><p>{PARAGRAPH} Last.</p>{tail}</div></article></main></body></html>"
    );
    from_html(&read(&page).content.unwrap_or_default())
}

#[test]
fn labels_crumbs_and_datelines_ahead_of_the_story_are_no_part_of_it() {
    for lead in [
        "<p>News</p>",
        "<p><a href=/>Home</a> <a href=/sea>Sea</a></p>",
        "<p>Nov. 20, 2019, 9:28 AM UTC</p>",
        "<p>Posted on 30 March 2015 by the desk</p>",
        "<p>By Ada Ames</p>",
        "<ol class=breadcrumb><li>All that floats<li>Ferries of the north</ol>",
    ] {
        let text = framed(lead, "");
        assert!(text.starts_with("First."), "{lead}: {text}");
    }
    let poem = "<p>It was cold, they said.</p>";
    assert!(framed(poem, "").starts_with("It was cold"));
}

#[test]
fn calls_and_links_behind_the_story_are_no_part_of_it() {
    for tail in [
        "<h3>More Great Stories</h3><ul><li><a href=/a>How the ferry was built</a><li><a href=/b>Why the pier fell down</a></ul>",
        "<p>Follow us on every network there is, today.</p>",
        "<p>Tags: ferry, pier</p>",
        "<p>© 2026 The Courier. All rights reserved.</p>",
        "<h3>Comments</h3><div class=comments><p>I saw the goat and it was fine, whatever they say of it.</p></div>",
        "<div class='author-bio'><p>Ada Ames writes about boats and lives on one.</p></div>",
        "<p>ada.ames@courier.example</p>",
        "<p>Sign up for our newsletter.</p>",
    ] {
        let text = framed("", tail);
        assert!(text.ends_with("Last."), "{tail}: {text}");
    }
    let end = "<p>The goat was not harmed, and neither was the cake.</p>";
    assert!(framed("", end).ends_with("the cake."));
}

#[test]
fn a_paragraph_that_is_one_link_to_another_story_is_a_related_link() {
    let entry = story("<p><a href=/news/pier>THE PIER THAT FELL INTO THE SEA</a></p>");

    check_absent(&entry, &["THE PIER"]);
    let links: Vec<_> = entry
        .named_related
        .iter()
        .map(|l| (l.url.path(), l.title.as_str()))
        .collect();
    assert_eq!(links, [("/news/pier", "THE PIER THAT FELL INTO THE SEA")]);
}

#[test]
fn links_to_other_sites_and_tables_stay_where_their_author_put_them() {
    let entry = story(
        "<p>Where to read on:</p><ul><li><a href=https://a.example/x>The log of the ferry</a>\
         <li><a href=https://b.example/y>The book of the quay</a></ul>\
         <table><tr><td>1<td>1<tr><td>7<td>7</table>",
    );

    let text = text(&entry);
    assert!(
        text.contains("The log of the ferry") && text.contains("The book of the quay"),
        "{text}"
    );
    assert_eq!(text.matches('7').count(), 2, "{text}");
}

#[test]
fn captions_go_with_their_pictures_and_not_with_the_text() {
    let entry = story(
        "<div class=photo><img src=/quay.jpg width=600><div class=photo-caption>The quay in May, seen \
         from the pier</div><span class=credit>Ada Ames</span></div>",
    );
    let html = entry.content.unwrap();

    assert!(html.contains("<figcaption>The quay in May"), "{html}");
    let text = from_html(&html);
    assert!(
        !text.contains("The quay in May") && !text.contains("Ada Ames"),
        "{text}"
    );
}

#[test]
fn galleries_advertisements_and_what_is_said_twice_are_no_part_of_the_story() {
    let entry = story(
        "<div>Image 1 of 8</div><p>Advertisement</p><div>The quay seen from the old pier</div>\
         <div>The quay seen from the old pier</div><p>Continue Reading Below</p>\
         <p class=sr-only>Opens in a new window</p>",
    );

    check_absent(&entry, &["Image 1", "Advertisement", "Continue", "Opens"]);
    assert_eq!(text(&entry).matches("from the old pier").count(), 1);
}

#[test]
fn a_page_of_comments_alone_and_one_without_paragraphs_keep_what_they_say() {
    let thread = format!(
        "<html><body><h1>Thread</h1><div class=comments><p>{PARAGRAPH}</p><p>{PARAGRAPH}</p></div></body></html>"
    );
    assert!(text(&read(&thread)).contains("wedding"));

    let list =
        "<html><body><article><h2>One case</h2><h2>Another case</h2></article></body></html>";
    assert!(text(&read(list)).contains("Another case"));
}
