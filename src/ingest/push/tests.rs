use proptest::prelude::*;

use super::*;

fn site() -> Url {
    Url::parse("https://courant.example/").unwrap()
}

fn pushed(value: &Value) -> Result<Vec<Entry>, Refused> {
    read(value.to_string().as_bytes(), &site())
}

#[test]
fn one_article_and_a_whole_document_are_read_alike() {
    let article = json!({
        "id": "f-1",
        "url": "https://desk.example/ferry",
        "title": "Ferry",
        "content_html": "<p>It is back.</p>",
        "date_published": "2026-11-23T05:00:00Z",
        "_courant": {
            "guid": "f-1",
            "picture": {
                "url": "https://desk.example/f.jpg",
                "alt": "A ferry",
                "caption": "The ferry at noon",
                "credit": "Ada"
            },
            "named_related": [{ "url": "https://desk.example/pier", "title": "The pier" }],
        },
    });
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Desk",
        "items": [article],
    });

    let read = pushed(&article).unwrap();

    assert_eq!(read, pushed(&feed).unwrap());
    assert_eq!(read[0].guid.as_deref(), Some("f-1"));
    let picture = read[0].picture.clone().unwrap();
    assert_eq!(picture.caption.as_deref(), Some("The ferry at noon"));
    assert_eq!(picture.credit.as_deref(), Some("Ada"));
    assert_eq!(read[0].named_related[0].title, "The pier");
}

#[test]
fn what_is_wrong_is_named_with_the_item_and_its_member() {
    #[track_caller]
    fn check(item: Value, member: &str) {
        let good = json!({ "id": 1, "title": "Good" });
        let refused = pushed(&json!({ "items": [good, item] })).unwrap_err();
        let named = format!("item 1: `{member}` ");
        assert!(refused.to_string().starts_with(&named), "{refused}");
    }
    let with = |member: &str, value: Value| {
        let mut item = json!({ "id": "x", "title": "T" });
        item[member] = value;
        item
    };

    check(json!("text"), "id");
    check(json!({ "title": "T" }), "id");
    check(with("id", json!(" ")), "id");
    check(with("id", json!({})), "id");
    check(with("id", json!("a\u{7}")), "id");
    check(with("id", json!("1")), "id");
    check(with("id", json!("x".repeat(LONGEST_ID + 1))), "id");
    check(json!({ "id": "x" }), "title");
    check(with("title", json!(7)), "title");
    check(with("content_html", json!([])), "content_html");
    check(with("url", json!("/relative")), "url");
    check(with("url", json!("javascript:alert(1)")), "url");
    check(with("image", json!("data:image/png,x")), "image");
    check(with("date_published", json!("yesterday")), "date_published");
    check(with("authors", json!(["Ada"])), "authors");
    check(with("tags", json!([1])), "tags");
    check(
        with("attachments", json!([{ "mime_type": "x" }])),
        "attachments",
    );
    check(with("_courant", json!(1)), "_courant");
    check(with("_courant", json!({ "guid": "y" })), "_courant");
    check(with("_courant", json!({ "picture": {} })), "_courant");
    check(
        with("_courant", json!({ "named_related": [{}] })),
        "_courant",
    );
}

#[test]
fn an_article_is_put_under_the_guid_of_its_address_and_no_other() {
    let put = |value: Value| read_as(value.to_string().as_bytes(), "f/1", &site());

    let guids = [
        json!({ "title": "T" }),
        json!({ "id": "f/1", "title": "T" }),
    ]
    .map(|article| put(article).unwrap()[0].guid.clone());

    assert_eq!(guids, [Some("f/1".to_owned()), Some("f/1".to_owned())]);
    assert!(put(json!({ "id": "f/2", "title": "T" })).is_err());
    assert!(put(json!({ "items": [] })).is_err());
}

#[test]
fn what_is_no_article_at_all_is_refused() {
    for (text, expected) in [
        ("", "not valid JSON (line 1, column 0)"),
        ("{\"id\": }", "not valid JSON (line 1, column 8)"),
        (
            "[]",
            "neither an article nor a JSON Feed document: it is no object",
        ),
        (
            "{\"items\": 1}",
            "neither an article nor a JSON Feed document: `items` is no list",
        ),
    ] {
        let refused = read(text.as_bytes(), &site()).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    let nested = "[".repeat(100_000);
    assert!(matches!(
        read(nested.as_bytes(), &site()),
        Err(Refused::Json { .. })
    ));
}

#[test]
fn there_are_so_many_articles_in_a_request_and_no_more() {
    let items = |n: usize| {
        let items: Vec<Value> = (0..n).map(|id| json!({ "id": id, "title": "T" })).collect();
        json!({ "items": items })
    };

    assert_eq!(pushed(&items(MOST_ITEMS)).unwrap().len(), MOST_ITEMS);
    assert_eq!(
        pushed(&items(MOST_ITEMS + 1)),
        Err(Refused::TooMany(MOST_ITEMS + 1))
    );
}

/// Any JSON, in which the names that mean something are frequent.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "items",
        "title",
        "url",
        "content_html",
        "content_text",
        "summary",
        "tags",
        "authors",
        "attachments",
        "image",
        "date_published",
        "_courant",
        "picture",
        "guid",
        "named_related",
        "version",
        "other",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::from("https://a.example/1")),
        Just(Value::from("2026-11-23T05:00:00Z")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..6).prop_map(|members| {
                let members = members.into_iter().map(|(name, v)| (name.to_owned(), v));
                Value::Object(members.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_json_is_pushed_every_item_is_read_or_none(value in any_json()) {
        let n_items = value.get("items").map_or(Some(1), |items| items.as_array().map(Vec::len));
        if let Ok(entries) = pushed(&value) {
            prop_assert_eq!(Some(entries.len()), n_items);
            prop_assert!(entries.iter().all(|entry| entry.guid.is_some()));
        }
    }

    #[test]
    fn whatever_bytes_are_pushed_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &site());
    }
}
