use url::Url;

use super::named_related;

/// What is left of `html`, and the titles and addresses that were named in it.
fn take(html: &str) -> (String, Vec<(String, String)>) {
    let base = Url::parse("https://courier.example/news/story").unwrap();
    let (rest, links) = named_related(html, &base);
    let pairs = links
        .into_iter()
        .map(|link| (link.title, link.url.to_string()));
    (rest, pairs.collect())
}

#[track_caller]
fn check(html: &str, rest: &str, links: &[(&str, &str)]) {
    let (left, named) = take(html);
    let named: Vec<_> = named
        .iter()
        .map(|(title, url)| (title.as_str(), url.as_str()))
        .collect();
    assert_eq!((left.as_str(), named.as_slice()), (rest, links));
}

const A: &str = "https://courier.example/a";
const B: &str = "https://b.example/";

#[test]
fn related_lines_become_links() {
    let one: &[_] = &[("A title", A)];
    check(
        "<p>x</p><p>Related: <a href='/a'>A title</a></p><p>y</p>",
        "<p>x</p><p>y</p>",
        one,
    );
    check(
        "<p><strong>Related:</strong> <a href=/a>A title</a></p>",
        "",
        one,
    );
    check(
        "<p><b>RELATED STORY</b>: <a href=/a><em>A title</em></a>.</p>",
        "",
        one,
    );
    check("<p><a href=/a>Read more: A title</a></p>", "", one);
    check(
        "<p>See also – <a href=/a>A title</a> (12 March 2026)</p>",
        "",
        one,
    );
    check(
        "<div><p>Lesen Sie auch: <a href=/a>A title</a></p></div>z",
        "z",
        one,
    );
    check("<p>À lire aussi : <a href=/a>A title</a></p>", "", one);
    check(
        "<p>Related: <a href=/a>A title</a> and <a href='https://b.example'>B</a></p>",
        "",
        &[("A title", A), ("B", B)],
    );
    check(
        "<p>Text.<br>Related: <a href=/a>A title</a><br>More.</p>",
        "<p>Text.<br>More.</p>",
        one,
    );
}

#[test]
fn boxes_headed_related_become_links() {
    let both: &[_] = &[("A title", A), ("B", B)];
    let list = "<ul><li><a href=/a>A title</a></li><li><a href='https://b.example'>B</a></li></ul>";
    check(
        &format!("<p>x</p><h3>Related articles</h3>{list}<p>y</p>"),
        "<p>x</p><p>y</p>",
        both,
    );
    check(
        &format!("<aside><header><h4>Related</h4></header>{list}</aside>z"),
        "z",
        both,
    );
    check(
        &format!("<p><strong>See also:</strong></p>{list}z"),
        "z",
        both,
    );
    check(
        "<h3>Related</h3><p><a href=/a>A title</a></p><p><a href='https://b.example'>B</a></p><p>z</p>",
        "<p>z</p>",
        both,
    );
    check(
        "<div class=related-box><a href=/a><img src=a.png></a><a href=/a>A title of three</a></div>z",
        "z",
        &[("A title of three", A)],
    );
}

#[test]
fn text_that_only_mentions_such_words_stays_as_it_is() {
    for html in [
        "<p>Related: the ferry is late, said the purser, and <a href=/a>nobody</a> on the pier was told of it.</p>",
        "<p>Related matters came up: <a href=/a>the tide</a></p>",
        "<p>Related: no link at all</p>",
        "<h2>Related</h2><p>How the two are related, <a href=/a>nobody</a> on the island could tell.</p>",
        "<p>It goes on.</p><p><a href=/a>Read more</a></p>",
        "<p>A &amp; B <br/> unclosed <p>x",
        "",
    ] {
        check(html, html, &[]);
    }
}

#[test]
fn a_line_that_leads_nowhere_is_taken_out_all_the_same() {
    check("<p>Related: <a href='javascript:1'>A</a></p>z", "z", &[]);
    check(
        "<p>Related: <a href='mailto:a@b.example'>A</a></p>z",
        "z",
        &[],
    );
}
