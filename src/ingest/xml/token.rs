//! Cuts text into tags and what stands between them. Every text can be cut: a `<` that opens
//! nothing is text, and the end of the text closes what is open.

use memchr::{memchr, memmem};

/// A piece of the text, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// What stands between `<` and `>`, without the `/` of an empty element.
    Open { tag: &'a str, is_empty: bool },
    /// What stands between `</` and `>`.
    Close(&'a str),
    /// With references.
    Text(&'a str),
    /// A CDATA section: text without references.
    Section(&'a str),
    /// The document type declaration with its internal subset, the first one if there are several.
    Doctype(&'a str),
    /// A `<` that opens nothing.
    Stray,
    /// The text ends inside a tag or section.
    Cut,
}

/// The tokens of a text, each with the byte that it begins at. Comments and instructions are
/// passed over.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    comments_end: bool,
    typed: bool,
    cut: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Tokens {
            text,
            at: 0,
            comments_end: true,
            typed: false,
            cut: false,
        }
    }

    /// Takes `n` bytes.
    fn take(&mut self, n: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + n];
        self.at += n;
        taken
    }

    /// Takes what begins with the `<` that stands here; none if it says nothing.
    fn construct(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        let inner = &rest[1..];
        let begins = |word: &str| {
            rest.get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if inner.starts_with("!--") && self.comments_end {
            if let Some(n) = memmem::find(&rest.as_bytes()[4..], b"-->") {
                self.take(n + 7);
                return None;
            }
            self.comments_end = false;
        } else if begins("<![CDATA[") {
            return Some(self.section());
        } else if !self.typed && begins("<!DOCTYPE") {
            self.typed = true;
            return Some(Token::Doctype(self.take(doctype_end(rest))));
        } else if inner.starts_with('?') {
            self.take(rest.find('>').map_or(rest.len(), |n| n + 1));
            return None;
        } else if inner
            .strip_prefix('/')
            .unwrap_or(inner)
            .starts_with(opens_name)
        {
            match tag_end(rest) {
                TagEnd::At(end) => return Some(tag(self.take(end))),
                TagEnd::Missing => {
                    self.cut = true;
                    self.take(rest.len());
                    return None;
                }
                TagEnd::NoTag => {}
            }
        }
        self.take(1);
        Some(Token::Stray)
    }

    fn section(&mut self) -> Token<'a> {
        self.take("<![CDATA[".len());
        let rest = &self.text[self.at..];
        let Some(n) = memmem::find(rest.as_bytes(), b"]]>") else {
            self.cut = true;
            return Token::Section(self.take(rest.len()));
        };
        let section = self.take(n);
        self.take("]]>".len());
        Token::Section(section)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.at;
            let rest = &self.text[at..];
            let token = match memchr(b'<', rest.as_bytes()) {
                Some(0) => self.construct(),
                _ if rest.is_empty() => {
                    let cut = std::mem::take(&mut self.cut);
                    return cut.then_some((at, Token::Cut));
                }
                text => Some(Token::Text(self.take(text.unwrap_or(rest.len())))),
            };
            if let Some(token) = token {
                return Some((at, token));
            }
        }
    }
}

fn tag(written: &str) -> Token<'_> {
    let inner = &written[1..written.len() - 1];
    if let Some(name) = inner.strip_prefix('/') {
        return Token::Close(name.trim_end());
    }
    match inner.strip_suffix('/') {
        Some(tag) => Token::Open {
            tag,
            is_empty: true,
        },
        None => Token::Open {
            tag: inner,
            is_empty: false,
        },
    }
}

enum TagEnd {
    /// Behind its `>`.
    At(usize),
    /// Another `<` comes first.
    NoTag,
    Missing,
}

/// Finds the end of the tag that `rest` begins with. A quote opens a value only behind a `=` and
/// where another one closes it.
fn tag_end(rest: &str) -> TagEnd {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return TagEnd::At(at + 1),
            b'<' => return TagEnd::NoTag,
            b'"' | b'\'' if bytes[..at].trim_ascii_end().ends_with(b"=") => {
                let close = memchr(byte, &bytes[at + 1..]);
                at += close.map_or(0, |n| n + 1);
            }
            _ => {}
        }
        at += 1;
    }
    TagEnd::Missing
}

fn opens_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii()
}

/// Past the `>` that closes the declaration, behind the internal subset if there is one.
fn doctype_end(rest: &str) -> usize {
    let head = rest.find('>').map_or(rest.len(), |n| n + 1);
    let subset = rest[..head]
        .find('[')
        .and_then(|_| rest.find("]>").map(|n| n + 2));
    let spaced = || rest[..head].find('[').and_then(|_| closing_bracket(rest));
    subset.into_iter().chain(spaced()).min().unwrap_or(head)
}

/// Past a `]`, white space and `>`.
fn closing_bracket(rest: &str) -> Option<usize> {
    rest.match_indices(']').find_map(|(at, _)| {
        let after = rest[at + 1..].trim_start();
        after.starts_with('>').then(|| rest.len() - after.len() + 1)
    })
}

/// The name that a tag begins with, and its attributes: names and values as written.
pub(super) fn parts(tag: &str) -> (&str, Attributes<'_>) {
    let end = tag
        .find(|c: char| c.is_ascii_whitespace() || c == '/')
        .unwrap_or(tag.len());
    let (name, rest) = tag.split_at(end);
    (name, Attributes { rest })
}

pub(super) struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    /// An attribute without a value has an empty one, as in HTML.
    fn next(&mut self) -> Option<Self::Item> {
        let begins = |c: char| !(c.is_ascii_whitespace() || matches!(c, '/' | '"' | '\''));
        let from = &self.rest[self.rest.find(begins)?..];
        // A name may begin with `=`.
        let first = from.chars().next()?.len_utf8();
        let end = from[first..]
            .find(|c: char| c.is_ascii_whitespace() || c == '=')
            .map_or(from.len(), |n| n + first);
        let (name, rest) = from.split_at(end);
        let Some(value) = rest.trim_ascii_start().strip_prefix('=') else {
            self.rest = rest;
            return Some((name, ""));
        };
        let value = value.trim_ascii_start();
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            let value = value.strip_prefix(quote)?;
            value.split_once(quote)
        });
        let (value, rest) = quoted.unwrap_or_else(|| {
            let end = value.find(|c: char| c.is_ascii_whitespace());
            value.split_at(end.unwrap_or(value.len()))
        });
        self.rest = rest;
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>]) {
        let tokens: Vec<_> = Tokens::of(text).map(|(_, token)| token).collect();
        assert_eq!(tokens, expected, "{text}");
    }

    fn open(tag: &str) -> Token<'_> {
        Token::Open {
            tag,
            is_empty: false,
        }
    }

    fn empty(tag: &str) -> Token<'_> {
        Token::Open {
            tag,
            is_empty: true,
        }
    }

    #[test]
    fn a_text_is_cut_into_tags_and_what_stands_between() {
        use Token::{Close, Section, Text};

        check(
            "<a b='>'>x &amp; y</a >",
            &[open("a b='>'"), Text("x &amp; y"), Close("a")],
        );
        check("<a/><b c=d/>", &[empty("a"), empty("b c=d")]);
        check("<![CDATA[<x>]]>y", &[Section("<x>"), Text("y")]);
        check("<?xml version='1.0'?><!-- <a> --><b>", &[open("b")]);
        check(
            "<!doctype a [<!ENTITY b 'c'>]><d>",
            &[Token::Doctype("<!doctype a [<!ENTITY b 'c'>]>"), open("d")],
        );
    }

    #[test]
    fn what_opens_nothing_is_text_and_an_end_cuts_what_is_open() {
        use Token::{Cut, Section, Stray, Text};

        check("1 < 2", &[Text("1 "), Stray, Text(" 2")]);
        check("<a <b>", &[Stray, Text("a "), open("b")]);
        check("<!-- a", &[Stray, Text("!-- a")]);
        check("x<a b", &[Text("x"), Cut]);
        check("<![CDATA[x", &[Section("x"), Cut]);
    }

    #[test]
    fn attributes_are_read_however_they_are_quoted() {
        #[track_caller]
        fn check(tag: &str, expected: &[(&str, &str)]) {
            assert_eq!(parts(tag).1.collect::<Vec<_>>(), expected, "{tag}");
        }

        check("a", &[]);
        check("a b=\"c d\" e='f'", &[("b", "c d"), ("e", "f")]);
        check("a b = c  d", &[("b", "c"), ("d", "")]);
        check("a b=\"c\"\" d='e'", &[("b", "c"), ("d", "e")]);
        check("a b=\"c", &[("b", "\"c")]);
        check("a =b é", &[("=b", ""), ("é", "")]);
    }
}
