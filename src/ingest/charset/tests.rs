use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(bytes: &[u8], content_type: Option<&str>, encoding: &str, text: &str) {
    let decoded = decode(bytes, content_type);
    assert_eq!((decoded.encoding, &*decoded.text), (encoding, text));
}

fn utf16(text: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(write).collect()
}

fn utf32(text: &str, write: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|c| write(u32::from(c))).collect()
}

#[test]
fn a_byte_order_mark_outranks_what_http_says() {
    let http = Some("text/xml; charset=iso-8859-1");

    check("\u{feff}<a>é</a>".as_bytes(), http, "UTF-8", "<a>é</a>");
    check(
        &utf16("\u{feff}<a>é</a>", u16::to_le_bytes),
        http,
        "UTF-16LE",
        "<a>é</a>",
    );
    check(
        &utf16("\u{feff}<a>é</a>", u16::to_be_bytes),
        http,
        "UTF-16BE",
        "<a>é</a>",
    );
    check(
        &utf32("\u{feff}<a>é</a>", u32::to_le_bytes),
        http,
        "UTF-32LE",
        "<a>é</a>",
    );
    check(
        &utf32("\u{feff}<a>é</a>", u32::to_be_bytes),
        http,
        "UTF-32BE",
        "<a>é</a>",
    );
}

#[test]
fn wide_text_is_known_without_a_mark() {
    check(
        &utf16("<?xml é", u16::to_le_bytes),
        None,
        "UTF-16LE",
        "<?xml é",
    );
    check(
        &utf16("<?xml é", u16::to_be_bytes),
        None,
        "UTF-16BE",
        "<?xml é",
    );
    check(
        &utf32("<?xml é", u32::to_le_bytes),
        None,
        "UTF-32LE",
        "<?xml é",
    );
    check(
        &utf32("<?xml é", u32::to_be_bytes),
        None,
        "UTF-32BE",
        "<?xml é",
    );
}

#[test]
fn http_outranks_the_declaration() {
    let koi8 = b"<?xml version='1.0' encoding='windows-1251'?><a>\xc1</a>";
    let text = "<?xml version='1.0' encoding='windows-1251'?><a>а</a>";

    check(koi8, Some("text/xml; charset=\"KOI8-R\""), "KOI8-R", text);
    check(
        koi8,
        Some("text/xml"),
        "windows-1251",
        &text.replace('а', "Б"),
    );
}

#[test]
fn latin_1_is_read_as_windows_1252() {
    let text = "<?xml encoding=\"iso-8859-1\"?><a>“é”</a>";
    check(
        b"<?xml encoding=\"iso-8859-1\"?><a>\x93\xe9\x94</a>",
        None,
        "windows-1252",
        text,
    );
}

#[test]
fn a_statement_that_the_bytes_contradict_gives_way() {
    let latin = b"<?xml version='1.0' encoding='utf-8'?><a>caf\xe9 d\xe9j\xe0 vu</a>";
    let decoded = decode(latin, None);
    assert_eq!(decoded.encoding, "windows-1252");
    assert_eq!(
        decoded.defect.as_deref(),
        Some("stated as `utf-8`, but the bytes are not")
    );

    check(
        "<a>é</a>".as_bytes(),
        Some("text/xml; charset=iso-8859-1"),
        "UTF-8",
        "<a>é</a>",
    );
}

#[test]
fn a_broken_character_does_not_change_the_charset_of_the_others() {
    let mut bytes = "<a>Привет</a>".as_bytes().to_vec();
    bytes.push(0xd0);
    check(
        &bytes,
        Some("text/xml; charset=utf-8"),
        "UTF-8",
        "<a>Привет</a>\u{fffd}",
    );
}

#[test]
fn an_unknown_or_refused_charset_falls_back_to_a_guess() {
    for label in ["utf-7", "x-nonsense", "utf-16"] {
        let decoded = decode(b"<a>+ADw-</a>", Some(&format!("text/xml; charset={label}")));
        assert_eq!(
            (decoded.encoding, decoded.defect.is_some()),
            ("UTF-8", true),
            "{label}"
        );
    }
}

#[test]
fn controls_and_delivery_marks_are_left_out() {
    check(
        b"<a>\x00\x08b\xef\xa3\xbf\tc</a>",
        None,
        "UTF-8",
        "<a>b\tc</a>",
    );
    check("don\u{92}t".as_bytes(), None, "UTF-8", "don’t");
}

/// The bytes of `text` in the encoding of that name, marked as it marks itself.
fn encoded(text: &str, name: &str) -> Vec<u8> {
    let marked = format!("\u{feff}{text}");
    match name {
        "UTF-8" => marked.into_bytes(),
        "UTF-16LE" => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => marked
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect(),
        _ => marked
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect(),
    }
}

proptest! {
    #[test]
    fn a_marked_text_is_read_back_in_every_unicode_encoding(text in "[^\\p{C}\\u{f8ff}]{1,40}") {
        for name in ["UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
            let bytes = encoded(&text, name);
            let decoded = decode(&bytes, Some("text/xml; charset=iso-8859-1"));
            prop_assert_eq!((decoded.encoding, &*decoded.text), (name, &*text));
        }
    }

    #[test]
    fn no_bytes_stop_the_reader_and_nothing_forbidden_comes_out(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        label in prop::sample::select(vec!["utf-8", "utf-7", "utf-16", "gbk", "shift_jis", "x", ""]),
    ) {
        let content_type = format!("text/xml; charset={label}");
        let decoded = decode(&bytes, Some(&content_type));
        prop_assert!(decoded.text.chars().all(|c| clean_char(c) == Some(c)));
    }
}
