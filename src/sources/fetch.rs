//! Gets a feed over HTTP, politely and within bounds.
//!
//! Redirects are followed here rather than by the client, so that the guard is asked about every
//! hop and one clock bounds them all.

mod hop;

pub(super) use hop::{Hop, Wanted};

use std::{error::Error, fmt, io, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{self, HeaderValue},
    redirect,
};
use url::Url;

use super::{
    FeedUrl, Validators,
    entry::Hub,
    guard::{Denied, Guard},
    headers::{conditions, hub, max_age, retry_after, text, validators_of},
    trail::{Circle, Lasting, Trail},
};

/// The types of feeds first: a server that negotiates must not take us for a browser.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
    application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1";

#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// `Name/Version (+https://contact-page)`.
    pub user_agent: String,
    /// For everything from the first lookup to the last byte. Default 60 s.
    pub timeout: Duration,
    /// For one connection, lookup and TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// From the request to the head of the answer, at each hop. Default 30 s.
    pub answer_timeout: Duration,
    /// After decompression. Default 20 MB.
    pub max_bytes: usize,
    /// Default 5.
    pub max_redirects: usize,
    /// Between the end of one request to a host and the start of the next. Default 1 s; 0 to 1 min.
    pub spacing: Duration,
    pub guard: Guard,
}

impl FetchConfig {
    pub fn new(user_agent: String, guard: Guard) -> Self {
        Self {
            user_agent,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            max_bytes: 20_000_000,
            max_redirects: 5,
            spacing: Duration::from_secs(1),
            guard,
        }
    }

    /// Tells publishers in the User-Agent for how many `subscribers` one request stands.
    pub fn on_behalf_of(self, subscribers: u64) -> Self {
        let agent = match (self.user_agent.strip_suffix(')'), subscribers) {
            (_, 0) | (None, _) => self.user_agent,
            (Some(agent), 1) => format!("{agent}; 1 subscriber)"),
            (Some(agent), n) => format!("{agent}; {n} subscribers)"),
        };
        FetchConfig {
            user_agent: agent,
            ..self
        }
    }
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Document(Box<Download>),
    NotModified {
        /// Those asked with, and over them those that the 304 itself bore.
        validators: Validators,
        max_age: Option<Duration>,
        moved: Option<FeedUrl>,
    },
    /// 410: the server says that it will not come back.
    Gone,
    Failed {
        /// One sentence for the operator.
        reason: String,
        /// How long the server asks us to stay away.
        retry_after: Option<Duration>,
    },
}

/// A document as served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Decompressed.
    pub bytes: Vec<u8>,
    pub content_type: Option<String>,
    /// Where the last redirect led.
    pub url: Url,
    /// Of this answer alone: what it lacks is not kept from an earlier one.
    pub validators: Validators,
    /// For how long the server promises nothing new.
    pub max_age: Option<Duration>,
    /// Where redirects led that are all permanent (RFC 9110, sections 15.4.2 and 15.4.9).
    pub moved: Option<FeedUrl>,
    /// Who pushes what is new, as the headers state it.
    pub hub: Option<Hub>,
}

#[derive(Debug, thiserror::Error)]
pub enum FetcherError {
    #[error("the user agent `{0}` cannot stand in a header")]
    UserAgent(String),
    #[error("cannot set up HTTP and TLS")]
    Client(#[source] reqwest::Error),
}

/// Asks servers for feeds.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    config: FetchConfig,
}

impl Fetcher {
    /// Makes ring the TLS provider of the process unless it has one: the client takes its roots
    /// from the system only through the process default. Ring is the only provider compiled in, so
    /// it does not matter who installs it first.
    ///
    /// Proxy variables in the environment are ignored: a proxy would connect where the guard does
    /// not look.
    pub fn new(config: FetchConfig) -> Result<Self, FetcherError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user_agent = HeaderValue::from_str(&config.user_agent)
            .map_err(|_| FetcherError::UserAgent(config.user_agent.clone()))?;
        let client = Client::builder()
            .user_agent(user_agent)
            .default_headers(
                [(header::ACCEPT, HeaderValue::from_static(ACCEPT))]
                    .into_iter()
                    .collect(),
            )
            .connect_timeout(config.connect_timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(config.guard.clone())
            .build()
            .map_err(FetcherError::Client)?;
        Ok(Self { client, config })
    }

    /// Asks `url` for what is newer than `validators`.
    ///
    /// `now` turns a `Retry-After` or `Expires` date into a wait.
    pub async fn fetch(
        &self,
        url: &FeedUrl,
        validators: &Validators,
        now: DateTime<Utc>,
    ) -> Fetched {
        let asked = self.ask(url.url().clone(), validators, now);
        let reason = match tokio::time::timeout(self.config.timeout, asked).await {
            Ok(Ok(fetched)) => return fetched,
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => format!("timed out after {}", Seconds(self.config.timeout)),
        };
        Fetched::Failed {
            reason,
            retry_after: None,
        }
    }

    /// Posts a form to `url` and waits until it is taken. Redirects that keep the method are followed
    /// (307 and 308), the guard being asked about each, and never from https to http: the form holds
    /// a secret.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub async fn post_form(&self, url: &Url, form: String) -> Result<(), String> {
        let posted = self.post(url.clone(), form);
        match tokio::time::timeout(self.config.timeout, posted).await {
            Ok(posted) => posted.map_err(|failure| failure.to_string()),
            Err(_) => Err(format!("timed out after {}", Seconds(self.config.timeout))),
        }
    }

    async fn post(&self, mut url: Url, form: String) -> Result<(), Failure> {
        for _ in 0..=self.config.max_redirects {
            self.config.guard.admit(&url).await?;
            let request = self
                .client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
            let response = self.head(request).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 307 | 308) {
                return match status.is_success() {
                    true => Ok(()),
                    false => Err(Failure::Answered(status)),
                };
            }
            let (next, _) = redirect_of(&response)?.ok_or(Failure::NowhereToGo(status))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(Failure::Downgraded);
            }
            url = next;
        }
        Err(Failure::Redirects(self.config.max_redirects))
    }

    async fn ask(
        &self,
        url: Url,
        validators: &Validators,
        now: DateTime<Utc>,
    ) -> Result<Fetched, Failure> {
        let mut trail = Trail::new(url);
        for _ in 0..=self.config.max_redirects {
            self.config.guard.admit(&trail.url).await?;
            let asked = trail.validators(validators);
            let request = self
                .client
                .get(trail.url.clone())
                .headers(conditions(asked));
            let response = self.head(request).await?;
            match redirect_of(&response)? {
                Some((next, lasting)) => trail.go_on(next, lasting)?,
                None => return self.read(response, &trail, asked, now).await,
            }
        }
        Err(Failure::Redirects(self.config.max_redirects))
    }

    /// Sends `request` and waits for the head of the answer.
    async fn head(&self, request: RequestBuilder) -> Result<Response, Failure> {
        tokio::time::timeout(self.config.answer_timeout, request.send())
            .await
            .map_err(|_| Failure::NoAnswer(self.config.answer_timeout))?
            .map_err(|err| self.failure(err))
    }

    async fn read(
        &self,
        response: Response,
        trail: &Trail,
        asked: &Validators,
        now: DateTime<Utc>,
    ) -> Result<Fetched, Failure> {
        let headers = response.headers();
        let fresh = validators_of(headers, &trail.url);
        let max_age = max_age(headers, now);
        match response.status() {
            StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
                if let Some(coding) = text(headers, &header::CONTENT_ENCODING)
                    && !coding.eq_ignore_ascii_case("identity")
                {
                    return Err(Failure::Encoding(coding.to_owned()));
                }
                Ok(Fetched::Document(Box::new(Download {
                    content_type: text(headers, &header::CONTENT_TYPE).map(str::to_owned),
                    url: trail.url.clone(),
                    validators: fresh,
                    max_age,
                    moved: trail.moved(),
                    hub: hub(headers, &trail.url),
                    bytes: self.body(response).await?,
                })))
            }
            StatusCode::NOT_MODIFIED if !asked.is_empty() => Ok(Fetched::NotModified {
                validators: Validators {
                    url: fresh.url,
                    etag: fresh.etag.or_else(|| asked.etag.clone()),
                    last_modified: fresh.last_modified.or_else(|| asked.last_modified.clone()),
                },
                max_age,
                moved: trail.moved(),
            }),
            StatusCode::GONE => Ok(Fetched::Gone),
            status => Ok(Fetched::Failed {
                reason: format!("answered {status}"),
                retry_after: retry_after(headers, now),
            }),
        }
    }

    /// Counts after decompression, while it streams: a length that the server states proves nothing.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|err| self.failure(err))? {
            if bytes.len() + chunk.len() > self.config.max_bytes {
                return Err(Failure::TooLarge(self.config.max_bytes));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Finds, in a chain of wrapped errors, the one that an operator can do something about.
    fn failure(&self, err: reqwest::Error) -> Failure {
        let cause = root_cause(&err).to_string();
        if causes(&err).any(|cause| cause.is::<Denied>()) {
            return Failure::Denied(cause);
        }
        if causes(&err).any(|cause| cause.is::<rustls::Error>()) {
            return Failure::Tls(cause);
        }
        if err.is_dns() {
            return Failure::Lookup(cause);
        }
        if err.is_connect() && err.is_timeout() {
            return Failure::ConnectTimeout(self.config.connect_timeout);
        }
        if err.is_connect() {
            return Failure::Connect(cause);
        }
        if err.is_body() || err.is_decode() {
            return Failure::Body(cause);
        }
        Failure::Http(cause)
    }
}

/// Why there is no document; each is one sentence of the form that an operator reads in a list.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Denied(String),
    #[error("cannot find the host: {0}")]
    Lookup(String),
    #[error("could not connect within {}", Seconds(*.0))]
    ConnectTimeout(Duration),
    #[error("could not connect: {0}")]
    Connect(String),
    #[error("no answer within {}", Seconds(*.0))]
    NoAnswer(Duration),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("the answer is not HTTP or breaks off: {0}")]
    Http(String),
    #[error("the body breaks off: {0}")]
    Body(String),
    #[error("larger than {}", Size(*.0))]
    TooLarge(usize),
    #[error("encoded as `{0}`, which was not asked for")]
    Encoding(String),
    #[error("redirected more than {0} times")]
    Redirects(usize),
    #[error("redirected in a circle, by way of {0}")]
    Circle(Url),
    #[error("answered {0}")]
    Answered(StatusCode),
    #[error("redirected from https to http")]
    Downgraded,
    #[error("answered {0} without an address to go to")]
    NowhereToGo(StatusCode),
}

impl From<Circle> for Failure {
    fn from(circle: Circle) -> Self {
        Failure::Circle(circle.0)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Failure::Denied(denied.to_string())
    }
}

/// The causes of an error, outermost first. An `io::Error` hides the one it wraps from `source`.
fn causes<'a>(err: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(err), |&err| {
        match err.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => err.source(),
        }
    })
}

fn root_cause<'a>(err: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(err).last().unwrap_or(err)
}

/// Where a redirect leads, without what only a browser looks at.
fn redirect_of(response: &Response) -> Result<Option<(Url, Lasting)>, Failure> {
    let status = response.status();
    let lasting = match status.as_u16() {
        301 | 308 => Lasting::Permanent,
        302 | 303 | 307 => Lasting::Passing,
        _ => return Ok(None),
    };
    let mut next = text(response.headers(), &header::LOCATION)
        .and_then(|location| response.url().join(location).ok())
        .ok_or(Failure::NowhereToGo(status))?;
    next.set_fragment(None);
    Ok(Some((next, lasting)))
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f32())
    }
}

struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes % 1_000_000 == 0 => write!(f, "{} MB", bytes / 1_000_000),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_for_how_many_it_stands() {
        let agent = |subscribers| {
            let agent = "Courant/1 (+https://courant.example)".to_owned();
            let config = FetchConfig::new(agent, Guard::default());
            config.on_behalf_of(subscribers).user_agent
        };

        assert_eq!(agent(0), "Courant/1 (+https://courant.example)");
        assert_eq!(
            agent(1),
            "Courant/1 (+https://courant.example; 1 subscriber)"
        );
        assert_eq!(
            agent(1200),
            "Courant/1 (+https://courant.example; 1200 subscribers)"
        );
    }

    #[test]
    fn bounds_are_named_in_units_people_read() {
        assert_eq!(Seconds(Duration::from_secs(60)).to_string(), "60 s");
        assert_eq!(Seconds(Duration::from_millis(200)).to_string(), "0.2 s");
        assert_eq!(Size(20_000_000).to_string(), "20 MB");
        assert_eq!(Size(1500).to_string(), "1500 bytes");
    }
}
