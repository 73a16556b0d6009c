//! How fast the archive makes durable and applies what waits for it: comments of 300 characters, each
//! with its decision, in 20 000 threads, read from the embedded bus on which they lie.
//!
//! A number behind `--` is how many there are; a million without it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement that can't go on has failed, and prints what it found"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa_archive::{Config, DEFAULT_CONFIG};
use stoa_bus::{Bus, EmbeddedConfig, Env};
use stoa_daemon::{Clock, Context};
use stoa_proto::{Event, Exchange, Outgoing};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const THREADS: u64 = 20_000;
const TOGETHER: u64 = 500;
/// A multiplier that spreads numbers evenly.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let n_comments = asked.unwrap_or(1_000_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for with_search in [false, true] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let took = runtime.block_on(drain(dir.path(), n_comments, with_search));
        let rate = 2.0 * n_comments as f64 / took.as_secs_f64();
        let search = if with_search { "with" } else { "without" };
        println!("append, {search} search: {rate:.0} events/s durable and applied ({took:.1?})");
    }
}

/// Lays everything on the bus, starts the archive, and returns how long it takes to have all of it.
async fn drain(dir: &Path, n_comments: u64, with_search: bool) -> Duration {
    let context = Context::new("archive", Clock::system());
    let env = Env {
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        registry: context.registry.clone(),
        clock: context.clock.micros_fn(),
    };
    let bus = Bus::embedded(&dir.join("bus"), EmbeddedConfig::default(), env).unwrap();
    let publisher = bus.publisher();
    for first in (0..n_comments).step_by(TOGETHER as usize) {
        let events = (first..n_comments.min(first + TOGETHER)).flat_map(|number| {
            [
                outgoing(Exchange::Content, &comment(number)),
                outgoing(Exchange::Outcomes, &decision(number)),
            ]
        });
        publisher.publish(events.collect()).await.unwrap();
    }

    let mut config: Config =
        stoa_daemon::config::load_from("archive", DEFAULT_CONFIG, None, []).unwrap();
    config.data_dir = dir.join("archive");
    config.search.enabled = with_search;
    config.open = true;
    config.http.listen.set_port(0);
    config.admin.listen.set_port(0);
    let began = Instant::now();
    let running = context
        .tasks
        .spawn(stoa_archive::run(config, context.clone(), bus));
    while applied(&context) < 2 * n_comments {
        assert!(!running.is_finished(), "the archive has stopped");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    context.shutdown.cancel();
    running.await.unwrap().unwrap();
    context.tasks.close();
    context.tasks.wait().await;
    took
}

/// Counts the events that are in the view.
fn applied(context: &Context) -> u64 {
    let families = context.registry.gather();
    let counters = families
        .iter()
        .find(|family| family.name() == "stoa_archive_events_total")
        .map_or(&[][..], |family| family.get_metric());
    counters
        .iter()
        .map(|counter| counter.get_counter().get_value() as u64)
        .sum()
}

fn outgoing(exchange: Exchange, event: &Value) -> Outgoing {
    Outgoing::new(
        exchange,
        &Event::from_json(event.to_string().as_bytes()).unwrap(),
    )
}

fn comment(number: u64) -> Value {
    let text = format!(
        "Comment {number}: {}",
        "the line is open at last. ".repeat(11)
    );
    event(
        number,
        "comment.submitted",
        json!({
            "revision": 1, "author": {"id": format!("u-{}", number % 50_000), "display_name": "Someone"},
            "body": text, "submitted_at": "2026-11-02T09:00:00+01:00",
        }),
    )
}

fn decision(number: u64) -> Value {
    event(
        number,
        "comment.decided",
        json!({
            "revision": 1, "decision": format!("d-{number}"), "verdict": "approve", "labels": [], "rules": [],
            "by": {"kind": "rules", "ruleset": "sha256:0"}, "decided_at": "2026-11-02T10:00:00Z",
        }),
    )
}

/// An event about a comment; comments that come one after the other are of different threads.
fn event(number: u64, kind: &str, data: Value) -> Value {
    let thread = number.wrapping_mul(SPREAD) % THREADS;
    let mut all = json!({
        "site": "bench", "article": format!("a-{thread}"), "comment": format!("c-{number}"),
    });
    if let (Some(all), Value::Object(data)) = (all.as_object_mut(), data) {
        all.extend(data);
    }
    json!({
        "specversion": "1.0", "id": format!("{kind}-{number}"), "source": "https://bench.example/",
        "type": format!("stoa.{kind}.v1"), "recordedtime": "2026-11-24T11:00:00Z", "data": all,
    })
}
