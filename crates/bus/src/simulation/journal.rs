//! A journal in memory: appends become durable after a while, and a crash loses any end of those
//! that are not.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use stoa_journal::{Clock, Entry, Error, OpenReport, Options, Position, Record};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::process::Process;
use super::world::{World, ids};
use crate::cursor::Slots;

/// Records of a segment: trimming drops whole ones.
const SEGMENT: u64 = 4;
/// The longest that the disk takes, in milliseconds.
pub(super) const DISK_MS: u64 = 40;

/// What is on a disk.
#[derive(Default)]
struct Platter {
    /// Counts crashes: what was under way before one has no effect.
    crashes: u64,
    records: Vec<Record>,
    first: u64,
    durable: u64,
    /// Every event's id that was ever durable.
    ids: HashSet<String>,
    watch: watch::Sender<u64>,
    /// When the sync that is under way ends, and the one after it.
    syncs: (Option<Instant>, Option<Instant>),
}

impl Platter {
    fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn reach(&mut self, end: u64) {
        while self.durable < end {
            let index = usize::try_from(self.durable - self.first).unwrap();
            self.ids.extend(ids(&self.records[index].payload));
            self.durable += 1;
        }
        self.watch.send_replace(self.durable);
    }

    /// Finds when what is appended now will be durable: with the sync after the one under way.
    fn due(&mut self, world: &World) -> Instant {
        let now = Instant::now();
        if self.syncs.0.is_none_or(|end| end <= now) {
            self.syncs.0 = self.syncs.1.take().filter(|end| *end > now);
        }
        let (current, after) = &mut self.syncs;
        let pause = world.delay(DISK_MS);
        match current {
            None => *current.insert(now + pause),
            Some(current) => *after.get_or_insert(*current + pause),
        }
    }
}

/// A disk with one journal; it outlives the processes that use it.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    /// Opens the journal for a process.
    pub(super) fn open(&self, process: &Process) -> Journal {
        let mut platter = self.lock();
        platter.watch = watch::Sender::new(platter.durable);
        let durable = platter.watch.subscribe();
        drop(platter);
        Journal::Memory(Memory {
            disk: self.clone(),
            process: process.clone(),
            closed: Arc::default(),
            durable,
        })
    }

    /// Loses what is not durable, or keeps some of it from the front.
    pub(super) fn crash(&self, world: &World) {
        let mut platter = self.lock();
        platter.crashes += 1;
        platter.syncs = (None, None);
        let kept = platter.durable + world.below(platter.next() - platter.durable + 1);
        let length = usize::try_from(kept - platter.first).unwrap();
        platter.records.truncate(length);
        platter.reach(kept);
    }

    /// Whether an event was ever durable in it.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.lock().ids.contains(id)
    }

    /// Returns the events that are durable in it, in their order.
    pub(super) fn events(&self) -> Vec<String> {
        let platter = self.lock();
        let durable = usize::try_from(platter.durable - platter.first).unwrap();
        let records = platter.records[..durable].iter();
        records.flat_map(|record| ids(&record.payload)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap()
    }
}

/// A journal of the simulation, as an open one.
#[derive(Clone)]
pub struct Memory {
    disk: Disk,
    process: Process,
    closed: Arc<AtomicBool>,
    durable: watch::Receiver<u64>,
}

impl Memory {
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Position>, Error> {
        self.process.step().await;
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        let (positions, durable) = self.write(entries);
        durable.await.map_err(|_| Error::Closed)?;
        self.process.step().await;
        Ok(positions)
    }

    /// Writes records; what is returned tells when they are durable.
    fn write(&self, entries: Vec<Entry>) -> (Vec<Position>, oneshot::Receiver<()>) {
        let world = self.process.world();
        let (reply, durable) = oneshot::channel();
        let mut positions = Vec::new();
        let mut platter = self.disk.lock();
        for Entry { kind, payload } in entries {
            let position = Position {
                seq: platter.next(),
                offset: 0,
            };
            positions.push(position);
            platter.records.push(Record {
                seq: position.seq,
                time_us: world.now_us(),
                kind,
                length: u32::try_from(payload.len()).unwrap(),
                payload,
                position,
                redacted: false,
                salt: [0; 16],
                commitment: [0; 32],
            });
        }
        let (due, end, crashes) = (platter.due(world), platter.next(), platter.crashes);
        drop(platter);
        let disk = self.disk.clone();
        world.spawn(async move {
            tokio::time::sleep_until(due).await;
            let mut platter = disk.lock();
            if platter.crashes == crashes {
                platter.reach(end);
                reply.send(()).ok();
            }
        });
        (positions, durable)
    }

    fn read(&self, seq: u64) -> Result<Record, Error> {
        let platter = self.disk.lock();
        if seq >= platter.durable {
            let next = platter.durable;
            return Err(Error::NotWritten { seq, next });
        }
        let first = platter.first;
        let index = seq
            .checked_sub(first)
            .ok_or(Error::Trimmed { seq, first })?;
        Ok(platter.records[usize::try_from(index).unwrap()].clone())
    }

    fn trim(&self, before: u64) -> u64 {
        let mut platter = self.disk.lock();
        let first = before.min(platter.durable) / SEGMENT * SEGMENT;
        if let Some(gone) = first.checked_sub(platter.first) {
            platter.records.drain(..usize::try_from(gone).unwrap());
            platter.first = first;
        }
        platter.first
    }
}

/// A journal, of the simulation or a real one.
#[derive(Clone)]
pub enum Journal {
    /// On the disk: for the unit tests of this crate.
    Real(stoa_journal::Journal),
    /// In memory.
    Memory(Memory),
}

/// An open journal and what was found while opening.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) report: OpenReport,
}

impl Journal {
    pub(crate) fn open(dir: &Path, options: Options, clock: Clock) -> Result<Opened, Error> {
        let opened = stoa_journal::Journal::open(dir, options, clock)?;
        Ok(Opened {
            journal: Self::Real(opened.journal),
            report: opened.report,
        })
    }

    pub(crate) async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Position>, Error> {
        match self {
            Self::Real(journal) => journal.append(entries).await,
            Self::Memory(_) if entries.is_empty() => Ok(Vec::new()),
            Self::Memory(memory) => memory.append(entries).await,
        }
    }

    pub(crate) async fn redact(&self, seq: u64) -> Result<(), Error> {
        match self {
            Self::Real(journal) => journal.redact(seq).await,
            Self::Memory(_) => panic!("the simulation erases nothing"),
        }
    }

    pub(crate) fn read(&self, position: Position) -> Result<Record, Error> {
        match self {
            Self::Real(journal) => journal.read(position),
            Self::Memory(memory) => memory.read(position.seq),
        }
    }

    pub(crate) fn read_seq(&self, seq: u64) -> Result<Option<Record>, Error> {
        match self {
            Self::Real(journal) => journal.read_seq(seq),
            Self::Memory(memory) => Ok(memory.read(seq).ok()),
        }
    }

    pub(crate) fn first_since(&self, time_us: i64) -> Result<u64, Error> {
        match self {
            Self::Real(journal) => journal.first_since(time_us),
            Self::Memory(_) => Ok(self.first()),
        }
    }

    pub(crate) fn iter(&self, from: u64) -> Iter {
        match self {
            Self::Real(journal) => Iter::Real(Box::new(journal.iter(from))),
            Self::Memory(memory) => Iter::Memory(memory.clone(), from.max(self.first())),
        }
    }

    pub(crate) fn durable(&self) -> watch::Receiver<u64> {
        match self {
            Self::Real(journal) => journal.durable(),
            Self::Memory(memory) => memory.durable.clone(),
        }
    }

    pub(crate) fn first(&self) -> u64 {
        match self {
            Self::Real(journal) => journal.first(),
            Self::Memory(memory) => memory.disk.lock().first,
        }
    }

    pub(crate) fn next(&self) -> u64 {
        match self {
            Self::Real(journal) => journal.next(),
            Self::Memory(memory) => memory.disk.lock().durable,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Real(journal) => journal.bytes(),
            Self::Memory(memory) => memory.disk.lock().records.len() as u64,
        }
    }

    pub(crate) fn trim(&self, before: u64) -> Result<u64, Error> {
        match self {
            Self::Real(journal) => journal.trim(before),
            Self::Memory(memory) => Ok(memory.trim(before)),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Real(journal) => journal.close().await,
            Self::Memory(mut memory) => {
                memory.process.step().await;
                memory.closed.store(true, Ordering::Relaxed);
                let end = memory.disk.lock().next();
                memory.durable.wait_for(|next| *next >= end).await.ok();
            }
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// Reads many records in order.
pub(crate) enum Iter {
    Real(Box<stoa_journal::Iter>),
    Memory(Memory, u64),
}

impl Iter {
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::Real(iter) => stoa_journal::Iter::position(iter),
            Self::Memory(_, next) => *next,
        }
    }
}

impl Iterator for Iter {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Real(iter) => iter.next(),
            Self::Memory(memory, next) if *next < memory.disk.lock().durable => {
                let record = memory.read(*next);
                *next += u64::from(record.is_ok());
                Some(record)
            }
            Self::Memory(..) => None,
        }
    }
}

/// The bytes of a cursor's file.
#[derive(Clone, Debug)]
pub(super) struct Sectors(Arc<Mutex<Vec<u8>>>);

impl Sectors {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(vec![0; 8192])))
    }

    /// Tears the slot that is written next, as a crash does in the middle of a write: its
    /// generation is there, and its position is not.
    pub(super) fn crash(&self, world: &World) {
        let mut bytes = self.0.lock().unwrap();
        let generation = |at: usize| u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap());
        let newest = generation(0).max(generation(4096));
        if newest > 0 && world.percent(50) {
            let at = if newest % 2 == 0 { 4096 } else { 0 };
            bytes[at + 8..at + 16].copy_from_slice(&(newest + 1).to_le_bytes());
            bytes[at + 17] ^= 1;
        }
    }
}

impl Slots for Sectors {
    fn read(&self, slot: &mut [u8], offset: u64) -> std::io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        slot.copy_from_slice(&self.0.lock().unwrap()[at..at + slot.len()]);
        Ok(())
    }

    fn write(&self, slot: &[u8], offset: u64) -> std::io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        self.0.lock().unwrap()[at..at + slot.len()].copy_from_slice(slot);
        Ok(())
    }
}
