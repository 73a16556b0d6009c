//! Who may do what: bearer tokens from the configuration, roles, and sites.
//!
//! Nothing is allowed by default: a request without a token that is known is answered 401, one whose role or
//! sites don't suffice 403. The exception is open mode, for trying Stoa out on one machine: without a token one
//! may publish, for any site, and only from that machine.

pub mod behalf;
mod role;
pub mod signature;
#[cfg(test)]
mod tests;
mod token;

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use self::role::Role;
pub use self::token::{Sites, TokenConfig};

use crate::{ConfigError, Problem};

/// Who sent a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The name of the token, or of the person that it acts for, for logs and for the record of what was decided by whom.
    pub name: String,
    /// What the sender may do.
    pub role: Role,
    /// For which sites.
    pub sites: Sites,
}

impl Principal {
    /// Whether the token is for this site.
    pub fn allows_site(&self, site: &str) -> bool {
        self.sites.contain(site)
    }

    /// 403 unless the token's role is at least `role`.
    pub fn require(&self, role: Role) -> Result<(), Problem> {
        if self.role.at_least(role) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this needs the role {role}, and the token has {}",
            self.role
        )))
    }

    /// 403 unless the token is for all sites.
    pub fn require_all_sites(&self) -> Result<(), Problem> {
        match self.sites {
            Sites::All => Ok(()),
            Sites::Only(_) => Err(Problem::forbidden("this needs a token for all sites")),
        }
    }

    /// 403 unless the token is for this site.
    pub fn require_site(&self, site: &str) -> Result<(), Problem> {
        if self.allows_site(site) {
            return Ok(());
        }
        Err(Problem::forbidden("the token is not for this site").with_field("site"))
    }
}

/// The tokens that a listener knows; clones are cheap enough for a router's state.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    known: std::sync::Arc<[Known]>,
    open: bool,
}

#[derive(Clone, Debug)]
struct Known {
    digest: [u8; 32],
    principal: Principal,
    on_behalf: bool,
}

impl Tokens {
    /// Reads the `[[tokens]]` of a configuration; an error names the token that can't be used.
    pub fn new(configs: &[TokenConfig]) -> Result<Self, ConfigError> {
        let mut known: Vec<Known> = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            let digest = config.digest(index)?;
            let principal = Principal {
                name: config.name.clone(),
                role: config.role,
                sites: Sites::new(&config.sites, index)?,
            };
            if known
                .iter()
                .any(|other| other.principal.name == principal.name)
            {
                let message = format!("there are two tokens named `{}`", principal.name);
                return Err(ConfigError::invalid(
                    format!("tokens[{index}].name"),
                    message,
                ));
            }
            if known.iter().any(|other| other.digest == digest) {
                let message = "this token is listed twice";
                return Err(ConfigError::invalid(format!("tokens[{index}]"), message));
            }
            known.push(Known {
                digest,
                principal,
                on_behalf: config.on_behalf,
            });
        }
        Ok(Self {
            known: known.into(),
            open: false,
        })
    }

    /// No tokens, and open mode: see [`Tokens::with_open`].
    pub fn open() -> Self {
        Self::default().with_open(true)
    }

    /// Turns open mode on: a request without a token may publish for any site.
    ///
    /// [`check_exposure`] holds that it is on on loopback alone. A web page that a browser on the same machine
    /// shows is kept out by its `Host` and `Origin`.
    #[must_use]
    pub fn with_open(mut self, open: bool) -> Self {
        self.open = open;
        self
    }

    /// Who sent the request: 401 when it has no token or one that is not known.
    pub fn check(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        self.optional(headers)?.ok_or_else(|| {
            Problem::unauthorized("a token is needed: send `Authorization: Bearer <token>`")
        })
    }

    /// Who sent the request, where nobody need say: `None` without a token, and 401 with a wrong one.
    pub fn optional(&self, headers: &HeaderMap) -> Result<Option<Principal>, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return if self.open {
                anonymous(headers).map(Some)
            } else {
                Ok(None)
            };
        };
        let unknown = || Problem::unauthorized("the token is not known");
        if values.next().is_some() {
            return Err(Problem::unauthorized(
                "more than one `Authorization` header",
            ));
        }
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .ok_or_else(|| Problem::unauthorized("expected `Authorization: Bearer <token>`"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthorized(
                "expected `Authorization: Bearer <token>`",
            ));
        }
        let token = self.known(token.trim()).ok_or_else(unknown)?;
        behalf::person(&token.principal, token.on_behalf, headers).map(Some)
    }

    /// Whose token this is, where a protocol carries it elsewhere than in `Authorization`: 401 when it is not known.
    pub fn of(&self, token: &str) -> Result<Principal, Problem> {
        self.known(token)
            .map(|known| known.principal.clone())
            .ok_or_else(|| Problem::unauthorized("the token is not known"))
    }

    fn known(&self, token: &str) -> Option<&Known> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // Every token is compared, in constant time, so that the time says nothing about any.
        let mut found = None;
        for known in self.known.iter() {
            if bool::from(known.digest.ct_eq(&digest)) {
                found = Some(known);
            }
        }
        found
    }

    /// [`Tokens::check`] and [`Principal::require`] in one.
    pub fn require(&self, headers: &HeaderMap, role: Role) -> Result<Principal, Problem> {
        let principal = self.check(headers)?;
        principal.require(role)?;
        Ok(principal)
    }
}

/// The sender of a request without a token in open mode, unless a web page on another site made the browser send it.
fn anonymous(headers: &HeaderMap) -> Result<Principal, Problem> {
    let local = |name: header::HeaderName| {
        headers
            .get(name)
            .is_none_or(|value| value.to_str().is_ok_and(is_loopback))
    };
    if !local(header::HOST) || !local(header::ORIGIN) {
        return Err(Problem::forbidden(
            "open mode answers programs on this machine alone",
        ));
    }
    Ok(Principal {
        name: "open".to_owned(),
        role: Role::Publisher,
        sites: Sites::All,
    })
}

/// Whether a `Host` or `Origin` is this machine.
fn is_loopback(value: &str) -> bool {
    let host = value.split_once("://").map_or(value, |(_, host)| host);
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Refuses a listener that others could reach without a token.
pub fn check_exposure(
    listen: SocketAddr,
    tokens: &[TokenConfig],
    open: bool,
) -> Result<(), ConfigError> {
    if listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    if open {
        let message = format!("open mode is for this machine alone, and {listen} is not loopback");
        return Err(ConfigError::invalid("open", message));
    }
    if tokens.is_empty() {
        let message = format!(
            "{listen} can be reached from elsewhere: list who may use it, or listen on 127.0.0.1"
        );
        return Err(ConfigError::invalid("tokens", message));
    }
    Ok(())
}
