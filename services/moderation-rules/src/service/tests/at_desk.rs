//! What the tests of the review desk share.

use stoa_proto::Exchange;

use super::*;

/// The address of what is at a comment's case.
pub(super) fn at(comment: &str, what: &str) -> String {
    format!("/admin/cases/{}{what}", case_of(comment))
}

impl Fixture {
    /// Opens the service with cases of these comments, in this order.
    pub(super) async fn with_cases(dir: &Path, comments: &[&str]) -> Self {
        let fixture = Self::new(dir).await;
        for id in comments {
            fixture.event(plain(id, "scoundrel")).await;
        }
        fixture
    }

    /// Sends a request that is to succeed.
    pub(super) async fn done(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Value {
        let (status, answer) = self.request(method, path, token, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Sends a request that is to be refused, and returns the status, the code and the field.
    pub(super) async fn refused(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, String, String) {
        let (status, problem) = self.request(method, path, token, body).await;
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        (status.as_u16(), text("code"), text("field"))
    }

    /// Decides a comment's case, and returns the decision's id.
    pub(super) async fn decided(&self, comment: &str, token: &str, body: &str) -> String {
        let body = serde_json::from_str(body).unwrap();
        let path = at(comment, "/decision");
        let answer = self.done(Method::POST, &path, token, Some(body)).await;
        answer["decision"]["decision"].as_str().unwrap().to_owned()
    }

    /// What the outbox publishes of the last record: where, under which key, and what.
    pub(super) fn told_last(&self) -> Vec<(Exchange, String, Data)> {
        let records = self.service.journal.iter(self.service.journal.next() - 1);
        let outgoing = records.flat_map(|record| super::super::reviewed(&record.unwrap()).unwrap());
        let told = outgoing.map(|out| {
            let data = Event::from_json(&out.body).unwrap().data;
            (out.exchange, out.routing_key, data)
        });
        told.collect()
    }

    pub(super) async fn queue(&self, query: &str, token: &str) -> Vec<String> {
        let path = format!("/admin/cases{query}");
        let listing = self.done(Method::GET, &path, token, None).await;
        let cases = listing["cases"].as_array().unwrap().iter();
        cases
            .map(|case| case["comment"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Stops the service, and opens it again in the same folder at the time that it was; without
    /// its view if that is to be built again.
    pub(super) async fn again(self, dir: &Path, anew: bool) -> Self {
        let now = self.clock.now().to_string();
        self.stop().await;
        if anew {
            std::fs::remove_dir_all(dir.join("moderation/view")).unwrap();
        }
        Self::open_at(&now, config(dir), dir).await
    }
}

/// The address at which a decision is undone.
pub(super) fn undo(decision: &str) -> String {
    format!("/admin/decisions/{decision}/undo")
}

pub(super) fn refusal(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.to_owned(), field.to_owned())
}
