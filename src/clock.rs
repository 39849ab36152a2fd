//! The only reader of the clock.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time: the machine's, or one that a test moves.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Moved(Arc<Moved>),
}

/// Stands still until it is moved.
#[derive(Debug)]
pub struct Moved {
    now: Mutex<DateTime<Utc>>,
    moves: Notify,
}

impl Clock {
    /// A clock that stands still at `now` until it is moved.
    pub fn standing_at(now: DateTime<Utc>) -> Self {
        Clock::Moved(Arc::new(Moved {
            now: Mutex::new(now),
            moves: Notify::new(),
        }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Clock::System => Utc::now(),
            Clock::Moved(clock) => *clock.now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a standing clock; the machine's own is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Clock::Moved(clock) = self {
            *clock.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
            clock.moves.notify_waiters();
        }
    }

    /// Waits until it is `then`; a standing clock has to be moved there.
    pub async fn sleep_until(&self, then: DateTime<Utc>) {
        loop {
            let moved = match self {
                Clock::System => None,
                Clock::Moved(clock) => Some(clock.moves.notified()),
            };
            let Ok(left) = (then - self.now()).to_std() else {
                return;
            };
            match moved {
                _ if left.is_zero() => return,
                Some(moved) => moved.await,
                None => tokio::time::sleep(left).await,
            }
        }
    }
}

/// A time as it is kept: microseconds since 1970 where bytes count, RFC 3339 where people read.
pub mod stamp {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => at.serialize(serializer),
            false => at.timestamp_micros().serialize(serializer),
        }
    }

    /// # Errors
    /// If what is there is no time.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        if deserializer.is_human_readable() {
            return DateTime::deserialize(deserializer);
        }
        let micros = i64::deserialize(deserializer)?;
        DateTime::from_timestamp_micros(micros).ok_or_else(|| D::Error::custom("not a time"))
    }
}
