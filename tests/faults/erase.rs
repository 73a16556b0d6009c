//! Words that are ordered to be erased while a role crashes: they are nowhere when it is back.

use serde_json::{Value, json};
use stoa_tests::{Stack, TOKEN, comment, eventually, files, stoa};

const STRUCTURED: &str = "application/cloudevents+json";
/// Their thread, beside those of the load.
const THREAD: &str = "erased";
/// What no file may hold any more: of the comment, of its author's name and of a report.
const PLANTED: [&str; 3] = ["zwirbeltrauf", "kluppenrast", "nebelkropf"];

/// Comments that were sent so that they are erased.
#[derive(Default)]
pub(crate) struct Erased {
    comments: usize,
}

impl Erased {
    /// Sends a comment and a report about it, and waits until the archive has both.
    pub(crate) fn plant(&mut self, stack: &Stack) {
        self.comments += 1;
        let id = self.latest();
        let mut event = comment(THREAD, &id, None, "You idiot zwirbeltrauf");
        event["data"]["author"] = json!({"id": "u-9", "display_name": "kluppenrast"});
        let report = json!({"specversion": "1.0", "id": format!("report-{id}"),
            "source": event["source"], "type": "stoa.comment.reported.v1",
            "data": {"site": "journal", "article": THREAD, "comment": id, "report": id,
                "reason": "spam", "text": "nebelkropf"}});
        for event in [event, report] {
            let (status, answer) = stack.post(STRUCTURED, event.to_string());
            assert_eq!(status, 202, "{answer}");
        }
        let at = format!("{}/v1/sites/journal/comments/{id}", stack.archive());
        eventually("the comment and its report", || {
            let shown = stack.get(&at).to_string();
            shown.contains("nebelkropf") && shown.contains("\"verdict\"")
        });
        for word in PLANTED {
            let found = files::with_words(stack.folder.path(), &[word]);
            assert!(!found.is_empty(), "{word}");
        }
    }

    /// Has the latest comment erased; false if the archive did not say that it was asked.
    pub(crate) fn ask(&self, stack: &Stack) -> bool {
        let (id, to) = (self.latest(), stack.archive_admin());
        let of = ["--site", "journal", "--comment", &id];
        let at = ["--to", &to, "--token", TOKEN];
        stoa(&[&["redact", "request"][..], &of, &at].concat())
            .status
            .success()
    }

    /// Waits until no file has a word of what was planted, and every comment shows its tombstone.
    pub(crate) fn are_gone(&self, stack: &Stack) {
        let redactions = format!(
            "{}/admin/redactions?site=journal&limit=500",
            stack.archive_admin()
        );
        eventually("all redactions are completed", || {
            let all = stack.get(&redactions);
            let all = all["redactions"].as_array().map_or(&[][..], Vec::as_slice);
            all.len() >= self.comments && all.iter().all(|one| one["state"] == "completed")
        });
        eventually("no file has a word of it", || {
            files::with_words(stack.folder.path(), &PLANTED).is_empty()
        });
        let thread = stack.thread("journal", THREAD);
        let comments = thread["comments"].as_array().unwrap();
        let is_tombstone = |one: &Value| {
            one["erased_at"].is_string() && one["text"].is_null() && one["decisions"] == 1
        };
        assert_eq!(comments.len(), self.comments, "{thread:#}");
        assert!(comments.iter().all(is_tombstone), "{thread:#}");
    }

    fn latest(&self) -> String {
        format!("erased-{}", self.comments)
    }
}
