//! What came of an activation, or of one worker's part in it.

use chrono::{DateTime, Utc};

use super::{Outcome, dkim::SignError, outbox::without_addresses, traffic::Came};
use crate::{
    id::RelayName,
    port::StoreError,
    task::{Report, chain},
};

#[derive(Default)]
pub(super) struct Work {
    pub(super) sent: u64,
    deferred: u64,
    failed: u64,
    uncertain: u64,
    released: u64,
    pub(super) troubles: Vec<Trouble>,
    /// Editions that are held since, and why.
    pub(super) held: Vec<String>,
    /// Relays that take messages again.
    pub(super) back: Vec<RelayName>,
    /// When something may leave that may not leave now.
    again: Option<DateTime<Utc>>,
}

/// Why a worker stopped early, and others with it.
pub(super) enum Trouble {
    /// Concerns all that use the relay.
    Relay {
        name: RelayName,
        reason: String,
    },
    /// As before, and the operator knows it already.
    KnownRelay {
        reason: String,
    },
    /// Those below concern everybody.
    Store(StoreError),
    Signing(SignError),
    Panic,
}

impl From<StoreError> for Trouble {
    fn from(err: StoreError) -> Self {
        Trouble::Store(err)
    }
}

impl Trouble {
    fn text(&self) -> String {
        match self {
            Trouble::Store(err) => chain(err),
            Trouble::Relay { name, reason } => format!("{name}: {}", without_addresses(reason)),
            Trouble::KnownRelay { reason } => without_addresses(reason),
            Trouble::Signing(err) => chain(err),
            Trouble::Panic => {
                "a worker panicked; its delivery waits for its lease to end".to_owned()
            }
        }
    }
}

impl Work {
    /// Notes an outcome; tells what those who count should make of it.
    pub(super) fn count(&mut self, outcome: &Outcome) -> Option<Came> {
        let (n, came) = match outcome {
            Outcome::Sent { .. } => (&mut self.sent, Came::Sent),
            Outcome::Deferred { .. } => (&mut self.deferred, Came::Deferred),
            Outcome::Failed { .. } | Outcome::Bounced { .. } => (&mut self.failed, Came::Failed),
            Outcome::Uncertain { .. } => (&mut self.uncertain, Came::Uncertain),
            Outcome::Released => {
                self.released += 1;
                return None;
            }
        };
        *n += 1;
        Some(came)
    }

    pub(super) fn again(&mut self, at: DateTime<Utc>) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }

    pub(super) fn add(&mut self, other: Work) {
        self.sent += other.sent;
        self.deferred += other.deferred;
        self.failed += other.failed;
        self.uncertain += other.uncertain;
        self.released += other.released;
        self.troubles.extend(other.troubles);
        self.held.extend(other.held);
        self.back.extend(other.back);
        if let Some(at) = other.again {
            self.again(at);
        }
    }

    /// Why the relay turned us away, if it did.
    pub(super) fn turned_away(&self) -> Option<String> {
        self.troubles.iter().find_map(|trouble| match trouble {
            Trouble::Relay { reason, .. } | Trouble::KnownRelay { reason } => Some(reason.clone()),
            Trouble::Store(_) | Trouble::Signing(_) | Trouble::Panic => None,
        })
    }

    /// Whether there may be something left for others that nobody has in hand.
    pub(super) fn leaves_some(&self) -> bool {
        self.released > 0 || self.turned_away().is_some()
    }

    /// Whether a relay had an answer to any message.
    pub(super) fn answered(&self) -> bool {
        self.sent + self.deferred + self.failed > 0
    }

    /// A relay that is away for hours is told of once.
    pub(super) fn hush(&mut self) {
        for trouble in &mut self.troubles {
            if let Trouble::Relay { reason, .. } = trouble {
                let reason = std::mem::take(reason);
                *trouble = Trouble::KnownRelay { reason };
            }
        }
    }

    /// Eight connections to one dead relay are one error.
    pub(super) fn report(&self) -> Report {
        let held = self.held.iter().map(|held| without_addresses(held));
        let troubles = self.troubles.iter();
        let mut errors: Vec<_> = troubles
            .filter(|trouble| !matches!(trouble, Trouble::KnownRelay { .. }))
            .map(Trouble::text)
            .chain(held)
            .collect();
        let back = self.back.iter().map(|name| format!("{name} is back"));
        errors.sort();
        errors.dedup();
        Report {
            counts: vec![
                ("sent", self.sent),
                ("deferred", self.deferred),
                ("failed", self.failed),
                ("uncertain", self.uncertain),
                ("released", self.released),
            ],
            errors,
            notices: back.collect(),
            again: self.again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(reason: &str) -> Trouble {
        Trouble::Relay {
            name: RelayName::parse("mx").unwrap(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn the_same_trouble_on_every_connection_is_reported_once() {
        let mut total = Work::default();
        for _ in 0..8 {
            total.add(Work {
                sent: 1,
                released: 1,
                troubles: vec![away("it is away: 421 busy")],
                ..Work::default()
            });
        }

        let report = total.report();

        assert_eq!(report.errors, ["mx: it is away: 421 busy"]);
        assert!(report.counts.contains(&("sent", 8)) && report.counts.contains(&("released", 8)));
    }

    #[test]
    fn no_address_reaches_a_report() {
        let trouble = away("421 4.7.0 <ann@example.net>: too many, ask bob@x.example");
        assert_eq!(trouble.text(), "mx: 421 4.7.0 … too many, ask …");
    }
}
