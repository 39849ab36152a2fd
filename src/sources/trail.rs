//! The way of one request through its redirects.

use url::Url;

use super::{FeedUrl, Validators};

/// Whether a redirect is one to remember (RFC 9110, section 15.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// 301, 308.
    Permanent,
    /// 302, 303, 307.
    Passing,
}

/// An address that was asked before in the same chain.
#[derive(Debug)]
pub(super) struct Circle(pub(super) Url);

#[derive(Debug)]
pub(super) struct Trail {
    /// Where it has led so far.
    pub(super) url: Url,
    behind: Vec<Url>,
    lasting: Lasting,
}

impl Trail {
    pub(super) fn new(url: Url) -> Self {
        Trail {
            url,
            behind: Vec::new(),
            lasting: Lasting::Permanent,
        }
    }

    pub(super) fn go_on(&mut self, next: Url, lasting: Lasting) -> Result<(), Circle> {
        let last = std::mem::replace(&mut self.url, next);
        self.behind.push(last);
        if lasting == Lasting::Passing {
            self.lasting = lasting;
        }
        match self.behind.contains(&self.url) {
            true => Err(Circle(self.url.clone())),
            false => Ok(()),
        }
    }

    /// What may be asked here: validators belong to the address that gave them.
    pub(super) fn validators<'a>(&self, kept: &'a Validators) -> &'a Validators {
        const NONE: &Validators = &Validators {
            url: None,
            etag: None,
            last_modified: None,
        };
        match kept.url.as_ref() == Some(&self.url) {
            true => kept,
            false => NONE,
        }
    }

    /// Where a chain of permanent redirects alone has led.
    pub(super) fn moved(&self) -> Option<FeedUrl> {
        let has_moved = !self.behind.is_empty() && self.lasting == Lasting::Permanent;
        FeedUrl::parse(self.url.as_str()).ok().filter(|_| has_moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("https://wire.example/")
            .unwrap()
            .join(path)
            .unwrap()
    }

    #[test]
    fn only_a_wholly_permanent_chain_has_moved() {
        use Lasting::{Passing, Permanent};
        for (steps, moved) in [
            (&[][..], None),
            (&[Permanent], Some("https://wire.example/1")),
            (&[Permanent, Permanent], Some("https://wire.example/2")),
            (&[Passing], None),
            (&[Passing, Permanent], None),
            (&[Permanent, Passing], None),
        ] {
            let mut trail = Trail::new(url("0"));
            for (n, lasting) in (1..).zip(steps) {
                trail.go_on(url(&n.to_string()), *lasting).unwrap();
            }
            let to = trail.moved();
            assert_eq!(to.as_ref().map(FeedUrl::as_str), moved, "{steps:?}");
        }
    }

    #[test]
    fn a_circle_is_noticed_where_it_closes() {
        let mut trail = Trail::new(url("a"));
        trail.go_on(url("b"), Lasting::Passing).unwrap();

        assert!(trail.go_on(url("a"), Lasting::Passing).is_err());
    }

    #[test]
    fn validators_are_shown_to_the_address_that_gave_them() {
        let kept = Validators {
            url: Some(url("b")),
            etag: Some(b"1".to_vec()),
            last_modified: None,
        };
        let mut trail = Trail::new(url("a"));
        assert_eq!(*trail.validators(&kept), Validators::default());
        trail.go_on(url("b"), Lasting::Passing).unwrap();
        assert_eq!(*trail.validators(&kept), kept);
    }
}
