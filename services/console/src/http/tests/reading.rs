use super::*;

/// A text that a test puts over what is written otherwise.
fn over(over: &Value, key: &str, otherwise: &str) -> String {
    over[key].as_str().unwrap_or(otherwise).to_owned()
}

/// A thread as the archive shows it.
pub(super) fn thread(put: &Value) -> Value {
    let words = over(put, "around", "It rolls.");
    let name = over(put, "author", "Kim");
    json!({
        "article": {"article": "a-1", "removed": false, "title": over(put, "title", "The tramway"), "text": words,
                    "url": "javascript:alert(1)", "language": "en", "authors": [name], "published_at": null},
        "comments": [
            {"comment": "c-1", "parent": null, "depth": 0, "status": "pending", "text": words, "language": "en",
             "author": {"id": "u 1", "display_name": name}, "submitted_at": "2026-11-24T16:00:00Z",
             "decision": {"verdict": "hold", "labels": ["insult"]}},
            {"comment": "c-0", "parent": null, "depth": 1, "status": "not_captured", "ghost": true},
            {"comment": "c-3", "parent": "c-0", "depth": 44, "status": "approved", "author": {"id": "u-3"},
             "decision": null, "erased_at": "2026-11-24T16:30:00Z"},
        ],
        "counts": {"shown": 2, "held": 2, "platform": null}, "next": "c-3",
    })
}

/// What a search finds.
pub(super) fn found(put: &Value, is_known: bool) -> Value {
    let words = over(put, "around", "The tram rolls.");
    let hit = json!({
        "type": "comment", "site": "courrier", "article": "a-1", "comment": "c-1",
        "title": over(put, "title", "The tramway"), "permalink": "/x", "status": "approved", "score": 12,
        "author": {"id": "u 1", "display_name": over(put, "author", "Kim")}, "language": "en",
        "at": "2026-11-24T16:00:00Z", "decision": {"verdict": "approve", "labels": []},
        "snippet": {"text": words, "ranges": [{"start": 4, "end": 8}], "html": "<b>never shown</b>"},
    });
    let hits: Vec<Value> = is_known.then_some(hit).into_iter().collect();
    json!({"query": "tram", "site": null, "sort": "relevance", "total": hits.len(), "hits": hits, "next": "n/1",
           "catching_up": false})
}

/// A decision in the log.
pub(super) fn logged(put: &Value) -> Value {
    json!({
        "seq": 17, "superseded_by": "d-2",
        "site": "courrier", "article": "a-1", "comment": over(put, "title", "c-1"), "revision": 1, "decision": "d-1",
        "verdict": "hold", "labels": ["insult"], "by": {"kind": "rules", "ruleset": "sha256:0"},
        "rules": [{"id": "insult", "mode": "live", "explain": {"en": "Abusive language.", "de": "Beleidigung."},
                   "spans": [{"start": 0, "end": 1, "text": over(put, "around", "scoundrel"), "list": "bad"}]}],
        "statement": {"ground": "terms", "reference": "charter §3", "facts": over(put, "around", "It insults."),
                      "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE", "automated_detection": true,
                      "automated_decision": "AUTOMATED_DECISION_FULLY", "language": "en", "redress": null},
        "decided_at": "2026-11-24T17:00:00Z", "supersedes": "d-0",
    })
}

fn holds(answer: &Answer, parts: &[&str]) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in parts {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
}

#[tokio::test]
async fn a_thread_is_whole_with_what_stands_of_each_comment() {
    let running = Running::new().await;
    let mut browser = running.as_user("viewer").await;
    let answer = browser.get("/threads/courrier/a-1").await;
    holds(
        &answer,
        &[
            "<bdi>The tramway</bdi></h1>",
            ">2 comments</h2>",
            "<li id=\"c-c-1\">",
            "href=\"/authors/courrier/u%201\"><bdi>Kim</bdi>",
            "pending <bdi class=\"tag\">insult</bdi>",
            // The stub has two cases, both of this comment.
            "href=\"/cases/k-2\" data-item>open case</a>",
            "<li id=\"c-c-0\" class=\"depth-1\">",
            "never captured",
            "class=\"depth-6\"",
            "The words were erased.",
            "href=\"/threads/courrier/a-1?after=c-3\" rel=\"next\"",
        ],
    );
    assert!(!answer.body.contains("javascript:"), "{}", answer.body);
    // Its article stands on the first page alone.
    assert!(answer.body.contains("<details>"), "{}", answer.body);
    let answer = browser.get("/threads/courrier/a-1?after=c-3").await;
    assert!(!answer.body.contains("<details>"), "{}", answer.body);
    let answer = browser.get("/threads/courrier/none").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_author_has_history_cases_decisions_and_comments() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/authors/courrier/u-1").await;
    holds(
        &answer,
        &[
            "<h1><bdi>Kim</bdi></h1>",
            "href=\"/cases/k-1\" data-item>held by rules, ",
            "href=\"/bulk?site=courrier&#38;author=u-1\">Decide all",
            "<dt>Approved</dt><dd>3</dd>",
            "<dt>Trusted</dt><dd>yes</dd>",
            "Now under: warning",
            "by ana: <span dir=\"auto\">be kind</span>",
            "<strong class=\"hold\">held</strong> by rules",
            "href=\"/decisions?site=courrier&#38;author=u-1\">All decisions",
            "The <mark>tram</mark> rolls.",
            "href=\"/authors/courrier/u-1?after=n%2F1\" rel=\"next\"",
        ],
    );
    let mut viewer = running.as_user("viewer").await;
    let answer = viewer.get("/authors/courrier/u-1").await;
    assert!(!answer.body.contains("/bulk"), "{}", answer.body);
    let answer = viewer.get("/authors/courrier/u-9").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_search_has_filters_marks_and_pages() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    let answer = browser.get("/search").await;
    holds(
        &answer,
        &["role=\"search\"", "<option value=\"\">all</option>"],
    );
    assert!(running.stub.asked.lock().unwrap().is_empty());
    let answer = browser
        .get("/search?q=tram&site=&type=comment&from=2026-11-01")
        .await;
    holds(
        &answer,
        &[
            ">1 found</h2>",
            "The <mark>tram</mark> rolls.",
            "href=\"/threads/courrier/a-1#c-c-1\" data-item><bdi>The tramway</bdi>",
            "href=\"/search?q=tram&#38;type=comment&#38;from=2026-11-01&#38;after=n%2F1\" rel=\"next\"",
            "value=\"tram\"",
        ],
    );
    assert!(!answer.body.contains("never shown"), "{}", answer.body);
    let asked = running.stub.asked.lock().unwrap().clone();
    assert_eq!(asked, ["q=tram&type=comment&from=2026-11-01"]);

    // What can't be understood is told, and the words stay in their field.
    let answer = browser.get("/search?q=%22tram").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["character 1: never closed.", "value=\"&#34;tram\""] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    // Who is for some sites searches one of them.
    let mut viewer = running.as_user("viewer").await;
    viewer.get("/search?q=tram").await;
    let asked = running.stub.asked.lock().unwrap().last().cloned();
    assert_eq!(asked.unwrap(), "q=tram&site=courrier");
}

#[tokio::test]
async fn decisions_are_listed_with_what_stands_now() {
    let running = Running::new().await;
    let mut browser = running.as_user("auditor").await;
    let path = "/decisions?site=courrier&verdict=hold&rule=insult&moderator=&from=2026-11-23&to=2026-11-24";
    let answer = browser.get(path).await;
    holds(
        &answer,
        &[
            "<strong class=\"hold\">held</strong> by rules",
            "Abusive language.",
            "Statement: terms · <bdi>charter §3</bdi> · cyber violence",
            "It insults.",
            "href=\"/decisions/d-0\">It stands in the place",
            "href=\"/decisions/d-2\">Another one stands",
            "href=\"/threads/courrier/a-1#c-c-1\"",
            "&#38;before=17\" rel=\"next\"",
            "<option value=\"hold\" selected>",
        ],
    );
    let asked = running.stub.asked.lock().unwrap().last().cloned();
    assert_eq!(
        asked.unwrap(),
        "order=newest&limit=30&site=courrier&verdict=hold&rule=insult\
         &from=2026-11-23T00%3A00%3A00Z&to=2026-11-25T00%3A00%3A00Z"
    );
    let answer = browser.get("/decisions?from=yesterday").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    holds(&browser.get("/decisions/d-1").await, &["Abusive language."]);
    let answer = browser.get("/decisions/d-9").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
