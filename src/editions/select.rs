//! Which articles an edition shows, and what each needs to be shown.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::{Edition, Published, RelatedLink, Site};
use crate::{
    id::{ArticleId, SourceName},
    library::{Article, ArticleStore, Query},
    port,
};

/// What readers call each source.
#[derive(Clone, Debug, Default)]
pub struct SourceTitles(HashMap<SourceName, String>);

impl SourceTitles {
    /// The operator's words; for a source that is no longer configured, its name.
    pub fn of<'a>(&'a self, name: &'a SourceName) -> &'a str {
        self.0.get(name).map_or(name.as_str(), String::as_str)
    }

    pub fn get(&self, name: &SourceName) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(SourceName, String)> for SourceTitles {
    fn from_iter<I: IntoIterator<Item = (SourceName, String)>>(titles: I) -> Self {
        Self(titles.into_iter().collect())
    }
}

/// Asks for the latest articles of an edition, as many as it shows at once.
pub fn query(edition: &Edition) -> Query {
    Query {
        sources: edition.select.sources.clone(),
        topics: edition.select.topics.clone(),
        exclude: edition.select.exclude.clone(),
        limit: Some(edition.max_articles),
        ..Query::default()
    }
}

/// Makes articles ready to show, each with at most `related` links.
pub async fn published(
    store: &dyn ArticleStore,
    sources: &SourceTitles,
    site: &Site,
    articles: Vec<Article>,
    related: usize,
) -> port::Result<Vec<Published>> {
    let wanted: HashSet<ArticleId> = articles
        .iter()
        .flat_map(|article| article.related.iter().map(|related| related.id))
        .collect();
    let wanted: Vec<ArticleId> = wanted.into_iter().collect();
    let held: HashMap<ArticleId, Article> = store
        .articles(&wanted)
        .await?
        .into_iter()
        .map(|article| (article.id, article))
        .collect();

    let mut published = Vec::with_capacity(articles.len());
    for article in articles {
        let body = store.body(article.id).await?.unwrap_or_default();
        published.push(Published {
            related: links(&article, &held, sources, site, related),
            url: address(&article, site),
            source: sources.of(&article.source).to_owned(),
            carriers: article
                .also_carried_by()
                .into_iter()
                .map(|name| sources.of(name).to_owned())
                .collect(),
            body,
            article,
        });
    }
    Ok(published)
}

/// The publisher's address, or our own page for an article that came without one.
fn address(article: &Article, site: &Site) -> Url {
    match &article.url {
        Some(url) => url.clone(),
        None => site.address(&format!("articles/{}", article.id)),
    }
}

/// Links what the author named first, in the author's order, then what was computed.
///
/// A named link whose article the library holds is shown as that article; another one leads out.
fn links(
    article: &Article,
    held: &HashMap<ArticleId, Article>,
    sources: &SourceTitles,
    site: &Site,
    limit: usize,
) -> Vec<RelatedLink> {
    let mut shown = HashSet::from([place(&address(article, site))]);
    let mut links = Vec::new();
    let mut add = |link: RelatedLink, places: &[Url]| {
        let fresh = places.iter().all(|url| !shown.contains(&place(url)));
        if fresh && links.len() < limit {
            shown.extend(places.iter().map(place));
            links.push(link);
        }
    };
    let ours = |other: &Article, named| RelatedLink {
        title: other.heading().to_owned(),
        url: address(other, site),
        source: Some(sources.of(&other.source).to_owned()),
        named,
        same_story: other.story == article.story,
    };
    let held_related = |named| {
        let related = article.related.iter().filter(move |r| r.named == named);
        related.filter_map(|r| held.get(&r.id))
    };

    for link in &article.named_related {
        let at = place(&link.url);
        match held_related(true)
            .find(|other| places(other, site).iter().any(|url| place(url) == at))
        {
            Some(other) => add(ours(other, true), &places(other, site)),
            None => add(
                RelatedLink {
                    title: link.title.clone(),
                    url: link.url.clone(),
                    source: None,
                    named: true,
                    same_story: false,
                },
                std::slice::from_ref(&link.url),
            ),
        }
    }
    for named in [true, false] {
        for other in held_related(named) {
            add(ours(other, named), &places(other, site));
        }
    }
    links
}

/// Everywhere the article can be read: a named link may lead to a reprint.
fn places(article: &Article, site: &Site) -> Vec<Url> {
    let reprints = article.reprints.iter().filter_map(|r| r.url.clone());
    std::iter::once(address(article, site))
        .chain(reprints)
        .collect()
}

/// What two spellings of one address share: not the scheme, not `www.`, not a closing slash, not
/// the fragment, not a campaign's parameters.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let mut place = host.strip_prefix("www.").unwrap_or(host).to_owned();
    if let Some(port) = url.port() {
        place.push_str(&format!(":{port}"));
    }
    place.push_str(url.path().trim_end_matches('/'));
    for (key, value) in url
        .query_pairs()
        .filter(|(key, _)| !key.starts_with("utm_"))
    {
        place.push_str(&format!("&{key}={value}"));
    }
    place
}

#[cfg(test)]
mod tests;
