//! Hands over what is due, by every relay that is there.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use super::courier::Config;
use super::{
    courier::Courier,
    ledger::Ledger,
    route::{Paused, Route, Standing},
    traffic::Traffic,
    work::{Trouble, Work},
    worker::{Halts, Worker},
};
use crate::{
    clock::Clock,
    id::RelayName,
    task::{Report, Task},
};

/// The longest that a quota looks back, and the hour in which that begins.
const REMEMBERED: TimeDelta = TimeDelta::hours(25);

/// The task `deliver_outbox`.
pub struct DeliverOutbox {
    courier: Arc<Courier>,
    /// Held by the one activation that sends: an order beside the task opens no further connections,
    /// and finds everything settled that the task had in hand.
    turn: tokio::sync::Mutex<Turn>,
}

/// Whether this is the first activation, and quotas have to be read that outlived the last process.
#[derive(Default)]
enum Turn {
    #[default]
    First,
    Later,
}

impl DeliverOutbox {
    /// Stops claiming when `stop` is cancelled; what is in hand is finished.
    pub fn new(
        ledger: Arc<Ledger>,
        routes: Vec<Route>,
        config: Config,
        clock: Clock,
        stop: CancellationToken,
    ) -> Self {
        Self {
            courier: Arc::new(Courier::new(ledger, routes, config, clock, stop)),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// What was sent where.
    pub fn traffic(&self) -> &Traffic {
        &self.courier.traffic
    }

    /// Every relay, and whether it is left alone.
    pub fn relays(&self, now: DateTime<Utc>) -> Vec<(RelayName, Option<Paused>)> {
        let routes = self.courier.routes.iter();
        routes
            .map(|route| (route.name.clone(), route.paused(now)))
            .collect()
    }
}

#[async_trait]
impl Task for DeliverOutbox {
    fn name(&self) -> &'static str {
        "deliver_outbox"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let mut turn = self.turn.lock().await;
        let courier = &self.courier;
        if let Turn::First = *turn {
            match courier.outbox().usage(now - REMEMBERED).await {
                Ok(usage) => courier.traffic.resume(&usage, now),
                Err(err) => return Report::failed(&err),
            }
            *turn = Turn::Later;
        }
        if let Err(err) = courier.ledger.catch_up(now).await {
            return Report::failed(&err);
        }
        courier.traffic.level();
        let halt = courier.stop.child_token();
        let mut total = Work::default();
        loop {
            let routes = courier.open_routes();
            if routes.is_empty() || halt.is_cancelled() {
                break;
            }
            let round = courier.send_by(routes, &halt).await;
            // What a relay that turned us away left behind is the others' now.
            let is_over = round.turned_away().is_none();
            total.add(round);
            if is_over {
                break;
            }
        }
        total.report()
    }
}

impl Courier {
    /// The relays that are not left alone; those that stand by only where no other is there.
    fn open_routes(&self) -> Vec<Arc<Route>> {
        let now = self.clock.now();
        let routes = self.routes.iter();
        let open = routes.filter(|route| route.paused(now).is_none()).cloned();
        let (standby, first): (Vec<_>, Vec<_>) = open.partition(|route| route.is_standby());
        if first.is_empty() { standby } else { first }
    }

    async fn send_by(self: &Arc<Self>, routes: Vec<Arc<Route>>, halt: &CancellationToken) -> Work {
        let mut total = Work::default();
        let mut parties = JoinSet::new();
        for route in routes {
            let (courier, halt) = (Arc::clone(self), halt.clone());
            parties.spawn(async move { courier.send_all_by(route, halt).await });
        }
        while let Some(done) = parties.join_next().await {
            match done {
                Ok(work) => total.add(work),
                Err(_) => total.troubles.push(Trouble::Panic),
            }
        }
        total
    }

    /// Opens one connection after the other while there is work for one more.
    ///
    /// The first alone finds out whether the relay is there.
    async fn send_all_by(self: Arc<Self>, route: Arc<Route>, halt: CancellationToken) -> Work {
        let halts = Halts {
            route: halt.child_token(),
            all: halt,
        };
        let mut total = Work::default();
        let mut workers = JoinSet::new();
        while workers.len() < route.connections.get() && !halts.route.is_cancelled() {
            let mut worker = Worker::new(&self, &route, &halts);
            let errand = worker.next().await.unwrap_or_else(|trouble| {
                worker.trouble(trouble);
                None
            });
            let Some(errand) = errand else {
                total.add(worker.end().await);
                break;
            };
            if workers.is_empty() {
                worker.connect().await;
            }
            workers.spawn(worker.run(errand));
        }
        while let Some(done) = workers.join_next().await {
            match done {
                Ok(work) => total.add(work),
                Err(_) => total.troubles.push(Trouble::Panic),
            }
        }
        match route.rest(&total, self.clock.now()) {
            Standing::Unchanged => {}
            Standing::StillAway => total.hush(),
            Standing::Back => total.back.push(route.name.clone()),
        }
        total
    }
}
