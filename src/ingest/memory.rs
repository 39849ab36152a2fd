//! What judging and relating need of the library, in memory.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
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
    library::{Article, Body, Related},
    related::{
        index::Index,
        named,
        telling::{Page, Telling},
    },
    words::Term,
};

/// The indexes over the library. Whoever holds them is the only one who judges.
#[derive(Debug)]
pub struct Memory {
    index: Index,
    recent: Recent,
    merits: Arc<Merits>,
    /// Articles that the operator split, both ways.
    apart: HashSet<(ArticleId, ArticleId)>,
    /// Articles that list other related ones now that earlier articles came after them.
    outdated: BTreeSet<ArticleId>,
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

/// Articles of the library, in the order of their ids, with what is remembered of their texts.
pub(super) struct Recalled {
    /// With a sketch of what was first seen within the window of reprints.
    articles: Vec<(Article, Option<Sketch>)>,
    words: Page,
}

impl Recalled {
    pub(super) fn of(page: Vec<(Article, Body)>, window: DateTime<Utc>) -> Self {
        let mut tellings = Vec::with_capacity(page.len());
        let prepare = |(article, body): (Article, Body)| {
            let is_recent = article.first_seen >= window;
            tellings.push(Telling::of(&article.title, &body.text));
            let sketch = is_recent.then(|| Sketch::of(&article.title, &body.text));
            (article, sketch)
        };
        Recalled {
            articles: page.into_iter().map(prepare).collect(),
            words: Page::of(tellings),
        }
    }
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
            outdated: BTreeSet::new(),
        }
    }

    /// Bytes on the heap, near enough.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.recent.bytes()
    }

    /// The words of the whole library.
    pub fn index(&self) -> &Index {
        &self.index
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
        self.outdated.remove(&id);
    }

    /// Adds articles that the library holds.
    pub(super) fn recall(&mut self, page: &Recalled) {
        let articles = page.articles.iter().map(|(article, _)| article);
        self.index.load(articles, &page.words);
        for (article, sketch) in &page.articles {
            if let Some(sketch) = sketch {
                let origin = self.merits.origin(article);
                self.recent
                    .load(article.id, sketch, origin, article.first_seen);
            }
        }
    }

    /// Ends recalling.
    pub(super) fn settle(&mut self) {
        self.recent.settle();
    }

    /// Folds what is a reprint, and gives every other new or revised article its story and its
    /// related ones; `judged` is in the order of their ids.
    ///
    /// Nothing is related before all of a document is known: what is rare shows only then.
    pub(super) fn place(
        &mut self,
        judged: Vec<Judged>,
        known: &Known,
        now: DateTime<Utc>,
    ) -> Vec<Judged> {
        self.recent.expire(now);
        let mut homes = HashMap::new();
        let mut placed = HashMap::new();
        let place = |one: Judged| {
            let id = one.trace.article;
            let verdict = match one.verdict {
                Verdict::New(new) => self.place_new(id, new, &mut homes),
                verdict => verdict,
            };
            let shown = match &verdict {
                Verdict::New(_) => Some(id),
                Verdict::Revised(_) => match known.places.get(&id) {
                    Some(Place::Folded(_)) => None,
                    Some(Place::Shown(shown)) => Some(*shown),
                    None => Some(id),
                },
                Verdict::Folded(_) | Verdict::Reprint(_) | Verdict::Known => None,
            };
            if let (Some(shown), Verdict::New(new) | Verdict::Revised(new)) = (shown, &verdict) {
                placed.insert(id, (shown, self.add(shown, &new.0, &new.1)));
            }
            Judged { verdict, ..one }
        };
        let mut judged: Vec<Judged> = judged.into_iter().map(place).collect();
        for one in &mut judged {
            if let Verdict::New(new) | Verdict::Revised(new) = &mut one.verdict
                && let Some((shown, telling)) = placed.remove(&one.trace.article)
            {
                self.relate(shown, &mut new.0, &telling, known, &homes);
            }
        }
        judged
    }

    /// Adds an article that stands for itself, or replaces what was known of it.
    fn add(&mut self, id: ArticleId, article: &Article, body: &Body) -> Telling {
        let sketch = Sketch::of(&article.title, &body.text);
        let origin = self.merits.origin(article);
        self.recent.add(id, &sketch, origin, article.first_seen);
        let telling = Telling::of(&article.title, &body.text);
        self.index.add(id, article, &telling);
        telling
    }

    fn place_new(
        &mut self,
        id: ArticleId,
        new: Box<(Article, Body)>,
        homes: &mut HashMap<ArticleId, ArticleId>,
    ) -> Verdict {
        let (article, body) = &*new;
        let sketch = Sketch::of(&article.title, &body.text);
        let origin = self.merits.origin(article);
        let matches = self.recent.find(&sketch, origin);
        let Some(found) = self.home(&matches) else {
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
                self.outdated.insert(found.article);
            }
            Shown::New => {
                self.add(found.article, article, body);
                self.outdated.insert(found.article);
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

    fn relate(
        &mut self,
        id: ArticleId,
        article: &mut Article,
        telling: &Telling,
        known: &Known,
        homes: &HashMap<ArticleId, ArticleId>,
    ) {
        let reading = self.index.relate(id, telling);
        article.story = reading.story.unwrap_or(id);
        self.outdated.extend(reading.outdated);
        let named = article
            .named_related
            .iter()
            .filter_map(|link| known.links.get(&fingerprint::link(&link.url)))
            .map(|named| homes.get(named).copied().unwrap_or(*named));
        let named: Vec<ArticleId> = named.collect();
        article.related = named::merge(id, named, reading.related);
        self.index.tell(id, article.story, &article.related);
    }

    /// Gives up to `n` of the articles whose related ones may have changed.
    pub(super) fn take_outdated(&mut self, n: usize) -> Vec<ArticleId> {
        let rest = self.outdated.iter().nth(n).copied();
        let rest = rest.map_or_else(BTreeSet::new, |rest| self.outdated.split_off(&rest));
        let taken = std::mem::replace(&mut self.outdated, rest);
        taken.into_iter().collect()
    }

    /// Relates an article anew; its story stays. Returns the list if it is another.
    pub(super) fn relate_anew(&mut self, article: &Article, body: &Body) -> Option<Vec<Related>> {
        let telling = Telling::of(&article.title, &body.text);
        let reading = self.index.relate(article.id, &telling);
        let named = article.related.iter().filter(|related| related.named);
        let related = named::merge(article.id, named.map(|named| named.id), reading.related);
        self.index.tell(article.id, article.story, &related);
        (related != article.related).then_some(related)
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
