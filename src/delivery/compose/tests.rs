use super::*;
use crate::{
    delivery::{Delivery, Status},
    id::{DeliveryId, GroupName},
    secret::Key,
    subscribers::token::Keyring,
};

fn links(base_url: &str) -> Links {
    let keyring = Keyring {
        current: Key::new(&[7; Key::BYTES]),
        retired: Vec::new(),
    };
    Links {
        base_url: Url::parse(base_url).unwrap(),
        tokens: Tokens::new(keyring),
        bounces: None,
    }
}

fn content(purpose: Purpose) -> Content {
    let [unsubscribe, confirm] = Mark::ALL.map(Mark::text);
    Content {
        purpose,
        edition: EditionSlug::parse("world").unwrap(),
        edition_title: "The World, weekly".to_owned(),
        sender: EmailAddress::parse("news@example.org").unwrap(),
        subject: "Élections & more".to_owned(),
        html: format!("<p>Zürich</p>\n<a href=\"{unsubscribe}\">{unsubscribe}</a> {confirm}"),
        text: format!("Zürich\n.\nLeave: {unsubscribe}\nConfirm: {confirm}\n"),
        archived_at: Some("https://news.example.org/e/world/3".to_owned()),
        date: DateTime::from_timestamp_secs(1_795_424_400).unwrap(),
    }
}

fn claimed(to: Recipient, name: Option<&str>) -> Claimed {
    Claimed {
        delivery: Delivery {
            id: DeliveryId {
                content: ContentId(3),
                recipient: to.number(),
            },
            purpose: Purpose::Digest,
            edition: EditionSlug::parse("world").unwrap(),
            to,
            status: Status::Scheduled {
                due: DateTime::UNIX_EPOCH,
            },
            attempts: 0,
            group: GroupName::other(),
            via: None,
            earlier: Vec::new(),
        },
        address: EmailAddress::parse("ann@example.net").unwrap(),
        name: name.map(str::to_owned),
    }
}

const ANN: Recipient = Recipient::Subscriber(SubscriberId(5));

fn compose(content: &Content, claimed: &Claimed, base_url: &str) -> String {
    let prepared = Prepared::new(ContentId(3), content);
    let message = prepared
        .message(&links(base_url), &Signer::default(), claimed)
        .unwrap();
    String::from_utf8(message.bytes).unwrap()
}

fn digest() -> String {
    compose(
        &content(Purpose::Digest),
        &claimed(ANN, Some("Ann Lee")),
        "https://news.example.org/",
    )
}

/// The unfolded value of a header that must stand exactly once, or not at all.
#[track_caller]
fn header(message: &str, name: &str) -> Option<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let mut values = head
        .split("\r\n")
        .filter(|line| line.to_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim().to_owned());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} stands twice");
    value
}

#[track_caller]
fn check(message: &str, name: &str, expected: Option<&str>) {
    assert_eq!(header(message, name).as_deref(), expected, "{name}");
}

#[test]
fn a_digest_says_what_it_is_and_how_to_leave() {
    let message = digest();

    check(
        &message,
        "From",
        Some("=?utf-8?b?VGhlIFdvcmxkLCB3ZWVrbHk=?= <news@example.org>"),
    );
    check(&message, "To", Some("\"Ann Lee\" <ann@example.net>"));
    check(
        &message,
        "Subject",
        Some("=?utf-8?b?w4lsZWN0aW9ucw==?= & more"),
    );
    check(&message, "Date", Some("Mon, 23 Nov 2026 09:00:00 +0000"));
    check(&message, "MIME-Version", Some("1.0"));
    check(
        &message,
        "List-Id",
        Some("=?utf-8?b?VGhlIFdvcmxkLCB3ZWVrbHk=?= <world.example.org>"),
    );
    check(
        &message,
        "List-Unsubscribe-Post",
        Some("List-Unsubscribe=One-Click"),
    );
    check(&message, "Precedence", Some("bulk"));
    check(&message, "Auto-Submitted", Some("auto-generated"));
    check(&message, "X-Auto-Response-Suppress", Some("OOF, AutoReply"));
    check(&message, "Feedback-ID", Some("3:world:digest:courant"));
    check(
        &message,
        "Archived-At",
        Some("<https://news.example.org/e/world/3>"),
    );
    check(&message, "List-Post", Some("NO"));
    for same in ["List-Archive", "List-Subscribe"] {
        check(&message, same, Some("<https://news.example.org/e/world>"));
    }
    let link = header(&message, "List-Unsubscribe").unwrap();
    let token = link
        .strip_prefix("<https://news.example.org/unsubscribe/")
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap();
    let claim = links("https://news.example.org/")
        .tokens
        .read(TokenPurpose::Unsubscribe, token)
        .unwrap();
    assert_eq!(
        (claim.subscriber, claim.edition.as_str()),
        (SubscriberId(5), "world")
    );
}

#[test]
fn a_confirmation_is_no_list_mail() {
    let message = compose(
        &content(Purpose::Confirmation),
        &claimed(ANN, None),
        "https://news.example.org/",
    );

    for absent in [
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Id",
        "List-Post",
        "List-Archive",
        "List-Subscribe",
        "Precedence",
    ] {
        check(&message, absent, None);
    }
    check(&message, "To", Some("<ann@example.net>"));
    check(&message, "Auto-Submitted", Some("auto-generated"));
}

#[test]
fn one_click_is_offered_over_https_only() {
    let message = compose(
        &content(Purpose::Digest),
        &claimed(ANN, None),
        "http://127.0.0.1:8080/",
    );

    assert!(header(&message, "List-Unsubscribe").is_some());
    check(&message, "List-Unsubscribe-Post", None);
}

#[test]
fn who_is_no_subscriber_gets_no_link_of_their_own() {
    let to = Recipient::Address(EmailAddress::parse("ann@example.net").unwrap());
    let message = compose(
        &content(Purpose::Notice),
        &claimed(to, None),
        "https://news.example.org/",
    );

    check(&message, "List-Unsubscribe", None);
    assert!(!message.contains("/unsubscribe/") && !message.contains('\u{F8FF}'));
    assert!(message.contains("Leave:=20=\r\nhttps://news.example.org/e/world=\r\n"));
}

#[test]
fn a_message_is_the_same_on_every_try_and_another_for_everybody_else() {
    let one = digest();
    assert_eq!(one, digest());

    let mut bob = claimed(ANN, None);
    bob.address = EmailAddress::parse("bob@example.net").unwrap();
    let two = compose(&content(Purpose::Digest), &bob, "https://news.example.org/");

    let id = |message: &str| header(message, "Message-ID").unwrap();
    assert_ne!(id(&one), id(&two));
    assert!(id(&one).ends_with("@example.org>") && !id(&one).contains("ann"));
}

#[test]
fn bounces_go_to_the_sender_unless_a_mailbox_of_their_own_is_named() {
    let prepared = Prepared::new(ContentId(3), &content(Purpose::Digest));
    let mut links = links("https://news.example.org/");
    let return_path = |links: &Links, to| {
        let message = prepared.message(links, &Signer::default(), &claimed(to, None));
        message.unwrap().envelope.return_path
    };
    assert_eq!(return_path(&links, ANN).as_str(), "news@example.org");

    let keys = Keyring {
        current: Key::new(&[8; Key::BYTES]),
        retired: Vec::new(),
    };
    let verp = Verp::new("bounces@example.org".parse().unwrap(), keys);
    links.bounces = Some(verp.clone());
    let ann = return_path(&links, ANN);
    let tester = EmailAddress::parse("ann@example.net").unwrap();
    let test = return_path(&links, Recipient::Address(tester));

    assert_eq!(ann, return_path(&links, ANN));
    let delivery = |recipient| DeliveryId {
        content: ContentId(3),
        recipient: SubscriberId(recipient),
    };
    assert_eq!(verp.read(&ann), Some(delivery(5)));
    assert_eq!(verp.read(&test), Some(delivery(0)));
}

#[test]
fn no_name_or_subject_can_add_a_header() {
    let mut hostile = content(Purpose::Digest);
    hostile.subject = "Hi\r\nBcc: eve@example.com\r\n\r\nbody".to_owned();
    hostile.edition_title = "News\n\n<b>\0\u{85}\u{2028}Evil: yes".to_owned();
    hostile.archived_at = Some("https://example.org/\r\nEvil: yes".to_owned());
    for name in [
        "Ann\r\nEvil: yes",
        "\0",
        " \t\r\n",
        "\u{9}\u{1b}[31m",
        &"x".repeat(5000),
    ] {
        let message = compose(
            &hostile,
            &claimed(ANN, Some(name)),
            "https://news.example.org/",
        );

        check(&message, "Evil", None);
        check(&message, "Bcc", None);
        assert!(message.split("\r\n").all(|line| line.len() <= 998));
        assert!(!message.replace("\r\n", "").contains(char::is_control));
    }
}

#[test]
fn text_comes_first_and_html_last() {
    let message = digest();
    let types: Vec<_> = message
        .split("\r\n")
        .filter_map(|line| line.strip_prefix("Content-Type: "))
        .map(|value| value.split(';').next().unwrap())
        .collect();

    assert_eq!(types, ["multipart/alternative", "text/plain", "text/html"]);
    assert!(message.contains("Z=C3=BCrich\r\n=2E\r\nLeave:=20=\r\nhttps://"));
    assert!(message.ends_with("--=_courant_alternative--\r\n"));
}

#[test]
fn an_edition_in_any_script_has_a_list_id_in_ascii() {
    let mut content = content(Purpose::Digest);
    content.edition = EditionSlug::parse("мир").unwrap();
    content.edition_title = "Мир".to_owned();
    let message = compose(&content, &claimed(ANN, None), "https://news.example.org/");

    check(
        &message,
        "List-Id",
        Some("=?utf-8?b?0JzQuNGA?= <_43c_438_440.example.org>"),
    );

    let mut ids = Vec::new();
    for last in ["", "a", "b"] {
        content.edition = EditionSlug::parse(&("字".repeat(60) + last)).unwrap();
        let message = compose(&content, &claimed(ANN, None), "https://news.example.org/");
        ids.push(header(&message, "List-Id").unwrap());
    }
    assert!(ids.iter().all(|id| id.len() < 120), "{ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
