//! Ingest: accepts events, judges, normalises and deduplicates them, and passes them on.
//!
//! Events come over HTTP (`POST /v1/events`), are made of platforms' webhooks (`webhooks`), or come
//! from the bus's inbox, and take the same way:
//! decoded and normalised where they arrive (`intake`), checked and written by one engine
//! (`engine`), published from the journal in order (`outgoing`).
//!
//! **Invariant:** an event is acknowledged, to a client or to the broker, only after its record is
//! durable in the journal; what is published is read from the journal.
//! The view (`view`) can be deleted while ingest is stopped.

mod config;
mod digest;
mod policy;
mod record;

mod intake;
mod webhooks;

mod engine;
mod filter;
mod view;

mod budget;
mod erasure;
mod outgoing;
mod retention;

mod http;
mod inbox;
mod metrics;
mod service;

pub use config::{
    AdminConfig, AppealsConfig, BudgetConfig, Config, DEFAULT_CONFIG, EngineConfig, ErasuresConfig,
    HttpConfig, JournalConfig, SiteConfig, ViewConfig, WebhookConfig, WebhookKind,
};
pub use stoa_normalise::Normaliser;

use stoa_bus::Bus;
use stoa_daemon::Context;
use stoa_journal::Record;
use stoa_proto::Outgoing;

/// Returns what a record of ingest's journal led to.
///
/// # Errors
/// If the record is of a newer version, or of another role's journal.
pub fn published(record: &Record) -> anyhow::Result<Vec<Outgoing>> {
    Ok(outgoing::of(record)?)
}

/// Returns the OpenAPI documents of the public and the admin listener.
pub fn openapi() -> [serde_json::Value; 2] {
    let admin = [
        http::rejections::routes().into_openapi(),
        stoa_parked::routes().into_openapi(),
    ];
    [
        http::LISTENER.document([http::routes().into_openapi()]),
        http::rejections::LISTENER.document(admin),
    ]
}

/// Runs ingest until shutdown.
///
/// The admin listener answers first, so that a long start can be watched; the public one only once
/// the view has caught up with the journal.
pub async fn run(config: Config, context: Context, bus: Bus) -> anyhow::Result<()> {
    config.validate()?;
    context.ready.expect(&["journal", "view", "budget"]);
    let late = stoa_daemon::http::LateRouter::default();
    let admin = stoa_daemon::admin::router(&context).fallback_service(late.clone());
    stoa_daemon::http::serve(config.admin.listen, admin, &context, "admin").await?;

    stoa_daemon::folder::hold(&config.data_dir, config.standby, &context).await?;
    let service = service::Service::open(&config, &context, bus).await?;
    late.set(service.admin_router());
    let limits = stoa_daemon::http::Limits {
        body: config.http.body_timeout.get(),
        ..stoa_daemon::http::Limits::default()
    };
    let public = service.public_router();
    stoa_daemon::http::serve_with(config.http.listen, public, &context, "public", limits).await?;

    service.work().await
}
