//! Parameters of reading requests, as the document describes them; `PageQuery` reads them.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

/// Declares parameters: their type's name, name, what they are, and their schema.
macro_rules! parameters {
    ($($type:ident $(<$($number:ident),+>)? $name:literal $about:literal $schema:expr;)*) => {
        $(
            #[doc = $about]
            pub(super) struct $type $(<$(const $number: usize),+>)?;

            impl $(<$(const $number: usize),+>)? IntoParams for $type $(<$($number),+>)? {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    vec![
                        ParameterBuilder::new()
                            .name($name)
                            .parameter_in(ParameterIn::Query)
                            .required(Required::False)
                            .description(Some($about))
                            .schema(Some($schema))
                            .build(),
                    ]
                }
            }
        )*
    };
}

parameters! {
    After "after" "`next` of the page before." of(Type::String);
    Limit<DEFAULT, MOST> "limit" "Entries of a page." of(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MOST))
        .default(Some(DEFAULT.into()));
    Shape "shape" "`flat`, or `nested` with the replies of each comment in `children`." of(Type::String)
        .enum_values(Some(["flat", "nested"]))
        .default(Some("flat".into()));
    AsOf "as_of" "Shows what was archived by then; needs a token with the role viewer." of(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    Paged "page" "Whether a page is asked for, rather than the collection." of(Type::Boolean);
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(kind))
}
