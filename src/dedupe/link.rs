//! The canonical form of a link: equal for addresses that lead to the same text.

use url::Url;

/// Parameters that say only where a reader came from, some with the one value that says so. A `*`
/// at the end stands for anything.
const TRACKING: &[&str] = &[
    "utm_*",
    "mtm_*",
    "matomo_*",
    "pk_*",
    "piwik_*",
    "hsa_*",
    "at_*",
    "wt_*",
    "vero_*",
    "oly_*",
    "ns_*",
    "fbclid",
    "gclid",
    "gclsrc",
    "gbraid",
    "wbraid",
    "dclid",
    "msclkid",
    "twclid",
    "ttclid",
    "yclid",
    "igshid",
    "igsh",
    "li_fat_id",
    "epik",
    "rdt_cid",
    "s_cid",
    "s_kwcid",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "_hsenc",
    "_hsmi",
    "__hs*",
    "hsctatracking",
    "ref_src",
    "ref_url",
    "referrer",
    "cmpid",
    "ocid",
    "ncid",
    "icid",
    "smid",
    "smtyp",
    "ftag",
    "ito",
    "feedtype",
    "wprss",
    "xtor",
    "_ga",
    "_gl",
    "guccounter",
    "guce_*",
    "sr_share",
    "spm",
    "trk",
    "trkcampaign",
    "ceid",
    "emci",
    "emdi",
    "amp",
    "outputtype=amp",
    "source=rss*",
    "ref=rss*",
];

/// Hosts under one publisher that show the same text.
const FRONTS: &[&str] = &["www.", "m.", "mobile.", "amp."];

/// Endings of a path that name the page which its folder shows anyway, or another dress of it.
const ENDINGS: &[&str] = &[
    "/",
    "/amp",
    "/index.html",
    "/index.htm",
    "/index.php",
    "/default.aspx",
];

/// Returns the one spelling of all addresses of a page.
///
/// Without scheme, so that a move to https changes nothing; host in lower case and without its
/// front (`www.`, `m.`); no default port, fragment or tracking parameter; the others sorted; path
/// without a closing slash or index page.
pub fn canonical(url: &Url) -> String {
    let mut text = host(url.host_str().unwrap_or_default()).to_owned();
    if let Some(port) = url.port() {
        text.push_str(&format!(":{port}"));
    }
    text.push_str(path(url.path()));

    let mut parameters: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, value)| !is_tracking(name, value))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    parameters.sort();
    for (n, (name, value)) in parameters.iter().enumerate() {
        text.push(if n == 0 { '?' } else { '&' });
        text.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
        text.push('=');
        text.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }
    text
}

/// Tells whether the address is a site's front page, which says nothing about an article.
pub fn is_front_page(url: &Url) -> bool {
    !canonical(url).contains(['/', '?'])
}

fn host(mut host: &str) -> &str {
    host = host.strip_suffix('.').unwrap_or(host);
    while let Some(rest) = FRONTS.iter().find_map(|front| host.strip_prefix(front))
        && rest.contains('.')
    {
        host = rest;
    }
    host
}

fn path(mut path: &str) -> &str {
    while let Some(rest) = ENDINGS.iter().find_map(|ending| path.strip_suffix(ending)) {
        path = rest;
    }
    path
}

fn is_tracking(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let pair = format!("{name}={value}");
    TRACKING.iter().any(|known| {
        let found = if known.contains('=') { &pair } else { &name };
        match known.strip_suffix('*') {
            Some(start) => found.starts_with(start),
            None => found == known,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_page_have_one_form() {
        #[track_caller]
        fn check(url: &str, expected: &str) {
            let found = canonical(&Url::parse(url).unwrap());
            assert_eq!(found, expected, "{url}");
            let again = Url::parse(&format!("https://{found}")).unwrap();
            assert_eq!(canonical(&again), expected, "{url}, twice");
        }

        check("https://example.com/a/b", "example.com/a/b");
        check("http://example.com/a/b", "example.com/a/b");
        check("HTTPS://WWW.Example.COM:443/a/b/", "example.com/a/b");
        check("http://example.com:80/a", "example.com/a");
        check("http://example.com:8080/a", "example.com:8080/a");
        check("https://m.example.com/a", "example.com/a");
        check("https://amp.example.com./a/amp/", "example.com/a");
        check("https://www.m.example.com/a", "example.com/a");
        check("https://m.de/a", "m.de/a");
        check("https://www.com/a", "www.com/a");
        check("https://en.m.example.org/a", "en.m.example.org/a");
        check("https://example.com/a#comments", "example.com/a");
        check("https://example.com/a?", "example.com/a");
        check("https://example.com/a/index.html", "example.com/a");
        check("https://example.com/", "example.com");
        check("https://example.com", "example.com");
        check("https://example.com/index.php?p=12", "example.com?p=12");
        check("https://example.com/?p=12", "example.com?p=12");
        check(
            "https://example.com/a?utm_source=rss&utm_medium=feed",
            "example.com/a",
        );
        check(
            "https://example.com/a?UTM_Source=rss&id=7",
            "example.com/a?id=7",
        );
        check(
            "https://example.com/a?fbclid=x&gclid=y&mc_cid=1&mc_eid=2&b=2&a=1",
            "example.com/a?a=1&b=2",
        );
        check("https://example.com/a?outputType=amp", "example.com/a");
        check(
            "https://example.com/a?outputType=json",
            "example.com/a?outputType=json",
        );
        check(
            "https://example.com/a?q=r%20s&q=%C3%A9",
            "example.com/a?q=r+s&q=%C3%A9",
        );
        check("https://example.com/a?b", "example.com/a?b=");
        check("https://example.com/Case", "example.com/Case");
        check("https://example.com/amplifier", "example.com/amplifier");
        check(
            "https://b\u{fc}cher.example/\u{e9}",
            "xn--bcher-kva.example/%C3%A9",
        );
        check("https://[2606:4700::1]/a", "[2606:4700::1]/a");
    }

    #[test]
    fn different_pages_stay_different() {
        for (a, b) in [
            ("https://example.com/a", "https://example.com/b"),
            ("https://example.com/a", "https://example.org/a"),
            ("https://example.com/?p=1", "https://example.com/?p=2"),
            ("https://blog.example.com/a", "https://example.com/a"),
            ("https://example.com/a?page=2", "https://example.com/a"),
        ] {
            let form = |url| canonical(&Url::parse(url).unwrap());
            assert_ne!(form(a), form(b));
        }
    }

    #[test]
    fn a_front_page_is_no_article() {
        let is_front = |url| is_front_page(&Url::parse(url).unwrap());

        assert!(is_front("https://www.example.com/?utm_source=rss#top"));
        assert!(is_front("http://example.com/index.html"));
        assert!(!is_front("https://example.com/?p=1"));
        assert!(!is_front("https://example.com/a"));
    }
}
