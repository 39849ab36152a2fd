//! What a background duty is. `ops::driver` runs them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// A duty that finds out by itself what is due and does it.
///
/// An activation takes no input and may be repeated at any time: whatever a crash left half done
/// is found by the next one.
#[async_trait]
pub trait Task: Send + Sync {
    fn name(&self) -> &'static str;

    /// How long to wait between two activations when nobody wakes the task.
    fn period(&self) -> Duration;

    async fn activate(&self, now: DateTime<Utc>) -> Report;
}

#[async_trait]
impl<T: Task + ?Sized> Task for Arc<T> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn period(&self) -> Duration {
        (**self).period()
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        (**self).activate(now).await
    }
}

/// What one activation did: counts by name, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub counts: Vec<(&'static str, u64)>,
    pub errors: Vec<String>,
    /// What is no fault of ours and concerns the operator.
    pub notices: Vec<String>,
    /// When there will be something to do that is known now; the period bounds the wait all the
    /// same.
    pub again: Option<DateTime<Utc>>,
}

impl Report {
    /// A report of an activation that failed as a whole.
    pub fn failed(err: &dyn std::error::Error) -> Self {
        Report {
            errors: vec![chain(err)],
            ..Report::default()
        }
    }

    pub fn is_idle(&self) -> bool {
        self.errors.is_empty()
            && self.notices.is_empty()
            && self.counts.iter().all(|(_, n)| *n == 0)
    }
}

/// An error with its causes, outermost first.
pub fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Shortens the wait for a task; carries no data.
#[derive(Clone, Debug, Default)]
pub struct Activator(Arc<Notify>);

impl Activator {
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
