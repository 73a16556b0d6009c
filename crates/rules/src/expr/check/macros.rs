//! The macros over lists, which the parser expands to loops, told apart by the loop's step.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, operators};

use super::{Checked, Checker};
use crate::expr::node::{Node, Quantifier};
use crate::schema::Type;

impl Checker<'_> {
    /// Compiles `exists`, `all` and `exists_one`.
    pub(super) fn comprehension(&mut self, expr: &IdedExpr, all: &ComprehensionExpr) -> Checked {
        let Some((quantifier, condition)) = quantified(all) else {
            return Err(self
                .error(expr, "`map` and `filter` are not supported")
                .help("use `exists`, `all` or `exists_one`"));
        };
        let (range, ty) = self.check(&all.iter_range)?;
        let Type::List(of) = ty else {
            return Err(self.error(&all.iter_range, format!("a loop takes a list, not {ty}")));
        };
        self.locals.push((all.iter_var.clone(), *of));
        let condition = self.expect(condition, &Type::Bool, "the condition of the loop");
        self.locals.pop();
        Ok((
            Node::Each(quantifier, Box::new([range, condition?])),
            Type::Bool,
        ))
    }
}

/// Returns which macro a loop comes from, and its condition.
fn quantified(all: &ComprehensionExpr) -> Option<(Quantifier, &IdedExpr)> {
    let Expr::Call(step) = &all.loop_step.expr else {
        return None;
    };
    match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_OR, [_, condition]) => Some((Quantifier::Any, condition)),
        (operators::LOGICAL_AND, [_, condition]) => Some((Quantifier::All, condition)),
        (operators::CONDITIONAL, [condition, _, _]) if matches!(&all.result.expr, Expr::Call(call) if call.func_name == operators::EQUALS) => {
            Some((Quantifier::One, condition))
        }
        _ => None,
    }
}
