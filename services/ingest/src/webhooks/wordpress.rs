//! Comments of WordPress, as `/wp/v2/comments` has them: one, or up to 100 of them.
//!
//! WordPress counts no revisions. `modified_gmt`, which the recipe of the documentation adds, says that one was
//! edited.

use serde_json::{Map, Value, json};
use stoa_proto::{Kind, ids};

use super::{Content, Hook, MAX_COMMENTS, id, revision, text};

/// Makes events of a request's body.
pub(super) fn read(hook: &Hook, body: &Value) -> Content {
    let comments = match body {
        Value::Object(_) => std::slice::from_ref(body),
        Value::Array(comments) if comments.len() <= MAX_COMMENTS => comments.as_slice(),
        _ => return Content::Unreadable,
    };
    if !comments.iter().all(Value::is_object) {
        return Content::Unreadable;
    }
    let events: Vec<Value> = comments
        .iter()
        .filter_map(|comment| of_comment(hook, comment))
        .collect();
    if events.is_empty() {
        return Content::Nothing;
    }
    Content::Events(events)
}

fn of_comment(hook: &Hook, comment: &Value) -> Option<Value> {
    // Pings of other sites are no comments.
    if !matches!(text(comment, "type"), None | Some("comment")) {
        return None;
    }
    let edited = text(comment, "modified_gmt");
    let kind = match text(comment, "status") {
        // Somebody has judged it there already.
        Some("spam") => return None,
        Some("trash") => Kind::CommentWithdrawn,
        _ if edited.is_some() => Kind::CommentEdited,
        _ => Kind::CommentSubmitted,
    };
    let number = |name: &str| id(comment.get(name)).filter(|id| id != "0");
    let created = text(comment, "date_gmt").map(utc);
    let mut revision_of = 1;
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("site", json!(hook.site));
    put("article", json!(number("post")));
    put("comment", json!(number("id")));
    if kind != Kind::CommentWithdrawn {
        put("parent", json!(number("parent")));
        if let Some(edited) = edited.map(utc) {
            revision_of = revision(created.as_deref(), Some(&edited));
            put("revision", json!(revision_of));
        }
        let mut author = Map::new();
        let name = text(comment, "author_name");
        let known = number("author").or_else(|| guest(hook, comment));
        author.insert("id".to_owned(), json!(known));
        author.insert("display_name".to_owned(), json!(name));
        author.retain(|_, value| !value.is_null());
        put("author", Value::Object(author));
        let content = comment.get("content");
        // What was written, where the request may see it, or else what is shown.
        let written =
            content.and_then(|content| text(content, "raw").or_else(|| text(content, "rendered")));
        put("body", json!(written));
        put("format", json!("html"));
        put("submitted_at", json!(created));
        put("url", json!(text(comment, "link")));
    }
    let known = number("id").unwrap_or_else(|| comment.to_string());
    let event_id = ids::derive(
        "wordpress-",
        &[kind.as_str(), &known, &revision_of.to_string()],
    );
    Some(hook.event(kind, &event_id, None, data))
}

/// Who has no account is known by their address, or else by their name; neither can be read from the id.
fn guest(hook: &Hook, comment: &Value) -> Option<String> {
    let known = text(comment, "author_email").or_else(|| text(comment, "author_name"))?;
    Some(ids::derive(
        "guest-",
        &[&hook.site, &known.trim().to_lowercase()],
    ))
}

/// `2026-11-24T11:00:00`, as WordPress writes times in UTC, with the zone that it leaves out.
fn utc(time: &str) -> String {
    let has_zone =
        time.ends_with(['Z', 'z']) || time.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
    if has_zone {
        time.to_owned()
    } else {
        format!("{}Z", time.replacen(' ', "T", 1))
    }
}
