//! Search, over the routers of a running archive.

mod asking;
mod faults;
mod seeing;

use super::*;
use crate::search::State;

/// How long what is durable may take to be found; generous, for machines that do much else.
const SOON: Duration = Duration::from_secs(30);

impl Running {
    /// Publishes events, and waits until they can be found.
    async fn publish_and_index(&self, events: &[Value], total: u64) {
        self.publish(events, total).await;
        self.indexed().await;
    }

    /// Waits until all that the view has can be found.
    async fn indexed(&self) {
        let search = self.search.as_ref().unwrap();
        let total = self.index.applied();
        self.until(|| search.applied() >= total).await;
    }

    /// Searches, and lists what is found: comments by id, articles by theirs.
    async fn found(&self, query: &str, token: &str) -> Vec<String> {
        let body = self.ok(&format!("/v1/search?{query}"), token).await;
        let hits = body["hits"].as_array().unwrap();
        assert!(
            body["total"].as_u64().unwrap() >= hits.len() as u64,
            "{body}"
        );
        hits.iter().map(id_of).collect()
    }
}

/// Returns the comment's id, or the article's.
fn id_of(hit: &Value) -> String {
    let id = hit["comment"].as_str().or(hit["article"].as_str());
    id.unwrap().to_owned()
}

/// A comment with words of its own.
fn says(id: &str, at: u32, language: &str, body: &str) -> Value {
    let mut comment = comment(id, None, at);
    comment["data"]["body"] = json!(body);
    comment["data"]["language"] = json!(language);
    comment
}

/// Makes a query part of a path.
fn q(text: &str) -> String {
    format!("site=courrier&q={}", http::links::escape(text))
}
