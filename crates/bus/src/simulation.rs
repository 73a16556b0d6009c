//! Delivery, simulated: the loop, the store of parked messages, the outbox and the publishing task
//! as they are, over a broker, disks and a clock that are not, with crashes at any step.
//!
//! `docs/simulation.md` says what is real, what is checked, and how to run one seed.

mod broker;
mod drive;
mod handler;
pub(crate) mod journal;
mod line;
mod plan;
mod process;
mod role;
mod source;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

pub(crate) use self::process::current;

/// Seeds that are run with all other tests.
const SEEDS: u64 = 1_000;
/// A seed that takes longer turns in a circle in which no time passes.
const LONGEST: Duration = Duration::from_secs(15);

#[expect(
    clippy::disallowed_methods,
    reason = "a test is configured by its environment"
)]
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, not `{value}`")),
    )
}

#[test]
fn nothing_is_lost_repeated_or_out_of_order() {
    if let Some(seed) = setting("STOA_SIM_SEED") {
        let run = drive::run(seed, true);
        assert_eq!(run.failure, None, "seed {seed}");
        return;
    }
    let n_seeds = setting("STOA_SIM_SEEDS").unwrap_or(SEEDS);
    let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let running: Arc<Mutex<BTreeMap<u64, Instant>>> = Arc::default();
    let (sender, results) = mpsc::channel();
    for thread in 0..n_threads {
        let (sender, running) = (sender.clone(), Arc::clone(&running));
        std::thread::spawn(move || {
            for seed in (thread..n_seeds).step_by(usize::try_from(n_threads).unwrap()) {
                running.lock().unwrap().insert(seed, Instant::now());
                let run = drive::run(seed, false);
                running.lock().unwrap().remove(&seed);
                if sender.send((seed, run.failure)).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut left = n_seeds;
    while left > 0 {
        let stuck = || {
            let running = running.lock().unwrap();
            let mut long = running
                .iter()
                .filter(|(_, since)| since.elapsed() > LONGEST);
            let (seed, _) = long.next()?;
            Some((*seed, Some("it does not end".to_owned())))
        };
        let result = results.recv_timeout(Duration::from_secs(1)).ok();
        let Some((seed, failure)) = result.or_else(stuck) else {
            continue;
        };
        left -= 1;
        if let Some(failure) = failure {
            panic!(
                "seed {seed}: {failure}\nrun it alone: STOA_SIM_SEED={seed} \
                 cargo test -p stoa-bus --lib simulation::nothing -- --nocapture"
            );
        }
    }
}

#[test]
fn a_seed_leads_to_the_same_run_each_time() {
    for seed in 0..20 {
        let (first, again) = (drive::run(seed, false), drive::run(seed, false));
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert!(first.trace.1 > 20, "seed {seed} does nothing");
    }
    let (one, other) = (drive::run(1, false), drive::run(2, false));
    assert_ne!(one.trace, other.trace);
}
