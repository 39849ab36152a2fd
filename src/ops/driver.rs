//! Runs tasks: each in turn with itself, all beside each other, until told to stop.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    clock::Clock,
    task::{Activator, Report, Task},
};

/// How often a stopping daemon says what it still waits for.
const STILL_RUNNING: Duration = Duration::from_secs(5);

/// The tasks of a running daemon.
#[derive(Debug)]
pub struct Driver {
    clock: Clock,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    running: Arc<Mutex<Vec<&'static str>>>,
}

impl Driver {
    pub fn new(clock: Clock, stop: CancellationToken) -> Self {
        Driver {
            clock,
            stop,
            tasks: JoinSet::new(),
            running: Arc::default(),
        }
    }

    /// Starts `task`; `activator` shortens its waits.
    pub fn start(&mut self, task: impl Task + 'static, activator: Activator) {
        let (clock, stop, running) = (self.clock.clone(), self.stop.clone(), self.running.clone());
        let name = task.name();
        lock(&running).push(name);
        let drive = async move {
            while !stop.is_cancelled() {
                let done = activate(&task, &clock).await;
                let rest = rest(task.period(), done.again, clock.now());
                report(name, done);
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = activator.woken() => {}
                    () = tokio::time::sleep(rest) => {}
                }
            }
            strike(&running, name);
        };
        self.tasks.spawn(drive);
    }

    /// Runs anything else until it ends by itself, as a listener does when told to stop.
    pub fn attend(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let running = self.running.clone();
        lock(&running).push(name);
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(async move {
            work.await;
            strike(&running, name);
        });
    }

    /// Waits until everything has ended by itself.
    pub async fn ended(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits until everything has ended, at most for `grace`; names what is still running.
    pub async fn finish(mut self, grace: Duration) {
        let deadline = tokio::time::Instant::now() + grace;
        let mut tick =
            tokio::time::interval_at(tokio::time::Instant::now() + STILL_RUNNING, STILL_RUNNING);
        loop {
            tokio::select! {
                next = self.tasks.join_next() => if next.is_none() { return },
                _ = tick.tick() => info!(running = lock(&self.running).join(", "), "waiting for tasks to end"),
                () = tokio::time::sleep_until(deadline) => {
                    warn!(running = lock(&self.running).join(", "), "grace period over, stopping what still runs");
                    self.tasks.shutdown().await;
                    return;
                }
            }
        }
    }
}

async fn activate(task: &(impl Task + ?Sized), clock: &Clock) -> Report {
    let activation = AssertUnwindSafe(task.activate(clock.now())).catch_unwind();
    activation.await.unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Report {
            errors: vec![format!("panicked: {}", what.unwrap_or("no message"))],
            ..Report::default()
        }
    })
}

/// The time to the next activation: the period, or less if something falls due before.
fn rest(period: Duration, again: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    again.map_or(period, |again| {
        (again - now).to_std().unwrap_or_default().min(period)
    })
}

/// The one place where tasks are logged.
fn report(name: &str, report: Report) {
    for err in &report.errors {
        match err.starts_with("panicked") {
            true => error!(task.name = name, "{err}"),
            false => warn!(task.name = name, "{err}"),
        }
    }
    for notice in &report.notices {
        warn!(task.name = name, "{notice}");
    }
    let done: Vec<String> = report
        .counts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    if !done.is_empty() {
        info!(task.name = name, "{}", done.join(", "));
    }
}

/// Takes one of that name off the list: two reloads have two of them.
fn strike(running: &Mutex<Vec<&'static str>>, name: &str) {
    let mut running = lock(running);
    if let Some(at) = running.iter().position(|other| *other == name) {
        running.swap_remove(at);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_an_earlier_driver_still_runs_ends_with_the_grace_of_the_last() {
        let driver = || Driver::new(Clock::System, CancellationToken::new());
        let (mut earlier, mut last) = (driver(), driver());
        let ended = CancellationToken::new();
        let held = ended.clone().drop_guard();
        earlier.attend("stuck", async move {
            let _held = held;
            std::future::pending().await
        });

        last.attend("earlier", earlier.ended());
        last.finish(Duration::from_secs(30)).await;

        ended.cancelled().await;
    }

    #[test]
    fn a_task_rests_until_something_is_due_and_no_longer_than_its_period() {
        let now = DateTime::UNIX_EPOCH;
        let period = Duration::from_secs(30);
        let after = |seconds| rest(period, Some(now + TimeDelta::seconds(seconds)), now);

        assert_eq!(rest(period, None, now), period);
        assert_eq!(after(7), Duration::from_secs(7));
        assert_eq!(after(70), period);
        assert_eq!(after(-7), Duration::ZERO);
    }
}
