//! Repeats and conflicts against a model, over batches and restarts.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    id: u8,
    comment: u8,
    revision: u32,
    body: u8,
}

#[derive(Default)]
struct Model {
    events: HashMap<u8, Sent>,
    revisions: HashMap<(u8, u32), u8>,
}

impl Model {
    fn judge(&mut self, sent: Sent) -> &'static str {
        if let Some(earlier) = self.events.get(&sent.id) {
            return if *earlier == sent {
                "duplicate"
            } else {
                "id_conflict"
            };
        }
        match self.revisions.get(&(sent.comment, sent.revision)) {
            Some(body) if *body == sent.body => "duplicate",
            Some(_) => "stale_revision",
            None => {
                self.events.insert(sent.id, sent);
                self.revisions
                    .insert((sent.comment, sent.revision), sent.body);
                "accepted"
            }
        }
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    (0..6u8, 0..3u8, 1..4u32, 0..2u8).prop_map(|(id, comment, revision, body)| Sent {
        id,
        comment,
        revision,
        body,
    })
}

fn json_of(sent: Sent) -> Value {
    let data = comment_data(
        &format!("c-{}", sent.comment),
        sent.revision,
        &format!("body {}", sent.body),
    );
    event(&format!("e-{}", sent.id), "comment.edited", &data)
}

async fn agrees(rounds: Vec<Vec<Sent>>) {
    let fixture = Fixture::new();
    let mut model = Model::default();
    for batch in rounds {
        // Every batch meets a service that was just started.
        let running = fixture.start().await;
        let body = json!(batch.iter().copied().map(json_of).collect::<Vec<_>>()).to_string();
        let (status, answer) = running.request(publish(codec::BATCH, body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let verdicts: Vec<&str> = batch.iter().map(|sent| model.judge(*sent)).collect();
        let count = |verdict| verdicts.iter().filter(|found| **found == verdict).count();
        assert_eq!(answer["accepted"], count("accepted"), "{batch:?}");
        assert_eq!(answer["duplicate"], count("duplicate"), "{batch:?}");
        for refused in answer["rejected"].as_array().unwrap() {
            let index = usize::try_from(refused["index"].as_u64().unwrap()).unwrap();
            assert_eq!(refused["code"], verdicts[index], "{batch:?}");
        }
        running.stop().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_follow_the_model(
        rounds in prop::collection::vec(prop::collection::vec(sent(), 1..12), 1..4),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(agrees(rounds));
    }
}
