//! Whose servers a recipient's mailbox is on.

use std::{collections::HashMap, sync::Arc};

use crate::id::GroupName;

/// Which group of destinations a domain belongs to.
#[derive(Clone, Debug, Default)]
pub struct Destinations(Arc<HashMap<String, GroupName>>);

impl Destinations {
    pub fn of(&self, domain: &str) -> GroupName {
        let built_in = match domain {
            "gmail.com" | "googlemail.com" => GroupName::parse("gmail").ok(),
            _ => None,
        };
        let known = self.0.get(domain).cloned();
        known.or(built_in).unwrap_or_default()
    }
}
