//! Which domains are one destination: behind them stands one operator, who counts what we send.

mod table;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use crate::id::GroupName;

/// The group of every domain. What the operator adds goes before what is built in.
#[derive(Clone, Debug)]
pub struct Destinations {
    domains: HashMap<String, GroupName>,
    /// By the first label of a family such as `yahoo.*`.
    families: HashMap<String, GroupName>,
    other: GroupName,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDestination {
    #[error("`{0}` is not a domain: write `example.org`, or `example.*` for all its countries")]
    NotADomain(String),
    #[error("`{0}` stands in two destinations")]
    Twice(String),
}

impl Destinations {
    /// Adds `domains` of the operator's own to the built-in groups, or moves them to other groups.
    pub fn new<'a>(
        groups: impl IntoIterator<Item = (&'a GroupName, &'a [String])>,
    ) -> Result<Self, BadDestination> {
        let mut own = Self::none();
        for (name, domains) in groups {
            for domain in domains {
                if own
                    .insert(domain, name)?
                    .is_some_and(|before| before != *name)
                {
                    return Err(BadDestination::Twice(domain.clone()));
                }
            }
        }
        let mut all = Self::built_in();
        all.domains.extend(own.domains);
        all.families.extend(own.families);
        Ok(all)
    }

    pub fn built_in() -> Self {
        let mut all = Self::none();
        for (name, domains) in table::GROUPS {
            let Ok(name) = GroupName::parse(name) else {
                continue;
            };
            for domain in *domains {
                let _before = all.insert(domain, &name);
            }
        }
        all
    }

    fn none() -> Self {
        Self {
            domains: HashMap::new(),
            families: HashMap::new(),
            other: GroupName::other(),
        }
    }

    fn insert(
        &mut self,
        domain: &str,
        name: &GroupName,
    ) -> Result<Option<GroupName>, BadDestination> {
        let bad = || BadDestination::NotADomain(domain.to_owned());
        let key = plain(domain).into_owned();
        let (map, key) = match key.strip_suffix(".*") {
            Some(family) if !family.contains('.') => (&mut self.families, family.to_owned()),
            Some(_) => return Err(bad()),
            None if key.contains('.') => (&mut self.domains, key),
            None => return Err(bad()),
        };
        let is_letter = |c: char| c.is_alphanumeric() || c == '-';
        if !key
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(is_letter))
        {
            return Err(bad());
        }
        Ok(map.insert(key, name.clone()))
    }

    /// Every group that has a domain, and that of all others.
    pub fn names(&self) -> BTreeSet<&GroupName> {
        let named = self.domains.values().chain(self.families.values());
        named.chain([&self.other]).collect()
    }

    /// Returns the group of a recipient's domain.
    pub fn of(&self, domain: &str) -> &GroupName {
        let domain = plain(domain);
        let family = || {
            let (first, rest) = domain.split_once('.')?;
            is_country(rest).then(|| self.families.get(first)).flatten()
        };
        self.domains
            .get(domain.as_ref())
            .or_else(family)
            .unwrap_or(&self.other)
    }
}

/// In lower case, without the dot of the root.
fn plain(domain: &str) -> Cow<'_, str> {
    let domain = domain.trim_end_matches('.');
    match domain.chars().any(char::is_uppercase) {
        true => Cow::Owned(domain.to_lowercase()),
        false => Cow::Borrowed(domain),
    }
}

/// `com`, `de`, `co.uk`, `com.br`: what may follow the name of a family.
fn is_country(rest: &str) -> bool {
    let labels: Vec<_> = rest.split('.').collect();
    labels.len() <= 2 && labels.iter().all(|label| (2..=3).contains(&label.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(destinations: &Destinations, domain: &str, group: &str) {
        assert_eq!(destinations.of(domain).as_str(), group, "{domain}");
    }

    fn own(groups: &[(&str, &[&str])]) -> Result<Destinations, BadDestination> {
        let groups: Vec<(GroupName, Vec<String>)> = groups
            .iter()
            .map(|(name, domains)| {
                let domains = domains.iter().map(ToString::to_string).collect();
                (GroupName::parse(name).unwrap(), domains)
            })
            .collect();
        Destinations::new(
            groups
                .iter()
                .map(|(name, domains)| (name, domains.as_slice())),
        )
    }

    #[test]
    fn the_large_receivers_are_known() {
        let built_in = Destinations::built_in();
        for (domain, group) in [
            ("gmail.com", "gmail"),
            ("GoogleMail.com", "gmail"),
            ("hotmail.co.uk", "microsoft"),
            ("outlook.com.br", "microsoft"),
            ("live.nl.", "microsoft"),
            ("msn.com", "microsoft"),
            ("yahoo.fr", "yahoo"),
            ("yahoo.com.au", "yahoo"),
            ("aol.com", "yahoo"),
            ("yahoo.co.jp", "yahoo-japan"),
            ("icloud.com", "apple"),
            ("gmx.net", "united-internet"),
            ("web.de", "united-internet"),
            ("bk.ru", "mail.ru"),
            ("qq.com", "qq"),
            ("163.com", "netease"),
            ("example.org", "other"),
            ("yahoo.example", "other"),
            ("mail.yahoo.co.uk", "other"),
            ("gmail.com.example.org", "other"),
            ("live", "other"),
            ("", "other"),
        ] {
            check(&built_in, domain, group);
        }
    }

    #[test]
    fn the_table_is_sound() {
        let mut all = Destinations::none();
        for (name, domains) in table::GROUPS {
            let name = GroupName::parse(name).unwrap();
            for domain in *domains {
                assert_eq!(all.insert(domain, &name), Ok(None), "{domain}");
            }
        }
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let destinations = own(&[
            ("gmail", &["Example.org"]),
            ("university", &["uni.example", "mit.*", "yahoo.fr"]),
        ])
        .unwrap();
        check(&destinations, "example.org", "gmail");
        check(&destinations, "gmail.com", "gmail");
        check(&destinations, "mit.edu", "university");
        check(&destinations, "yahoo.fr", "university");
        check(&destinations, "yahoo.de", "yahoo");
    }

    #[test]
    fn a_wrong_domain_is_told() {
        for text in [
            "",
            "org",
            "*",
            "*.org",
            "a.b.*",
            "a..org",
            "a b.org",
            "ann@x.org",
        ] {
            let bad = BadDestination::NotADomain(text.to_owned());
            assert_eq!(own(&[("a", &[text])]).err(), Some(bad), "{text}");
        }
        let twice = BadDestination::Twice("X.org".to_owned());
        assert_eq!(
            own(&[("a", &["x.org"]), ("b", &["X.org"])]).err(),
            Some(twice)
        );
        assert!(own(&[("a", &["x.org", "x.org"])]).is_ok());
    }
}
