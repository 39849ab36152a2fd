//! Subscribing, by double opt-in: the form records a wish, and only the button on the page behind
//! the mailed link confirms it.

use std::collections::HashMap;

use axum::{
    Form,
    extract::{Path, Query, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Shared, Web, pages, problem::Problem};
use crate::{
    editions::{
        Edition,
        render::view::{EditionView, Page},
    },
    subscribers::{
        Confirm, How, Request, Requested,
        address::EmailAddress,
        token::{CONFIRM_WITHIN, Claim, TokenPurpose},
    },
};

#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    edition: String,
    /// People do not see this field, so that only programs fill it in.
    #[serde(default)]
    website: String,
}

pub(super) async fn form(
    State(web): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let chosen = query.get("edition").map(String::as_str);
    pages::personal(&web, &choice(&web, chosen, None))
}

/// Answers the same for an address that is known, unknown, confirmed or suppressed: who reads what
/// is nobody else's business.
pub(super) async fn subscribe(
    State(web): Shared,
    fields: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(fields) = fields.map_err(|_| Problem::unreadable())?;
    let Some(edition) = web.edition(&fields.edition) else {
        return refuse(&web, None, "Please choose an edition.");
    };
    let Ok(address) = EmailAddress::parse(&fields.email) else {
        let problem = "That does not look like a mail address. Is there a typing error in it?";
        return refuse(&web, Some(edition), problem);
    };
    if fields.website.is_empty() {
        let request = Request {
            address,
            name: None,
            edition: edition.slug.clone(),
            confirm: Confirm::Required,
            how: How::Form,
        };
        let requested = web.store.request(vec![request], web.clock.now()).await?;
        if requested
            .iter()
            .any(|one| matches!(one, Requested::Pending(_)))
        {
            web.wake_optin.wake();
        }
    }
    pages::personal(
        &web,
        &Page::Asked {
            edition: EditionView::new(edition, &web.site),
        },
    )
}

fn refuse(web: &Web, edition: Option<&Edition>, problem: &str) -> Result<Response, Problem> {
    let chosen = edition.map(|edition| edition.slug.as_str());
    let page = pages::personal(web, &choice(web, chosen, Some(problem)))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn choice<'a>(web: &'a Web, chosen: Option<&'a str>, problem: Option<&'a str>) -> Page<'a> {
    Page::Subscribe {
        editions: pages::editions(web),
        // With one edition there is nothing to choose.
        chosen: match &web.editions[..] {
            [only] => Some(only.slug.as_str()),
            _ => chosen,
        },
        problem,
    }
}

/// Asks for the press of a button: scanners of mail open every link.
pub(super) async fn ask(
    State(web): Shared,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let (claim, edition) = read(&web, &token)?;
    let profile = web
        .store
        .profile(claim.subscriber)
        .await?
        .ok_or_else(Problem::gone)?;
    let page = Page::Confirm {
        edition: EditionView::new(edition, &web.site),
        address: Some(profile.subscriber.address.masked()),
    };
    pages::personal(&web, &page)
}

pub(super) async fn confirm(
    State(web): Shared,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let (claim, edition) = read(&web, &token)?;
    let now = web.clock.now();
    if !web
        .store
        .confirm(claim.subscriber, &claim.edition, now)
        .await?
    {
        return Err(Problem::gone());
    }
    pages::personal(
        &web,
        &Page::Confirmed {
            edition: EditionView::new(edition, &web.site),
        },
    )
}

fn read<'a>(web: &'a Web, token: &str) -> Result<(Claim, &'a Edition), Problem> {
    let claim = web.tokens.read(TokenPurpose::Confirm, token)?;
    if claim.is_older_than(CONFIRM_WITHIN, web.clock.now()) {
        return Err(Problem::gone());
    }
    let edition = web
        .edition(claim.edition.as_str())
        .ok_or_else(Problem::gone)?;
    Ok((claim, edition))
}
