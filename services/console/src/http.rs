//! The review desk as pages: every route, and whom it needs.

mod account;
pub(crate) mod api;
mod appeals;
mod assets;
mod audit;
mod author;
mod bulk;
mod case;
mod chart;
mod csv;
mod days;
mod decide;
mod decisions;
mod feed;
mod guard;
mod insights;
mod line;
mod links;
mod lists;
mod measure;
mod navigation;
mod oidc;
mod page;
mod parked;
mod queue;
mod reason;
mod rejections;
mod rules;
mod search;
mod second_step;
mod sessions;
mod settings;
mod sign_in;
mod sites;
mod statement;
mod texts;
mod thread;
mod time;
mod tokens;
mod transparency;
mod undo;
mod users;
mod visit;
mod webhooks;
mod words;
mod work;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, http::Method};
use stoa_daemon::auth::{Role, Tokens};
use stoa_daemon::{Clock, Context, openapi};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::backend::Backend;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::oidc::Provider;
use crate::watch::Watch;

use self::page::Fault;

/// What the routes share; clones share it, too.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    accounts: Accounts,
    moderation: Backend,
    archive: Backend,
    /// The admin listeners of the archive, and of ingest where there is a token for it.
    archive_admin: Backend,
    ingest: Option<Backend>,
    metrics: Metrics,
    clock: Clock,
    /// What links to the console begin with.
    base: Arc<str>,
    proxies: Arc<[IpAddr]>,
    insecure_cookie: bool,
    /// The roles that need a second step.
    second_for: Arc<[Role]>,
    /// Tokens of the configuration.
    tokens: Tokens,
    /// Where people sign in who have no password here.
    provider: Option<Arc<Provider>>,
    /// What happens to cases, and those who watch it.
    watch: Watch,
    watchers: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Desk {
    pub(crate) fn new(
        config: &Config,
        context: &Context,
        accounts: Accounts,
        metrics: Metrics,
        watch: Watch,
    ) -> anyhow::Result<Self> {
        crate::language::parse();
        let provider = config.oidc.clone().map(|oidc| {
            let provider = Provider::new(oidc, &config.http.base(), context.clock.clone())?;
            anyhow::Ok(Arc::new(provider))
        });
        let provider = provider.transpose()?;
        Ok(Self {
            accounts,
            moderation: Backend::new("moderation", &config.moderation)?,
            archive: Backend::new("archive", &config.archive.public())?,
            archive_admin: Backend::new("archive", &config.archive.admin())?,
            ingest: match config.ingest.token {
                Some(_) => Some(Backend::new("ingest", &config.ingest)?),
                None => None,
            },
            metrics,
            clock: context.clock.clone(),
            base: config.http.base().into(),
            proxies: config.http.proxies.as_slice().into(),
            insecure_cookie: config.http.insecure_cookie,
            second_for: config.sign_in.require_totp.as_slice().into(),
            tokens: Tokens::new(&config.tokens)?,
            provider,
            watch,
            watchers: Arc::new(Semaphore::new(feed::MOST)),
            shutdown: context.shutdown.clone(),
        })
    }
}

/// Whom a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Anyone, signed in or not.
    Anyone,
    /// Somebody who is signed in and has this role.
    Role(Role),
    /// A program whose token has this role.
    Token(Role),
}

/// A route: there is none that is not made from one of these.
pub(crate) struct Route {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "its handler has it, too; tests ask each route")
    )]
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) needs: Needs,
    handler: MethodRouter<Desk>,
}

/// Every route.
pub(crate) fn routes() -> Vec<Route> {
    [deciding(), ruling(), reading(), people(), programs()]
        .into_iter()
        .flatten()
        .collect()
}

/// A page that is read.
fn read(path: &str, needs: Needs, handler: MethodRouter<Desk>) -> Route {
    Route {
        method: Method::GET,
        path: path.to_owned(),
        needs,
        handler,
    }
}

/// A form that is sent.
fn change(path: &str, needs: Needs, handler: MethodRouter<Desk>) -> Route {
    Route {
        method: Method::POST,
        path: path.to_owned(),
        needs,
        handler,
    }
}

const VIEWER: Needs = Needs::Role(Role::Viewer);
const MODERATOR: Needs = Needs::Role(Role::Moderator);
const AUDITOR: Needs = Needs::Role(Role::Auditor);
const EDITOR: Needs = Needs::Role(Role::Editor);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// Where cases are decided.
fn deciding() -> Vec<Route> {
    vec![
        read("/", VIEWER, get(queue::page)),
        read("/feed", VIEWER, get(feed::follow)),
        read("/next", VIEWER, get(decide::next_page)),
        read("/bulk", MODERATOR, get(bulk::page)),
        change("/bulk", MODERATOR, post(bulk::decide)),
        change("/bulk/{bulk}/undo", MODERATOR, post(bulk::undo)),
        read("/cases/{case}", VIEWER, get(case::page)),
        change("/cases/{case}/decision", MODERATOR, post(decide::decide)),
        change("/cases/{case}/undo", MODERATOR, post(undo::undo)),
        change("/cases/{case}/claim", MODERATOR, post(work::claim)),
        change("/cases/{case}/release", MODERATOR, post(work::release)),
        change("/cases/{case}/notes", MODERATOR, post(work::note)),
        change("/cases/{case}/preview", MODERATOR, post(statement::preview)),
        change("/cases/{case}/uphold", MODERATOR, post(appeals::uphold)),
        read("/appeals", VIEWER, get(appeals::page)),
        change("/cases/{case}/escalate", MODERATOR, post(work::escalate)),
        change("/cases/{case}/calm", MODERATOR, post(work::calm)),
        change("/cases/{case}/measure", MODERATOR, post(measure::take)),
    ]
}

/// Where rules, lists and texts are changed, and what comes of them.
fn ruling() -> Vec<Route> {
    vec![
        read("/texts", EDITOR, get(texts::page)),
        change("/texts", EDITOR, post(texts::change)),
        change("/texts/back", EDITOR, post(texts::back)),
        read("/transparency", VIEWER, get(transparency::page)),
        read("/transparency/report", VIEWER, get(transparency::report)),
        read(
            "/transparency/statements",
            VIEWER,
            get(transparency::statements),
        ),
        read("/rules", VIEWER, get(rules::page)),
        read("/rules/results/{rule}", VIEWER, get(rules::results::page)),
        change(
            "/rules/results/{rule}/mode",
            EDITOR,
            post(rules::results::mode),
        ),
        change(
            "/rules/results/{rule}/breaker",
            MODERATOR,
            post(rules::results::reset),
        ),
        read("/rules/versions", VIEWER, get(rules::versions::page)),
        read("/rules/diff", VIEWER, get(rules::versions::diff)),
        change("/rules/rollback", EDITOR, post(rules::versions::rollback)),
        read("/rules/edit", EDITOR, get(rules::edit::page)),
        change("/rules/edit", EDITOR, post(rules::edit::act)),
        change("/rules/edit/check", EDITOR, post(rules::edit::check)),
        read(
            "/rules/backtests/{backtest}",
            VIEWER,
            get(rules::backtest::page),
        ),
        change(
            "/rules/backtests/{backtest}/cancel",
            EDITOR,
            post(rules::backtest::cancel),
        ),
        read("/lists", VIEWER, get(lists::page)),
        read("/lists/{list}", VIEWER, get(lists::one)),
        change("/lists/{list}", EDITOR, post(lists::change)),
        read("/insights", VIEWER, get(insights::page)),
        read("/insights.csv", VIEWER, get(insights::file)),
    ]
}

/// Where one reads what was written, decided and refused.
fn reading() -> Vec<Route> {
    vec![
        read("/threads/{site}/{article}", VIEWER, get(thread::page)),
        read("/authors/{site}/{author}", VIEWER, get(author::page)),
        read("/search", VIEWER, get(search::page)),
        read("/decisions", VIEWER, get(decisions::page)),
        read("/decisions/{decision}", VIEWER, get(decisions::one)),
        read("/audit", AUDITOR, get(audit::page)),
        read("/audit.csv", AUDITOR, get(audit::table)),
        read("/parked", ADMIN, get(parked::page)),
        read("/parked/{role}/{id}", ADMIN, get(parked::one)),
        change("/parked/{role}/{id}/retry", ADMIN, post(parked::retry)),
        change("/parked/{role}/{id}/drop", ADMIN, post(parked::drop)),
        read("/rejections", ADMIN, get(rejections::page)),
        read("/rejections/{seq}", ADMIN, get(rejections::one)),
        read("/sites", ADMIN, get(sites::page)),
        read("/webhooks", AUDITOR, get(webhooks::page)),
        read("/webhooks/{name}", AUDITOR, get(webhooks::one)),
        change("/webhooks/{name}/test", ADMIN, post(webhooks::test)),
        change("/webhooks/{name}/replay", ADMIN, post(webhooks::replay)),
        change("/webhooks/{name}/enable", ADMIN, post(webhooks::enable)),
        change("/webhooks/{name}/disable", ADMIN, post(webhooks::disable)),
    ]
}

/// Who signs in, and how.
fn people() -> Vec<Route> {
    vec![
        read("/account", VIEWER, get(account::page)),
        change("/account/password", VIEWER, post(account::password)),
        change("/account/settings", VIEWER, post(settings::change)),
        read(second_step::PATH, VIEWER, get(second_step::page)),
        change(second_step::PATH, VIEWER, post(second_step::confirm)),
        change(
            "/account/second-step/off",
            VIEWER,
            post(second_step::turn_off),
        ),
        change("/account/sessions", VIEWER, post(sessions::end)),
        read("/users", ADMIN, get(users::page)),
        change("/users", ADMIN, post(users::add)),
        change("/users/{user}", ADMIN, post(users::change)),
        change("/users/{user}/link", ADMIN, post(users::link)),
        change("/users/{user}/second-step", ADMIN, post(users::reset)),
        change("/users/{user}/sessions", ADMIN, post(sessions::end_all)),
        read("/tokens", VIEWER, get(tokens::page)),
        change("/tokens", VIEWER, post(tokens::add)),
        change("/tokens/{token}/end", VIEWER, post(tokens::end)),
        read("/sign-in", Needs::Anyone, get(sign_in::page)),
        change("/sign-in", Needs::Anyone, post(sign_in::sign_in)),
        read("/sign-in/oidc", Needs::Anyone, get(oidc::begin)),
        read("/sign-in/oidc/callback", Needs::Anyone, get(oidc::end)),
        change("/sign-in/code", Needs::Anyone, post(sign_in::code)),
        change("/sign-out", VIEWER, post(sign_in::sign_out)),
        read("/set-up/{link}", Needs::Anyone, get(sign_in::set_up_page)),
        change("/set-up/{link}", Needs::Anyone, post(sign_in::set_up)),
        read("/assets/{name}", Needs::Anyone, get(assets::asset)),
    ]
}

/// Routes for programs, with the document of those: each is made of what describes it.
fn programs() -> Vec<Route> {
    let mut programs = vec![read(
        openapi::PATH,
        Needs::Anyone,
        api::LISTENER.serve([api::openapi()]),
    )];
    for (_, described, handler) in api::described() {
        let needed = openapi::needed(&described).into_iter();
        programs.extend(needed.map(|(method, path, role)| Route {
            method,
            path,
            needs: Needs::Token(role),
            handler: handler.clone(),
        }));
    }
    programs
}

/// Makes the router from the table.
pub(crate) fn router(desk: Desk) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let gate = guard::Gate {
            needs: route.needs,
            is_before_second: [second_step::PATH, "/sign-out"].contains(&route.path.as_str()),
            desk: desk.clone(),
        };
        let guard = from_fn_with_state(gate, guard::guard);
        router = router.route(&route.path, route.handler.route_layer(guard));
    }
    let is_over_tls = desk.base.starts_with("https://");
    router
        .fallback(async || Fault::NotFound)
        .method_not_allowed_fallback(async || Fault::Method)
        .layer(from_fn_with_state(desk.clone(), visit::meet))
        .layer(from_fn(move |request, next| {
            guard::headers(is_over_tls, request, next)
        }))
        .with_state(desk)
}
