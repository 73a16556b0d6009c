//! The fault suite: breaks what can break on one machine, under load, and counts what became of
//! every event.
//!
//! `./scripts/faults` builds what it needs and runs it. A case is known by its number in
//! `docs/faults.md`; each has a system of its own, and passes if nothing was lost, nothing
//! done twice, everything in order, the archive's chain verifies, and nobody had to lend a hand.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a case that can't go on has failed, and the result is printed"
)]

mod broker;
mod clients;
mod cluster;
mod crash;
mod drill;
mod erase;
mod link;
mod memory;
mod messages;
mod network;
mod operations;
mod platforms;
mod report;
mod zombie;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use self::report::{Found, Ran, Report};

/// One fault.
#[derive(Clone, Copy)]
struct Case {
    /// Its number.
    id: &'static str,
    /// What is done, and what holds.
    title: &'static str,
    /// Whether it is in the small profile.
    small: bool,
    run: fn(&Suite, &mut Found),
}

/// How much is done.
struct Suite {
    full: bool,
    /// A build that can crash at named places.
    failpoints: String,
}

impl Suite {
    /// Picks by the profile.
    fn pick<T>(&self, small: T, full: T) -> T {
        if self.full { full } else { small }
    }
}

const USAGE: &str = "usage: faults [--profile small|full] [--only ID,…] [--report FILE] [--list]";

fn main() -> ExitCode {
    let (mut full, mut only, mut to, mut list) = (false, Vec::new(), None, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (
            arg.as_str(),
            (arg != "--list").then(|| args.next()).flatten(),
        ) {
            ("--list", _) => list = true,
            ("--profile", Some(name)) if name == "small" || name == "full" => full = name == "full",
            ("--only", Some(ids)) => only = ids.split(',').map(str::to_owned).collect(),
            ("--report", Some(path)) => to = Some(path),
            _ => {
                println!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let cases = [
        crash::CASES,
        broker::CASES,
        platforms::CASES,
        cluster::CASES,
        zombie::CASES,
        network::CASES,
        clients::CASES,
        messages::CASES,
        operations::CASES,
    ]
    .concat();
    if list {
        for case in cases {
            println!("{:5} {}", case.id, case.title);
        }
        return ExitCode::SUCCESS;
    }
    let suite = Suite {
        full,
        failpoints: stoa_tests::needed("STOA_TEST_FAILPOINTS"),
    };
    let is_wanted = |case: &&Case| {
        let named = only.iter().any(|id| id == case.id);
        named || (only.is_empty() && (full || case.small))
    };
    let mut report = Report::new(full);
    for case in cases.iter().filter(is_wanted) {
        report.add(run(&suite, case));
    }
    report.finish(to.as_deref())
}

fn run(suite: &Suite, case: &Case) -> Ran {
    println!("{:5} {} …", case.id, case.title);
    let (started, mut found) = (Instant::now(), Found::default());
    let running = AssertUnwindSafe(|| (case.run)(suite, &mut found));
    // What went wrong is on stderr already.
    let passed = std::panic::catch_unwind(running).is_ok();
    let ran = Ran {
        id: case.id,
        title: case.title,
        passed,
        seconds: started.elapsed().as_secs_f64(),
        found,
    };
    println!("{ran}");
    ran
}
