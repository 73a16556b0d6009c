//! As Coral's external moderation phases ask, and read.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::*;
use crate::config::{CoralConfig, CoralFormat, CoralReason, CoralTag};

const FIRST: &str = "first-secret-of-coral";
const SECOND: &str = "second-secret-of-coral";
const PLAIN: &str = "secret-of-the-plain-site";

fn signature(secret: &str, body: &str) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(body.as_bytes());
    let code = code.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn phases(config: &mut Config) {
    let phase = |site: &str, secrets: &[&str], format| CoralConfig {
        site: site.to_owned(),
        secrets: secrets.iter().map(|secret| Secret::new(*secret)).collect(),
        format,
        reasons: [("record".to_owned(), CoralReason::IrrelevantContent)].into(),
        tags: [("flood".to_owned(), CoralTag::Featured)].into(),
    };
    config.compat.coral = vec![
        phase("courrier", &[FIRST, SECOND], CoralFormat::Html),
        phase("elsewhere", &[PLAIN], CoralFormat::Plain),
    ];
}

async fn coral(dir: &Path) -> Fixture {
    let mut config = configured(dir);
    phases(&mut config);
    config.validate().unwrap();
    Fixture::open_as(config, dir).await
}

/// As Coral 9 sends it.
fn asks(action: &str, body: &str) -> Value {
    json!({
        "action": action,
        "comment": {"body": body, "parentID": null},
        "author": {"id": "u-1", "role": "COMMENTER"},
        "story": {"id": "s-1", "url": "https://courrier.example/a-1"},
        "site": {"id": "site-1"},
        "tenantID": "t-1",
        "tenantDomain": "coral.courrier.example",
    })
}

async fn sent(fixture: &Fixture, signature: Option<&str>, body: &str) -> (StatusCode, String) {
    let mut request = Request::post("/v1/compat/coral")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "Coral Moderation/9.10.0");
    if let Some(signature) = signature {
        request = request.header("x-coral-signature", signature);
    }
    let (status, _, answer) = send(fixture, request, body.to_owned()).await;
    (status, answer)
}

/// Sends it with two spaces before each line, as Coral does, and a signature over that.
async fn judged(fixture: &Fixture, secret: &str, asks: &Value) -> Value {
    let body = serde_json::to_string_pretty(asks).unwrap();
    let (status, answer) = sent(fixture, Some(&signature(secret, &body)), &body).await;
    match status {
        StatusCode::NO_CONTENT if answer.is_empty() => Value::Null,
        StatusCode::OK => read(&answer),
        other => panic!("{other} {answer}"),
    }
}

#[tokio::test]
async fn a_comment_is_published_held_or_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = coral(dir.path()).await;
    let before = fixture.service.journal.next();
    let fine = asks("NEW", "<p>What a fine article this is.</p>");
    assert_eq!(judged(&fixture, FIRST, &fine).await, Value::Null);
    for action in ["NEW", "EDIT"] {
        let held = asks(action, "<p>You <b>scoun</b>drel!</p>");
        assert_eq!(
            judged(&fixture, FIRST, &held).await,
            json!({
                "status": "PREMOD",
                "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}],
            })
        );
    }
    assert_eq!(
        judged(&fixture, FIRST, &asks("NEW", "<div>Vermin!</div>")).await,
        json!({
            "status": "REJECTED",
            "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}],
            "moderationAction": {
                "status": "REJECTED",
                "rejectionReason": {
                    "code": "HATE_SPEECH",
                    "detailedExplanation": "Hateful language.",
                },
            },
        })
    );
    assert_eq!(fixture.service.journal.next(), before);
    // The site of the other secret sends plain text.
    let plain = asks("NEW", "You <b>scoun</b>drel!");
    assert_eq!(judged(&fixture, PLAIN, &plain).await, Value::Null);
    fixture.stop().await;
}

#[tokio::test]
async fn the_author_the_story_and_the_parent_are_known_by_their_ids() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = coral(dir.path()).await;
    for n in 0..3 {
        let more = json!({"article": "s-1", "submitted_at": NOON, "parent": (n > 0).then(|| format!("c-{}", n - 1))});
        fixture
            .event(comment(&format!("c-{n}"), "u-1", "Fine.", more))
            .await;
    }
    // The fourth within a short time; the label is a tag as well.
    let held = judged(&fixture, SECOND, &asks("NEW", "<p>Fine.</p>")).await;
    let spam = json!([{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}]);
    assert_eq!(
        held,
        json!({"status": "PREMOD", "actions": spam, "tags": ["FEATURED"]})
    );
    let mut reply = asks("NEW", "<p>Fine.</p>");
    reply["author"] = json!({"id": "u-2", "role": "MEMBER"});
    assert_eq!(judged(&fixture, SECOND, &reply).await, Value::Null);
    reply["comment"]["parentID"] = json!("c-2");
    // `deep` is no reason that Coral has a code for.
    assert_eq!(
        judged(&fixture, SECOND, &reply).await,
        json!({"status": "PREMOD"})
    );
    fixture.stop().await;
}

#[tokio::test]
async fn only_what_is_signed_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = coral(dir.path()).await;
    let body = serde_json::to_string_pretty(&asks("NEW", "<p>Vermin!</p>")).unwrap();
    let (first, second) = (signature(FIRST, &body), signature(SECOND, &body));
    let unknown = signature("a-secret-that-nobody-knows", &body);
    for (header, status) in [
        (Some(first.clone()), 200),
        // While a secret is rolled: either side may know both.
        (Some(second.clone()), 200),
        (Some(format!("{unknown},{second}")), 200),
        (Some(format!("{first},{second}")), 200),
        (None, 401),
        (Some(unknown), 401),
        (Some(String::new()), 401),
        (Some(first.replace("sha256=", "sha1=")), 401),
        (Some(signature(FIRST, &body.replace('V', "v"))), 401),
    ] {
        let (answered, answer) = sent(&fixture, header.as_deref(), &body).await;
        assert_eq!(answered.as_u16(), status, "{header:?} {answer}");
        if status == 401 {
            assert_eq!(read(&answer)["code"], "bad_signature");
        }
    }
    // The bytes are signed, not what they say.
    let other = asks("NEW", "<p>Vermin!</p>").to_string();
    assert_eq!(
        sent(&fixture, Some(&first), &other).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(counted(&fixture, "coral", "refused"), Some(6.0));
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_signed_and_can_not_be_judged_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = coral(dir.path()).await;
    let links = "<a href=\"https://spam.example/\">x</a>".repeat(1_025);
    let mut strange = asks("NEW", "Fine.");
    strange["story"] = json!({});
    for body in [
        "{".to_owned(),
        "[]".to_owned(),
        asks("DROP", "Fine.").to_string(),
        asks("NEW", "").to_string(),
        asks("NEW", &links).to_string(),
        asks("NEW", &"x".repeat(70_000)).to_string(),
        strange.to_string(),
    ] {
        let (status, answer) = sent(&fixture, Some(&signature(FIRST, &body)), &body).await;
        assert_eq!(
            (status, read(&answer)),
            (StatusCode::OK, json!({"status": "PREMOD"}))
        );
    }
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_in_time_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = hasty(dir.path(), |config| {
        phases(config);
        config.moderate.queue = 1;
    })
    .await;
    let slow = asks("NEW", "<p>slow</p>");
    let first = judged(&fixture, FIRST, &slow);
    let second = async {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        // Beyond the queue nothing is published either.
        judged(&fixture, FIRST, &asks("NEW", "<p>Fine.</p>")).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        [first, second],
        [json!({"status": "PREMOD"}), json!({"status": "PREMOD"})]
    );
    assert_eq!(counted(&fixture, "coral", "busy"), Some(1.0));
    fixture.stop().await;
}
