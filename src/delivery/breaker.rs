//! Stops an edition that keeps being refused, before the refusals cost more than a digest.

use std::collections::VecDeque;

use super::relay::Refusal;
use crate::id::DeliveryId;

/// Attempts that are looked at, the latest ones.
const WINDOW: usize = 100;
/// So many attempts say something.
const FEWEST: usize = 10;
/// So many refusals about the sender do, if they are also a tenth of all.
const POLICY: usize = 5;

/// The latest attempts of one edition.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    recent: VecDeque<Option<(DeliveryId, Refusal)>>,
    tripped: bool,
}

/// Why an edition is to be held, and what was refused meanwhile: nobody shall miss it for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trip {
    pub(super) reason: String,
    pub(super) refused: Vec<DeliveryId>,
}

impl Breaker {
    /// Notes an attempt that was taken.
    pub(super) fn taken(&mut self) {
        self.push(None);
    }

    /// Notes a refusal for good, in the relay's words; tells whether that was one too many. Once the edition is
    /// held for it, see [`Self::trip`].
    pub(super) fn refused(
        &mut self,
        id: DeliveryId,
        refusal: Refusal,
        reply: &str,
    ) -> Option<Trip> {
        self.push(Some((id, refusal)));
        let attempts = self.recent.len();
        let refused = self.recent.iter().flatten();
        let policy = refused.clone().filter(|(_, why)| *why == Refusal::Policy);
        let (refused, policy) = (refused.count(), policy.count());
        let what = if policy >= POLICY && policy * 10 >= attempts {
            format!(
                "{policy} of the last {attempts} messages were refused for policy or our reputation"
            )
        } else if attempts >= FEWEST && refused * 2 >= attempts {
            format!("{refused} of the last {attempts} messages were refused for good")
        } else {
            return None;
        };
        let refused = self.recent.iter().flatten().map(|(id, _)| *id);
        Some(Trip {
            reason: format!("{what}, the last one with: {reply}"),
            refused: refused.collect(),
        })
    }

    /// The edition is held.
    pub(super) fn trip(&mut self) {
        self.tripped = true;
        self.recent.clear();
    }

    /// It tripped, and nobody has said since that the edition goes on.
    pub(super) fn is_tripped(&self) -> bool {
        self.tripped
    }

    /// The edition goes on.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, attempt: Option<(DeliveryId, Refusal)>) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ContentId, SubscriberId};

    fn id(n: u64) -> DeliveryId {
        DeliveryId {
            content: ContentId(1),
            recipient: SubscriberId(n),
        }
    }

    /// After how many attempts it trips, when every `each`th one is refused.
    fn trips(each: u64, refusal: Refusal) -> Option<(u64, Trip)> {
        let mut breaker = Breaker::default();
        (1..=1_000).find_map(|n| {
            if n % each != 0 {
                breaker.taken();
                return None;
            }
            let trip = breaker.refused(id(n), refusal, "550 no");
            trip.map(|trip| (n, trip))
        })
    }

    #[test]
    fn refusals_about_the_sender_trip_it_soon() {
        let (n, trip) = trips(1, Refusal::Policy).unwrap();
        assert_eq!(n, 5);
        assert_eq!(trip.refused, (1..=5).map(id).collect::<Vec<_>>());
        assert!(trip.reason.ends_with("550 no"), "{}", trip.reason);
        assert_eq!(trips(10, Refusal::Policy).unwrap().0, 50);
        assert_eq!(trips(12, Refusal::Policy), None);
    }

    #[test]
    fn a_list_of_which_half_is_dead_is_stopped_and_one_with_a_few_is_not() {
        for refusal in [Refusal::BadAddress, Refusal::Permanent] {
            assert_eq!(trips(1, refusal).unwrap().0, 10);
            assert_eq!(trips(2, refusal).unwrap().0, 10);
            assert_eq!(trips(3, refusal), None);
        }
    }

    #[test]
    fn what_was_refused_is_kept_until_the_edition_is_held() {
        let mut breaker = Breaker::default();
        let trips = (1..=6).map(|n| breaker.refused(id(n), Refusal::Policy, "550 no"));
        let trips: Vec<_> = trips.flatten().map(|trip| trip.refused.len()).collect();
        assert_eq!(trips, [5, 6]);
    }

    #[test]
    fn one_that_went_on_counts_from_the_start() {
        let mut breaker = Breaker::default();
        for n in 1..=5 {
            breaker.refused(id(n), Refusal::Policy, "550 no");
        }
        assert!(!breaker.is_tripped());
        breaker.trip();
        assert!(breaker.is_tripped());

        breaker.reset();

        assert!(!breaker.is_tripped());
        assert_eq!(breaker.refused(id(6), Refusal::Policy, "550 no"), None);
    }
}
