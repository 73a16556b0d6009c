//! Links that can be cut, and that delay, lose and reorder packets.
//!
//! A link is two TUN devices, one here and one in a network namespace, and threads that carry
//! packets between them: a kernel need not know of such faults, and each way has its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tun_rs::{DeviceBuilder, SyncDevice};

/// Larger than any packet of these devices.
const PACKET: usize = 2_048;

/// Runs `ip`, which needs root.
pub(crate) fn ip(words: &str) {
    let ran = Command::new("ip").args(words.split(' ')).output().unwrap();
    assert!(ran.status.success(), "`ip {words}` as root: {ran:?}");
}

/// A network namespace with a loopback device, removed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// Makes one; the number tells those of this process apart.
    pub(crate) fn new(number: u8) -> Self {
        let name = format!("stoa-{}-{number}", std::process::id());
        ip(&format!("netns add {name}"));
        let namespace = Self { name };
        ip(&format!("-n {} link set lo up", namespace.name));
        namespace
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.name));
    }
}

/// An address for tests of networks (RFC 2544), of this process.
pub(crate) fn address(host: u8) -> String {
    format!("198.18.{}.{host}", std::process::id() % 256)
}

/// What becomes of packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Lost, in percent.
    pub(crate) lost: u32,
    /// How long each takes.
    pub(crate) delay: Duration,
    /// Those that take a half longer, and are overtaken by others, in percent.
    pub(crate) overtaken: u32,
}

/// Nothing comes through.
pub(crate) const CUT: Weather = Weather {
    lost: 100,
    delay: Duration::ZERO,
    overtaken: 0,
};

/// A link from here to a namespace, removed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Link {
    /// The address of the namespace's end.
    pub(crate) far: String,
    device: String,
    there: Arc<Mutex<Weather>>,
    back: Arc<Mutex<Weather>>,
}

impl Link {
    /// Makes one; the number tells those of this process apart.
    pub(crate) fn new(to: &Namespace, number: u8) -> Self {
        let names = ["n", "f"].map(|end| format!("stoa{}{end}{number}", std::process::id()));
        let devices = names.each_ref().map(|name| {
            let device = DeviceBuilder::new().name(name).enable(false).build_sync();
            Arc::new(device.unwrap())
        });
        let [near, far] = [4 * number + 1, 4 * number + 2].map(address);
        let ([device, other], space) = (&names, &to.name);
        ip(&format!("addr add {near} peer {far} dev {device}"));
        ip(&format!("link set {device} up"));
        ip(&format!("link set {other} netns {space}"));
        ip(&format!(
            "-n {space} addr add {far} peer {near} dev {other}"
        ));
        ip(&format!("-n {space} link set {other} up"));
        let [near, far_end] = devices;
        Self {
            there: carry(&near, &far_end),
            back: carry(&far_end, &near),
            far,
            device: names[0].clone(),
        }
    }

    /// Sets what becomes of packets, by the way that they go.
    pub(crate) fn set(&self, there: Weather, back: Weather) {
        *self.there.lock().unwrap() = there;
        *self.back.lock().unwrap() = back;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The other end goes with its namespace; the threads end with their devices.
        ip(&format!("link del {}", self.device));
    }
}

/// A packet that is due at a time, with its number among those of its way.
type Due = Reverse<(Instant, u64, Vec<u8>)>;

/// Starts to carry packets one way; returns its weather.
fn carry(from: &Arc<SyncDevice>, to: &Arc<SyncDevice>) -> Arc<Mutex<Weather>> {
    let weather = Arc::new(Mutex::new(Weather::default()));
    let (sender, receiver) = channel();
    let (from, to) = (Arc::clone(from), Arc::clone(to));
    let seen = Arc::clone(&weather);
    std::thread::spawn(move || take(&from, &seen, &sender));
    std::thread::spawn(move || give(&to, &receiver));
    weather
}

/// Takes packets, until the device is gone.
fn take(from: &SyncDevice, weather: &Mutex<Weather>, sender: &Sender<Due>) {
    let mut packet = [0; PACKET];
    // A generator of Knuth's, so that every run has the same luck.
    let mut state = 1_u64;
    let mut chance = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % 100).unwrap()
    };
    for number in 0.. {
        let Ok(length) = from.recv(&mut packet) else {
            return;
        };
        let weather = *weather.lock().unwrap();
        if chance() < weather.lost {
            continue;
        }
        let mut due = Instant::now() + weather.delay;
        if chance() < weather.overtaken {
            due += weather.delay / 2;
        }
        let packet = packet[..length].to_vec();
        if sender.send(Reverse((due, number, packet))).is_err() {
            return;
        }
    }
}

/// Gives packets when they are due, until no more can come.
fn give(to: &SyncDevice, receiver: &Receiver<Due>) {
    let mut waiting: BinaryHeap<Due> = BinaryHeap::new();
    loop {
        let next = match waiting.peek() {
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Reverse((due, ..))) => {
                receiver.recv_timeout(due.saturating_duration_since(Instant::now()))
            }
        };
        match next {
            Ok(packet) => waiting.push(packet),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some(Reverse((due, ..))) = waiting.peek()
            && *due <= Instant::now()
            && let Some(Reverse((.., packet))) = waiting.pop()
        {
            // One that does not get through is lost, as others are.
            to.send(&packet).ok();
        }
    }
}
