use std::fmt::Write;

use super::*;
use crate::{
    delivery::{Attempt, Purpose, Status, Withheld},
    id::{GroupName, RelayName, TopicSlug},
    library::{Mail, Measure, Related, Reprint},
    parts::{Attachment, Author, NamedLink, Picture, Window},
    sources::{
        FeedUrl, Moved, Validators,
        entry::{Defect, Hints, Hub},
        page::Missed,
    },
    subscribers::{ConsentChange, How, address::EmailAddress, suppression::SuppressedBy},
};

/// Rows as released versions wrote them. Lines are added, never changed: where a type has to
/// change, raise the version of its rows and go on reading these.
const RELEASED: &str = include_str!("released_rows.txt");

/// The samples as this version writes them, a line each.
#[derive(Default)]
struct Written(String);

impl Written {
    fn add<K, V>(&mut self, table: Table<K, V>, row: &V)
    where
        K: Key,
        V: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let bytes = table.encode(&[], row).unwrap();
        assert_eq!(&table.decode(&[], &bytes).unwrap(), row);
        write!(self.0, "{} ", table.name).unwrap();
        for byte in bytes {
            write!(self.0, "{byte:02x}").unwrap();
        }
        self.0.push('\n');
    }
}

#[test]
fn rows_are_written_as_released_versions_wrote_them() {
    let mut written = Written::default();
    add_articles(&mut written);
    add_digests(&mut written);
    add_people(&mut written);
    add_outbox(&mut written);

    assert!(written.0 == RELEASED, "now written:\n{}", written.0);
}

#[test]
fn a_row_of_an_unknown_version_or_cut_short_is_not_read() {
    let progress = Progress {
        slot: at(0),
        from: None,
    };
    let bytes = PROGRESS.encode(&[], &progress).unwrap();

    for n in 0..bytes.len() {
        assert!(PROGRESS.decode(&[], &bytes[..n]).is_err());
    }
    let later = [&[ROW_VERSION + 1], &bytes[1..]].concat();
    assert!(PROGRESS.decode(&[], &later).is_err());
}

#[test]
fn no_two_tables_share_a_first_byte() {
    let mut tags = vec![
        COUNTER.tag,
        POLL.tag,
        PAUSE.tag,
        BROUGHT.tag,
        HUB.tag,
        HOOK.tag,
        TRACE.tag,
        ARTICLE.tag,
        BODY.tag,
        BY_PUBLISHED.tag,
        BY_SEEN.tag,
        FOLDED.tag,
        HOME.tag,
        FACE.tag,
        APART.tag,
        TOMBSTONE.tag,
        ANSWER.tag,
        ANSWER_BY_AGE.tag,
        PROGRESS.tag,
        DIGEST.tag,
        UNPLANNED.tag,
        SUBSCRIBER.tag,
        ADDRESS.tag,
        SUBSCRIPTION.tag,
        AUDIENCE.tag,
        CONFIRMED.tag,
        UNCONFIRMED.tag,
        CONSENT.tag,
        SUPPRESSION.tag,
        PLAN.tag,
        CONTENT.tag,
        TALLY.tag,
        DELIVERY.tag,
        DUE.tag,
        BEGUN.tag,
    ];
    let n = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), n);
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn edition() -> EditionSlug {
    EditionSlug::parse("news").unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn add_articles(written: &mut Written) {
    let print = Fingerprint::of("k", &["p"]);
    written.add(
        TRACE,
        &Trace {
            article: ArticleId(1),
            source: SourceName::parse("wire").unwrap(),
            represents: true,
            revision: print,
            link: Some(print),
            title: print,
        },
    );
    written.add(POLL, &sample_poll());
    written.add(PAUSE, &at(0));
    written.add(BROUGHT, &300);
    written.add(HUB, &sample_subscription());
    written.add(ARTICLE, &sample_article());
    let body = Body {
        html: "<p>".to_owned(),
        text: "t".to_owned(),
    };
    written.add(BODY, &body);
    written.add(FOLDED, &(sample_article(), body));
    written.add(HOME, &ArticleId(1));
    written.add(FACE, &ArticleId(2));
    written.add(TOMBSTONE, &at(4));
    let answer = Answer {
        request: [7; 32],
        status: 201,
        body: "{}".to_owned(),
        at: at(5),
    };
    written.add(ANSWER, &answer);
}

fn add_digests(written: &mut Written) {
    let digest = Digest {
        edition: edition(),
        name: DigestName::parse("daily").unwrap(),
        number: 3,
        slot: at(9),
        window: Window {
            from: at(0),
            to: at(9),
        },
        articles: vec![ArticleId(1), ArticleId(2)],
        planned: true,
    };
    written.add(DIGEST, &digest);
    let progress = Progress {
        slot: at(9),
        from: Some(at(9)),
    };
    written.add(PROGRESS, &progress);
}

fn add_people(written: &mut Written) {
    let subscriber = Subscriber {
        id: SubscriberId(1),
        address: address("ann@example.org"),
        name: Some("Ann".to_owned()),
        created: at(0),
    };
    written.add(SUBSCRIBER, &subscriber);
    for subscription in [
        Subscription::Pending { since: at(0) },
        Subscription::Confirmed { at: at(0) },
        Subscription::Unsubscribed { at: at(0) },
    ] {
        written.add(SUBSCRIPTION, &subscription);
    }
    let basis = || "b".to_owned();
    for (what, how) in [
        (ConsentChange::Requested, How::Form),
        (ConsentChange::Confirmed, How::ConfirmationPage),
        (ConsentChange::Confirmed, How::Operator { basis: basis() }),
        (ConsentChange::Confirmed, How::Import { basis: basis() }),
        (ConsentChange::Withdrawn, How::OneClick),
        (ConsentChange::Withdrawn, How::UnsubscribePage),
    ] {
        let event = ConsentEvent {
            subscriber: SubscriberId(1),
            edition: Some(edition()),
            what,
            how,
            at: at(0),
        };
        written.add(CONSENT, &event);
    }
    for by in [SuppressedBy::Person, SuppressedBy::Operator] {
        written.add(SUPPRESSION, &Suppression { by, at: at(0) });
    }
}

fn add_outbox(written: &mut Written) {
    written.add(CONTENT, &content());
    let tally = Tally {
        scheduled: 1,
        sent: 2,
        deferred: 3,
        failed: 4,
        withheld: 5,
        uncertain: 6,
    };
    written.add(TALLY, &tally);
    let issue = |purpose| IssueRow {
        purpose,
        edition: edition(),
        planned: at(0),
        stale: Some(at(1)),
    };
    for purpose in [Purpose::Digest, Purpose::Confirmation, Purpose::Notice] {
        written.add(ISSUE, &issue(purpose));
    }
    let said = || "r".to_owned();
    let (at, due, until) = (at(0), at(0), at(0));
    let withheld = |reason| Status::Withheld { at, reason };
    for status in [
        Status::Scheduled { due },
        Status::Leased { until },
        Status::Sent { at, reply: said() },
        Status::Deferred {
            due,
            reason: said(),
        },
        Status::Failed { at, reason: said() },
        withheld(Withheld::Suppressed),
        withheld(Withheld::NotSubscribed),
        withheld(Withheld::Erased),
        withheld(Withheld::Stale),
        Status::Uncertain { at, reason: said() },
    ] {
        let row = DeliveryRow {
            address: None,
            group: GroupName::other(),
            status,
            attempts: 4,
            via: None,
            earlier: Vec::new(),
        };
        written.add(DELIVERY, &row);
    }
    let notice = DeliveryRow {
        address: Some(address("ann@example.org")),
        group: GroupName::other(),
        status: Status::Scheduled { due },
        attempts: 0,
        via: Some(RelayName::parse("mx").unwrap()),
        earlier: vec![Attempt {
            at,
            via: None,
            words: said(),
        }],
    };
    written.add(DELIVERY, &notice);
    let reason = said();
    written.add(HOLD, &Hold { at, reason });
    let seal = Seal {
        count: 7,
        seen: at,
        host: "h".to_owned(),
        file: 9,
        former: 8,
    };
    written.add(SEAL, &seal);
    written.add(USAGE, &8);
}

fn content() -> Content {
    Content {
        purpose: Purpose::Notice,
        edition: edition(),
        edition_title: "News".to_owned(),
        sender: address("news@example.org"),
        subject: "Test".to_owned(),
        html: "<p>".to_owned(),
        text: "t".to_owned(),
        archived_at: Some("https://example.org/e/news/1".to_owned()),
        date: at(0),
    }
}

fn sample_poll() -> Poll {
    Poll {
        origin: "o".to_owned(),
        validators: Validators {
            url: Some("http://a.b/".parse().unwrap()),
            etag: Some(vec![1]),
            last_modified: None,
        },
        last: at(0),
        next: at(1),
        result: "r".to_owned(),
        address: Some(FeedUrl::parse("http://a.b/").unwrap()),
        moved: Some(Moved {
            to: FeedUrl::parse("http://a.b/").unwrap(),
            since: at(0),
            times: 2,
        }),
        failures: 2,
        failing_since: Some(at(0)),
        gone: true,
        rests_until: Some(at(2)),
        hints: Hints {
            ttl_minutes: Some(60),
            skip_hours: vec![3],
            skip_days: vec![6],
        },
        rhythm: Some(std::time::Duration::from_secs(9)),
        defects: vec![Defect {
            line: Some(1),
            what: "d".to_owned(),
        }],
        hub: Some(Hub {
            hubs: vec!["http://a.b/".parse().unwrap()],
            topic: "http://a.b/".parse().unwrap(),
        }),
        entries: Some(3),
        newest: None,
        left: 3,
        missed: vec![Missed {
            url: "http://a.b/".parse().unwrap(),
            times: 2,
            again: Some(at(3)),
        }],
    }
}

fn sample_subscription() -> websub::Subscription {
    websub::Subscription {
        id: "i".to_owned(),
        secret: "k".to_owned(),
        hub: "http://a.b/".parse().unwrap(),
        topic: "http://a.b/".parse().unwrap(),
        asked: Some(websub::Asked {
            mode: websub::Mode::Unsubscribe,
            since: at(0),
        }),
        until: Some(at(1)),
        next: at(2),
        failures: 3,
        error: Some("e".to_owned()),
    }
}

fn sample_article() -> Article {
    Article {
        id: ArticleId(1),
        source: SourceName::parse("s").unwrap(),
        guid: Some("g".to_owned()),
        url: Some("http://a.b/".parse().unwrap()),
        title: "t".to_owned(),
        summary: "u".to_owned(),
        authors: vec![Author {
            name: Some("n".to_owned()),
            email: None,
            url: None,
        }],
        tags: vec!["x".to_owned()],
        topics: vec![TopicSlug::parse("p").unwrap()],
        language: Some("en".to_owned()),
        picture: Some(Picture {
            url: "http://a.b/".parse().unwrap(),
            alt: None,
            caption: None,
            credit: None,
            width: Some(1),
            height: Some(2),
        }),
        attachments: vec![Attachment {
            url: "v".to_owned(),
            mime_type: None,
            size_in_bytes: Some(9),
            title: None,
        }],
        named_related: vec![NamedLink {
            url: "http://a.b/".parse().unwrap(),
            title: "w".to_owned(),
        }],
        published: at(0),
        first_seen: at(1),
        revised: Some(at(2)),
        reprints: vec![Reprint {
            source: SourceName::parse("s").unwrap(),
            guid: None,
            url: None,
            score: 0.5,
            measure: Some(Measure {
                contained: 0.25,
                spread: 0.5,
                lead: 1.0,
            }),
            seen: at(3),
            id: Some(ArticleId(2)),
        }],
        related: vec![Related {
            id: ArticleId(7),
            score: 0.25,
            named: true,
            same_story: false,
        }],
        story: ArticleId(1),
        mail: Mail::Held,
    }
}
