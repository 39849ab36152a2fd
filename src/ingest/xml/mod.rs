//! A tree of XML as feeds write it: nothing in the text stops the reading, what is wrong is noted.

mod entity;
mod read;
mod space;
mod token;

use std::{borrow::Cow, fmt::Write, rc::Rc};

use url::Url;

use crate::sources::entry::Defect;

pub(super) use read::{line, read};
pub(super) use space::Space;

/// What was read. `root` holds the document's elements, one if it is well-formed.
pub(super) struct Tree<'a> {
    pub(super) root: Element<'a>,
    pub(super) defects: Vec<Defect>,
}

/// An element; what its text states as it is, is borrowed from there.
pub(super) struct Element<'a> {
    pub(super) space: Space,
    /// Local name in lower case: feeds write `pubdate` and `PubDate` alike.
    pub(super) name: Cow<'a, str>,
    /// The byte of the text that it begins at.
    pub(super) at: usize,
    pub(super) scope: Rc<Scope>,
    /// The text ended inside it.
    pub(super) cut: bool,
    attributes: Vec<Attribute<'a>>,
    children: Vec<Node<'a>>,
}

/// What an element inherits.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// Only what `xml:base` states.
    pub(super) base: Option<Url>,
    /// `xml:lang`.
    pub(super) language: Option<String>,
}

struct Attribute<'a> {
    space: Space,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

enum Node<'a> {
    Element(Element<'a>),
    Text(Cow<'a, str>),
}

impl<'a> Element<'a> {
    pub(super) fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub(super) fn all(&self, space: Space, name: &str) -> impl Iterator<Item = &Element<'a>> {
        self.elements()
            .filter(move |element| element.is(space, name))
    }

    /// The first of that name that says anything.
    pub(super) fn first(&self, space: Space, name: &str) -> Option<&Element<'a>> {
        self.elements()
            .find(|element| element.is(space, name) && !element.is_empty())
    }

    /// The trimmed text of the first such child, unless empty.
    pub(super) fn text_of(&self, space: Space, name: &str) -> Option<String> {
        self.first(space, name).and_then(Element::stated)
    }

    fn is_empty(&self) -> bool {
        self.children
            .iter()
            .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
    }

    /// An attribute that is not empty, without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_in(Space::Core, name)
    }

    pub(super) fn attribute_in(&self, space: Space, name: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|a| a.space == space && a.name == name)?;
        Some(found.value.trim()).filter(|value| !value.is_empty())
    }

    /// The trimmed text, unless empty.
    pub(super) fn stated(&self) -> Option<String> {
        let text = self.text();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// All text within, without tags.
    pub(super) fn text(&self) -> Cow<'_, str> {
        if let [Node::Text(text)] = self.children.as_slice() {
            return Cow::Borrowed(text);
        }
        let mut text = String::new();
        self.gather(&mut text);
        Cow::Owned(text)
    }

    fn gather(&self, text: &mut String) {
        for node in &self.children {
            match node {
                Node::Text(part) => text.push_str(part),
                Node::Element(element) => element.gather(text),
            }
        }
    }

    pub(super) fn has_elements(&self) -> bool {
        self.elements().next().is_some()
    }

    /// The content as HTML where the text itself is HTML, escaped or not, and some publishers put
    /// naked elements between.
    pub(super) fn html(&self) -> Cow<'_, str> {
        if let [Node::Text(text)] = self.children.as_slice() {
            return Cow::Borrowed(text);
        }
        let mut html = String::new();
        for node in &self.children {
            match node {
                Node::Text(text) if text.contains('<') || !self.has_elements() => {
                    html.push_str(text)
                }
                node => node.write(&mut html),
            }
        }
        Cow::Owned(html)
    }

    /// The content as HTML where it is XML: text is escaped, names lose their prefix.
    pub(super) fn markup(&self) -> String {
        let mut html = String::new();
        self.children.iter().for_each(|node| node.write(&mut html));
        html
    }

    fn write(&self, html: &mut String) {
        const VOID: [&str; 8] = ["br", "col", "hr", "img", "input", "source", "track", "wbr"];
        let _ = write!(html, "<{}", self.name);
        for attribute in &self.attributes {
            if matches!(attribute.space, Space::Core | Space::Xhtml) {
                let _ = write!(html, " {}=\"{}\"", attribute.name, escape(&attribute.value));
            }
        }
        html.push('>');
        if !VOID.contains(&&*self.name) {
            self.children.iter().for_each(|node| node.write(html));
            let _ = write!(html, "</{}>", self.name);
        }
    }

    /// The absolute address that `reference` means here; `site` where no `xml:base` applies.
    pub(super) fn resolve(&self, reference: &str, site: &Url) -> Option<Url> {
        let reference = reference.trim();
        let url = self
            .scope
            .base
            .as_ref()
            .unwrap_or(site)
            .join(reference)
            .ok()?;
        (!reference.is_empty()).then_some(url)
    }
}

impl Node<'_> {
    fn write(&self, html: &mut String) {
        match self {
            Node::Text(text) => html.push_str(&escape(text)),
            Node::Element(element) => element.write(html),
        }
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
