//! `courant sources pause` and `courant sources resume`.

use anyhow::bail;

use crate::{
    id::SourceName,
    ops::{
        app::App,
        cli::{order::Done, output::Out},
    },
    sources::{Origin, Source},
};

pub(super) async fn pause(app: &App, out: &Out, names: &[SourceName]) -> anyhow::Result<Done> {
    for source in chosen(app, names)? {
        app.store.pause(&source.name, app.clock.now()).await?;
        app.ingest.reconsider(source, app.clock.now()).await?;
        say(
            out,
            source,
            "paused",
            "is paused: nothing asks it but `ingest --source`",
        )
        .await?;
    }
    Ok(Done::Wholly)
}

/// Has the daemon look at once: what fell due in the meantime is polled now.
pub(super) async fn resume(app: &App, out: &Out, names: &[SourceName]) -> anyhow::Result<Done> {
    for source in chosen(app, names)? {
        app.store.resume(&source.name, app.clock.now()).await?;
        app.ingest.reconsider(source, app.clock.now()).await?;
        if matches!(source.origin, Origin::Folder(_)) {
            // Its changes went unheeded, and looking costs no publisher anything.
            app.ingest.stir(&source.name).await?;
        }
        say(out, source, "resumed", "is polled again when it is due").await?;
    }
    app.wakes.ingest.wake();
    Ok(Done::Wholly)
}

/// All of them or none: a misspelt name changes nothing.
fn chosen<'a>(app: &'a App, names: &[SourceName]) -> anyhow::Result<Vec<&'a Source>> {
    let mut chosen = Vec::new();
    for name in names {
        match app.config.sources.iter().find(|one| one.name == *name) {
            Some(source) => chosen.push(source),
            None => bail!("there is no source `{name}`"),
        }
    }
    Ok(chosen)
}

async fn say(out: &Out, source: &Source, status: &str, sentence: &str) -> anyhow::Result<()> {
    if out.wants_json() {
        out.object(&serde_json::json!({ "source": source.name, "status": status }))
            .await?;
    }
    out.line(format!("{} {sentence}", source.name)).await;
    Ok(())
}
