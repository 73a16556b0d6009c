//! A process that appends is killed again and again: what it acknowledged is there.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const ROUNDS: u64 = 200;
const CHILD: &str = "STOA_JOURNAL_KILL_TEST";

#[test]
fn what_was_acknowledged_survives_kill_9() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return child(Path::new(&dir));
    }
    let dir = folder();
    let mut acknowledged = BTreeMap::new();
    let mut n_acknowledged = 0;
    for round in 0..ROUNDS {
        acknowledged.append(&mut run_and_kill(dir.path(), round));
        let journal = open(dir.path()).journal;
        let next = journal.next();
        for (seq, text) in acknowledged.split_off(&journal.first()) {
            let record = journal.read_seq(seq).unwrap();
            let record = record.unwrap_or_else(|| panic!("round {round}: {seq} of {next} lost"));
            assert_eq!(record.payload, text, "round {round}");
            n_acknowledged += 1;
        }
        // Killed between a new segment and its first record, it holds none after the trim below.
        let last = collect(&journal).unwrap().last().map(|last| last.seq + 1);
        assert_eq!(last.unwrap_or(journal.first()), next);
        journal.trim(next).unwrap();
    }
    verify(dir.path()).unwrap();
    assert!(
        n_acknowledged > 10 * ROUNDS,
        "the child hardly ran: {n_acknowledged}"
    );
}

/// Starts a child, kills it after some milliseconds, and returns what it acknowledged.
fn run_and_kill(dir: &Path, round: u64) -> BTreeMap<u64, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::kill::what_was_acknowledged_survives_kill_9",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = BTreeMap::new();
        // The last line may be cut short by the kill; it lacks the full stop then.
        for line in lines.map_while(Result::ok) {
            let Some(ack) = line.strip_prefix("ack ") else {
                continue;
            };
            let Some((seq, text)) = ack.strip_suffix('.').and_then(|ack| ack.split_once(' '))
            else {
                continue;
            };
            acknowledged.insert(seq.parse().unwrap(), text.to_owned());
        }
        acknowledged
    });
    std::thread::sleep(Duration::from_millis(15 + (round * 13) % 60));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Appends from four tasks, and prints what is durable, until it is killed.
fn child(dir: &Path) {
    let journal = open(dir).journal;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let start = journal.next();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let journal = journal.clone();
            tasks.spawn(async move {
                for n in 0_u32.. {
                    let texts: Vec<_> = (0..n % 9)
                        .map(|part| format!("{start}/{task}/{n}/{part}"))
                        .collect();
                    let batch = texts.iter().map(entry).collect();
                    let positions = journal.append(batch).await.unwrap();
                    let acks = positions.iter().zip(&texts);
                    let acks =
                        acks.map(|(position, text)| format!("ack {} {text}.\n", position.seq));
                    let acks: String = acks.collect();
                    std::io::stdout().lock().write_all(acks.as_bytes()).unwrap();
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    });
}
