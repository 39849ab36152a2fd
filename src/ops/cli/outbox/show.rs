//! `courant outbox show`.

use chrono::{DateTime, Utc};

use crate::ops::{
    app::App,
    cli::{order::Done, output::Out, table::Table},
    progress::{Progress, Under, Way},
};

pub(super) async fn show(app: &App, out: &Out) -> anyhow::Result<Done> {
    let progress = Progress::read(app).await?;
    if out.wants_json() {
        out.object(&progress).await?;
        return Ok(Done::Wholly);
    }
    for kept in &progress.holds {
        out.line(format!("held {}", kept.told())).await;
    }
    if progress.issues.is_empty() {
        out.line("nothing waits: everything that was planned is done".to_owned())
            .await;
    }
    for issue in &progress.issues {
        out.line(under(issue)).await;
    }
    for (heading, ways) in [
        ("RELAY", &progress.relays),
        ("DESTINATION", &progress.destinations),
    ] {
        let busy = ways
            .iter()
            .any(|way| way.sent + way.deferred + way.failed + way.left.unwrap_or(0) > 0);
        if busy || ways.iter().any(|way| way.paused.is_some() || way.open > 0) {
            out.line(String::new()).await;
            out.rows::<()>(&[], || table(heading, ways)).await?;
        }
    }
    Ok(Done::Wholly)
}

fn under(issue: &Under) -> String {
    let tally = &issue.tally;
    let mut line = format!(
        "{} {} of {}: {} of {} sent",
        issue.edition,
        issue.purpose,
        when(issue.planned),
        tally.sent,
        tally.total()
    );
    for (n, what) in [
        (tally.scheduled, "left"),
        (tally.deferred, "put off"),
        (tally.failed, "failed"),
        (tally.withheld, "withheld"),
        (tally.uncertain, "uncertain"),
    ] {
        if n > 0 {
            line += &format!(", {n} {what}");
        }
    }
    if let Some(ends) = issue.ends {
        line += &format!(", done about {}", when(ends));
    }
    line
}

fn table(heading: &'static str, ways: &[Way]) -> Table {
    let mut table = Table::new(&[
        heading, "SENT", "PUT OFF", "FAILED", "LEFT", "A SECOND", "AT ONCE", "STATE",
    ]);
    for way in ways {
        let mut state = Vec::new();
        if let Some((until, reason)) = &way.paused {
            state.push(format!("left alone until {}: {reason}", when(*until)));
        }
        if let Some(share) = way.slowed {
            state.push(format!(
                "slowed to {share} %: it said that we send too much"
            ));
        }
        if let Some(ends) = way.ends {
            state.push(format!("done about {}", when(ends)));
        }
        table.row([
            way.name.clone(),
            way.sent.to_string(),
            way.deferred.to_string(),
            way.failed.to_string(),
            way.left.map_or(String::new(), |left| left.to_string()),
            format!("{:.1}", way.rate),
            way.open.to_string(),
            state.join("; "),
        ]);
    }
    table
}

fn when(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
