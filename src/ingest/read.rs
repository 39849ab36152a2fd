//! Asks a source for its document, whatever kind of source it is.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use url::Url;

use super::parse::{Given, Kind, parse};
use crate::{
    sources::{
        FeedUrl, Origin, Source, Validators,
        entry::{Document, Entry},
        fetch::{Fetched, Fetcher},
        folder::{self, File, Reading},
        schedule::Arrival,
    },
    task::chain,
};

/// Entries of one document that a stranger serves; what follows is left out. The operator's own
/// files have no such bound.
pub(super) const MOST_ENTRIES: usize = 5000;

/// Reads feeds over HTTP and folders of files.
#[derive(Clone, Debug)]
pub struct Reader {
    pub fetcher: Fetcher,
}

/// What a source brought.
#[derive(Debug)]
pub enum Brought {
    Entries {
        entries: Vec<Entry>,
        /// What relative links of entries without an address start from.
        home: Url,
        arrival: Arrival,
    },
    NotModified {
        validators: Validators,
        max_age: Option<Duration>,
    },
    Gone,
    Failed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl Brought {
    fn failed(reason: String) -> Self {
        Brought::Failed {
            reason,
            retry_after: None,
        }
    }
}

impl Reader {
    pub async fn read(
        &self,
        source: &Source,
        validators: &Validators,
        now: DateTime<Utc>,
    ) -> Brought {
        match &source.origin {
            Origin::Feed(url) => self.fetch(url, validators, now).await,
            Origin::Folder(path) => read_folder(path, validators).await,
            Origin::Push(_) => Brought::failed("is pushed to, not polled".to_owned()),
        }
    }

    async fn fetch(&self, url: &FeedUrl, validators: &Validators, now: DateTime<Utc>) -> Brought {
        let download = match self.fetcher.fetch(url, validators, now).await {
            Fetched::Document(download) => *download,
            Fetched::NotModified {
                validators,
                max_age,
            } => {
                return Brought::NotModified {
                    validators,
                    max_age,
                };
            }
            Fetched::Gone => return Brought::Gone,
            Fetched::Failed {
                reason,
                retry_after,
            } => {
                return Brought::Failed {
                    reason,
                    retry_after,
                };
            }
        };
        let parsed = tokio::task::spawn_blocking(move || {
            let given = Given {
                base: &download.url,
                content_type: download.content_type.as_deref(),
                kind: Kind::Feed,
            };
            (parse(&download.bytes, &given), download)
        });
        match parsed.await {
            Ok((Ok(mut document), download)) => {
                let stated = document.entries.len();
                document.entries.truncate(MOST_ENTRIES);
                let mut arrival = Arrival::of(&document, download.validators, download.max_age);
                // What HTTP says goes before what the document says (WebSub, section 4).
                arrival.hub = download.hub.map(Box::new).or(arrival.hub);
                if stated > MOST_ENTRIES {
                    arrival.unread.push(format!(
                        "{} further entries were left out",
                        stated - MOST_ENTRIES
                    ));
                }
                Brought::Entries {
                    home: document.home_page_url.unwrap_or(download.url),
                    entries: document.entries,
                    arrival,
                }
            }
            Ok((Err(unreadable), _)) => Brought::failed(chain(&unreadable)),
            Err(_) => Brought::failed("the parser gave up on this document".to_owned()),
        }
    }
}

/// All files of a folder as one document; a file that cannot be read does not hold up the others.
async fn read_folder(path: &Path, validators: &Validators) -> Brought {
    let (listing, files, skipped) = match folder::read(path, validators.etag.as_deref()).await {
        Ok(Reading::Unchanged) => {
            return Brought::NotModified {
                validators: validators.clone(),
                max_age: None,
            };
        }
        Ok(Reading::Files {
            listing,
            files,
            skipped,
        }) => (listing, files, skipped),
        Err(err) => return Brought::failed(chain(&err)),
    };
    let root = match std::path::absolute(path)
        .ok()
        .and_then(|path| Url::from_directory_path(path).ok())
    {
        Some(root) => root,
        None => return Brought::failed(format!("{} has no absolute path", path.display())),
    };
    let home = root.clone();
    let parsed = tokio::task::spawn_blocking(move || merge(&root, files));
    let Ok((document, mut unread)) = parsed.await else {
        return Brought::failed("the parser gave up on a file of this folder".to_owned());
    };
    unread.extend(
        skipped
            .iter()
            .map(|skipped| because(&skipped.path, &skipped.why)),
    );
    if document.entries.is_empty() && !unread.is_empty() {
        return Brought::failed(unread.join("; "));
    }
    let validators = Validators {
        etag: Some(listing),
        ..Validators::default()
    };
    let arrival = Arrival {
        unread,
        ..Arrival::of(&document, validators, None)
    };
    Brought::Entries {
        entries: document.entries,
        home,
        arrival,
    }
}

/// All that the files hold, and the files that could not be read.
fn merge(root: &Url, files: Vec<File>) -> (Document, Vec<String>) {
    let mut merged = Document::default();
    let mut unread = Vec::new();
    for file in files {
        let base = root
            .join(&file.path.to_string_lossy())
            .unwrap_or_else(|_| root.clone());
        let kind = match file.kind {
            folder::Kind::Feed => Kind::Feed,
            folder::Kind::Page => Kind::Page,
            folder::Kind::Markdown => Kind::Markdown,
        };
        match parse(
            &file.bytes,
            &Given {
                base: &base,
                content_type: None,
                kind,
            },
        ) {
            Ok(mut document) => {
                if kind != Kind::Feed {
                    // A page or text is known by its place in the folder unless it names a guid.
                    for entry in &mut document.entries {
                        entry
                            .guid
                            .get_or_insert_with(|| file.path.to_string_lossy().into_owned());
                    }
                }
                merged.entries.append(&mut document.entries);
                merged.defects.append(&mut document.defects);
            }
            Err(unreadable) => unread.push(because(&file.path, &chain(&unreadable))),
        }
    }
    (merged, unread)
}

fn because(path: &Path, why: &str) -> String {
    format!("{} was not read: {why}", path.display())
}
