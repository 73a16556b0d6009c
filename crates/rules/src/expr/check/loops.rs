//! The macros over lists, which the parser expands to loops, told apart by the loop's step.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, operators};

use super::{Checked, Checker};
use crate::expr::ExprError;
use crate::expr::node::{Each, Gather, Node, Quantifier};
use crate::schema::{self, FACTS, Type};

/// What a loop does.
enum Loop<'e> {
    Each(Quantifier, &'e IdedExpr),
    Gather {
        keep: Option<&'e IdedExpr>,
        make: &'e IdedExpr,
    },
}

impl Checker<'_> {
    /// Compiles `exists`, `all`, `exists_one`, `map` and `filter`.
    pub(super) fn comprehension(&mut self, expr: &IdedExpr, all: &ComprehensionExpr) -> Checked {
        let Some(kind) = kind(all) else {
            return Err(self
                .error(expr, "this loop is not supported")
                .help("use `exists`, `all`, `exists_one`, `map` or `filter`"));
        };
        let (range, ty) = self.check(&all.iter_range)?;
        let Type::List(of) = ty else {
            return Err(self.error(&all.iter_range, format!("a loop takes a list, not {ty}")));
        };
        self.variable(&all.iter_range, &all.iter_var)?;
        self.locals.push((all.iter_var.clone(), (*of).clone()));
        let body = self.body(&kind, &all.iter_var, *of);
        self.locals.pop();
        let (keep, make, ty) = body?;
        let node = match (kind, keep) {
            (Loop::Each(quantifier, _), Some(condition)) => Node::Each(Box::new(Each {
                quantifier,
                list: range,
                condition,
            })),
            (_, keep) => Node::Gather(Box::new(Gather {
                list: range,
                keep,
                make,
            })),
        };
        Ok((node, ty))
    }

    /// Refuses a variable that hides what conditions can name.
    fn variable(&self, range: &IdedExpr, name: &str) -> Result<(), ExprError> {
        let group = format!("{name}.");
        let what = if self.env.macros.is_known(name) {
            "a macro"
        } else if schema::find(name).is_some()
            || FACTS.iter().any(|info| info.name.starts_with(&group))
        {
            "a fact"
        } else {
            return Ok(());
        };
        Err(self
            .error(range, format!("the variable `{name}` hides {what}"))
            .help("give the variable another name"))
    }

    /// Compiles a loop's condition and what it makes of each element, and tells the loop's type.
    fn body(
        &mut self,
        kind: &Loop<'_>,
        variable: &str,
        of: Type,
    ) -> Result<(Option<Node>, Option<Node>, Type), ExprError> {
        let what = "the condition of the loop";
        match kind {
            Loop::Each(_, condition) => {
                let condition = self.expect(condition, &Type::Bool, what)?;
                Ok((Some(condition), None, Type::Bool))
            }
            Loop::Gather { keep, make } => {
                let keep = keep
                    .map(|keep| self.expect(keep, &Type::Bool, what))
                    .transpose()?;
                if matches!(&make.expr, Expr::Ident(name) if name == variable) {
                    return Ok((keep, None, Type::List(Box::new(of))));
                }
                let (make, ty) = self.check(make)?;
                Ok((keep, Some(make), Type::List(Box::new(ty))))
            }
        }
    }
}

/// Returns what a loop does.
fn kind(all: &ComprehensionExpr) -> Option<Loop<'_>> {
    let Expr::Call(step) = &all.loop_step.expr else {
        return None;
    };
    match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_OR, [_, condition]) => Some(Loop::Each(Quantifier::Any, condition)),
        (operators::LOGICAL_AND, [_, condition]) => Some(Loop::Each(Quantifier::All, condition)),
        (operators::CONDITIONAL, [condition, _, _]) if matches!(&all.result.expr, Expr::Call(call) if call.func_name == operators::EQUALS) => {
            Some(Loop::Each(Quantifier::One, condition))
        }
        (operators::CONDITIONAL, [keep, add, _]) => Some(Loop::Gather {
            keep: Some(keep),
            make: made(add)?,
        }),
        (operators::ADD, _) => Some(Loop::Gather {
            keep: None,
            make: made(&all.loop_step)?,
        }),
        _ => None,
    }
}

/// Returns the element that a step adds to the list.
fn made(step: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(add) = &step.expr else {
        return None;
    };
    match add.args.as_slice() {
        [_, list] if add.func_name == operators::ADD => match &list.expr {
            Expr::List(list) => list.elements.first(),
            _ => None,
        },
        _ => None,
    }
}
