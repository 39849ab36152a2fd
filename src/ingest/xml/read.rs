//! From tokens to a tree. Names that close nothing, missing ends and missing namespaces are
//! borne; depth is bounded, so that walking the tree may recurse.

use std::rc::Rc;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use url::Url;

use super::{
    Attribute, Element, Node, Scope, Space, Tree,
    entity::Entities,
    mend::{Mended, mend},
    space::Prefixes,
};
use crate::sources::entry::Defect;

/// Elements inside elements; what nests deeper is left out, its text is kept.
const DEPTH: usize = 128;
/// Attributes of one element.
const ATTRIBUTES: usize = 64;
/// Notes about one document.
const DEFECTS: usize = 20;

/// Reads `text`, whose own address, against which `xml:base` is resolved, is `at`.
pub(in crate::ingest) fn read(text: &str, at: &Url) -> Tree {
    let mended = mend(text);
    let mut builder = Builder::new(at, &mended);
    let mut reader = Reader::from_str(&mended.text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut counted = 0;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(counted);
        builder.line += mended.text[counted..at].matches('\n').count();
        counted = at;
        match reader.read_event() {
            Ok(Event::Start(tag)) => builder.open(&tag),
            Ok(Event::Empty(tag)) => {
                builder.open(&tag);
                builder.close(&lossy(tag.name().as_ref()));
            }
            Ok(Event::End(tag)) => builder.close(&lossy(tag.name().as_ref())),
            Ok(Event::Text(text)) => builder.text(&lossy(&text)),
            Ok(Event::CData(text)) => builder.text(&lossy(&text)),
            Ok(Event::GeneralRef(name)) => builder.reference(&lossy(&name)),
            Ok(Event::Eof) => break,
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(err) => {
                builder.note(format!("reading stopped: {err}"));
                builder.cut = true;
                break;
            }
        }
    }
    builder.finish()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Builder {
    /// The elements that are open, the document's root first, which never closes.
    open: Vec<Open>,
    /// Elements open beyond [`DEPTH`].
    beyond: usize,
    prefixes: Prefixes,
    entities: Entities,
    /// The document's own address.
    at: Url,
    line: usize,
    cut: bool,
    defects: Vec<Defect>,
}

struct Open {
    /// As written, in lower case.
    tag: String,
    /// Prefixes known outside.
    outside: usize,
    element: Element,
}

impl Builder {
    fn new(at: &Url, mended: &Mended) -> Self {
        let root = Element {
            space: Space::Other,
            name: String::new(),
            line: 1,
            scope: Rc::default(),
            cut: false,
            attributes: Vec::new(),
            children: Vec::new(),
        };
        let mut builder = Builder {
            open: vec![Open {
                tag: String::new(),
                outside: 0,
                element: root,
            }],
            beyond: 0,
            prefixes: Prefixes::default(),
            entities: Entities::default(),
            at: at.clone(),
            line: 1,
            cut: mended.cut,
            defects: Vec::new(),
        };
        if let Some(line) = mended.stray {
            let what = "a `<` that opens nothing was read as text".to_owned();
            builder.defects.push(Defect {
                line: Some(line),
                what,
            });
        }
        if let Some(name) = mended
            .doctype
            .as_deref()
            .and_then(|d| builder.entities.declare(d))
        {
            builder.note(format!(
                "the entity `{name}` is not a short text and was not expanded"
            ));
        }
        builder
    }

    fn note(&mut self, what: String) {
        let is_new = self.defects.iter().all(|defect| defect.what != what);
        if is_new && self.defects.len() < DEFECTS {
            let line = u32::try_from(self.line).ok();
            self.defects.push(Defect { line, what });
        }
    }

    fn top(&mut self) -> &mut Element {
        let last = self.open.last_mut().expect("the root never closes");
        &mut last.element
    }

    fn open(&mut self, tag: &BytesStart<'_>) {
        let name = lossy(tag.name().as_ref()).to_lowercase();
        if is_entry(&name) {
            self.end_open_entry(&name);
        }
        if self.beyond > 0 || self.open.len() > DEPTH {
            self.beyond += 1;
            self.note(format!(
                "elements nest deeper than {DEPTH}, the inner ones were left out"
            ));
            return;
        }
        let outside = self.prefixes.len();
        let raw = self.attributes(tag);
        for (name, value) in &raw {
            match name.split_once(':') {
                Some(("xmlns", prefix)) => self.prefixes.declare(prefix, value),
                None if name == "xmlns" => self.prefixes.declare("", value),
                _ => {}
            }
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", &name));
        let element = Element {
            space: self.prefixes.space(prefix),
            name: local.to_owned(),
            line: u32::try_from(self.line).unwrap_or(u32::MAX),
            scope: self.scope(&raw),
            cut: false,
            attributes: raw
                .into_iter()
                .filter_map(|(name, value)| self.attribute(&name, value))
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

    fn attributes(&mut self, tag: &BytesStart<'_>) -> Vec<(String, String)> {
        let mut attributes = tag.html_attributes();
        let attributes = attributes.with_checks(false).flatten().take(ATTRIBUTES);
        let decode = |attribute: quick_xml::events::attributes::Attribute<'_>| {
            let value = self.entities.decode(&lossy(&attribute.value));
            (lossy(attribute.key.as_ref()).to_lowercase(), value)
        };
        attributes.map(decode).collect()
    }

    fn attribute(&self, name: &str, value: String) -> Option<Attribute> {
        let (space, name) = match name.split_once(':') {
            Some(("xmlns", _)) => return None,
            Some((prefix, local)) => (self.prefixes.space(prefix), local),
            None if name == "xmlns" => return None,
            None => (Space::Core, name),
        };
        Some(Attribute {
            space,
            name: name.to_owned(),
            value,
        })
    }

    fn scope(&mut self, attributes: &[(String, String)]) -> Rc<Scope> {
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
        let joined = |base: &str| outer.base.as_ref().unwrap_or(&self.at).join(base).ok();
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
        let tag = tag.to_lowercase();
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

    fn text(&mut self, text: &str) {
        let children = &mut self.top().children;
        if let Some(Node::Text(before)) = children.last_mut() {
            before.push_str(text);
        } else {
            children.push(Node::Text(text.to_owned()));
        }
    }

    fn reference(&mut self, name: &str) {
        if let Some(text) = self.entities.resolve(name) {
            return self.text(&text);
        }
        let shown: String = name.chars().take(32).collect();
        self.note(format!(
            "`&{shown};` stands for nothing and was read as text"
        ));
        self.text(&format!("&{name};"));
    }

    fn finish(mut self) -> Tree {
        if self.cut || self.open.len() > 1 {
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
