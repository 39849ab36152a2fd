//! Takes the dialogs that ask for consent out of a page: by the names their vendors give them, and
//! by what they say where they stand unnamed among the paragraphs of the story.

use dom_query::{Document, NodeRef};

use crate::ingest::dom;

/// Boxes of the common consent platforms, and what the platforms call a dialog.
const NAMED: &str = "#onetrust-consent-sdk, #onetrust-banner-sdk, #onetrust-pc-sdk, \
    #ot-sdk-cookie-policy, [id^=CybotCookiebot], #usercentrics-root, #usercentrics-cmp-ui, \
    [id^=sp_message_container], [id^=didomi], [class*=qc-cmp2], #qc-cmp2-container, \
    .fc-consent-root, .cc-window, #cookie-law-info-bar, .cky-consent-container, .cky-modal, \
    .cmplz-cookiebanner, .osano-cm-window, #iubenda-cs-banner, [id^=truste], #axeptio_overlay, \
    #tarteaucitronRoot, .termly-styles-root, [role=dialog], [role=alertdialog], \
    [aria-modal=true], dialog";

const TOKENS: &[&str] = &[
    "cookie", "cookies", "consent", "gdpr", "ccpa", "cmp", "onetrust",
];

/// What the parts of a preference panel are called.
const LABELS: &[&str] = &[
    "strictly necessary",
    "necessary cookies",
    "essential cookies",
    "performance cookies",
    "analytics cookies",
    "functional cookies",
    "functionality cookies",
    "targeting cookies",
    "advertising cookies",
    "marketing cookies",
    "social media cookies",
    "preference cookies",
    "manage consent",
    "manage cookie",
    "manage preferences",
    "manage your consent",
    "privacy preference",
    "privacy choices",
    "privacy settings",
    "cookie settings",
    "cookie preferences",
    "cookie policy",
    "cookie list",
    "consent preferences",
    "consent leg.interest",
    "vendors list",
    "sale of personal",
    "sale or sharing",
    "sale/sharing",
    "do not sell",
    "opt out of sale",
    "opt-out of sale",
    "we value your privacy",
    "your privacy",
    "this site uses cookies",
    "we use cookies",
];

/// What its switches and buttons are called.
const CONTROLS: &[&str] = &[
    "accept all",
    "accept cookies",
    "allow all",
    "reject all",
    "reject non-essential",
    "refuse all",
    "decline all",
    "confirm my choices",
    "confirm choices",
    "save preferences",
    "save settings",
    "always active",
    "only necessary",
];

/// Labels that mean something only inside a panel.
const BARE: &[&str] = &[
    "performance",
    "functional",
    "targeting",
    "social media",
    "necessary",
    "analytics",
    "marketing",
    "advertising",
    "more information",
    "back button",
    "filter button",
    "apply",
    "cancel",
    "clear",
    "label",
    "checkbox label",
    "search icon",
    "filter icon",
    "close",
];

const PROSE: &[&str] = &[
    "cookie",
    "consent",
    "personal data",
    "personal information",
    "opt out",
    "opt-out",
    "your browser",
    "your device",
    "advertising partners",
    "privacy",
    "third parties",
    "tracking",
    "cannot be switched off",
    "social media services",
    "targeted advertising",
];

/// A label is no sentence.
const MAX_LABEL_WORDS: usize = 8;

/// How many blocks about something else a panel may hold in a row.
const MAX_QUIET: usize = 2;

pub(super) fn remove(doc: &Document) {
    let n_words = doc.body().map_or(0, |body| n_words(&body));
    let named = doc.select(NAMED);
    let tokened = doc.select("[class*=cookie i], [id*=cookie i], [class*=consent i], [id*=consent i], [class*=gdpr i], [id*=gdpr i], [class*=ccpa i], [id*=ccpa i], [class*=cmp], [id*=cmp]");
    let by_token = tokened.nodes().iter().filter(|node| {
        dom::has_token(node, TOKENS)
            && PROSE
                .iter()
                .any(|said| dom::lines(node).to_lowercase().contains(said))
    });
    for node in named.nodes().iter().chain(by_token) {
        // A page that opens its story in a dialog still has a story.
        if !dom::is_frame(node) && self::n_words(node) * 2 <= n_words.max(200) && !holds_story(node)
        {
            dom::uproot(node);
        }
    }
    remove_unnamed(doc);
}

fn n_words(node: &NodeRef<'_>) -> usize {
    node.text().split_whitespace().count()
}

fn holds_story(node: &NodeRef<'_>) -> bool {
    node.descendants_it()
        .any(|inner| dom::is_any(&inner, &["article", "main", "h1"]))
}

#[derive(Clone, Copy, PartialEq)]
enum Says {
    Label,
    Control,
    Bare,
    Prose,
    Other,
}

/// Finds runs of blocks that make up a panel: at least three labels or controls, two of them
/// labels, one of them to be operated. An article about cookies has no switches.
fn remove_unnamed(doc: &Document) {
    let Some(body) = doc.body() else {
        return;
    };
    let blocks: Vec<(NodeRef<'_>, Says)> = body
        .descendants_it()
        .filter(|node| is_leaf(node))
        .map(|node| (node, says(&node)))
        .filter(|(node, says)| *says != Says::Other || !node.text().trim().is_empty())
        .collect();
    let mut at = 0;
    while at < blocks.len() {
        if !matches!(blocks[at].1, Says::Label | Says::Control) {
            at += 1;
            continue;
        }
        let end = run_end(&blocks, at);
        let run = &blocks[at..end];
        if is_panel(run) {
            for (node, _) in run {
                dom::uproot(node);
            }
        }
        at = end;
    }
}

fn run_end(blocks: &[(NodeRef<'_>, Says)], start: usize) -> usize {
    let mut end = start + 1;
    let mut quiet = 0;
    for (at, (_, says)) in blocks.iter().enumerate().skip(start + 1) {
        if *says == Says::Other {
            quiet += 1;
        } else {
            quiet = 0;
            end = at + 1;
        }
        if quiet > MAX_QUIET {
            break;
        }
    }
    end
}

fn is_panel(run: &[(NodeRef<'_>, Says)]) -> bool {
    let count = |wanted: Says| run.iter().filter(|(_, says)| *says == wanted).count();
    let (labels, controls) = (count(Says::Label), count(Says::Control));
    let is_operated = controls > 0
        || run.iter().any(|(node, _)| {
            dom::is_any(node, &["button", "label"])
                || node.descendants_it().any(|inner| inner.has_name("input"))
        });
    labels >= 2 && labels + controls + count(Says::Bare) >= 3 && is_operated
}

/// A block without blocks inside it.
fn is_leaf(node: &NodeRef<'_>) -> bool {
    (dom::is_block(node)
        || node.has_name("a")
            && node
                .parent()
                .is_some_and(|p| dom::is_block(&p) && !p.has_name("p") && !p.has_name("li")))
        && !node.descendants_it().any(|inner| dom::is_block(&inner))
}

fn says(node: &NodeRef<'_>) -> Says {
    let text = dom::line(node).to_lowercase();
    let is_label = text.split_whitespace().take(MAX_LABEL_WORDS + 1).count() <= MAX_LABEL_WORDS;
    let holds = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if is_label && holds(CONTROLS) {
        Says::Control
    } else if is_label && holds(LABELS) {
        Says::Label
    } else if BARE.contains(&text.as_str()) {
        Says::Bare
    } else if holds(PROSE) {
        Says::Prose
    } else {
        Says::Other
    }
}
