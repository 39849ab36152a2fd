//! What judging and relating need of the library, in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Fold, Judged, Place, Shown, Verdict};
use crate::{
    dedupe::{
        fingerprint::{self, Fingerprint},
        reprint::{Match, Origin, Rank, Recent},
        shingle::Sketch,
    },
    id::{ArticleId, SourceName},
    library::{Article, Body},
    related::{
        index::{Index, search::Search},
        named,
        telling::Telling,
    },
    words::Term,
};

/// Related articles that are kept for each; an edition shows its own number of them.
const RELATED: usize = 10;

/// The indexes over the library. Whoever holds them is the only one who judges.
#[derive(Debug)]
pub struct Memory {
    index: Index,
    recent: Recent,
    merits: Arc<Merits>,
    /// Articles that the operator split, both ways.
    apart: HashSet<(ArticleId, ArticleId)>,
}

/// What the operator says of sources and reprints.
#[derive(Debug, PartialEq, Eq)]
pub struct Merits {
    /// The most that may lie between the dates of an article and its reprint.
    pub window: TimeDelta,
    /// Of the sources that have one; of all others it is 0.
    pub priorities: HashMap<SourceName, i32>,
}

/// What the store knows about a document's articles, beside their text.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where the links lead that authors named.
    pub(super) links: HashMap<Fingerprint, ArticleId>,
    /// Where revised entries stand.
    pub(super) places: HashMap<ArticleId, Place>,
}

impl Memory {
    pub(super) fn new(merits: Arc<Merits>, apart: Vec<(ArticleId, ArticleId)>) -> Self {
        Memory {
            index: Index::default(),
            recent: Recent::new(merits.window),
            merits,
            apart: apart
                .into_iter()
                .flat_map(|(a, b)| [(a, b), (b, a)])
                .collect(),
        }
    }

    /// Bytes on the heap, near enough.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.recent.bytes()
    }

    /// The `k` articles that hold best the words that somebody asks for.
    pub(super) fn search(&self, asked: &str, k: usize) -> Search {
        self.index.search(asked, k)
    }

    /// Goes on by what the configuration says now.
    pub(super) fn heed(&mut self, merits: &Arc<Merits>) {
        if self.merits != *merits {
            self.recent.widen(merits.window);
            self.merits = merits.clone();
        }
    }

    /// Forgets an article that was removed.
    pub(super) fn remove(&mut self, id: ArticleId) {
        self.recent.remove(id);
        self.index.remove(id);
    }

    /// Adds articles that the library holds, in the order of their ids.
    pub(super) fn recall(&mut self, articles: &[(Article, Body)], now: DateTime<Utc>) {
        for (article, body) in articles {
            let telling = Telling::of(&article.title, &body.text);
            self.index.add(article.id, article, &telling);
            if article.first_seen >= now - self.merits.window {
                let sketch = Sketch::of(&article.title, &body.text);
                let origin = self.merits.origin(article);
                self.recent
                    .add(article.id, &sketch, origin, article.first_seen);
            }
        }
    }

    /// Folds what is a reprint, and gives every other new or revised article its related ones;
    /// `judged` is in the order of their ids.
    pub(super) fn place(
        &mut self,
        judged: Vec<Judged>,
        known: &Known,
        now: DateTime<Utc>,
    ) -> Vec<Judged> {
        self.recent.expire(now);
        let mut homes = HashMap::new();
        let place = |one: Judged| {
            let id = one.trace.article;
            let verdict = match one.verdict {
                Verdict::New(new) => self.place_new(id, new, known, &mut homes),
                Verdict::Revised(revised) => {
                    let place = known.places.get(&id).copied();
                    match place.unwrap_or(Place::Shown(id)) {
                        Place::Shown(shown) => self.place_revised(shown, revised, known, &homes),
                        Place::Folded(_) => Verdict::Revised(revised),
                    }
                }
                verdict @ (Verdict::Folded(_) | Verdict::Reprint(_) | Verdict::Known) => verdict,
            };
            Judged { verdict, ..one }
        };
        judged.into_iter().map(place).collect()
    }

    fn place_new(
        &mut self,
        id: ArticleId,
        mut new: Box<(Article, Body)>,
        known: &Known,
        homes: &mut HashMap<ArticleId, ArticleId>,
    ) -> Verdict {
        let (article, body) = &mut *new;
        let sketch = Sketch::of(&article.title, &body.text);
        let origin = self.merits.origin(article);
        let matches = self.recent.find(&sketch, origin);
        let Some(found) = self.home(&matches) else {
            self.recent.add(id, &sketch, origin, article.first_seen);
            self.relate(id, article, &body.text, known, homes);
            return Verdict::New(new);
        };
        let merged: Vec<Match> = matches
            .into_iter()
            .filter(|other| other.article != found.article)
            .filter(|other| !self.apart.contains(&(other.article, found.article)))
            .collect();
        homes.insert(id, found.article);
        homes.extend(merged.iter().map(|other| (other.article, found.article)));
        let shown = shown(found, &merged, sketch.rank(origin.priority), origin.source);
        match shown {
            Shown::Kept => {}
            Shown::Merged(other) => {
                self.recent.adopt(found.article, other);
                self.index.adopt(found.article, other);
            }
            Shown::New => {
                self.recent
                    .add(found.article, &sketch, origin, article.first_seen);
                let telling = Telling::of(&article.title, &body.text);
                self.index.add(found.article, article, &telling);
            }
        }
        for other in &merged {
            self.recent.remove(other.article);
            self.index.remove(other.article);
        }
        let (article, body) = *new;
        Verdict::Folded(Box::new(Fold {
            home: found.article,
            measure: found.measure,
            shown,
            merged: merged
                .iter()
                .map(|other| (other.article, other.measure))
                .collect(),
            article,
            body,
        }))
    }

    /// The oldest of the articles that a text is one with, unless the operator split it from the
    /// likeliest.
    fn home(&self, matches: &[Match]) -> Option<Match> {
        let likeliest = matches.first()?;
        matches
            .iter()
            .filter(|found| !self.apart.contains(&(found.article, likeliest.article)))
            .min_by_key(|found| found.article)
            .copied()
    }

    fn place_revised(
        &mut self,
        shown: ArticleId,
        mut revised: Box<(Article, Body)>,
        known: &Known,
        homes: &HashMap<ArticleId, ArticleId>,
    ) -> Verdict {
        let (article, body) = &mut *revised;
        let sketch = Sketch::of(&article.title, &body.text);
        let origin = self.merits.origin(article);
        self.recent.add(shown, &sketch, origin, article.first_seen);
        self.relate(shown, article, &body.text, known, homes);
        Verdict::Revised(revised)
    }

    fn relate(
        &mut self,
        id: ArticleId,
        article: &mut Article,
        text: &str,
        known: &Known,
        homes: &HashMap<ArticleId, ArticleId>,
    ) {
        let telling = Telling::of(&article.title, text);
        self.index.add(id, article, &telling);
        let reading = self.index.relate(id, &telling, RELATED);
        article.story = reading.story.unwrap_or(id);
        self.index.tell(id, article.story);
        let named = article
            .named_related
            .iter()
            .filter_map(|link| known.links.get(&fingerprint::link(&link.url)))
            .map(|named| homes.get(named).copied().unwrap_or(*named));
        let named: Vec<ArticleId> = named.collect();
        article.related = named::merge(id, named, reading.related, RELATED);
    }
}

/// Whose text represents an article that a new text is folded into: of one source the first.
fn shown(home: Match, merged: &[Match], rank: Rank, source: &SourceName) -> Shown {
    let mut best = home;
    for other in merged {
        if other.rank > best.rank && other.source != best.source {
            best = *other;
        }
    }
    if rank > best.rank && Term::of(source.as_str()) != best.source {
        Shown::New
    } else if best.article != home.article {
        Shown::Merged(best.article)
    } else {
        Shown::Kept
    }
}

impl Merits {
    fn origin<'a>(&self, article: &'a Article) -> Origin<'a> {
        Origin {
            source: &article.source,
            published: article.published,
            priority: self.priorities.get(&article.source).copied().unwrap_or(0),
        }
    }
}
