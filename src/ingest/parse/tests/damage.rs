//! Whatever a server sends, the reader ends.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{RSS, read, read_as};
use crate::ingest::parse::Kind;

/// JSON with the names that a feed has, at places where they belong and where they do not.
fn json() -> impl Strategy<Value = Value> {
    let names = vec![
        "version",
        "title",
        "items",
        "id",
        "url",
        "external_url",
        "content_html",
        "content_text",
        "authors",
        "author",
        "name",
        "attachments",
        "mime_type",
        "size_in_bytes",
        "tags",
        "image",
        "date_published",
        "hubs",
        "type",
        "feed_url",
        "_courant",
        "named_related",
    ];
    let texts = vec![
        "",
        "https://jsonfeed.org/version/1.1",
        "x",
        "//",
        "<b>",
        "2026-11-23",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(texts).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let name = prop::sample::select(names.clone());
        let members = prop::collection::hash_map(name, inner.clone(), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|members| {
                let named = members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(named.collect())
            }),
        ]
    })
}

/// A feed with some of its bytes cut, doubled or changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0..40_usize,
        prop::collection::vec(any::<u8>(), 0..6),
    );
    prop::collection::vec(change, 1..6).prop_map(|changes| {
        let mut bytes = RSS.as_bytes().to_vec();
        for (at, n, new) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + n).min(bytes.len());
            bytes.splice(at..end, new);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_as(Kind::Auto, &bytes);
    }

    #[test]
    fn no_json_stops_the_reader_and_every_item_with_an_id_is_kept(
        value in json(),
        ids in prop::collection::vec("[a-z]{1,8}", 0..8),
    ) {
        let _ = read_as(Kind::Auto, value.to_string().as_bytes());

        let items: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "authors": value })).collect();
        let feed = json!({ "version": "https://jsonfeed.org/version/1.1", "items": items, "hubs": value });
        let document = read(&feed.to_string());
        let guids: Vec<_> = document.entries.into_iter().filter_map(|entry| entry.guid).collect();
        prop_assert_eq!(guids, ids);
    }

    #[test]
    fn no_damage_to_a_feed_stops_the_reader(bytes in mutated()) {
        let _ = read_as(Kind::Auto, &bytes).map(|document| document.entries);
    }

    #[test]
    fn no_order_of_tags_stops_the_reader(parts in prop::collection::vec(prop::sample::select(vec![
        "<rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<![CDATA[", "]]>", "<!--", "-->", "<!DOCTYPE x [",
        "]>", "&amp;", "&x", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "<content type='xhtml'>", "<a b='", "'>",
        "<?", "?>", "é", "<", ">", "/>", "</",
    ]), 0..40)) {
        let _ = read_as(Kind::Auto, parts.concat().as_bytes());
    }
}
