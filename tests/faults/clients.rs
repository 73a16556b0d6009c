//! Clients that are slow, silent, or break off.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stoa_tests::{Bus, Load, Stack, Stress, TOKEN};

use crate::drill::{Drill, lasts, load};
use crate::report::Found;
use crate::{Case, Suite};

pub(crate) const CASES: &[Case] = &[Case {
    id: "N04",
    title: "clients that are slow, silent or break off are cut off, and others notice nothing",
    small: false,
    run: hostile,
}];

/// The longest that a request may take which does not come along, with a little for the clock.
const PATIENCE: Duration = Duration::from_secs(12);
/// Connections that say nothing.
const IDLE: usize = 500;

fn hostile(_: &Suite, found: &mut Found) {
    let stack = Stack::start(Bus::Embedded);
    let to = stack.ingest();
    let load = Load {
        seed: 2,
        ..load(15_000)
    };
    let quiet = Load { seed: 1, ..load };
    let before = Stress::start(&stack, &to, quiet).ends();
    assert_eq!(before["pass"], true, "{before:#}");
    let listeners = [stack.ingest(), stack.archive(), stack.ingest_admin()];
    let listeners = listeners.map(|url| url.trim_start_matches("http://").to_owned());
    let mut drill = Drill::with(stack, &to, load, found, None);
    let goes_on = AtomicBool::new(true);
    let (during, resets) = std::thread::scope(|scope| {
        // Also when something fails.
        let end = End(&goes_on);
        for address in &listeners {
            scope.spawn(|| cut_off(address));
            scope.spawn(|| {
                while goes_on.load(Ordering::Relaxed) {
                    let idle = idle(address, IDLE / listeners.len());
                    // They are cut off, and come again.
                    lasts(Duration::from_secs(5));
                    drop(idle);
                }
            });
        }
        let resets = scope.spawn(|| {
            let mut count = 0;
            while goes_on.load(Ordering::Relaxed) {
                for address in &listeners {
                    reset(address);
                }
                count += listeners.len();
            }
            count
        });
        let during = drill.is_sound();
        drop(end);
        (during, resets.join().unwrap())
    });
    let p99 = [&before, &during].map(|report| report["latency_ms"]["accept"]["p99"].clone());
    let [before, during] = p99.map(|p99| p99.as_f64().unwrap());
    drill.found.note(format!(
        "99 % were answered within {before} ms before and {during} ms beside {IDLE} idle \
         connections and {resets} that broke off"
    ));
    assert!(during < 2.0 * before.max(10.0), "{during} ms for others");
    drill.ends();
}

/// Ends what goes on.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Sends requests that never come along, at once; each must be cut off in time.
fn cut_off(address: &str) {
    let post = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: 100000\r\n\r\n{{"
    );
    let (head, _) = post.split_once("content-type").unwrap();
    std::thread::scope(|scope| {
        for (begin, dribbles) in [(head, true), (head, false), (&post, true), (&post, false)] {
            scope.spawn(move || {
                let took = held(address, begin, dribbles);
                assert!(took < PATIENCE, "{address} took {took:?} over {begin:?}");
            });
        }
    });
}

/// Sends a beginning, and then one byte a second or nothing; returns when the other side ended it.
fn held(address: &str, begin: &str, dribbles: bool) -> Duration {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    let second = Some(Duration::from_secs(1));
    stream.set_read_timeout(second).unwrap();
    stream.write_all(begin.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return started.elapsed(),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if dribbles && stream.write_all(b"x").is_err() {
                    return started.elapsed();
                }
            }
            Err(_) => return started.elapsed(),
        }
        assert!(started.elapsed() < 3 * PATIENCE, "{address}: {begin:?}");
    }
}

/// Connects so many times.
fn idle(address: &str, times: usize) -> Vec<TcpStream> {
    let connections = (0..times).map(|_| TcpStream::connect(address).unwrap());
    connections.collect()
}

/// Breaks a connection off in the middle of a request: what was answered and is not read makes the
/// system reset it.
fn reset(address: &str) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let requests = "GET / HTTP/1.1\r\nhost: x\r\n\r\nPOST /v1/events HTTP/1.1\r\nhost: x\r\n";
    if stream.write_all(requests.as_bytes()).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
