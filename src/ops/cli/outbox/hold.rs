//! `courant outbox hold` and `courant outbox resume`.

use crate::{
    delivery::{Hold, Reach},
    id::EditionSlug,
    ops::{
        app::App,
        cli::{order::Done, output::Out},
        progress::Kept,
    },
};

pub(super) async fn hold(
    app: &App,
    out: &Out,
    edition: Option<EditionSlug>,
    reason: String,
) -> anyhow::Result<Done> {
    let reach = reach(app, edition)?;
    let holds = app.store.holds().await?;
    if let Some(kept) = holds.into_iter().find(|(held, _)| *held == reach) {
        out.line(format!("held already {}", Kept::from(kept).told()))
            .await;
        return standing(app, out).await;
    }
    let at = app.clock.now();
    app.store
        .hold(reach.clone(), Hold { at, reason }, Vec::new())
        .await?;
    out.line(format!(
        "{} held: what is in hand is finished, and no more is sent",
        words(&reach)
    ))
    .await;
    standing(app, out).await
}

pub(super) async fn resume(
    app: &App,
    out: &Out,
    edition: Option<EditionSlug>,
) -> anyhow::Result<Done> {
    let reach = reach(app, edition)?;
    let held = app.store.lift(reach.clone()).await?;
    app.wakes.delivery.wake();
    out.line(match held {
        true => format!("{} no longer held", words(&reach)),
        false => format!("{} not held; nothing changed", words(&reach)),
    })
    .await;
    if reach == Reach::Everything {
        for (other, hold) in app.store.holds().await? {
            out.line(format!("{} still held: {}", words(&other), hold.reason))
                .await;
        }
    }
    standing(app, out).await
}

/// Tells a program what is held now.
async fn standing(app: &App, out: &Out) -> anyhow::Result<Done> {
    if out.wants_json() {
        let holds = app.store.holds().await?;
        let holds: Vec<_> = holds.into_iter().map(Kept::from).collect();
        out.object(&serde_json::json!({ "holds": holds })).await?;
    }
    Ok(Done::Wholly)
}

fn reach(app: &App, edition: Option<EditionSlug>) -> anyhow::Result<Reach> {
    Ok(match edition {
        None => Reach::Everything,
        Some(slug) => Reach::Edition(app.edition(&slug)?.slug.clone()),
    })
}

fn words(reach: &Reach) -> String {
    match reach {
        Reach::Everything => "everything is".to_owned(),
        Reach::Edition(edition) => format!("{edition} is"),
    }
}
