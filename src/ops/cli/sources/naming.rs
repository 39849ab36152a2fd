//! Names for sources and topics that come without one.

use std::collections::BTreeSet;

use url::Url;

use crate::id::{SourceName, TopicSlug};

/// The longest proposal, in characters; a name may have 64.
const LONGEST: usize = 40;

/// A name made of the title, else of the host, that none of `taken` has; it is taken from then on.
pub(super) fn propose(title: &str, url: &Url, taken: &mut BTreeSet<SourceName>) -> SourceName {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let stem = [slug(title), slug(host)]
        .into_iter()
        .find(|slug| slug.chars().count() >= 2)
        .unwrap_or_else(|| "source".to_owned());
    let numbered = (2..).map(|n| format!("{stem}-{n}"));
    let free = std::iter::once(stem.clone())
        .chain(numbered)
        .filter_map(|name| SourceName::parse(&name).ok())
        .find(|name| !taken.contains(name));
    // Every number makes another name, and only so many are taken.
    let name = free.expect("a numbered slug is a name");
    taken.insert(name.clone());
    name
}

/// None for a folder whose name holds no letter or digit.
pub(super) fn topic(folder: &str) -> Option<TopicSlug> {
    TopicSlug::parse(&slug(folder)).ok()
}

/// The letters and digits of `text` in lower case, with `-` for what stands between, cut where a
/// word ends.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        // What has no lower case, as some mathematical letters, is in no name.
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric() && !c.is_uppercase())
                .collect::<String>()
        })
        .filter(|word| !word.is_empty())
    {
        let length = slug.chars().count();
        if length > 0 && length + 1 + word.chars().count() > LONGEST {
            break;
        }
        if length > 0 {
            slug.push('-');
        }
        slug.extend(word.chars().take(LONGEST));
    }
    slug
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_made_of_the_title_else_of_the_host_and_taken_once() {
        let mut taken = BTreeSet::from([SourceName::parse("the-quay").unwrap()]);
        let mut propose = |title: &str, url: &str| {
            propose(title, &Url::parse(url).unwrap(), &mut taken).to_string()
        };

        assert_eq!(propose("The Quay!", "https://a.example/"), "the-quay-2");
        assert_eq!(propose("The  Quay", "https://a.example/"), "the-quay-3");
        assert_eq!(propose("", "https://www.b.example/"), "b-example");
        assert_eq!(propose("北京日報", "https://c.example/"), "北京日報");
        assert_eq!(propose("…", "http://[::1]/"), "source");
        assert_eq!(
            propose(
                "All the news of the harbor and of the sea beyond",
                "https://d.example/"
            ),
            "all-the-news-of-the-harbor-and-of-the"
        );
    }

    #[test]
    fn a_folder_becomes_a_topic() {
        assert_eq!(topic("Local News").unwrap().as_str(), "local-news");
        assert_eq!(topic("★"), None);
    }

    proptest! {
        #[test]
        fn any_title_gives_a_name(title in "\\PC{0,100}") {
            let url = Url::parse("https://a.example/").unwrap();
            let mut taken = BTreeSet::new();
            let first = propose(&title, &url, &mut taken);
            prop_assert!(propose(&title, &url, &mut taken) != first);
        }
    }
}
