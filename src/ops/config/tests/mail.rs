use super::*;

/// A configuration with a section `[[dkim]]` for each of these keys.
fn dkim(keys: &[(&str, &str, &str)]) -> String {
    let section = |(domain, selector, file): &(&str, &str, &str)| {
        let file = KEYS.path().join(file);
        format!(
            "[[dkim]]\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey_file = \"{}\"\n",
            file.display()
        )
    };
    keys.iter().map(section).collect::<String>() + SOUND
}

#[track_caller]
fn check_dkim(keys: &[(&str, &str, &str)], expected: &str) {
    let problems = read(&dkim(keys)).unwrap_err();
    assert!(
        problems.len() == 1 && problems[0].contains(expected),
        "{problems:?}"
    );
}

#[test]
fn keys_that_sign_are_read_in_their_order() {
    let config = read(&dkim(&[
        ("example.org", "new", "dkim-courant.pem"),
        ("example.org", "ed", "dkim-ed25519.pem"),
        ("mail.example.org", "new", "dkim-courant.pem"),
    ]))
    .unwrap();

    let names: Vec<String> = config.dkim.iter().map(Key::record_name).collect();
    assert_eq!(
        names,
        [
            "new._domainkey.example.org",
            "ed._domainkey.example.org",
            "new._domainkey.mail.example.org"
        ]
    );
    assert!(read(SOUND).unwrap().dkim.is_empty());
}

#[test]
fn a_key_that_cannot_sign_for_the_sender_is_refused_with_its_file_and_key() {
    let rsa = "dkim-courant.pem";
    std::fs::write(KEYS.path().join("open.pem"), "").unwrap();
    private::create(&KEYS.path().join("no-key.pem"), "hunter2").unwrap();

    check_dkim(
        &[("example.net", "a", rsa)],
        "conf/courant.toml: dkim[0].domain: is not aligned with the sender's `example.org`",
    );
    check_dkim(&[("org", "a", rsa)], "dkim[0].domain: is not aligned");
    check_dkim(
        &[("example.org", "a b", rsa)],
        "dkim[0].selector: must be labels",
    );
    check_dkim(
        &[("example.org", "a", "none.pem")],
        "none.pem cannot be read: ",
    );
    check_dkim(
        &[("example.org", "a", "open.pem")],
        "open.pem can be read by others (mode ",
    );
    check_dkim(
        &[
            ("example.org", "a", rsa),
            ("example.org", "b", "no-key.pem"),
        ],
        "no-key.pem holds no private key in PEM form",
    );
    check_dkim(
        &[("example.org", "a", "dkim-ed25519.pem")],
        "dkim: `example.org` has no RSA key",
    );
    check_dkim(
        &[("example.org", "a", rsa), ("example.org", "a", rsa)],
        "dkim: there are two with the record `a._domainkey.example.org`",
    );
    let many: Vec<String> = (0..9).map(|n| format!("s{n}")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|s| ("example.org", s.as_str(), rsa))
        .collect();
    check_dkim(&many, "dkim: must be at most 8");
    assert_eq!(read(&dkim(&many[..8])).unwrap().dkim.len(), 8);
}

/// The sound configuration with `more` behind it, which may open sections of its own.
#[track_caller]
fn check_more(more: &str, expected: &str) {
    let problems = read(&format!("{SOUND}\n{more}")).unwrap_err();
    assert!(
        problems.len() == 1 && problems[0].contains(expected),
        "{problems:?}"
    );
}

#[test]
fn relays_and_destinations_have_their_rates() {
    let config = read(&format!(
        "{SOUND}
        [[relay]]
        name = \"spare\"
        url = \"smtp://mx.example.org\"
        weight = 0
        rate = [\"14/s\", \"50000/d\"]
        [[destination]]
        name = \"ours\"
        domains = [\"example.com\"]
        connections = 2
        [delivery]
        uncertain = \"hold\"
        "
    ))
    .unwrap();

    assert_eq!(config.relays[1].weight, 0);
    assert!(config.relays[0].pace.is_none() && config.relays[1].pace.is_some());
    assert_eq!(config.destinations.of("example.com").as_str(), "ours");
    assert_eq!(config.destinations.of("gmail.com").as_str(), "gmail");
    assert_eq!(config.paces[0].0.as_str(), "ours");
    assert_eq!(config.doubt, Doubt::Hold);
}

#[test]
fn a_wrong_relay_or_destination_is_named_with_its_key() {
    let relay = "[[relay]]\nname = \"spare\"\nurl = \"smtp://mx.example.org\"\n";
    check_more(
        &format!("{relay}rate = \"10/m\""),
        "relay[1].rate: `10/m` is not a rate",
    );
    check_more(&format!("{relay}weight = -1"), "relay[1].weight");
    check_more(
        &format!("{relay}warm_up_since = \"soon\""),
        "must be a date",
    );
    check_more(
        &relay.replace("spare", "main"),
        "there are two with the name `main`",
    );
    check_more(
        &format!("{relay}warm_up_start = 50"),
        "relay[1].warm_up_start: does nothing without `warm_up_since`",
    );
    check_more("[[destination]]\nrate = \"1/s\"", "destination[0].name");
    check_more(
        "[[destination]]\nname = \"gmial\"\nrate = \"1/s\"",
        "destination[0].name: `gmial` needs `domains`: it is none of those built in, ",
    );
    check_more(
        "[delivery]\nfirst_wait = \"13h\"",
        "delivery.longest_wait: is shorter than `first_wait`",
    );
    check_more(
        "[delivery]\ngive_up = \"10m\"",
        "delivery.give_up: is shorter than `first_wait`",
    );
    check_more(
        "[[destination]]\nname = \"ours\"\ndomains = [\"localhost\"]",
        "`localhost` is not a domain",
    );
    check_more(
        "[delivery]\nuncertain = \"maybe\"",
        "must be \"retry\" or \"hold\"",
    );
}
