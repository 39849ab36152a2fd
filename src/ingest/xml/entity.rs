//! What `&name;` stands for: character references, HTML's names, and plain texts that the
//! document declares. Nothing is expanded twice, so that no text can grow into a bomb.

use std::collections::HashMap;

use dom_query::Document;

use crate::ingest::charset::{clean, clean_char};

#[derive(Default)]
pub(super) struct Entities {
    declared: HashMap<String, String>,
    /// HTML's names asked for so far; none where there is no such name.
    named: HashMap<String, Option<String>>,
    /// Bytes that declared entities have brought in.
    expanded: usize,
}

impl Entities {
    /// Declared ones; each at most [`Self::LONGEST`] bytes.
    const MOST: usize = 256;
    const LONGEST: usize = 1024;
    /// All of what declared ones may bring into one document, in bytes.
    const BUDGET: usize = 256 * 1024;
    /// Different names looked up in one document. HTML has 2,125.
    const NAMES: usize = 3000;

    /// Takes the entities that an internal DTD subset declares; those built from others, which is
    /// how bombs are made, are refused. Returns the name of the first refused.
    pub(super) fn declare(&mut self, doctype: &str) -> Option<String> {
        let mut refused = None;
        for declaration in doctype.split("<!ENTITY").skip(1) {
            let declaration = declaration.trim_start();
            let name_end = declaration
                .find(char::is_whitespace)
                .unwrap_or(declaration.len());
            let (name, rest) = declaration.split_at(name_end);
            let rest = rest.trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let Some(value) = rest[1..].split(quote).next() else {
                continue;
            };
            let nested = value
                .split('&')
                .skip(1)
                .any(|r| !r.starts_with('#') && !is_predefined(r));
            if nested || value.len() > Self::LONGEST || self.declared.len() >= Self::MOST {
                refused.get_or_insert_with(|| name.to_owned());
            } else if !self.declared.contains_key(name) {
                let value = self.decode(value);
                self.declared.insert(name.to_owned(), value);
            }
        }
        refused
    }

    /// What the reference with this name (`amp`, `#38`, `#x26`) stands for.
    pub(super) fn resolve(&mut self, name: &str) -> Option<String> {
        if let Some(number) = name.strip_prefix('#') {
            return numeric(number);
        }
        let predefined = match name {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => return self.declared(name).or_else(|| self.html(name)),
        };
        Some(predefined.to_owned())
    }

    fn declared(&mut self, name: &str) -> Option<String> {
        let value = self.declared.get(name)?;
        self.expanded += value.len();
        (self.expanded <= Self::BUDGET).then(|| value.clone())
    }

    /// Asks the HTML parser, which knows all the names.
    fn html(&mut self, name: &str) -> Option<String> {
        if let Some(known) = self.named.get(name) {
            return known.clone();
        }
        let plausible =
            (2..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plausible || self.named.len() >= Self::NAMES {
            return None;
        }
        let text = Document::fragment(format!("&{name};")).text();
        let found = (!text.contains([';', '&']) && !text.is_empty()).then(|| clean(&text));
        self.named.insert(name.to_owned(), found.clone());
        found
    }

    /// `text` with its references resolved, once; what cannot be resolved stays as it is.
    pub(super) fn decode(&mut self, text: &str) -> String {
        let mut parts = text.split('&');
        let mut decoded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let resolved = part
                .split_once(';')
                .and_then(|(name, rest)| Some((self.resolve(name)?, rest)));
            if let Some((value, rest)) = resolved {
                decoded.push_str(&value);
                decoded.push_str(rest);
            } else {
                decoded.push('&');
                decoded.push_str(part);
            }
        }
        decoded
    }
}

fn is_predefined(reference: &str) -> bool {
    ["amp;", "lt;", "gt;", "quot;", "apos;"]
        .iter()
        .any(|name| reference.starts_with(name))
}

/// A forbidden character is read as nothing.
fn numeric(number: &str) -> Option<String> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let c = char::from_u32(code.ok()?)?;
    Some(clean_char(c).map(String::from).unwrap_or_default())
}
