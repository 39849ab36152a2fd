//! Keys that sign mail, from the command that makes them to the message that bears them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{
    app::TestApp,
    binary::Courant,
    client::FORM,
    smtp::{Act, SmtpServer, Stage},
};
use chrono::TimeDelta;
use courant::delivery::dkim::key::{Algorithm, generate};

const KEYGEN: [&str; 6] = [
    "dkim",
    "keygen",
    "--domain",
    "courant.example",
    "--selector",
    "s1",
];

/// The section that `dkim keygen` prints, taken into the configuration above the others.
fn take_into_use(courant: &Courant, told: &str) {
    let section = &told[told.find("[[dkim]]").unwrap()..];
    courant.write("courant.toml", &format!("{section}\n{}", courant.config()));
}

fn mails(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn a_key_is_made_told_and_signs_until_another_one_stands_above_it() {
    let courant = Courant::new();
    let told = courant.ok(&KEYGEN).stdout;
    take_into_use(&courant, &told);
    let shown = courant.ok(&["dkim", "show"]).stdout;
    let record = shown.lines().nth(1).unwrap();
    assert!(record.starts_with("s1._domainkey.courant.example. IN TXT \"v=DKIM1; k=rsa; p="));
    assert!(record.contains("\" \"") && told.contains(record), "{told}");
    let checked = courant.ok(&["check"]).stdout;
    assert!(
        checked.contains("signed by s1._domainkey.courant.example\n"),
        "{checked}"
    );

    let ed25519 = [
        &KEYGEN[..5],
        &["s2", "--algorithm", "ed25519", "--out", "ed.pem"],
    ]
    .concat();
    take_into_use(&courant, &courant.ok(&ed25519).stdout);
    let newer = [&KEYGEN[..5], &["s3"]].concat();
    take_into_use(&courant, &courant.ok(&newer).stdout);
    let signing = courant.ok(&["--json", "dkim", "show"]).objects();
    let signing: Vec<_> = signing
        .iter()
        .map(|key| {
            (
                key["selector"].as_str().unwrap(),
                key["signs"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(signing, [("s3", true), ("s2", true), ("s1", false)]);

    courant.ok(&["ingest"]);
    courant.ok(&["digest", "send", "daily", "--test", "ann@example.net"]);
    let [mail] = &mails(&courant.path().join("mail"))[..] else {
        panic!("no mail")
    };
    let selectors: Vec<_> = mail
        .match_indices("\r\n s=")
        .map(|(at, _)| &mail[at + 5..at + 7])
        .collect();
    assert!(
        mail.starts_with("DKIM-Signature: v=1; a=rsa-sha256; "),
        "{mail}"
    );
    assert_eq!(selectors, ["s3", "s2"]);
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    let courant = Courant::new();
    courant.ok(&KEYGEN);
    let path = courant.path().join("dkim-s1.pem");
    let key = fs::read_to_string(&path).unwrap();

    let again = courant.run(&KEYGEN);

    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("dkim-s1.pem exists already"),
        "{again:?}"
    );
    assert!(again.stdout.is_empty(), "{again:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let wrong = [&KEYGEN[..5], &["a;b"]].concat();
    assert_eq!(courant.run(&wrong).code, 64);
}

#[test]
fn check_and_show_name_the_file_of_a_bad_key_and_keep_its_text_to_themselves() {
    let courant = Courant::new();
    let path = courant.write("keys/bad.pem", "hunter2");
    let section =
        "[[dkim]]\ndomain = \"courant.example\"\nselector = \"s1\"\nkey_file = \"keys/bad.pem\"\n";
    courant.write("courant.toml", &format!("{section}{}", courant.config()));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let open = "courant: courant.toml: dkim[0].key_file: keys/bad.pem can be read by others (mode 644): chmod 600 it\n";
    let refused = courant.run(&["check"]);
    assert_eq!((refused.code, &*refused.stderr), (64, open));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for command in [&["check"][..], &["dkim", "show"]] {
        let refused = courant.run(command);
        assert_eq!(refused.code, 64);
        let expected = "courant: courant.toml: dkim[0].key_file: keys/bad.pem holds no private key in PEM form\n";
        assert_eq!(refused.stderr, expected);
    }
}

#[tokio::test]
async fn a_message_that_is_sent_again_has_the_same_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let section = |selector: &str, algorithm| {
        let path = folder.path().join(selector);
        fs::write(&path, generate(algorithm).unwrap().expose()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        format!(
            "[[dkim]]\ndomain = \"courant.example\"\nselector = \"{selector}\"\nkey_file = \"{}\"\n",
            path.display()
        )
    };
    let keys = section("r", Algorithm::Rsa) + &section("e", Algorithm::Ed25519);
    let server = SmtpServer::start().await;
    let url = format!("smtp://localhost:{}?tls=none", server.port);
    let site = TestApp::start_with_relay(&keys, &url).await;
    let asked = site
        .client
        .post(
            "/subscribe",
            FORM,
            "edition=daily&email=ann%40reader.example",
        )
        .await;
    assert_eq!(asked.status, 200);
    // It has the message, and its reply is lost.
    server.next(Stage::Dot, Act::Reply("250?"));

    site.work().await;
    // Another process, another day.
    let site = site.restart().await;
    site.advance(TimeDelta::days(1));
    site.work().await;

    let messages = server.messages();
    let [first, second] = &messages[..] else {
        panic!("{} messages", messages.len())
    };
    assert_eq!(first, second);
    let text = String::from_utf8(first.data.clone()).unwrap();
    assert_eq!(text.matches("DKIM-Signature: v=1; ").count(), 2, "{text}");
}
