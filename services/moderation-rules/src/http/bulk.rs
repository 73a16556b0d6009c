//! `POST /admin/cases/bulk` and `POST /admin/bulk/{bulk}/undo`: many cases at once.
//!
//! A dry run lists what would be decided, with versions; that list, sent back, is decided. So
//! nothing is decided that the moderator has not seen, whatever came meanwhile.

mod select;

use std::collections::{BTreeMap, HashSet};
use stoa_daemon::openapi::NotFound;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::Verdict;

use self::select::{OfAuthor, Selected, Subtree};
use super::case::check_verdict;
use super::cases::check_excerpt;
use super::cases::excerpt::Listed;
use super::{Admin, key, moderator, stopped, undo, wrong};
use crate::engine::bulk::Bulk;
use crate::record::{Bulked, Change};
use crate::statement::ReviewReason;
use crate::view::{BULKS, CASES};

/// Cases that are decided at once.
const MAX_CASES: usize = 500;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(crate) struct Asked {
    #[serde(default)]
    cases: Option<Vec<Wanted>>,
    #[serde(default)]
    author: Option<OfAuthor>,
    #[serde(default)]
    subtree: Option<Subtree>,
    verdict: Verdict,
    #[serde(default)]
    reason: Option<ReviewReason>,
    #[serde(default)]
    dry_run: bool,
    /// Characters of each comment that a dry run shows.
    #[serde(default)]
    excerpt: Option<usize>,
}

/// A case, with the version that the moderator saw if they saw one.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = BulkCase)]
pub(super) enum Wanted {
    Id(String),
    Seen { case: String, version: u64 },
}

impl Wanted {
    fn id(&self) -> &str {
        match self {
            Self::Id(case) | Self::Seen { case, .. } => case,
        }
    }
}

impl Asked {
    fn check(&self) -> Result<(), Problem> {
        check_verdict(self.verdict, self.reason.as_ref())?;
        let named = [
            self.cases.is_some(),
            self.author.is_some(),
            self.subtree.is_some(),
        ];
        if named.iter().filter(|named| **named).count() != 1 {
            return Err(wrong(
                "cases",
                "name one of `cases`, `author` and `subtree`",
            ));
        }
        check_excerpt(self.excerpt)?;
        let cases = self.cases.as_deref().unwrap_or_default();
        if self.cases.is_some() && !(1..=MAX_CASES).contains(&cases.len()) {
            let detail =
                format!("1 to {MAX_CASES} cases are decided at once: send several requests");
            return Err(wrong("cases", detail).with_limit(format!("{MAX_CASES} cases")));
        }
        let mut known = HashSet::new();
        if cases.iter().any(|case| !known.insert(case.id())) {
            return Err(wrong("cases", "a case is named twice: name each once"));
        }
        Ok(())
    }

    /// Returns the cases with their versions, which only a dry run may leave out.
    fn seen(&self) -> Result<Vec<(String, u64)>, Problem> {
        let seen = |wanted: &Wanted| match wanted {
            Wanted::Seen { case, version } => Some((case.clone(), *version)),
            Wanted::Id(_) => None,
        };
        let cases = self.cases.iter().flatten().map(seen);
        let cases: Option<Vec<_>> = cases.collect();
        cases.filter(|cases| !cases.is_empty()).ok_or_else(|| {
            wrong(
                "cases",
                "send `cases` as the dry run answers them: [{\"case\", \"version\"}]",
            )
        })
    }
}

/// A case that is left out, and why.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BulkLeftOut)]
pub(crate) struct LeftOut {
    case: String,
    code: String,
}

/// What was decided, or would be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = BulkAnswer)]
pub(crate) enum Answer {
    Preview {
        dry_run: bool,
        verdict: Verdict,
        cases: Vec<Listed>,
        /// How many of them have each label.
        labels: BTreeMap<String, u64>,
        left_out: Vec<LeftOut>,
        /// Whether there are more than can be decided at once.
        more: bool,
    },
    Done {
        bulk: String,
        verdict: Verdict,
        decided: Vec<Made>,
        left_out: Vec<LeftOut>,
    },
}

/// A case that was decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BulkDecided)]
pub(crate) struct Made {
    case: String,
    decision: String,
}

/// Decides up to 500 cases at once, or lists them.
///
/// Name one of `cases`, `author` and `subtree`. With `dry_run` it is only said what would be decided; send the `cases` of that answer back to decide them.
#[utoipa::path(
    post,
    path = "/admin/cases/bulk",
    operation_id = "decide_bulk",
    tag = "cases",
    request_body = Asked,
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "What was decided, and what was left out.", body = Answer)),
)]
pub(crate) async fn decide(
    State(admin): State<Admin>,
    headers: HeaderMap,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    let Json(asked) = body?;
    asked.check()?;
    if asked.dry_run {
        let verdict = asked.verdict;
        let Selected {
            cases,
            left_out,
            more,
        } = admin
            .blocking(move |admin| {
                let named = (asked.cases, asked.author, asked.subtree);
                admin.select(&principal, named, asked.excerpt)
            })
            .await?;
        let mut labels = BTreeMap::new();
        for label in cases.iter().flat_map(|listed| listed.case().labels()) {
            *labels.entry(label.clone()).or_default() += 1;
        }
        return Ok(Json(Answer::Preview {
            dry_run: true,
            verdict,
            cases,
            labels,
            left_out,
            more,
        }));
    }
    let (seen, key) = (asked.seen()?, key(&headers)?);
    let mut left_out = Vec::new();
    let by = moderator(&principal);
    let cases = admin.allowed(&principal, seen, &mut left_out).await?;
    let bulk = Bulk {
        cases,
        verdict: asked.verdict,
        reason: asked.reason,
        moderator: by,
        key,
    };
    let Bulked {
        id,
        decided,
        refused,
        ..
    } = admin.engine.bulk(bulk).await.map_err(|_| stopped())?;
    let refused = refused.into_iter();
    left_out.extend(refused.map(|(case, code)| LeftOut { case, code }));
    let decided = decided.into_iter();
    Ok(Json(Answer::Done {
        bulk: id,
        verdict: asked.verdict,
        decided: decided
            .map(|(case, decision)| Made { case, decision })
            .collect(),
        left_out,
    }))
}

impl Admin {
    /// Leaves out the cases that the token may not see.
    async fn allowed(
        &self,
        principal: &Principal,
        cases: Vec<(String, u64)>,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<Vec<(String, u64)>, Problem> {
        let who = principal.clone();
        let (seen, unseen) = self
            .blocking(move |admin| {
                let (mut seen, mut unseen) = (Vec::new(), Vec::new());
                for (case, version) in cases {
                    match admin.index.view.get(&CASES, &case)? {
                        Some(row) if who.allows_site(&row.site) => seen.push((case, version)),
                        _ => unseen.push(case),
                    }
                }
                Ok((seen, unseen))
            })
            .await?;
        left_out.extend(unseen.into_iter().map(|case| LeftOut {
            case,
            code: "not_found".to_owned(),
        }));
        Ok(seen)
    }

    /// Whether there is a bulk of that id, all of whose cases the token may see.
    fn sees_bulk(&self, principal: &Principal, id: &String) -> anyhow::Result<bool> {
        let stored = match self.index.view.get(&BULKS, id)? {
            Some(seq) => self.stored(seq)?,
            None => None,
        };
        let Some(Change::Bulked(bulked)) = stored.map(|stored| stored.change) else {
            return Ok(false);
        };
        for (case, _) in &bulked.decided {
            let row = self.index.view.get(&CASES, case)?;
            if row.is_none_or(|row| !principal.allows_site(&row.site)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What was undone of a bulk, and what was not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BulkUndone)]
pub(crate) struct Reversal {
    bulk: String,
    undone: Vec<UndoneCase>,
    left_out: Vec<KeptCase>,
}

/// A case that is open again, and the decision that stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BulkUndoneCase)]
struct UndoneCase {
    case: String,
    undoes: String,
    decision: String,
}

/// A decision that stays, and why.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BulkKeptCase)]
struct KeptCase {
    case: String,
    decision: String,
    code: &'static str,
    detail: String,
}

/// Undoes what can be undone of a bulk.
#[utoipa::path(
    post,
    path = "/admin/bulk/{bulk}/undo",
    operation_id = "undo_bulk",
    tag = "cases",
    params(("bulk" = String, Path, description = "The bulk.")),
    extensions(("x-role" = json!(Role::Moderator))),
    responses((status = 200, description = "What was undone.", body = Reversal), NotFound),
)]
pub(crate) async fn undo_all(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Reversal>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Moderator)?;
    let unknown = || Problem::not_found("no bulk has this id");
    let by = moderator(&principal);
    let bulk = id.clone();
    let is_seen = admin
        .blocking(move |admin| admin.sees_bulk(&principal, &id))
        .await?;
    if !is_seen {
        return Err(unknown());
    }
    let outcome = admin.engine.undo_bulk(bulk.clone(), by).await;
    let outcome = outcome.map_err(|_| stopped())?.ok_or_else(unknown)?;
    let (mut undone, mut left_out) = (Vec::new(), Vec::new());
    for each in outcome {
        match each.outcome {
            Ok(decision) => undone.push(UndoneCase {
                case: each.case,
                undoes: each.undoes,
                decision,
            }),
            Err(error) => left_out.push(KeptCase {
                case: each.case,
                decision: each.undoes,
                code: undo::code(&error),
                detail: error.to_string(),
            }),
        }
    }
    Ok(Json(Reversal {
        bulk,
        undone,
        left_out,
    }))
}
