//! A WordPress with the plugin of examples/wordpress shows what Stoa approved, and nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use serde_json::json;
use stoa_tests::wordpress::WordPress;
use stoa_tests::{Bus, Stack, TOKEN, Vhost, eventually};

const QUEUE: &str = "platform.courrier";
const KIND: &str = "The hall looks lovely again.";
const RUDE: &str = "Whoever planned that entrance is a moron.";

/// Has the worker work until something holds.
fn until(wordpress: &WordPress, what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || {
        let (is_well, said) = wordpress.work();
        assert!(is_well, "{said}");
        holds()
    });
}

fn waiting(wordpress: &WordPress) -> u64 {
    let code = "global $wpdb; return (int) $wpdb->get_var( \"SELECT COUNT(*) FROM {$wpdb->prefix}stoa_outbox\" );";
    wordpress.run(code).as_u64().unwrap()
}

/// Publishes an article; returns its id.
fn article(wordpress: &WordPress) -> u64 {
    let post = "return wp_insert_post( array( 'post_title' => 'The market hall & its square', \
                'post_content' => 'It reopens on Monday.', 'post_status' => 'publish', 'comment_status' => 'open' ) );";
    wordpress.run(post).as_u64().unwrap()
}

fn decide(stack: &Stack, comment: u64, decision: &serde_json::Value) {
    let cases = format!("{}/admin/cases?comment={comment}", stack.moderation());
    let case = stack.get(&cases)["cases"][0]["case"].clone();
    let url = format!(
        "{}/admin/cases/{}/decision",
        stack.moderation(),
        case.as_str().unwrap()
    );
    let (status, answer) = stack.post_json(&url, decision);
    assert_eq!(status, 200, "{answer}");
}

/// What readers write, a moderator decides, an editor changes and somebody deletes.
fn is_moderated(wordpress: &WordPress, stack: &Stack) {
    let article = article(wordpress);
    let kind = wordpress.comment(article, "anna", KIND, 0);
    let rude = wordpress.comment(article, "bert", RUDE, kind);
    assert_eq!(wordpress.shown(article), [""; 0]);
    until(wordpress, "the kind one is shown", || {
        wordpress.shown(article) == [KIND]
    });
    assert_eq!(wordpress.status(rude), "unapproved");

    decide(
        stack,
        rude,
        &json!({"verdict": "reject", "reason": {"code": "insult"}}),
    );
    until(wordpress, "the rude one is in the trash", || {
        wordpress.status(rude) == "trash"
    });
    assert_eq!(wordpress.shown(article), [KIND]);
    let statement = wordpress.run(&format!("return Stoa\\stands( {rude} )->statement;"));
    assert!(statement.as_str().unwrap().contains("facts"), "{statement}");

    // What was changed is judged as it is now.
    let polite = "Whoever planned that entrance has never used it.";
    wordpress.run(&format!(
        "wp_untrash_comment( {rude} ); return wp_update_comment( array( 'comment_ID' => {rude}, 'comment_content' => '{polite}' ) );"
    ));
    until(wordpress, "it is shown as it is now", || {
        wordpress.shown(article) == [KIND, polite]
    });

    // A comment that was kept in the moment of a crash, before anything was put on its way.
    let lost = "A bench in the square would be nice.";
    wordpress.run(&format!(
        "global $wpdb; return $wpdb->insert( $wpdb->comments, array( 'comment_post_ID' => {article}, 'comment_content' => '{lost}', \
         'comment_author' => 'Carla', 'comment_approved' => '0', 'comment_type' => 'comment', \
         'comment_date' => current_time( 'mysql' ), 'comment_date_gmt' => current_time( 'mysql', true ) ) );"
    ));
    until(wordpress, "it was found", || {
        wordpress.shown(article) == [KIND, polite, lost]
    });

    wordpress.run(&format!("return wp_delete_comment( {kind}, true );"));
    until(wordpress, "nothing waits", || waiting(wordpress) == 0);
    let url = format!("{}/v1/sites/courrier/comments/{kind}", stack.archive());
    eventually("it is withdrawn", || {
        stack.get(&url)["status"] == "withdrawn"
    });

    let thread = stack.decided("courrier", &article.to_string(), 3);
    assert_eq!(thread["article"]["title"], "The market hall & its square");
    assert_eq!(thread["comments"][1]["parent"], kind.to_string());
    assert_eq!(thread["comments"][1]["revision"], 2);
}

#[test]
fn amqp_a_wordpress_is_moderated() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    vhost.queue(QUEUE, "stoa.decisions", "courrier.#");
    let wordpress = WordPress::new(&[
        ("STOA_SITE", "courrier"),
        ("STOA_SOURCE", "https://courrier.example/comments"),
        ("STOA_AMQP_URL", &vhost.url),
        ("STOA_QUEUE", QUEUE),
    ]);
    is_moderated(&wordpress, &stack);
}

#[test]
fn embedded_a_wordpress_without_a_broker_is_moderated() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    let wordpress = WordPress::new(&[
        ("STOA_SITE", "courrier"),
        ("STOA_SOURCE", "https://courrier.example/comments"),
        ("STOA_URL", &stack.ingest()),
        ("STOA_TOKEN", TOKEN),
        ("STOA_WEBHOOK_SECRET", SECRET),
    ]);
    let url = format!("{}/index.php?rest_route=/stoa/v1/decisions", wordpress.url);
    for (key, value) in [
        ("NAME", "wordpress"),
        ("URL", &*url),
        ("SECRETS", &format!("[\"{SECRET}\"]")),
        ("SITES", "[\"courrier\"]"),
        ("ALLOW_HTTP", "true"),
        ("ALLOW_PRIVATE", "true"),
    ] {
        stack.set(&format!("STOA_MODERATION_RULES__WEBHOOKS__0__{key}"), value);
    }
    stack.launch_all();
    stack.ready();
    is_moderated(&wordpress, &stack);

    // Nobody else is believed.
    let client = reqwest::blocking::Client::new();
    let forged = client
        .post(&url)
        .header("webhook-id", "forged")
        .header("webhook-timestamp", "1795942152")
        .header(
            "webhook-signature",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        )
        .body("{}");
    assert_eq!(forged.send().unwrap().status(), 401);
}
