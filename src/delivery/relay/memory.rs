//! A relay for tests: it keeps what it takes, and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Sent;
use crate::delivery::compose::Message;

#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    messages: Vec<Message>,
    answers: VecDeque<Sent>,
}

impl Memory {
    /// Answers the next messages like this, one answer each; afterwards everything is accepted.
    pub fn answer(&self, answers: impl IntoIterator<Item = Sent>) {
        self.state().answers.extend(answers);
    }

    /// What was accepted so far.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    pub(super) fn take(&self, message: &Message) -> Sent {
        let mut state = self.state();
        let answer = state.answers.pop_front().unwrap_or_else(|| Sent::Accepted {
            reply: "250 kept".to_owned(),
        });
        if matches!(answer, Sent::Accepted { .. }) {
            state.messages.push(message.clone());
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
