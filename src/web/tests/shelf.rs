//! A store of what a test puts there, which can be away, broken, or slow to let go of a message.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    dedupe::{Known, fingerprint::Fingerprint},
    delivery::{
        Claim, Claimed, Content, Delivery, Held, Hold, Issue, OutboxStore, Plan, Planned, Reach,
        Seal, Settle, Tally, Usage,
    },
    editions::{Close, Closed, Digest, EditionStore, Progress, fixture::morning},
    id::{
        ArticleId, ContentId, DeliveryId, DigestName, EditionSlug, GroupName, SourceName,
        SubscriberId,
    },
    ingest::{Answer, IngestStore, Place, Record, Recorded, Split},
    library::{Article, ArticleStore, Body, Query, Related},
    parts::Window,
    port::{Health, Result, StoreError},
    sources::{
        Poll, SourceStore, Standing, Verdict,
        websub::{Subscription, Verification},
    },
    subscribers::{
        ConsentEvent, How, Profile, Request, Requested, Scope, Subscriber, SubscriberStore,
        Unconfirmed, address::EmailAddress,
    },
};

#[derive(Default)]
pub(super) struct Shelf {
    articles: Mutex<Vec<Article>>,
    requests: Mutex<Vec<Request>>,
    confirmed: Mutex<Vec<String>>,
    withdrawn: Mutex<Vec<(Scope, How)>>,
    confirmed_before: AtomicBool,
    pub(super) bodies_read: AtomicUsize,
    /// How often [`OutboxStore::is_in_hand`] still says yes.
    pub(super) in_hand: AtomicUsize,
    pub(super) away: AtomicBool,
    pub(super) broken: AtomicBool,
}

impl Shelf {
    pub(super) fn with(self, article: Article) -> Self {
        self.articles.lock().unwrap().push(article);
        self
    }

    pub(super) fn revise(&self, id: u64, title: &str, at: DateTime<Utc>) {
        for article in self
            .articles
            .lock()
            .unwrap()
            .iter_mut()
            .filter(|a| a.id.0 == id)
        {
            article.title = title.to_owned();
            article.revised = Some(at);
        }
    }

    pub(super) fn nothing_pending(&self) {
        self.confirmed_before.store(true, Ordering::SeqCst);
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn confirmed(&self) -> Vec<String> {
        self.confirmed.lock().unwrap().clone()
    }

    pub(super) fn withdrawn(&self) -> Vec<(Scope, How)> {
        self.withdrawn.lock().unwrap().clone()
    }

    fn answers(&self) -> Result<()> {
        assert!(!self.broken.load(Ordering::SeqCst), "broken on purpose");
        match self.away.load(Ordering::SeqCst) {
            true => unasked("answer"),
            false => Ok(()),
        }
    }
}

/// For what these tests never ask.
fn unasked<T>(doing: &'static str) -> Result<T> {
    Err(StoreError::Unavailable {
        doing,
        source: None,
    })
}

#[async_trait]
impl ArticleStore for Shelf {
    async fn article(&self, id: ArticleId) -> Result<Option<Article>> {
        Ok(self.articles(&[id]).await?.pop())
    }

    async fn articles(&self, ids: &[ArticleId]) -> Result<Vec<Article>> {
        self.answers()?;
        let articles = self.articles.lock().unwrap();
        Ok(ids
            .iter()
            .filter_map(|id| articles.iter().find(|a| a.id == *id).cloned())
            .collect())
    }

    async fn page(&self, _: Option<ArticleId>, _: usize) -> Result<Vec<(Article, Body)>> {
        unasked("read")
    }

    async fn folded(&self, _: ArticleId) -> Result<Option<(Article, Body)>> {
        unasked("read")
    }

    async fn body(&self, _: ArticleId) -> Result<Option<Body>> {
        self.answers()?;
        self.bodies_read.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Body {
            html: "<p>A text.</p>".to_owned(),
            text: "A text.".to_owned(),
        }))
    }

    async fn removed(&self, _: ArticleId) -> Result<Option<DateTime<Utc>>> {
        self.answers().map(|()| None)
    }

    async fn list(&self, query: &Query) -> Result<Vec<Article>> {
        self.answers()?;
        let articles = self.articles.lock().unwrap();
        Ok(articles
            .iter()
            .filter(|article| query.selects(article))
            .cloned()
            .collect())
    }
}

#[async_trait]
impl EditionStore for Shelf {
    async fn progress(
        &self,
        _: &EditionSlug,
        _: &DigestName,
        _: DateTime<Utc>,
    ) -> Result<Progress> {
        unasked("progress")
    }

    async fn close(&self, _: Close) -> Result<Closed> {
        unasked("close")
    }

    async fn pass(&self, _: &EditionSlug, _: &DigestName, _: Window) -> Result<()> {
        unasked("pass")
    }

    async fn unplanned(&self) -> Result<Vec<Digest>> {
        unasked("list")
    }

    async fn planned(&self, _: &EditionSlug, _: u32) -> Result<()> {
        unasked("note")
    }

    /// There is one of every edition.
    async fn digest(&self, edition: &EditionSlug, number: u32) -> Result<Option<Digest>> {
        let digest = self.digests(edition, 1).await?.pop();
        Ok(digest.filter(|digest| digest.number == number))
    }

    async fn digests(&self, edition: &EditionSlug, _: usize) -> Result<Vec<Digest>> {
        self.answers()?;
        let articles = self
            .articles
            .lock()
            .unwrap()
            .iter()
            .map(|article| article.id)
            .collect();
        Ok(vec![Digest {
            edition: edition.clone(),
            name: "daily".parse().unwrap(),
            number: 1,
            slot: morning(),
            window: Window {
                from: morning(),
                to: morning(),
            },
            articles,
            planned: true,
        }])
    }
}

#[async_trait]
impl SubscriberStore for Shelf {
    async fn request(&self, requests: Vec<Request>, _: DateTime<Utc>) -> Result<Vec<Requested>> {
        self.answers()?;
        let requested = requests
            .iter()
            .map(|request| match request.address.as_str() {
                "ann@example.org" => Requested::Already(SubscriberId(1)),
                _ => Requested::Pending(SubscriberId(2)),
            })
            .collect();
        self.requests.lock().unwrap().extend(requests);
        Ok(requested)
    }

    async fn confirm(
        &self,
        _: SubscriberId,
        edition: &EditionSlug,
        _: DateTime<Utc>,
    ) -> Result<bool> {
        self.answers()?;
        self.confirmed.lock().unwrap().push(edition.to_string());
        Ok(!self.confirmed_before.load(Ordering::SeqCst))
    }

    async fn withdraw(
        &self,
        _: SubscriberId,
        scope: &Scope,
        how: How,
        _: DateTime<Utc>,
    ) -> Result<()> {
        self.answers()?;
        self.withdrawn.lock().unwrap().push((scope.clone(), how));
        Ok(())
    }

    async fn suppress(&self, _: &EmailAddress, _: DateTime<Utc>) -> Result<()> {
        unasked("suppress")
    }

    async fn find(&self, _: &EmailAddress) -> Result<Option<Profile>> {
        unasked("find")
    }

    async fn profile(&self, id: SubscriberId) -> Result<Option<Profile>> {
        self.answers()?;
        let subscriber = Subscriber {
            id,
            address: "ann@example.org".parse().unwrap(),
            name: None,
            created: morning(),
        };
        Ok(Some(Profile {
            subscriber,
            subscriptions: Vec::new(),
            suppressed: None,
        }))
    }

    async fn profiles(&self, _: Option<SubscriberId>, _: usize) -> Result<Vec<Profile>> {
        unasked("list")
    }

    async fn unconfirmed(&self, _: usize) -> Result<Vec<Unconfirmed>> {
        unasked("list")
    }

    async fn asked(&self, _: &Unconfirmed) -> Result<()> {
        unasked("note")
    }

    async fn count(&self, _: &EditionSlug) -> Result<u64> {
        unasked("count")
    }

    async fn consent(&self, _: SubscriberId) -> Result<Vec<ConsentEvent>> {
        unasked("list")
    }
}

#[async_trait]
impl OutboxStore for Shelf {
    async fn plan(&self, _: Plan) -> Result<Planned> {
        unasked("plan")
    }

    async fn planned_as(&self, _: &str) -> Result<Option<ContentId>> {
        unasked("look up")
    }

    async fn claim_due(&self, _: Claim, _: DateTime<Utc>) -> Result<Option<Claimed>> {
        unasked("claim")
    }

    async fn settle(&self, _: Settle, _: DateTime<Utc>) -> Result<()> {
        unasked("settle")
    }

    async fn release_leases(&self, _: DateTime<Utc>) -> Result<u64> {
        unasked("release")
    }

    async fn is_admitted(&self, _: DeliveryId, _: DateTime<Utc>) -> Result<bool> {
        unasked("gate")
    }

    async fn is_in_hand(&self, _: SubscriberId) -> Result<bool> {
        self.answers()?;
        let less = |left: usize| left.checked_sub(1);
        Ok(self
            .in_hand
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok())
    }

    async fn content(&self, _: ContentId) -> Result<Option<Content>> {
        unasked("read")
    }

    async fn deliveries_of(&self, _: DeliveryId, _: usize) -> Result<Vec<Delivery>> {
        unasked("deliveries of a content")
    }

    async fn issues(&self, _: usize) -> Result<Vec<Issue>> {
        unasked("issues")
    }

    async fn hold(&self, _: Reach, _: Hold, _: Vec<DeliveryId>) -> Result<()> {
        unasked("hold")
    }

    async fn lift(&self, _: Reach) -> Result<bool> {
        unasked("lift")
    }

    async fn holds(&self) -> Result<Vec<Held>> {
        unasked("holds")
    }

    async fn seal(&self) -> Result<Option<Seal>> {
        unasked("seal")
    }

    async fn set_seal(&self, _: Seal) -> Result<()> {
        unasked("set the seal")
    }

    async fn usage(&self, _: DateTime<Utc>) -> Result<Vec<Usage>> {
        unasked("usage")
    }

    async fn retry(&self, _: Vec<DeliveryId>, _: DateTime<Utc>) -> Result<u64> {
        unasked("retry")
    }

    async fn deliveries_to(&self, _: SubscriberId) -> Result<Vec<Delivery>> {
        unasked("read")
    }

    async fn deliveries(&self, _: usize) -> Result<Vec<Delivery>> {
        unasked("list")
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>> {
        unasked("read")
    }

    async fn waiting(&self) -> Result<BTreeMap<GroupName, u64>> {
        unasked("count")
    }

    async fn tally(&self, _: ContentId) -> Result<Tally> {
        unasked("count")
    }
}

#[async_trait]
impl Health for Shelf {
    async fn check(&self) -> Result<()> {
        self.answers()
    }
}

#[async_trait]
impl SourceStore for Shelf {
    async fn poll(&self, _: &SourceName) -> Result<Option<Poll>> {
        unasked("read")
    }

    async fn record_quiet(&self, _: &SourceName, _: &Poll) -> Result<()> {
        unasked("record")
    }

    async fn standings(&self) -> Result<BTreeMap<SourceName, Standing>> {
        unasked("read")
    }

    async fn pause(&self, _: &SourceName, _: DateTime<Utc>) -> Result<()> {
        unasked("pause")
    }

    async fn resume(&self, _: &SourceName, _: DateTime<Utc>) -> Result<()> {
        unasked("resume")
    }

    async fn paused(&self) -> Result<BTreeMap<SourceName, DateTime<Utc>>> {
        unasked("read")
    }

    async fn subscription(&self, _: &SourceName) -> Result<Option<Subscription>> {
        unasked("read")
    }

    async fn hook(&self, _: &str) -> Result<Option<(SourceName, Subscription)>> {
        unasked("read")
    }

    async fn keep_subscription(&self, _: &SourceName, _: &Subscription) -> Result<()> {
        unasked("record")
    }

    async fn subscription_failed(
        &self,
        _: &SourceName,
        _: &str,
        _: &str,
        _: DateTime<Utc>,
    ) -> Result<()> {
        unasked("record")
    }

    async fn verify_subscription(
        &self,
        _: &str,
        _: Verification,
        _: DateTime<Utc>,
    ) -> Result<Verdict> {
        unasked("record")
    }

    async fn forget_subscription(&self, _: &SourceName) -> Result<()> {
        unasked("record")
    }
}

#[async_trait]
impl IngestStore for Shelf {
    async fn known(&self, _: &[Fingerprint]) -> Result<Known> {
        unasked("read")
    }

    async fn reserve(&self, _: u64) -> Result<ArticleId> {
        unasked("reserve")
    }

    async fn places(&self, _: &[ArticleId]) -> Result<HashMap<ArticleId, Place>> {
        unasked("read")
    }

    async fn split(&self, _: ArticleId) -> Result<Split> {
        unasked("split")
    }

    async fn apart(&self) -> Result<Vec<(ArticleId, ArticleId)>> {
        unasked("read")
    }

    async fn relate(&self, _: Vec<(ArticleId, Vec<Related>)>) -> Result<()> {
        unasked("relate")
    }

    async fn record(&self, _: Record) -> Result<Recorded> {
        unasked("record")
    }

    async fn answer(&self, _: &SourceName, _: &str, _: DateTime<Utc>) -> Result<Option<Answer>> {
        unasked("answer")
    }

    async fn remove(&self, _: &[ArticleId], _: DateTime<Utc>) -> Result<Vec<Article>> {
        unasked("remove")
    }

    async fn unfold(&self, _: ArticleId, _: &SourceName, _: &str) -> Result<()> {
        unasked("unfold")
    }
}
