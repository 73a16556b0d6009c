//! `POST /admin/rules/check` and `/try`: what a draft is worth before it is live. Nothing of it is kept
//! but a few compiled drafts, so that who types is answered fast.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stoa_daemon::Problem;
use stoa_daemon::auth::Role;
use stoa_proto::{Span, Verdict};
use stoa_rules::{
    Errors, ExampleFacts, ExampleResult, Explanation, Fate, Finding, RuleExplanation, RuleSet,
};

use super::change::check_paths;
use super::{Shortcoming, bad_files, broken, editor, shortcomings};
use crate::http::{Admin, time};

/// Compiled drafts that are kept: one for each editor who types at the same time.
const KEPT: usize = 4;
/// The site of a text that names none.
const SITE: &str = "example";

/// Drafts that were compiled lately, the last one first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drafts(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Clone, Debug)]
struct Kept {
    digest: [u8; 32],
    set: Arc<RuleSet>,
}

impl Drafts {
    /// Compiles a draft, or finds it among those that were. Its examples are not run. Blocks.
    fn compile(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        check: impl FnOnce(RuleSet) -> Result<RuleSet, Errors>,
    ) -> Result<Arc<RuleSet>, Errors> {
        let digest = digest(files);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|one| one.digest == digest);
        let one = if let Some(known) = found.and_then(|place| kept.remove(place)) {
            known
        } else {
            // Whoever comes next waits: one draft is compiled at a time anyway.
            let set = Arc::new(check(RuleSet::untested(files)?)?);
            Kept { digest, set }
        };
        let set = Arc::clone(&one.set);
        kept.push_front(one);
        kept.truncate(KEPT);
        Ok(set)
    }
}

fn digest(files: &BTreeMap<String, Vec<u8>>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (path, text) in files {
        for part in [path.as_bytes(), text] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().into()
}

/// The text of each file, by its path.
pub(super) type Texts = BTreeMap<String, String>;

pub(super) fn bytes(files: Texts) -> BTreeMap<String, Vec<u8>> {
    let bytes = |(path, text): (String, String)| (path, text.into_bytes());
    files.into_iter().map(bytes).collect()
}

impl Admin {
    /// Compiles a draft off the runtime's threads; its examples may fail.
    pub(super) async fn draft(
        &self,
        files: Texts,
    ) -> Result<Result<Arc<RuleSet>, Errors>, Problem> {
        check_paths(&files)?;
        let files = bytes(files);
        let _compiling = self.compiling.acquire().await;
        self.blocking(move |admin| Ok(admin.drafts.compile(&files, |set| admin.rules.check(set))))
            .await
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftCheckRequest)]
struct ToCheck {
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    files: Texts,
}

/// What a draft is worth.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DraftChecked)]
struct Checked {
    /// Whether it could become live.
    valid: bool,
    /// Absent while it can't be compiled.
    hash: Option<String>,
    /// Whether it is live already.
    live: bool,
    rules: usize,
    /// Files that it does not use: they are no part of it.
    unused: Vec<String>,
    /// Everything that is wrong with it, failing examples included.
    diagnostics: Vec<Shortcoming>,
    examples: Vec<Example>,
    /// What is likely not meant.
    lint: Vec<Lint>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DraftExample)]
struct Example {
    rule: String,
    file: String,
    line: u32,
    column: u32,
    text: String,
    should_fire: bool,
    /// Absent if the rule can't be evaluated.
    fires: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    passes: bool,
}

impl From<ExampleResult> for Example {
    fn from(result: ExampleResult) -> Self {
        Self {
            passes: result.passes(),
            rule: result.rule.id.clone(),
            file: result.rule.file.clone(),
            line: result.line,
            column: result.column,
            text: result.text,
            should_fire: result.should_fire,
            fires: result.answer.as_ref().ok().copied(),
            fault: result.answer.err(),
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DraftLint)]
struct Lint {
    severity: &'static str,
    code: &'static str,
    file: String,
    line: u32,
    message: String,
}

impl From<Finding> for Lint {
    fn from(finding: Finding) -> Self {
        Self {
            severity: finding.severity.as_str(),
            code: finding.code,
            file: finding.file,
            line: finding.line,
            message: finding.message,
        }
    }
}

/// Checks a draft of a rule set, and runs its examples.
///
/// A draft with errors is answered 200, with its `diagnostics`.
#[utoipa::path(
    post,
    path = "/admin/rules/check",
    operation_id = "check_draft",
    tag = "rules",
    request_body = ToCheck,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "What it is worth.", body = Checked)),
)]
pub(crate) async fn check(
    State(admin): State<Admin>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    editor(&admin, &headers)?;
    // A large body is read only from those who may send it.
    let Json(wanted) = Json::<ToCheck>::from_request(request, &())
        .await
        .map_err(bad_files)?;
    let paths: Vec<String> = wanted.files.keys().cloned().collect();
    let checked = match admin.draft(wanted.files).await? {
        Ok(set) => {
            let look = move |admin: &Admin| {
                let used = |path: &String| set.sources().any(|(used, _)| used == path);
                let examples = set.check_examples();
                let lint = set.lint(admin.context.clock.micros());
                Ok(Checked {
                    valid: examples.is_ok(),
                    hash: Some(set.hash().to_owned()),
                    live: admin.rules.live().set.hash() == set.hash(),
                    rules: set.rules().len(),
                    unused: paths.into_iter().filter(|path| !used(path)).collect(),
                    diagnostics: examples.err().iter().flat_map(shortcomings).collect(),
                    examples: set.examples().into_iter().map(Example::from).collect(),
                    lint: lint.into_iter().map(Lint::from).collect(),
                })
            };
            admin.blocking(look).await?
        }
        Err(errors) => Checked {
            valid: false,
            hash: None,
            live: false,
            rules: 0,
            unused: Vec::new(),
            diagnostics: shortcomings(&errors),
            examples: Vec::new(),
            lint: Vec::new(),
        },
    };
    Ok(Json(checked).into_response())
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftTryRequest)]
struct ToTry {
    /// What is live, if absent.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    files: Option<Texts>,
    /// A comment, with the keys of an example.
    comment: ExampleFacts,
}

/// What a rule set makes of a text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DraftTried)]
struct Tried {
    hash: String,
    verdict: Verdict,
    labels: Vec<String>,
    decided_by: Option<String>,
    /// What a reader is told, by language.
    explain: BTreeMap<String, String>,
    /// What was missing; the verdict is at least `hold` then.
    partial: Vec<String>,
    rules: Vec<TriedRule>,
    /// What judging took; that of a first text includes warming up.
    took_us: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DraftTriedRule)]
struct TriedRule {
    id: String,
    file: String,
    line: u32,
    mode: String,
    verdict: Verdict,
    labels: Vec<String>,
    /// `acted`, `recorded`, or why it did not fire.
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    explain: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl From<RuleExplanation> for TriedRule {
    fn from(one: RuleExplanation) -> Self {
        let message = match &one.fate {
            Fate::Skipped(message) | Fate::Failed(message) => Some(message.clone()),
            _ => None,
        };
        let rule = one.rule;
        Self {
            id: rule.id.clone(),
            file: rule.file.clone(),
            line: rule.line,
            mode: rule.mode.to_string(),
            verdict: rule.verdict,
            labels: rule.labels.clone(),
            fate: one.fate.code(),
            message,
            explain: rule.explain.clone(),
            spans: one.spans,
            expires: rule.expires.and_then(time),
        }
    }
}

fn judge(set: &RuleSet, facts: &ExampleFacts) -> Result<Tried, String> {
    set.with_example(facts, SITE, |input| {
        let started = Instant::now();
        set.evaluate(input);
        let took = started.elapsed();
        let Explanation { outcome, rules } = set.explain(input);
        let decided_by = outcome.decided_by.as_deref();
        Tried {
            hash: set.hash().to_owned(),
            verdict: outcome.verdict,
            decided_by: decided_by.map(|rule| rule.id.clone()),
            explain: decided_by
                .map(|rule| rule.explain.clone())
                .unwrap_or_default(),
            labels: outcome.labels,
            partial: outcome.partial,
            rules: rules.into_iter().map(TriedRule::from).collect(),
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }
    })
}

/// Judges a text by a draft, or by what is live.
#[utoipa::path(
    post,
    path = "/admin/rules/try",
    operation_id = "try_text",
    tag = "rules",
    request_body = ToTry,
    extensions(("x-role" = json!(Role::Editor)), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "What it makes of the text.", body = Tried), (status = 422, description = "The rule set has errors.", body = super::Broken, content_type = "application/problem+json")),
)]
pub(crate) async fn try_text(
    State(admin): State<Admin>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    editor(&admin, &headers)?;
    let Json(wanted) = Json::<ToTry>::from_request(request, &())
        .await
        .map_err(bad_files)?;
    let facts = wanted.comment;
    let tried = if let Some(files) = wanted.files {
        let set = match admin.draft(files).await? {
            Ok(set) => set,
            Err(errors) => return Ok(broken(&errors)),
        };
        admin.blocking(move |_| Ok(judge(&set, &facts))).await?
    } else {
        let live = admin.rules.live();
        admin
            .blocking(move |_| Ok(judge(&live.set, &facts)))
            .await?
    };
    match tried {
        Ok(tried) => Ok(Json(tried).into_response()),
        Err(message) => Err(Problem::bad_request(message)
            .with_code("invalid_field")
            .with_field("comment")),
    }
}
