//! One subscription at a hub that pushes what is new (W3C WebSub): a pure state machine.
//!
//! We ask a hub, the hub asks back at an address that nobody can guess, and from then on it posts
//! documents there, each signed with a secret that only it was told.

use std::{borrow::Cow, fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use serde::{Deserialize, Serialize};
use url::{Host, Url, form_urlencoded};

use super::{Poll, Source, entry::Hub, rhythm::own_interval};

/// What we ask for; a hub grants what it likes.
const LEASE: TimeDelta = TimeDelta::days(10);

/// A hub that does not ask back within so long has failed.
const ASKS_BACK_WITHIN: TimeDelta = TimeDelta::hours(1);

/// Whatever is granted, a hub is not asked more often.
const SOONEST: TimeDelta = TimeDelta::hours(1);

/// The longest wait after failures.
const LATEST: TimeDelta = TimeDelta::days(1);

/// Failures after which a subscription that we gave up is forgotten.
const FAREWELLS: u32 = 3;

/// How often a source is polled while a hub pushes: a safety net.
const SAFETY_NET: Duration = Duration::from_secs(6 * 3600);

/// The longest challenge that is repeated, in bytes.
const LONGEST_CHALLENGE: usize = 2_000;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The last part of the address that the hub posts to: 32 random hexadecimal digits.
    pub id: String,
    /// What the hub signs with: 64 random hexadecimal digits.
    pub secret: String,
    pub hub: Url,
    pub topic: Url,
    /// What we asked for and the hub has not asked back yet.
    pub asked: Option<Asked>,
    /// Until when the hub pushes.
    pub until: Option<DateTime<Utc>>,
    /// When to ask it, or another hub, again.
    pub next: DateTime<Utc>,
    /// In a row.
    pub failures: u32,
    /// The last failure, in words an operator reads.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub mode: Mode,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    Subscribe,
    Unsubscribe,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Subscribe => "subscribe",
            Mode::Unsubscribe => "unsubscribe",
        }
    }
}

/// What a hub asks back (WebSub, section 5.3), or says when it refuses (section 5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    pub mode: String,
    pub topic: String,
    pub challenge: String,
    pub lease_seconds: Option<i64>,
    pub reason: String,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Repeat the challenge; the subscription is now this.
    Subscribed(Subscription),
    /// Repeat the challenge, and forget the subscription.
    Ended,
    /// The hub refused: nothing to repeat.
    Denied(Subscription),
    /// Nobody asked for that.
    Unasked,
}

impl Subscription {
    /// A subscription for `hub` that was asked for nothing yet. None if no hub can be asked safely.
    pub fn begin(hub: &Hub, id: String, secret: String, now: DateTime<Utc>) -> Option<Self> {
        Some(Subscription {
            id,
            secret,
            hub: choose(hub, 0)?,
            topic: hub.topic.clone(),
            asked: None,
            until: None,
            next: now,
            failures: 0,
            error: None,
        })
    }

    /// Whether the hub pushes at this moment.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// The state in which a request for `mode` leaves. After a failure another one of `hubs` is
    /// asked, in their order.
    pub fn asking(&self, mode: Mode, hubs: Option<&Hub>, now: DateTime<Utc>) -> Self {
        let other = hubs.and_then(|hubs| choose(hubs, self.failures));
        Subscription {
            hub: other.unwrap_or_else(|| self.hub.clone()),
            asked: Some(Asked { mode, since: now }),
            next: now + ASKS_BACK_WITHIN,
            ..self.clone()
        }
    }

    /// The form that asks the hub to push to `callback`, or to stop (WebSub, section 5.1).
    pub fn form(&self, mode: Mode, callback: &Url) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("hub.callback", callback.as_str())
            .append_pair("hub.mode", mode.name())
            .append_pair("hub.topic", self.topic.as_str());
        if mode == Mode::Subscribe {
            form.append_pair("hub.lease_seconds", &LEASE.num_seconds().to_string())
                .append_pair("hub.secret", &self.secret);
        }
        form.finish()
    }

    /// The hub refused or did not answer. A live subscription lives on until its lease ends.
    pub fn failed(&self, reason: String, now: DateTime<Utc>) -> Self {
        let doublings = i32::try_from(self.failures.min(8)).unwrap_or(8);
        Subscription {
            asked: None,
            next: now + (SOONEST * 2_i32.pow(doublings.unsigned_abs())).min(LATEST),
            failures: self.failures.saturating_add(1),
            error: Some(reason),
            ..self.clone()
        }
    }

    /// The hub did not ask back in time, if it was to ask.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<Self> {
        let asked = self.asked?;
        let is_late = asked.since + ASKS_BACK_WITHIN <= now;
        is_late.then(|| self.failed("the hub did not ask back".to_owned(), now))
    }

    pub fn is_leaving(&self) -> bool {
        self.asked
            .is_some_and(|asked| asked.mode == Mode::Unsubscribe)
    }

    /// Whether to stop asking a hub that is to be left.
    pub fn is_hopeless(&self) -> bool {
        self.failures >= FAREWELLS
    }

    /// Judges what a hub asks back: it must be what we asked of it, to the letter.
    pub fn verify(&self, asked: &Verification, now: DateTime<Utc>) -> Verified {
        let Some(Asked { mode, .. }) = self.asked else {
            return Verified::Unasked;
        };
        if asked.topic != self.topic.as_str() {
            return Verified::Unasked;
        }
        if asked.mode == "denied" {
            let reason: String = asked
                .reason
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            return Verified::Denied(self.failed(format!("the hub refused: {reason}"), now));
        }
        let is_fit = (1..=LONGEST_CHALLENGE).contains(&asked.challenge.len());
        if asked.mode != mode.name() || !is_fit {
            return Verified::Unasked;
        }
        if mode == Mode::Unsubscribe {
            return Verified::Ended;
        }
        let granted = asked.lease_seconds.map_or(LEASE, |seconds| {
            TimeDelta::seconds(seconds.clamp(1, LEASE.num_seconds() * 100))
        });
        Verified::Subscribed(Subscription {
            asked: None,
            until: Some(now + granted),
            next: now + (granted * 2 / 3).max(SOONEST),
            failures: 0,
            error: None,
            ..self.clone()
        })
    }

    /// Whether the hub signed `body`, by the header `X-Hub-Signature` (WebSub, section 7).
    pub fn is_signed(&self, header: &str, body: &[u8], sha1: Sha1) -> bool {
        let Some((method, code)) = header.trim().split_once('=') else {
            return false;
        };
        let algorithm = match method.to_ascii_lowercase().as_str() {
            "sha256" => hmac::HMAC_SHA256,
            "sha384" => hmac::HMAC_SHA384,
            "sha512" => hmac::HMAC_SHA512,
            "sha1" if sha1 == Sha1::Accepted => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            _ => return false,
        };
        let key = hmac::Key::new(algorithm, self.secret.as_bytes());
        unhex(code).is_some_and(|code| hmac::verify(&key, body, &code).is_ok())
    }
}

/// Neither the address nor the secret is for a log.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("hub", &self.hub.as_str())
            .field("topic", &self.topic.as_str())
            .field("asked", &self.asked)
            .field("until", &self.until)
            .field("next", &self.next)
            .field("failures", &self.failures)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Whether a signature by SHA-1 will do. Some hubs know no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sha1 {
    #[default]
    Refused,
    Accepted,
}

/// The source, whose last poll was `before`, as it is to be polled while a hub may push: less
/// often, and never not at all.
pub fn paced<'a>(
    source: &'a Source,
    before: &Poll,
    subscription: Option<&Subscription>,
    now: DateTime<Utc>,
) -> Cow<'a, Source> {
    match subscription.is_some_and(|subscription| subscription.is_live(now)) {
        true if own_interval(source, before, now) < SAFETY_NET => Cow::Owned(Source {
            interval: Some(SAFETY_NET),
            ..source.clone()
        }),
        _ => Cow::Borrowed(source),
    }
}

/// The hubs that a secret may be sent to, in the order stated.
pub fn askable(hub: &Hub) -> Vec<Url> {
    hub.hubs.iter().filter_map(secure).collect()
}

/// The hub to ask after so many failures.
fn choose(hub: &Hub, failures: u32) -> Option<Url> {
    let hubs = askable(hub);
    let n = usize::try_from(failures).ok()?.checked_rem(hubs.len())?;
    hubs.get(n).cloned()
}

/// A hub that is named by http is asked by https all the same; on this machine http will do.
fn secure(hub: &Url) -> Option<Url> {
    let mut hub = hub.clone();
    match hub.scheme() {
        "https" => Some(hub),
        "http" if is_loopback(&hub) => Some(hub),
        "http" if hub.port().is_none() => hub.set_scheme("https").ok().map(|()| hub),
        _ => None,
    }
}

/// Whether hubs may be told of addresses below `base`.
pub fn may_be_called(base: &Url) -> bool {
    base.scheme() == "https" || is_loopback(base)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}

#[cfg(test)]
mod tests;
