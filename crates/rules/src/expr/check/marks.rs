//! Marks around the operations of a condition that is to be traced, each with its source.

use cel::IdedExpr;
use cel::common::ast::Expr;

use super::Checker;
use crate::expr::trace::Mark;

impl Checker<'_> {
    /// Opens a mark, if the condition is traced and the operation is worth one: a literal says
    /// itself what it is.
    pub(super) fn open(&mut self, expr: &IdedExpr) -> Option<u32> {
        self.marks.as_ref()?;
        let is_macro = match &expr.expr {
            Expr::Literal(_) => return None,
            Expr::Ident(name) => {
                self.env.macros.is_known(name)
                    && !self
                        .locals
                        .iter()
                        .skip(self.visible)
                        .any(|(local, _)| local == name)
            }
            _ => false,
        };
        let source = self.source(expr);
        let marks = self.marks.as_mut()?;
        let number = u32::try_from(marks.all.len()).ok()?;
        marks.all.push(Mark {
            depth: marks.depth,
            source,
            is_macro,
        });
        marks.depth += 1;
        Some(number)
    }

    pub(super) fn close(&mut self) {
        if let Some(marks) = &mut self.marks {
            marks.depth = marks.depth.saturating_sub(1);
        }
    }

    /// Returns an operation's source text.
    fn source(&self, expr: &IdedExpr) -> String {
        let (start, end) = self.extent(expr);
        let text = self.info.source.as_str();
        let (start, end) = balanced(text, start, end);
        let text = text.get(start..end).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the first and the last byte that belong to an operation's words, in so far as the
    /// parser tells: brackets around operands are left out.
    fn extent(&self, expr: &IdedExpr) -> (usize, usize) {
        let (own_start, own_end) = self
            .info
            .offset_for(expr.id)
            .map_or((usize::MAX, 0), |(start, end)| {
                (start as usize, end as usize + 1)
            });
        let mut children: Vec<&IdedExpr> = Vec::new();
        match &expr.expr {
            Expr::Select(select) => children.push(&select.operand),
            Expr::Call(call) => {
                children.extend(call.target.as_deref());
                children.extend(&call.args);
            }
            Expr::List(list) => children.extend(&list.elements),
            Expr::Comprehension(all) => {
                children.push(&all.iter_range);
                children.push(&all.loop_step);
            }
            _ => {}
        }
        let mut start = own_start;
        let mut end = own_end;
        for child in children {
            let (first, last) = self.extent(child);
            start = start.min(first);
            end = end.max(last);
        }
        if let Expr::Select(select) = &expr.expr {
            end = self.field_end(end, &select.field);
        }
        (start, end)
    }

    /// Returns where a field's name ends that stands from a place on.
    fn field_end(&self, from: usize, field: &str) -> usize {
        let rest = self.info.source.get(from..).unwrap_or_default();
        match rest.find(field) {
            Some(at)
                if rest
                    .get(..at)
                    .is_some_and(|between| between.trim_matches(['.', ' ', '\n']).is_empty()) =>
            {
                from + at + field.len()
            }
            _ => from,
        }
    }
}

/// Widens a piece of source text until its brackets are closed, and takes the name of a function
/// before an opening bracket along.
fn balanced(text: &str, start: usize, end: usize) -> (usize, usize) {
    let end = end.min(text.len());
    let mut start = start.min(end);
    let (closed, open) = brackets(text.get(start..end).unwrap_or_default());
    let mut end = end;
    for _ in 0..open {
        let rest = text.get(end..).unwrap_or_default();
        let Some(length) = closing(rest) else { break };
        end += length;
    }
    for _ in 0..closed {
        let before = text.get(..start).unwrap_or_default();
        let Some(at) = before.rfind(['(', '[']) else {
            break;
        };
        start = at;
    }
    let is_call = text.get(start..).is_some_and(|rest| rest.starts_with('('));
    if is_call {
        let before = text.get(..start).unwrap_or_default();
        let name = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        start = if before.is_char_boundary(name) {
            name
        } else {
            start
        };
    }
    (start, end)
}

/// Counts the brackets of a piece that are closed before they are opened, and those left open.
fn brackets(text: &str) -> (usize, usize) {
    let (mut closed, mut open) = (0, 0_usize);
    for c in outside_of_quotes(text).map(|(_, c)| c) {
        match c {
            '(' | '[' => open += 1,
            ')' | ']' if open > 0 => open -= 1,
            ')' | ']' => closed += 1,
            _ => {}
        }
    }
    (closed, open)
}

/// Returns how many bytes it is to behind the bracket that closes what is open.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, c) in outside_of_quotes(text) {
        match c {
            '(' | '[' => open += 1,
            ')' | ']' if open > 0 => open -= 1,
            ')' | ']' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn outside_of_quotes(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut quote = None;
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if *c == '\\' {
                escaped = true;
            } else if *c == end {
                quote = None;
            }
            return false;
        }
        if matches!(c, '"' | '\'') {
            quote = Some(*c);
            return false;
        }
        true
    })
}
