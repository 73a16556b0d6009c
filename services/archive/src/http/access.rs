//! Who may read a site, and how much of it.
//!
//! A site is private unless the configuration makes it public; open mode shows approved comments
//! of every site to programs on this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::HeaderMap;
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role, Sites, Tokens};

use crate::config::SiteConfig;
use crate::read::Audience;

/// The tokens and the public sites.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    tokens: Tokens,
    public: Arc<BTreeSet<String>>,
}

impl Access {
    /// Takes what the configuration says.
    pub(crate) fn new(tokens: Tokens, sites: &[SiteConfig]) -> Self {
        let public = sites
            .iter()
            .filter(|site| site.public)
            .map(|site| site.id.clone());
        Self {
            tokens,
            public: Arc::new(public.collect()),
        }
    }

    /// Tells how much of a site the sender of a request may read: 401 or 403 for nothing.
    ///
    /// The answer is the same whether the site is known or not.
    pub(crate) fn site(&self, headers: &HeaderMap, site: &str) -> Result<Audience, Problem> {
        let principal = self.principal(headers, site)?;
        match principal {
            Some(principal) if principal.allows_site(site) => Ok(audience(&principal)),
            _ if self.public.contains(site) => Ok(Audience::Public),
            Some(_) => Err(Problem::forbidden("the token is not for this site").with_field("site")),
            None => Err(Problem::unauthorized(
                "this site is private: send `Authorization: Bearer <token>`",
            )),
        }
    }

    /// Whether anyone may read a site's approved comments.
    pub(crate) fn is_public(&self, site: &str) -> bool {
        self.public.contains(site)
    }

    /// Lists the sites that anyone may read.
    pub(crate) fn public(&self) -> impl Iterator<Item = &str> {
        self.public.iter().map(String::as_str)
    }

    /// Asks for any token that is known, whatever its sites: 401 without one.
    pub(crate) fn anyone_known(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.tokens.check(headers).map(|_| ())
    }

    /// Tells how much of all sites together the sender of a request may read: 400 unless their
    /// token is for all of them.
    pub(crate) fn everywhere(&self, headers: &HeaderMap) -> Result<Audience, Problem> {
        match self.tokens.optional(headers)? {
            Some(principal) if matches!(principal.sites, Sites::All) => Ok(audience(&principal)),
            _ => Err(Problem::bad_request(
                "name the site: only a token for all sites searches all of them at once",
            )
            .with_field("site")),
        }
    }

    /// Who sent a request; a public site is shown to whoever asks, from wherever.
    fn principal(&self, headers: &HeaderMap, site: &str) -> Result<Option<Principal>, Problem> {
        let public = self.public.contains(site);
        let anonymous = !headers.contains_key(axum::http::header::AUTHORIZATION);
        if public && anonymous {
            Ok(None)
        } else {
            self.tokens.optional(headers)
        }
    }

    /// Keeps the sites that the sender of a request may read.
    pub(crate) fn sites(
        &self,
        headers: &HeaderMap,
        mut sites: Vec<String>,
    ) -> Result<Vec<String>, Problem> {
        let principal = match self.tokens.optional(headers) {
            Err(_) if !headers.contains_key(axum::http::header::AUTHORIZATION) => None,
            principal => principal?,
        };
        sites.retain(|site| {
            self.public.contains(site)
                || principal
                    .as_ref()
                    .is_some_and(|principal| principal.allows_site(site))
        });
        Ok(sites)
    }
}

fn audience(principal: &Principal) -> Audience {
    if principal.role.at_least(Role::Viewer) {
        Audience::Reviewer
    } else {
        Audience::Public
    }
}
