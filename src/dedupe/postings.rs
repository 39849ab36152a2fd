//! Which documents hold a shingle: four bytes a posting, the oldest given up first.
//!
//! Documents are numbered in the order in which they come. Postings collect in a table; a full one
//! is sealed into a chunk, which never changes, and chunks of like size are joined, so that few
//! have to be asked.

use foldhash::HashMap;

use super::shingle::Shingle;

/// Postings that are collected before they are sealed.
const FULL: usize = 1 << 17;

/// Chunks are joined up to this many postings.
const LARGE: usize = 1 << 22;

/// The number of a document.
pub(super) type Document = u32;

#[derive(Debug, Default)]
pub(super) struct Postings {
    /// Oldest first.
    sealed: Vec<Chunk>,
    fresh: Fresh,
}

/// Postings by shingle, each a link to the one before it.
#[derive(Debug, Default)]
struct Fresh {
    last: HashMap<u32, u32>,
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    document: Document,
    /// The link before it, counted from 1; 0 for none.
    before: u32,
}

/// Postings in the order of their shingles.
#[derive(Debug)]
struct Chunk {
    first: Document,
    last: Document,
    /// By the upper half of a shingle: where its postings begin. One more than there are halves.
    starts: Box<[u32]>,
    /// The lower half of the shingle, and how many documents behind `first`.
    postings: Box<[(u16, u16)]>,
}

impl Postings {
    pub(super) fn len(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|chunk| chunk.postings.len()).sum();
        sealed + self.fresh.links.len()
    }

    /// Bytes on the heap, near enough.
    pub(super) fn bytes(&self) -> usize {
        let sealed = |chunk: &Chunk| 4 * (chunk.postings.len() + chunk.starts.len());
        self.sealed.iter().map(sealed).sum::<usize>()
            + 9 * self.fresh.last.capacity()
            + 8 * self.fresh.links.capacity()
    }

    /// Adds a document's shingles; `document` is above all before it.
    pub(super) fn add(&mut self, document: Document, shingles: impl Iterator<Item = Shingle>) {
        for shingle in shingles {
            self.fresh.add(shingle, document);
        }
        if self.fresh.links.len() >= FULL {
            self.seal();
        }
    }

    /// Appends the documents that hold `shingle`, from `from` on.
    pub(super) fn find(&self, shingle: Shingle, from: Document, found: &mut Vec<Document>) {
        for chunk in &self.sealed {
            found.extend(chunk.find(shingle).filter(|document| *document >= from));
        }
        found.extend(
            self.fresh
                .find(shingle)
                .filter(|document| *document >= from),
        );
    }

    /// Tells of each shingle that several documents hold, in no order; its documents ascend.
    pub(super) fn shared(&mut self, mut tell: impl FnMut(Shingle, &[Document])) {
        if !self.fresh.links.is_empty() {
            self.seal();
        }
        let mut held: Vec<(u16, Document)> = Vec::new();
        let mut documents = Vec::new();
        for upper in 0..1_usize << 16 {
            held.clear();
            for chunk in &self.sealed {
                let postings = chunk.between(&chunk.starts[upper..upper + 2]).iter();
                held.extend(postings.map(|(tag, behind)| (*tag, chunk.first + u32::from(*behind))));
            }
            held.sort_unstable();
            for of_one in held.chunk_by(|a, b| a.0 == b.0) {
                if let [(tag, _), _, ..] = of_one {
                    documents.clear();
                    documents.extend(of_one.iter().map(|(_, document)| *document));
                    let number = u32::try_from(upper).unwrap_or_default() << 16 | u32::from(*tag);
                    tell(Shingle::numbered(number), &documents);
                }
            }
        }
    }

    /// Gives up chunks that hold none but documents before `from`.
    pub(super) fn forget_before(&mut self, from: Document) {
        self.sealed.retain(|chunk| chunk.last >= from);
    }

    /// The last document of the oldest chunk: what must be given up to make room.
    pub(super) fn oldest(&self) -> Option<Document> {
        self.sealed.first().map(|chunk| chunk.last)
    }

    fn seal(&mut self) {
        let mut chunk = Chunk::new(self.fresh.sorted());
        self.fresh = Fresh::default();
        while let Some(before) = self.sealed.last()
            && before.postings.len() < 2 * chunk.postings.len()
            && before.postings.len() + chunk.postings.len() <= LARGE
            && chunk.last - before.first <= u32::from(u16::MAX)
        {
            chunk = before.joined(&chunk);
            self.sealed.pop();
        }
        self.sealed.push(chunk);
    }
}

impl Fresh {
    fn add(&mut self, shingle: Shingle, document: Document) {
        let before = self.last.get(&shingle.number()).copied().unwrap_or(0);
        self.links.push(Link { document, before });
        let at = u32::try_from(self.links.len()).expect("sealed long before");
        self.last.insert(shingle.number(), at);
    }

    fn find(&self, shingle: Shingle) -> impl Iterator<Item = Document> {
        self.chain(self.last.get(&shingle.number()).copied().unwrap_or(0))
    }

    fn chain(&self, mut at: u32) -> impl Iterator<Item = Document> {
        std::iter::from_fn(move || {
            let link = self.links[at.checked_sub(1)? as usize];
            at = link.before;
            Some(link.document)
        })
    }

    fn sorted(&self) -> Vec<(u32, Document)> {
        let all = self.last.iter();
        all.flat_map(|(shingle, at)| self.chain(*at).map(|document| (*shingle, document)))
            .collect()
    }
}

impl Chunk {
    /// Makes a chunk of at least one posting, whose documents lie within 65,536 numbers.
    fn new(mut all: Vec<(u32, Document)>) -> Self {
        all.sort_unstable();
        let documents = || all.iter().map(|(_, document)| *document);
        let first = documents().min().unwrap_or_default();
        let last = documents().max().unwrap_or_default();
        let mut starts = vec![0; (1 << 16) + 1];
        for (shingle, _) in &all {
            starts[(shingle >> 16) as usize + 1] += 1;
        }
        for half in 1..starts.len() {
            starts[half] += starts[half - 1];
        }
        let lower = |shingle: u32| u16::try_from(shingle & 0xffff).unwrap_or_default();
        let behind = |document| u16::try_from(document - first).unwrap_or(u16::MAX);
        let postings = all
            .iter()
            .map(|&(shingle, document)| (lower(shingle), behind(document)));
        Chunk {
            first,
            last,
            starts: starts.into(),
            postings: postings.collect(),
        }
    }

    fn find(&self, shingle: Shingle) -> impl Iterator<Item = Document> {
        let upper = (shingle.number() >> 16) as usize;
        let lower = shingle.number() & 0xffff;
        let range = self.starts[upper] as usize..self.starts[upper + 1] as usize;
        self.postings[range]
            .iter()
            .skip_while(move |(tag, _)| u32::from(*tag) < lower)
            .take_while(move |(tag, _)| u32::from(*tag) == lower)
            .map(|(_, behind)| self.first + u32::from(*behind))
    }

    /// Both in one, `later` having the later documents, within 65,536 numbers of the first one here.
    fn joined(&self, later: &Chunk) -> Chunk {
        let shift = u16::try_from(later.first - self.first).unwrap_or(u16::MAX);
        let mut postings = Vec::with_capacity(self.postings.len() + later.postings.len());
        let mut starts = Vec::with_capacity(self.starts.len());
        starts.push(0);
        for (here, there) in self.starts.windows(2).zip(later.starts.windows(2)) {
            let mut here = self.between(here).iter().copied().peekable();
            let there = later.between(there).iter();
            for (tag, behind) in there.map(|(tag, behind)| (*tag, behind.saturating_add(shift))) {
                while let Some(earlier) = here.next_if(|(earlier, _)| *earlier <= tag) {
                    postings.push(earlier);
                }
                postings.push((tag, behind));
            }
            postings.extend(here);
            starts.push(u32::try_from(postings.len()).unwrap_or(u32::MAX));
        }
        Chunk {
            first: self.first,
            last: later.last,
            starts: starts.into(),
            postings: postings.into(),
        }
    }

    fn between(&self, at: &[u32]) -> &[(u16, u16)] {
        &self.postings[at[0] as usize..at[1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shingle(n: u32) -> Shingle {
        Shingle::of(&n.to_string())
    }

    /// Document `n` holds the shingles `n`, `n / 10` and 0.
    fn postings(documents: u32) -> Postings {
        let mut postings = Postings::default();
        for n in 0..documents {
            postings.add(n, [n, n / 10, 0].into_iter().map(shingle));
        }
        postings
    }

    fn find(postings: &Postings, n: u32, from: Document) -> Vec<Document> {
        let mut found = Vec::new();
        postings.find(shingle(n), from, &mut found);
        found.sort_unstable();
        found
    }

    #[test]
    fn documents_are_found_by_shingle_before_and_after_sealing() {
        for documents in [200, 200_000] {
            let postings = postings(documents);

            assert_eq!(postings.len(), 3 * documents as usize);
            assert_eq!(
                find(&postings, 12, 0),
                (120..130).fold(vec![12], |mut all, n| {
                    all.push(n);
                    all
                })
            );
            assert_eq!(find(&postings, 12, 125), [125, 126, 127, 128, 129]);
            assert_eq!(find(&postings, documents, 0), [0; 0]);
        }
        assert_eq!(find(&postings(100_000), 0, 99_998), [99_998, 99_999]);
    }

    #[test]
    fn a_posting_costs_little_more_than_four_bytes_and_few_chunks_are_asked() {
        let mut postings = Postings::default();
        for document in 0..12_000 {
            let held = document * 90..document * 90 + 100;
            postings.add(document, held.map(shingle));
        }

        assert!(
            postings.bytes() < 5 * postings.len(),
            "{}",
            postings.bytes()
        );
        assert!(postings.sealed.len() <= 32, "{}", postings.sealed.len());
    }

    #[test]
    fn what_is_old_is_given_up() {
        let mut postings = postings(200_000);
        let oldest = postings.oldest().unwrap();

        postings.forget_before(oldest + 1);

        assert!(postings.len() < 600_000);
        assert_eq!(find(&postings, 12, 0), [0; 0]);
        assert_eq!(find(&postings, 199_999, 0), [199_999]);
    }
}
