//! What is known of a person, an edition and its digests, from the record of consent to the relay's
//! words.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    delivery::{Attempt, Delivery, Reach, Status},
    editions::{DigestRule, Edition, select},
    id::{ArticleId, ContentId, SubscriberId},
    library::{Article, Mail},
    ops::{app::App, progress::Kept},
    port,
    subscribers::{
        ConsentChange, ConsentEvent, How, Profile, Subscription,
        address::EmailAddress,
        suppression::{SuppressedBy, Suppression},
    },
};

type Fact = (&'static str, String);

/// Who it is about, with everything recorded of them.
#[derive(Serialize)]
pub(super) struct Person {
    address: EmailAddress,
    subscriber: Option<SubscriberId>,
    suppressed: Option<Suppression>,
    consent: Vec<ConsentEvent>,
    #[serde(skip)]
    profile: Option<Profile>,
    /// Latest first.
    #[serde(skip)]
    deliveries: Vec<Delivery>,
}

/// As `--json why` prints it.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub(super) person: &'a Person,
    pub(super) article: Option<ArticleId>,
    pub(super) editions: &'a [Tale],
}

/// One edition, for that person.
#[derive(Serialize)]
pub(super) struct Tale {
    edition: String,
    subscription: Option<Subscription>,
    /// Why no digest carries the article; none where one does, or none was asked for.
    missing: Option<String>,
    /// What keeps its digests back.
    holds: Vec<Kept>,
    digests: Vec<Sent>,
}

/// A digest, and what became of it for that person.
#[derive(Serialize)]
struct Sent {
    number: u32,
    slot: DateTime<Utc>,
    delivery: Option<Delivery>,
    /// In words.
    what: String,
}

/// Digests that are told of, the latest ones.
const DIGESTS: usize = 20;

impl Person {
    pub(super) async fn find(app: &App, address: &EmailAddress) -> port::Result<Self> {
        let profile = app.store.find(address).await?;
        let subscriber = profile.as_ref().map(|profile| profile.subscriber.id);
        let mut person = Person {
            address: address.clone(),
            subscriber,
            suppressed: profile.as_ref().and_then(|profile| profile.suppressed),
            consent: Vec::new(),
            profile,
            deliveries: Vec::new(),
        };
        if let Some(id) = subscriber {
            person.consent = app.store.consent(id).await?;
            person.deliveries = app.store.deliveries_to(id).await?;
        }
        Ok(person)
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        let Some(profile) = &self.profile else {
            return vec![(
                "person",
                format!("{}: nobody we know", self.address.as_str()),
            )];
        };
        let id = profile.subscriber.id;
        let mut facts = vec![(
            "person",
            format!("{}: subscriber {id}", self.address.as_str()),
        )];
        facts.extend(self.suppressed.map(|order| ("suppressed", ordered(order))));
        facts.extend(self.consent.iter().map(|event| ("consent", line(event))));
        facts
    }

    fn delivery_of(&self, content: ContentId) -> Option<&Delivery> {
        let mut to = self.deliveries.iter();
        to.find(|delivery| delivery.id.content == content)
    }

    fn subscription(&self, edition: &Edition) -> Option<Subscription> {
        let profile = self.profile.as_ref()?;
        let mut all = profile.subscriptions.iter();
        let found = all.find(|(slug, _)| *slug == edition.slug);
        found.map(|(_, subscription)| subscription.clone())
    }
}

impl Tale {
    pub(super) async fn tell(
        app: &App,
        person: &Person,
        edition: &Edition,
        article: Option<&Article>,
    ) -> port::Result<Self> {
        let asked = if article.is_some() {
            usize::MAX
        } else {
            DIGESTS
        };
        let mut digests = app.store.digests(&edition.slug, asked).await?;
        if let Some(article) = article {
            digests.retain(|digest| digest.articles.contains(&article.id));
        }
        let missing = match article {
            Some(article) if digests.is_empty() => Some(missing(app, edition, article).await?),
            Some(_) | None => None,
        };
        let subscription = person.subscription(edition);
        let mut sent = Vec::new();
        for digest in digests {
            let content = app.store.planned_as(&digest.key()).await?;
            let delivery = content.and_then(|content| person.delivery_of(content));
            sent.push(Sent {
                number: digest.number,
                slot: digest.slot,
                what: match delivery {
                    Some(delivery) => attempt(delivery),
                    None => unplanned(person, subscription.as_ref(), digest.slot),
                },
                delivery: delivery.cloned(),
            });
        }
        let mut holds = app.store.holds().await?;
        holds.retain(|(reach, _)| match reach {
            Reach::Everything => true,
            Reach::Edition(held) => *held == edition.slug,
        });
        Ok(Tale {
            holds: holds.into_iter().map(Kept::from).collect(),
            edition: edition.slug.to_string(),
            missing,
            digests: sent,
            subscription,
        })
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        let edition = &self.edition;
        let state = match &self.subscription {
            None => "never subscribed".to_owned(),
            Some(Subscription::Pending { since }) => {
                format!("asked for {} and not confirmed since", when(*since))
            }
            Some(Subscription::Confirmed { at }) => format!("subscribed since {}", when(*at)),
            Some(Subscription::Unsubscribed { at }) => format!("left {}", when(*at)),
        };
        let mut facts = vec![("edition", format!("{edition}: {state}"))];
        facts.extend(
            self.missing
                .iter()
                .map(|missing| ("no digest", missing.clone())),
        );
        facts.extend(self.holds.iter().map(|kept| ("held", kept.told())));
        for sent in &self.digests {
            let Sent { number, what, .. } = sent;
            let slot = when(sent.slot);
            let line = format!("{edition} No. {number} of {slot}: {what}");
            facts.push(("digest", line));
            let earlier = sent.delivery.iter().flat_map(|delivery| &delivery.earlier);
            facts.extend(earlier.map(|attempt| ("attempt", tried(attempt))));
        }
        facts
    }
}

/// Who gave a standing order, and who can take it back.
fn ordered(order: Suppression) -> String {
    let why = match order.by {
        SuppressedBy::Person => "they left everything, and can come back by confirming",
        SuppressedBy::Operator => "by the operator",
        SuppressedBy::Bounce => {
            "a relay knew no such mailbox; `courant outbox retry --failed` takes it back, \
             and so does a confirmation"
        }
    };
    let since = when(order.at);
    format!("this address gets no mail of any edition since {since}: {why}")
}

/// Why no digest of an edition carries an article.
async fn missing(app: &App, edition: &Edition, article: &Article) -> port::Result<String> {
    if !select::query(edition).selects(article) {
        return Ok("the edition does not select it".to_owned());
    }
    if article.mail == Mail::Held {
        return Ok("held from mail: it came with a first fetch, or with a flood".to_owned());
    }
    if edition.digests.is_empty() {
        return Ok("the edition has no digests".to_owned());
    }
    let now = app.clock.now();
    let mut passed = 0;
    for DigestRule { name, .. } in &edition.digests {
        let progress = app.store.progress(&edition.slug, name, now).await?;
        passed += usize::from(progress.from.is_some_and(|from| from > article.first_seen));
    }
    Ok(match passed == edition.digests.len() {
        true => format!(
            "left out: beyond the {} articles of a digest, or the {} of one story",
            edition.max_articles, edition.max_per_story
        ),
        false => "it waits for the next digest".to_owned(),
    })
}

/// Why a digest was not planned for somebody.
fn unplanned(person: &Person, subscription: Option<&Subscription>, slot: DateTime<Utc>) -> String {
    let reason = match subscription {
        _ if person.suppressed.is_some() => "the address is suppressed",
        None | Some(Subscription::Pending { .. }) => "no subscription was confirmed",
        Some(Subscription::Confirmed { at }) if *at > slot => "confirmed only afterwards",
        Some(Subscription::Unsubscribed { at }) if *at <= slot => "had left before",
        Some(Subscription::Confirmed { .. } | Subscription::Unsubscribed { .. }) => {
            "not subscribed at that moment"
        }
    };
    format!("not planned: {reason}")
}

fn attempt(delivery: &Delivery) -> String {
    let what = match &delivery.status {
        Status::Scheduled { due } => format!("due {}", when(*due)),
        Status::Leased { .. } => "in hand".to_owned(),
        Status::Sent { at, reply } => format!("sent {}: {reply}", when(*at)),
        // What was said is told with the attempts.
        Status::Deferred { due, .. } => format!("to be tried again {}", when(*due)),
        Status::Failed { at, reason } => format!("failed {}: {reason}", when(*at)),
        Status::Uncertain { at, reason } => {
            format!("perhaps sent {}, and held: {reason}", when(*at))
        }
        Status::Withheld { at, reason } => format!("withheld {}: {}", when(*at), reason.words()),
    };
    let by = delivery.via.as_ref();
    let by = by.map_or(String::new(), |relay| format!(", by {relay}"));
    match delivery.attempts {
        0 | 1 => format!("{what}{by}"),
        n => format!("{what} ({n} attempts{by})"),
    }
}

fn tried(attempt: &Attempt) -> String {
    let by = attempt.via.as_ref();
    let by = by.map_or(String::new(), |relay| format!(" by {relay}"));
    format!("{}{by}: {}", when(attempt.at), attempt.words)
}

fn line(event: &ConsentEvent) -> String {
    let edition = event.edition.as_ref();
    let edition = edition.map_or("every edition", |slug| slug.as_str());
    let what = match event.what {
        ConsentChange::Requested => "asked for",
        ConsentChange::Confirmed => "confirmed for",
        ConsentChange::Withdrawn => "withdrawn from",
    };
    let how = match &event.how {
        How::Form => "by the form",
        How::ConfirmationPage => "on the page of the confirmation mail",
        How::OneClick => "by one click in the mail program",
        How::UnsubscribePage => "on the page to unsubscribe",
        How::Operator { basis } => &format!("by the operator: {basis}"),
        How::Import { basis } => &format!("by import: {basis}"),
    };
    format!("{} {what} {edition}, {how}", when(event.at))
}

fn when(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
