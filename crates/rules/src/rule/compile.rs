//! From a rule as it is written to a rule that can be evaluated, or everything wrong with it.

mod keys;

use std::collections::HashMap;

use stoa_proto::Verdict;

use super::{Example, Ground, Mode, Places, Reason, Rule, RuleInfo, Texts};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::{ExampleEntry, Placed, ReasonEntry, RuleEntry};
use crate::expr::node::Condition;
use crate::expr::{self, Env, place};
use crate::source::Source;

/// The categories of the Digital Services Act's transparency database.
const CATEGORIES: [&str; 16] = [
    "STATEMENT_CATEGORY_ANIMAL_WELFARE",
    "STATEMENT_CATEGORY_CONSUMER_INFORMATION",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN",
    "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE",
    "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
    "STATEMENT_CATEGORY_PROTECTION_OF_MINORS",
    "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY",
    "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    "STATEMENT_CATEGORY_SELF_HARM",
    "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
    "STATEMENT_CATEGORY_VIOLENCE",
];

/// Where rules are compiled, and what they share.
pub(crate) struct Context<'c> {
    pub(crate) source: &'c Source,
    pub(crate) env: &'c Env<'c>,
    /// The sites that the file limits its rules to.
    pub(crate) sites: Option<&'c [String]>,
}

/// The ids of the rules so far, each with its file and line.
pub(crate) type Ids = HashMap<String, (String, u32)>;

/// Compiles a rule; what is wrong goes to `errors`, all of it.
pub(crate) fn compile(
    entry: &Placed<RuleEntry>,
    context: &Context<'_>,
    ids: &mut Ids,
    errors: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    let (source, env) = (context.source, context.env);
    let before = errors.len();
    let rule = &entry.value;
    let id = rule.id.value.as_str();
    check_names(rule, source, ids, errors);
    let when = condition(&rule.when, source, env, errors);
    let unless = rule
        .unless
        .as_ref()
        .map(|unless| condition(unless, source, env, errors));
    let mode = rule.mode.as_ref().map_or(Ok(Mode::Live), |mode| {
        Mode::parse(&mode.value).map_err(|help| {
            source.error(
                mode.place(),
                format!("unknown mode `{}`", mode.value),
                Some(help),
            )
        })
    });
    let mode = mode.map_err(|error| errors.push(error)).unwrap_or_default();
    let then = &rule.then.value;
    let verdict = then.verdict.as_ref().map_or(Ok(Verdict::Approve), |word| {
        verdict(&word.value).ok_or_else(|| {
            let names = ["approve", "hold", "reject"];
            let help = did_you_mean(&word.value, names)
                .unwrap_or_else(|| "use `approve`, `hold` or `reject`".into());
            source.error(
                word.place(),
                format!("unknown verdict `{}`", word.value),
                Some(help),
            )
        })
    });
    let verdict = verdict
        .map_err(|error| errors.push(error))
        .unwrap_or_default();
    if verdict == Verdict::Approve && then.labels.is_empty() && before == errors.len() {
        errors.push(source.error(
            rule.then.place(),
            "the rule does nothing",
            Some("give it a `verdict` of hold or reject, or `labels`".into()),
        ));
    }
    let reason = rule
        .reason
        .as_ref()
        .map(|entry| reason(entry, source, errors));
    let sites = keys::sites(rule, entry.place(), context, errors);
    let keys = keys::read(rule, verdict, source, errors);
    let examples = examples(rule);
    let (when, unless) = (when?, unless.map_or(Some(None), |unless| unless.map(Some))?);
    if errors.len() > before {
        return None;
    }
    let info = RuleInfo {
        id: id.to_owned(),
        file: source.path.clone(),
        line: entry.place().0,
        description: rule.description.clone(),
        owner: keys.owner,
        sites,
        languages: rule
            .languages
            .iter()
            .map(|language| language.value.clone())
            .collect(),
        verdict,
        labels: then
            .labels
            .iter()
            .map(|label| label.value.clone())
            .collect(),
        reason,
        explain: rule.explain.clone(),
        mode,
        expires: keys.expires,
        priority: keys.priority,
        quota: keys.quota,
        on_missing: keys.on_missing,
        examples: examples.len(),
    };
    let (required, evidence) = (when.required(), when.evidence());
    Some(Rule {
        info: std::sync::Arc::new(info),
        when,
        unless,
        texts: Texts {
            when: rule.when.value.clone(),
            unless: rule.unless.as_ref().map(|unless| unless.value.clone()),
        },
        required,
        evidence,
        examples,
        places: Places {
            id: rule.id.place(),
            mode: rule.mode.as_ref().map(Placed::place),
        },
    })
}

/// Checks the id, the labels and the languages.
fn check_names(rule: &RuleEntry, source: &Source, ids: &mut Ids, errors: &mut Vec<Diagnostic>) {
    let id = rule.id.value.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        errors.push(source.error(
            rule.id.place(),
            format!("`{id}` is not a rule id"),
            Some("use up to 64 letters, digits, `-`, `_` and `.`".into()),
        ));
    } else if let Some((file, line)) = ids.get(id) {
        errors.push(source.error(
            rule.id.place(),
            format!("there is already a rule `{id}` in {file}:{line}"),
            Some("give it another id: decisions and counts are kept by it".into()),
        ));
    } else {
        ids.insert(id.to_owned(), (source.path.clone(), rule.id.place().0));
    }
    for label in &rule.then.value.labels {
        if label.value.is_empty() || label.value.len() > 64 || !label.value.chars().all(plain) {
            errors.push(source.error(
                label.place(),
                format!("`{}` is not a label", label.value),
                Some("use up to 64 letters, digits, `-`, `_` and `.`".into()),
            ));
        }
    }
    for language in &rule.languages {
        if !(2..=3).contains(&language.value.len())
            || !language.value.bytes().all(|b| b.is_ascii_lowercase())
        {
            errors.push(source.error(
                language.place(),
                format!("`{}` is not a language", language.value),
                Some("use codes such as `fr`, `en`, `de` or `ru`".into()),
            ));
        }
    }
}

fn condition(
    text: &Placed<String>,
    source: &Source,
    env: &Env<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Condition> {
    expr::compile(&text.value, env)
        .map_err(|error| {
            if error.silent {
                return;
            }
            let place = place::in_file(source, text, error.at);
            errors.push(source.error(place, error.message, error.help));
        })
        .ok()
}

fn verdict(text: &str) -> Option<Verdict> {
    [Verdict::Approve, Verdict::Hold, Verdict::Reject]
        .into_iter()
        .find(|verdict| verdict.as_str() == text)
}

fn reason(entry: &ReasonEntry, source: &Source, errors: &mut Vec<Diagnostic>) -> Reason {
    let ground = match entry
        .ground
        .as_ref()
        .map(|ground| (ground, ground.value.as_str()))
    {
        None | Some((_, "terms")) => Ground::Terms,
        Some((_, "legal")) => Ground::Legal,
        Some((ground, word)) => {
            let help = did_you_mean(word, ["terms", "legal"])
                .unwrap_or_else(|| "use `terms` or `legal`".into());
            errors.push(source.error(
                ground.place(),
                format!("unknown ground `{word}`"),
                Some(help),
            ));
            Ground::Terms
        }
    };
    if let Some(category) = &entry.category
        && !CATEGORIES.contains(&category.value.as_str())
    {
        errors.push(
            source.error(
                category.place(),
                format!("unknown category `{}`", category.value),
                did_you_mean(&category.value, CATEGORIES)
                    .or_else(|| Some("see the categories in the guide for rule authors".into())),
            ),
        );
    }
    Reason {
        code: entry.code.value.clone(),
        ground,
        reference: entry.reference.clone(),
        category: entry
            .category
            .as_ref()
            .map(|category| category.value.clone()),
    }
}

fn examples(rule: &RuleEntry) -> Vec<Example> {
    let of = |examples: &[Placed<ExampleEntry>], fires| -> Vec<Example> {
        examples
            .iter()
            .map(|example| Example {
                entry: example.value.clone(),
                fires,
                place: example.place(),
            })
            .collect()
    };
    let mut all = of(&rule.examples.fires, true);
    all.extend(of(&rule.examples.pass, false));
    all
}
