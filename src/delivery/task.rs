//! The task that hands over what is due.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

pub use super::courier::Config;
use super::{
    courier::Courier,
    ledger::Ledger,
    round::Round,
    route::{Paused, Route},
    traffic::Traffic,
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
        Round::new(courier).run().await.report()
    }
}
