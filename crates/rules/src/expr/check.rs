//! Type checking and compiling of parsed expressions.

mod calls;
mod loops;
mod marks;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};

use super::macros::State;
use super::node::{Arithmetic, Comparison, Node};
use super::trace::Marks;
use super::value::literal;
use super::{Env, ExprError};
use crate::diagnostic::did_you_mean;
use crate::schema::{self, FACTS, Type};

pub(crate) use calls::parse_duration;

type Checked = Result<(Node, Type), ExprError>;

/// Compiles one expression.
pub(crate) struct Checker<'c> {
    env: &'c Env<'c>,
    /// Where the parts of the expression, or of the macro that is being compiled, stand.
    info: &'c SourceInfo,
    /// The variables of the loops around, innermost last.
    locals: Vec<(String, Type)>,
    /// The first local that can be named: a macro sees none of its user's.
    visible: usize,
    /// Set if the condition is to be traced.
    marks: Option<Marks>,
}

impl<'c> Checker<'c> {
    pub(crate) fn new(env: &'c Env<'c>, info: &'c SourceInfo) -> Self {
        Self {
            env,
            info,
            locals: Vec::new(),
            visible: 0,
            marks: None,
        }
    }

    /// Puts marks around operations from now on.
    pub(crate) fn trace(&mut self) {
        self.marks = Some(Marks::default());
    }

    /// Returns the marks.
    pub(crate) fn marks(self) -> Marks {
        self.marks.unwrap_or_default()
    }

    /// Compiles an expression and tells its type. The depth of recursion is bounded by `limits`.
    pub(crate) fn check(&mut self, expr: &IdedExpr) -> Checked {
        let Some(mark) = self.open(expr) else {
            return self.plain(expr);
        };
        let checked = self.plain(expr);
        self.close();
        checked.map(|(node, ty)| (Node::Mark(mark, Box::new(node)), ty))
    }

    fn plain(&mut self, expr: &IdedExpr) -> Checked {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::List(list) => self.list(&list.elements),
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(all) => self.comprehension(expr, all),
            Expr::Map(_) => Err(self.error(expr, "maps are not supported")),
            Expr::Struct(_) => Err(self.error(expr, "objects are not supported")),
            Expr::Unspecified => Err(self.error(expr, "not a valid expression")),
        }
    }

    /// Compiles an expression that must have one type.
    fn expect(&mut self, expr: &IdedExpr, wanted: &Type, what: &str) -> Result<Node, ExprError> {
        let (node, ty) = self.check(expr)?;
        if ty.join(wanted).is_some() {
            return Ok(node);
        }
        let error = self.error(expr, format!("{what} is of type {ty}, not {wanted}"));
        Err(match (&ty, wanted) {
            (Type::Int | Type::Double, Type::Bool) => error.help("compare it, such as `> 0`"),
            (Type::String, Type::Bool) => error.help("compare it, such as `!= \"\"`"),
            (Type::List(_), Type::Bool) => error.help("compare its size, such as `.size() > 0`"),
            _ => error,
        })
    }

    fn error(&self, expr: &IdedExpr, message: impl Into<String>) -> ExprError {
        ExprError::new(self.start(expr), message)
    }

    /// Returns where an expression begins; the parser places an operation at its operator.
    fn start(&self, expr: &IdedExpr) -> usize {
        let own = self
            .info
            .offset_for(expr.id)
            .map_or(usize::MAX, |(start, _)| start as usize);
        let first = match &expr.expr {
            Expr::Select(select) => Some(select.operand.as_ref()),
            Expr::Call(call) => call.target.as_deref().or(call.args.first()),
            Expr::Comprehension(all) => Some(&all.iter_range),
            _ => None,
        };
        let start = first.map_or(own, |first| own.min(self.start(first)));
        if start == usize::MAX { 0 } else { start }
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Checked {
        Ok(match literal {
            LiteralValue::Boolean(value) => (Node::Bool(*value.inner()), Type::Bool),
            LiteralValue::Int(value) => (Node::Int(*value.inner()), Type::Int),
            LiteralValue::Double(value) => (Node::Double(*value.inner()), Type::Double),
            LiteralValue::String(value) => (Node::String(value.inner().into()), Type::String),
            LiteralValue::UInt(_) => {
                return Err(self
                    .error(expr, "unsigned numbers are not supported")
                    .help("leave out the `u`"));
            }
            LiteralValue::Null => {
                return Err(self
                    .error(expr, "`null` is not supported")
                    .help("ask `has(fact)` whether a fact is there"));
            }
            LiteralValue::Bytes(_) => return Err(self.error(expr, "bytes are not supported")),
        })
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) -> Checked {
        let locals = self.locals.iter().enumerate().skip(self.visible);
        if let Some((index, (_, ty))) = locals.rev().find(|(_, (local, _))| local == name) {
            return Ok((Node::Local(index), ty.clone()));
        }
        match self.env.macros.state(name) {
            None => self.fact(expr, name),
            Some(State::Failed) => Err(ExprError::silent(self.start(expr))),
            Some(State::Ready(body)) => {
                // `limits` counts a macro's size and depth wherever it is used.
                let mut inner = Checker {
                    env: self.env,
                    info: &body.info,
                    locals: std::mem::take(&mut self.locals),
                    visible: 0,
                    marks: self.marks.take(),
                };
                inner.visible = inner.locals.len();
                let checked = inner.check(&body.root);
                let (locals, marks) = (inner.locals, inner.marks);
                self.locals = locals;
                self.marks = marks;
                // What is wrong with a macro is told once, where it stands.
                checked.map_err(|_| ExprError::silent(self.start(expr)))
            }
        }
    }

    fn fact(&self, expr: &IdedExpr, name: &str) -> Checked {
        if let Some(info) = schema::find(name) {
            return Ok((Node::Fact(info), info.ty()));
        }
        let at = self.start(expr);
        let group = format!("{name}.");
        if let Some(info) = FACTS.iter().find(|info| info.name.starts_with(&group)) {
            return Err(ExprError::new(at, format!("`{name}` is a group of facts"))
                .help(format!("name one of them, such as `{}`", info.name)));
        }
        let mut error = ExprError::new(at, format!("unknown fact `{name}`"));
        let tails = |group: &str| -> Vec<&'static str> {
            FACTS
                .iter()
                .filter_map(|info| info.name.strip_prefix(group)?.strip_prefix('.'))
                .collect()
        };
        error.help = match name.split_once('.') {
            Some((group, tail)) if !tails(group).is_empty() => did_you_mean(tail, tails(group))
                .map(|help| help.replacen('`', &format!("`{group}."), 1))
                .or_else(|| Some(format!("`{group}` has {}", tails(group).join(", ")))),
            _ => did_you_mean(
                name,
                FACTS
                    .iter()
                    .map(|info| info.name)
                    .chain(["true", "false"])
                    .chain(self.env.macros.names()),
            ),
        };
        Err(error)
    }

    fn select(&self, expr: &IdedExpr, select: &SelectExpr) -> Checked {
        let Some(mut name) = dotted(&select.operand) else {
            return Err(self.error(expr, format!("there is no field `{}` here", select.field)));
        };
        name.push('.');
        name.push_str(&select.field);
        if !select.test {
            return self.fact(expr, &name);
        }
        match self.fact(&select.operand, &name)? {
            (Node::Fact(info), _) => Ok((Node::Has(info), Type::Bool)),
            _ => Err(self.error(expr, "has() takes a fact")),
        }
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Checked {
        let mut nodes = Vec::with_capacity(elements.len());
        let mut of = Type::Any;
        for element in elements {
            let (node, ty) = self.check(element)?;
            of = of.join(&ty).ok_or_else(|| {
                self.error(
                    element,
                    format!("a list of {of} has an element of type {ty}"),
                )
                .help("all elements of a list have one type")
            })?;
            nodes.push(node);
        }
        let constant = nodes.iter().all(|node| literal(node).is_some());
        let node = if constant {
            Node::List(nodes)
        } else {
            Node::Build(nodes)
        };
        Ok((node, Type::List(Box::new(of))))
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [_, _]) => {
                let mut operands = Vec::new();
                self.logic(operators::LOGICAL_AND, expr, &mut operands)?;
                Ok((Node::And(operands), Type::Bool))
            }
            (operators::LOGICAL_OR, [_, _]) => {
                let mut operands = Vec::new();
                self.logic(operators::LOGICAL_OR, expr, &mut operands)?;
                Ok((Node::Or(operands), Type::Bool))
            }
            (operators::LOGICAL_NOT, [operand]) => {
                let operand = self.expect(operand, &Type::Bool, "what `!` negates")?;
                Ok((Node::Not(Box::new(operand)), Type::Bool))
            }
            (operators::CONDITIONAL, [test, yes, no]) => {
                let test = self.expect(test, &Type::Bool, "the condition before `?`")?;
                let (yes, yes_type) = self.check(yes)?;
                let (no_node, no_type) = self.check(no)?;
                let ty = yes_type.join(&no_type).ok_or_else(|| {
                    self.error(
                        no,
                        format!("what follows `:` is of type {no_type}, not {yes_type}"),
                    )
                })?;
                Ok((Node::Choose(Box::new([test, yes, no_node])), ty))
            }
            (operators::NEGATE, [operand]) => {
                let (node, ty) = self.check(operand)?;
                match (node, ty) {
                    (Node::Int(value), ty) if value != i64::MIN => Ok((Node::Int(-value), ty)),
                    (node, ty @ (Type::Int | Type::Double)) => {
                        Ok((Node::Negate(Box::new(node)), ty))
                    }
                    (_, ty) => Err(self.error(operand, format!("`-` takes a number, not {ty}"))),
                }
            }
            (operators::IN, [item, list]) => self.within(expr, item, list),
            (operators::INDEX, [list, index]) => {
                let (list_node, ty) = self.check(list)?;
                let Type::List(of) = ty else {
                    return Err(self.error(list, format!("`[…]` takes a list, not {ty}")));
                };
                let index = self.expect(index, &Type::Int, "the index")?;
                Ok((Node::Index(Box::new([list_node, index])), *of))
            }
            (name, [left, right]) => {
                if let Some(comparison) = comparison(name) {
                    self.compare(expr, comparison, left, right)
                } else if let Some(arithmetic) = arithmetic(name) {
                    self.arithmetic(expr, arithmetic, left, right)
                } else {
                    self.function(expr, call)
                }
            }
            _ => self.function(expr, call),
        }
    }

    /// Flattens a tree of `&&` or of `||`, which the parser balances.
    fn logic(
        &mut self,
        operator: &str,
        expr: &IdedExpr,
        operands: &mut Vec<Node>,
    ) -> Result<(), ExprError> {
        if let Expr::Call(call) = &expr.expr
            && call.func_name == operator
        {
            for argument in &call.args {
                self.logic(operator, argument, operands)?;
            }
            return Ok(());
        }
        let sign = if operator == operators::LOGICAL_AND {
            "&&"
        } else {
            "||"
        };
        operands.push(self.expect(expr, &Type::Bool, &format!("an operand of `{sign}`"))?);
        Ok(())
    }

    fn within(&mut self, expr: &IdedExpr, item: &IdedExpr, list: &IdedExpr) -> Checked {
        let (item_node, item_type) = self.check(item)?;
        let (list_node, list_type) = self.check(list)?;
        let Type::List(of) = &list_type else {
            return Err(self
                .error(list, format!("`in` takes a list, not {list_type}"))
                .help(
                    "for a word list use `.hits(\"list\")`, for a part of a text `.contains(…)`",
                ));
        };
        if of.join(&item_type).is_none() {
            return Err(self.error(
                expr,
                format!("a value of type {item_type} is never in a {list_type}"),
            ));
        }
        Ok((Node::In(Box::new([item_node, list_node])), Type::Bool))
    }

    fn compare(
        &mut self,
        expr: &IdedExpr,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Checked {
        let (left_node, left_type) = self.check(left)?;
        let (right_node, right_type) = self.check(right)?;
        let numbers = |ty: &Type| matches!(ty, Type::Int | Type::Double);
        let alike =
            left_type.join(&right_type).is_some() || numbers(&left_type) && numbers(&right_type);
        let ordered = matches!(
            left_type,
            Type::Bool | Type::Int | Type::Double | Type::String | Type::Duration | Type::Timestamp
        );
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if alike && (ordered || equality && matches!(left_type, Type::List(_))) {
            return Ok((
                Node::Compare(comparison, Box::new([left_node, right_node])),
                Type::Bool,
            ));
        }
        let error = if alike {
            self.error(
                expr,
                format!("values of type {left_type} can't be compared so"),
            )
        } else {
            self.error(
                expr,
                format!("{left_type} can't be compared with {right_type}"),
            )
        };
        Err(match (&left_type, &right_type) {
            (Type::Duration, _) | (_, Type::Duration) if !alike => {
                error.help("write a length of time as `duration(\"24h\")`")
            }
            (Type::Timestamp, _) | (_, Type::Timestamp) if !alike => {
                error.help("write a time as `timestamp(\"2026-01-01T00:00:00Z\")`")
            }
            (Type::List(_), _) | (_, Type::List(_)) => error.help("compare `.size()`, or use `in`"),
            _ => error,
        })
    }

    fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        operation: Arithmetic,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Checked {
        use Arithmetic::{Add, Remainder, Subtract};
        let (left_node, left_type) = self.check(left)?;
        let (right_node, right_type) = self.check(right)?;
        let result = match (&left_type, operation, &right_type) {
            (Type::List(_), Add, Type::List(_)) => left_type.join(&right_type),
            (Type::Double, Remainder, Type::Double) => None,
            (Type::Int, _, Type::Int)
            | (Type::Double, _, Type::Double)
            | (Type::String, Add, Type::String)
            | (Type::Duration | Type::Timestamp, Add | Subtract, Type::Duration) => {
                Some(left_type.clone())
            }
            (Type::Duration, Add, Type::Timestamp) => Some(Type::Timestamp),
            (Type::Timestamp, Subtract, Type::Timestamp) => Some(Type::Duration),
            _ => None,
        };
        let Some(result) = result else {
            let error = self.error(
                expr,
                format!(
                    "`{}` does not take {left_type} and {right_type}",
                    sign(operation)
                ),
            );
            let mixed = matches!(
                (&left_type, &right_type),
                (Type::Int, Type::Double) | (Type::Double, Type::Int)
            );
            return Err(if mixed {
                error.help("convert one with `double(…)` or `int(…)`")
            } else {
                error
            });
        };
        Ok((
            Node::Arithmetic(operation, Box::new([left_node, right_node])),
            result,
        ))
    }
}

/// Returns the dotted name that an expression spells, if it spells one.
fn dotted(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            let mut name = dotted(&select.operand)?;
            name.push('.');
            name.push_str(&select.field);
            Some(name)
        }
        _ => None,
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}

fn sign(operation: Arithmetic) -> &'static str {
    match operation {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
    }
}
