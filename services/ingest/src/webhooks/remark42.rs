//! Webhooks of Remark42, whose bodies are made by a template of the operator: that of the documentation has what a
//! comment has in its exports.
//!
//! The default template has nothing but the text. What comes of it is refused and kept: nobody could tell whose words
//! it is, and where.

use serde_json::{Map, Value, json};
use stoa_proto::{Kind, ids, limits};

use super::{Content, Hook, id, revision, text};

/// Makes events of a request's body.
pub(super) fn read(hook: &Hook, body: &Value) -> Content {
    if !body.is_object() {
        return Content::Unreadable;
    }
    let is_deleted = body.get("delete").and_then(Value::as_bool) == Some(true);
    let (created, edited) = (
        text(body, "time"),
        body.get("edit").and_then(|edit| text(edit, "time")),
    );
    let kind = match (is_deleted, edited) {
        (true, _) => Kind::CommentWithdrawn,
        (false, Some(_)) => Kind::CommentEdited,
        (false, None) => Kind::CommentSubmitted,
    };
    let comment = id(body.get("id"));
    let locator = body.get("locator").and_then(|locator| text(locator, "url"));
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("site", json!(hook.site));
    put("article", json!(locator.map(article)));
    put("comment", json!(comment));
    let mut revision_of = 1;
    if kind != Kind::CommentWithdrawn {
        put("parent", json!(id(body.get("pid"))));
        if kind == Kind::CommentEdited {
            revision_of = revision(created, edited);
            put("revision", json!(revision_of));
        }
        if let Some(user) = body.get("user") {
            let is_admin = user.get("admin").and_then(Value::as_bool) == Some(true);
            let mut author = Map::new();
            author.insert("id".to_owned(), json!(id(user.get("id"))));
            author.insert("display_name".to_owned(), json!(text(user, "name")));
            author.insert(
                "role".to_owned(),
                json!(if is_admin { "moderator" } else { "reader" }),
            );
            author.retain(|_, value| !value.is_null());
            put("author", Value::Object(author));
        }
        put("body", json!(text(body, "text")));
        put("format", json!("html"));
        put("submitted_at", json!(created));
        let url = locator.zip(comment.as_ref());
        put(
            "url",
            json!(url.map(|(url, comment)| format!("{url}#remark42__comment-{comment}"))),
        );
    }
    // What has no id is known by what it says.
    let known = comment.unwrap_or_else(|| body.to_string());
    let event_id = ids::derive(
        "remark42-",
        &[kind.as_str(), &known, &revision_of.to_string()],
    );
    Content::Events(vec![hook.event(kind, &event_id, None, data)])
}

/// The article's id: its address, or what is made of one that is too long to be an id.
fn article(url: &str) -> String {
    if url.len() <= limits::ID_BYTES {
        return url.to_owned();
    }
    ids::derive("url-", &[url])
}
