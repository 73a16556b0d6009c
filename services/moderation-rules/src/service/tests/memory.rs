//! Counters and near-duplicates: what comments leave behind, also across restarts.

use super::*;

const MEMORY: &str = r#"
counters:
  mine: { count: comment.submitted, per: [author.id], window: 10m }
  sharers: { distinct: author.id, per: [comment.link_sites], window: 1h }
  rejected: { count: comment.rejected, per: [site.id], window: 1h }
lists:
  bad: { terms: [vermin], fold: full }
rules:
  - { id: flood, when: 'count("mine") >= 3', then: { verdict: hold } }
  - { id: campaign, when: 'distinct("sharers") >= 2', then: { verdict: hold } }
  - { id: bad, when: 'comment.text.hits("bad")', then: { verdict: reject } }
  - { id: alarm, when: 'count("rejected") >= 2', then: { verdict: hold } }
  - { id: again, when: 'comment.similar_by_author >= 1', then: { verdict: hold } }
  - { id: chorus, when: 'comment.similar_in_thread >= 2', then: { verdict: hold } }
  - { id: tagged, when: '"football" in article.tags', then: { labels: [sport] } }
  - { id: own-reply, when: 'has(parent.author) && parent.author == author.id', then: { labels: [monologue] } }
"#;

fn by(id: &str, author: &str, body: &str) -> Event {
    comment(id, author, body, json!({}))
}

fn fired(decision: &Decision) -> Vec<&str> {
    decision.rules.iter().map(|rule| rule.id.as_str()).collect()
}

async fn open(dir: &Path) -> Fixture {
    write_rules(dir, MEMORY);
    Fixture::open(dir).await
}

async fn check(fixture: &Fixture, event: Event, expected: &[&str]) {
    let id = event.id.clone();
    let decision = fixture.decide(event).await;
    assert_eq!(fired(&decision), expected, "{id}");
    assert!(decision.partial.is_empty(), "{id}: {:?}", decision.partial);
}

#[tokio::test]
async fn counters_are_kept_with_the_decisions_across_a_restart_and_a_new_view() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    for n in 0..2 {
        check(&fixture, by(&format!("c-{n}"), "ana", "bonjour"), &[]).await;
    }
    check(
        &fixture,
        by("l-1", "ben", "voir https://www.spam.example/1"),
        &[],
    )
    .await;
    check(
        &fixture,
        by("l-2", "cleo", "voir https://spam.example/2"),
        &[],
    )
    .await;
    // A repeat is answered from the journal and counts nothing.
    check(
        &fixture,
        by("l-2", "cleo", "voir https://spam.example/2"),
        &[],
    )
    .await;
    check(&fixture, by("v-1", "eva", "v3rmin"), &["bad"]).await;
    fixture.stop().await;

    let fixture = open(dir.path()).await;
    check(&fixture, by("c-2", "ana", "bonsoir"), &[]).await;
    check(
        &fixture,
        by("l-3", "dora", "https://m.spam.example/"),
        &["campaign"],
    )
    .await;
    fixture.stop().await;

    // What counters know follows from the journal alone.
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = open(dir.path()).await;
    check(&fixture, by("c-3", "ana", "me revoilà"), &["flood"]).await;
    check(&fixture, by("v-2", "fay", "vermin"), &["bad"]).await;
    check(&fixture, by("g-1", "gil", "calme"), &["alarm"]).await;
    fixture.stop().await;
}

#[tokio::test]
async fn a_batch_gives_what_single_comments_give() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    // All of different authors, under one counter that is not theirs.
    let batch = (0..5).map(|n| by(&format!("v-{n}"), &format!("author-{n}"), "vermin"));
    let answers = fixture.events(batch.collect()).await;
    let rules: Vec<usize> = answers
        .iter()
        .map(|outgoing| {
            let decision =
                outgoing
                    .iter()
                    .find_map(|out| match &Event::from_json(&out.body).unwrap().data {
                        Data::CommentDecided(decision) => Some(decision.rules.len()),
                        _ => None,
                    });
            decision.unwrap()
        })
        .collect();
    // `alarm` joins `bad` once two were rejected before.
    assert_eq!(rules, [1, 1, 2, 2, 2]);
    fixture.stop().await;
}

#[tokio::test]
async fn texts_that_say_the_same_are_found() {
    let text = "Achetez vos montres de luxe à prix cassé sur notre boutique, livraison gratuite dans toute la France";
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    check(&fixture, by("s-1", "ana", text), &[]).await;
    let other = text.replace("la France", "la Belgique");
    check(&fixture, by("s-2", "ana", &other), &["again"]).await;
    // An edit is no repetition of itself.
    let mut edited = by("s-1", "ana", &format!("{text} !"));
    edited.id = "s-1-edit".to_owned();
    if let Data::CommentSubmitted(mut comment) = edited.data {
        comment.revision = 2;
        edited.data = Data::CommentEdited(comment);
    }
    check(&fixture, edited, &["again"]).await;
    check(
        &fixture,
        by("s-3", "ben", &text.to_uppercase()),
        &["chorus"],
    )
    .await;
    check(
        &fixture,
        by(
            "s-4",
            "ben",
            "Je ne suis pas du tout d'accord avec ce qui est dit ici.",
        ),
        &[],
    )
    .await;
    fixture.stop().await;
}

#[tokio::test]
async fn articles_have_tags_and_parents_have_authors() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let first = by("p-1", "ana", "bonjour");
    let article = first.thread().unwrap().to_owned();
    fixture
        .event(event(
            "article",
            "article.published",
            json!({"site": "courrier", "article": article, "title": "Match", "url": "https://courrier.example/a", "tags": ["sport", "football"]}),
        ))
        .await;
    check(&fixture, first, &["tagged"]).await;
    let reply = |id: &str, author: &str| comment(id, author, "réponse", json!({"parent": "p-1"}));
    check(&fixture, reply("p-2", "ana"), &["tagged", "own-reply"]).await;
    check(&fixture, reply("p-3", "ben"), &["tagged"]).await;
    fixture.stop().await;
}
