//! `/metrics`, in the text format of Prometheus (its exposition formats, version 0.0.4).

use std::{fmt::Write, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

use super::{
    app::App,
    progress::{Progress, Way},
};

/// Serves what the latest app counts.
pub(super) fn router(apps: watch::Receiver<Arc<App>>) -> Router {
    let show = move || {
        let app = apps.borrow().clone();
        async move { answer(&app).await }
    };
    Router::new().route("/metrics", get(show))
}

async fn answer(app: &App) -> Response {
    match Progress::read(app).await {
        Ok(progress) => {
            let format = "text/plain; version=0.0.4; charset=utf-8";
            ([(CONTENT_TYPE, format)], text(&progress)).into_response()
        }
        Err(err) => (StatusCode::SERVICE_UNAVAILABLE, format!("{err}\n")).into_response(),
    }
}

fn text(progress: &Progress) -> String {
    let mut out = String::new();
    for (kind, ways) in [
        ("relay", &progress.relays),
        ("destination", &progress.destinations),
    ] {
        let help = "Messages by what came of them, since the configuration was read.";
        family(
            &mut out,
            &format!("{kind}_messages_total"),
            "counter",
            help,
            {
                let outcomes = |way: &Way| {
                    let name = way.name.clone();
                    [
                        ("sent", way.sent),
                        ("deferred", way.deferred),
                        ("failed", way.failed),
                        ("uncertain", way.uncertain),
                    ]
                    .map(|(outcome, n)| (format!("{kind}=\"{name}\",outcome=\"{outcome}\""), n))
                };
                ways.iter().flat_map(outcomes)
            },
        );
        let help = "Attempts at this moment.";
        let open = ways
            .iter()
            .map(|way| (label(kind, &way.name), way.open as u64));
        family(&mut out, &format!("{kind}_attempts"), "gauge", help, open);
    }
    let paused = progress.relays.iter();
    let paused = paused.map(|way| (label("relay", &way.name), u64::from(way.paused.is_some())));
    let help = "Whether a relay is left alone for a while.";
    family(&mut out, "relay_paused", "gauge", help, paused);
    let slowed = progress.destinations.iter();
    let slowed = slowed.map(|way| {
        let share = way.slowed.and_then(|share| u64::try_from(share).ok());
        (label("destination", &way.name), share.unwrap_or(100))
    });
    let help = "Of its former rate, what a destination gets since it said that it is too much, in per cent.";
    family(&mut out, "destination_rate_percent", "gauge", help, slowed);
    let left = progress.destinations.iter();
    let left = left.filter_map(|way| Some((label("destination", &way.name), way.left?)));
    let help = "Deliveries to a destination that are not done.";
    family(&mut out, "destination_waiting", "gauge", help, left);
    let issues = progress.issues.iter().flat_map(|issue| {
        let of = format!(
            "edition=\"{}\",content=\"{}\"",
            issue.edition, issue.content
        );
        [
            ("scheduled", issue.tally.scheduled),
            ("deferred", issue.tally.deferred),
            ("uncertain", issue.tally.uncertain),
        ]
        .map(|(status, n)| (format!("{of},status=\"{status}\""), n))
    });
    let help = "Deliveries that are not done.";
    family(&mut out, "outbox_waiting", "gauge", help, issues);
    let holds = [(String::new(), progress.holds.len() as u64)];
    let help = "Editions that are held, or one for everything.";
    family(&mut out, "outbox_holds", "gauge", help, holds);
    out
}

fn label(kind: &str, name: &str) -> String {
    format!("{kind}=\"{name}\"")
}

fn family(
    out: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, u64)>,
) {
    let _ = writeln!(
        out,
        "# HELP courant_{name} {help}\n# TYPE courant_{name} {kind}"
    );
    for (labels, n) in samples {
        let labels = match labels.as_str() {
            "" => String::new(),
            labels => format!("{{{labels}}}"),
        };
        let _ = writeln!(out, "courant_{name}{labels} {n}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_in_the_words_of_prometheus() {
        let way = || Way {
            name: "mx".to_owned(),
            sent: 3,
            deferred: 2,
            failed: 1,
            uncertain: 0,
            rate: 0.5,
            open: 4,
            left: None,
            ends: None,
            slowed: Some(25),
            paused: None,
        };
        let group = Way {
            name: "gmail".to_owned(),
            left: Some(70),
            ..way()
        };
        let progress = Progress {
            holds: Vec::new(),
            issues: Vec::new(),
            relays: vec![way()],
            destinations: vec![group],
        };

        let text = text(&progress);

        for line in [
            "# TYPE courant_relay_messages_total counter",
            "courant_relay_messages_total{relay=\"mx\",outcome=\"sent\"} 3",
            "courant_relay_attempts{relay=\"mx\"} 4",
            "courant_relay_paused{relay=\"mx\"} 0",
            "courant_destination_rate_percent{destination=\"gmail\"} 25",
            "courant_destination_waiting{destination=\"gmail\"} 70",
            "courant_outbox_holds 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
