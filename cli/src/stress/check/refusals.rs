//! What ingest says that it refused, to be compared with the poison.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

use super::found::wait;
use crate::stress::reader::Reader;
use crate::stress::run::Run;

/// The refusals of this run's events.
#[derive(Debug, Default)]
pub(in crate::stress) struct Refusals {
    /// How often there is one with this id and this code.
    pub(in crate::stress) times: HashMap<(u32, String), u64>,
}

#[derive(Deserialize)]
struct Listing {
    rejections: Vec<Listed>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    id: Option<String>,
    source: Option<String>,
    code: String,
}

impl Refusals {
    /// Reads all refusals that ingest keeps; those of other sources are passed over.
    pub(super) async fn read(
        ingest: &Reader,
        run: &Run,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let mut refusals = Self::default();
        let mut after = String::new();
        loop {
            let path = format!("/admin/rejections?limit=500{after}");
            let Some(listing) = wait::<Listing>(ingest, &path, patience).await? else {
                anyhow::bail!("{path} is not there: give --ingest the admin address of ingest");
            };
            for listed in listing.rejections {
                let is_ours = listed.source.as_ref() == Some(&run.corpus.source);
                let n = listed.id.and_then(|id| run.corpus.event_of_id(&id));
                if let Some(n) = n.filter(|_| is_ours) {
                    *refusals.times.entry((n, listed.code)).or_default() += 1;
                }
            }
            match listing.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(refusals),
            }
        }
    }
}
