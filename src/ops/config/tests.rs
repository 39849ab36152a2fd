mod mail;

use std::{path::Path, sync::LazyLock};

use tempfile::TempDir;

use super::*;
use crate::{
    delivery::dkim::key::{Algorithm, generate},
    ops::private,
    sources::Origin,
};

/// The sample as it is shipped.
const SAMPLE: &str = include_str!("../../../config/courant.toml");

const SOUND: &str = r#"
[site]
title = "T"
base_url = "https://news.example.org"
sender = "news@example.org"
data_dir = "data"
postal_address = "1 Example Street"
[[source]]
name = "a"
feed = "https://a.example/feed"
[[edition]]
slug = "e"
title = "E"
[[edition.digest]]
name = "daily"
schedule = "0 7 * * *"
[[relay]]
name = "main"
url = "folder:mail"
"#;

fn read(text: &str) -> Result<Config, Vec<String>> {
    let mut layers = Layers::default();
    layers.add("conf/courant.toml", text);
    Config::read(&layers).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Keys as the sample names them.
static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for (name, algorithm) in [
        ("dkim-courant.pem", Algorithm::Rsa),
        ("dkim-ed25519.pem", Algorithm::Ed25519),
    ] {
        let pem = generate(algorithm).unwrap();
        private::create(&folder.path().join(name), pem.expose()).unwrap();
    }
    folder
});

/// The sample with every commented key switched on.
fn everything_on() -> String {
    let is_key = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| {
            rest.starts_with('[')
                || rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        })
    };
    let lines = SAMPLE.lines().filter(|line| {
        line.contains("#key_file = ")
            || !line.starts_with("#password =") && !line.contains("_file = ")
    });
    lines
        .map(|line| if is_key(line) { &line[1..] } else { line })
        .collect::<Vec<_>>()
        .join("\n")
        .replace("\"dkim-", &format!("\"{}/dkim-", KEYS.path().display()))
}

#[test]
fn the_sample_loads_as_it_is_and_with_every_key_switched_on() {
    let sample = read(SAMPLE).unwrap();
    assert_eq!((sample.sources.len(), sample.editions.len()), (1, 1));

    let full = everything_on().replace("http://localhost:8080/", "https://news.example.org/");
    let full = read(&full).unwrap();
    assert_eq!(full.sources.len(), 4);
    assert_eq!(full.topics.len(), 1);
    assert_eq!(full.editions[0].digests.len(), 1);
    assert_eq!(full.relays[0].connections.get(), 8);
    assert_eq!(full.dkim[0].algorithm(), Algorithm::Rsa);
}

#[test]
fn the_defaults_that_the_sample_shows_are_those_of_the_program() {
    let shown = everything_on()
        .replace("allow_networks = [\"10.0.0.0/8\"]", "")
        .replace("ports = [8080]", "");
    let (shown, bare) = (read(&shown).unwrap(), read(SOUND).unwrap());

    assert_eq!(shown.web.listen, bare.web.listen);
    assert_eq!(shown.web.admin_listen, bare.web.admin_listen);
    assert_eq!(shown.fetch.timeout, bare.fetch.timeout);
    assert_eq!(shown.fetch.max_bytes, bare.fetch.max_bytes);
    assert_eq!(shown.fetch.spacing, bare.fetch.spacing);
    assert_eq!(shown.sources[0].full_text, bare.sources[0].full_text);
    assert_eq!(shown.site.language, bare.site.language);
    assert_eq!(shown.site.zone, bare.site.zone);
    assert_eq!(bare.sources[0].interval, None);
    assert_eq!(shown.sources[0].mail_first, bare.sources[0].mail_first);
    assert_eq!(shown.sources[0].priority, bare.sources[0].priority);
    assert_eq!(shown.reprint_window, bare.reprint_window);
    let (shown_edition, edition) = (&shown.editions[0], &bare.editions[0]);
    assert_eq!(
        (
            shown_edition.max_articles,
            shown_edition.min_articles,
            shown_edition.max_per_story,
            shown_edition.related
        ),
        (
            edition.max_articles,
            edition.min_articles,
            edition.max_per_story,
            edition.related
        )
    );
    let (shown_digest, digest) = (&shown_edition.digests[0], &edition.digests[0]);
    assert_eq!(
        (&shown_digest.template, shown_digest.late_after),
        (&digest.template, digest.late_after)
    );
    assert_eq!(shown.relays[0].connections, bare.relays[0].connections);
}

#[test]
fn the_sample_names_every_key_that_the_program_knows() {
    let mut layers = Layers::default();
    layers.add("courant.toml", &everything_on());
    let _ = Config::read(&layers);
    let known = layers.vocabulary();
    assert!(known.len() > 40, "{known:?}");
    for path in known {
        let key = path.rsplit('.').next().unwrap();
        let line = |line: &str| {
            line.trim_start_matches(['#', '['])
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with([' ', ']']))
        };
        let section = |line: &str| {
            line.trim_start_matches(['#', '['])
                .starts_with(&format!("{path}]"))
        };
        assert!(
            SAMPLE.lines().any(|text| line(text) || section(text)),
            "config/courant.toml does not show `{path}`"
        );
    }
}

#[test]
fn a_page_is_read_with_its_selectors_and_a_bad_one_is_named_with_its_key() {
    let page = |more: &str| {
        read(&SOUND.replace(
            "feed = \"https://a.example/feed\"",
            &format!("page = \"https://a.example/\"\n{more}"),
        ))
    };

    let sound = page("select = { list = \"main li\", date = \"time\" }").unwrap();
    let Origin::Page(listing) = &sound.sources[0].origin else {
        panic!("{:?}", sound.sources[0]);
    };
    assert_eq!(listing.select.list.as_deref(), Some("main li"));
    assert_eq!(listing.select.link, None);

    let broken = page("full_text = true\nselect = { link = \"a[\", date = \"\" }").unwrap_err();
    assert_eq!(
        broken,
        [
            "conf/courant.toml: source[0].full_text: only the entries of a feed have pages to fetch",
            "conf/courant.toml: source[0].select.date: must not be empty",
            "conf/courant.toml: source[0].select.link: `a[` is not a CSS selector",
        ]
    );
    let misplaced = read(&SOUND.replace(
        "name = \"a\"",
        "name = \"a\"\nselect = { link = \"a\" }\npage = \"https://b.example/\"",
    ))
    .unwrap_err();
    assert_eq!(
        misplaced,
        ["conf/courant.toml: source[0].page: a source has either `feed` or `page`, not both"]
    );
}

#[test]
fn whatever_key_is_missing_no_other_is_taken_for_an_unknown_one() {
    let whole = everything_on();
    let lines: Vec<&str> = whole.lines().collect();
    let keys = (0..lines.len()).filter(|n| lines[*n].contains(" = "));
    let problems = keys.flat_map(|n| {
        let without = [&lines[..n], &lines[n + 1..]].concat().join("\n");
        let problems = read(&without).err().into_iter().flatten();
        problems.map(move |problem| (n, problem))
    });
    let unknown = problems.filter(|(_, problem)| problem.contains("is not a key"));
    let named = unknown.map(|(n, problem)| format!("without `{}`: {problem}", lines[n]));

    assert_eq!(named.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_problem_of_a_configuration_is_named_at_once() {
    let broken = SOUND
        .replace(
            "\"0 7 * * *\"",
            "\"0 7 1 * MON\"\ntime_zone = \"Europe/Atlantis\"",
        )
        .replace("https://news.example.org", "http://news.example.org")
        .replace("news@example.org", "news@gmail.com")
        .replace("name = \"a\"", "name = \"a\"\nintervall = \"1h\"")
        .replace(
            "title = \"E\"",
            "title = \"E\"\nselect = { sources = [\"b\"] }",
        );

    assert_eq!(
        read(&broken).unwrap_err(),
        [
            "conf/courant.toml: edition[0].digest[0].schedule: a schedule may name days of the month or weekdays, not both: cron would run on either",
            "conf/courant.toml: edition[0].digest[0].time_zone: is not an IANA time zone such as \"Europe/Berlin\"",
            "conf/courant.toml: edition[0].select.sources: there is no source named `b`",
            "conf/courant.toml: site.base_url: must be https: digests carry one-click unsubscribe links (RFC 8058)",
            "conf/courant.toml: site.sender: nobody but gmail.com can sign mail from gmail.com: use an address of your own domain",
            "conf/courant.toml: source[0].intervall: is not a key; known here: exclude, feed, folder, full_text, include, interval, mail_first, max_age, name, page, priority, push, select, title, token, token_file, topics",
        ]
    );
}

#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let problems = read(&SOUND.replace(from, to)).unwrap_err();
    assert!(
        problems.iter().any(|problem| problem.contains(expected)),
        "{problems:?}"
    );
}

#[test]
fn a_source_that_is_pushed_to_needs_a_token_of_its_own() {
    let feed = "feed = \"https://a.example/feed\"";
    let push = |token: &str| format!("push = true\n{token}");
    check(
        feed,
        "push = false\nfeed = \"https://a.example/feed\"",
        "must be true",
    );
    check(feed, &push(feed), "not both");
    check(feed, &push(""), "source[0].token: is missing");
    check(
        feed,
        &push("token = \"\""),
        "source[0].token: must have at least 16",
    );
    check(
        feed,
        &push("token = \"123456789012345\""),
        "source[0].token: must have",
    );
    check(
        feed,
        &push("token_file = \"no-such-file\""),
        "cannot be read",
    );
    check(
        feed,
        "token = \"1234567890123456\"",
        "source[0].push: is missing beside",
    );
    let twice = push("token = \"1234567890123456\"");
    for key in ["interval = \"1h\"", "max_age = \"1d\""] {
        check(
            feed,
            &format!("{twice}\n{key}"),
            "for sources that are polled",
        );
    }
    check(
        feed,
        &format!("{twice}\n[[source]]\nname = \"b\"\n{twice}"),
        "`a` and `b` have the same token",
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    let bounces = |address: &str| format!("bounce_address = \"{address}\"\nsender");
    check(
        "sender",
        &bounces("bounces-of-newsletters@example.org"),
        "site.bounce_address: must have at most 18 characters",
    );
    check(
        "sender",
        &bounces("news@gmail.com"),
        "site.bounce_address: nobody but gmail.com",
    );
    check(
        "feed = \"https://a.example/feed\"",
        "",
        "source[0].feed: a source needs",
    );
    check(
        "feed = \"https://a.example/feed\"",
        "feed = \"https://a.example/feed\"\nfolder = \"x\"",
        "not both",
    );
    check(
        "https://a.example/feed",
        "file:///etc/passwd",
        "only http and https",
    );
    check(
        "postal_address = \"1 Example Street\"",
        "",
        "site.postal_address: is missing",
    );
    check(
        "[[relay]]\nname = \"main\"\nurl = \"folder:mail\"",
        "",
        "relay: is missing",
    );
    check(
        "[[edition]]",
        "[[source]]\nname = \"a\"\nfeed = \"https://b.example/\"\n[[edition]]",
        "two with the name `a`",
    );
    check(
        "[[edition]]",
        "[web]\nlisten = \"everywhere\"\n[[edition]]",
        "web.listen: ",
    );
    check(
        "name = \"a\"",
        "name = \"a\"\ninclude = { regex = [\"ferry\", \"(port\"] }",
        "conf/courant.toml: source[0].include.regex: `(port`: unclosed group, at character 1",
    );
    check(
        "name = \"a\"",
        "name = \"a\"\nexclude = {}",
        "source[0].exclude: names neither",
    );
    check(
        "name = \"a\"",
        "name = \"a\"\nexclude = { words = [\"...\"] }",
        "source[0].exclude.words: `...` holds no word",
    );
    check(
        "name = \"a\"",
        "name = \"a\"\ninterval = \"10s\"",
        "must be at least 5m",
    );
}

#[test]
fn a_topic_needs_a_rule_that_can_be_obeyed() {
    let topic = |rule: &str| format!("[[topic]]\nslug = \"sea\"\n{rule}\n[[edition]]");
    check(
        "[[edition]]",
        &topic(""),
        "topic[0].words: is missing: a topic needs words, regex, categories or sources",
    );
    check(
        "[[edition]]",
        &topic("sources = [\"b\"]"),
        "topic[0].sources: there is no source named `b`",
    );
    check(
        "[[edition]]",
        &topic("words = [\"ferry\"]\n[[topic]]\nslug = \"sea\"\nwords = [\"pier\"]"),
        "topic: there are two with the name `sea`",
    );
    check(
        "[[edition]]",
        &topic("regex = [\"(port\"]"),
        "topic[0].regex: `(port`: unclosed group, at character 1",
    );
    check(
        "[[edition]]",
        &topic("word = [\"port\"]"),
        "topic[0].word: is not a key",
    );
    let many: String = (0..501)
        .map(|n| format!("[[topic]]\nslug = \"t{n}\"\nsources = [\"a\"]\n"))
        .collect();
    check(
        "[[edition]]",
        &(many + "[[edition]]"),
        "topic: must be at most 500",
    );

    let sound = topic("words = [\"ferry\"]\nsources = [\"a\"]");
    let config = read(&SOUND.replace("[[edition]]", &sound)).unwrap();
    let [topic] = &config.topics[..] else {
        panic!("{:?}", config.topics);
    };
    assert_eq!(topic.title, "sea");
    assert_eq!(topic.rule.filter.words.len(), 1);
    assert_eq!(topic.rule.sources, [config.sources[0].name.clone()]);
}

#[test]
fn paths_start_from_the_folder_of_their_file() {
    let config = read(SOUND).unwrap();

    assert_eq!(config.data_dir, Path::new("conf/data"));
    assert_eq!(config.store_path, Path::new("conf/data/store"));
    assert!(
        matches!(&config.relays[0].url, RelayUrl::Folder(path) if path == Path::new("conf/mail"))
    );
    assert_eq!(config.site.base_url.as_str(), "https://news.example.org/");
}
