//! `articles search`: the whole library, ranked, beside a daemon and without one.

use serde_json::Value;

use crate::support::binary::{Courant, age};

fn tell(courant: &Courant, title: &str, text: &str) {
    let page = format!("---\ntitle: {title}\ndate: 2026-11-23T05:00:00Z\n---\n\n{text}\n");
    age(&courant.write(&format!("desk/{title}.md"), &page));
}

#[track_caller]
fn titles(courant: &Courant, asked: &[&str]) -> Vec<String> {
    let found = courant.ok(&[&["--json", "articles", "search"], asked].concat());
    let title = |row: &Value| row["title"].as_str().unwrap().to_owned();
    found.objects().iter().map(title).collect()
}

#[test]
fn the_library_is_searched_without_a_daemon_and_beside_one() {
    let courant = Courant::new();
    tell(
        &courant,
        "Tides",
        "Tables for the lighthouse keeper and his ferry.",
    );
    courant.ok(&["ingest"]);

    let alone = courant.ok(&["articles", "search", "lighthouse"]).stdout;
    let daemon = courant.daemon();
    let beside = courant.ok(&["articles", "search", "lighthouse"]).stdout;
    tell(&courant, "Lens", "A new lens for the lighthouse.");
    courant.ok(&["ingest"]);

    assert_eq!(alone, beside);
    let lines: Vec<&str> = alone.lines().collect();
    assert!(
        lines[0].starts_with("ID  PUBLISHED   SOURCE  SCORE  TITLE"),
        "{alone}"
    );
    assert_eq!(lines.len(), 3, "{alone}");
    assert!(lines[1].contains("2026-11-23  desk ") && lines[1].contains(" % "));
    assert!(lines[1].ends_with("Lighthouse"), "{alone}");
    assert!(lines[2].ends_with("Tides"), "{alone}");
    assert_eq!(
        titles(&courant, &["lighthouse", "ferry", "keeper", "--limit", "1"]),
        ["Tides"]
    );
    assert_eq!(
        titles(&courant, &["lens of a lighthouse"])[0],
        "Lens",
        "what came while the daemon runs"
    );
    drop(daemon);
}

#[test]
fn what_was_removed_is_not_found() {
    let courant = Courant::new();
    courant.ok(&["ingest"]);
    let daemon = courant.daemon();
    let found = courant.ok(&["--json", "articles", "search", "ferry"]);
    let id = found.objects()[0]["id"].to_string();

    courant.ok(&["articles", "remove", &id]);

    let none = courant.ok(&["articles", "search", "ferry"]);
    assert_eq!(none.stdout, "no article holds any word of `ferry`\n");
    assert!(titles(&courant, &["ferry"]).is_empty());
    drop(daemon);
    assert!(titles(&courant, &["ferry"]).is_empty());
}

#[test]
fn words_of_scripts_without_spaces_are_found_however_short() {
    let courant = Courant::new();
    tell(&courant, "日銀、利上げを決定", "本日、東京で発表した。");
    tell(&courant, "ราคาน้ำมันขึ้นอีก", "รัฐบาลประกาศมาตรการใหม่");
    tell(&courant, "เรือกลับมาแล้ว", "เรือข้ามฟากแล่นในแม่น้ำอีกครั้ง");
    courant.ok(&["ingest"]);

    assert_eq!(titles(&courant, &["東京"]), ["日銀、利上げを決定"]);
    assert_eq!(titles(&courant, &["京"]), ["日銀、利上げを決定"]);
    assert_eq!(titles(&courant, &["น้ำ"]), ["ราคาน้ำมันขึ้นอีก", "เรือกลับมาแล้ว"]);
    assert!(titles(&courant, &["北"]).is_empty());
}

#[test]
fn what_no_search_can_answer_is_said() {
    let courant = Courant::new();
    for n in 0..60 {
        tell(&courant, &format!("Note {n}"), "All the notes alike.");
    }
    courant.ok(&["ingest"]);

    let empty = courant.run(&["articles", "search", "?!"]);
    let common = courant.run(&["articles", "search", "all the notes"]);
    let none = courant.run(&["articles", "search"]);

    assert_eq!((empty.code, common.code, none.code), (1, 1, 64));
    assert!(
        empty.stderr.contains("there is no word in `?!`"),
        "{empty:?}"
    );
    assert!(
        common.stderr.contains("is in so many articles"),
        "{common:?}"
    );
}
