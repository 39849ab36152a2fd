//! What `&name;` stands for: character references, HTML's names, and plain texts that the
//! document declares. Nothing is expanded twice, so that no text can grow into a bomb.

use std::{borrow::Cow, collections::HashMap};

use dom_query::Document;
use memchr::memchr;

use crate::ingest::charset::{clean, clean_char};

/// XML 1.0, section 4.6; the most frequent first.
const PREDEFINED: [(&str, &str); 5] = [
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("amp", "&"),
    ("apos", "'"),
];

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
                let value = self.decode(value, |_| ()).into_owned();
                self.declared.insert(name.to_owned(), value);
            }
        }
        refused
    }

    /// What the reference with this name (`amp`, `#38`, `#x26`) stands for.
    fn resolve(&mut self, name: &str) -> Option<Cow<'static, str>> {
        if let Some(number) = name.strip_prefix('#') {
            return numeric(number).map(Cow::Owned);
        }
        match PREDEFINED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Some(Cow::Borrowed(text)),
            None => self
                .declared(name)
                .or_else(|| self.html(name))
                .map(Cow::Owned),
        }
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
        let found =
            (!text.contains([';', '&']) && !text.is_empty()).then(|| clean(&text).into_owned());
        self.named.insert(name.to_owned(), found.clone());
        found
    }

    /// `text` with its references resolved, once. What stands for nothing stays as it is, and
    /// `unresolved` is told the first of it.
    pub(super) fn decode<'a>(
        &mut self,
        text: &'a str,
        unresolved: impl FnOnce(&'a str),
    ) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let Some(first) = memchr(b'&', bytes) else {
            return Cow::Borrowed(text);
        };
        let mut decoded = String::with_capacity(text.len());
        let mut unresolved = Some(unresolved);
        let (mut copied, mut at) = (0, first);
        loop {
            let name = reference(&text[at..]);
            let value = name.and_then(|name| self.resolve(name));
            match (value, name) {
                (Some(value), Some(name)) => {
                    decoded.push_str(&text[copied..at]);
                    decoded.push_str(&value);
                    at += name.len() + "&;".len();
                    copied = at;
                }
                _ => {
                    if let Some(tell) = unresolved.take() {
                        tell(&text[at..at + name.map_or(1, |name| name.len() + "&;".len())]);
                    }
                    at += 1;
                }
            }
            match memchr(b'&', &bytes[at..]) {
                Some(n) => at += n,
                None => break,
            }
        }
        decoded.push_str(&text[copied..]);
        Cow::Owned(decoded)
    }
}

/// The name between the `&` that `text` begins with and its `;`; none where the `&` is bare.
fn reference(text: &str) -> Option<&str> {
    const LONGEST: usize = 64;
    let is_name =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'.' | b'_' | b'-' | b':');
    let bytes = &text.as_bytes()[1..];
    let length = bytes.iter().take(LONGEST).position(|&b| !is_name(b))?;
    (length > 0 && bytes[length] == b';').then(|| &text[1..=length])
}

fn is_predefined(reference: &str) -> bool {
    let named = |name| {
        reference
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(';'))
    };
    PREDEFINED.iter().any(|(name, _)| named(*name))
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
