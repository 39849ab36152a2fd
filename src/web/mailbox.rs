//! The messages of a folder relay, shown as their readers would see them. The demo serves it.

use std::{
    fs, io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{self, Path},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use mail_parser::MessageParser;

use super::State;
use crate::editions::render::view::{Letter, Page};

/// The mail is its sender's, so it runs no script, sends no form and frames nothing; its styles and
/// pictures are its own, and its links open where nothing of this holds.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:; \
                             sandbox allow-popups allow-popups-to-escape-sandbox; \
                             frame-ancestors 'self'";
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; \
                           base-uri 'none'; frame-ancestors 'none'";

/// Has links open beside the mail, as mail programs do: our pages refuse to be framed.
const BESIDE: &str = "<base target=\"_blank\">";
const HEAD: &str = "<head>";

struct Mailbox {
    state: State,
    folder: PathBuf,
}

type Shared = extract::State<Arc<Mailbox>>;

/// `/mail` shows the newest message, `/mail/{n}` the n-th.
pub fn router(state: State, folder: PathBuf) -> Router {
    Router::new()
        .route("/mail", get(newest))
        .route("/mail/{number}", get(numbered))
        .route("/mail/{number}/body", get(body))
        .with_state(Arc::new(Mailbox { state, folder }))
}

async fn newest(mailbox: Shared) -> Response {
    let count = files(&mailbox.folder).map_or(0, |files| files.len());
    numbered(mailbox, Path(count)).await
}

async fn numbered(extract::State(mailbox): Shared, Path(number): Path<usize>) -> Response {
    let letters = match read_all(&mailbox.folder) {
        Ok(letters) => letters,
        Err(err) => {
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the folder cannot be read: {err}"),
            )
                .into_response();
        }
    };
    let current = letters
        .get(number.wrapping_sub(1))
        .map(|(letter, _)| letter.clone());
    let status = if current.is_some() {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    let page = Page::Mailbox {
        letters: letters.into_iter().map(|(letter, _)| letter).collect(),
        current,
    };
    match mailbox.state.templates.page(&mailbox.state.site, &page) {
        Ok(page) => (
            status,
            [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)],
            Html(page),
        )
            .into_response(),
        Err(err) => (StatusCode::INTERNAL_SERVER_ERROR, crate::task::chain(&err)).into_response(),
    }
}

async fn body(extract::State(mailbox): Shared, Path(number): Path<usize>) -> Response {
    let letters = read_all(&mailbox.folder).unwrap_or_default();
    match letters.into_iter().nth(number.wrapping_sub(1)) {
        Some((_, html)) => (
            [(header::CONTENT_SECURITY_POLICY, LETTER_POLICY)],
            Html(html.replacen(HEAD, &format!("{HEAD}{BESIDE}"), 1)),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The messages, oldest first.
fn files(folder: &FilePath) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "eml")
        {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Each message with its HTML part.
fn read_all(folder: &FilePath) -> io::Result<Vec<(Letter, String)>> {
    files(folder)?
        .iter()
        .zip(1..)
        .map(|(path, number)| Ok(read(number, &fs::read(path)?)))
        .collect()
}

fn read(number: usize, bytes: &[u8]) -> (Letter, String) {
    let message = MessageParser::default().parse(bytes).unwrap_or_default();
    let mailbox = |address: Option<&mail_parser::Address<'_>>| {
        let first = address.and_then(mail_parser::Address::first);
        first.map_or_else(String::new, |mailbox| {
            match (mailbox.name(), mailbox.address()) {
                (Some(name), Some(address)) => format!("{name} <{address}>"),
                (name, address) => name.or(address).unwrap_or_default().to_owned(),
            }
        })
    };
    let letter = Letter {
        number,
        from: mailbox(message.from()),
        to: mailbox(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message
            .date()
            .map(mail_parser::DateTime::to_rfc3339)
            .unwrap_or_default(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        size_kb: bytes.len().div_ceil(1000),
    };
    (
        letter,
        message.body_html(0).unwrap_or_default().into_owned(),
    )
}
