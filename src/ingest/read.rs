//! Asks a source for its document, whatever kind of source it is.

pub(super) mod page;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    IngestStore, defect,
    parse::{Given, Kind, Unreadable, parse},
    plain, sidecar,
};
use crate::{
    port,
    sources::{
        FeedUrl, FullText, Origin, Poll, Source, Validators,
        entry::{Document, Entry},
        fetch::{Fetched, Fetcher},
        folder::{self, File, Patience, Reading},
        schedule::Arrival,
        visit::Visitor,
    },
    task::chain,
};

/// Entries of one document that a stranger serves; what follows is left out. The operator's own
/// files have no such bound.
pub(super) const MOST_ENTRIES: usize = 5000;

/// When a folder is read again in which something was being written.
const SOON: Duration = Duration::from_secs(3);

/// Reads feeds and pages over HTTP, and folders of files.
#[derive(Clone)]
pub struct Reader {
    pub fetcher: Fetcher,
    pub visitor: Visitor,
    /// Tells which pages need not be fetched.
    pub store: Arc<dyn IngestStore>,
}

/// Who wants a source polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Somebody waits for the answer.
    ByOperator,
    /// There will be another poll.
    BySchedule,
}

/// What a source brought.
#[derive(Debug)]
pub enum Brought {
    Entries {
        entries: Vec<Entry>,
        /// What relative links of entries without an address start from.
        home: Url,
        arrival: Box<Arrival>,
    },
    NotModified {
        validators: Validators,
        max_age: Option<Duration>,
        moved: Option<FeedUrl>,
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
    /// Reads on from `before`, which also says where to ask.
    pub async fn read(
        &self,
        source: &Source,
        before: &Poll,
        asked: Asked,
        now: DateTime<Utc>,
    ) -> port::Result<Brought> {
        let validators = before.conditions(now);
        let mut brought = match &source.origin {
            Origin::Feed(url) => {
                let url = source.asked(before).unwrap_or(url);
                self.fetch(url, &validators, now).await
            }
            Origin::Page(listing) => self.listing(source, listing, before, now).await?,
            Origin::Folder(path) => {
                let patience = match asked {
                    Asked::ByOperator => Patience::None,
                    Asked::BySchedule => Patience::UntilSettled { now },
                };
                read_folder(path, &validators, patience).await
            }
            Origin::Push(_) => Brought::failed("is pushed to, not polled".to_owned()),
        };
        if let (
            FullText::Fetched,
            Brought::Entries {
                entries, arrival, ..
            },
        ) = (source.full_text, &mut brought)
        {
            self.full_text(source, entries, arrival, now).await?;
        }
        Ok(brought)
    }

    async fn fetch(&self, url: &FeedUrl, validators: &Validators, now: DateTime<Utc>) -> Brought {
        let fetched = self.fetcher.fetch(url, validators, now).await;
        self.visitor.asked(url.url());
        let download = match fetched {
            Fetched::Document(download) => *download,
            Fetched::NotModified {
                validators,
                max_age,
                moved,
            } => {
                return Brought::NotModified {
                    validators,
                    max_age,
                    moved,
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
                let defects = defect::of_entries(&document, now);
                document.defects.extend(defects);
                // What HTTP says goes before what the document says (WebSub, section 4).
                document.hub = download.hub.or(document.hub);
                let mut arrival = Arrival {
                    moved: download.moved,
                    ..Arrival::of(&document, download.validators, download.max_age)
                };
                if stated > MOST_ENTRIES {
                    arrival.unread.push(format!(
                        "{} further entries were left out",
                        stated - MOST_ENTRIES
                    ));
                }
                Brought::Entries {
                    home: document.home_page_url.unwrap_or(download.url),
                    entries: document.entries,
                    arrival: Box::new(arrival),
                }
            }
            Ok((Err(unreadable), _)) => Brought::failed(chain(&unreadable)),
            Err(_) => Brought::failed("the parser gave up on this document".to_owned()),
        }
    }
}

/// All files of a folder as one document; a file that cannot be read does not hold up the others.
async fn read_folder(path: &Path, validators: &Validators, patience: Patience) -> Brought {
    let known = validators.etag.as_deref();
    let (listing, files, skipped, fresh) = match folder::read(path, known, patience).await {
        Ok(Reading::Unchanged) => {
            return Brought::NotModified {
                validators: validators.clone(),
                max_age: None,
                moved: None,
            };
        }
        Ok(Reading::Files {
            listing,
            files,
            skipped,
            fresh,
        }) => (listing, files, skipped, fresh),
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
    unread.extend(
        fresh
            .iter()
            .map(|path| because(path, "it is being written")),
    );
    let validators = Validators {
        etag: Some(listing),
        ..Validators::default()
    };
    let arrival = Arrival {
        unread,
        again: (!fresh.is_empty()).then_some(SOON),
        ..Arrival::of(&document, validators, None)
    };
    Brought::Entries {
        entries: document.entries,
        home,
        arrival: Box::new(arrival),
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
        match read_file(&file, &base) {
            Ok(mut document) => {
                if file.kind != folder::Kind::Feed {
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

fn read_file(file: &File, base: &Url) -> Result<Document, Unreadable> {
    let given = |kind| Given {
        base,
        content_type: None,
        kind,
    };
    let mut document = match file.kind {
        folder::Kind::Feed => parse(&file.bytes, &given(Kind::Feed))?,
        folder::Kind::Page => parse(&file.bytes, &given(Kind::Page))?,
        folder::Kind::Markdown => parse(&file.bytes, &given(Kind::Markdown))?,
        folder::Kind::Text if file.bytes.trim_ascii().is_empty() => return Err(Unreadable::Empty),
        folder::Kind::Text => Document {
            entries: vec![plain::entry(&file.bytes, base)],
            ..Document::default()
        },
    };
    if let Some(bytes) = &file.sidecar {
        let name = file.path.with_extension("toml").display().to_string();
        for entry in &mut document.entries {
            document
                .defects
                .extend(sidecar::apply(bytes, &name, base, entry));
        }
    }
    Ok(document)
}

fn because(path: &Path, why: &str) -> String {
    format!("{} was not read: {why}", path.display())
}
