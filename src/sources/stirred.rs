//! Which sources have something new by their own account, whatever their next poll says.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::id::SourceName;

/// Shared by those who notice and the task that polls.
#[derive(Clone, Debug, Default)]
pub struct Stirred(Arc<Mutex<BTreeSet<SourceName>>>);

impl Stirred {
    pub fn stir(&self, source: &SourceName) {
        self.names().insert(source.clone());
    }

    /// All that stirred since this was last asked.
    pub fn take(&self) -> BTreeSet<SourceName> {
        std::mem::take(&mut *self.names())
    }

    fn names(&self) -> std::sync::MutexGuard<'_, BTreeSet<SourceName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
