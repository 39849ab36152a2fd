use chrono::TimeDelta;
use serde_json::Value;

use super::*;
use crate::editions::fixture::{article, full, morning, published, site, url};

fn document(format: Format, items: &[Published]) -> String {
    let site = site();
    write(
        format,
        &Feed {
            id: feed_id("edition", "morning"),
            title: "Morning & <more>".to_owned(),
            description: "Before the first ferry.".to_owned(),
            home: site.address("e/morning"),
            folder: site.address("e/morning/"),
            site: &site,
            items,
        },
    )
}

fn read_rss(items: &[Published]) -> ::rss::Channel {
    ::rss::Channel::read_from(document(Format::Rss, items).as_bytes()).unwrap()
}

fn read_atom(items: &[Published]) -> atom_syndication::Feed {
    atom_syndication::Feed::read_from(document(Format::Atom, items).as_bytes()).unwrap()
}

fn read_json(items: &[Published]) -> Value {
    serde_json::from_str(&document(Format::Json, items)).unwrap()
}

#[test]
fn every_format_tells_the_same_story() {
    let items = [
        full(1, "AT&T <3 the wall ]]> now"),
        published(article(2, "Second")),
    ];

    let rss = read_rss(&items);
    let atom = read_atom(&items);
    let json = read_json(&items);

    assert_eq!(rss.title(), "Morning & <more>");
    assert_eq!(atom.title().as_str(), "Morning & <more>");
    assert_eq!(json["title"], "Morning & <more>");
    for (at, item) in items.iter().enumerate() {
        let title = item.article.title.as_str();
        assert_eq!(rss.items()[at].title(), Some(title));
        assert_eq!(atom.entries()[at].title().as_str(), title);
        assert_eq!(json["items"][at]["title"], title);

        let id = item_id(&item.article);
        assert_eq!(rss.items()[at].guid().unwrap().value(), id);
        assert_eq!(atom.entries()[at].id(), id);
        assert_eq!(json["items"][at]["id"], id.as_str());

        let html = content_html(item);
        assert_eq!(rss.items()[at].content(), Some(html.as_str()));
        assert_eq!(
            atom.entries()[at].content().unwrap().value(),
            Some(html.as_str())
        );
        assert_eq!(json["items"][at]["content_html"], html.as_str());
    }
}

#[test]
fn each_document_names_its_own_address() {
    let rss = read_rss(&[]);
    let links = &rss.atom_ext().unwrap().links;
    assert_eq!(links[0].href, "https://news.example.org/e/morning/rss.xml");
    assert_eq!(links[0].rel, "self");
    let atom = read_atom(&[]);
    assert_eq!(
        atom.links()[0].href,
        "https://news.example.org/e/morning/atom.xml"
    );
    let json = read_json(&[]);
    assert_eq!(
        json["feed_url"],
        "https://news.example.org/e/morning/feed.json"
    );
    assert_eq!(json["home_page_url"], "https://news.example.org/e/morning");
}

#[test]
fn an_id_outlives_title_address_and_source() {
    let before = article(7, "Before");
    let mut after = before.clone();
    after.title = "After".to_owned();
    after.url = Some(url("https://elsewhere.example/7"));
    after.source = "gazette".parse().unwrap();
    after.revised = Some(morning());

    assert_eq!(item_id(&after), item_id(&before));
    assert!(
        !read_rss(&[published(after)]).items()[0]
            .guid()
            .unwrap()
            .permalink
    );
    assert_eq!(item_id(&before).len(), "urn:uuid:".len() + 36);
    assert_ne!(item_id(&before), item_id(&article(8, "Before")));
}

#[test]
fn a_store_that_starts_over_gives_no_old_id_to_a_new_article() {
    let old = article(1, "Old");
    let mut new = article(1, "New");
    new.first_seen += TimeDelta::seconds(1);

    assert_ne!(item_id(&old), item_id(&new));
}

#[test]
fn an_article_found_late_does_not_look_new_and_a_revised_one_does() {
    let mut late = article(1, "Late");
    late.first_seen = morning() + TimeDelta::days(3);
    let mut revised = article(2, "Revised");
    revised.revised = Some(morning() + TimeDelta::hours(1));
    let items = [published(late.clone()), published(revised.clone())];

    let atom = read_atom(&items);

    assert_eq!(atom.entries()[0].updated, late.published);
    assert_eq!(atom.entries()[1].updated, morning() + TimeDelta::hours(1));
    assert_eq!(atom.updated, morning() + TimeDelta::hours(1));
    assert_eq!(last_change(&late), late.first_seen);
    assert_eq!(
        read_rss(&items).last_build_date(),
        Some("Mon, 23 Nov 2026 06:00:00 +0000")
    );
    assert_eq!(
        read_json(&items)["items"][1]["date_modified"],
        "2026-11-23T06:00:00Z"
    );
}

#[test]
fn the_same_articles_give_the_same_bytes() {
    let items = [full(1, "One"), full(2, "Two")];

    for format in Format::ALL {
        assert_eq!(document(format, &items), document(format, &items));
    }
}

#[test]
fn what_xml_forbids_is_left_out() {
    let items = [published(article(
        1,
        "bell\u{7} back\u{8}space\u{FFFE} \u{1F600}",
    ))];

    assert_eq!(
        read_rss(&items).items()[0].title(),
        Some("bell backspace \u{1F600}")
    );
    assert_eq!(
        read_atom(&items).entries()[0].title().as_str(),
        "bell backspace \u{1F600}"
    );
}

#[test]
fn no_address_of_an_author_is_published() {
    for format in Format::ALL {
        let document = document(format, &[full(1, "One")]);

        assert!(!document.contains("ada@courier.example"), "{document}");
        assert!(document.contains("Ada Lund"));
    }
}

#[test]
fn related_articles_stand_in_the_text_and_as_links() {
    let items = [full(1, "One")];

    let html = content_html(&items[0]);
    let atom = read_atom(&items);
    let json = read_json(&items);

    assert!(html.contains("<h2>Related</h2>"), "{html}");
    assert!(html.contains("Also carried by The Gazette"), "{html}");
    let related: Vec<&str> = atom.entries()[0]
        .links()
        .iter()
        .filter(|link| link.rel == "related")
        .map(|link| link.href.as_str())
        .collect();
    assert_eq!(
        related,
        [
            "https://courier.example/old-wall?a=1&b=2",
            "https://harbour.example/report"
        ]
    );
    let courant = &json["items"][0]["_courant"];
    assert_eq!(courant["related"][0]["named"], true);
    assert_eq!(courant["also_carried_by"][0], "The Gazette");
    assert_eq!(courant["picture"]["credit"], "Photo: Ida Holm");
}

#[test]
fn a_picture_that_the_text_shows_is_not_shown_twice() {
    let mut item = full(1, "One");
    assert!(content_html(&item).starts_with("<figure>"));

    item.body.html = "<img src=\"https://courier.example/wall.jpg?w=1200&amp;h=800\">".to_owned();
    assert!(!content_html(&item).contains("<figure>"));
}

#[test]
fn an_item_has_one_enclosure_and_its_other_files_in_media_rss() {
    let rss = read_rss(&[full(1, "One")]);
    let item = &rss.items()[0];

    assert_eq!(item.enclosure().unwrap().mime_type, "audio/mpeg");
    assert_eq!(item.enclosure().unwrap().length, "0");
    let media = &item.extensions()["media"]["content"];
    assert_eq!(media[0].attrs["medium"], "image");
    assert_eq!(media[0].attrs["width"], "1200");
    assert_eq!(media[1].attrs["type"], "application/pdf");
    assert_eq!(
        read_json(&[full(1, "One")])["items"][0]["attachments"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn the_description_comes_before_the_content() {
    let document = document(Format::Rss, &[full(1, "One")]);
    let item = &document[document.find("<item>").unwrap()..];

    assert!(item.find("<description>").unwrap() < item.find("<content:encoded>").unwrap());
}

#[test]
fn an_article_without_a_title_is_called_by_its_first_words() {
    let items = [published(article(1, ""))];

    assert_eq!(
        read_rss(&items).items()[0].title(),
        Some("What happened in story 1, in a sentence or two.")
    );
    assert!(read_json(&items)["items"][0].get("title").is_none());
}

#[test]
fn labels_are_listed_once() {
    assert_eq!(labels(&full(1, "One").article), ["harbour", "Politics"]);
}
