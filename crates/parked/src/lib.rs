//! What a role has parked, for its operators.
//!
//! Charter: joins the store of the bus ([`stoa_bus::Parking`]) with the life of a process, for all
//! roles alike: [`open`]s it beside the role's data, and shows it on the admin listener
//! ([`router`]).

mod http;

use std::path::Path;

use stoa_bus::{Parking, ParkingConfig};
use stoa_daemon::Context;
use stoa_proto::Reader;

pub use http::{Admin, router, routes};

/// Opens what a reader has parked, in `parked/` of the role's data folder.
///
/// `config` is the role's `[bus]`, of which the limit holds on the embedded bus, too;
/// `reserve_bytes` of the disk stay free.
pub async fn open(
    reader: Reader,
    data_dir: &Path,
    config: &stoa_bus::AmqpConfig,
    reserve_bytes: u64,
    context: &Context,
) -> anyhow::Result<Parking> {
    let config = ParkingConfig {
        dir: data_dir.join("parked"),
        reader,
        max_bytes: config.parked_bytes,
        reserve_bytes,
    };
    let (registry, clock) = (context.registry.clone(), context.clock.micros_fn());
    let open = move || Parking::open(&config, &registry, clock);
    Ok(context.tasks.spawn_blocking(open).await??)
}
