//! Orders to a running daemon, over a unix socket in the data folder.
//!
//! A client sends one line, [`Ask`], and reads [`Frame`]s, a line each, until the last one.

use std::{
    fs::Permissions,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use super::{
    app::App,
    cli::{
        order::{Done, Order},
        output::{Format, Out, Printer, Said, complain},
    },
};
use crate::delivery::without_addresses;

#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    /// Of the program that asks: orders change from one version to the next.
    version: String,
    order: Order,
    format: Format,
}

#[derive(Debug, Serialize, Deserialize)]
enum Frame {
    Said(Said),
    Done(Done),
    Failed(String),
}

/// The longest order that is read: a CSV file of a million addresses fits.
const LONGEST_ASK: u64 = 128_000_000;

fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Listens for orders. The caller holds the store, so a socket that is there already is a dead one.
pub fn listen(data_dir: &Path) -> Result<UnixListener> {
    let path = socket(data_dir);
    match std::fs::remove_file(&path) {
        Err(err) if err.kind() != ErrorKind::NotFound => {
            return Err(err).with_context(|| format!("remove {}", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(&path).with_context(|| format!("listen at {}", path.display()))?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Obeys orders until the app retires; those in hand are finished.
pub async fn serve(listener: Arc<UnixListener>, app: Arc<App>) {
    let mut orders = JoinSet::new();
    loop {
        tokio::select! {
            () = app.retired.cancelled() => break,
            Some(_) = orders.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    orders.spawn(attend(stream, app.clone()));
                }
                Err(err) => tracing::warn!("an order could not be received: {err}"),
            },
        }
    }
    while orders.join_next().await.is_some() {}
}

async fn attend(stream: UnixStream, app: Arc<App>) {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let last = match BufReader::new(reader.take(LONGEST_ASK))
        .read_line(&mut line)
        .await
    {
        Err(err) => Frame::Failed(format!("the order could not be read: {err}")),
        Ok(_) => match serde_json::from_str::<Ask>(&line) {
            Ok(ask) if ask.version == env!("CARGO_PKG_VERSION") => {
                let (out, mut said) = Out::new(ask.format);
                // What delivery complains of is not for the eyes of whoever asked alone.
                let delivers = matches!(ask.order, Order::Digest(_));
                let obey = async {
                    let done = ask.order.obey(&app, &out).await;
                    drop(out);
                    done
                };
                let forward = async {
                    while let Some(said) = said.recv().await {
                        if let (true, Said::Note(note)) = (delivers, &said) {
                            tracing::warn!("{}", without_addresses(note));
                        }
                        // Somebody who hung up does not stop the work: the rest is read and dropped.
                        let _ = send(&mut writer, &Frame::Said(said)).await;
                    }
                };
                match tokio::join!(obey, forward).0 {
                    Ok(done) => Frame::Done(done),
                    Err(err) => Frame::Failed(format!("{err:#}")),
                }
            }
            Ok(ask) => Frame::Failed(format!(
                "the daemon is version {}, this is {}: restart the daemon",
                env!("CARGO_PKG_VERSION"),
                ask.version
            )),
            Err(err) => Frame::Failed(format!("the daemon does not know this order: {err}")),
        },
    };
    let _ = send(&mut writer, &last).await;
}

async fn send(writer: &mut (impl AsyncWriteExt + Unpin), frame: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    Ok(writer.write_all(&line).await?)
}

/// Reaches the daemon of this data folder, if one runs.
pub async fn connect(data_dir: &Path) -> Result<Option<UnixStream>> {
    let path = socket(data_dir);
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(err)
            if matches!(
                err.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(err) => Err(err).with_context(|| format!("reach the daemon at {}", path.display())),
    }
}

/// Has the daemon obey `order` and prints what it says.
pub async fn ask(
    daemon: UnixStream,
    order: &Order,
    format: Format,
    mut printer: Printer,
) -> Result<ExitCode> {
    let (reader, mut writer) = daemon.into_split();
    let ask = Ask {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        order: order.clone(),
        format,
    };
    send(&mut writer, &ask)
        .await
        .context("send the order to the daemon")?;
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines
        .next_line()
        .await
        .context("read the daemon's answer")?
    {
        match serde_json::from_str(&line).context("understand the daemon's answer")? {
            Frame::Said(said) => printer.say(said),
            Frame::Done(done) => return Ok(printer.exit(done)),
            Frame::Failed(why) => {
                complain(&why);
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    bail!("the daemon ended before it had answered")
}
