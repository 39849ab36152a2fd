use super::*;

/// An RSA key of 1,024 bits in PKCS#1, made for this test.
const SHORT: &str = "\
MIICXQIBAAKBgQCjuyFl6yMXTpR0E/Aec5VhKTjyvM3UXf8JZtKCcQUbRDf8Pezm\
0nM4ylSrXfqRSxP8t4avgPzV2Bg9B6L5oLkZ+oTQVw/bRmxi+J11NruMDWh+GTSU\
mdv8O4XT47T9qnWd0FeRdPTkMXAbeBGwqykJ0gl+B+HoJyDWa2mYWHsQRQIDAQAB\
AoGAU47evoq/v9dEf/Dk7EWEiK9m9spQKP9Hdt7Ys+VF++JWyA46ZpokX2kyyLoP\
dDLiomhu/gZQAjpkNFE/ZTIXBFADwMLAWFYKJiDgQKZ+QB4eXS4d9g61Y9mgaHJw\
9zEUnGoq5DROH1dVSDkafdnCDXB4OGZSDVN8fbzm6FLiJ8ECQQDRzk2TfJSlKv+M\
dAJBInLUMYJDrKnNgZa4DIeRfNTSOViELdqoM3IO/cxxlJBl1sCC8Gf9YHjFsxrq\
eH8Vok15AkEAx8fRiVGkHU9RThQJU6E4+FHDY41dlvo5zPtq8k1lGP2p7ZQahiLa\
4Lkwd5SpsOyF8OTBfUiRTqWVOO1DIXyCLQJBALUbHKP/mmCpKUcYrQmErxK0WfoJ\
Bdq7zlq5lhzkYOHHVr1ix6kCH6cJNn2k/LCsHCnrVBjIOfiOjuFvemQ2YiECQFsW\
j0IV+Ebo2EBKQGpiEvCdjwG//dENq/b7Fyr9AMBhP+4z3dgU4kkeBqwvGyOw4+0O\
z+3IfYAnXR9EhpwpAc0CQQDAxCVyFxp2eLrsmmSEP07SIB42JeccVfzzd5qRRN8S\
hn7R6PBx42LkdphNNQCqeUrshk/lXxI9hB+oUCa5YDfx";

fn name(text: &str) -> DnsName {
    text.parse().unwrap()
}

fn parse(pem: &str) -> Result<Key, BadKey> {
    let pem = Secret::new(pem.to_owned());
    Key::parse(name("example.org"), name("news"), &pem)
}

#[test]
fn a_key_that_was_made_can_be_read_and_hides_itself() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let pem = generate(algorithm).unwrap();
        let key = parse(pem.expose()).unwrap();

        assert_eq!(key.algorithm(), algorithm);
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!(
                "Key(news._domainkey.example.org, {}, hidden)",
                algorithm.name()
            )
        );
        assert!(pem.expose().lines().all(|line| line.len() <= PEM_LINE));
    }
}

#[test]
fn a_record_names_the_public_key_in_strings_that_dns_takes() {
    let rsa = parse(generate(Algorithm::Rsa).unwrap().expose()).unwrap();
    // A SubjectPublicKeyInfo of 2,048 bits has 294 octets.
    assert_eq!(rsa.record().len(), "v=DKIM1; k=rsa; p=".len() + 392);
    let strings = zone_strings(&rsa.record());
    let strings: Vec<_> = strings.trim_matches('"').split("\" \"").collect();
    assert!(strings.len() == 2 && strings.iter().all(|text| text.len() <= TXT_STRING));
    assert_eq!(strings.concat(), rsa.record());

    let ed25519 = parse(generate(Algorithm::Ed25519).unwrap().expose()).unwrap();
    assert_eq!(ed25519.record().len(), "v=DKIM1; k=ed25519; p=".len() + 44);
    assert_eq!(ed25519.record_name(), "news._domainkey.example.org");
}

#[test]
fn what_is_no_key_or_too_weak_is_refused_and_never_quoted() {
    let block = |label: &str, text: &str| {
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    assert_eq!(parse("").unwrap_err(), BadKey::NoPem);
    assert_eq!(parse("hunter2").unwrap_err(), BadKey::NoPem);
    assert_eq!(
        parse(&block("CERTIFICATE", "QUJD")).unwrap_err(),
        BadKey::NoPem
    );
    assert_eq!(
        parse(&block("PRIVATE KEY", "QUJD")).unwrap_err(),
        BadKey::Unknown
    );
    assert_eq!(
        parse(&block("EC PRIVATE KEY", "QUJD")).unwrap_err(),
        BadKey::Unknown
    );
    assert_eq!(
        parse(&block("RSA PRIVATE KEY", SHORT)).unwrap_err(),
        BadKey::TooShort
    );
}

#[test]
fn names_are_those_that_dns_can_have() {
    assert_eq!(
        name("News-2026.Example.ORG").as_str(),
        "news-2026.example.org"
    );
    for bad in [
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a;b",
        "a\r\nb",
        "zürich",
        &"a".repeat(64),
    ] {
        assert_eq!(bad.parse::<DnsName>(), Err(BadName), "{bad:?}");
    }
}

#[test]
fn a_domain_is_aligned_with_itself_and_with_those_above_and_below_it() {
    #[track_caller]
    fn check(domain: &str, sender: &str, expected: bool) {
        assert_eq!(
            name(domain).aligns_with(sender),
            expected,
            "{domain} {sender}"
        );
    }
    check("example.org", "example.org", true);
    check("example.org", "News.Example.org", true);
    check("mail.example.org", "example.org", true);
    check("example.net", "example.org", false);
    check("ample.org", "example.org", false);
    check("org", "example.org", false);
    check("a.example.org", "b.example.org", false);
}
