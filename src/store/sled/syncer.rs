//! The thread that has what was written outlive a power cut, a little later, where nobody waits for it.

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{engine::Engine, unavailable};
use crate::port::Result;

/// How much a power cut can take back.
const PERIOD: Duration = Duration::from_millis(500);

pub(super) struct Syncer {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start(engine: Arc<Engine>) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("store-sync".to_owned())
            .spawn(move || {
                while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                    if let Err(err) = engine.sync_if_needed() {
                        tracing::error!(
                            error = &err as &dyn std::error::Error,
                            "the store is away"
                        );
                    }
                }
            })
            .map_err(|err| unavailable("start", err))?;
        Ok(Syncer {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
