//! `courant outbox`.

mod hold;
mod list;
mod retry;
mod show;

use clap::{Subcommand, builder::NonEmptyStringValueParser};
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out};
use crate::{id::EditionSlug, ops::app::App};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Outbox {
    /// List deliveries, the latest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Tell how far everything has got: what is sent and left, by which relay and to where, what is held
    Show,
    /// Send no more digests of an edition, or nothing at all, until told to resume
    Hold {
        /// The edition's slug; without it, everything is held
        edition: Option<EditionSlug>,
        /// Why, for those who will ask
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "by the operator",
            value_parser = NonEmptyStringValueParser::new()
        )]
        reason: String,
    },
    /// Lift a hold: what waited goes on where it stopped
    Resume {
        /// The edition's slug; without it, the hold on everything is lifted
        edition: Option<EditionSlug>,
    },
    /// Try again now what was put off or is uncertain
    Retry {
        /// The slug of an edition, or a delivery as `outbox list` shows it
        #[arg(value_name = "EDITION|DELIVERY")]
        what: String,
        /// Also what failed; an address that bounced is mailed again
        #[arg(long)]
        failed: bool,
    },
}

impl Outbox {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Outbox::List { limit } => list::list(app, out, limit).await,
            Outbox::Show => show::show(app, out).await,
            Outbox::Hold { edition, reason } => hold::hold(app, out, edition, reason).await,
            Outbox::Resume { edition } => hold::resume(app, out, edition).await,
            Outbox::Retry { what, failed } => {
                let which = match failed {
                    true => retry::Which::FailedToo,
                    false => retry::Which::Waiting,
                };
                retry::retry(app, out, &what, which).await
            }
        }
    }
}
