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
mod limits;
pub(crate) mod node;
pub(crate) mod place;
#[cfg(test)]
mod tests;

use cel::parser::Parser;

use crate::diagnostic::did_you_mean;
use crate::list::List;
use crate::schema::Type;
use node::Condition;

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
}

impl ExprError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
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

/// Compiles a condition. Call it [`on_large_stack`].
pub(crate) fn compile(source: &str, lists: &[List]) -> Result<Condition, ExprError> {
    compile_by_bytes(source, lists).map_err(|error| {
        let before = source
            .char_indices()
            .take_while(|(at, _)| *at < error.at)
            .count();
        ExprError {
            at: before,
            ..error
        }
    })
}

fn compile_by_bytes(source: &str, lists: &[List]) -> Result<Condition, ExprError> {
    limits::before_parsing(source)?;
    let (parsed, info) = Parser::new()
        .parse_with_source_info(source)
        .map_err(|errors| explain(source, &errors))?;
    limits::after_parsing(&parsed, &info)?;
    let mut checker = check::Checker::new(lists, &info);
    let (root, ty) = checker.check(&parsed)?;
    if ty != Type::Bool {
        return Err(
            ExprError::new(0, format!("the condition is of type {ty}, not bool"))
                .help("compare it with something, such as `> 3`"),
        );
    }
    Ok(Condition::new(root))
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
