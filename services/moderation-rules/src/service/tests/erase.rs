//! Words that the archive orders to be erased: they are nowhere, and what they changed stays.

use std::path::Path;
use std::time::Duration;

use super::*;

/// What no file may hold any more.
const PLANTED: [&str; 8] = [
    "zwirbeltrauf",
    "nebelkropf",
    "dromelschwank",
    "kluppenrast",
    "fuselknirps",
    "Quästenbörl",
    "Pflimmergast",
    "Spindelkraut",
];

fn erased(comment: &str) -> Event {
    about("comment.erased", comment, json!({"redaction": "r-1"}))
}

fn forgotten(author: &str, scope: &str) -> Event {
    let data = json!({"site": "courrier", "author": author, "scope": scope, "redaction": "r-1"});
    event(&format!("forget-{author}-{scope}"), "author.erased", data)
}

/// Fills a journal: a comment of every fate with words that are to go, and one whose words stay.
async fn fill(fixture: &Fixture) {
    let named = json!({"author": {"id": "author-of-c-1", "display_name": "Quästenbörl"}});
    let text = |text: &str| json!({"report": "r-1", "reason": "spam", "text": text, "reporter": {"id": "r-9"}});
    for event in [
        comment("c-1", "", "a scoundrel and zwirbeltrauf", named),
        about("comment.reported", "c-1", text("nebelkropf")),
        edit("c-2", 1, "vermin and zwirbeltrauf"),
        edit("c-2", 2, "a scoundrel and dromelschwank"),
        about("comment.reported", "c-3", text("kluppenrast")),
        plain("c-4", "a scoundrel that stays"),
    ] {
        fixture.event(event).await;
    }
    let appeal = json!({"decision": "d-1", "appeal": "ap-1", "text": "fuselknirps"});
    fixture
        .event(about("decision.appealed", "c-2", appeal))
        .await;
    for (comment, what, body) in [
        ("c-1", "notes", json!({"text": "who is Pflimmergast?"})),
        ("c-2", "escalate", json!({"note": "is it Spindelkraut?"})),
        ("c-4", "notes", json!({"text": "a note that stays"})),
    ] {
        let path = format!("/admin/cases/{}/{what}", case_of(comment));
        let (status, answer) = fixture.post(&path, MODERATOR, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let reason = json!({"code": "insult", "text": "it says dromelschwank"});
    let (status, answer) = fixture
        .post(
            &format!("/admin/cases/{}/decision", case_of("c-2")),
            MODERATOR,
            json!({"verdict": "reject", "reason": reason}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let path = "/admin/authors/courrier/author-of-c-2/sanctions";
    let (status, answer) = fixture
        .post(
            path,
            MODERATOR,
            json!({"sanction": "ban", "reason": "wrote zwirbeltrauf"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Whether any file of a folder holds any of some words.
fn holds(folder: &Path, words: &[&str]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, words);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        words.iter().any(|word| text.contains(word))
    })
}

/// What is known of comments, authors and cases.
async fn known(fixture: &Fixture) -> Vec<Value> {
    let mut known = Vec::new();
    for comment in ["c-1", "c-2", "c-4"] {
        known.push(
            fixture
                .get(&format!("/admin/cases/{}", case_of(comment)))
                .await,
        );
        let author = format!("/admin/authors/courrier/author-of-{comment}");
        known.push(fixture.get(&author).await);
    }
    known.push(fixture.get("/admin/cases").await);
    known.push(fixture.get("/admin/decisions").await);
    known
}

/// Runs the service until none of the words are left, and stops it.
async fn sweep(fixture: Fixture, dir: &Path) {
    let Fixture {
        context,
        service,
        engine,
        router,
        public,
        bus,
        ..
    } = fixture;
    drop((engine, router, public, bus));
    let working = context.tasks.spawn(service.work());
    for _ in 0..500 {
        if !holds(dir, &PLANTED) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!holds(dir, &PLANTED), "not in time");
    context.shutdown.cancel();
    working.await.unwrap().unwrap();
    context.tasks.close();
    context.tasks.wait().await;
    assert_eq!(context.failure(), None);
}

/// Makes what earlier versions wrote of what an erasure keeps.
fn without_statements(mut rest: &[u8]) -> stoa_journal::Entry {
    let mut payload = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(12) {
        let length = u32::from_le_bytes(head[8..].try_into().unwrap()) as usize;
        let (part, behind) = behind.split_at(length);
        let (_, told) = postcard::take_from_bytes::<crate::record::Change>(part).unwrap();
        let change = &part[..length - told.len()];
        payload.extend(&head[..8]);
        payload.extend(u32::try_from(change.len()).unwrap().to_le_bytes());
        payload.extend(change);
        rest = behind;
    }
    stoa_journal::Entry {
        kind: crate::record::ERASURE,
        payload: payload.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_words_changed_outlives_them() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("moderation");
    let fixture = Fixture::new(dir.path()).await;
    fill(&fixture).await;
    assert!(PLANTED.iter().all(|word| holds(&data, &[word])));
    let statements = fixture.get("/admin/statements").await;
    assert_eq!(statements["statements"].as_array().unwrap().len(), 6);
    let told = statements.to_string();
    assert!(PLANTED.iter().all(|word| !told.contains(word)), "{told}");
    let mut outgoing = fixture.event(erased("c-1")).await;
    assert_eq!(case_news(&outgoing), ["closed erased"]);
    outgoing = fixture.event(erased("c-1")).await;
    assert_eq!(
        case_news(&outgoing),
        ["closed erased"],
        "a repeat is told the same"
    );
    assert_eq!(case_news(&fixture.event(erased("c-2")).await), [""; 0]);
    // Orders for what is not there change nothing; a request is none.
    fixture.event(erased("c-3")).await;
    fixture
        .event(about("comment.erased", "c-4", json!({})))
        .await;
    fixture.event(forgotten("author-of-c-2", "all")).await;
    fixture.event(forgotten("r-9", "content")).await;
    sweep(fixture, &data).await;
    assert!(holds(&data, &["a scoundrel that stays"]));

    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(fixture.get("/admin/statements").await, statements);
    let before = known(&fixture).await;
    assert_eq!(before[0]["text"], Value::Null);
    assert_eq!(before[0]["closed"]["reason"], "erased");
    assert_eq!(before[1]["held"], 1, "{}", before[1]);
    assert_eq!(before[3]["rejected"], 1, "{}", before[3]);
    assert!(before[4]["text"].is_string());
    assert_eq!(before[4]["notes"][0]["text"], "a note that stays");
    assert_eq!(
        (&before[0]["notes"], &before[2]["notes"]),
        (&json!([]), &json!([]))
    );
    let path = format!("/admin/cases/{}/notes", case_of("c-2"));
    let (status, refused) = fixture
        .post(&path, MODERATOR, json!({"text": "more words"}))
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("erased"))
    );
    let review = json!({"verdict": "approve"});
    let path = format!("/admin/cases/{}/decision", case_of("c-1"));
    let (status, refused) = fixture.post(&path, MODERATOR, review).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("erased"))
    );
    // What comes late or again is published and kept no more.
    for late in [
        edit("c-1", 1, "a scoundrel and zwirbeltrauf"),
        edit("c-1", 7, "nebelkropf"),
        edit("c-3", 1, "nebelkropf"),
        reported("c-1", "nebelkropf"),
    ] {
        let outgoing = fixture.event(late).await;
        assert!(outgoing.is_empty(), "{outgoing:?}");
    }
    assert!(!holds(&data, &PLANTED));
    let before = known(&fixture).await;
    fixture.stop().await;

    std::fs::remove_dir_all(data.join("view")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(
        known(&fixture).await,
        before,
        "the view is built again the same"
    );
    assert_eq!(fixture.get("/admin/statements").await, statements);
    // Earlier versions kept less of what was erased: that is counted.
    let older = fixture.service.journal.iter(0).map(Result::unwrap);
    let older = older.filter(|record| record.kind == crate::record::ERASURE);
    let older = older
        .map(|record| without_statements(&record.payload))
        .collect();
    fixture.service.journal.append(older).await.unwrap();
    let fixture = fixture.again(dir.path(), false).await;
    let left = fixture.get("/admin/statements").await;
    assert_eq!(left["statements"].as_array().unwrap().len(), 2, "{left}");
    assert_eq!(left["erased"], 4);
    fixture.stop().await;
    stoa_journal::verify(&data.join("journal"), &mut |_| {}).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_takes_the_names_and_leaves_the_sanctions_reason() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("moderation");
    let fixture = Fixture::new(dir.path()).await;
    let named = json!({"author": {"id": "u-1", "display_name": "Quästenbörl"}});
    fixture.event(comment("c-1", "u-1", "hello", named)).await;
    let path = "/admin/authors/courrier/u-1/sanctions";
    let reason = json!({"sanction": "warn", "reason": "that stays"});
    fixture.post(path, MODERATOR, reason).await;
    fixture.event(forgotten("u-1", "identity")).await;
    let later = fixture
        .decide(comment("c-2", "u-1", "later", json!({})))
        .await;
    assert_eq!(later.verdict, Verdict::Approve);
    sweep(fixture, &data).await;
    assert!(holds(&data, &["that stays"]) && holds(&data, &["later"]));
    let fixture = Fixture::open(dir.path()).await;
    let author = fixture.get("/admin/authors/courrier/u-1").await;
    assert_eq!(
        (&author["approved"], &author["sanction"]["sanction"]),
        (&json!(2), &json!("warn"))
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_s_words_go_with_the_reader_and_the_report_counts() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("moderation");
    let fixture = Fixture::new(dir.path()).await;
    let words = plain("c-1", "a scoundrel that stays");
    fixture.event(words).await;
    let report = json!({"report": "r-1", "reason": "spam", "text": "kluppenrast",
        "reporter": {"id": "r-9"}});
    fixture
        .event(about("comment.reported", "c-1", report))
        .await;
    let path = format!("/admin/cases/{}", case_of("c-1"));
    let before = fixture.get(&path).await;
    assert_eq!(before["reports"], 1, "{before}");
    fixture.event(forgotten("r-9", "content")).await;
    sweep(fixture, &data).await;
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(fixture.get(&path).await, before);
    let review = json!({"verdict": "approve"});
    let (status, answer) = fixture
        .post(&format!("{path}/decision"), MODERATOR, review)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    fixture.stop().await;
}
