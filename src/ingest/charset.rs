//! Bytes to text. Order: byte order mark, HTTP charset, XML declaration, guess (RFC 7303,
//! section 3); a statement that the bytes contradict gives way to the next one.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text without characters that XML 1.0 forbids and without U+F8FF, see [`clean`].
pub(super) struct Decoded {
    pub(super) text: String,
    /// WHATWG name, or `UTF-32LE` and `UTF-32BE`, which WHATWG does not have.
    pub(super) encoding: &'static str,
    /// What was stated and is not so.
    pub(super) defect: Option<String>,
}

pub(super) fn decode(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    if let Some((encoding, body)) = utf32(bytes) {
        return Decoded {
            text: clean(&body),
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
            text: clean(&text),
            encoding: encoding.name(),
            defect,
        };
    }
    by_statement(bytes, content_type)
}

/// Tries what is stated, then UTF-8, then a guess; the first that fits the bytes is it.
fn by_statement(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    let mut defect = None;
    let mut stated = None;
    let labels = [content_type.and_then(http_charset), declared(bytes)];
    for label in labels.into_iter().flatten() {
        let what = match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if fits(encoding, bytes) => {
                stated = Some(encoding);
                break;
            }
            Some(_) => format!("stated as `{label}`, but the bytes are not"),
            None => format!("the charset `{label}` is unknown or refused"),
        };
        defect.get_or_insert(what);
    }
    let encoding = stated.unwrap_or_else(|| guess(bytes));
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    let malformed = malformed.then(|| format!("some bytes are not {}", encoding.name()));
    Decoded {
        text: clean(&text),
        encoding: encoding.name(),
        defect: defect.or(malformed),
    }
}

/// Whether the bytes can be in `encoding`.
///
/// Latin-1 labels fit any bytes and are many servers' default, so that UTF-8 with characters beyond
/// ASCII counts as proof against them. UTF-16 has been recognised by its shape before.
fn fits(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    if encoding == WINDOWS_1252 {
        return bytes.is_ascii() || !fits(UTF_8, bytes);
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return false;
    }
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    if !malformed {
        return true;
    }
    // A few broken characters among many whole ones are damage, not another charset.
    let broken = text.matches(char::REPLACEMENT_CHARACTER).count();
    let beyond_ascii = text.chars().filter(|c| !c.is_ascii()).count();
    broken * 4 < beyond_ascii
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    if fits(UTF_8, bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
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
pub(super) fn clean(text: &str) -> String {
    text.chars().filter_map(clean_char).collect()
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
