//! Finds the feeds that a page offers.

use url::Url;

use super::{charset, dom, tags::tags, text};

/// Links of one page that are looked at.
const MOST: usize = 50;

/// Where feeds stand that no page links to, in the order of how common they are.
const GUESSES: [&str; 6] = [
    "/feed",
    "/rss.xml",
    "/atom.xml",
    "/feed.xml",
    "/index.xml",
    "/feed.json",
];

/// A feed that a page links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub url: Url,
    /// As the page calls it; often empty.
    pub title: String,
}

/// The feeds that a page links to with `rel=alternate`, best first, each once.
///
/// Those of comments stand last: a site that offers anything else does not mean them.
pub fn offers(bytes: &[u8], content_type: Option<&str>, page: &Url) -> Vec<Offer> {
    let html = charset::decode(bytes, content_type).text;
    let mut base = page.clone();
    let mut ranked: Vec<(u8, Offer)> = Vec::new();
    for tag in tags(&html) {
        let value = |name| tag.attribute(name).map(text::from_html);
        if tag.is(&["base"]) && !tag.is_end {
            base = value("href")
                .and_then(|href| page.join(href.trim()).ok())
                .unwrap_or(base);
        }
        if !tag.is(&["link", "a"]) || tag.is_end {
            continue;
        }
        let rel = value("rel").unwrap_or_default().to_ascii_lowercase();
        let is_alternate = rel.split_whitespace().any(|word| word == "alternate");
        let (true, Some(rank), Some(href)) = (
            is_alternate || rel.split_whitespace().any(|word| word == "feed"),
            rank(&value("type").unwrap_or_default()),
            tag.attribute("href"),
        ) else {
            continue;
        };
        // `&amp;` is the one reference in common use within addresses.
        let Some(url) = dom::web_address(&href.replace("&amp;", "&"), &base) else {
            continue;
        };
        let title = text::one_line(&value("title").unwrap_or_default());
        let is_aside = is_of_comments(&url, &title);
        let offer = Offer { url, title };
        if ranked.iter().all(|(_, other)| other.url != offer.url) {
            ranked.push((rank + if is_aside { 10 } else { 0 }, offer));
        }
        if ranked.len() == MOST {
            break;
        }
    }
    // Stable: of two alike, a page names the one it means first.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, offer)| offer).collect()
}

/// Where a feed may stand on the site of `page`: below its own folder first, then at the top.
pub fn guesses(page: &Url) -> Vec<Url> {
    let mut folder = page.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", folder.path()));
    }
    let mut guesses: Vec<Url> = Vec::new();
    for guess in GUESSES.map(|guess| guess.trim_start_matches('/')) {
        let below = folder.join(guess).ok();
        let top = page.join(&format!("/{guess}")).ok();
        for url in below.into_iter().chain(top) {
            if !guesses.contains(&url) {
                guesses.push(url);
            }
        }
    }
    guesses
}

/// None for what is no feed.
fn rank(media_type: &str) -> Option<u8> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/atom+xml" => Some(0),
        "application/rss+xml" | "application/rdf+xml" => Some(1),
        "application/feed+json" => Some(2),
        "application/json" | "application/xml" | "text/xml" => Some(3),
        _ => None,
    }
}

fn is_of_comments(url: &Url, title: &str) -> bool {
    let parts = url.path_segments().into_iter().flatten();
    parts
        .into_iter()
        .any(|part| part.eq_ignore_ascii_case("comments"))
        || title.to_lowercase().contains("comment")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page() -> Url {
        Url::parse("https://quay.example/news/today").unwrap()
    }

    #[track_caller]
    fn check(html: &str, expected: &[&str]) {
        let offers = offers(html.as_bytes(), None, &page());
        let found: Vec<&str> = offers.iter().map(|offer| offer.url.as_str()).collect();
        assert_eq!(found, expected, "{html}");
    }

    #[test]
    fn the_feeds_that_a_page_names_are_found_best_first() {
        check(
            "<link rel=alternate type='application/rss+xml' href=/rss>
             <LINK REL='alternate home' TYPE='Application/Atom+XML; charset=utf-8' HREF='atom?a=1&amp;b'>
             <link rel=alternate type=application/feed+json href=//cdn.example/f.json>",
            &[
                "https://quay.example/news/atom?a=1&b",
                "https://quay.example/rss",
                "https://cdn.example/f.json",
            ],
        );
    }

    #[test]
    fn feeds_of_comments_stand_last_and_each_stands_once() {
        check(
            "<link rel=alternate type=application/rss+xml title='Quay » Comments Feed' href=/c>
             <link rel=alternate type=application/rss+xml href=/comments/feed>
             <link rel=alternate type=application/rss+xml href=/feed>
             <link rel=alternate type=application/rss+xml href=/feed>",
            &[
                "https://quay.example/feed",
                "https://quay.example/c",
                "https://quay.example/comments/feed",
            ],
        );
    }

    #[test]
    fn what_is_no_feed_of_the_web_is_passed_over() {
        check(
            "<link rel=stylesheet type=text/css href=a.css>
             <link rel=alternate hreflang=de href=/de/>
             <link rel=alternate type=application/rss+xml>
             <link rel=alternate type=application/rss+xml href='javascript:x'>
             <!-- <link rel=alternate type=application/rss+xml href=/old> -->",
            &[],
        );
    }

    #[test]
    fn a_base_is_heeded() {
        check(
            "<base href=/b/><link rel=alternate type=application/atom+xml href=f>",
            &["https://quay.example/b/f"],
        );
    }

    #[test]
    fn guesses_begin_near_the_page() {
        let guesses = guesses(&page());

        assert_eq!(guesses[0].path(), "/news/today/feed");
        assert_eq!(guesses[1].path(), "/feed");
        assert_eq!(guesses.len(), 2 * GUESSES.len());
        let top = super::guesses(&Url::parse("https://quay.example").unwrap());
        assert_eq!(top.len(), GUESSES.len());
    }

    #[test]
    fn offers_are_bounded() {
        let link = |n| format!("<link rel=alternate type=text/xml href=/{n}>");
        let html: String = (0..1000).map(link).collect();

        assert_eq!(offers(html.as_bytes(), None, &page()).len(), MOST);
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(html in "(<link rel=alternate type=text/xml href=|\\PC|[<>='\"])*") {
            offers(html.as_bytes(), None, &page());
        }
    }
}
