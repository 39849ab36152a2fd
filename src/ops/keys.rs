//! The keys of this installation: made once, kept beside the store, part of every backup.

use std::{fs::DirBuilder, io::ErrorKind, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::{Context, Result};
use ring::rand::{SecureRandom, SystemRandom};

use super::private;
use crate::{secret::Key, subscribers::token::Keyring};

#[derive(Debug)]
pub struct Keys {
    /// Sign the links in mail.
    pub tokens: Keyring,
    /// Sign the return paths of mail.
    pub bounces: Keyring,
    /// Hides the addresses of those who opted out of everything.
    pub suppression: Key,
}

impl Keys {
    /// Reads the keys below `data_dir`, or makes them.
    ///
    /// The files `tokens` and `bounces` may hold several, one a line: the last one signs, the earlier
    /// ones still verify, so that old mail is still understood after a rotation.
    pub fn open(data_dir: &Path) -> Result<Keys> {
        let folder = data_dir.join("keys");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("create {}", folder.display()))?;
        Ok(Keys {
            tokens: keyring(&folder.join("tokens"))?,
            bounces: keyring(&folder.join("bounces"))?,
            suppression: keyring(&folder.join("suppression"))?.current,
        })
    }
}

/// The keys of a file: the last one is current.
fn keyring(path: &Path) -> Result<Keyring> {
    let mut retired = read(path)?;
    let current = retired
        .pop()
        .with_context(|| format!("{} is empty", path.display()))?;
    Ok(Keyring { current, retired })
}

fn read(path: &Path) -> Result<Vec<Key>> {
    make(path).with_context(|| format!("create {}", path.display()))?;
    let text =
        private::read(path).map_err(|unfit| anyhow::anyhow!("{} {unfit}", path.display()))?;
    let keys = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(parse)
        .collect::<Option<Vec<Key>>>();
    keys.with_context(|| {
        format!(
            "{} must hold keys of 64 hexadecimal digits, one a line",
            path.display()
        )
    })
}

/// Makes a file with one fresh key, whole or not at all, unless it exists.
fn make(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut bytes = [0; Key::BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("no randomness to be had")?;
    let text: String = bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .chain(["\n".to_owned()])
        .collect();
    match private::create(path, &text) {
        // Another process was faster: its key stands, ours is dropped.
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => Ok(done?),
    }
}

fn parse(line: &str) -> Option<Key> {
    let digits = line.as_bytes();
    if digits.len() != 2 * Key::BYTES {
        return None;
    }
    let mut bytes = [0; Key::BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Key::new(&bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn keys_are_made_once_private_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keys::open(dir.path()).unwrap();
        let second = Keys::open(dir.path()).unwrap();

        assert_eq!(
            first.suppression.mac("test", &[]),
            second.suppression.mac("test", &[])
        );
        assert_ne!(
            first.suppression.mac("test", &[]),
            first.tokens.current.mac("test", &[])
        );
        assert_ne!(
            first.bounces.current.mac("test", &[]),
            first.tokens.current.mac("test", &[])
        );
        for name in ["tokens", "bounces", "suppression"] {
            let file = fs::metadata(dir.path().join("keys").join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_rotated_key_still_verifies_and_a_readable_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let old = Keys::open(dir.path()).unwrap().tokens.current;
        let path = dir.path().join("keys/tokens");
        let rotated = fs::read_to_string(&path).unwrap() + &"ab".repeat(32) + "\n";
        fs::write(&path, rotated).unwrap();
        let keys = Keys::open(dir.path()).unwrap();

        assert_eq!(
            keys.tokens.retired[0].mac("test", &[]),
            old.mac("test", &[])
        );

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            Keys::open(dir.path())
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
    }
}
