//! The functions whose arguments are all evaluated before them.
//!
//! They spend steps for what they look through, and pay for a text before they make it.

pub(crate) mod numbers;
pub(crate) mod text;

use crate::schema::{Kind, Overload, Run, Scalar};

const BOOL: Kind = Kind::One(Scalar::Bool);
const INT: Kind = Kind::One(Scalar::Int);
const DOUBLE: Kind = Kind::One(Scalar::Double);
const STRING: Kind = Kind::One(Scalar::String);
const DURATION: Kind = Kind::One(Scalar::Duration);
const TIMESTAMP: Kind = Kind::One(Scalar::Timestamp);
const STRINGS: Kind = Kind::List(Scalar::String);

/// Called on its first argument.
const fn method(takes: &'static [Kind], gives: Kind, run: Run) -> Overload {
    Overload {
        method: true,
        takes,
        gives,
        run,
    }
}

/// Called with its arguments in brackets.
const fn global(takes: &'static [Kind], gives: Kind, run: Run) -> Overload {
    Overload {
        method: false,
        takes,
        gives,
        run,
    }
}
