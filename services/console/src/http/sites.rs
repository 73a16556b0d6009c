//! The sites, as far as roles tell of them.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;

use super::page::{Fault, Shell, render};
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::User;
use crate::backend::{Found, Sites};

/// Sites that are counted; of more, names alone are shown.
const COUNTED: usize = 50;

/// A site; counts are missing where the archive can't be searched.
struct Site {
    name: String,
    articles: Option<u64>,
    comments: Option<u64>,
    pending: Option<u64>,
    queue: String,
    search: String,
    decisions: String,
}

#[derive(Template)]
#[template(path = "sites.html")]
struct SitesPage {
    shell: Shell,
    sites: Vec<Site>,
}

/// `GET /sites`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let Sites { sites } = desk.archive.get(user, &["v1", "sites"], &[]).await?;
    let sites = sites.into_iter().enumerate();
    let sites = sites.map(|(at, name)| site(&desk, user, name, at < COUNTED));
    let page = SitesPage {
        shell: Shell::new("sites-title", &visit),
        sites: join_all(sites).await,
    };
    Ok(render(StatusCode::OK, &page))
}

async fn site(desk: &Desk, user: &User, name: String, is_counted: bool) -> Site {
    let count = async |what: (&str, &str)| {
        if !is_counted {
            return None;
        }
        let query = [("site", name.as_str()), ("limit", "1"), what];
        let found = desk.archive.get::<Found>(user, &["v1", "search"], &query);
        Some(found.await.ok()?.total)
    };
    let (articles, comments, pending) = tokio::join!(
        count(("type", "article")),
        count(("type", "comment")),
        count(("status", "pending")),
    );
    let of = [("site", name.as_str())];
    Site {
        articles,
        comments,
        pending,
        queue: format!("/{}", links::to(&[], &of)),
        search: links::to(&["search"], &[of[0], ("sort", "newest")]),
        decisions: links::to(&["decisions"], &of),
        name,
    }
}
