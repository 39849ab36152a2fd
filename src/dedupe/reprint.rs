//! Is this text a reprint? What articles of the last days share more than chance with it.
//!
//! Two texts are compared by how much of the shorter one stands in the other (containment of
//! three-word shingles), by how much of it is touched by that (a shared quotation is a lump, an
//! edited text agrees here and there throughout), and by how alike they begin (cosine of title and
//! lead, rare words first).
//! Shingles that prove nothing are left out on both sides: those that one source repeats from
//! article to article, and those that turn up day after day. How many outlets carry a shingle says
//! nothing, since all of them may carry one story.
//!
//! Each article stands here by the text that represents it, so that a chain of ever looser copies
//! does not hold together.

use std::collections::VecDeque;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use foldhash::{HashMap, HashMapExt};

use super::{
    postings::{Document, Postings},
    shingle::{READ, SHORT, Shingle, Sketch, Title},
};
use crate::{
    id::{ArticleId, SourceName},
    library::Measure,
    words::Term,
};

/// Shares of the parts in the measure.
const CONTAINED: f32 = 0.42;
const SPREAD: f32 = 0.18;
const LEAD: f32 = 0.4;

/// A measure from here on makes a reprint.
const REPRINT: f32 = 0.46;

/// Words in a passage, and how many shared shingles touch it.
const PASSAGE: usize = 20;
const TOUCHED: usize = 2;

/// Fewer rare shingles in common than this are chance.
const SHARED: usize = 4;

/// The leads of short texts must be this much alike.
const SHORT_LEAD: f32 = 0.5;

/// Texts of one source with different titles are one only from so many words on.
const FORM: usize = 100;

/// A shingle that one source has in so many articles is its boilerplate.
const REPEATED: usize = 2;

/// A shingle that is seen on more days than this is a turn of phrase.
const DAYS: usize = 5;

/// A shingle in more articles than this is one as well, whosever they are.
const ARTICLES: usize = 30;

/// Postings that are kept; the oldest articles give way. About 120 MB.
const MOST_POSTINGS: usize = 24_000_000;

/// How an entry is one with an article.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    pub article: ArticleId,
    pub measure: Measure,
    /// Of the text that represents it.
    pub rank: Rank,
    /// Whose text that is.
    pub source: Term,
}

/// What decides, from 0 to 1.
pub fn score(measure: Measure) -> f32 {
    CONTAINED * measure.contained + SPREAD * measure.spread + LEAD * measure.lead
}

/// The articles that a reprint may be one of.
#[derive(Debug)]
pub struct Recent {
    /// The most that may lie between the dates of an article and its reprint.
    window: TimeDelta,
    postings: Postings,
    /// None for what was removed.
    kept: VecDeque<Option<Kept>>,
    /// The number of the first one in `kept`.
    first: Document,
    documents: HashMap<ArticleId, Document>,
    /// Shingles that prove nothing, and the last document that held them.
    common: HashMap<Shingle, Document>,
    /// In how many leads a term stands.
    leads: HashMap<Term, u32>,
}

#[derive(Debug)]
struct Kept {
    id: ArticleId,
    source: Term,
    title: Title,
    published: DateTime<Utc>,
    seen: DateTime<Utc>,
    /// Shingles that prove something.
    n_rare: u32,
    rank: Rank,
    lead: Box<[Term]>,
}

impl Kept {
    fn is_short(&self) -> bool {
        (self.rank.n_words as usize) < SHORT
    }
}

/// Which of several texts represents their article: the highest, and of equal ones the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    priority: i32,
    n_words: u32,
}

impl Sketch {
    pub fn rank(&self, priority: i32) -> Rank {
        Rank {
            priority,
            n_words: count(self.n_words),
        }
    }
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub source: &'a SourceName,
    pub published: DateTime<Utc>,
    /// The operator's, of its source.
    pub priority: i32,
}

/// What the shingles of a text say of it.
struct Looked {
    rare: Vec<Shingle>,
    /// Found to prove nothing just now, and who holds them.
    exposed: Vec<(Shingle, Vec<Document>)>,
    /// Where the rare shingles stand that a document shares.
    shared: HashMap<Document, Vec<u16>>,
}

impl Recent {
    pub fn new(window: TimeDelta) -> Self {
        Recent {
            window,
            postings: Postings::default(),
            kept: VecDeque::new(),
            first: 0,
            documents: HashMap::new(),
            common: HashMap::new(),
            leads: HashMap::new(),
        }
    }

    /// Judges by another window from now on. What a shorter one let go does not come back.
    pub fn widen(&mut self, window: TimeDelta) {
        self.window = window;
    }

    pub fn len(&self) -> usize {
        self.documents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Bytes on the heap, near enough.
    pub fn bytes(&self) -> usize {
        let leads = self.kept.iter().flatten().map(|kept| kept.lead.len() * 4);
        self.postings.bytes()
            + self.kept.capacity() * size_of::<Option<Kept>>()
            + leads.sum::<usize>()
            + self.documents.capacity() * 17
            + (self.common.capacity() + self.leads.capacity()) * 9
    }

    /// Returns the articles that a text is a reprint of, the likeliest first: mostly none or one.
    ///
    /// Several are one story that came apart, for instance two short versions of a text that comes
    /// last itself.
    pub fn find(&self, sketch: &Sketch, origin: Origin<'_>) -> Vec<Match> {
        let looked = self.look(sketch, origin);
        let source = Term::of(origin.source.as_str());
        let matches = looked.shared.iter().filter_map(|(document, shared)| {
            let kept = self.kept(*document)?;
            let is_near = (kept.published - origin.published).abs() <= self.window;
            let may_be_one = kept.source != source || may_repeat(kept, sketch);
            let enough = is_near && may_be_one && shared.len() >= SHARED;
            let measure = enough.then(|| self.measure(sketch, &looked, kept, shared))?;
            let proves = !(sketch.is_short() || kept.is_short()) || measure.lead >= SHORT_LEAD;
            let article = kept.id;
            (proves && score(measure) >= REPRINT).then_some(Match {
                article,
                measure,
                rank: kept.rank,
                source: kept.source,
            })
        });
        let mut matches: Vec<Match> = matches.collect();
        matches.sort_by(|a, b| {
            let score = |found: &Match| score(found.measure);
            score(b)
                .total_cmp(&score(a))
                .then(a.article.cmp(&b.article))
        });
        matches
    }

    fn measure(&self, sketch: &Sketch, looked: &Looked, kept: &Kept, shared: &[u16]) -> Measure {
        let n_shared = shared.len();
        let smaller = looked.rare.len().min(kept.n_rare as usize).max(n_shared);
        let n_words = sketch.n_words.min(kept.rank.n_words as usize).max(1);
        Measure {
            contained: n_shared as f32 / smaller as f32,
            spread: (touched(shared) as f32 / n_words as f32).min(1.0),
            lead: self.likeness(&sketch.lead, &kept.lead),
        }
    }

    /// Adds an article, or replaces what was known of it.
    pub fn add(&mut self, id: ArticleId, sketch: &Sketch, origin: Origin<'_>, seen: DateTime<Utc>) {
        self.remove(id);
        let document = self.next();
        let looked = self.look(sketch, origin);
        for (shingle, holders) in looked.exposed {
            self.expose(shingle, &holders, document);
        }
        for (shingle, _) in &sketch.shingles {
            if let Some(last) = self.common.get_mut(shingle) {
                *last = document;
            }
        }
        self.keep(id, sketch, origin, seen, looked.rare);
    }

    /// Adds an article that is not there yet, as quickly as can be: what its shingles prove is told
    /// by [`Recent::settle`], which must follow before anything is found.
    pub fn load(
        &mut self,
        id: ArticleId,
        sketch: &Sketch,
        origin: Origin<'_>,
        seen: DateTime<Utc>,
    ) {
        let shingles = sketch.shingles.iter().map(|(shingle, _)| *shingle);
        self.keep(id, sketch, origin, seen, shingles.collect());
    }

    /// Sets apart the shingles of all that was loaded that prove nothing.
    pub fn settle(&mut self) {
        let mut postings = std::mem::take(&mut self.postings);
        let mut exposed = Vec::new();
        postings.shared(|shingle, holders| {
            if let Some((last, before)) = holders.split_last()
                && let Some(kept) = self.kept(*last)
                && self.proves_nothing(before, kept.published.date_naive())
            {
                exposed.push((shingle, holders.to_vec()));
            }
        });
        self.postings = postings;
        for (shingle, holders) in exposed {
            let last = holders.last().copied().unwrap_or_default();
            self.expose(shingle, &holders, last);
        }
    }

    /// A shingle proves nothing, and counts no more for those that hold it.
    fn expose(&mut self, shingle: Shingle, holders: &[Document], last: Document) {
        for holder in holders {
            if let Some(kept) = self.kept_mut(*holder) {
                kept.n_rare = kept.n_rare.saturating_sub(1);
            }
        }
        self.common.insert(shingle, last);
    }

    fn keep(
        &mut self,
        id: ArticleId,
        sketch: &Sketch,
        origin: Origin<'_>,
        seen: DateTime<Utc>,
        rare: Vec<Shingle>,
    ) {
        let document = self.next();
        for term in distinct(&sketch.lead) {
            *self.leads.entry(term).or_default() += 1;
        }
        self.kept.push_back(Some(Kept {
            id,
            source: Term::of(origin.source.as_str()),
            title: sketch.title,
            published: origin.published,
            seen,
            n_rare: count(rare.len()),
            rank: sketch.rank(origin.priority),
            lead: sketch.lead.clone(),
        }));
        self.documents.insert(id, document);
        self.postings.add(document, rare.into_iter());
        if self.postings.len() > MOST_POSTINGS
            && let Some(oldest) = self.postings.oldest()
        {
            self.forget_before(oldest + 1);
        }
    }

    /// Has `id` stand by the text of `other`, which is no longer an article.
    pub fn adopt(&mut self, id: ArticleId, other: ArticleId) {
        self.remove(id);
        if let Some(document) = self.documents.remove(&other) {
            self.documents.insert(id, document);
            if let Some(kept) = self.kept_mut(document) {
                kept.id = id;
            }
        }
    }

    pub fn remove(&mut self, id: ArticleId) {
        let Some(document) = self.documents.remove(&id) else {
            return;
        };
        let at = (document - self.first) as usize;
        if let Some(kept) = self.kept.get_mut(at).and_then(Option::take) {
            self.forget_lead(&kept.lead);
        }
    }

    /// Lets go of what was first seen before the window that ends `now`.
    pub fn expire(&mut self, now: DateTime<Utc>) {
        let from = now - self.window;
        let mut first = self.first;
        for kept in &self.kept {
            match kept {
                Some(kept) if kept.seen >= from => break,
                Some(_) | None => first += 1,
            }
        }
        if first > self.first {
            self.forget_before(first);
        }
    }

    fn forget_before(&mut self, first: Document) {
        while self.first < first
            && let Some(gone) = self.kept.pop_front()
        {
            self.first += 1;
            if let Some(gone) = gone {
                self.documents.remove(&gone.id);
                self.forget_lead(&gone.lead);
            }
        }
        let before = self.postings.len();
        self.postings.forget_before(self.first);
        if self.postings.len() < before {
            self.common.retain(|_, last| *last >= first);
        }
    }

    fn forget_lead(&mut self, lead: &[Term]) {
        for term in distinct(lead) {
            if let Some(n) = self.leads.get_mut(&term) {
                *n -= 1;
                if *n == 0 {
                    self.leads.remove(&term);
                }
            }
        }
    }

    fn next(&self) -> Document {
        self.first + u32::try_from(self.kept.len()).expect("bounded by the postings")
    }

    fn kept(&self, document: Document) -> Option<&Kept> {
        let at = document.checked_sub(self.first)?;
        self.kept.get(at as usize)?.as_ref()
    }

    fn kept_mut(&mut self, document: Document) -> Option<&mut Kept> {
        let at = document.checked_sub(self.first)?;
        self.kept.get_mut(at as usize)?.as_mut()
    }

    fn look(&self, sketch: &Sketch, origin: Origin<'_>) -> Looked {
        let mut looked = Looked {
            rare: Vec::with_capacity(sketch.shingles.len()),
            exposed: Vec::new(),
            shared: HashMap::new(),
        };
        let mut holders = Vec::new();
        let day = origin.published.date_naive();
        for (shingle, at) in &sketch.shingles {
            if self.common.contains_key(shingle) {
                continue;
            }
            holders.clear();
            self.postings.find(*shingle, self.first, &mut holders);
            if self.proves_nothing(&holders, day) {
                looked.exposed.push((*shingle, holders.clone()));
                continue;
            }
            looked.rare.push(*shingle);
            for document in &holders {
                looked.shared.entry(*document).or_default().push(*at);
            }
        }
        looked
    }

    /// Tells whether a shingle that all `holders` share with a text of that day is boilerplate or a
    /// turn of phrase.
    fn proves_nothing(&self, holders: &[Document], day: NaiveDate) -> bool {
        let mut sources: Vec<Term> = Vec::new();
        let mut days = vec![day];
        for kept in holders.iter().filter_map(|holder| self.kept(*holder)) {
            sources.push(kept.source);
            let day = kept.published.date_naive();
            if !days.contains(&day) {
                days.push(day);
            }
        }
        sources.sort_unstable();
        days.len() > DAYS
            || sources.len() > ARTICLES
            || sources
                .chunk_by(|a, b| a == b)
                .any(|own| own.len() >= REPEATED)
    }

    /// The cosine of two leads, a term weighing the more the fewer leads hold it.
    fn likeness(&self, a: &[Term], b: &[Term]) -> f32 {
        let n = self.len() as f32 + 1.0;
        let weight = |run: &[Term]| {
            let held = self.leads.get(&run[0]).copied().unwrap_or(0) as f32 + 1.0;
            (1.0 + (run.len() as f32).ln()) * (1.0 + (n / held).ln())
        };
        let weigh = |lead: &[Term]| -> Vec<(Term, f32)> {
            lead.chunk_by(|a, b| a == b)
                .map(|run| (run[0], weight(run)))
                .collect()
        };
        let (a, b) = (weigh(a), weigh(b));
        let norm = |all: &[(Term, f32)]| all.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        let product: f32 = a
            .iter()
            .filter_map(|(term, weight)| {
                let at = b.binary_search_by_key(term, |(term, _)| *term).ok()?;
                Some(weight * b[at].1)
            })
            .sum();
        product / (norm(&a) * norm(&b)).max(f32::MIN_POSITIVE)
    }
}

/// Tells whether two texts of one source may be one: many sources fill in a form, with other numbers
/// or, where it is short, another title.
fn may_repeat(kept: &Kept, sketch: &Sketch) -> bool {
    let words = (kept.rank.n_words as usize).min(sketch.n_words);
    kept.title == sketch.title || kept.title.numbers == sketch.title.numbers && words >= FORM
}

/// Words in the passages of a text that shingles at `places` touch.
fn touched(places: &[u16]) -> usize {
    let mut passages = [0_u8; READ / PASSAGE + 1];
    for place in places {
        let touched = &mut passages[usize::from(*place) / PASSAGE];
        *touched = touched.saturating_add(1);
    }
    let is_touched = |n: &&u8| usize::from(**n) >= TOUCHED;
    passages.iter().filter(is_touched).count() * PASSAGE
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn distinct(lead: &[Term]) -> impl Iterator<Item = Term> {
    lead.chunk_by(|a, b| a == b).map(|run| run[0])
}

#[cfg(test)]
mod tests;
