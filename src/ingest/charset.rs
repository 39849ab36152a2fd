//! Bytes to text. Order: byte order mark, HTTP charset, XML declaration, guess (RFC 7303,
//! section 3); a statement that the bytes contradict gives way to the next one.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text without characters that XML 1.0 forbids and without U+F8FF, see [`clean`].
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// WHATWG name, or `UTF-32LE` and `UTF-32BE`, which WHATWG does not have.
    pub(super) encoding: &'static str,
    /// What was stated and is not so.
    pub(super) defect: Option<String>,
}

pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, body)) = utf32(bytes) {
        return Decoded {
            text: Cow::Owned(clean(&body).into_owned()),
            encoding,
            defect: None,
        };
    }
    let marked = Encoding::for_bom(bytes).map(|(encoding, n)| (encoding, &bytes[n..]));
    let wide = || utf16_by_shape(bytes).map(|encoding| (encoding, bytes));
    if let Some((encoding, body)) = marked.or_else(wide) {
        let (text, malformed) = encoding.decode_without_bom_handling(body);
        let defect = malformed.then(|| format!("some bytes are not {}", encoding.name()));
        return Decoded {
            text: cleaned(text),
            encoding: encoding.name(),
            defect,
        };
    }
    by_statement(bytes, content_type)
}

/// Tries what is stated, then UTF-8, then a guess; the first that fits the bytes is it.
fn by_statement<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    let mut defect = None;
    let mut read = None;
    let labels = [content_type.and_then(http_charset), declared(bytes)];
    for label in labels.into_iter().flatten() {
        let stated = Encoding::for_label(label.as_bytes());
        read = stated.and_then(|encoding| read_in(encoding, bytes));
        if read.is_some() {
            break;
        }
        defect.get_or_insert(match stated {
            Some(_) => format!("stated as `{label}`, but the bytes are not"),
            None => format!("the charset `{label}` is unknown or refused"),
        });
    }
    let read = read.or_else(|| read_in(UTF_8, bytes));
    let Read {
        encoding,
        text,
        damaged,
    } = read.unwrap_or_else(|| guess(bytes));
    let damage = damaged.then(|| format!("some bytes are not {}", encoding.name()));
    Decoded {
        text: cleaned(text),
        encoding: encoding.name(),
        defect: defect.or(damage),
    }
}

/// Bytes read in an encoding that they can be in.
struct Read<'a> {
    encoding: &'static Encoding,
    text: Cow<'a, str>,
    damaged: bool,
}

/// None if the bytes cannot be in `encoding`.
///
/// Latin-1 labels fit any bytes and are many servers' default, so that UTF-8 with characters beyond
/// ASCII counts as proof against them. UTF-16 has been recognised by its shape before.
fn read_in<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Read<'a>> {
    let refuted = encoding == UTF_16LE
        || encoding == UTF_16BE
        || encoding == WINDOWS_1252 && !bytes.is_ascii() && read_in(UTF_8, bytes).is_some();
    if refuted {
        return None;
    }
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    // A few broken characters among many whole ones are damage, not another charset.
    let is_slight = || {
        let broken = text.matches(char::REPLACEMENT_CHARACTER).count();
        let beyond_ascii = text.chars().filter(|c| !c.is_ascii()).count();
        broken * 4 < beyond_ascii
    };
    (encoding == WINDOWS_1252 || !damaged || is_slight()).then_some(Read {
        encoding,
        text,
        damaged,
    })
}

fn guess(bytes: &[u8]) -> Read<'_> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    Read {
        encoding,
        text,
        damaged,
    }
}

/// The `charset` parameter of a media type.
fn http_charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// The `encoding` of an XML declaration, or the `charset` of an HTML `meta`.
fn declared(bytes: &[u8]) -> Option<String> {
    let head: String = bytes
        .iter()
        .take(1024)
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect();
    let declaration = head
        .find("<?xml")
        .and_then(|at| head[at..].split("?>").next());
    let label = match declaration {
        Some(declaration) => after(declaration, "encoding"),
        None => head
            .find("<meta")
            .and_then(|at| after(&head[at..], "charset")),
    }?;
    let quoted = label.trim_start_matches(['"', '\'']);
    let end = quoted
        .find(['"', '\'', ' ', '>', ';', '/'])
        .unwrap_or(quoted.len());
    (end > 0).then(|| quoted[..end].to_owned())
}

fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text[text.find(name)? + name.len()..]
        .trim_start()
        .strip_prefix('=')?;
    Some(rest.trim_start())
}

fn utf16_by_shape(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<' | b'{', 0, x, 0, ..] if *x != 0 => Some(UTF_16LE),
        [0, b'<' | b'{', 0, x, ..] if *x != 0 => Some(UTF_16BE),
        _ => None,
    }
}

fn utf32(bytes: &[u8]) -> Option<(&'static str, String)> {
    let (little, body) = match bytes {
        [0xFF, 0xFE, 0, 0, rest @ ..] if !rest.is_empty() => (true, rest),
        [0, 0, 0xFE, 0xFF, rest @ ..] => (false, rest),
        [b'<' | b'{', 0, 0, 0, ..] => (true, bytes),
        [0, 0, 0, b'<' | b'{', ..] => (false, bytes),
        _ => return None,
    };
    let read = |unit: &[u8]| {
        let unit = <[u8; 4]>::try_from(unit).unwrap_or_default();
        let code = if little {
            u32::from_le_bytes(unit)
        } else {
            u32::from_be_bytes(unit)
        };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    let text = body.chunks_exact(4).map(read).collect();
    Some((if little { "UTF-32LE" } else { "UTF-32BE" }, text))
}

/// Leaves out what XML 1.0 forbids and U+F8FF, which delivery uses for its marks; reads the C1
/// controls, which nobody means, as the windows-1252 characters they stand for.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let Some(mut at) = unclean(text) else {
        return Cow::Borrowed(text);
    };
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let (clean, dirty) = rest.split_at(at);
        cleaned.push_str(clean);
        let mut chars = dirty.chars();
        cleaned.extend(chars.next().and_then(clean_char));
        rest = chars.as_str();
        match unclean(rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

fn cleaned(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => match clean(&text) {
            Cow::Owned(cleaned) => Cow::Owned(cleaned),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

/// Where the first character stands that [`clean_char`] changes, found by the bytes that such
/// characters begin with.
fn unclean(text: &str) -> Option<usize> {
    // A whole block is looked at without a branch, which the processor does many bytes at a time.
    const BLOCK: usize = 64;
    let may_begin = |byte: u8| {
        (byte < 0x20) & (byte != b'\n') & (byte != b'\t') & (byte != b'\r')
            | (byte == 0x7f)
            | (byte == 0xc2)
            | (byte == 0xef)
    };
    let is_dirty = |at: &usize| {
        let c = text.get(*at..).and_then(|rest| rest.chars().next());
        c.is_some_and(|c| clean_char(c) != Some(c))
    };
    let blocks = text.as_bytes().chunks(BLOCK).zip(0..);
    blocks
        .filter(|(block, _)| block.iter().fold(false, |any, &byte| any | may_begin(byte)))
        .find_map(|(block, n)| {
            let places = (0..block.len()).filter(|&at| may_begin(block[at]));
            places.map(|at| n * BLOCK + at).find(is_dirty)
        })
}

pub(super) fn clean_char(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' => Some(c),
        '\0'..'\u{20}' | '\u{7f}' | '\u{f8ff}' | '\u{fffe}' | '\u{ffff}' => None,
        '\u{80}'..='\u{9f}' => {
            let byte = u8::try_from(u32::from(c)).ok()?;
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(&byte));
            text.chars().next().filter(|c| !c.is_control())
        }
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests;
