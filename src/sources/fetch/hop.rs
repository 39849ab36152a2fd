//! One request for a page or for robots.txt. Who asks follows the redirects, because robots.txt of
//! each host has a say before the next request.

use chrono::{DateTime, Utc};
use reqwest::{StatusCode, header};
use url::Url;

use super::{Failure, Fetched, Fetcher, redirect_of};
use crate::sources::{Validators, headers::conditions, trail::Trail};

/// What a request is for; never a feed, which [`Fetcher::fetch`] alone asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum Wanted {
    Page,
    Robots,
}

impl Wanted {
    fn accept(self) -> &'static str {
        match self {
            Wanted::Page => "text/html, application/xhtml+xml, */*;q=0.1",
            Wanted::Robots => "text/plain, */*;q=0.1",
        }
    }
}

/// What one request came to.
#[derive(Debug)]
pub(in crate::sources) enum Hop {
    To(Url),
    Answer {
        status: StatusCode,
        fetched: Fetched,
    },
    /// Nobody answered, or nobody may be asked: one sentence for the operator.
    Failed(String),
}

impl Fetcher {
    /// Asks `url` once. `now` turns a `Retry-After` or `Expires` date into a wait.
    pub(in crate::sources) async fn hop(
        &self,
        url: &Url,
        wanted: Wanted,
        validators: &Validators,
        now: DateTime<Utc>,
    ) -> Hop {
        let asked = self.once(url, wanted, validators, now);
        match tokio::time::timeout(self.config.timeout, asked).await {
            Ok(Ok(hop)) => hop,
            Ok(Err(failure)) => Hop::Failed(failure.to_string()),
            Err(_) => Hop::Failed(format!(
                "timed out after {}",
                super::Seconds(self.config.timeout)
            )),
        }
    }

    async fn once(
        &self,
        url: &Url,
        wanted: Wanted,
        validators: &Validators,
        now: DateTime<Utc>,
    ) -> Result<Hop, Failure> {
        self.config.guard.admit(url).await?;
        let trail = Trail::new(url.clone());
        let asked = trail.validators(validators);
        let request = self
            .client
            .get(url.clone())
            .header(header::ACCEPT, wanted.accept())
            .headers(conditions(asked));
        let response = self.head(request).await?;
        if let Some((next, _)) = redirect_of(&response)? {
            return Ok(Hop::To(next));
        }
        let status = response.status();
        let fetched = self.read(response, &trail, asked, now).await?;
        Ok(Hop::Answer { status, fetched })
    }

    pub(in crate::sources) fn config(&self) -> &super::FetchConfig {
        &self.config
    }
}
