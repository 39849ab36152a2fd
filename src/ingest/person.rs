//! People as feeds name them.

use url::Url;

use super::xml::{Element, Space};
use crate::parts::Author;

/// The person that an element names: by parts (Atom) or in one text (RSS).
///
/// Relative addresses start from `site`.
pub(super) fn read(element: &Element<'_>, site: &Url) -> Option<Author> {
    let part = |names: &[&str]| {
        let named = element
            .elements()
            .find(|child| names.contains(&&*child.name) && child.stated().is_some());
        named.and_then(Element::stated)
    };
    let by_parts = Author {
        name: part(&["name", "title"]),
        email: part(&["email"]),
        url: part(&["uri", "url", "homepage"])
            .or_else(|| {
                element
                    .attribute_in(Space::Rdf, "resource")
                    .map(str::to_owned)
            })
            .map(|url| element.resolve(&url, site).map_or(url, String::from)),
    };
    if by_parts != Author::default() {
        return Some(by_parts);
    }
    element.stated().and_then(|text| parse(&text))
}

/// Reads `Name`, `name@host`, `Name <name@host>`, `name@host (Name)` and `Name (name@host)`.
pub(super) fn parse(text: &str) -> Option<Author> {
    let text = text.trim();
    let (outside, inside) = match text.find(['(', '<']) {
        Some(at) => {
            let inside = text[at + 1..].split([')', '>']).next().unwrap_or_default();
            (text[..at].trim(), inside.trim())
        }
        None => (text, ""),
    };
    let (name, email) = match (email(outside), email(inside)) {
        (Some(email), None) => (inside, Some(email)),
        (None, Some(email)) => (outside, Some(email)),
        (Some(email), Some(_)) => ("", Some(email)),
        (None, None) => return embedded(text),
    };
    let name = Some(name.trim_matches('"').trim().to_owned()).filter(|name| !name.is_empty());
    Some(Author {
        name,
        email,
        url: None,
    })
}

/// A name, perhaps with an address among its words.
fn embedded(text: &str) -> Option<Author> {
    let email = text.split_whitespace().find_map(email);
    let name = text
        .split_whitespace()
        .filter(|word| self::email(word).is_none());
    let name = name.collect::<Vec<_>>().join(" ");
    let name = Some(name).filter(|name| !name.is_empty());
    (name.is_some() || email.is_some()).then_some(Author {
        name,
        email,
        url: None,
    })
}

fn email(text: &str) -> Option<String> {
    let text = text
        .strip_prefix("mailto:")
        .unwrap_or(text)
        .trim_matches([',', ';', ':']);
    let (local, domain) = text.split_once('@')?;
    let is_address =
        !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace);
    is_address.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: Option<&str>, email: Option<&str>) {
        let author = parse(text).unwrap_or_default();
        assert_eq!(
            (author.name.as_deref(), author.email.as_deref()),
            (name, email),
            "{text}"
        );
    }

    #[test]
    fn a_name_and_an_address_are_told_apart() {
        let (ann, address) = (Some("Ann Lee"), Some("ann@a.example"));

        check("Ann Lee", ann, None);
        check("ann@a.example", None, address);
        check("ann@a.example (Ann Lee)", ann, address);
        check("Ann Lee (ann@a.example)", ann, address);
        check("\"Ann Lee\" <ann@a.example>", ann, address);
        check("Ann Lee ann@a.example", ann, address);
        check("Ann (The Daily)", Some("Ann (The Daily)"), None);
        check(" ", None, None);
    }
}
