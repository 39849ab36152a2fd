//! What a site lets programs fetch (RFC 9309).

use std::time::Duration;

use url::Url;

/// The name by which a site addresses us.
pub const PRODUCT: &str = "courant";

/// What follows is not read (RFC 9309, section 2.5).
pub const MAX_BYTES: usize = 500 * 1024;

/// Rules for one program; a file of the largest size is read, this many of them.
const MAX_RULES: usize = 5_000;

/// A longer wait between two requests is not kept: a source must come to an end.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// The rules that hold for us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<Rule>,
    /// What the site asks to wait between two requests, up to a bound.
    pub delay: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// Normalised, with its `*` and `$`.
    pattern: String,
    effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Disallow,
}

impl Robots {
    /// Nothing may be fetched: the file could not be had (RFC 9309, section 2.3.1.4).
    pub fn closed() -> Self {
        Robots {
            rules: vec![Rule {
                pattern: "/".to_owned(),
                effect: Effect::Disallow,
            }],
            delay: None,
        }
    }

    /// Reads a file. All groups for us count as one; those for everybody hold only without any.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_BYTES)]);
        let text = text.trim_start_matches('\u{feff}');
        let (mut ours, mut everybodys) = (Robots::default(), Robots::default());
        let mut is_addressed = false;
        let (mut to_us, mut to_all) = (false, false);
        let mut in_names = false;
        for line in text.split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            if key == "user-agent" {
                if !in_names {
                    (to_us, to_all) = (false, false);
                }
                in_names = true;
                to_us |= product(value).eq_ignore_ascii_case(PRODUCT);
                to_all |= value.starts_with('*');
                is_addressed |= to_us;
                continue;
            }
            let group = match (to_us, to_all) {
                (true, _) => &mut ours,
                (false, true) => &mut everybodys,
                (false, false) => {
                    in_names &= !is_member(&key);
                    continue;
                }
            };
            match key.as_str() {
                "allow" => group.add(value, Effect::Allow),
                "disallow" => group.add(value, Effect::Disallow),
                "crawl-delay" => group.delay = group.delay.max(delay(value)),
                // Other records, such as sitemaps, end no group (RFC 9309, section 2.2.4).
                _ => continue,
            }
            in_names = false;
        }
        if is_addressed { ours } else { everybodys }
    }

    fn add(&mut self, path: &str, effect: Effect) {
        // An empty path matches nothing: `Disallow:` allows everything.
        if !path.is_empty() && self.rules.len() < MAX_RULES {
            let pattern = normalised(path);
            self.rules.push(Rule { pattern, effect });
        }
    }

    /// Whether `url` may be fetched: the longest rule decides, and of two equals the kinder.
    pub fn allows(&self, url: &Url) -> bool {
        let mut path = url.path().to_owned();
        if path == "/robots.txt" {
            return true;
        }
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        let path = normalised(&path);
        let matching = self
            .rules
            .iter()
            .filter(|rule| matches(&rule.pattern, &path));
        matching
            .max_by_key(|rule| (rule.pattern.len(), rule.effect == Effect::Allow))
            .is_none_or(|rule| rule.effect == Effect::Allow)
    }
}

fn is_member(key: &str) -> bool {
    matches!(key, "allow" | "disallow" | "crawl-delay")
}

/// The product token at the start of a name: letters, `_` and `-` (RFC 9309, section 2.2.1).
fn product(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_ascii_alphabetic() && c != '_' && c != '-');
    &name[..end.unwrap_or(name.len())]
}

fn delay(seconds: &str) -> Option<Duration> {
    let seconds: f64 = seconds.parse().ok()?;
    let delay = Duration::try_from_secs_f64(seconds).unwrap_or(MAX_DELAY);
    (seconds >= 0.0).then(|| delay.min(MAX_DELAY))
}

/// One spelling of a path: what needs no escape has none, what needs one has it in capitals
/// (RFC 9309, section 2.2.2).
fn normalised(path: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = path.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let escaped = match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        at += 2 * usize::from(escaped.is_some());
        let plain = escaped.unwrap_or(byte);
        let is_unreserved = plain.is_ascii_alphanumeric() || b"-._~".contains(&plain);
        if is_unreserved || (escaped.is_none() && plain.is_ascii_graphic()) {
            text.push(char::from(plain));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(plain >> 4)]));
            text.push(char::from(HEX[usize::from(plain & 15)]));
        }
    }
    text
}

/// Whether `pattern` matches the beginning of `path`, or all of it where it ends with `$`.
///
/// Takes the first place for each part between two `*`, which is never worse than a later one; the
/// last part of a pattern with `$` must stand at the end.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, inner)) = parts.split_last() else {
        return !is_whole || rest.is_empty();
    };
    for part in inner {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    if is_whole {
        rest.ends_with(last)
    } else {
        rest.contains(last)
    }
}

#[cfg(test)]
mod tests;
