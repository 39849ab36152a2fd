//! Reads what is pushed: one article, or a JSON Feed document. Where a feed's reader mends and
//! leaves out, this one refuses and says why: whoever pushes can put it right.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use url::Url;

use super::{charset, date, json_feed};
use crate::{parts::Picture, sources::entry::Entry};

/// Articles in one request.
pub const MOST_ITEMS: usize = 1000;

/// Bytes of a guid.
pub const LONGEST_ID: usize = 1000;

/// Why nothing of a request is taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("not valid JSON (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("neither an article nor a JSON Feed document: {0}")]
    Shape(&'static str),
    #[error("{0} articles; at most {MOST_ITEMS} can be pushed at once")]
    TooMany(usize),
    /// `item` counts from 0, as in JSON.
    #[error("item {item}: `{member}` {what}")]
    Item {
        item: usize,
        member: &'static str,
        what: String,
    },
}

type Object = Map<String, Value>;

/// Reads the articles of a request, in their order, each with a guid of its own.
///
/// `site` stands in for the address of an article that has none.
pub fn read(bytes: &[u8], site: &Url) -> Result<Vec<Entry>, Refused> {
    let object = object(bytes)?;
    let document = match object.contains_key("items") {
        true => Value::Object(object),
        false => json!({ "items": [object] }),
    };
    entries(&document, site)
}

/// Reads the one article that is put under `guid`; its own id may be left out.
pub fn read_as(bytes: &[u8], guid: &str, site: &Url) -> Result<Vec<Entry>, Refused> {
    let mut article = object(bytes)?;
    if article.contains_key("items") {
        return Err(Refused::Shape(
            "a document cannot be put in the place of one article",
        ));
    }
    if article.get("id").is_none_or(Value::is_null) {
        article.insert("id".to_owned(), guid.into());
    }
    let document = json!({ "items": [article] });
    let entries = entries(&document, site)?;
    if entries
        .iter()
        .any(|entry| entry.guid.as_deref() != Some(guid))
    {
        return Err(Refused::Item {
            item: 0,
            member: "id",
            what: "is not the one in the address".to_owned(),
        });
    }
    Ok(entries)
}

fn object(bytes: &[u8]) -> Result<Object, Refused> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refused::Shape("it is no object")),
        Err(err) => Err(Refused::Json {
            line: err.line(),
            column: err.column(),
        }),
    }
}

fn entries(document: &Value, site: &Url) -> Result<Vec<Entry>, Refused> {
    let items = document["items"]
        .as_array()
        .ok_or(Refused::Shape("`items` is no list"))?;
    if items.len() > MOST_ITEMS {
        return Err(Refused::TooMany(items.len()));
    }
    let mut ids = HashMap::new();
    for (n, item) in items.iter().enumerate() {
        let item = Item::new(n, item)?;
        let id = item.check()?;
        if let Some(first) = ids.insert(id, n) {
            return Err(item.refuse("id", &format!("is that of item {first} as well")));
        }
    }
    let read = json_feed::document(document, site)
        .map(|document| document.entries)
        .unwrap_or_default();
    if read.len() != items.len() {
        return Err(Refused::Shape("an item could not be read"));
    }
    Ok(read
        .into_iter()
        .zip(items)
        .map(|(entry, item)| with_extension(entry, item))
        .collect())
}

/// What `courant parse` prints beside JSON Feed: the picture with what is said about it.
fn with_extension(entry: Entry, item: &Value) -> Entry {
    let stated = &item["_courant"]["picture"];
    let text = |name: &str| stated[name].as_str().map(str::to_owned);
    let pixels = |name: &str| stated[name].as_u64().and_then(|n| u32::try_from(n).ok());
    let url = stated["url"].as_str().and_then(|url| Url::parse(url).ok());
    let picture = url.map(|url| Picture {
        url,
        alt: text("alt"),
        caption: text("caption"),
        credit: text("credit"),
        width: pixels("width"),
        height: pixels("height"),
    });
    Entry {
        picture: picture.or(entry.picture),
        ..entry
    }
}

/// One item, and where it stands.
struct Item<'a> {
    n: usize,
    members: &'a Object,
}

impl<'a> Item<'a> {
    fn new(n: usize, value: &'a Value) -> Result<Self, Refused> {
        let members = value.as_object().ok_or(Refused::Item {
            item: n,
            member: "id",
            what: "is missing: the item is no object".to_owned(),
        })?;
        Ok(Item { n, members })
    }

    fn refuse(&self, member: &'static str, what: &str) -> Refused {
        Refused::Item {
            item: self.n,
            member,
            what: what.to_owned(),
        }
    }

    /// Returns the id.
    fn check(&self) -> Result<String, Refused> {
        let id = self.id()?;
        for member in [
            "title",
            "content_html",
            "content_text",
            "summary",
            "language",
        ] {
            self.text(self.members, member)?;
        }
        for member in ["url", "external_url", "image", "banner_image"] {
            self.address(self.members, member)?;
        }
        for member in ["date_published", "date_modified"] {
            if let Some(text) = self.text(self.members, member)?
                && date::parse(text).is_none()
            {
                return Err(self.refuse(member, "is no date such as 2026-11-23T08:00:00Z"));
            }
        }
        self.objects(self.members, "authors")?;
        for attachment in self.objects(self.members, "attachments")? {
            if self.address(attachment, "url")?.is_none() {
                return Err(self.refuse("attachments", "has one without `url`"));
            }
        }
        let tags = self.list(self.members, "tags")?;
        if !tags.iter().all(Value::is_string) {
            return Err(self.refuse("tags", "must be a list of texts"));
        }
        self.extension(&id)?;
        let says = |member| self.text(self.members, member).ok().flatten().is_some();
        if !["title", "content_html", "content_text", "summary"]
            .into_iter()
            .any(says)
        {
            return Err(self.refuse("title", "is missing, and so is every text"));
        }
        Ok(id)
    }

    /// A number will do (JSON Feed 1.1, "items").
    fn id(&self) -> Result<String, Refused> {
        let id = match self.members.get("id") {
            None | Some(Value::Null) => return Err(self.refuse("id", "is missing")),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => return Err(self.refuse("id", "must be text")),
        };
        if id.is_empty() {
            return Err(self.refuse("id", "is empty"));
        }
        if id.chars().any(char::is_control) || charset::clean(&id) != id {
            return Err(self.refuse("id", "has a character in it that cannot be kept"));
        }
        if id.len() > LONGEST_ID {
            return Err(self.refuse("id", &format!("is longer than {LONGEST_ID} bytes")));
        }
        Ok(id)
    }

    fn extension(&self, id: &str) -> Result<(), Refused> {
        let extension = match self.members.get("_courant") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(extension)) => extension,
            Some(_) => return Err(self.refuse("_courant", "must be an object")),
        };
        let refuse = |what| Err(self.refuse("_courant", what));
        match extension.get("guid") {
            None | Some(Value::Null) => {}
            Some(Value::String(guid)) if guid.trim() == id => {}
            Some(_) => return refuse("has a `guid` that is not the item's id"),
        }
        match extension.get("picture") {
            None | Some(Value::Null) => {}
            Some(Value::Object(picture)) => {
                if picture
                    .get("url")
                    .and_then(Value::as_str)
                    .and_then(web)
                    .is_none()
                {
                    return refuse("has a `picture` without an http or https `url`");
                }
            }
            Some(_) => return refuse("has a `picture` that is no object"),
        }
        for link in self.objects(extension, "named_related")? {
            let is_whole = link
                .get("url")
                .and_then(Value::as_str)
                .and_then(web)
                .is_some()
                && link.get("title").is_some_and(Value::is_string);
            if !is_whole {
                return refuse("has a `named_related` without `url` and `title`");
            }
        }
        Ok(())
    }

    /// A text that says something, if the member is there.
    fn text(&self, object: &'a Object, member: &'static str) -> Result<Option<&'a str>, Refused> {
        match object.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.refuse(member, "must be text")),
        }
    }

    fn address(&self, object: &'a Object, member: &'static str) -> Result<Option<Url>, Refused> {
        self.text(object, member)?
            .map(|text| {
                let refuse = || self.refuse(member, "must be a whole http or https address");
                web(text).ok_or_else(refuse)
            })
            .transpose()
    }

    fn list(&self, object: &'a Object, member: &'static str) -> Result<&'a [Value], Refused> {
        match object.get(member) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.refuse(member, "must be a list")),
        }
    }

    fn objects(
        &self,
        object: &'a Object,
        member: &'static str,
    ) -> Result<Vec<&'a Object>, Refused> {
        let objects = self.list(object, member)?.iter().map(Value::as_object);
        let refuse = || self.refuse(member, "must be a list of objects");
        objects.collect::<Option<Vec<_>>>().ok_or_else(refuse)
    }
}

fn web(text: &str) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests;
