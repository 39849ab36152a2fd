//! Sends what is due: every relay that is there gets connections as long as there is work for more.
//!
//! For each relay somebody looks for a delivery, and opens a connection for it; only then the next one
//! looks. Who finds nothing leaves, and while others are still at work it is looked again every second:
//! something may have been planned, a quota may have room again, a relay may be back.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    courier::Courier,
    route::{Route, Standing},
    work::{Trouble, Work},
    worker::{Errand, Halts, Worker},
};

/// How often it is looked for work for more connections.
const TICK: TimeDelta = TimeDelta::seconds(1);

pub(super) struct Round {
    courier: Arc<Courier>,
    halt: CancellationToken,
    parties: Vec<Party>,
    /// Those who look and those who send, with the number of their party.
    crew: JoinSet<(usize, Step)>,
    total: Work,
}

/// Those who use one relay.
struct Party {
    route: Arc<Route>,
    halts: Halts,
    search: Search,
    workers: usize,
    /// What those did who have ended, from the first connection on; counted when all have ended.
    work: Option<Work>,
}

/// Whether work for one more connection is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Wanted,
    UnderWay,
    /// As well, and meanwhile there was reason to look again.
    WantedAgain,
    Rests,
}

enum Step {
    /// There is a delivery for one more connection.
    Found(Box<(Worker, Errand)>),
    Nothing(Work),
    /// A connection is done with.
    Ended(Work),
}

impl Round {
    pub(super) fn new(courier: &Arc<Courier>) -> Self {
        let halt = courier.stop.child_token();
        let routes = courier.routes.iter();
        Round {
            courier: Arc::clone(courier),
            parties: routes.map(|route| Party::new(route, &halt)).collect(),
            halt,
            crew: JoinSet::new(),
            total: Work::default(),
        }
    }

    /// Sends until nobody is at work any more; what is in hand is finished when it is halted.
    pub(super) async fn run(mut self) -> Work {
        let clock = self.courier.clock.clone();
        let mut tick = clock.now() + TICK;
        loop {
            self.widen();
            tokio::select! {
                next = self.crew.join_next() => match next {
                    Some(Ok((party, step))) => self.take(party, step),
                    Some(Err(_)) => {
                        self.halt.cancel();
                        self.total.troubles.push(Trouble::Panic);
                    }
                    None => break,
                },
                () = clock.sleep_until(tick) => {
                    tick = clock.now() + TICK;
                    self.look_again();
                }
            }
        }
        for party in &mut self.parties {
            self.total.add(party.conclude(clock.now()));
        }
        self.total
    }

    /// Has somebody look for work wherever there is room for one more connection.
    fn widen(&mut self) {
        if self.halt.is_cancelled() {
            return;
        }
        for n in self.open(self.courier.clock.now()) {
            let party = &mut self.parties[n];
            if party.search != Search::Wanted || party.workers >= party.route.connections.get() {
                continue;
            }
            party.search = Search::UnderWay;
            let worker = Worker::new(&self.courier, &party.route, &party.halts);
            let is_alone = party.workers == 0;
            self.crew.spawn(async move {
                let mut found = look(worker).await;
                if let Step::Found(found) = &mut found
                    && is_alone
                {
                    // Finds out for all whether the relay is there.
                    found.0.connect().await;
                }
                (n, found)
            });
        }
    }

    /// The relays that are not left alone; those that stand by only where no other is there.
    fn open(&self, now: DateTime<Utc>) -> Vec<usize> {
        let is_there = |n: &usize| self.parties[*n].is_there(now);
        let (standby, first): (Vec<_>, Vec<_>) = (0..self.parties.len())
            .filter(is_there)
            .partition(|n| self.parties[*n].route.is_standby());
        if first.is_empty() { standby } else { first }
    }

    fn look_again(&mut self) {
        for party in &mut self.parties {
            party.search = match party.search {
                Search::UnderWay | Search::WantedAgain => Search::WantedAgain,
                Search::Wanted | Search::Rests => Search::Wanted,
            };
        }
    }

    fn take(&mut self, n: usize, step: Step) {
        let now = self.courier.clock.now();
        let party = &mut self.parties[n];
        match step {
            Step::Found(found) => return self.hire(n, *found),
            Step::Nothing(work) => {
                party.search = match party.search {
                    Search::WantedAgain => Search::Wanted,
                    _ => Search::Rests,
                };
                self.total.add(work);
            }
            Step::Ended(work) => {
                party.workers -= 1;
                let leaves_some = work.leaves_some();
                party.work.get_or_insert_default().add(work);
                if leaves_some {
                    self.look_again();
                }
            }
        }
        let party = &mut self.parties[n];
        if party.is_empty() {
            self.total.add(party.conclude(now));
        }
    }

    fn hire(&mut self, n: usize, (worker, errand): (Worker, Errand)) {
        let party = &mut self.parties[n];
        party.search = Search::Wanted;
        party.workers += 1;
        if party.work.is_none() {
            party.work = Some(Work::default());
            // What the others had while it was not there is not made up for.
            self.courier.traffic.level();
        }
        let is_here = party.is_there(self.courier.clock.now());
        if is_here && !party.route.is_standby() {
            self.dismiss_standby();
        }
        self.crew
            .spawn(async move { (n, Step::Ended(worker.run(errand).await)) });
    }

    /// Those who stand by end as soon as they have finished what they have in hand.
    fn dismiss_standby(&mut self) {
        let parties = self.parties.iter_mut();
        for party in parties.filter(|party| party.route.is_standby()) {
            party.halts.route.cancel();
            party.halts.route = self.halt.child_token();
        }
    }
}

impl Party {
    fn new(route: &Arc<Route>, halt: &CancellationToken) -> Self {
        Party {
            route: Arc::clone(route),
            halts: Halts {
                route: halt.child_token(),
                all: halt.clone(),
            },
            search: Search::Wanted,
            workers: 0,
            work: None,
        }
    }

    fn is_there(&self, now: DateTime<Utc>) -> bool {
        !self.halts.route.is_cancelled() && self.route.paused(now).is_none()
    }

    fn is_empty(&self) -> bool {
        let is_searching = matches!(self.search, Search::UnderWay | Search::WantedAgain);
        self.workers == 0 && !is_searching
    }

    /// Tells what was done; the relay rests if it turned somebody away.
    fn conclude(&mut self, now: DateTime<Utc>) -> Work {
        if self.halts.route.is_cancelled() {
            self.halts.route = self.halts.all.child_token();
        }
        let Some(mut work) = self.work.take() else {
            return Work::default();
        };
        match self.route.rest(&work, now) {
            Standing::Unchanged => {}
            Standing::StillAway => work.hush(),
            Standing::Back => work.back.push(self.route.name.clone()),
        }
        work
    }
}

async fn look(mut worker: Worker) -> Step {
    match worker.next().await {
        Ok(Some(errand)) => Step::Found(Box::new((worker, errand))),
        Ok(None) => Step::Nothing(worker.end().await),
        Err(trouble) => {
            worker.trouble(trouble);
            Step::Nothing(worker.end().await)
        }
    }
}
