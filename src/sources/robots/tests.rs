use proptest::prelude::*;

use super::*;

/// `paths` begin with `+` where they may be fetched and with `-` where they may not.
#[track_caller]
fn check(file: &str, paths: &str) {
    check_bytes(file.as_bytes(), paths);
}

#[track_caller]
fn check_bytes(file: &[u8], paths: &str) {
    let robots = Robots::parse(file);
    for path in paths.split_whitespace() {
        let (sign, path) = path.split_at(1);
        let url = Url::parse(&format!("https://news.example{path}")).unwrap();
        assert_eq!(robots.allows(&url), sign == "+", "{path} {robots:?}");
    }
}

#[test]
fn the_longest_rule_decides_and_of_two_equals_the_kinder() {
    let file = "User-agent: *\nAllow: /shop/open/\nDisallow: /shop/\n";
    check(file, "+/ +/shop -/shop/ -/shop/closed +/shop/open/1");
    check("User-agent: *\nDisallow: /a\nAllow: /a\n", "+/a +/a/b");
    check("User-agent: *\nDisallow: /a*\nAllow: /a\n", "-/a/b");
    check("User-agent: *\nDisallow:\n", "+/ +/any");
    check("", "+/ +/any");
}

#[test]
fn groups_for_us_are_one_and_take_the_place_of_those_for_all() {
    let file = "User-agent: *\nDisallow: /\n\nUser-agent: Courant\nDisallow: /a\n\n\
        User-agent: otherbot\nDisallow: /b\n\nuser-agent: COURANT/2.0\nDisallow: /c\n";
    check(file, "+/ -/a +/b -/c");
    check(
        "User-agent: other\nUser-agent: courant\nDisallow: /a\n",
        "-/a +/b",
    );
    check("User-agent: other\nDisallow: /a\n", "+/a");
    check("User-agent: courantly\nDisallow: /a\n", "+/a");
    // A group without rules lets us in everywhere.
    check(
        "User-agent: *\nDisallow: /\nUser-agent: other\nDisallow: /\nUser-agent: courant\n",
        "+/a",
    );
}

#[test]
fn a_group_ends_where_names_follow_rules_and_not_at_other_records() {
    check(
        "User-agent: a\nDisallow: /x\nUser-agent: *\nDisallow: /y\n",
        "+/x -/y",
    );
    check(
        "User-agent: *\nSitemap: https://news.example/s.xml\nDisallow: /x\n",
        "-/x",
    );
    check(
        "User-agent: *\nDisallow: /x\nSitemap: /s\nDisallow: /y\n",
        "-/x -/y",
    );
    check(
        "User-agent: courant\nSitemap: /s\nUser-agent: other\nDisallow: /x\n",
        "-/x",
    );
    check("Disallow: /x\n", "+/x");
}

#[test]
fn stars_stand_for_anything_and_a_dollar_for_the_end() {
    check(
        "User-agent: *\nDisallow: /*.gif$\n",
        "-/a.gif -/b/c.gif +/a.gifs +/a.gif?x",
    );
    check(
        "User-agent: *\nDisallow: /this/*/exactly\n",
        "-/this/path/exactly -/this/a/b/exactly/c +/this/exactly",
    );
    check(
        "User-agent: *\nDisallow: /a*b*c$\n",
        "-/abc -/axbxc -/abcbc +/acb +/abcd",
    );
    check("User-agent: *\nDisallow: *\n", "-/ -/a");
    check("User-agent: *\nDisallow: /$\n", "-/ +/a");
    check("User-agent: *\nDisallow: /*?\n", "-/a?b +/a");
}

#[test]
fn paths_are_compared_in_one_spelling() {
    check(
        "User-agent: *\nDisallow: /foo/bar?baz=http://foo.bar\n",
        "-/foo/bar?baz=http://foo.bar",
    );
    check(
        "User-agent: *\nDisallow: /ツ\n",
        "-/ツ -/%E3%83%84 -/%e3%83%84x",
    );
    check("User-agent: *\nDisallow: /%E3%83%84\n", "-/ツ");
    check("User-agent: *\nDisallow: /%62%61%7A\n", "-/baz");
    check("User-agent: *\nDisallow: /a%2fb\n", "-/a%2Fb +/a/b");
    check(
        "User-agent: *\nDisallow: /a%\nDisallow: /b%zz\n",
        "-/a% -/b%zz",
    );
    check("User-agent: *\nDisallow: /A\n", "-/A +/a");
}

#[test]
fn any_line_ends_comments_and_a_byte_order_mark_are_read() {
    check_bytes(
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /a # why\r\n",
        "-/a",
    );
    check("User-agent: *\rDisallow: /a\r", "-/a");
    check(
        "  USER-AGENT :*\n\tdisallow:/a\n# Disallow: /b\nnonsense\n",
        "-/a +/b",
    );
    check_bytes(
        b"User-agent: *\nDisallow: /a\n\xff\xfe: x\nDisallow: /b\n",
        "-/a -/b",
    );
}

#[test]
fn only_the_first_part_of_a_huge_file_is_read() {
    let mut file = b"User-agent: *\nDisallow: /a\n".to_vec();
    file.resize(MAX_BYTES, b'\n');
    file.extend_from_slice(b"Disallow: /b\n");
    check_bytes(&file, "-/a +/b");

    let many: String = (0..MAX_RULES + 10)
        .map(|n| format!("Disallow: /{n}x\n"))
        .collect();
    let robots = Robots::parse(format!("User-agent: *\n{many}").as_bytes());
    assert_eq!(robots.rules.len(), MAX_RULES);
}

#[test]
fn the_wait_between_requests_is_kept_up_to_a_bound() {
    for (stated, expected) in [
        ("5", Some(5_000)),
        ("0.5", Some(500)),
        ("86400", Some(30_000)),
        ("1e300", Some(30_000)),
        ("-1", None),
        ("NaN", None),
        ("soon", None),
    ] {
        let file = format!("User-agent: *\nCrawl-delay: {stated}\nDisallow: /a\n");
        let delay = Robots::parse(file.as_bytes()).delay;
        assert_eq!(delay, expected.map(Duration::from_millis), "{stated}");
    }
}

#[test]
fn a_closed_site_lets_nobody_in_but_to_its_rules() {
    let closed = Robots::closed();
    for (path, expected) in [("", false), ("/a", false), ("/robots.txt", true)] {
        let url = Url::parse(&format!("https://news.example{path}")).unwrap();
        assert_eq!(closed.allows(&url), expected, "{path}");
    }
}

/// What a pattern means, by the book and slowly.
fn matches_by_the_book(pattern: &[u8], path: &[u8]) -> bool {
    match pattern.split_first() {
        None => true,
        Some((b'$', [])) => path.is_empty(),
        Some((b'*', rest)) => (0..=path.len()).any(|n| matches_by_the_book(rest, &path[n..])),
        Some((byte, rest)) => path.first() == Some(byte) && matches_by_the_book(rest, &path[1..]),
    }
}

proptest! {
    #[test]
    fn patterns_match_as_the_book_says(pattern in "/[ab*]{0,6}[$]?", path in "/[ab]{0,8}") {
        prop_assert_eq!(
            matches(&pattern, &path),
            matches_by_the_book(pattern.as_bytes(), path.as_bytes())
        );
    }

    #[test]
    fn no_file_makes_the_reader_panic(
        file in prop::collection::vec(any::<u8>(), 0..200),
        lines in prop::collection::vec("(User-agent|Allow|Disallow|Crawl-delay|x)[: ]{0,2}[ -~\u{e4}]{0,12}", 0..12),
        path in "/[ -~]{0,20}",
    ) {
        let mut bytes = file;
        bytes.extend_from_slice(lines.join("\n").as_bytes());
        let robots = Robots::parse(&bytes);
        if let Ok(url) = Url::parse(&format!("https://news.example{path}")) {
            robots.allows(&url);
        }
        prop_assert!(robots.delay.is_none_or(|delay| delay <= MAX_DELAY));
        prop_assert!(robots.rules.len() <= MAX_RULES);
    }
}
