//! What stands before the text of a Markdown file.

use crate::ingest::dom;

/// Keys, lower-case, with their values in the order of the file. A list has several values, and a
/// key whose value means nothing here has none.
#[derive(Default)]
pub(super) struct FrontMatter(Vec<(String, Vec<String>)>);

impl FrontMatter {
    /// Parts front matter from text. A block that is none, or is never closed, is text.
    pub(super) fn split(text: &str) -> (FrontMatter, &str) {
        Self::between("---", text, &["---", "..."], yaml)
            .or_else(|| Self::between("+++", text, &["+++"], toml))
            .unwrap_or((FrontMatter::default(), text))
    }

    fn between<'a>(
        open: &str,
        text: &'a str,
        close: &[&str],
        parse: impl Fn(&str) -> Option<FrontMatter>,
    ) -> Option<(FrontMatter, &'a str)> {
        let start = text.find('\n')? + 1;
        if text[..start].trim_end() != open {
            return None;
        }
        let mut end = start;
        for line in text[start..].split_inclusive('\n') {
            let next = end + line.len();
            if close.contains(&line.trim_end()) {
                return Some((parse(&text[start..end])?, &text[next..]));
            }
            end = next;
        }
        None
    }

    /// The first value that any of `keys` has.
    pub(super) fn first(&self, keys: &[&str]) -> Option<String> {
        self.all(keys).into_iter().next()
    }

    /// All values of the first of `keys` that has any.
    pub(super) fn all(&self, keys: &[&str]) -> Vec<String> {
        let values = |key: &&str| self.0.iter().find(|(k, v)| k == key && !v.is_empty());
        keys.iter()
            .find_map(values)
            .map(|(_, values)| values.clone())
            .unwrap_or_default()
    }
}

/// Keys of an author or a category that stand where its name could.
const NESTED: &[&str] = &["url", "email", "id", "slug", "key"];

/// The part of YAML that people write by hand: scalars, flow and block lists, folded text, and
/// `name:` in a nested map. Nothing if no line has a key.
fn yaml(block: &str) -> Option<FrontMatter> {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_folded = false;
    for line in block.lines() {
        let trimmed = line.trim();
        let is_nested = line.starts_with([' ', '\t']) || trimmed.starts_with("- ");
        if trimmed.is_empty() || (trimmed.starts_with('#') && !is_folded) {
            continue;
        }
        if is_nested {
            if let Some((_, values)) = pairs.last_mut() {
                nest(values, trimmed, is_folded);
            }
        } else if let Some((key, value)) = key_and_value(trimmed) {
            is_folded = value.starts_with(['>', '|']) && value.len() <= 2;
            let values = if is_folded { Vec::new() } else { values(value) };
            pairs.push((key, values));
        }
    }
    (!pairs.is_empty()).then_some(FrontMatter(pairs))
}

/// Adds an indented line or a list item to the values of the key above it.
fn nest(values: &mut Vec<String>, line: &str, is_folded: bool) {
    let item = line.strip_prefix("- ").filter(|_| !is_folded);
    match (item, values.last_mut()) {
        (None, Some(text)) if is_folded || key_and_value(line).is_none() => {
            *text = format!("{text} {line}");
        }
        (None, None) if is_folded => values.extend(scalar(line)),
        _ => values.extend(named(item.unwrap_or(line), item.is_some())),
    }
}

/// The value of a list item, or the `name` of a nested map, whose other keys mean nothing here.
fn named(line: &str, is_item: bool) -> Option<String> {
    match key_and_value(line.trim()) {
        Some((key, name)) if key == "name" => scalar(name),
        // A list may hold `Part one: the sea`, which is no key.
        Some((key, _)) if !is_item || NESTED.contains(&key.as_str()) => None,
        _ => scalar(line),
    }
}

fn key_and_value(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(':')?;
    let is_key = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && (value.is_empty() || value.starts_with([' ', '\t']));
    is_key.then(|| (key.to_lowercase().replace('-', "_"), value.trim()))
}

fn values(text: &str) -> Vec<String> {
    match text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        Some(list) => list.split(',').filter_map(scalar).collect(),
        None => scalar(text).into_iter().collect(),
    }
}

/// A value without the quotes around it, if it says anything.
fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    let text = match (inside('"'), inside('\'')) {
        (Some(text), _) => text.replace("\\\"", "\"").replace("\\\\", "\\"),
        (None, Some(text)) => text.replace("''", "'"),
        (None, None) => text.to_owned(),
    };
    Some(dom::squeeze(&text)).filter(|text| !text.is_empty() && text != "~" && text != "null")
}

fn toml(block: &str) -> Option<FrontMatter> {
    let table: toml::Table = block.parse().ok()?;
    let pairs = table.into_iter().map(|(key, value)| {
        let values = match value {
            toml::Value::Array(values) => values.iter().filter_map(plain).collect(),
            value => plain(&value).into_iter().collect(),
        };
        (key.to_lowercase().replace('-', "_"), values)
    });
    Some(FrontMatter(pairs.collect()))
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => scalar(text),
        toml::Value::Table(table) => plain(table.get("name")?),
        toml::Value::Array(_) => None,
        toml::Value::Datetime(at) => Some(at.to_string()),
        toml::Value::Integer(n) => Some(n.to_string()),
        toml::Value::Float(n) => Some(n.to_string()),
        toml::Value::Boolean(is) => Some(is.to_string()),
    }
}
