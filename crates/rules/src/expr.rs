//! Conditions: CEL expressions, parsed, checked and compiled when a rule set is loaded.
//!
//! The `cel` crate gives the parser alone.
//! Its interpreter would build a context per comment, compile a regular expression at every call
//! and could overflow the stack, so `check` compiles the parsed expression to our own typed form
//! and `eval` runs that within a budget of steps.
//! `limits` refuses what is too long or too deep before the parser sees it, and all parsing and
//! checking is done on a thread with a large stack ([`on_large_stack`]).

pub(crate) mod check;
pub(crate) mod eval;
pub(crate) mod functions;
mod limits;
pub(crate) mod macros;
pub(crate) mod members;
pub(crate) mod node;
pub(crate) mod place;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
pub(crate) mod value;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::Parser;

use crate::counter::Counter;
use crate::diagnostic::did_you_mean;
use crate::list::List;
use crate::schema::Type;
use macros::Macros;
use members::Members;
use node::{Condition, Node};
use trace::Marks;

/// Bytes of the stack on which expressions are parsed and checked: `limits` allows what needs a
/// small part of it.
const STACK: usize = 64 * 1024 * 1024;

/// What is wrong with an expression, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExprError {
    /// Characters before the place; bytes while the expression is being compiled, as the parser
    /// counts.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Not to be told: it follows from another error that is told.
    pub(crate) silent: bool,
}

impl ExprError {
    /// Makes an error that follows from another one.
    fn silent(at: usize) -> Self {
        Self {
            silent: true,
            ..Self::new(at, "a macro that it uses has errors")
        }
    }

    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
            silent: false,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Runs a job on a thread whose stack is large enough for the parser; `None` if the thread could
/// not be started or died.
pub(crate) fn on_large_stack<T: Send>(job: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("rules-compiler".into())
            .stack_size(STACK)
            .spawn_scoped(scope, job)
            .ok()?
            .join()
            .ok()
    })
}

/// What conditions can name, besides facts and functions.
pub(crate) struct Env<'c> {
    lists: &'c [List],
    counters: &'c [Arc<Counter>],
    macros: &'c Macros,
    members: RefCell<HashMap<u32, Arc<Members>>>,
}

impl<'c> Env<'c> {
    pub(crate) fn new(lists: &'c [List], counters: &'c [Arc<Counter>], macros: &'c Macros) -> Self {
        Self {
            lists,
            counters,
            macros,
            members: RefCell::default(),
        }
    }

    /// Returns a list's terms for whole texts; they are put together once for all conditions.
    fn members(&self, number: u32, list: &List) -> Arc<Members> {
        let mut members = self.members.borrow_mut();
        let made = members
            .entry(number)
            .or_insert_with(|| Arc::new(Members::new(number, list)));
        Arc::clone(made)
    }
}

/// Compiles a condition. Call it [`on_large_stack`].
pub(crate) fn compile(source: &str, env: &Env<'_>) -> Result<Condition, ExprError> {
    let (root, uses) =
        compile_by_bytes(source, env).map_err(|error| in_characters(source, error))?;
    Ok(Condition::new(root, uses))
}

/// Compiles a condition once more with marks around its operations. Call it [`on_large_stack`].
pub(crate) fn compile_to_trace(source: &str, env: &Env<'_>) -> Result<(Node, Marks), ExprError> {
    let (parsed, info) = parse(source)?;
    limits::after_parsing(&parsed, &info, env.macros)?;
    let mut checker = check::Checker::new(env, &info);
    checker.trace();
    let (root, _) = checker.check(&parsed)?;
    Ok((root, checker.marks()))
}

/// Counts an error's place in characters.
fn in_characters(source: &str, error: ExprError) -> ExprError {
    let before = source
        .char_indices()
        .take_while(|(at, _)| *at < error.at)
        .count();
    ExprError {
        at: before,
        ..error
    }
}

fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), ExprError> {
    limits::before_parsing(source)?;
    let (parsed, mut info) = Parser::new()
        .parse_with_source_info(source)
        .map_err(|errors| explain(source, &errors))?;
    info.source = source.to_owned();
    Ok((parsed, info))
}

/// Compiles a condition and names the macros that it uses.
fn compile_by_bytes(source: &str, env: &Env<'_>) -> Result<(Node, Vec<String>), ExprError> {
    let (parsed, info) = parse(source)?;
    limits::after_parsing(&parsed, &info, env.macros)?;
    let mut checker = check::Checker::new(env, &info);
    let (root, ty) = checker.check(&parsed)?;
    if ty != Type::Bool {
        return Err(
            ExprError::new(0, format!("the condition is of type {ty}, not bool"))
                .help("compare it with something, such as `> 3`"),
        );
    }
    let uses = macros::names(&parsed, |name| env.macros.is_known(name));
    Ok((root, uses))
}

/// Puts the parser's first error into few words.
fn explain(source: &str, errors: &cel::ParseErrors) -> ExprError {
    let Some(error) = errors.errors.first() else {
        return ExprError::new(0, "not a valid expression");
    };
    let line = usize::try_from(error.pos.0 - 1).unwrap_or(0);
    let column = usize::try_from(error.pos.1 - 1).unwrap_or(0);
    let before: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    // The grammar's errors count the columns in characters, those of macros in bytes.
    let syntax = error.msg.strip_prefix("Syntax error: ");
    let at = match syntax {
        Some(_) => source
            .get(before..)
            .unwrap_or_default()
            .chars()
            .take(column)
            .map(char::len_utf8)
            .sum(),
        None => column,
    };
    let at = (before + at).min(source.len());
    let rest = source.get(at..).unwrap_or_default();
    let simple = match syntax {
        None => error.msg.clone(),
        Some(message) if message.contains("'<EOF>'") || rest.is_empty() => {
            "the expression ends too early".to_owned()
        }
        Some(_) => {
            let word: String = rest
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .chars()
                .take(40)
                .collect();
            format!("`{word}` is not expected here")
        }
    };
    let mut found = ExprError::new(at, simple);
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
    found.help = match word.as_str() {
        "and" => Some("write `&&`".into()),
        "or" => Some("write `||`".into()),
        "not" => Some("write `!`".into()),
        _ if rest.starts_with('=') => Some("compare with `==`".into()),
        _ if rest.starts_with('&') || rest.starts_with('|') => Some("write `&&` or `||`".into()),
        _ => did_you_mean(&word, ["true", "false", "in"]),
    };
    found
}
