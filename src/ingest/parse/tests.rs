use std::collections::BTreeSet;

use url::Url;

use super::{Given, Kind, Unreadable, parse};
use crate::{
    ingest::article,
    sources::entry::{Document, Entry, Format},
};

mod damage;

fn read_as(kind: Kind, bytes: &[u8]) -> Result<Document, Unreadable> {
    let base = Url::parse("https://a.example/feeds/all.xml").unwrap();
    parse(
        bytes,
        &Given {
            base: &base,
            content_type: None,
            kind,
        },
    )
}

#[track_caller]
fn read(text: &str) -> Document {
    read_as(Kind::Feed, text.as_bytes()).unwrap()
}

#[track_caller]
fn only(text: &str) -> Entry {
    let [entry] = <[Entry; 1]>::try_from(read(text).entries).unwrap();
    entry
}

/// An RSS item with `inner` in it.
#[track_caller]
fn item(inner: &str) -> Entry {
    only(&format!(
        "<rss version='2.0'><channel><link>https://site.example/</link><item>{inner}</item></channel></rss>"
    ))
}

/// An Atom entry with `inner` in it.
#[track_caller]
fn entry(inner: &str) -> Entry {
    only(&format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry>{inner}</entry></feed>"
    ))
}

fn url(url: Option<Url>) -> String {
    url.map(String::from).unwrap_or_default()
}

const RSS: &str = "<?xml version='1.0'?>
<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:dc='http://purl.org/dc/elements/1.1/'
     xmlns:media='http://search.yahoo.com/mrss/' xmlns:atom='http://www.w3.org/2005/Atom'>
<channel><title>The Quay</title><link>https://quay.example/</link><atom:link rel='self' href='https://quay.example/rss'/>
<description>News &amp; tides</description><language>en-gb</language><ttl>60</ttl>
<item><title>Ferry &amp;amp; bridge</title><link>/ferry</link><guid isPermaLink='false'>q-1</guid>
<pubDate>Tue, 03 Mar 2026 07:05:00 GMT</pubDate><dc:creator>Ann Lee</dc:creator><category>Transport</category>
<description>Short</description><content:encoded><![CDATA[<p>Long <a href='map'>map</a></p>]]></content:encoded>
<enclosure url='talk.mp3' type='audio/mpeg' length='12'/>
<media:content url='big.jpg' medium='image' width='800' height='600'><media:description>The quay at dawn</media:description><media:credit>B. Ray</media:credit></media:content>
<source url='https://wire.example/rss'>The Wire</source></item></channel></rss>";

#[test]
fn an_rss_item_is_read_with_its_modules() {
    let document = read(RSS);
    let entry = &document.entries[0];
    let picture = entry.picture.clone().unwrap();

    assert_eq!(document.format, Some(Format::Rss));
    assert_eq!(document.title.as_deref(), Some("The Quay"));
    assert_eq!(document.description.as_deref(), Some("News & tides"));
    assert_eq!(document.hints.ttl_minutes, Some(60));
    assert_eq!(entry.title, "Ferry & bridge");
    assert_eq!(url(entry.url.clone()), "https://quay.example/ferry");
    assert_eq!(
        (entry.guid.as_deref(), entry.guid_is_permalink),
        (Some("q-1"), false)
    );
    assert_eq!(
        entry.content.as_deref(),
        Some("<p>Long <a href='map'>map</a></p>")
    );
    assert_eq!(entry.summary.as_deref(), Some("Short"));
    assert_eq!(entry.authors[0].name.as_deref(), Some("Ann Lee"));
    assert_eq!(entry.tags, ["Transport"]);
    assert_eq!(entry.attachments[0].url, "https://quay.example/talk.mp3");
    assert_eq!(
        (url(Some(picture.url)), picture.width),
        ("https://quay.example/big.jpg".to_owned(), Some(800))
    );
    assert_eq!(
        (picture.caption.as_deref(), picture.credit.as_deref()),
        (Some("The quay at dawn"), Some("B. Ray"))
    );
    assert_eq!(
        entry.source.as_ref().and_then(|s| s.title.as_deref()),
        Some("The Wire")
    );
    assert!(document.defects.is_empty(), "{:?}", document.defects);
}

#[test]
fn the_rdf_family_is_read() {
    let document = read(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>
         <channel rdf:about='x'><title>C</title><link>http://c.example/</link></channel>
         <item rdf:about='http://c.example/1'><title>One</title><link>http://c.example/1</link></item>
         <item><title>Two</title></item></rdf:RDF>",
    );

    assert_eq!(
        (document.format, document.entries.len()),
        (Some(Format::Rdf), 2)
    );
    assert_eq!(
        document.entries[0].guid.as_deref(),
        Some("http://c.example/1")
    );
}

#[test]
fn an_atom_entry_is_read() {
    let document = read(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de' xml:base='https://b.example/x/'>
         <title type='html'>A &amp;lt;b&amp;gt;</title><link href='.'/><author><name>Ann</name><email>a@b.example</email></author>
         <entry><id>tag:b.example,2026:1</id><title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>T <b>t</b></div></title>
         <link rel='self' href='self'/><link href='post'/><link rel='related' href='other' title='Other'/>
         <published>2026-03-03T07:05:00+01:00</published><updated>2026-03-04</updated><category term='x' label='X y'/>
         <content type='xhtml' xml:base='deep/'><div xmlns='http://www.w3.org/1999/xhtml'><p>P<img src='i.png'/></p></div></content></entry></feed>",
    );
    let entry = &document.entries[0];

    assert_eq!(
        (document.format, document.title.as_deref()),
        (Some(Format::Atom), Some("A <b>"))
    );
    assert_eq!(
        (entry.title.as_str(), entry.guid.as_deref()),
        ("T t", Some("tag:b.example,2026:1"))
    );
    assert_eq!(url(entry.url.clone()), "https://b.example/x/post");
    assert_eq!(
        entry.content.as_deref(),
        Some("<p>P<img src=\"https://b.example/x/deep/i.png\"></p>")
    );
    assert_eq!(
        (
            url(Some(entry.named_related[0].url.clone())).as_str(),
            entry.named_related[0].title.as_str()
        ),
        ("https://b.example/x/other", "Other")
    );
    assert_eq!(
        entry.published.unwrap().to_rfc3339(),
        "2026-03-03T06:05:00+00:00"
    );
    assert_eq!(
        (entry.language.as_deref(), entry.tags.as_slice()),
        (Some("de"), ["X y".to_owned()].as_slice())
    );
    assert_eq!(entry.authors[0].email.as_deref(), Some("a@b.example"));
}

#[test]
fn atom_text_is_what_its_type_says() {
    for (title, expected) in [
        ("<title>AT&amp;amp;T</title>", "AT&T"),
        ("<title type='text'>AT&amp;amp;T</title>", "AT&amp;T"),
        (
            "<title>The &lt;b&gt;x&lt;/b&gt; element</title>",
            "The <b>x</b> element",
        ),
        ("<title type='html'>&lt;b&gt;x&lt;/b&gt;</title>", "x"),
        ("<title>naked <b>x</b></title>", "naked x"),
        (
            "<title mode='base64' type='text/html'>PGI+eDwvYj4=</title>",
            "x",
        ),
        (
            "<title mode='escaped' type='text/html'>&lt;i&gt;x</title>",
            "x",
        ),
    ] {
        assert_eq!(entry(title).title, expected, "{title}");
    }
}

#[test]
fn a_json_feed_is_read() {
    let document = read(
        r#"{"version": "https://jsonfeed.org/version/1", "title": "J", "home_page_url": "https://j.example/", "author": {"name": "Ann"},
            "items": [{"id": 7, "url": "/seven", "content_text": "one\n\ntwo <3", "image": "i.png", "tags": ["x"], "date_published": "2026-03-03T07:05:00Z"},
                      {"title": "no id"}]}"#,
    );
    let entry = &document.entries[0];

    assert_eq!(
        (document.format, document.entries.len()),
        (Some(Format::JsonFeed), 1)
    );
    assert_eq!(
        (entry.guid.as_deref(), url(entry.url.clone()).as_str()),
        (Some("7"), "https://j.example/seven")
    );
    assert_eq!(entry.content.as_deref(), Some("<p>one</p><p>two &lt;3</p>"));
    assert_eq!(entry.authors[0].name.as_deref(), Some("Ann"));
    assert_eq!(
        document.defects[0].what,
        "item 2 has no id and was left out"
    );
}

#[test]
fn a_feed_says_when_it_wants_to_be_polled_and_who_pushes_it() {
    let document = read(
        "<rss xmlns:atom='http://www.w3.org/2005/Atom'><channel><ttl>90</ttl>\
         <skipHours><hour>3</hour><hour>24</hour><hour>x</hour><hour>3</hour></skipHours>\
         <skipDays><day>Sunday</day><day>Monday</day></skipDays>\
         <atom:link rel='hub' href='https://hub.example/'/>\
         <atom:link rel='self' href='https://quay.example/feed'/>\
         <item><guid>1</guid></item></channel></rss>",
    );
    let hub = document.hub.unwrap();

    assert_eq!(document.hints.ttl_minutes, Some(90));
    assert_eq!(document.hints.skip_hours, [0, 3]);
    assert_eq!(document.hints.skip_days, [0, 6]);
    assert_eq!(hub.topic.as_str(), "https://quay.example/feed");
    assert_eq!(hub.hubs[0].as_str(), "https://hub.example/");

    let json = read(
        r#"{"version":"https://jsonfeed.org/version/1.1","items":[],
            "feed_url":"https://quay.example/feed.json",
            "hubs":[{"type":"rssCloud","url":"https://no.example/"},
                    {"type":"WebSub","url":"https://hub.example/"}]}"#,
    );
    let hub = json.hub.unwrap();
    assert_eq!(hub.topic.as_str(), "https://quay.example/feed.json");
    assert_eq!(hub.hubs.len(), 1);
}

#[test]
fn modules_are_read_as_their_publishers_write_them() {
    let podcast = item(
        "<itunes:category text='Technology'><itunes:category text='Gadgets'/></itunes:category>\
         <tags>one, two</tags><dc:language>en_US</dc:language>",
    );
    assert_eq!(podcast.tags, ["Technology", "one", "two", "Gadgets"]);
    assert_eq!(podcast.language.as_deref(), Some("en-US"));

    let packed =
        entry("<summary type='text/html' mode='base64'>c2FmZTxzY3JpcHQ+eDwvc2NyaXB0Pg==</summary>");
    assert_eq!(packed.summary.as_deref(), Some("safe<script>x</script>"));

    let signed = entry("<author><name>Ann</name><uri>/ann</uri></author>");
    assert_eq!(
        signed.authors[0].url.as_deref(),
        Some("https://a.example/ann")
    );
}

#[test]
fn a_guid_is_a_link_unless_it_says_otherwise() {
    let permalink = item("<guid>https://s.example/1</guid>");
    assert_eq!(
        (url(permalink.url), permalink.guid_is_permalink),
        ("https://s.example/1".to_owned(), true)
    );

    let opaque = item("<guid isPermaLink='False'>https://s.example/1</guid>");
    assert_eq!((opaque.url, opaque.guid_is_permalink), (None, false));
}

#[test]
fn titles_are_plain_text() {
    for (title, expected) in [
        ("<![CDATA[<b>Big</b> news]]>", "Big news"),
        ("AT&amp;amp;T", "AT&T"),
        ("AT&amp;T", "AT&T"),
        ("The &lt;b&gt; tag", "The <b> tag"),
        ("R & D", "R & D"),
        ("caf&eacute; &#8220;x&#8221;", "café “x”"),
        ("a\u{f8ff}b&#xF8FF;c", "abc"),
    ] {
        assert_eq!(
            item(&format!("<title>{title}</title>")).title,
            expected,
            "{title}"
        );
    }
}

#[test]
fn the_picture_is_the_best_that_is_stated() {
    for (inner, expected) in [
        (
            "<media:thumbnail url='t.jpg' width='75'/><media:thumbnail url='u.jpg' width='300'/><enclosure url='e.jpg' type='image/jpeg'/>",
            "u.jpg",
        ),
        (
            "<media:group><media:content url='v.mp4' type='video/mp4'/><media:thumbnail url='t.jpg'/></media:group>",
            "t.jpg",
        ),
        (
            "<enclosure url='e.jpg' type='image/jpeg'/><description>&lt;img src='d.jpg'></description>",
            "e.jpg",
        ),
        ("<itunes:image href='c.jpg'/>", "c.jpg"),
        (
            "<description>&lt;img src='p.gif' width=1 height=1>&lt;img src='d.jpg'></description>",
            "d.jpg",
        ),
    ] {
        let entry = item(inner);
        let site = Url::parse("https://site.example/").unwrap();
        let picture = article::picture(&entry, entry.base_or(&site));
        assert_eq!(
            url(picture.map(|p| p.url)),
            format!("https://site.example/{expected}"),
            "{inner}"
        );
    }
}

#[test]
fn a_cut_document_keeps_its_whole_entries() {
    let feed = "<rss><channel><item><guid>1</guid><title>One</title></item><item><guid>2</guid><title>Two</title></item></channel></rss>";
    for (n_bytes, expected) in [
        (feed.len() - 17, 2),
        (feed.len() - 23, 2),
        (feed.len() - 24, 1),
        (60, 1),
    ] {
        let document = read(&feed[..n_bytes]);
        assert_eq!(
            (document.entries.len(), document.defects.is_empty()),
            (expected, false),
            "{}",
            &feed[..n_bytes]
        );
    }
}

#[test]
fn sloppy_feeds_are_read_and_what_is_wrong_is_said() {
    for (feed, defect) in [
        (
            "<b>Warning</b>: x <?xml version='1.0'?><rss><channel><item><title>T</title></item></channel></rss>",
            "text before the feed",
        ),
        (
            "Notice\n<rss><channel><item><title>T</title></item></channel></rss>",
            "text before the feed",
        ),
        (
            "<rss><channel><item><title>T</title><item><title>U</title></item></channel></rss>",
            "an end of `item` is missing",
        ),
        (
            "<rss><channel><item><title>T</title><p></item></channel></rss>",
            "an end is missing before `</item>`",
        ),
        (
            "<rss><channel><item><title>T</title><link>a < b</link></item></channel></rss>",
            "a `<` that opens nothing was read as text",
        ),
        (
            "<rss><channel><item><title>T</title><pubDate>soonish</pubDate></item></channel></rss>",
            "a date cannot be read: `soonish`",
        ),
        (
            "<rss><channel><item><title>T</title><media:x/></item></channel></rss>",
            "the namespace of `media:` is not declared",
        ),
        (
            "<rss><channel><item><title>T</title>R&D</item></channel></rss>",
            "a bare `&` was read as text",
        ),
        (
            "<rss><channel><item><title>T</title>&bogus;</item></channel></rss>",
            "`&bogus;` stands for nothing and was read as text",
        ),
    ] {
        let document = read(feed);
        let defects: BTreeSet<&str> = document.defects.iter().map(|d| d.what.as_str()).collect();
        assert_eq!(document.entries[0].title, "T", "{feed}");
        assert!(defects.contains(defect), "{feed}: {defects:?}");
    }
}

#[test]
fn what_is_no_feed_is_refused_in_words() {
    for (text, message) in [
        (" \n", "the document is empty"),
        (
            "<!DOCTYPE html><html><body>x</body></html>",
            "an HTML page, not a feed",
        ),
        ("<p>Not found</p>", "an HTML page, not a feed"),
        ("{\"a\": 1}", "a JSON document, but not a JSON Feed"),
        ("{\"items\": [}", "not valid JSON (line 1, column 12)"),
        (
            "nothing here",
            "neither RSS, Atom nor JSON Feed: it begins with `nothing here`",
        ),
    ] {
        let err = read_as(Kind::Feed, text.as_bytes()).unwrap_err();
        assert_eq!(err.to_string(), message, "{text}");
    }
    assert_eq!(
        read_as(Kind::Auto, b"<html>x").unwrap().format,
        Some(Format::Page)
    );
}

#[test]
fn a_bomb_ends_at_once_with_a_defect() {
    let mut lol = "<!DOCTYPE rss [<!ENTITY a 'lol'>".to_owned();
    for (outer, inner) in ('b'..='j').zip('a'..) {
        lol.push_str(&format!(
            "<!ENTITY {outer} '{}'>",
            format!("&{inner};").repeat(10)
        ));
    }
    lol.push_str("]><rss><channel><item><title>&j;</title></item></channel></rss>");
    let deep = format!(
        "<rss><channel><item><title>T</title>{}",
        "<a>".repeat(100_000)
    );

    for bomb in [lol, deep] {
        let document = read_as(Kind::Feed, bomb.as_bytes()).unwrap();
        assert!(!document.defects.is_empty());
        assert!(document.entries.iter().all(|entry| entry.title.len() < 10));
    }
}
