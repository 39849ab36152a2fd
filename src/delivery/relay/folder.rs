//! A folder of `.eml` files: for demos, for inspection, or for another program to pick up.

use std::path::{Path, PathBuf};

use tokio::{
    fs::{self, File},
    io::{self, AsyncWriteExt},
};

use super::{Refusal, RelayError, Sent};
use crate::delivery::compose::Message;

#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes the folder where there is none.
    pub(super) async fn open(&self) -> Result<Self, RelayError> {
        let made = fs::create_dir_all(&self.path).await;
        made.map_err(|source| RelayError::Unreachable {
            relay: format!("folder:{}", self.path.display()),
            source,
        })?;
        Ok(self.clone())
    }

    /// Whoever watches the folder sees whole messages only. The same message twice is one file.
    pub(super) async fn write(&self, message: &Message) -> Sent {
        let name = format!("{}.eml", message.id);
        match self.replace(&name, &message.bytes).await {
            Ok(()) => Sent::Accepted {
                reply: format!("written to {name}"),
            },
            Err(err) => Sent::Refused {
                refusal: Refusal::Away,
                reply: format!("cannot write {name}: {err}"),
            },
        }
    }

    async fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join(format!(".{name}.part"));
        let mut file = File::create(&unfinished).await?;
        file.write_all(bytes).await?;
        file.sync_all().await?;
        fs::rename(&unfinished, self.path.join(name)).await?;
        sync_folder(&self.path).await
    }
}

/// Makes a rename outlast a power cut.
async fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path).await?.sync_all().await
}
