use std::path::Path;

use super::*;
use crate::editions::fixture::{article, edition, full, morning, published, site};

fn templates() -> Templates {
    Templates::load(None).unwrap()
}

fn digest(articles: &[Published], left_out: usize) -> Rendered {
    let site = site();
    templates()
        .digest(
            "digest",
            &DigestView {
                site: &site,
                edition: &edition(),
                number: 12,
                date: morning().with_timezone(&site.zone),
                articles,
                left_out,
            },
        )
        .unwrap()
}

/// Loads with one replaced file and tells what is wrong with it.
fn problems(name: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    match Templates::load(Some(folder.path())) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|problem| {
                let file = problem
                    .file
                    .strip_prefix(folder.path())
                    .unwrap_or(&problem.file);
                format!("{}: {}", file.display(), problem.message)
            })
            .collect(),
    }
}

#[test]
fn articles_of_one_story_stand_under_the_first_of_it() {
    let mut first = full(1, "The wall is down");
    let mut second = published(article(2, "Engineers on the wall"));
    second.article.story = first.article.story;
    first.related[0].same_story = true;
    first.related[1].url = second.url.clone();
    let other = published(article(3, "A second story"));

    let made = digest(&[first, second, other], 0);

    for part in [&made.text, &made.html] {
        assert_eq!(
            part.matches("More on this").count(),
            1 + usize::from(part.contains("<html"))
        );
        assert_eq!(part.matches("earlier on this").count(), 1);
        let more = part.rfind("Engineers on the wall").unwrap();
        assert!(part.find("The wall is down").unwrap() < more);
        assert!(more < part.rfind("A second story").unwrap(), "{part}");
        assert!(
            !part.contains("The engineers' report"),
            "shown as part of the story"
        );
    }
    assert!(made.text.contains("2. A second story"));
}

#[test]
fn both_parts_of_a_digest_say_the_same() {
    let made = digest(
        &[
            full(1, "The wall & the sea"),
            published(article(2, "A second story")),
        ],
        0,
    );

    assert_eq!(
        made.subject,
        "The Morning Edition No. 12: The wall & the sea"
    );
    for (part, text) in [("html", &made.html), ("text", &made.text)] {
        for said in [
            "A second story",
            "https://courier.example/stories/2",
            "What happened in story 2",
            "Also carried by The Gazette",
            "Why the old wall was never finished",
            "https://harbour.example/report",
            "Monday, 23 November 2026",
            "https://news.example.org/e/morning/12",
            "12 Quay Street",
        ] {
            assert!(
                text.contains(said),
                "no `{said}` in the {part} part:\n{text}"
            );
        }
        assert_eq!(text.matches(Mark::Unsubscribe.text()).count(), 2, "{part}");
    }
    assert!(made.html.contains("The wall &amp; the sea"));
    assert!(made.text.contains("The wall & the sea"));
}

#[test]
fn the_text_part_has_short_lines_and_no_entities() {
    let mut long = full(
        1,
        "A headline that is much longer than one line of a plain text mail can ever be",
    );
    long.article.summary = "word ".repeat(200);
    let text = digest(&[long], 0).text;

    assert!(!text.contains('&'.to_string().as_str()) || !text.contains("&amp;"));
    for line in text
        .lines()
        .filter(|line| !line.contains("://") && !line.contains('\u{F8FF}'))
    {
        assert!(line.chars().count() <= 76, "{line}");
    }
}

#[test]
fn an_article_in_another_language_says_so() {
    let mut arabic = published(article(1, "جدار الميناء"));
    arabic.article.language = Some("ar".to_owned());

    let html = digest(&[arabic], 0).html;

    assert!(html.contains("<div lang=\"ar\" dir=\"rtl\">"), "{html}");
    assert!(html.contains("<html lang=\"en\" dir=\"ltr\">"));
}

#[test]
fn every_picture_has_words_and_a_size() {
    let html = digest(&[full(1, "One"), full(2, "Two")], 0).html;

    let pictures: Vec<&str> = html.split("<img ").skip(1).collect();
    assert_eq!(pictures.len(), 2);
    for picture in pictures {
        let tag = &picture[..picture.find('>').unwrap()];
        for attribute in [" alt=\"A breached", " width=\"", " height=\""] {
            assert!(tag.contains(attribute), "{tag}");
        }
    }
    assert_eq!(html.matches("<h1").count(), 1);
    assert_eq!(
        html.matches("<table").count(),
        html.matches("<table role=\"presentation\"").count()
    );
}

#[test]
fn a_digest_too_long_for_gmail_is_shortened_and_says_by_how_much() {
    let articles: Vec<Published> = (1..=300)
        .map(|id| full(id, &format!("Story {id}")))
        .collect();

    let made = digest(&articles, 5);

    assert!(
        made.html.len() <= MAX_HTML_BYTES,
        "{} bytes",
        made.html.len()
    );
    let shown = (1..=300)
        .filter(|id| made.html.contains(&format!("stories/{id}\"")))
        .count();
    assert!(shown > 10, "{shown} shown");
    let left_out = format!("{} more on the web", 305 - shown);
    assert!(made.html.contains(&left_out), "{left_out}");
    assert!(made.text.contains(&left_out));
    assert!(made.html.contains("12 Quay Street"));
}

#[test]
fn what_an_article_says_is_never_a_template_or_markup() {
    let made = digest(&[published(article(1, "{{ 7*7 }}<script>\" onload='x"))], 0);

    assert!(
        made.html
            .contains("{{ 7*7 }}&lt;script&gt;&quot; onload=&#39;x")
    );
    assert!(made.text.contains("{{ 7*7 }}<script>"));
}

#[test]
fn a_request_to_confirm_names_who_when_and_how_to_refuse() {
    let site = site();
    let address = "ann@example.org".parse().unwrap();
    let made = templates()
        .confirmation(&ConfirmView {
            site: &site,
            edition: &edition(),
            address: &address,
            requested: morning().with_timezone(&site.zone),
        })
        .unwrap();

    assert_eq!(made.subject, "Please confirm: The Morning Edition");
    for text in [&made.html, &made.text] {
        assert!(text.contains(Mark::Confirm.text()));
        assert!(text.contains("ann@example.org"));
        assert!(text.contains("06:00 (UTC+01:00)"), "{text}");
        assert!(text.contains("do nothing"));
        assert!(!text.contains("<img"));
    }
}

#[test]
fn a_replaced_file_wins_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("mail/digest")).unwrap();
    std::fs::write(
        folder.path().join("mail/digest/subject.txt"),
        "Ahoy No. {{ number }}",
    )
    .unwrap();

    let templates = Templates::load(Some(folder.path())).unwrap();

    assert!(templates.has_mail("digest") && !templates.has_mail("weekly"));
    assert!(templates.style().contains("--ink"));
    let site = site();
    let made = templates
        .digest(
            "digest",
            &DigestView {
                site: &site,
                edition: &edition(),
                number: 3,
                date: morning().with_timezone(&site.zone),
                articles: &[full(1, "One")],
                left_out: 0,
            },
        )
        .unwrap();
    assert_eq!(made.subject, "Ahoy No. 3");
    assert!(made.html.contains("<h1"));
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    let check = |name: &str, text: &str, expected: &str| {
        let problems = problems(name, text);
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{expected}: {problems:?}"
        );
    };

    check(
        "mail/digest/body.html",
        "one\n{% if %}",
        "mail/digest/body.html: line 2: syntax error",
    );
    check(
        "mail/digest/body.txt",
        "\n\n{{ editor }}",
        "mail/digest/body.txt: line 3: undefined value",
    );
    check(
        "web/base.html",
        "{{ sight.title }}",
        "web/base.html: line 1: undefined value",
    );
    check(
        "web/article.html",
        "{% for x in range(100000) %}{% for y in range(9999) %}{% endfor %}{% endfor %}",
        "fuel",
    );
    check(
        "mail/weekly/body.html",
        "x",
        "mail/weekly/subject.txt: template not found",
    );
    assert!(problems("mail/parts/foot.html", "fine").is_empty());
}

#[test]
fn a_folder_that_is_not_there_is_a_problem() {
    assert!(Templates::load(Some(Path::new("/nonexistent/templates"))).is_err());
}

#[test]
fn pages_escape_titles_and_show_sanitised_text_as_it_is() {
    let site = site();
    let item = full(1, "AT&T <3");
    let page = Page::Article {
        article: Box::new(ArticleView::new(&item, &site, site.zone)),
        editions: Vec::new(),
    };

    let html = templates().page(&site, &page).unwrap();

    assert!(html.contains("<h1>AT&amp;T &lt;3</h1>"), "{html}");
    assert!(html.contains("<p>The text of AT"));
    assert!(html.contains("Photo: Ida Holm"));
    assert!(html.contains("Also carried by The Gazette"));
    assert!(html.contains("href=\"https://courier.example/stories/1\""));
}
