use chrono::DateTime;
use proptest::prelude::*;

use super::{read::DEEPEST, read::MOST, *};

fn outline(title: &str, address: &str, folders: &[&str]) -> Outline {
    Outline {
        title: title.to_owned(),
        address: address.to_owned(),
        folders: folders.iter().map(|folder| (*folder).to_owned()).collect(),
    }
}

#[test]
fn folders_feeds_and_both_names_of_a_title_are_read() {
    let list = br#"<?xml version="1.0"?><opml version="1.1"><head><dateCreated>not a date</dateCreated>
      </head><body>
        <outline text="Top" xmlUrl="https://top.example/feed"/>
        <outline text="News"><outline title="Local">
          <outline type="rss" text="t" title="Quay &amp; Sons" xmlUrl="https://quay.example/?a=1&amp;b=2"></outline>
        </outline>
          <outline type="link" text="An article" url="https://quay.example/1"/>
          <outline type="atom" xmlurl='https://lower.example/' />
        </outline>
      </body></opml>"#;

    assert_eq!(
        read(list),
        [
            outline("Top", "https://top.example/feed", &[]),
            outline(
                "Quay & Sons",
                "https://quay.example/?a=1&b=2",
                &["News", "Local"]
            ),
            outline("", "https://lower.example/", &["News"]),
        ]
    );
}

#[test]
fn what_writers_do_wrong_costs_nothing() {
    let list = "\u{feff}junk <opml><body><outline text='Caf&eacute; & Bar &nbsp;&madeup; 1 > 0' \
                xmlUrl='http://a.example/?x=1&copy=2'><outline text=B xmlUrl=http://b.example>";

    assert_eq!(
        read(list.as_bytes()),
        [
            outline(
                "Café & Bar &madeup; 1 > 0",
                "http://a.example/?x=1&copy=2",
                &[]
            ),
            outline("B", "http://b.example", &[]),
        ]
    );
}

#[test]
fn other_encodings_are_read() {
    let latin: Vec<u8> = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><opml><body>\
        <outline text=\"Caf\xe9\" xmlUrl=\"http://a.example/\"/></body></opml>"
        .to_vec();
    let utf16: Vec<u8> =
        "\u{feff}<opml><body><outline text=\"Café\" xmlUrl=\"http://a.example/\"/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();

    for bytes in [latin, utf16] {
        assert_eq!(read(&bytes), [outline("Café", "http://a.example/", &[])]);
    }
}

#[test]
fn nesting_and_length_are_bounded_and_cost_no_feed() {
    let deep = 100_000;
    let list = format!(
        "{}<outline text=F xmlUrl=http://f.example/ />{}<outline text=G xmlUrl=http://g.example/ />",
        "<outline text=x>".repeat(deep),
        "</outline>".repeat(deep)
    );
    let outlines = read(list.as_bytes());
    assert_eq!(outlines[0].folders.len(), DEEPEST);
    assert_eq!(outlines[1], outline("G", "http://g.example/", &[]));

    let long = "<outline text=F xmlUrl=http://f.example/ />".repeat(MOST + 5);
    assert_eq!(read(long.as_bytes()).len(), MOST);
}

#[test]
fn what_is_no_list_holds_no_feeds() {
    for bytes in [
        &b""[..],
        b"\xff\xfe\0",
        b"{\"a\":1}",
        b"<rss><channel/></rss>",
    ] {
        assert_eq!(read(bytes), []);
    }
}

#[test]
fn what_is_written_is_opml_and_read_back() {
    let outlines = [
        outline("Plain", "https://a.example/feed", &[]),
        outline("A \"b\" <c> & d", "https://a.example/?a=1&b=2", &["news"]),
        outline("Deep", "https://b.example/", &["news", "local"]),
        outline("Apart", "https://c.example/", &["sport"]),
    ];

    let text = write("Mine & yours", &outlines, DateTime::UNIX_EPOCH);

    assert!(text.contains("<dateCreated>Thu, 01 Jan 1970 00:00:00 GMT</dateCreated>"));
    assert!(text.contains("<title>Mine &amp; yours</title>"));
    assert_eq!(read(text.as_bytes()), outlines);
}

proptest! {
    #[test]
    fn no_list_makes_the_reader_panic(
        text in "(<outline |</outline>|text=|xmlUrl=|\\PC|[<>/=&;'\"\\s])*"
    ) {
        for outline in read(text.as_bytes()) {
            prop_assert!(outline.folders.len() <= DEEPEST);
            prop_assert!(!outline.address.is_empty());
        }
    }

    #[test]
    fn whatever_is_written_is_read_back(
        titles in prop::collection::vec("[ -~é北]{1,30}", 1..6),
    ) {
        let outlines: Vec<Outline> = titles
            .iter()
            .map(|title| outline(&super::super::text::one_line(title), "https://a.example/", &["t"]))
            .collect();
        let text = write("T", &outlines, DateTime::UNIX_EPOCH);
        prop_assert_eq!(read(text.as_bytes()), outlines);
    }
}
