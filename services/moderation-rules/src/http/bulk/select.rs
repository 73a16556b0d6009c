//! Which cases a bulk is about: those that are named, an author's, or those of a subtree.

use std::collections::VecDeque;

use serde::Deserialize;
use stoa_daemon::auth::Principal;
use stoa_proto::ids;

use super::{LeftOut, MAX_CASES, Wanted};
use crate::http::cases::excerpt::Listed;
use crate::http::cases::queue::of_queue;
use crate::http::{Admin, MAX_SCAN, moderator};
use crate::view::rows::Queue;
use crate::view::{CASES, CHILDREN, COMMENTS};

/// All open cases of an author.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkAuthor)]
pub(super) struct OfAuthor {
    site: String,
    author: String,
}

/// A comment and all that answers it, at any depth.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkSubtree)]
pub(super) struct Subtree {
    site: String,
    comment: String,
}

/// The cases that would be decided, and those that are left out.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) cases: Vec<Listed>,
    pub(super) left_out: Vec<LeftOut>,
    /// Whether there are more.
    pub(super) more: bool,
}

impl Admin {
    /// Finds the cases that a bulk is about.
    pub(super) fn select(
        &self,
        principal: &Principal,
        (cases, author, subtree): (Option<Vec<Wanted>>, Option<OfAuthor>, Option<Subtree>),
        excerpt: Option<usize>,
    ) -> anyhow::Result<Selected> {
        let mut selected = Selected::default();
        let named = cases.is_some();
        let wanted = match (author, subtree) {
            (Some(author), _) => self.of_author(principal, &author, &mut selected.more)?,
            (_, Some(subtree)) => self.of_subtree(principal, &subtree, &mut selected.more)?,
            _ => cases.unwrap_or_default(),
        };
        let by = moderator(principal);
        let now = self.context.clock.micros();
        for wanted in wanted {
            let id = wanted.id().to_owned();
            let row = self.index.view.get(&CASES, &id)?;
            let Some(row) = row.filter(|row| principal.allows_site(&row.site)) else {
                if named {
                    selected.leave(id, "not_found");
                }
                continue;
            };
            let is_stale = matches!(wanted, Wanted::Seen { version, .. } if version != row.version);
            if row.closed.is_some() {
                selected.leave(id, "case_closed");
            } else if is_stale {
                selected.leave(id, "version_conflict");
            } else if by.may_act(&row, now).is_err() {
                selected.leave(id, "claimed");
            } else if self.is_own_appeal(&by, &row)? {
                selected.leave(id, "same_moderator");
            } else if selected.cases.len() >= MAX_CASES {
                selected.more = true;
            } else {
                selected.cases.push(self.listed(id, row, excerpt, now)?);
            }
        }
        Ok(selected)
    }

    fn of_author(
        &self,
        principal: &Principal,
        asked: &OfAuthor,
        more: &mut bool,
    ) -> anyhow::Result<Vec<Wanted>> {
        let mut found = Vec::new();
        if !principal.allows_site(&asked.site) {
            return Ok(found);
        }
        let queue = Queue::author(&asked.site, &asked.author);
        let cases = of_queue(&self.index, queue, (i64::MIN, 0));
        for (scanned, found_case) in cases.enumerate() {
            if scanned >= MAX_SCAN {
                *more = true;
                break;
            }
            let (_, id) = found_case?;
            found.push(Wanted::Id(id));
        }
        Ok(found)
    }

    fn of_subtree(
        &self,
        principal: &Principal,
        asked: &Subtree,
        more: &mut bool,
    ) -> anyhow::Result<Vec<Wanted>> {
        let view = &self.index.view;
        let root = (asked.site.clone(), asked.comment.clone());
        let root = view.get(&COMMENTS, &root)?;
        let Some(root) = root.filter(|_| principal.allows_site(&asked.site)) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let mut waiting = VecDeque::from([asked.comment.clone()]);
        let mut seen = std::collections::HashSet::from([asked.comment.clone()]);
        while let Some(comment) = waiting.pop_front() {
            found.push(Wanted::Id(ids::case_id(&asked.site, &comment)));
            let prefix = (asked.site.as_str(), root.article.as_str(), comment.as_str());
            for entry in view.scan(&CHILDREN, prefix) {
                let ((_, _, _, child), ()) = entry?;
                if seen.len() >= MAX_SCAN {
                    *more = true;
                    break;
                }
                // Parents in a circle are looked at once.
                if seen.insert(child.clone()) {
                    waiting.push_back(child);
                }
            }
        }
        Ok(found)
    }
}

impl Selected {
    fn leave(&mut self, case: String, code: &str) {
        let code = code.to_owned();
        self.left_out.push(LeftOut { case, code });
    }
}
