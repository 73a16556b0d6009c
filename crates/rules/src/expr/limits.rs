//! How long and how deep an expression may be.
//!
//! The parser recurses, and so do the checker, the evaluation and the dropping of the tree, so
//! depth is bounded before any of them runs.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, SourceInfo};

use super::ExprError;
use super::macros::Macros;

/// Bytes of one expression.
const BYTES: usize = 8 * 1024;

/// Tokens of one expression.
const TOKENS: usize = 2_000;

/// Brackets inside each other, and signs (`!`, `-`) or `?` in a row.
const NESTING: usize = 32;

/// Levels of the parsed tree: a sum of 100 terms has 100.
const DEPTH: usize = 100;

/// Nodes of the parsed tree.
const NODES: usize = 4_000;

/// Refuses what is too large for the parser.
pub(crate) fn before_parsing(source: &str) -> Result<(), ExprError> {
    if source.trim().is_empty() {
        return Err(ExprError::new(0, "the expression is empty").help("write a condition"));
    }
    let split = "split the rule into several, or put values into a list";
    if source.len() > BYTES {
        return Err(
            ExprError::new(0, format!("the expression is longer than {BYTES} bytes")).help(split),
        );
    }
    let mut tokens = 0;
    let mut open = 0_usize;
    let mut signs = 0_usize;
    let mut choices = 0_usize;
    let mut in_word = false;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in source.char_indices() {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == end {
                quote = None;
            }
            continue;
        }
        let word = c.is_alphanumeric() || c == '_';
        tokens += usize::from(!(c.is_whitespace() || word && in_word));
        in_word = word;
        match c {
            '"' | '\'' => quote = Some(c),
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        signs = if matches!(c, '!' | '-') {
            signs + 1
        } else if c.is_whitespace() {
            signs
        } else {
            0
        };
        if open > NESTING || signs > NESTING || choices > NESTING {
            return Err(ExprError::new(
                at,
                format!("more than {NESTING} levels inside each other"),
            )
            .help(split));
        }
        if tokens > TOKENS {
            return Err(
                ExprError::new(at, format!("more than {TOKENS} words and signs")).help(split),
            );
        }
    }
    Ok(())
}

/// How large an expression is with the macros that it uses put in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// Operations.
    pub(crate) nodes: usize,
    /// Operations inside each other.
    pub(crate) depth: usize,
}

/// Refuses what is too large for the checker, macros put in. It does not recurse.
pub(crate) fn after_parsing(
    root: &IdedExpr,
    info: &SourceInfo,
    macros: &Macros,
) -> Result<Extent, ExprError> {
    let mut extent = Extent::default();
    let mut rest = vec![(root, 1)];
    while let Some((expr, depth)) = rest.pop() {
        let used = match &expr.expr {
            Expr::Ident(name) => macros.extent(name).map(|extent| (name, extent)),
            _ => None,
        };
        let inner = used.map(|(_, extent)| extent).unwrap_or_default();
        extent.nodes = extent.nodes.saturating_add(1 + inner.nodes);
        extent.depth = extent.depth.max(depth + inner.depth);
        let at = info
            .offset_for(expr.id)
            .map_or(0, |(start, _)| start as usize);
        let put_in = used.map_or(String::new(), |(name, _)| {
            format!(" with the macro {} put in", macros.chain(name))
        });
        let help = if used.is_some() {
            "use fewer macros inside each other"
        } else {
            "split the rule into several"
        };
        if extent.depth > DEPTH {
            return Err(ExprError::new(
                at,
                format!("more than {DEPTH} operations inside each other{put_in}"),
            )
            .help(help));
        }
        if extent.nodes > NODES {
            return Err(
                ExprError::new(at, format!("more than {NODES} operations{put_in}")).help(help),
            );
        }
        children(expr, |child| rest.push((child, depth + 1)));
    }
    Ok(extent)
}

/// Hands out the operands of an expression.
pub(crate) fn children<'e>(expr: &'e IdedExpr, mut add: impl FnMut(&'e IdedExpr)) {
    match &expr.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => add(&select.operand),
        Expr::Call(call) => {
            call.target.iter().for_each(|target| add(target));
            call.args.iter().for_each(add);
        }
        Expr::List(list) => list.elements.iter().for_each(add),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    add(&entry.key);
                    add(&entry.value);
                }
            }
        }
        Expr::Struct(object) => {
            for entry in &object.entries {
                if let EntryExpr::StructField(entry) = &entry.expr {
                    add(&entry.value);
                }
            }
        }
        Expr::Comprehension(all) => {
            for child in [
                &all.iter_range,
                &all.accu_init,
                &all.loop_cond,
                &all.loop_step,
                &all.result,
            ] {
                add(child);
            }
        }
    }
}
