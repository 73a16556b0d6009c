//! Console: the review desk, where people sign in and decide cases.
//!
//! It asks moderation-rules and the archive over HTTP, in the name of who is signed in (`backend`), and has nothing of
//! its own but accounts: their journal is what was done to them, and by whom (`accounts`).
//!
//! **Invariant:** every route and whom it needs stands in one table (`http::routes`), from which the router is made.
//! **Invariant:** what others wrote reaches a page through a template that escapes it, and nothing is inline in a page.

mod config;
mod language;
mod metrics;

mod accounts;
mod backend;
mod oidc;

mod http;
mod watch;

pub use config::{
    AdminConfig, ArchiveConfig, BackendConfig, Config, DEFAULT_CONFIG, GroupConfig, HttpConfig,
    JournalConfig, OidcConfig, SessionConfig, SignInConfig,
};

use std::time::Duration;

use stoa_daemon::Context;
use stoa_daemon::openapi::{Listener, OpenApiRouter};

/// How often readiness looks at the disk.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// The admin listener, for its document.
const ADMIN: Listener = Listener {
    role: "console",
    name: "admin",
    about: "How the process is, for operators.",
    schemas: serde_json::Map::new,
    has_keys: false,
};

/// Returns the OpenAPI documents of the public and the admin listener.
pub fn openapi() -> [serde_json::Value; 2] {
    [
        http::api::LISTENER.document([http::api::openapi()]),
        ADMIN.document([]),
    ]
}

/// Runs the console until shutdown.
///
/// While there is no account, `tell` gets the link at which the first one is made.
pub async fn run(
    config: Config,
    context: Context,
    tell: impl FnOnce(String) + Send,
) -> anyhow::Result<()> {
    config.validate()?;
    context.ready.expect(&["journal"]);
    let admin = stoa_daemon::admin::router(&context).merge(ADMIN.router(OpenApiRouter::default()));
    stoa_daemon::http::serve(config.admin.listen, admin, &context, "admin").await?;

    stoa_daemon::folder::hold(&config.data_dir, config.standby, &context).await?;
    let metrics = metrics::Metrics::new(&context.registry)?;
    let accounts = accounts::Accounts::open(&config, &context).await?;
    let watch = watch::Watch::default();
    let following = watch
        .clone()
        .follow(config.moderation.clone(), context.clone());
    context.supervise("feed", following);
    let desk = http::Desk::new(&config, &context, accounts.clone(), metrics, watch)?;
    stoa_daemon::http::serve(config.http.listen, http::router(desk), &context, "public").await?;
    let mut damaged = std::pin::pin!(accounts.damaged());
    let mut tell = Some(tell);
    loop {
        // On a full disk nothing can be changed, the first account included, until there is room.
        let room = accounts.room();
        if room.is_ok()
            && let Some(tell) = tell.take()
            && let Some(link) = accounts.first_link().await?
        {
            tell(format!("{}/set-up/{link}", config.http.base()));
        }
        context.ready.set("journal", Ok(()));
        let room = room.map_err(|full| full.to_string());
        context.ready.set("disk", room);
        tokio::select! {
            damage = damaged.as_mut() => return Err(damage.into()),
            () = context.shutdown.cancelled() => {
                accounts.keep_sessions().await;
                return Ok(());
            }
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
    }
}
