//! Makes text palatable to the tokenizer: every `<` that it sees opens something that closes.

/// Mended text, and what was taken out of it. Line breaks stay where they were.
#[derive(Default)]
pub(super) struct Mended {
    pub(super) text: String,
    /// The document type declaration with its internal subset.
    pub(super) doctype: Option<String>,
    /// The text ends inside a section or a tag.
    pub(super) cut: bool,
    /// 1-based line of the first `<` that opens nothing.
    pub(super) stray: Option<u32>,
    line: u32,
    comments_end: bool,
}

/// Escapes stray `<`, leaves out comments, instructions and document types, and closes what the
/// end of the text cut.
pub(super) fn mend(raw: &str) -> Mended {
    let text = String::with_capacity(raw.len());
    let mut mended = Mended {
        text,
        line: 1,
        comments_end: true,
        ..Mended::default()
    };
    let mut rest = raw;
    while let Some(at) = rest.find('<') {
        mended.keep(&rest[..at]);
        rest = mended.construct(&rest[at..]);
    }
    mended.keep(rest);
    mended
}

impl Mended {
    fn keep(&mut self, text: &str) {
        self.text.push_str(text);
        self.line = self.line.saturating_add(line_breaks(text));
    }

    fn leave_out(&mut self, text: &str) {
        self.text.extend(text.matches('\n'));
        self.line = self.line.saturating_add(line_breaks(text));
    }

    /// Takes what stands at the beginning of `rest`, a `<`, and returns what follows.
    fn construct<'a>(&mut self, rest: &'a str) -> &'a str {
        let (_, inner) = rest.split_at(1);
        let head = rest.get(..9).unwrap_or(rest);
        if inner.starts_with("!--") && self.comments_end {
            if let Some(n) = rest[4..].find("-->") {
                self.leave_out(&rest[..n + 7]);
                return &rest[n + 7..];
            }
            self.comments_end = false;
        } else if head.eq_ignore_ascii_case("<![CDATA[") {
            return self.section(rest);
        } else if self.doctype.is_none() && head.eq_ignore_ascii_case("<!DOCTYPE") {
            let end = doctype_end(rest);
            self.doctype = Some(rest[..end].to_owned());
            self.leave_out(&rest[..end]);
            return &rest[end..];
        } else if inner.starts_with('?') {
            let end = rest.find('>').map_or(rest.len(), |n| n + 1);
            self.leave_out(&rest[..end]);
            return &rest[end..];
        } else if inner
            .strip_prefix('/')
            .unwrap_or(inner)
            .starts_with(opens_name)
            && let Some(after) = self.tag(rest)
        {
            return after;
        }
        self.stray.get_or_insert(self.line);
        self.text.push_str("&lt;");
        inner
    }

    fn section<'a>(&mut self, rest: &'a str) -> &'a str {
        self.text.push_str("<![CDATA[");
        let body = &rest[9..];
        let end = body.find("]]>");
        self.cut |= end.is_none();
        let end = end.unwrap_or(body.len());
        self.keep(&body[..end]);
        self.text.push_str("]]>");
        body.get(end + 3..).unwrap_or_default()
    }

    /// None where the `<` is not that of a tag: another one comes first.
    fn tag<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let bytes = rest.as_bytes();
        let mut stray_quotes = Vec::new();
        let mut at = 1;
        let end = loop {
            match bytes.get(at) {
                Some(b'>') => break at + 1,
                Some(b'<') => return None,
                Some(quote @ (b'"' | b'\'')) => {
                    let is_value = bytes[..at].trim_ascii_end().ends_with(b"=");
                    let close = || rest[at + 1..].find(char::from(*quote));
                    match is_value.then(close).flatten() {
                        Some(n) => at += n + 1,
                        None => stray_quotes.push(at),
                    }
                }
                Some(_) => {}
                None => {
                    self.cut = true;
                    return Some("");
                }
            }
            at += 1;
        };
        let mut from = 0;
        for quote in stray_quotes {
            self.keep(&rest[from..quote]);
            from = quote + 1;
        }
        self.keep(&rest[from..end]);
        Some(&rest[end..])
    }
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

fn line_breaks(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|&b| b == b'\n').count()).unwrap_or(u32::MAX)
}
