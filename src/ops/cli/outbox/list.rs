//! `courant outbox list`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::{
    delivery::{Delivery, Recipient, Status},
    id::{DeliveryId, RelayName, SubscriberId},
    ops::{
        app::App,
        cli::{order::Done, output::Out, table::Table},
    },
};

#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: DeliveryId,
    purpose: &'static str,
    edition: &'a str,
    /// None of a message to an address of no subscriber, as a test is.
    subscriber: Option<SubscriberId>,
    /// Masked: the outbox is no place to read addresses from.
    to: String,
    group: &'a str,
    status: &'static str,
    attempts: u32,
    via: Option<&'a str>,
    detail: String,
}

pub(super) async fn list(app: &App, out: &Out, limit: usize) -> anyhow::Result<Done> {
    let mut deliveries = app.store.deliveries(limit.saturating_add(1)).await?;
    let has_more = deliveries.len() > limit;
    deliveries.truncate(limit);
    let mut listed = Vec::new();
    for delivery in &deliveries {
        listed.push(Listed {
            id: delivery.id,
            purpose: delivery.purpose.name(),
            edition: delivery.edition.as_str(),
            subscriber: match delivery.to {
                Recipient::Subscriber(id) => Some(id),
                Recipient::Address(_) => None,
            },
            to: recipient(app, delivery).await?,
            group: delivery.group.as_str(),
            status: delivery.status.name(),
            attempts: delivery.attempts,
            via: delivery.via.as_ref().map(RelayName::as_str),
            detail: detail(&delivery.status),
        });
    }
    out.rows(&listed, || {
        let mut table = Table::new(&[
            "ID", "PURPOSE", "EDITION", "TO", "STATUS", "TRIES", "RELAY", "DETAIL",
        ]);
        for row in &listed {
            table.row([
                row.id.to_string(),
                row.purpose.to_owned(),
                row.edition.to_owned(),
                row.to.clone(),
                row.status.to_owned(),
                row.attempts.to_string(),
                row.via.unwrap_or_default().to_owned(),
                row.detail.clone(),
            ]);
        }
        table
    })
    .await?;
    if has_more {
        out.line(format!(
            "these are the latest {limit}; `--limit` shows more"
        ))
        .await;
    }
    Ok(Done::Wholly)
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
