//! What a command says, on its way to the terminal.

use std::{io::Write, path::PathBuf, process::ExitCode};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{USAGE, order::Done, table::Table};
use crate::ops::config::reader::Problem;

/// How the one who asked wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Tables, at most so many columns wide if they go to a terminal.
    People { width: Option<u16> },
    /// JSON Lines.
    Programs,
}

impl Format {
    /// What suits the standard output of this process.
    pub fn here(json: bool) -> Format {
        if json {
            return Format::Programs;
        }
        Format::People {
            width: console::Term::stdout()
                .size_checked()
                .map(|(_, columns)| columns),
        }
    }
}

/// One thing said; also what goes over the control socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Said {
    /// For standard output, as it is.
    Text(String),
    /// For standard error, a line.
    Note(String),
    Progress {
        done: u64,
        total: u64,
        what: String,
    },
    /// To be written where the asker is.
    File {
        path: PathBuf,
        text: String,
    },
}

/// Where a command says what it has to say.
#[derive(Clone, Debug)]
pub struct Out {
    format: Format,
    said: mpsc::Sender<Said>,
}

impl Out {
    pub fn new(format: Format) -> (Out, mpsc::Receiver<Said>) {
        let (said, receiver) = mpsc::channel(64);
        (Out { format, said }, receiver)
    }

    pub fn wants_json(&self) -> bool {
        self.format == Format::Programs
    }

    /// A table for people; for programs each of `objects`, one a line.
    pub async fn rows<T: Serialize>(
        &self,
        objects: &[T],
        table: impl FnOnce() -> Table,
    ) -> anyhow::Result<()> {
        match self.format {
            Format::People { width } => self.text(table().lay_out(width)).await,
            Format::Programs => {
                for object in objects {
                    self.object(object).await?;
                }
            }
        }
        Ok(())
    }

    /// One object, one line.
    pub async fn object(&self, object: &impl Serialize) -> anyhow::Result<()> {
        self.text(serde_json::to_string(object)? + "\n").await;
        Ok(())
    }

    pub async fn text(&self, text: String) {
        self.say(Said::Text(text)).await;
    }

    /// A line for people only.
    pub async fn line(&self, line: String) {
        if !self.wants_json() {
            self.text(line + "\n").await;
        }
    }

    pub async fn note(&self, note: String) {
        self.say(Said::Note(note)).await;
    }

    pub async fn progress(&self, done: u64, total: u64, what: &str) {
        self.say(Said::Progress {
            done,
            total,
            what: what.to_owned(),
        })
        .await;
    }

    pub async fn file(&self, path: PathBuf, text: String) {
        self.say(Said::File { path, text }).await;
    }

    /// Somebody who no longer listens does not stop the work.
    async fn say(&self, said: Said) {
        let _ = self.said.send(said).await;
    }
}

/// Prints what is said; shows progress where a terminal watches.
#[derive(Debug, Default)]
pub struct Printer {
    bar: Option<ProgressBar>,
    /// Something that was said could not be written where it should be.
    failed: bool,
}

impl Printer {
    pub async fn print(&mut self, mut said: mpsc::Receiver<Said>) {
        while let Some(said) = said.recv().await {
            self.say(said);
        }
        self.clear();
    }

    /// The exit code of a command that ends with `done`.
    pub fn exit(&self, done: Done) -> ExitCode {
        match done {
            Done::Wholly if !self.failed => ExitCode::SUCCESS,
            Done::Wholly | Done::InPart => ExitCode::FAILURE,
        }
    }

    pub fn say(&mut self, said: Said) {
        match said {
            Said::Text(text) => {
                self.clear();
                tell(&text);
            }
            Said::Note(note) => {
                self.clear();
                complain(&note);
            }
            Said::Progress { done, total, what } => self.show(done, total, what),
            Said::File { path, text } => {
                let folder = path.parent().map(std::fs::create_dir_all).unwrap_or(Ok(()));
                match folder.and_then(|()| std::fs::write(&path, text)) {
                    Ok(()) => tell(&format!("{}\n", path.display())),
                    Err(err) => {
                        self.failed = true;
                        complain(&format!("{} cannot be written: {err}", path.display()));
                    }
                }
            }
        }
    }

    /// Bars draw on standard error and only where that is a terminal.
    fn show(&mut self, done: u64, total: u64, what: String) {
        let bar = self.bar.get_or_insert_with(|| {
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
        });
        let template = match done {
            0 => "{bar:30} {pos}/{len} {msg}",
            _ => "{bar:30} {pos}/{len} {msg}, {eta} left",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_length(total);
        bar.set_message(what);
        bar.set_position(done);
        // Only now is there something to see.
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.tick();
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Text on standard output, for the commands that print by themselves.
pub fn tell(text: &str) {
    // A reader that closed its end, as `head` does, is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Tells what is wrong with a configuration; a program that ends with this code changed nothing.
pub fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        complain(&problem.to_string());
    }
    ExitCode::from(USAGE)
}

/// A line on standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "courant: {line}");
}
