//! The built program on its command line.

use std::{fs, net::TcpListener, path::Path};

use serde_json::{Value, json};

use crate::support::{
    binary::{Courant, Ran},
    http::{Reply, Server},
    mail::Mail,
    smtp::SmtpServer,
};

const CONSENT: [&str; 4] = ["--edition", "daily", "--basis", "a list on paper"];

impl Courant {
    fn import(&self, file: &str) -> Ran {
        self.run(&[&["subscribers", "import", file][..], &CONSENT].concat())
    }

    fn add(&self, address: &str) -> Ran {
        self.run(
            &[
                &["subscribers", "add", address, "--confirmed"][..],
                &CONSENT,
            ]
            .concat(),
        )
    }

    fn mails(&self) -> Vec<Mail> {
        Mail::in_folder(&self.path().join("mail"))
    }
}

#[test]
fn an_exit_code_says_whose_fault_it_is() {
    let courant = Courant::new();
    for (code, args) in [
        (0, "--help"),
        (0, "--version"),
        (0, "help digest send"),
        (0, "check"),
        (0, "articles list"),
        (0, "outbox list"),
        (1, "articles show 99"),
        (1, "feed weekly"),
        (1, "ingest --source nobody"),
        (1, "digest preview weekly"),
        (1, "digest send daily --digest evening"),
        (1, "subscribers add ann@example.org --edition weekly"),
        (
            1,
            "subscribers import nowhere.csv --edition daily --basis paper",
        ),
        (1, "parse nowhere.xml"),
        (64, ""),
        (64, "nonsense"),
        (64, "articles"),
        (64, "articles show first"),
        (64, "feed daily --format pdf"),
        (64, "digest preview daily --at noon"),
        (64, "subscribers add nobody --edition daily"),
        (
            64,
            "subscribers add ann@example.org --edition daily --confirmed",
        ),
        (64, "run --log loud"),
        (64, "check --config nowhere.toml"),
    ] {
        let words: Vec<&str> = args.split_whitespace().collect();
        let ran = courant.run(&words);
        assert_eq!(ran.code, code, "courant {args}: {ran:?}");
        assert_eq!(ran.stderr.is_empty(), code == 0, "courant {args}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "courant {args}: {ran:?}");
    }
}

#[test]
fn what_init_writes_is_sound_and_never_overwritten() {
    let courant = Courant::new();
    let home = courant.path().join("home");
    courant.ok(&["init", "home"]);
    let config = home.join("config/courant.toml");
    assert!(home.join("templates/mail/digest/body.html").exists());

    let checked = courant.run(&["--config", "home/config/courant.toml", "check"]);
    assert_eq!((checked.code, &*checked.stderr), (0, ""), "{checked:?}");

    fs::write(&config, "# mine\n").unwrap();
    let again = courant.run(&["init", "home"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("exists already"), "{again:?}");
    assert_eq!(fs::read_to_string(&config).unwrap(), "# mine\n");
}

#[test]
fn check_names_what_the_configuration_names_and_is_not_there() {
    let courant = Courant::new();
    let config = courant.config();
    let site = "[site]\ntemplates = \"templates\"";
    let config = config
        .replace("[site]", site)
        .replace("\"desk\"", "\"nowhere\"");
    courant.write("courant.toml", &config);
    courant.write("templates/web/index.html", "{% if %}");

    for command in ["check", "run"] {
        let Ran { code, stderr, .. } = courant.run(&[command]);
        assert_eq!(code, 64, "{command}");
        assert!(stderr.contains("nowhere"), "{stderr}");
        assert!(stderr.contains("templates/web/index.html"), "{stderr}");
    }
    let told = courant.run(&["--json", "check"]);
    assert_eq!(told.code, 64);
    for problem in told.objects() {
        assert!(problem["file"].is_string() && problem["what"].is_string());
    }

    courant.write("courant.toml", "[site]\ntitle = The Courant\n");
    let Ran { code, stderr, .. } = courant.run(&["check"]);
    assert_eq!(code, 64);
    assert!(stderr.contains("courant.toml: line 2: "), "{stderr}");
}

#[test]
fn a_removed_article_is_named_and_stays_away_beside_a_daemon_and_without() {
    let courant = Courant::new();
    courant.ok(&["ingest"]);

    let ran = courant.run(&["articles", "remove", "1", "99"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.starts_with("removed 1 "), "{ran:?}");
    assert!(ran.stderr.contains("there is no article 99"), "{ran:?}");

    let daemon = courant.daemon();
    let told = courant.ok(&["--json", "articles", "remove", "2"]);
    assert_eq!(told.objects()[0]["id"], 2);
    assert!(told.objects()[0]["title"].is_string());
    assert_eq!(courant.run(&["articles", "remove", "2"]).code, 1);
    courant.write_article("Barrier");
    courant.ok(&["ingest"]);
    let listed = courant.ok(&["--json", "articles", "list"]);
    let titles: Vec<Value> = listed
        .objects()
        .iter()
        .map(|article| article["title"].clone())
        .collect();
    assert_eq!(titles, ["Barrier"]);
    daemon.stop();
}

#[test]
fn a_source_that_is_pushed_to_is_not_polled_by_command() {
    let courant = Courant::new();
    let push = "\n[[source]]\nname = \"newsroom\"\npush = true\ntoken_file = \"token\"\n";
    courant.write("courant.toml", &(courant.config() + push));
    courant.write("token", "0123456789abcdef\n");

    let polled = courant.ok(&["--json", "ingest"]);
    assert_eq!(polled.objects().len(), 1);
    let asked = courant.run(&["ingest", "--source", "newsroom"]);
    assert_eq!(asked.code, 1);
    assert!(asked.stderr.contains("pushed to, not polled"), "{asked:?}");

    courant.write("token", "short\n");
    let refused = courant.run(&["ingest"]);
    assert_eq!(refused.code, 64);
    assert!(
        refused.stderr.contains("source[1].token_file"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("short\n"), "{refused:?}");
}

/// Everything that can be asked of a store, one after the other.
fn session(courant: &Courant) -> Vec<Ran> {
    courant.write_article("Barrier");
    courant.write(
        "people.csv",
        "name,email\nAnn,ann@example.org\nBob,bob-at-example.org\nCid,cid@example.org\n",
    );
    let mut said = vec![
        courant.run(&["--json", "ingest"]),
        courant.run(&["articles", "list"]),
        courant.run(&[
            "--json", "articles", "list", "--source", "desk", "--limit", "2",
        ]),
        courant.run(&["articles", "show", "1"]),
        courant.run(&["--json", "articles", "show", "1"]),
        courant.run(&["articles", "show", "99"]),
        courant.run(&["editions", "list"]),
        courant.run(&["feed", "daily"]),
        courant.run(&["feed", "daily", "--format", "atom"]),
        courant.run(&["feed", "daily", "--format", "json"]),
        courant.import("people.csv"),
        courant.add("dan@example.org"),
        courant.add("dan@example.org"),
        courant.run(&["subscribers", "unsubscribe", "dan@example.org"]),
        courant.add("dan@example.org"),
        courant.run(&["subscribers", "list"]),
        courant.run(&["--json", "subscribers", "list", "--edition", "daily"]),
        courant.run(&["digest", "preview", "daily"]),
        courant.run(&["digest", "preview", "daily", "--out", "preview"]),
        courant.run(&["digest", "send", "daily", "--test", "eve@example.org"]),
        courant.run(&["digest", "send", "daily"]),
        courant.run(&["digest", "send", "daily"]),
        courant.run(&["outbox", "list"]),
        courant.run(&["--json", "outbox", "list", "--limit", "2"]),
        courant.run(&["editions", "list", "--json"]),
    ];
    for ran in &mut said {
        let folder = courant.path().display().to_string();
        let eml = |word: &str| if word.contains(".eml") { "EML" } else { word }.to_owned();
        for text in [&mut ran.stdout, &mut ran.stderr] {
            let words: Vec<String> = text.replace(&folder, "").split(' ').map(eml).collect();
            *text = without_numbers(&words.join(" "));
        }
    }
    said
}

/// Times differ from one run to the next, and identifiers come from the folder's name.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split("urn:uuid:");
    let first = parts.next().unwrap_or_default().to_owned();
    let text: String = parts.fold(first, |text, part| text + "UUID" + &part[36..]);
    let mut text: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    while text.contains("00") {
        text = text.replace("00", "0");
    }
    text
}

#[test]
fn commands_say_the_same_beside_a_daemon_and_without() {
    let (alone, beside) = (Courant::new(), Courant::new());
    for courant in [&alone, &beside] {
        courant.ok(&["ingest"]);
    }
    let daemon = beside.daemon();

    let (said_alone, said_beside) = (session(&alone), session(&beside));

    for (alone, beside) in said_alone.iter().zip(&said_beside) {
        assert_eq!(alone, beside);
    }
    let codes: Vec<i32> = said_alone.iter().map(|ran| ran.code).collect();
    let failed: Vec<usize> = (0..codes.len()).filter(|n| codes[*n] != 0).collect();
    assert_eq!(failed, [5, 10, 14], "an unknown id, a bad row, an opt-out");
    for courant in [&alone, &beside] {
        let to: Vec<String> = courant.mails().into_iter().map(|mail| mail.to).collect();
        assert_eq!(
            to,
            ["ann@example.org", "cid@example.org", "eve@example.org"]
        );
        let preview = courant.path().join("preview");
        for file in ["subject.txt", "body.txt", "body.html"] {
            let text = fs::read_to_string(preview.join(file)).unwrap();
            assert!(file == "subject.txt" || text.contains("Barrier"), "{text}");
        }
    }
    assert_eq!(daemon.stop().0, 0);
}

#[test]
fn programs_read_a_line_for_each_article() {
    let courant = Courant::new();
    let polled = courant.ok(&["--json", "ingest"]).objects().remove(0);
    assert_eq!(
        (&polled["source"], &polled["new"]),
        (&json!("desk"), &json!(2))
    );

    let listed = courant
        .ok(&["--json", "articles", "list", "--all"])
        .objects();

    assert_eq!(listed.len(), 2);
    for article in listed {
        for key in [
            "id",
            "source",
            "guid",
            "url",
            "title",
            "published",
            "reprints",
            "related",
        ] {
            assert!(article.get(key).is_some(), "{key}: {article}");
        }
    }
    let feed = courant.ok(&["feed", "daily", "--format", "atom"]).stdout;
    assert!(
        feed.starts_with("<?xml") && feed.contains("Lighthouse"),
        "{feed}"
    );
}

#[test]
fn a_bad_row_is_named_by_its_line_and_costs_no_other() {
    let courant = Courant::new();
    courant.write(
        "people.csv",
        "email,name\nann@example.org,Ann\nnobody,Nobody\n\"bob@example.org\",\"Bob\nthe Builder\"\n@,x\n",
    );
    let Ran {
        code,
        stdout,
        stderr,
    } = courant.import("people.csv");
    assert_eq!(code, 1);
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].contains("line 3") && lines[1].contains("line 6"),
        "{stderr}"
    );
    assert!(stdout.starts_with("2 subscribed to daily"), "{stdout}");

    let from_stdin = [&["--json", "subscribers", "import", "-"][..], &CONSENT].concat();
    let ran = courant.run_with(&from_stdin, "email\ncid@example.org\nann@example.org\n");
    let expected = json!({"confirmed": 1, "already": 1, "opted_out": 0, "refused": 0});
    assert_eq!((ran.code, ran.objects()), (0, vec![expected]));

    for (file, bytes, what) in [
        ("empty.csv", &b""[..], "empty.csv"),
        ("latin.csv", b"email\n\xfc@example.org\n", "not UTF-8"),
        ("no-column.csv", b"first,last\nAnn,Lee\n", "no-column.csv"),
    ] {
        fs::write(courant.path().join(file), bytes).unwrap();
        let Ran { code, stderr, .. } = courant.import(file);
        assert_eq!(code, 1, "{file}: {stderr}");
        assert!(stderr.contains(what), "{file}: {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_feed_is_said_and_the_rest_is_read() {
    let courant = Courant::new();
    let server = Server::start(|path| match path {
        "/page" => Reply::new(&["200 OK", "Content-Type: text/html"], b"<p>Hello.</p>"),
        "/picture" => Reply::new(
            &["200 OK", "Content-Type: image/png"],
            b"\x89PNG\r\n\x1a\n\0\0",
        ),
        _ => Reply::new(&["404 Not Found"], b"no"),
    })
    .await;
    let source = |name: &str| {
        let url = server.url(&format!("/{name}"));
        format!("[[source]]\nname = \"{name}\"\nfeed = \"{url}\"\n")
    };
    let names = ["page", "picture", "missing"];
    let fetch = format!(
        "[fetch]\nallow_networks = [\"127.0.0.0/8\"]\nports = [{}]\n",
        server.port()
    );
    let sources = names.map(source).concat();
    let config = courant
        .config()
        .replace("[[edition]]", &format!("{fetch}{sources}[[edition]]"));
    courant.write("courant.toml", &config);

    let ran = courant.run(&["--json", "ingest"]);

    assert_eq!(ran.code, 1);
    for polled in ran.objects() {
        let name = polled["source"].as_str().unwrap();
        assert_eq!(polled["failed"], json!(names.contains(&name)), "{polled}");
        assert_ne!(polled["result"], json!(""));
    }
    assert_eq!(
        courant.ok(&["--json", "articles", "list"]).objects().len(),
        2
    );
    for name in ["picture", "missing"] {
        let parsed = courant.run(&["parse", &server.url(&format!("/{name}"))]);
        assert_eq!((parsed.code, &*parsed.stdout), (1, ""), "{name}");
        assert!(parsed.stderr.contains(&server.url("/")), "{parsed:?}");
    }
}

#[test]
fn a_folder_that_went_away_is_said_and_takes_nothing_with_it() {
    let courant = Courant::new();
    courant.ok(&["ingest"]);
    fs::rename(courant.path().join("desk"), courant.path().join("away")).unwrap();

    let ran = courant.run(&["ingest"]);

    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("cannot read the folder"), "{ran:?}");
    assert_eq!(
        courant.ok(&["--json", "articles", "list"]).objects().len(),
        2
    );
    fs::rename(courant.path().join("away"), courant.path().join("desk")).unwrap();
    let back = courant.ok(&["--json", "ingest"]).objects().remove(0);
    assert_eq!(back["new"], json!(0));
}

#[test]
fn a_second_daemon_says_that_the_store_is_taken() {
    let courant = Courant::new();
    let daemon = courant.daemon();

    let second = courant.run(&["run"]);

    assert_eq!(second.code, 1);
    assert!(second.stderr.contains("another process"), "{second:?}");

    assert!(second.stderr.contains("data/store"), "{second:?}");
    assert!(!second.stderr.contains("panicked"), "{second:?}");
    courant.ok(&["ingest"]);
    assert_eq!(daemon.stop().0, 0);
}

#[test]
fn a_daemon_stops_cleanly_when_told_and_leaves_the_store_to_others() {
    let courant = Courant::new();
    for signal in ["TERM", "INT"] {
        let mut daemon = courant.daemon();
        daemon.signal(signal);
        daemon.wait_for("\"stopped\"");
        assert_eq!(daemon.stop().0, 0, "{signal}");
        courant.ok(&["articles", "list"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_loses_nothing() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let closed = free.local_addr().unwrap().port();
    drop(free);
    for relay in [
        format!("smtp://127.0.0.1:{closed}?tls=none"),
        "folder:courant.toml/mail".to_owned(),
    ] {
        let courant = Courant::with_relay(&relay);
        courant.ok(&["ingest"]);
        courant.add("ann@example.org");

        let refused = courant.run(&["digest", "send", "daily"]);

        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stdout.contains("0 sent, 1 waiting"), "{refused:?}");
        assert!(refused.stderr.contains("the relay"), "{refused:?}");
        let waiting = courant.ok(&["--json", "outbox", "list"]).objects();
        assert_eq!(waiting[0]["status"], json!("scheduled"), "{waiting:?}");

        let server = SmtpServer::start().await;
        let works = format!("smtp://127.0.0.1:{}?tls=none", server.port);
        courant.write("courant.toml", &courant.config().replace(&relay, &works));
        let daemon = courant.daemon();
        server.until(|messages| messages.len() == 1).await;
        assert_eq!(daemon.stop().0, 0);
        let sent = courant.ok(&["--json", "outbox", "list"]).objects();
        assert_eq!(sent[0]["status"], json!("sent"), "{sent:?}");
    }
}

#[test]
fn a_preview_of_an_empty_library_says_so() {
    let courant = Courant::new();
    for command in [
        &["digest", "preview", "daily"][..],
        &["digest", "send", "daily", "--test", "ann@example.org"],
    ] {
        let ran = courant.run(command);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("no articles yet"), "{ran:?}");
    }
}

#[test]
fn a_preview_that_cannot_be_written_fails() {
    let courant = Courant::new();
    courant.ok(&["ingest"]);
    let command = [
        "digest",
        "preview",
        "daily",
        "--out",
        "courant.toml/preview",
    ];

    let alone = courant.run(&command);
    let daemon = courant.daemon();
    let beside = courant.run(&command);

    assert_eq!(alone.code, 1, "{alone:?}");
    assert!(alone.stderr.contains("cannot be written"), "{alone:?}");
    assert_eq!(beside, alone);
    assert_eq!(daemon.stop().0, 0);
}

/// The help of every command; update `tests/snapshots/help.txt` by hand when it changes.
#[test]
fn help_is_as_it_was() {
    let courant = Courant::new();
    let mut help = String::new();
    for command in [
        "",
        "demo",
        "init",
        "check",
        "run",
        "parse",
        "dkim",
        "dkim keygen",
        "dkim show",
        "sources",
        "sources list",
        "sources show",
        "sources pause",
        "sources resume",
        "sources add",
        "sources import",
        "sources export",
        "ingest",
        "articles",
        "articles list",
        "articles show",
        "articles search",
        "articles remove",
        "topics",
        "topics list",
        "topics test",
        "editions",
        "editions list",
        "feed",
        "digest",
        "digest preview",
        "digest send",
        "subscribers",
        "subscribers add",
        "subscribers list",
        "subscribers import",
        "subscribers unsubscribe",
        "outbox",
        "outbox list",
        "outbox show",
        "outbox hold",
        "outbox resume",
        "outbox retry",
        "why",
    ] {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let said = courant.ok(&words).stdout;
        help += &format!("$ courant {}\n{said}\n", words.join(" "));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/help.txt");
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(help == expected, "{} should be:\n{help}", file.display());
}
