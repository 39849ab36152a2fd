use proptest::prelude::*;
use url::Url;

use super::{Element, Space, escape, read};

fn tree(text: &str) -> super::Tree<'_> {
    read(text, &Url::parse("http://a.example/dir/feed.xml").unwrap())
}

/// The first element of the document, written back.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(tree(text).root.markup().trim(), expected, "{text}");
}

fn only<'a>(tree: &'a super::Tree<'a>) -> &'a Element<'a> {
    tree.root.elements().next().unwrap()
}

#[test]
fn what_is_well_formed_comes_back() {
    check(
        "<?xml version='1.0'?><!-- c --><a b='1'>x<![CDATA[<y>]]>&amp;<c/></a>",
        "<a b=\"1\">x&lt;y&gt;&amp;<c></c></a>",
    );
}

#[test]
fn ends_that_are_missing_or_close_nothing_are_borne() {
    check("<a><b>x</a>", "<a><b>x</b></a>");
    check("<a>x</b></a>", "<a>x</a>");
    check(
        "<r><item>1<item>2</r>",
        "<r><item>1</item><item>2</item></r>",
    );
    check("<a><b>x", "<a><b>x</b></a>");
    assert!(only(&tree("<a><b>x")).cut);
}

#[test]
fn stray_characters_are_text() {
    check(
        "<a>1 < 2 && 3 > 2 & x</a>",
        "<a>1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp; x</a>",
    );
    check("<a>x <b and c</a>", "<a>x &lt;b and c</a>");
    check(
        "<a b=\"1\"\" c='<2>'>x</a>",
        "<a b=\"1\" c=\"&lt;2&gt;\">x</a>",
    );
    check("<a><!ELEMENT x></a>", "<a>&lt;!ELEMENT x&gt;</a>");
}

#[test]
fn references_are_resolved_once() {
    check(
        "<a b='&eacute;&amp;lt;'>&nbsp;&#65;&#x42;&#150;&bogus;&#xF8FF;</a>",
        "<a b=\"é&amp;lt;\">\u{a0}AB–&amp;bogus;</a>",
    );
    check(
        "<!DOCTYPE a [<!ENTITY co 'Courant &#38; co'>]><a>&co;</a>",
        "<a>Courant &amp; co</a>",
    );
}

#[test]
fn names_are_known_by_address_then_by_prefix() {
    for (text, space) in [
        ("<x:a xmlns:x='http://www.w3.org/2005/Atom'/>", Space::Atom),
        ("<a xmlns='HTTPS://www.w3.org/2005/atom/'/>", Space::Atom),
        ("<dc:a/>", Space::Dc),
        ("<a xmlns='http://unknown.example/'/>", Space::Core),
        ("<x:a/>", Space::Other),
    ] {
        assert_eq!(only(&tree(text)).space, space, "{text}");
    }
}

#[test]
fn base_and_language_are_inherited() {
    let tree = tree("<a xml:base='../b/' xml:lang='de'><c xml:base='d/'/></a>");
    let inner = only(&tree).elements().next().unwrap();
    let site = Url::parse("http://site.example/").unwrap();

    assert_eq!(
        inner.resolve("e", &site).unwrap().as_str(),
        "http://a.example/b/d/e"
    );
    assert_eq!(inner.scope.language.as_deref(), Some("de"));
}

#[test]
fn depth_is_bounded_and_noted() {
    let text = format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let tree = tree(&text);

    assert_eq!(tree.root.text(), "x");
    assert_eq!(
        tree.defects[0].what,
        "elements nest deeper than 128, the inner ones were left out"
    );
}

#[test]
fn size_is_bounded_and_noted() {
    let text = format!("<r>{}x</r>", "<a/>".repeat(500_000));
    let tree = tree(&text);

    assert_eq!(only(&tree).text(), "x");
    assert_eq!(only(&tree).elements().count(), 499_999);
    assert_eq!(
        tree.defects[0].what,
        "elements behind the first 500000 were left out"
    );
}

#[test]
fn entities_never_multiply() {
    let mut text = "<!DOCTYPE a [<!ENTITY l0 'lol'>".to_owned();
    for n in 1..10 {
        text.push_str(&format!(
            "<!ENTITY l{n} '{}'>",
            format!("&l{};", n - 1).repeat(10)
        ));
    }
    text.push_str("]><a>&l9;&l0;</a>");
    let tree = tree(&text);

    assert_eq!(tree.root.text(), "&l9;lol");
    assert_eq!(
        tree.defects[0].what,
        "the entity `l1` is not a short text and was not expanded"
    );
}

proptest! {
    #[test]
    fn no_text_stops_the_reader(parts in prop::collection::vec(prop::sample::select(vec![
        "<", ">", "</", "/>", "<a", " b='", "'", "\"", "=", "<a>", "</a>", "<item>", "<![CDATA[", "]]>", "<!--", "-->",
        "<!DOCTYPE x [", "<!ENTITY y 'z'>", "]>", "&y;", "&amp;", "&", ";", "&#x41;", "&#99999999;", "<?", "?>", "é", "\n",
    ]), 0..60)) {
        let text = parts.concat();
        let tree = tree(&text);
        prop_assert!(tree.root.elements().all(|element| element.at < text.len()));
        let lines = u32::try_from(text.lines().count() + 1).unwrap();
        prop_assert!(tree.defects.iter().all(|defect| defect.line.is_some_and(|n| n <= lines)));
    }

    #[test]
    fn text_is_read_back(text in "[^\\p{Cc}]{0,60}") {
        let written = format!("<a b=\"{0}\">{0}<![CDATA[{1}]]></a>", escape(&text), text.replace("]]>", ""));
        let tree = tree(&written);
        let element = only(&tree);
        prop_assert_eq!(&*element.text(), text.clone() + &text.replace("]]>", ""));
        prop_assert_eq!(element.attribute("b").unwrap_or_default(), text.trim());
    }
}
