//! `courant why`: everything about one person and one edition or article.

mod tale;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out};
use crate::{
    editions::Edition,
    id::{ArticleId, EditionSlug},
    library::Article,
    ops::app::App,
    subscribers::address::EmailAddress,
};
use tale::{Person, Tale};

#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct Why {
    /// Whose mail it is about
    #[arg(value_name = "ADDRESS")]
    address: EmailAddress,
    /// An edition, or the number of an article
    #[arg(value_name = "EDITION|ARTICLE")]
    what: String,
}

/// What a person may have got or missed.
enum Matter<'a> {
    Edition(&'a Edition),
    Article(Box<Article>),
}

impl Why {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        let matter = self.matter(app).await?;
        let person = Person::find(app, &self.address).await?;
        let (editions, article) = match &matter {
            Matter::Edition(edition) => (vec![*edition], None),
            Matter::Article(article) => (app.config.editions.iter().collect(), Some(&**article)),
        };
        let mut tales = Vec::new();
        for edition in editions {
            tales.push(Tale::tell(app, &person, edition, article).await?);
        }
        if out.wants_json() {
            out.object(&tale::Told {
                person: &person,
                article: article.map(|article| article.id),
                editions: &tales,
            })
            .await?;
            return Ok(Done::Wholly);
        }
        let mut facts = person.facts();
        if let Some(article) = article {
            facts.push(("article", format!("{} {}", article.id, article.heading())));
        }
        facts.extend(tales.iter().flat_map(Tale::facts));
        for (what, fact) in facts {
            out.line(format!("{what:<11}{fact}")).await;
        }
        Ok(Done::Wholly)
    }

    async fn matter<'a>(&self, app: &'a App) -> anyhow::Result<Matter<'a>> {
        if let Ok(slug) = EditionSlug::parse(&self.what) {
            let mut editions = app.config.editions.iter();
            if let Some(edition) = editions.find(|edition| edition.slug == slug) {
                return Ok(Matter::Edition(edition));
            }
        }
        let id: Option<ArticleId> = self.what.parse().ok();
        let id = id.with_context(|| format!("there is no edition `{}`", self.what))?;
        let article = app.store.article(id).await?;
        let article = article.with_context(|| format!("there is no article {id}"))?;
        Ok(Matter::Article(Box::new(article)))
    }
}
