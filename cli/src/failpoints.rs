//! Crashes at named places, for the fault suite.
//!
//! `STOA_CRASH_AT=bus_before_settle:20` ends the process when it comes to that place for the 20th
//! time, as a kill would: nothing is written out, nobody is told. `FAILPOINTS` is as the crate
//! `fail` has it, for delays.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

/// Arms what the environment names, for as long as the result lives.
pub(crate) fn arm() -> anyhow::Result<fail::FailScenario<'static>> {
    let scenario = fail::FailScenario::setup();
    if let Some(text) = std::env::var_os("STOA_CRASH_AT") {
        let (place, time) = text
            .to_str()
            .and_then(|text| text.split_once(':'))
            .and_then(|(place, time)| Some((place, time.parse::<u32>().ok()?)))
            .context("STOA_CRASH_AT must be PLACE:TIME")?;
        let passed = AtomicU32::new(0);
        let crash = move || {
            if passed.fetch_add(1, Ordering::Relaxed) + 1 == time {
                std::process::abort();
            }
        };
        fail::cfg_callback(place, crash).map_err(anyhow::Error::msg)?;
    }
    Ok(scenario)
}
