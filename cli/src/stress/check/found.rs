//! What the archive shows of a thread: its article, its comments, and the history of some.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::bail;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::{Progress, needs_history};
use crate::stress::check::judge;
use crate::stress::reader::{Read, Reader, encode};
use crate::stress::run::Run;

/// Histories that are asked for at a time.
const AT_A_TIME: usize = 8;

/// What was found of a thread.
#[derive(Debug, Default)]
pub(in crate::stress) struct Thread {
    /// The article's title.
    pub(in crate::stress) title: Option<String>,
    pub(in crate::stress) comments: Vec<Item>,
    /// By the comment's number.
    pub(in crate::stress) histories: HashMap<u32, History>,
}

/// A comment in a thread.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::stress) struct Item {
    pub(in crate::stress) comment: String,
    /// Whether it is the place of a parent that never came.
    #[serde(default)]
    pub(in crate::stress) ghost: bool,
    pub(in crate::stress) parent: Option<String>,
    pub(in crate::stress) status: String,
    #[serde(default)]
    pub(in crate::stress) revision: u32,
    #[serde(default)]
    pub(in crate::stress) body: String,
    #[serde(default)]
    pub(in crate::stress) decisions: u64,
}

/// All that is known of a comment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::stress) struct History {
    pub(in crate::stress) status: String,
    pub(in crate::stress) revisions: Vec<Revision>,
    pub(in crate::stress) decisions: Vec<Decision>,
    #[serde(default)]
    pub(in crate::stress) events: Vec<Other>,
}

/// A revision in a comment's history.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::stress) struct Revision {
    pub(in crate::stress) revision: u32,
    pub(in crate::stress) body: String,
}

/// A decision in a comment's history.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::stress) struct Decision {
    pub(in crate::stress) revision: u32,
    pub(in crate::stress) by: By,
}

/// Who decided.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::stress) struct By {
    pub(in crate::stress) kind: String,
}

/// Something else that happened to a comment.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::stress) struct Other {
    #[serde(rename = "type")]
    pub(in crate::stress) kind: String,
    pub(in crate::stress) data: About,
}

/// What is read of such an event.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::stress) struct About {
    pub(in crate::stress) report: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    article: Option<Article>,
    comments: Vec<Item>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Article {
    title: Option<String>,
}

impl History {
    /// Counts the rules' decisions of a revision.
    pub(in crate::stress) fn n_decisions(&self, revision: u32) -> usize {
        let by_rules =
            |decision: &&Decision| decision.revision == revision && decision.by.kind == "rules";
        self.decisions.iter().filter(by_rules).count()
    }
}

/// Returns where a comment's history is.
pub(super) fn comment_path(run: &Run, comment: u32) -> String {
    format!(
        "/v1/sites/{}/comments/{}",
        encode(run.corpus.site()),
        encode(&run.corpus.comment_id(comment))
    )
}

/// Reads a thread back; waits while nobody answers.
pub(super) async fn thread(
    archive: &Reader,
    run: &Run,
    thread: u32,
    patience: Duration,
) -> anyhow::Result<Thread> {
    let base = format!(
        "/v1/sites/{}/threads/{}?limit=1000",
        encode(run.corpus.site()),
        encode(&run.corpus.thread_id(thread))
    );
    let mut found = Thread::default();
    let mut after = String::new();
    loop {
        let path = format!("{base}{after}");
        let Some(page) = wait::<Page>(archive, &path, patience).await? else {
            break;
        };
        if let Some(article) = page.article {
            found.title = article.title;
        }
        if page.comments.iter().any(|item| item.status == "hidden") {
            bail!("the archive hides comments from this token: use one with a role for the site");
        }
        found.comments.extend(page.comments);
        match page.next {
            Some(next) => after = format!("&after={}", encode(&next)),
            None => break,
        }
    }
    let asked = judge::subjects(run, thread).into_iter();
    let asked = asked.filter(|(comment, events)| needs_history(run, *comment, events.len()));
    let histories = asked.map(|(comment, _)| async move {
        let path = comment_path(run, comment);
        let history = wait::<History>(archive, &path, patience).await?;
        anyhow::Ok(history.map(|history| (comment, history)))
    });
    found.histories = stream::iter(histories)
        .buffer_unordered(AT_A_TIME)
        .try_filter_map(|history| async move { Ok(history) })
        .try_collect()
        .await?;
    Ok(found)
}

/// Reads an answer; `None` if there is nothing at the address.
pub(super) async fn wait<T: serde::de::DeserializeOwned>(
    reader: &Reader,
    path: &str,
    patience: Duration,
) -> anyhow::Result<Option<T>> {
    let mut progress = Progress::new(patience);
    loop {
        match reader.get(path).await? {
            Read::Found(answer) => return Ok(Some(answer)),
            Read::Nothing => return Ok(None),
            Read::Later if progress.is_over(0) => {
                bail!("{path} was not answered for {} s", patience.as_secs())
            }
            Read::Later => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
