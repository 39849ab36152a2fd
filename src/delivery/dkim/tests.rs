use std::sync::LazyLock;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::*;
use crate::secret::Secret;

/// Making an RSA key takes longer than every other part of these tests.
static RSA: LazyLock<Secret> = LazyLock::new(|| key::generate(Algorithm::Rsa).unwrap());
static ED25519_KEY: LazyLock<Secret> = LazyLock::new(|| key::generate(Algorithm::Ed25519).unwrap());

fn a_key(selector: &str, pem: &Secret) -> Key {
    let domain = "example.org".parse().unwrap();
    Key::parse(domain, selector.parse().unwrap(), pem).unwrap()
}

const MESSAGE: &str = "From: The World\r\n <news@example.org>\r\nTo: ann@example.net\r\n\
    Subject: =?utf-8?q?=C3=89lections?=\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\n\
    Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\
    List-Id: <world.example.org>\r\nList-Unsubscribe: <https://news.example.org/u/1>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n.\r\nHello  there \r\n\r\n";

fn signed(keys: &[Key], message: &str) -> String {
    let mut bytes = message.as_bytes().to_vec();
    Signer::new(keys)
        .sign(
            &mut bytes,
            DateTime::from_timestamp_secs(1_795_424_400).unwrap(),
        )
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The value of a tag of a signature field, without its folds.
fn tag<'a>(field: &'a str, name: &str) -> &'a str {
    let mut tags = field.split_once(':').unwrap().1.split(';').map(str::trim);
    tags.find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='))
        .unwrap()
}

/// Checks the signature in the uppermost field, as a verifier that knows the key: by the fields that
/// `h=` names, and the body.
fn verifies(message: &str, key: &Key) -> bool {
    let (head, body) = split(message.as_bytes());
    let fields = fields(head);
    let top_end = message
        .match_indices("\r\n")
        .find(|(at, _)| !message[at + 2..].starts_with(' '));
    let top = &message[..top_end.unwrap().0];
    let listed = tag(top, "h").replace(char::is_whitespace, "");
    let names: Vec<&str> = listed.split(':').collect();
    let mut input = Vec::new();
    write_fields(&fields[1..], &names, &mut input);
    let unsigned = &top[..top.rfind("b=").unwrap() + 2];
    let digest = digest_of(&input, unsigned);
    let stated = BASE64_STANDARD
        .decode(tag(top, "b").replace(char::is_whitespace, ""))
        .unwrap();
    // Both algorithms always give the same signature for the same digest.
    tag(top, "bh") == body_hash(body) && key.sign(&digest).unwrap() == stated
}

#[test]
fn the_example_of_rfc_8463_is_signed_as_it_stands_there() {
    let seed = BASE64_STANDARD
        .decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
        .unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let head = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
    let body = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let field = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let stated = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";

    assert_eq!(body_hash(body.as_bytes()), tag(field, "bh"));
    let names = [
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "from",
        "subject",
        "date",
    ];
    let mut input = Vec::new();
    write_fields(&fields(head.as_bytes()), &names, &mut input);
    let digest = digest_of(&input, field);
    let signature = BASE64_STANDARD.encode(pair.sign(digest.as_ref()));
    assert_eq!(signature, stated);
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
    assert!(
        public
            .verify(digest.as_ref(), &BASE64_STANDARD.decode(stated).unwrap())
            .is_ok()
    );
}

#[test]
fn a_signature_covers_every_field_that_matters_and_forbids_others_of_their_names() {
    let key = a_key("news", &RSA);
    let message = signed(std::slice::from_ref(&key), MESSAGE);
    assert!(message.ends_with(MESSAGE) && verifies(&message, &key));

    let names = tag(&message, "h").replace(char::is_whitespace, "");
    assert_eq!(
        names,
        "From:From:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Message-ID:Message-ID:\
         Content-Type:Content-Type:List-Unsubscribe:List-Unsubscribe:\
         List-Unsubscribe-Post:List-Unsubscribe-Post:MIME-Version:List-Id"
    );
    for name in MESSAGE
        .split_once("\r\n\r\n")
        .unwrap()
        .0
        .split("\r\n")
        .filter_map(|l| Some(l.split_once(": ")?.0))
    {
        let changed = message.replacen(&format!("\r\n{name}: "), &format!("\r\n{name}: x"), 1);
        assert!(!verifies(&changed, &key), "{name}");
    }
    for name in SEALED {
        let added = message.replacen("\r\nFrom: ", &format!("\r\n{name}: x\r\nFrom: "), 1);
        assert!(!verifies(&added, &key), "{name} above");
        let added = message.replacen("\r\n\r\n", &format!("\r\n{name}: x\r\n\r\n"), 1);
        assert!(!verifies(&added, &key), "{name} below");
    }
}

#[test]
fn what_relays_do_to_white_space_leaves_a_signature_whole() {
    let key = a_key("news", &ED25519_KEY);
    let message = signed(std::slice::from_ref(&key), MESSAGE);

    let refolded = message
        .replace("From: The World\r\n <", "FROM:  The\r\n\tWorld <")
        .replace("Hello  there \r\n\r\n", "Hello there\r\n");
    assert!(refolded != message && verifies(&refolded, &key));
    assert!(!verifies(
        &message.replace("Hello  there", "Hellothere"),
        &key
    ));
    assert!(!verifies(&(message + "More\r\n"), &key));
}

#[test]
fn of_several_keys_the_first_of_each_algorithm_signs_and_always_alike() {
    let keys = [
        a_key("new", &RSA),
        a_key("old", &RSA),
        a_key("ed", &ED25519_KEY),
    ];
    let message = signed(&keys, MESSAGE);

    let starts = |text: &str| message.matches(text).count();
    assert_eq!(starts("DKIM-Signature: v=1; "), 2);
    assert!(message.starts_with(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n \
         d=example.org;\r\n s=new; t=1795424400;\r\n h=From:From:"
    ));
    assert_eq!((starts("s=ed;"), starts("s=old;")), (1, 0));
    assert_eq!(message, signed(&keys, MESSAGE));
    assert!(!message.contains(" l=") && !message.contains("rsa-sha1"));
    let second = message.rfind("DKIM-Signature").unwrap();
    // Neither signature covers the other.
    assert!(verifies(&message[second..], &keys[2]));
    assert!(verifies(&message.replace(&message[..second], ""), &keys[2]));
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    assert!(head.split("\r\n").all(|line| line.len() <= 78), "{head}");
}

#[test]
fn without_keys_a_message_stays_as_it_is() {
    assert_eq!(signed(&[], MESSAGE), MESSAGE);
}
