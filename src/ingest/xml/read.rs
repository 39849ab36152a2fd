//! From tokens to a tree. Names that close nothing, missing ends and missing namespaces are
//! borne; depth and size are bounded, so that walking the tree may recurse.

use std::{borrow::Cow, rc::Rc};

use url::Url;

use super::{
    Attribute, Element, Node, Scope, Space, Tree,
    entity::Entities,
    space::Prefixes,
    token::{self, Token, Tokens},
};
use crate::sources::entry::Defect;

/// Elements inside elements; what nests deeper is left out, its text is kept.
const DEPTH: usize = 128;
/// Elements of one document; those behind are left out, their text is kept.
const ELEMENTS: usize = 500_000;
/// Attributes of one element.
const ATTRIBUTES: usize = 64;
/// Notes about one document.
const DEFECTS: usize = 20;
/// Characters of a note, which may show a name as the document has it.
const LONGEST_NOTE: usize = 160;

/// Reads `text`, whose own address, against which `xml:base` is resolved, is `at`.
pub(in crate::ingest) fn read<'a>(text: &'a str, at: &Url) -> Tree<'a> {
    let mut builder = Builder::new(text, at);
    for (at, token) in Tokens::of(text) {
        builder.at = at;
        match token {
            Token::Open { tag, is_empty } => {
                builder.open(tag);
                if is_empty {
                    builder.close(token::parts(tag).0);
                }
            }
            Token::Close(name) => builder.close(name),
            Token::Text(text) => builder.references(text),
            Token::Section(text) => builder.text(Cow::Borrowed(text)),
            Token::Doctype(declaration) => builder.declare(declaration),
            Token::Stray => builder.stray(),
            Token::Cut => builder.cut = true,
        }
    }
    builder.finish()
}

/// The line, from 1, that the byte `at` of `text` stands in.
pub(in crate::ingest) fn line(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let breaks = before.iter().filter(|&&byte| byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) || !name.is_ascii() {
        return Cow::Owned(name.to_lowercase());
    }
    Cow::Borrowed(name)
}

/// The prefix, empty where there is none, and the local name.
fn split(name: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    let Some(n) = name.find(':') else {
        return (Cow::Borrowed(""), name);
    };
    match name {
        Cow::Borrowed(name) => (Cow::Borrowed(&name[..n]), Cow::Borrowed(&name[n + 1..])),
        Cow::Owned(name) => (
            Cow::Owned(name[..n].to_owned()),
            Cow::Owned(name[n + 1..].to_owned()),
        ),
    }
}

struct Builder<'a> {
    whole: &'a str,
    /// The elements that are open, the document's root first, which never closes.
    open: Vec<Open<'a>>,
    /// Elements open that are left out.
    beyond: usize,
    /// Elements so far.
    elements: usize,
    prefixes: Prefixes,
    entities: Entities,
    /// The document's own address.
    base: Url,
    /// Where the token stands that is being read.
    at: usize,
    cut: bool,
    defects: Vec<Defect>,
}

struct Open<'a> {
    /// As written, in lower case.
    tag: Cow<'a, str>,
    /// Prefixes known outside.
    outside: usize,
    element: Element<'a>,
}

impl<'a> Builder<'a> {
    fn new(whole: &'a str, base: &Url) -> Self {
        let root = Element {
            space: Space::Other,
            name: Cow::Borrowed(""),
            at: 0,
            scope: Rc::default(),
            cut: false,
            attributes: Vec::new(),
            children: Vec::new(),
        };
        Builder {
            whole,
            open: vec![Open {
                tag: Cow::Borrowed(""),
                outside: 0,
                element: root,
            }],
            beyond: 0,
            elements: 0,
            prefixes: Prefixes::default(),
            entities: Entities::default(),
            base: base.clone(),
            at: 0,
            cut: false,
            defects: Vec::new(),
        }
    }

    fn note(&mut self, what: String) {
        let what = match what.char_indices().nth(LONGEST_NOTE) {
            Some((end, _)) => format!("{}…", &what[..end]),
            None => what,
        };
        let is_new = self.defects.iter().all(|defect| defect.what != what);
        if is_new && self.defects.len() < DEFECTS {
            let line = Some(line(self.whole, self.at));
            self.defects.push(Defect { line, what });
        }
    }

    fn declare(&mut self, doctype: &str) {
        if let Some(name) = self.entities.declare(doctype) {
            self.note(format!(
                "the entity `{name}` is not a short text and was not expanded"
            ));
        }
    }

    fn stray(&mut self) {
        self.note("a `<` that opens nothing was read as text".to_owned());
        self.text(Cow::Borrowed("<"));
    }

    fn top(&mut self) -> &mut Element<'a> {
        let last = self.open.last_mut().expect("the root never closes");
        &mut last.element
    }

    fn open(&mut self, tag: &'a str) {
        let (name, attributes) = token::parts(tag);
        let name = lower(name);
        if is_entry(&name) {
            self.end_open_entry(&name);
        }
        self.elements += 1;
        let is_deep = self.open.len() > DEPTH;
        if self.beyond > 0 || is_deep || self.elements > ELEMENTS {
            self.beyond += 1;
            return self.note(if is_deep {
                format!("elements nest deeper than {DEPTH}, the inner ones were left out")
            } else {
                format!("elements behind the first {ELEMENTS} were left out")
            });
        }
        let outside = self.prefixes.len();
        let raw = self.attributes(attributes);
        for (name, value) in &raw {
            match name.split_once(':') {
                Some(("xmlns", prefix)) => self.prefixes.declare(prefix, value),
                None if name == "xmlns" => self.prefixes.declare("", value),
                _ => {}
            }
        }
        let (prefix, local) = split(name.clone());
        if self.prefixes.is_missing(&prefix) {
            self.note(format!("the namespace of `{prefix}:` is not declared"));
        }
        let element = Element {
            space: self.prefixes.space(&prefix),
            name: local,
            at: self.at,
            scope: self.scope(&raw),
            cut: false,
            attributes: raw
                .into_iter()
                .filter_map(|(name, value)| self.attribute(name, value))
                .collect(),
            children: Vec::new(),
        };
        self.open.push(Open {
            tag: name,
            outside,
            element,
        });
    }

    /// An entry inside an entry means that the end of the first one is missing.
    fn end_open_entry(&mut self, name: &str) {
        if let Some(depth) = self.open.iter().rposition(|open| open.tag == name) {
            self.note(format!("an end of `{name}` is missing"));
            self.beyond = 0;
            self.close_to(depth);
        }
    }

    fn attributes(
        &mut self,
        attributes: token::Attributes<'a>,
    ) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        attributes
            .take(ATTRIBUTES)
            .map(|(name, value)| (lower(name), self.entities.decode(value, |_| ())))
            .collect()
    }

    fn attribute(&self, name: Cow<'a, str>, value: Cow<'a, str>) -> Option<Attribute<'a>> {
        let (prefix, local) = split(name);
        let space = match &*prefix {
            "xmlns" => return None,
            "" if local == "xmlns" => return None,
            "" => Space::Core,
            prefix => self.prefixes.space(prefix),
        };
        Some(Attribute {
            space,
            name: local,
            value,
        })
    }

    fn scope(&self, attributes: &[(Cow<'a, str>, Cow<'a, str>)]) -> Rc<Scope> {
        let stated = |name: &str| {
            attributes
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.trim())
        };
        let (base, language) = (stated("xml:base"), stated("xml:lang"));
        let outer = &self
            .open
            .last()
            .expect("the root never closes")
            .element
            .scope;
        if base.is_none() && language.is_none() {
            return Rc::clone(outer);
        }
        let joined = |base: &str| outer.base.as_ref().unwrap_or(&self.base).join(base).ok();
        let scope = Scope {
            base: base.and_then(joined).or_else(|| outer.base.clone()),
            language: language.map_or_else(
                || outer.language.clone(),
                |l| (!l.is_empty()).then(|| l.to_owned()),
            ),
        };
        Rc::new(scope)
    }

    /// Closes the innermost element of that name and what is open inside it.
    fn close(&mut self, tag: &str) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let tag = lower(tag);
        let Some(depth) = self
            .open
            .iter()
            .rposition(|open| open.tag == tag)
            .filter(|n| *n > 0)
        else {
            return self.note(format!("`</{tag}>` closes nothing"));
        };
        if depth + 1 < self.open.len() {
            self.note(format!("an end is missing before `</{tag}>`"));
        }
        self.close_to(depth);
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(closed) = self.open.pop() {
            self.prefixes.truncate(closed.outside);
            self.top().children.push(Node::Element(closed.element));
        }
    }

    fn text(&mut self, text: Cow<'a, str>) {
        let children = &mut self.top().children;
        if let Some(Node::Text(before)) = children.last_mut() {
            before.to_mut().push_str(&text);
        } else {
            children.push(Node::Text(text));
        }
    }

    fn references(&mut self, text: &'a str) {
        let mut unresolved = None;
        let decoded = self.entities.decode(text, |what| unresolved = Some(what));
        if let Some(what) = unresolved {
            self.note(match what {
                "&" => "a bare `&` was read as text".to_owned(),
                name => format!("`{name}` stands for nothing and was read as text"),
            });
        }
        self.text(decoded);
    }

    fn finish(mut self) -> Tree<'a> {
        if self.cut || self.open.len() > 1 {
            self.at = self.whole.len();
            self.note("the document ends before it is complete".to_owned());
        }
        while self.open.len() > 1 {
            self.top().cut = true;
            self.pop();
        }
        let root = self.open.pop().expect("the root never closes").element;
        Tree {
            root,
            defects: self.defects,
        }
    }
}

fn is_entry(tag: &str) -> bool {
    matches!(tag.rsplit(':').next(), Some("item" | "entry"))
}
