//! A provider of OpenID Connect at which people sign in: code flow with PKCE, state and nonce (OpenID Connect Core 1.0).

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stoa_daemon::Clock;
use stoa_daemon::auth::Role;

use crate::accounts::{Claimed, Digest, random};
use crate::config::{OidcConfig, is_safe};

/// How long the provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer of the provider.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long somebody may take to sign in there, in microseconds.
const WAITS: i64 = 10 * 60 * 1_000_000;
/// Sign-ins that are under way at a time.
const MAX_BEGUN: usize = 10_000;

/// The signatures that are taken; `none` and those with a shared secret are not among them.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What else a provider says of a person.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Claims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Claims {}

type Fields = IdTokenFields<
    Claims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Answer = StandardTokenResponse<Fields, CoreTokenType>;
type Asking = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why somebody is not signed in.
#[derive(Debug)]
pub(crate) enum Error {
    /// They did not begin here, or too long ago, or come a second time.
    Unknown,
    /// What the provider says is not to be believed, or it says that they may not: for the log.
    Refused(anyhow::Error),
    /// They are in no group that may.
    NoGroup,
    /// It does not answer as it should: for the log.
    Unavailable(anyhow::Error),
}

/// A sign-in that is under way.
#[derive(Debug)]
struct Begun {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// The digest of what the browser has that began it.
    browser: Digest,
    next: String,
    until: i64,
}

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    config: OidcConfig,
    back: String,
    http: Http,
    begun: Mutex<HashMap<Digest, Begun>>,
    clock: Clock,
}

/// How a provider is asked.
#[derive(Debug)]
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

impl Http {
    async fn ask(&self, request: HttpRequest) -> io::Result<HttpResponse> {
        let request = reqwest::Request::try_from(request).map_err(io::Error::other)?;
        if !is_safe(request.url()) {
            let url = request.url();
            return Err(io::Error::other(format!("{url} is not https://")));
        }
        let mut answer = self.0.execute(request).await.map_err(io::Error::other)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(io::Error::other)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(io::Error::other("the answer is over 1 MiB"));
            }
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// Where a browser is led, and what it is to keep meanwhile.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) url: String,
    pub(crate) browser: String,
}

impl Provider {
    /// Knows a provider, which comes back to `base`.
    pub(crate) fn new(config: OidcConfig, base: &str, clock: Clock) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            // Where it would lead is its matter, and none of ours.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            config,
            back: format!("{base}/sign-in/oidc/callback"),
            http: Http(client),
            begun: Mutex::default(),
            clock,
        })
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<Digest, Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the provider says of itself, and its keys.
    async fn metadata(&self) -> anyhow::Result<CoreProviderMetadata> {
        let issuer = IssuerUrl::new(self.config.issuer.clone())?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await;
        found.context("the provider can't be discovered")
    }

    /// Begins a sign-in, which leads to `next` here.
    pub(crate) async fn begin(&self, next: &str) -> anyhow::Result<Way> {
        let asking = Asking::from_provider_metadata(
            self.metadata().await?,
            ClientId::new(self.config.client_id.clone()),
            None,
        );
        let asking = asking.set_redirect_uri(RedirectUrl::new(self.back.clone())?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.config.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = asking
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let browser = random();
        let now = self.clock.micros();
        let begun = Begun {
            nonce,
            verifier,
            browser: Digest::of(&browser),
            next: next.to_owned(),
            until: now + WAITS,
        };
        let mut all = self.begun();
        all.retain(|_, begun| now < begun.until);
        ensure!(all.len() < MAX_BEGUN, "too many sign-ins are under way");
        all.insert(Digest::of(state.secret()), begun);
        let url = url.to_string();
        Ok(Way { url, browser })
    }

    /// Ends a sign-in that the browser with `browser` began: who it is, and where they were going.
    pub(crate) async fn end(
        &self,
        browser: &str,
        state: &str,
        code: &str,
    ) -> Result<(Claimed, String), Error> {
        let begun = {
            let mut all = self.begun();
            let state = Digest::of(state);
            let is_theirs = all.get(&state).is_some_and(|begun| {
                begun.browser == Digest::of(browser) && self.clock.micros() < begun.until
            });
            // Who comes with another's state neither ends it nor spoils it.
            if is_theirs { all.remove(&state) } else { None }
        };
        let begun = begun.ok_or(Error::Unknown)?;
        let metadata = self.metadata().await.map_err(Error::Unavailable)?;
        let secret = self.config.client_secret.expose().to_owned();
        let asking = Asking::from_provider_metadata(
            metadata,
            ClientId::new(self.config.client_id.clone()),
            Some(ClientSecret::new(secret)),
        );
        let back = RedirectUrl::new(self.back.clone());
        let asking = asking.set_redirect_uri(back.map_err(|error| Error::Refused(error.into()))?);
        let exchange = asking
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| Error::Unavailable(error.into()))?
            .set_pkce_verifier(begun.verifier);
        let answer = exchange.request_async(&self.http).await;
        let answer = answer
            .context("the code is not taken")
            .map_err(Error::Refused)?;
        let verifier = asking.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = answer
            .extra_fields()
            .id_token()
            .context("there is no ID token")
            .and_then(|token| Ok(token.claims(&verifier, &begun.nonce)?))
            .map_err(Error::Refused)?;
        let text = |name: &str| {
            let value = serde_json::to_value(claims).ok()?;
            value.get(name)?.as_str().map(str::to_owned)
        };
        let subject = claims.subject().to_string();
        let groups = claims
            .additional_claims()
            .all
            .get(&self.config.groups_claim);
        let (role, sites) = self.rights(groups).ok_or(Error::NoGroup)?;
        let id = text("preferred_username").or_else(|| text("email"));
        let claimed = Claimed {
            issuer: self.config.issuer.clone(),
            id: id.unwrap_or_else(|| subject.clone()),
            subject,
            name: text("name").unwrap_or_default(),
            role,
            sites,
        };
        Ok((claimed, begun.next))
    }

    /// The highest role that groups give, for the sites of all that give it.
    fn rights(&self, groups: Option<&Value>) -> Option<(Role, Vec<String>)> {
        let theirs: Vec<&str> = match groups? {
            Value::String(group) => vec![group],
            Value::Array(groups) => groups.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let given = self.config.groups.iter();
        let given = given.filter(|group| theirs.contains(&group.group.as_str()));
        let given: Vec<_> = given.collect();
        // A role comes after all that it includes.
        let mut roles = Role::ALL.into_iter().rev();
        let role = roles.find(|role| given.iter().any(|group| group.role == *role))?;
        let sites = given.iter().filter(|group| group.role == role);
        let mut sites: Vec<String> = sites.flat_map(|group| group.sites.clone()).collect();
        sites.sort();
        sites.dedup();
        if sites.iter().any(|site| site == "*") {
            sites = vec!["*".to_owned()];
        }
        Some((role, sites))
    }
}
