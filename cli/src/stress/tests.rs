mod world;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::check::found::Item;
use super::check::queues as waiting;
use super::ledger::Ledger;
use super::plan::Kind;
use super::slots::Mark;
use super::*;
use crate::client::testing::{answer, serve};

pub(super) use self::world::run_of;
use self::world::{MIX, World, is_plain, shape};

#[test]
fn a_sound_run_passes() {
    let world = World::sound(600);
    world.check([0; 5]);
    let checked = world.judge();
    assert_eq!(checked.ok, checked.acknowledged);
    assert_eq!(checked.archived, checked.acknowledged);
    assert_eq!(
        checked.refused,
        world.run.counts.poison.load(Ordering::Relaxed)
    );
    assert_eq!(checked.attempted, checked.acknowledged + checked.refused);
}

#[test]
fn lost() {
    let mut world = World::sound(600);
    let plain = world.find(|n, kind| is_plain(&world, n, kind));
    let id = world.run.corpus.comment_id(plain);
    world
        .thread_of(plain)
        .comments
        .retain(|item| item.comment != id);
    world.check([1, 0, 0, 0, 0]);
    // A revision, a report, and an article.
    let edit = world.find(|_, kind| matches!(kind, Kind::Edit { revision: 2, .. }));
    let Some((comment, _)) = world.run.kind(edit).unwrap().revision(edit) else {
        panic!()
    };
    world
        .history(comment)
        .revisions
        .retain(|found| found.revision != 2);
    world
        .history(comment)
        .decisions
        .retain(|found| found.revision != 2);
    world.check([2, 0, 0, 0, 0]);
    let report = world.find(|_, kind| matches!(kind, Kind::Report { .. }));
    let Some(Kind::Report { comment }) = world.run.kind(report) else {
        panic!()
    };
    world.history(comment).events.clear();
    let before = world.judge().lost;
    world.threads[0].title = None;
    assert_eq!(world.judge().lost, before + 1);
    assert!(before >= 3);
}

#[test]
fn what_was_not_acknowledged_is_not_lost_and_may_be_recovered() {
    let mut world = World::of(run_of("replies=0", 300), |n| n != 100 && n != 101);
    let id = world.run.corpus.comment_id(100);
    world
        .thread_of(100)
        .comments
        .retain(|item| item.comment != id);
    world.check([0; 5]);
    let checked = world.judge();
    assert_eq!((checked.acknowledged, checked.recovered), (298, 1));
}

#[test]
fn duplicated() {
    let mut world = World::sound(600);
    let plain = world.find(|n, kind| is_plain(&world, n, kind));
    world.item(plain).decisions = 2;
    world.check([0, 1, 0, 0, 0]);
    // In the archive's history, in moderation's log, in ingest's refusals.
    let edit = world.find(|_, kind| matches!(kind, Kind::Edit { revision: 2, .. }));
    let Some((comment, _)) = world.run.kind(edit).unwrap().revision(edit) else {
        panic!()
    };
    let again = world.history(comment).revisions[0].clone();
    world.history(comment).revisions.push(again);
    world.check([0, 2, 0, 0, 0]);
    world.run.decide(comment, 2);
    world.check([0, 3, 0, 0, 0]);
    *world.refusals.times.values_mut().next().unwrap() += 1;
    world.check([0, 4, 0, 0, 0]);
}

#[test]
fn reordered() {
    let mut world = World::sound(600);
    // An older revision is shown for a newer one.
    let edit = world.find(|n, kind| {
        let Kind::Edit { comment, revision } = kind else {
            return false;
        };
        let next = Kind::Edit {
            comment,
            revision: revision + 1,
        };
        comment < n && (n..600).all(|later| world.run.kind(later) != Some(next))
    });
    let Some((comment, revision)) = world.run.kind(edit).unwrap().revision(edit) else {
        panic!()
    };
    world.item(comment).revision = revision - 1;
    world.check([0, 0, 1, 0, 0]);
    // A withdrawal without effect.
    let withdrawal =
        world.find(|_, kind| matches!(kind, Kind::Withdrawal { comment: c } if c != comment));
    let Some(Kind::Withdrawal { comment }) = world.run.kind(withdrawal) else {
        panic!()
    };
    world.history(comment).status = "approved".into();
    world.check([0, 0, 2, 0, 0]);
    // A reply that was decided before its parent, though it was sent after the parent was taken.
    let reply = world.find(|n, kind| {
        let free = |n: u32| is_plain(&world, n, world.run.kind(n).unwrap());
        matches!(kind, Kind::Comment { parent: Some(parent) } if parent < n && free(n) && free(parent))
    });
    let Some(Kind::Comment {
        parent: Some(parent),
    }) = world.run.kind(reply)
    else {
        panic!()
    };
    let place = |n: u32| &world.run.slot(n).unwrap().decided;
    let (first, second) = (
        place(parent).load(Ordering::Relaxed),
        place(reply).load(Ordering::Relaxed),
    );
    place(parent).store(second, Ordering::Relaxed);
    place(reply).store(first, Ordering::Relaxed);
    assert_eq!(world.judge().reordered, 3, "{:#?}", world.judge());
    // Nothing is said of their order if both were on their way at the same time.
    let sent = world.run.slot(parent).unwrap().sent.load(Ordering::Relaxed);
    world
        .run
        .slot(reply)
        .unwrap()
        .sent
        .store(sent, Ordering::Relaxed);
    assert_eq!(world.judge().reordered, 2);
}

#[test]
fn unexpected() {
    let mut world = World::sound(600);
    // Never sent.
    let stranger = Item {
        comment: "s1-c999999".into(),
        ..Item::default()
    };
    world.threads[1].comments.push(stranger);
    world.check([0, 0, 0, 1, 0]);
    // Poison that got through.
    let poison = world.find(|_, kind| matches!(kind, Kind::Poison { base: None, .. }));
    let through = Item {
        comment: world.run.corpus.comment_id(poison),
        ..Item::default()
    };
    world.thread_of(poison).comments.push(through);
    world.check([0, 0, 0, 2, 0]);
    // Other words.
    let plain = world.find(|n, kind| is_plain(&world, n, kind));
    world.item(plain).body.push('!');
    world.check([0, 0, 0, 3, 0]);
    // Poison that nobody refused, and something sound that was.
    let key = (
        poison,
        run::expected_code(world.run.kind(poison).unwrap()).unwrap(),
    );
    world
        .refusals
        .times
        .remove(&(key.0, key.1.as_str().to_owned()));
    world.check([0, 0, 0, 4, 0]);
    world
        .refusals
        .times
        .insert((plain, "invalid_field".into()), 1);
    world.check([0, 0, 0, 5, 0]);
    // A decision of a revision that nobody sent.
    world.run.decide(plain, 7);
    world.check([0, 0, 0, 6, 0]);
    // Poison that was taken.
    let other = world.find(|n, kind| n > poison && matches!(kind, Kind::Poison { base: None, .. }));
    world.run.slot(other).unwrap().mark(Mark::GotThrough);
    world.check([0, 0, 0, 7, 0]);
}

#[test]
fn undecided() {
    let mut world = World::sound(600);
    let plain = world.find(|n, kind| is_plain(&world, n, kind));
    world.item(plain).decisions = 0;
    world.check([0, 0, 0, 0, 1]);
    let edit = world.find(|_, kind| matches!(kind, Kind::Edit { revision: 2, .. }));
    let Some((comment, _)) = world.run.kind(edit).unwrap().revision(edit) else {
        panic!()
    };
    world
        .history(comment)
        .decisions
        .retain(|found| found.revision != 2);
    world.check([0, 0, 0, 0, 2]);
}

#[test]
fn without_an_archive_everything_must_be_acknowledged() {
    let passes = |is_taken: fn(u32) -> bool| {
        let world = World::of(run_of(MIX, 300), is_taken);
        let report = Report::new(&world.run, "closed", Found::default(), &[]);
        report.passes()
    };
    assert!(passes(|_| true));
    assert!(!passes(|n| n != 100));
}

#[test]
fn what_is_required_decides_and_what_waits_does() {
    let world = World::sound(300);
    let passes = |condition: &str, waiting: u64| {
        let found = Found {
            checked: Some(world.judge()),
            queues: Some(vec![
                waiting::Left {
                    name: "stoa.parked".into(),
                    messages: waiting,
                };
                usize::from(waiting > 0)
            ]),
        };
        Report::new(&world.run, "closed", found, &[condition.parse().unwrap()]).passes()
    };
    assert!(passes("lost==0", 0));
    assert!(passes("queued==0", 0));
    assert!(!passes("lost==0", 3));
    assert!(!passes("lost>0", 0));
    assert!(passes("acknowledged>100", 0));
    assert!(!passes("archive.p99<=1s", 0));
}

#[test]
fn a_ledger_is_enough_to_check_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let shape = shape(MIX, 600);
    let ledger = Ledger::create(&path, &shape).unwrap();
    let first = Run::new(Corpus::new(shape.clone()), Some(ledger), None).unwrap();
    // As after a kill: two were on their way, and the rest was never sent.
    let world = World::of(first, |n| n != 590 && n != 591);
    world.run.ledger.as_ref().unwrap().close().unwrap();
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"attempted\":599,\"id\":\"s1-");
    std::fs::write(&path, text).unwrap();

    assert_eq!(ledger::header(&path).unwrap(), shape);
    let again = Run::new(Corpus::new(shape), None, None).unwrap();
    ledger::replay(&path, &again).unwrap();
    for n in 0..600 {
        let marks = |run: &Run| {
            let slot = run.slot(n).unwrap();
            (
                run.kind(n),
                slot.is_sent(),
                slot.has(Mark::Acknowledged),
                slot.has(Mark::Refused),
            )
        };
        assert_eq!(marks(&again), marks(&world.run), "{n}");
    }
    let judged = World {
        run: again,
        threads: world.threads,
        refusals: world.refusals,
    };
    let checked = judged.judge();
    assert!(checked.is_sound(), "{checked:#?}");
    assert!(checked.recovered > 0);
}

#[test]
fn a_ledger_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let check = |text: &str, parts: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let error = ledger::header(&path).and_then(|shape| {
            let run = Run::new(Corpus::new(shape), None, None)?;
            ledger::replay(&path, &run)
        });
        let error = format!("{:#}", error.unwrap_err());
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    };
    let head = serde_json::to_value(shape("poison=1", 10)).unwrap();
    let with = |version: u32| {
        let mut head = head.clone();
        head["stress_ledger"] = version.into();
        head.to_string()
    };
    check("{}\n", &["is no ledger"]);
    check(
        &format!("{}\n", with(2)),
        &["version 2", "use the one that wrote it"],
    );
    check(&format!("{}\nx\n", with(1)), &["line 2"]);
    let other = r#"{"attempted":0,"id":"s1-e0","kind":"report","thread":"s1-t0","position":0,"batch":1,"expect":"archived"}"#;
    check(
        &format!("{}\n{other}\n", with(1)),
        &["line 2", "another event"],
    );
}

#[test]
fn decisions_of_an_earlier_run_are_known_once_their_events_are() {
    let run = run_of("edits=50", 100);
    for (comment, revision) in [(5, 1), (5, 2), (5, 2)] {
        run.decide(comment, revision);
    }
    let mut edit = None;
    for n in 0..100 {
        let kind = run.plan(n).unwrap().kind;
        if kind
            == (Kind::Edit {
                comment: 5,
                revision: 2,
            })
        {
            edit = Some(n);
        }
    }
    let slot = run.slot(edit.unwrap()).unwrap();
    assert_eq!(slot.decided.load(Ordering::Relaxed), 2);
    assert!(slot.has(Mark::DecidedAgain));
    assert_eq!(run.strange_decisions(), []);
}

#[tokio::test]
async fn queues_are_asked_for_by_their_virtual_host() {
    for (given, expected) in [
        ("http://h:15672", "http://h:15672/api/queues/%2F"),
        ("http://u:p@h:15672/", "http://u:p@h:15672/api/queues/%2F"),
        ("http://h:15672/stoa", "http://h:15672/api/queues/stoa"),
        ("http://h:15672/a%2Fb", "http://h:15672/api/queues/a%2Fb"),
    ] {
        assert_eq!(queues(given).unwrap(), expected);
    }
    let body = r#"[{"name":"stoa.parked","messages":2},{"name":"stoa.inbox","messages":0}]"#;
    let server = serve(vec![answer("200 OK", "", body)]).await;
    let client = client::http_builder().build().unwrap();
    let base = queues(&server.url.replace("http://", "http://guest:secret@")).unwrap();
    let readers = Readers {
        archive: None,
        moderation: None,
        ingest: None,
        management: Some(Reader::with_password(client, &base)),
    };
    let left = waiting::until_empty(&readers, Duration::ZERO)
        .await
        .unwrap();
    let left: HashMap<String, u64> = left
        .unwrap()
        .into_iter()
        .map(|left| (left.name, left.messages))
        .collect();
    assert_eq!(left, HashMap::from([("stoa.parked".to_owned(), 2)]));
    let requests = server.requests.lock().unwrap();
    let (head, _) = requests.first().unwrap();
    assert!(
        head.starts_with("GET /api/queues/%2F?columns=name,messages "),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("authorization: basic "),
        "{head}"
    );
}

/// Collects the names of all fields.
fn names(json: &serde_json::Value, found: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                found.push(name.clone());
                names(value, found);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_report_and_every_key_is_documented() {
    let docs = include_str!("../../../docs/stress.md");
    let world = World::sound(300);
    for stage in [&world.run.accept, &world.run.decide, &world.run.archive] {
        stage.record(1);
    }
    let found = Found {
        checked: Some(world.judge()),
        queues: Some(vec![waiting::Left {
            name: "stoa.parked".into(),
            messages: 1,
        }]),
    };
    let report = Report::new(&world.run, "closed", found, &["lost==0".parse().unwrap()]);
    let mut documented = Vec::new();
    names(&serde_json::to_value(&report).unwrap(), &mut documented);
    assert!(documented.len() > 50, "{documented:?}");
    documented.extend(require::NUMBERS.map(str::to_owned));
    documented.extend(poison::Poison::ALL.map(|poison| poison.code().to_string()));
    for name in documented {
        let is_there = docs.contains(&format!("`{name}`"));
        assert!(is_there, "docs/stress.md does not say what `{name}` is");
    }
}

#[tokio::test]
async fn who_may_not_read_is_told_before_anything_is_sent_and_without_the_password() {
    let client = client::http_builder().build().unwrap();
    let run = run_of("poison=0", 1);
    for (status, parts) in [
        ("401 Unauthorized", ["/api/queues/%2F", "password is wrong"]),
        ("404 Not Found", ["/api/queues/%2F", "right address"]),
    ] {
        let server = serve(vec![answer(status, "", "{}")]).await;
        let base = queues(&server.url.replace("http://", "http://guest:secret@")).unwrap();
        let readers = Readers {
            archive: None,
            moderation: None,
            ingest: None,
            management: Some(Reader::with_password(client.clone(), &base)),
        };
        let error = readers.probe(&run).await.unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
