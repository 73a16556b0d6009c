//! Archive: keeps articles, comments and decisions, and shows them.
//!
//! Events come from the bus, and one engine (`engine`) writes them to the journal and applies
//! them to the view.
//! Behind it the transparency log follows the journal and signs what it has (`transparency`).
//! Readers get threads from the view's positions and the journal's words (`read`, `http`).
//! What they search for is found in an index that a thread of its own builds behind both (`search`).
//!
//! **Invariant:** an event is acknowledged only after its record is durable in the journal, and it
//! has one record however often it comes.
//! **Invariant:** the view holds no words, and can be deleted while the archive is stopped.
//! **Invariant:** whatever happens to the search index stops searching alone.

mod config;
mod place;
mod record;

mod fact;
mod row;
mod stage;
mod standing;
mod thread;
mod view;

pub mod backup;
mod engine;
pub mod export;
mod rebuild;
mod salvage;

mod http;
mod metrics;
mod read;
mod redaction;
mod search;
mod service;
pub mod transparency;

pub use config::{
    AdminConfig, Config, DEFAULT_CONFIG, EngineConfig, HttpConfig, JournalConfig, RedactionConfig,
    RetentionConfig, SearchConfig, SiteConfig, TransparencyConfig, ViewConfig,
};
pub use rebuild::{Part, Rebuilt, rebuild};
pub use record::kind as kind_of_record;
pub use redaction::list::{Learner, Listed};
pub use salvage::{Salvage, Source, known};
pub use view::Error;

use stoa_bus::Bus;
use stoa_daemon::Context;

/// Returns the OpenAPI documents of the public and the admin listener.
pub fn openapi() -> [serde_json::Value; 2] {
    let admin = [
        http::admin::routes().into_openapi(),
        stoa_parked::routes().into_openapi(),
    ];
    [
        http::LISTENER.document([http::routes().into_openapi()]),
        http::admin::LISTENER.document(admin),
    ]
}

/// Runs the archive until shutdown.
///
/// The admin listener answers first, so that a long start can be watched; the public one only once
/// the view has caught up with the journal.
pub async fn run(config: Config, context: Context, bus: Bus) -> anyhow::Result<()> {
    config.validate()?;
    context.ready.expect(&["journal", "view", "bus"]);
    let late = stoa_daemon::http::LateRouter::default();
    let admin = stoa_daemon::admin::router(&context).fallback_service(late.clone());
    stoa_daemon::http::serve(config.admin.listen, admin, &context, "admin").await?;

    stoa_daemon::folder::hold(&config.data_dir, config.standby, &context).await?;
    let service = service::Service::open(&config, &context, bus).await?;
    late.set(service.admin_router());
    let public = service.public_router();
    stoa_daemon::http::serve(config.http.listen, public, &context, "public").await?;

    service.work().await
}
