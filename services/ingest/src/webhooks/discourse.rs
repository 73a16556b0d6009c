//! Webhooks of Discourse: topics are articles, and posts are comments, the first one included.
//!
//! A post is known by its topic and its number there, since replies name the number of what they answer.

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use stoa_proto::{Kind, ids, limits};

use super::{Content, Hook, id, revision, text};

/// The header with the signature.
pub(super) const SIGNATURE: &str = "x-discourse-event-signature";

/// Posts that are written by people and seen by readers: not those about actions, nor whispers.
const REGULAR: u64 = 1;
/// What is between people is not published.
const PRIVATE: &str = "private_message";

/// Makes events of a request's body.
pub(super) fn read(hook: &Hook, headers: &HeaderMap, body: &Value) -> Content {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Value::Object(parts) = body else {
        return Content::Unreadable;
    };
    let event = header("x-discourse-event").unwrap_or_default();
    let event_id = event_id(header("x-discourse-event-id"), event, body);
    let read = match (parts.get("topic"), parts.get("post")) {
        (Some(topic), _) => of_topic(hook, event, &event_id, topic),
        (_, Some(post)) => of_post(hook, event, &event_id, post),
        // A ping, or about people, chats and what waits for moderators.
        _ => None,
    };
    read.map_or(Content::Nothing, |event| Content::Events(vec![event]))
}

/// The id of an event, the same for the same delivery.
fn event_id(given: Option<&str>, event: &str, body: &Value) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match given {
        Some(given) if (1..=64).contains(&given.len()) && given.chars().all(plain) => {
            format!("discourse-{given}")
        }
        _ => ids::derive("discourse-", &[event, &body.to_string()]),
    }
}

fn of_topic(hook: &Hook, event: &str, event_id: &str, topic: &Value) -> Option<Value> {
    if text(topic, "archetype") == Some(PRIVATE) {
        return None;
    }
    let kind = match event {
        "topic_created" | "topic_recovered" => Kind::ArticlePublished,
        "topic_revised" | "topic_edited" => Kind::ArticleUpdated,
        "topic_destroyed" => Kind::ArticleRemoved,
        _ => return None,
    };
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    let topic_id = id(topic.get("id"));
    put("site", json!(hook.site));
    put("article", json!(topic_id));
    if kind == Kind::ArticleRemoved {
        put("removed_at", json!(text(topic, "deleted_at")));
        return Some(hook.event(kind, event_id, None, data));
    }
    let path = topic_id.map(|topic_id| match text(topic, "slug") {
        Some(slug) => format!("t/{slug}/{topic_id}"),
        None => format!("t/{topic_id}"),
    });
    let by = topic.get("created_by").and_then(|by| text(by, "username"));
    put("url", json!(path.and_then(|path| hook.url(&path))));
    put("title", json!(text(topic, "title")));
    put("authors", json!(by.map(|by| [by])));
    put(
        "tags",
        topic
            .get("tags")
            .filter(|tags| are_texts(tags))
            .cloned()
            .unwrap_or_default(),
    );
    put("published_at", json!(text(topic, "created_at")));
    let closed = topic.get("closed").and_then(Value::as_bool);
    put(
        "comments",
        json!(closed.map(|closed| json!({"open": !closed}))),
    );
    Some(hook.event(kind, event_id, None, data))
}

fn are_texts(tags: &Value) -> bool {
    let tags = tags.as_array();
    tags.is_some_and(|tags| tags.len() <= limits::LIST_ENTRIES && tags.iter().all(Value::is_string))
}

fn of_post(hook: &Hook, event: &str, event_id: &str, post: &Value) -> Option<Value> {
    let kind_of_post = post.get("post_type").and_then(Value::as_u64);
    if text(post, "topic_archetype") == Some(PRIVATE) || kind_of_post.unwrap_or(REGULAR) != REGULAR
    {
        return None;
    }
    let kind = match event {
        "post_created" => Kind::CommentSubmitted,
        "post_edited" | "post_recovered" => Kind::CommentEdited,
        "post_destroyed" => Kind::CommentWithdrawn,
        _ => return None,
    };
    let topic = id(post.get("topic_id"));
    let comment = |number: Option<&Value>| Some(format!("{}-{}", topic.as_ref()?, id(number)?));
    let (created, changed) = (text(post, "created_at"), text(post, "updated_at"));
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("site", json!(hook.site));
    put("article", json!(topic));
    put("comment", json!(comment(post.get("post_number"))));
    if kind == Kind::CommentWithdrawn {
        put("withdrawn_at", json!(text(post, "deleted_at")));
        return Some(hook.event(kind, event_id, None, data));
    }
    put("parent", json!(comment(post.get("reply_to_post_number"))));
    if kind == Kind::CommentEdited {
        put("revision", json!(revision(created, changed)));
    }
    let username = text(post, "username");
    let is = |name: &str| post.get(name).and_then(Value::as_bool) == Some(true);
    let role = match (is("admin") || is("moderator"), is("staff")) {
        (true, _) => "moderator",
        (false, true) => "staff",
        (false, false) => "reader",
    };
    let author = id(post.get("user_id")).or(username.map(str::to_owned));
    if let Some(author) = author {
        let mut about = json!({"id": author, "role": role});
        if let (Some(username), Value::Object(about)) = (username, &mut about) {
            about.insert("display_name".to_owned(), username.into());
        }
        put("author", about);
    }
    // What was written, or else what Discourse made of it.
    let (body, format) = match text(post, "raw") {
        Some(raw) => (Some(raw), "markdown"),
        None => (text(post, "cooked"), "html"),
    };
    put("body", json!(body));
    put("format", json!(format));
    put("submitted_at", json!(created));
    let url = id(post.get("post_number"))
        .zip(topic.as_ref())
        .and_then(|(number, topic)| {
            let slug = text(post, "topic_slug").unwrap_or("-");
            hook.url(&format!("t/{slug}/{topic}/{number}"))
        });
    put("url", json!(url));
    // By this Discourse knows it, for whoever writes decisions back.
    put(
        "post_id",
        post.get("id")
            .filter(|id| id.is_u64())
            .cloned()
            .unwrap_or_default(),
    );
    let time = changed.map(|changed| json!(changed));
    Some(hook.event(kind, event_id, time.as_ref(), data))
}
