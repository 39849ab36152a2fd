//! `courant subscribers`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out, table::Table};
use crate::{
    id::EditionSlug,
    ops::app::App,
    subscribers::{
        Confirm, How, Profile, Request, Requested, Scope,
        address::EmailAddress,
        import::{self, BadRow, Row},
    },
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Subscribers {
    /// Enter one address; a confirmation request is mailed unless --confirmed
    Add {
        /// The mail address
        address: EmailAddress,
        /// The slug of the edition
        #[arg(long, value_name = "SLUG")]
        edition: EditionSlug,
        /// How the person is called
        #[arg(long)]
        name: Option<String>,
        /// The person has consented already; say how in --basis
        #[arg(long, requires = "basis")]
        confirmed: bool,
        /// How and when consent was given
        #[arg(long, value_name = "TEXT")]
        basis: Option<String>,
    },
    /// List subscribers
    List {
        /// Only those of this edition
        #[arg(long, value_name = "SLUG")]
        edition: Option<EditionSlug>,
    },
    /// Enter the addresses of a CSV file
    Import {
        /// With the columns `email` and `name`, or an address a line; `-` is standard input
        file: PathBuf,
        /// The slug of the edition
        #[arg(long, value_name = "SLUG")]
        edition: EditionSlug,
        /// How and when these people gave their consent
        #[arg(long, value_name = "TEXT")]
        basis: String,
        #[arg(skip)]
        csv: String,
    },
    /// End a subscription, or all of them
    Unsubscribe {
        /// The mail address
        address: EmailAddress,
        /// Only this one; without it every edition, now and later
        #[arg(long, value_name = "SLUG")]
        edition: Option<EditionSlug>,
    },
}

/// Rows recorded in one transaction.
const CHUNK: usize = 1000;

#[derive(Debug, Default, Serialize)]
struct Imported {
    confirmed: u64,
    already: u64,
    opted_out: u64,
    refused: u64,
}

impl Subscribers {
    /// Reads the file of an import, or standard input for `-`.
    pub fn read_files(&mut self) -> anyhow::Result<()> {
        if let Subscribers::Import { file, csv, .. } = self {
            let bytes = match file.as_os_str() == "-" {
                true => std::io::read_to_string(std::io::stdin()).map(String::into_bytes),
                false => std::fs::read(&*file),
            };
            let bytes = bytes.with_context(|| format!("{} cannot be read", file.display()))?;
            *csv = String::from_utf8(bytes)
                .with_context(|| format!("{} is not UTF-8 text", file.display()))?;
        }
        Ok(())
    }

    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Subscribers::Add {
                address,
                edition,
                name,
                confirmed,
                basis,
            } => {
                app.edition(&edition)?;
                let how = How::Operator {
                    basis: basis.unwrap_or_else(|| "entered by the operator".to_owned()),
                };
                let confirm = if confirmed {
                    Confirm::Waived
                } else {
                    Confirm::Required
                };
                let name = name
                    .as_deref()
                    .map(import::clean_name)
                    .filter(|name| !name.is_empty());
                add(
                    app,
                    out,
                    Request {
                        address,
                        name,
                        edition,
                        confirm,
                        how,
                    },
                )
                .await
            }
            Subscribers::List { edition } => list(app, out, edition.as_ref()).await,
            Subscribers::Import {
                file,
                edition,
                basis,
                csv,
            } => {
                app.edition(&edition)?;
                let rows = import::rows(&csv).with_context(|| file.display().to_string())?;
                import(app, out, rows, &edition, &basis).await
            }
            Subscribers::Unsubscribe { address, edition } => {
                unsubscribe(app, out, &address, edition).await
            }
        }
    }
}

async fn add(app: &App, out: &Out, request: Request) -> anyhow::Result<Done> {
    let (address, edition) = (request.address.clone(), request.edition.clone());
    let requested = app.store.request(vec![request], app.clock.now()).await?;
    let (status, sentence, done) = match requested.first() {
        Some(Requested::Confirmed(_)) => (
            "confirmed",
            format!("receives {edition} from now on"),
            Done::Wholly,
        ),
        Some(Requested::Pending(_)) => {
            app.wakes.optin.wake();
            (
                "pending",
                format!("will be asked to confirm {edition}"),
                Done::Wholly,
            )
        }
        Some(Requested::Already(_)) => (
            "already",
            format!("was entered for {edition} before; nothing changed"),
            Done::Wholly,
        ),
        Some(Requested::OptedOut) | None => (
            "opted_out",
            "opted out; only they can undo that, by the subscribe form".to_owned(),
            Done::InPart,
        ),
    };
    if out.wants_json() {
        out.object(
            &serde_json::json!({ "address": address, "edition": edition, "status": status }),
        )
        .await?;
    }
    out.line(format!("{} {sentence}", address.as_str())).await;
    Ok(done)
}

async fn import(
    app: &App,
    out: &Out,
    rows: Vec<Result<Row, BadRow>>,
    edition: &EditionSlug,
    basis: &str,
) -> anyhow::Result<Done> {
    let (total, mut done) = (rows.len() as u64, 0);
    let mut imported = Imported::default();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut requests = Vec::new();
        for row in rows.by_ref().take(CHUNK) {
            done += 1;
            match row {
                Ok(row) => requests.push(Request {
                    address: row.address,
                    name: row.name,
                    edition: edition.clone(),
                    confirm: Confirm::Waived,
                    how: How::Import {
                        basis: basis.to_owned(),
                    },
                }),
                Err(bad) => {
                    imported.refused += 1;
                    out.note(bad_row(&bad)).await;
                }
            }
        }
        for requested in app.store.request(requests, app.clock.now()).await? {
            match requested {
                Requested::Confirmed(_) | Requested::Pending(_) => imported.confirmed += 1,
                Requested::Already(_) => imported.already += 1,
                Requested::OptedOut => imported.opted_out += 1,
            }
        }
        out.progress(done, total, "rows").await;
    }
    if out.wants_json() {
        out.object(&imported).await?;
    }
    let Imported {
        confirmed,
        already,
        opted_out,
        refused,
    } = imported;
    out.line(format!("{confirmed} subscribed to {edition}, {already} were before, {opted_out} had opted out and stay so, {refused} refused")).await;
    Ok(if refused == 0 {
        Done::Wholly
    } else {
        Done::InPart
    })
}

fn bad_row(bad: &BadRow) -> String {
    crate::task::chain(bad)
}

async fn unsubscribe(
    app: &App,
    out: &Out,
    address: &EmailAddress,
    edition: Option<EditionSlug>,
) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let how = How::Operator {
        basis: "entered by the operator".to_owned(),
    };
    match (app.store.find(address).await?, edition) {
        (Some(profile), Some(edition)) => {
            app.store
                .withdraw(profile.subscriber.id, &Scope::Edition(edition), how, now)
                .await?
        }
        (Some(profile), None) => {
            app.store
                .withdraw(profile.subscriber.id, &Scope::Everything, how, now)
                .await?
        }
        // Nobody we know yet: the address stays blocked for later imports.
        (None, _) => app.store.suppress(address, now).await?,
    }
    if out.wants_json() {
        out.object(&serde_json::json!({ "address": address, "status": "unsubscribed" }))
            .await?;
    }
    out.line(format!("{} is unsubscribed", address.as_str()))
        .await;
    Ok(Done::Wholly)
}

#[derive(Debug, Serialize)]
struct Listed {
    id: u64,
    address: String,
    name: Option<String>,
    subscriptions: Vec<ListedSubscription>,
    suppressed: bool,
}

#[derive(Debug, Serialize)]
struct ListedSubscription {
    edition: String,
    status: &'static str,
}

async fn list(app: &App, out: &Out, edition: Option<&EditionSlug>) -> anyhow::Result<Done> {
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = app.store.profiles(after, CHUNK).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.subscriber.id);
        listed.extend(
            page.iter()
                .filter(|profile| belongs(profile, edition))
                .map(Listed::new),
        );
    }
    out.rows(&listed, || {
        let mut table = Table::new(&["ID", "ADDRESS", "NAME", "SUBSCRIPTIONS"]);
        for row in &listed {
            let subscriptions = row
                .subscriptions
                .iter()
                .map(|one| format!("{} {}", one.edition, one.status));
            let suppressed = row.suppressed.then(|| "suppressed".to_owned());
            table.row([
                row.id.to_string(),
                row.address.clone(),
                row.name.clone().unwrap_or_default(),
                subscriptions
                    .chain(suppressed)
                    .collect::<Vec<_>>()
                    .join(", "),
            ]);
        }
        table
    })
    .await?;
    Ok(Done::Wholly)
}

fn belongs(profile: &Profile, edition: Option<&EditionSlug>) -> bool {
    edition.is_none_or(|edition| {
        profile
            .subscriptions
            .iter()
            .any(|(slug, _)| slug == edition)
    })
}

impl Listed {
    fn new(profile: &Profile) -> Self {
        let subscription = |(edition, subscription): &(EditionSlug, _)| {
            let subscription: &crate::subscribers::Subscription = subscription;
            ListedSubscription {
                edition: edition.to_string(),
                status: subscription.name(),
            }
        };
        Listed {
            id: profile.subscriber.id.0,
            address: profile.subscriber.address.as_str().to_owned(),
            name: profile.subscriber.name.clone(),
            subscriptions: profile.subscriptions.iter().map(subscription).collect(),
            suppressed: profile.suppressed.is_some(),
        }
    }
}
