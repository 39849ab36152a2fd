//! What operators do with sources, with the built program.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::support::{
    binary::{Courant, Ran, age},
    http::{Reply, Server},
};

const FEED: &str = r#"<rss version="2.0"><channel><title>The Quay</title>
<item><title>Ferry late</title><link>https://quay.example/1</link><category>Local</category>
<pubDate>Mon, 23 Nov 2026 05:00:00 GMT</pubDate><description>The ferry is late.</description></item>
<item><title>A sponsored pier</title><link>https://quay.example/2</link>
<pubDate>Mon, 23 Nov 2026 04:00:00 GMT</pubDate><description>Buy a pier.</description></item>
<item><title>Old news</title><link>https://quay.example/3</link>
<pubDate>Thu, 23 Nov 1995 04:00:00 GMT</pubDate><description>It was.</description></item>
<item><title>Sport & more</title><link>https://quay.example/4</link><category>SPORT</category>
<description>They won.</description></item>
</channel></rss>"#;

const PAGE: &str = r#"<html><head><title>Quay</title>
<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">
<link rel="alternate" type="application/atom+xml" title="Gone" href="/dead.xml">
<link rel="alternate" type="application/rss+xml" title="All" href="/all.xml">
</head><body><p>Hello.</p></body></html>"#;

fn ok(content_type: &str, body: &str) -> Reply {
    let content_type = format!("Content-Type: {content_type}");
    Reply::new(&["200 OK", &content_type], body.as_bytes())
}

const LISTING: &str = "<title>Quay &amp;\n News</title><main>\
    <h2><a href=/news/2026/11/ferry-stops-at-noon>The ferry stops at noon on Sundays</a></h2>\
    <h2><a href=/news/2026/11/gulls-return>Gulls return to the northern breakwater</a></h2>\
    <h2><a href=/news/2026/11/crane-sold>The last crane of the old harbour is sold</a></h2>\
    </main>";

async fn site() -> Server {
    Server::start(|path| match path {
        "/" => ok("text/html", PAGE),
        "/bare" => ok("text/html", "<p>Nothing to see.</p>"),
        "/plain/" => ok("text/html", "<p>Nothing linked.</p>"),
        "/all.xml" | "/comments/feed" | "/plain/rss.xml" => ok("application/rss+xml", FEED),
        "/odd.xml" => ok("application/rss+xml", &FEED.replace(" & ", " &nosuch; ")),
        "/robots.txt" => ok("text/plain", "User-agent: *\nDisallow: /members/\n"),
        "/news/" | "/members/" => ok("text/html", LISTING),
        "/gone.xml" => Reply::new(&["410 Gone"], b""),
        _ => Reply::new(&["404 Not Found"], b"no"),
    })
    .await
}

impl Courant {
    /// Lets the program ask `server`, and adds `more` to the configuration.
    fn with_sources(server: &Server, more: &str) -> Courant {
        let courant = Courant::new();
        let fetch = format!(
            "[fetch]\nallow_networks = [\"127.0.0.0/8\"]\nports = [{}]\n",
            server.port()
        );
        let config = courant
            .config()
            .replace("[[edition]]\n", &format!("{more}\n[[edition]]\n"));
        courant.write("courant.toml", &format!("{config}\n{fetch}"));
        courant
    }

    fn source(&self, name: &str) -> Value {
        let listed = self.ok(&["--json", "sources", "list"]).objects();
        let found = listed.iter().find(|row| row["name"] == json!(name));
        found.unwrap().clone()
    }
}

fn feed(server: &Server, name: &str, path: &str, more: &str) -> String {
    let url = server.url(path);
    format!("[[source]]\nname = \"{name}\"\nfeed = \"{url}\"\n{more}\n")
}

fn names(ran: &Ran) -> Vec<String> {
    let rows = ran.objects();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_sources_says_how_each_is_doing_and_puts_those_that_fail_first() {
    let server = site().await;
    let sources = [
        feed(&server, "quay", "/odd.xml", ""),
        feed(&server, "zulu", "/missing.xml", ""),
    ];
    let courant = Courant::with_sources(&server, &sources.concat());
    assert_eq!(courant.source("quay")["state"], json!("unpolled"));
    courant.run(&["ingest"]);

    let listed = courant.ok(&["--json", "sources", "list"]);

    assert_eq!(names(&listed), ["zulu", "desk", "quay"]);
    let [zulu, desk, quay] = listed.objects().try_into().unwrap();
    assert_eq!(
        (&zulu["state"], &zulu["failures"]),
        (&json!("failing"), &json!(1))
    );
    assert!(zulu["failing_since"].is_string(), "{zulu}");
    assert!(zulu["result"].as_str().unwrap().contains("404"), "{zulu}");
    assert_eq!(
        (&desk["kind"], &desk["articles"]),
        (&json!("folder"), &json!(2))
    );
    assert_eq!(
        (&quay["state"], &quay["articles"]),
        (&json!("ok"), &json!(4))
    );
    assert_eq!(quay["defects"], json!(2), "{quay}");
    assert!(quay["next"].as_str() > quay["last"].as_str(), "{quay}");
    let failing = courant.ok(&["--json", "sources", "list", "--failing"]);
    assert_eq!(names(&failing), ["zulu"]);
    let table = courant.ok(&["sources", "list"]).stdout;
    assert!(table.starts_with("NAME  KIND    STATE"), "{table}");
    assert!(table.contains("\nzulu  feed    failing "), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_shown_with_its_defects_articles_and_rules() {
    let server = site().await;
    let more = "topics = [\"port\"]\nmax_age = \"1200w\"\nexclude = { words = [\"Sponsored\"] }";
    let courant = Courant::with_sources(&server, &feed(&server, "quay", "/odd.xml", more));
    courant.run(&["ingest"]);

    let shown = courant.ok(&["sources", "show", "quay"]).stdout;
    let object = courant
        .ok(&["--json", "sources", "show", "quay"])
        .objects()
        .remove(0);

    assert!(shown.contains("topics     port"), "{shown}");
    assert!(shown.contains("exclude    words sponsored"), "{shown}");
    assert!(shown.contains("defect     line "), "{shown}");
    assert!(shown.contains("Ferry late"), "{shown}");
    assert_eq!(object["origin"], json!(server.url("/odd.xml")));
    let defects = object["defects"].as_array().unwrap();
    let says = |what: &str| {
        let is_it = |defect: &&Value| defect["what"].as_str().unwrap().contains(what);
        defects.iter().any(|defect| is_it(&defect))
    };
    assert!(says("an entry has no guid"), "{object}");
    assert!(says("nosuch"), "{object}");
    assert_eq!(
        object["articles"],
        json!(object["latest"].as_array().unwrap().len())
    );
    let unknown = courant.run(&["sources", "show", "nobody"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("no source `nobody`"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_leave_entries_out_and_say_how_many() {
    let server = site().await;
    let more = "max_age = \"1200w\"\n[source.exclude]\nwords = [\"sponsored\"]\ncategories = [\"sport\"]\n";
    let courant = Courant::with_sources(&server, &feed(&server, "quay", "/all.xml", more));

    let polled = courant
        .ok(&["--json", "ingest", "--source", "quay"])
        .objects()
        .remove(0);

    assert_eq!(polled["left_out"], json!(3), "{polled}");
    assert_eq!(polled["new"], json!(1), "{polled}");
    let result = polled["result"].as_str().unwrap();
    assert!(result.contains("3 entries left out by rules"), "{result}");
    let articles = courant
        .ok(&["--json", "articles", "list", "--source", "quay"])
        .objects();
    assert_eq!(articles[0]["title"], json!("Ferry late"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_stays_when_a_later_rule_leaves_its_entry_out() {
    let server = site().await;
    let courant = Courant::with_sources(&server, &feed(&server, "quay", "/all.xml", ""));
    courant.ok(&["ingest", "--source", "quay"]);
    let ruled = courant.config().replace(
        "/all.xml\"",
        "/all.xml\"\ninclude = { regex = [\"^ferr(y|ies)\\\\b\"] }",
    );
    courant.write("courant.toml", &ruled);

    let polled = courant
        .ok(&["--json", "ingest", "--source", "quay"])
        .objects()
        .remove(0);

    assert_eq!(
        (&polled["left_out"], &polled["known"]),
        (&json!(3), &json!(1))
    );
    let articles = courant.ok(&["--json", "articles", "list", "--source", "quay"]);
    assert_eq!(articles.objects().len(), 4);
}

#[test]
fn a_paused_source_is_asked_by_name_only() {
    let courant = Courant::new();
    assert_eq!(courant.run(&["sources", "pause", "desk", "nobody"]).code, 1);
    assert_eq!(courant.source("desk")["state"], json!("unpolled"));

    courant.ok(&["sources", "pause", "desk"]);

    assert_eq!(courant.ok(&["--json", "ingest"]).objects().len(), 0);
    let paused = courant.source("desk");
    assert_eq!(
        (&paused["state"], &paused["next"]),
        (&json!("paused"), &Value::Null)
    );
    let polled = courant
        .ok(&["--json", "ingest", "--source", "desk"])
        .objects()
        .remove(0);
    assert_eq!(polled["new"], json!(2));
    assert_eq!(courant.source("desk")["state"], json!("paused"));
    courant.ok(&["sources", "resume", "desk"]);
    assert_eq!(courant.source("desk")["state"], json!("ok"));
    assert_eq!(courant.ok(&["--json", "ingest"]).objects().len(), 1);
}

#[test]
fn a_running_daemon_obeys_a_pause_and_its_end_at_once() {
    let courant = Courant::new();
    courant.ok(&["sources", "pause", "desk"]);
    let mut daemon = courant.daemon();
    courant.ok(&["sources", "resume", "desk"]);
    daemon.wait_for("new 2");
    assert_eq!(courant.source("desk")["articles"], json!(2));
    assert_eq!(daemon.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adding_a_page_adds_the_best_feed_that_works_and_names_the_others() {
    let server = site().await;
    let courant = Courant::with_sources(&server, "");
    let before = courant.config();
    fs::set_permissions(
        courant.path().join("courant.toml"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();

    let dry = courant.ok(&["sources", "add", &server.url("/"), "--dry-run"]);
    assert!(
        dry.stdout.starts_with("[[source]]\nname = \"the-quay\"\n"),
        "{dry:?}"
    );
    assert_eq!(courant.config(), before);

    let added = courant.ok(&["sources", "add", &server.url("/"), "--topic", "port"]);

    assert!(added.stdout.contains(&server.url("/all.xml")), "{added:?}");
    assert!(
        added.stdout.contains("/comments/feed Comments"),
        "{added:?}"
    );
    let after = courant.config();
    assert!(after.starts_with(&before), "{after}");
    let block = format!(
        "\n[[source]]\nname = \"the-quay\"\ntitle = \"The Quay\"\nfeed = \"{}\"\ntopics = [\"port\"]\n",
        server.url("/all.xml")
    );
    assert_eq!(after[before.len()..], block);
    let mode = fs::metadata(courant.path().join("courant.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    let polled = courant.ok(&["--json", "ingest", "--source", "the-quay"]);
    assert_eq!(polled.objects()[0]["new"], json!(4));
    for address in ["/", "/all.xml#top", "/all.xml/?utm_source=x"] {
        let again = courant.ok(&["sources", "add", &server.url(address)]);
        assert!(
            again.stdout.contains("is there already: the-quay"),
            "{again:?}"
        );
    }
    assert_eq!(courant.config(), after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_nothing_links_to_is_looked_for_where_feeds_stand() {
    let server = site().await;
    let courant = Courant::with_sources(&server, "");
    let before = courant.config();

    let added = courant.ok(&[
        "--json",
        "sources",
        "add",
        &server.url("/plain/"),
        "--name",
        "mine",
    ]);
    assert_eq!(
        added.objects()[0]["address"],
        json!(server.url("/plain/rss.xml"))
    );
    assert_eq!(added.objects()[0]["name"], json!("mine"));

    let asked = server.heads().len();
    let none = courant.run(&["sources", "add", &server.url("/bare")]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("offers no feed"), "{none:?}");
    assert!(none.stderr.contains("--as page"), "{none:?}");
    assert!(server.heads().len() - asked <= 13);
    let taken = courant.run(&["sources", "add", &server.url("/all.xml"), "--name", "desk"]);
    assert_eq!(taken.code, 64);
    assert!(
        taken.stderr.contains("two with the name `desk`"),
        "{taken:?}"
    );
    assert!(courant.config().starts_with(&before));
    assert_eq!(courant.config().matches("[[source]]").count(), 2);
    assert_eq!(
        courant.run(&["sources", "add", "ftp://quay.example/"]).code,
        64
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_added_as_itself_if_it_links_to_articles_and_may_be_asked_for() {
    let server = site().await;
    let courant = Courant::with_sources(&server, "");
    let before = courant.config();
    let add = |path: &str| {
        courant.run(&[
            "--json",
            "sources",
            "add",
            &server.url(path),
            "--as",
            "page",
        ])
    };

    for (path, reason) in [
        ("/bare", "no link on"),
        ("/members/", "robots.txt of 127.0.0.1 disallows it"),
        ("/all.xml", "which is no page"),
    ] {
        let refused = add(path);
        assert_eq!((refused.code, courant.config() == before), (1, true));
        assert!(refused.stderr.contains(reason), "{refused:?}");
    }
    let added = add("/news/");

    assert_eq!(added.objects()[0]["articles"], json!(3), "{added:?}");
    let block = format!(
        "\n[[source]]\nname = \"quay-news\"\ntitle = \"Quay & News\"\npage = \"{}\"\n",
        server.url("/news/")
    );
    assert_eq!(courant.config()[before.len()..], block);
    assert_eq!(courant.source("quay-news")["kind"], json!("page"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_daemon_takes_in_what_is_added() {
    let server = site().await;
    let courant = Courant::with_sources(&server, "");
    let mut daemon = courant.daemon();

    courant.ok(&["sources", "add", &server.url("/all.xml")]);

    daemon.wait_for("\"sources\":2");
    daemon.wait_for("new 4");
    assert_eq!(daemon.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_gone_is_asked_again_when_it_is_resumed() {
    let server = site().await;
    let courant = Courant::with_sources(&server, &feed(&server, "quay", "/gone.xml", ""));
    courant.run(&["ingest"]);
    assert!(
        courant.source("quay")["result"]
            .as_str()
            .unwrap()
            .contains("410")
    );
    let asked = server.heads().len();

    courant.ok(&["sources", "resume", "quay"]);

    assert_eq!(courant.run(&["ingest", "--source", "quay"]).code, 1);
    assert_eq!(server.heads().len(), asked + 1);
}

#[test]
fn a_watched_folder_is_polled_as_soon_as_a_file_is_put_into_it() {
    let courant = Courant::new();
    let mut daemon = courant.daemon();
    daemon.wait_for("new 2");

    // The next poll by the interval would be in an hour.
    let staged = courant.write("staged.md", "# Harbor\n\nAll that is known of it.\n");
    age(&staged);
    fs::rename(staged, courant.path().join("desk/harbor.md")).unwrap();

    daemon.wait_for("new 1");
    let (code, log) = daemon.stop();
    assert_eq!(code, 0);
    assert!(!log.contains("not watched"), "{log}");
}

#[test]
fn a_file_that_is_written_in_pieces_is_taken_in_once_and_whole() {
    let courant = Courant::new();
    let mut daemon = courant.daemon();
    daemon.wait_for("new 2");

    let path = courant.path().join("desk/harbor.md");
    for piece in ["# Harbor\n\n", "All that is known ", "of the harbor.\n"] {
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(piece.as_bytes()).unwrap();
        // Its own poll finds a file that is being written.
        courant.ok(&["sources", "resume", "desk"]);
    }

    daemon.wait_for("new 1");
    let log = daemon.log.clone();
    assert_eq!(daemon.stop().0, 0);
    assert!(!log.contains("revised"), "{log}");
    let articles = courant.ok(&["--json", "articles", "list"]).objects();
    assert_eq!(articles.len(), 3);
    let id = articles
        .iter()
        .find(|one| one["title"] == json!("Harbor"))
        .unwrap()["id"]
        .to_string();
    let shown = courant.ok(&["articles", "show", &id]).stdout;
    assert!(
        shown.contains("All that is known of the harbor."),
        "{shown}"
    );
}

#[test]
fn a_sidecar_speaks_for_its_file_and_a_broken_one_is_a_defect() {
    let courant = Courant::new();
    courant.write("desk/page.html", "<html><title>Own</title><body><article><p>The story of the page.</p></article></body></html>");
    courant.write(
        "desk/page.toml",
        "title = \"By hand\"\nauthors = [\"Ada Ames\"]\nguid = \"p-1\"\n",
    );
    courant.write("desk/note.txt", "A note\n\nJust text & more.\n");
    courant.ok(&["ingest"]);
    let titles = || {
        let articles = courant.ok(&["--json", "articles", "list"]).objects();
        let mut titles: Vec<_> = articles
            .iter()
            .map(|one| one["title"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    };
    assert_eq!(titles(), ["A note", "By hand", "Ferry", "Lighthouse"]);

    courant.write(
        "desk/page.toml",
        "title = \"By hand, later\"\nguid = \"p-1\"\n",
    );
    let polled = courant.ok(&["--json", "ingest"]).objects().remove(0);
    assert_eq!((&polled["new"], &polled["revised"]), (&json!(0), &json!(1)));
    assert_eq!(
        titles(),
        ["A note", "By hand, later", "Ferry", "Lighthouse"]
    );

    courant.write("desk/page.toml", "guid = \"p-1\"\ncolour = 1\n");
    courant.write("desk/note.toml", "title =\n");
    courant.ok(&["ingest"]);
    let shown = courant.ok(&["sources", "show", "desk"]).stdout;
    assert!(
        shown.contains("defect     line 2: page.toml: `colour` is not a key"),
        "{shown}"
    );
    assert!(shown.contains("defect     line 1: note.toml: "), "{shown}");
    assert_eq!(titles().len(), 4);
}

const LIST: &str = r#"<?xml version="1.0"?><opml version="1.0"><body>
<outline text="News"><outline text="Local News">
  <outline text="Quay &amp; Sons" xmlUrl="https://quay.example/feed?a=1&amp;b=2"/>
</outline></outline>
<outline text="Quay &amp; Sons" xmlUrl="https://other.example/feed"/>
<outline text="Twice" xmlUrl="http://www.quay.example/feed?a=1&amp;b=2"/>
<outline text="Local file" xmlUrl="file:///etc/passwd"/>
</body></opml>"#;

#[test]
fn a_list_is_imported_in_one_write_and_each_line_of_it_accounted_for() {
    let courant = Courant::new();
    courant.write("list.opml", LIST);
    let before = courant.config();

    let dry = courant.run(&["sources", "import", "list.opml", "--dry-run"]);
    assert!(
        dry.stdout
            .contains("2 to be added, 1 there already, 1 refused"),
        "{dry:?}"
    );
    assert_eq!(courant.config(), before);

    let imported = courant.run(&["--json", "sources", "import", "list.opml"]);

    assert_eq!((imported.code, &*imported.stderr), (1, ""));
    let told: Vec<_> = imported
        .objects()
        .iter()
        .map(|row| (row["status"].clone(), row["name"].clone()))
        .collect();
    let expected = [
        ("added", "quay-sons"),
        ("added", "quay-sons-2"),
        ("there_already", "quay-sons"),
        ("refused", ""),
    ];
    assert_eq!(
        told,
        expected.map(|(status, name)| (json!(status), json!(name)))
    );
    assert!(courant.config().starts_with(&before));
    let quay = courant
        .ok(&["--json", "sources", "show", "quay-sons"])
        .objects()
        .remove(0);
    assert_eq!(quay["topics"], json!(["news", "local-news"]));
    assert_eq!(quay["origin"], json!("https://quay.example/feed?a=1&b=2"));
    let again = courant.run(&["sources", "import", "list.opml"]);
    assert!(
        again.stdout.contains("0 added, 3 there already, 1 refused"),
        "{again:?}"
    );
    assert_eq!(courant.run(&["sources", "import", "courant.toml"]).code, 1);
    assert_eq!(courant.run(&["sources", "import", "nowhere.opml"]).code, 1);
}

#[test]
fn what_is_exported_is_imported_elsewhere_as_it_was() {
    let (here, there) = (Courant::new(), Courant::new());
    here.write("list.opml", LIST);
    here.run(&["sources", "import", "list.opml"]);

    let exported = here.run(&["sources", "export"]);

    assert_eq!(exported.code, 0);
    assert!(
        exported.stderr.contains("1 source is no feed"),
        "{exported:?}"
    );
    let imported = there.run_with(&["sources", "import", "-"], &exported.stdout);
    assert_eq!(imported.code, 0, "{imported:?}");
    let topics = |courant: &Courant| {
        let shown = courant.ok(&["--json", "sources", "show", "quay-sons"]);
        shown.objects()[0]["topics"].clone()
    };
    assert_eq!(topics(&there), topics(&here));
    assert_eq!(
        there.run(&["sources", "export"]).stdout.lines().count(),
        exported.stdout.lines().count()
    );
    let only = here
        .run(&["sources", "export", "--topic", "local-news"])
        .stdout;
    assert_eq!(only.matches("xmlUrl").count(), 1);
}
