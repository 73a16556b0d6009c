use std::pin::pin;

use bytes::Bytes;
use prometheus::Registry;
use stoa_journal::{Entry, Options};
use stoa_proto::event::Kind;
use stoa_proto::{Exchange, Shard};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::*;
use crate::Env;

/// A broker that confirms nothing while more is appended once kept a stop busy.
#[tokio::test]
async fn a_stop_waits_for_confirms_without_being_busy() {
    let dir = TempDir::new().unwrap();
    let opened = Journal::open(dir.path(), Options::default(), Arc::new(|| 1)).unwrap();
    let journal = opened.journal;
    let append = || {
        let payload = Bytes::new();
        journal.append(vec![Entry { kind: 1, payload }])
    };
    append().await.unwrap();
    let shutdown = CancellationToken::new();
    let env = Env {
        tasks: TaskTracker::new(),
        shutdown: shutdown.clone(),
        registry: Registry::new(),
        clock: Arc::new(|| 1),
    };
    let (publisher, mut submissions) = Publisher::new(Metrics::new(&env).unwrap());
    let outbox = Outbox::open(journal.clone(), &dir.path().join("cursor")).unwrap();
    let event = |_| {
        vec![Outgoing {
            exchange: Exchange::Content,
            id: "e".to_owned(),
            kind: Kind::CommentWithdrawn,
            shard: Shard::of("s", "a"),
            lane: 0,
            routing_key: String::new(),
            body: Bytes::new(),
        }]
    };
    let mut running = pin!(outbox.run(publisher, event, shutdown.clone()));
    let mut n_polls = 0;
    let counted = std::future::poll_fn(|context| {
        n_polls += 1;
        running.as_mut().poll(context)
    });
    tokio::select! {
        ended = counted => panic!("it ended: {ended:?}"),
        () = async {
            let unconfirmed = submissions.recv().await;
            shutdown.cancel();
            append().await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(unconfirmed);
        } => {}
    }
    assert!(n_polls < 50, "polled {n_polls} times");
}
