//! Makes the addresses in an HTML text absolute, without touching anything else of it.

use url::Url;

use super::tags::tags;

const ADDRESSES: [&str; 6] = ["href", "src", "poster", "cite", "longdesc", "data-src"];

/// `html` with its relative addresses resolved against `base`.
pub(super) fn absolute(html: &str, base: &Url) -> String {
    let mut resolved = String::with_capacity(html.len());
    let mut copied = 0;
    for attribute in tags(html).flat_map(|tag| tag.attributes) {
        let value = attribute.value.trim();
        let new = if ADDRESSES
            .iter()
            .any(|name| attribute.name.eq_ignore_ascii_case(name))
        {
            absolute_address(value, base)
        } else if attribute.name.eq_ignore_ascii_case("srcset") {
            Some(absolute_srcset(value, base))
        } else {
            None
        };
        if let Some(new) = new {
            resolved.push_str(&html[copied..attribute.span.start]);
            resolved.push_str(&new);
            copied = attribute.span.end;
        }
    }
    resolved.push_str(&html[copied..]);
    resolved
}

/// None where the address is absolute already, or none at all.
fn absolute_address(value: &str, base: &Url) -> Option<String> {
    let scheme = value
        .find(':')
        .filter(|n| value[..*n].bytes().all(|b| b.is_ascii_alphanumeric()));
    if scheme.is_some() || value.is_empty() {
        return None;
    }
    // `&amp;` is the one reference in common use within addresses; the parser writes it back.
    let url = base.join(&value.replace("&amp;", "&")).ok()?;
    Some(url.as_str().replace('&', "&amp;"))
}

fn absolute_srcset(value: &str, base: &Url) -> String {
    let candidates = value.split(", ").map(|candidate| {
        let candidate = candidate.trim();
        let (address, size) = candidate.split_once(' ').unwrap_or((candidate, ""));
        let address = absolute_address(address, base).unwrap_or_else(|| address.to_owned());
        format!("{address} {size}").trim_end().to_owned()
    });
    candidates.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        let base = Url::parse("https://a.example/b/c").unwrap();
        assert_eq!(absolute(html, &base), expected);
    }

    #[test]
    fn relative_addresses_are_resolved() {
        check("<a href=d>x</a>", "<a href=https://a.example/b/d>x</a>");
        check(
            "<img alt='src=x' SRC = \"/e.png?f=1&amp;g\">",
            "<img alt='src=x' SRC = \"https://a.example/e.png?f=1&amp;g\">",
        );
        check(
            "<img srcset='1.png 1x, /2.png 2x'>",
            "<img srcset='https://a.example/b/1.png 1x, https://a.example/2.png 2x'>",
        );
        check("<a href='//h.example/'>", "<a href='https://h.example/'>");
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for html in [
            "<a href='http://x.example'>",
            "<a href=mailto:x@y>",
            "a < b href=c",
            "<!-- <a href=b> -->",
            "<a href=''>é",
        ] {
            check(html, html);
        }
    }
}
