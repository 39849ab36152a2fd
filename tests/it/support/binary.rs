//! The built program in a folder of its own, as an operator uses it.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;

/// A folder with a configuration, in which `courant` is run.
pub(crate) struct Courant {
    folder: TempDir,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Each line of standard output as the JSON object that it is.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

const CONFIG: &str = r#"
[site]
title = "The Courant"
base_url = "https://courant.example/"
sender = "editor@courant.example"
postal_address = "1 Press Lane, Saltmere"
data_dir = "data"

[web]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[[source]]
name = "desk"
title = "Our desk"
folder = "desk"
mail_first = 100

[[edition]]
slug = "daily"
title = "The Daily"

[[edition.digest]]
name = "morning"
# The end of February in a year that leaps: no test meets it.
schedule = "0 7 29 2 *"

[[relay]]
name = "main"
connections = 2
"#;

impl Courant {
    /// A desk with two articles, and a folder for the mail.
    pub(crate) fn new() -> Self {
        Self::with_relay("folder:mail")
    }

    pub(crate) fn with_relay(url: &str) -> Self {
        let courant = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        courant.write("courant.toml", &format!("{CONFIG}url = \"{url}\"\n"));
        courant.write_article("Ferry");
        courant.write_article("Lighthouse");
        courant
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn write_article(&self, title: &str) {
        let text = format!(
            "---\ntitle: {title}\ndate: 2026-11-23T05:00:00Z\n---\n\nAll that is known of {title}.\n"
        );
        let path = self.write(&format!("desk/{title}.md"), &text);
        age(&path);
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.path().join("courant.toml")).unwrap()
    }

    /// Runs one command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// The same, with `input` on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(args, "")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap().write_all(input.as_bytes());
        // Many commands do not read it.
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that is to succeed and to say nothing on standard error.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{args:?}: {ran:?}");
        ran
    }

    /// Starts a command; `shell` runs before it in the same process.
    pub(crate) fn spawn(&self, args: &[&str], shell: &str) -> Child {
        self.command(args, shell).spawn().unwrap()
    }

    fn command(&self, args: &[&str], shell: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{shell} exec \"$@\""), "sh"])
            .arg(env!("CARGO_BIN_EXE_courant"))
            .args(["--config", "courant.toml"])
            .args(args)
            .current_dir(self.path())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the daemon and waits until it runs.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon_after("", &["run"])
    }

    pub(crate) fn daemon_after(&self, shell: &str, args: &[&str]) -> Daemon {
        let mut child = self.spawn(args, shell);
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Who waits for no more lines has gone.
                let _ = sender.send(line);
            }
        });
        let mut daemon = Daemon {
            child,
            lines,
            log: String::new(),
            public: String::new(),
        };
        let running = daemon.wait_for("is running");
        let running: Value = serde_json::from_str(&running).unwrap();
        daemon.public = running["public"].as_str().unwrap().to_owned();
        daemon
    }
}

/// Has a file look as if it was written long ago, each time at another second: the daemon leaves
/// fresh ones for a later look.
pub(crate) fn age(path: &Path) {
    static AGED: AtomicU64 = AtomicU64::new(1_700_000_000);
    let written = Duration::from_secs(AGED.fetch_add(1, Ordering::Relaxed));
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + written).unwrap();
}

/// A running daemon; killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<String>,
    /// Every line that was waited for, and those before it.
    pub(crate) log: String,
    public: String,
}

impl Daemon {
    /// Reads the log up to the first line with `part` in it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        while let Ok(line) = self.lines.recv() {
            writeln!(self.log, "{line}").unwrap();
            if line.contains(part) {
                return line;
            }
        }
        panic!("the daemon ended and never said {part}:\n{}", self.log);
    }

    pub(crate) fn client(&self) -> Client {
        Client(self.public.parse::<SocketAddr>().unwrap())
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Asks it to stop; returns its exit code and the whole log.
    pub(crate) fn stop(mut self) -> (i32, String) {
        self.signal("TERM");
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        while let Ok(line) = self.lines.recv() {
            writeln!(self.log, "{line}").unwrap();
        }
        (code, std::mem::take(&mut self.log))
    }

    /// As a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
