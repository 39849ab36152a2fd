//! `courant outbox`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out, table::Table};
use crate::{
    delivery::{Delivery, Recipient, Status},
    id::DeliveryId,
    ops::app::App,
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Outbox {
    /// List deliveries, the latest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: DeliveryId,
    purpose: &'static str,
    edition: &'a str,
    /// Masked: the outbox is no place to read addresses from.
    to: String,
    status: &'static str,
    attempts: u32,
    detail: String,
}

impl Outbox {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        let Outbox::List { limit } = self;
        let deliveries = app.store.deliveries(limit).await?;
        let mut listed = Vec::new();
        for delivery in &deliveries {
            listed.push(Listed {
                id: delivery.id,
                purpose: delivery.purpose.name(),
                edition: delivery.edition.as_str(),
                to: recipient(app, delivery).await?,
                status: delivery.status.name(),
                attempts: delivery.attempts,
                detail: detail(&delivery.status),
            });
        }
        out.rows(&listed, || {
            let mut table = Table::new(&[
                "ID", "PURPOSE", "EDITION", "TO", "STATUS", "TRIES", "DETAIL",
            ]);
            for row in &listed {
                table.row([
                    row.id.to_string(),
                    row.purpose.to_owned(),
                    row.edition.to_owned(),
                    row.to.clone(),
                    row.status.to_owned(),
                    row.attempts.to_string(),
                    row.detail.clone(),
                ]);
            }
            table
        })
        .await?;
        Ok(Done::Wholly)
    }
}

async fn recipient(app: &App, delivery: &Delivery) -> anyhow::Result<String> {
    Ok(match &delivery.to {
        Recipient::Address(address) => address.masked(),
        Recipient::Subscriber(id) => match app.store.profile(*id).await? {
            Some(profile) => profile.subscriber.address.masked(),
            None => format!("subscriber {id}, erased"),
        },
    })
}

fn detail(status: &Status) -> String {
    let when = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    match status {
        Status::Scheduled { due } => format!("due {}", when(due)),
        Status::Leased { until } => format!("in hand until {}", when(until)),
        Status::Sent { at, reply } => format!("{} {reply}", when(at)),
        Status::Deferred { due, reason } => format!("again {}: {reason}", when(due)),
        Status::Failed { at, reason } => format!("{} {reason}", when(at)),
        Status::Uncertain { at, reason } => format!("{} {reason}", when(at)),
        Status::Withheld { at, reason } => format!("{} {}", when(at), reason.words()),
    }
}
