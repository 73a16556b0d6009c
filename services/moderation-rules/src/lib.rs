//! Moderation by rules: decides comments, opens cases, and takes moderators' decisions.
//!
//! Events come from the bus ([`consumer`]), moderators' decisions over HTTP ([`http`]); both go to
//! one engine ([`engine`]), which judges them by the live rule set ([`live`], whose earlier
//! [`versions`] are kept and whose folder is followed by [`watch`]) over what is known ([`view`]),
//! and writes what it decided to the journal ([`record`]) before anyone hears of it. What follows
//! is published on the bus, and posted to endpoints out of the journal ([`webhooks`]).
//!
//! **Invariant:** a comment's revision is decided by rules once: a repeat is answered with what the
//! journal holds. What can't be judged is held, never approved.
//! The view can be deleted while the service is stopped.

mod config;
mod dsa;
mod live;
mod record;
mod scorers;
mod starter;
mod statement;
mod versions;
mod watch;
pub(crate) mod webhooks;

mod engine;
mod view;

pub mod backtest;

mod consumer;
mod http;
mod metrics;
mod service;

pub use config::{
    AkismetConfig, AppealsConfig, BreakerConfig, CompatConfig, Config, CoralConfig, CoralFormat,
    CoralReason, CoralTag, DEFAULT_CONFIG, EngineConfig, HttpConfig, JournalConfig, ListenConfig,
    ModerateConfig, ReasonConfig, ReviewConfig, RulesConfig, ScorerConfig, ScorerKind, Sent,
    ServedConfig, StatementConfig, ViewConfig, WebhookConfig, WebhookFrom,
};
pub use statement::{ReviewGround, Tongue};
pub use webhooks::sign::{BadSecret, NotVerified, verify};

use stoa_bus::Bus;
use stoa_daemon::Context;
use stoa_journal::Record;
use stoa_proto::Outgoing;

/// Returns what a record of the journal led to.
///
/// # Errors
/// If the record is of a newer version, or of another role's journal.
pub fn published(record: &Record) -> anyhow::Result<Vec<Outgoing>> {
    let stored = record::Stored::read(record)?;
    Ok(stored.map(|stored| stored.outgoing()).unwrap_or_default())
}

/// Returns the OpenAPI documents of the public and the admin listener.
pub fn openapi() -> [serde_json::Value; 2] {
    let public = [
        http::moderate::routes().into_openapi(),
        http::compat::routes().into_openapi(),
        http::appeal_page::routes().into_openapi(),
    ];
    let admin = [
        http::routes().into_openapi(),
        stoa_parked::routes().into_openapi(),
    ];
    [
        http::moderate::LISTENER.document(public),
        http::LISTENER.document(admin),
    ]
}

/// Runs moderation-rules until shutdown.
///
/// The admin listener answers first, so that a long start can be watched; events are taken only
/// once the view has caught up with the journal.
pub async fn run(config: Config, context: Context, bus: Bus) -> anyhow::Result<()> {
    config.validate()?;
    context.ready.expect(&["rules", "journal", "view", "bus"]);
    let late = stoa_daemon::http::LateRouter::default();
    let admin = stoa_daemon::admin::router(&context).fallback_service(late.clone());
    stoa_daemon::http::serve(config.admin.listen, admin, &context, "admin").await?;

    stoa_daemon::folder::hold(&config.data_dir, config.standby, &context).await?;
    let service = service::Service::open(&config, &context, bus).await?;
    late.set(service.admin_router());
    stoa_daemon::http::serve(
        config.http.listen,
        service.public_router(),
        &context,
        "public",
    )
    .await?;

    service.work().await
}
