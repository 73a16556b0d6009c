//! What events say, as documents of HTTP interfaces refer to it: `#/components/schemas/<name>`.
//!
//! The schemas are those of [`crate::schema`]; no type is described twice.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::event::{Data, Kind};
use crate::schema;
use crate::{
    AppealOutcome, Attribution, AuthorRole, Code, CommentPolicy, Decision, ErasureScope, Event,
    FiredRule, Format, ReportReason, Sanction, Span, Statement, Time, Verdict,
};

/// What comes before a name in a reference.
const SCHEMAS: &str = "/components/schemas";

/// Declares the types that answers over HTTP have in common with events.
macro_rules! shared {
    ($($shared:ty),* $(,)?) => {
        $(
            impl PartialSchema for $shared {
                fn schema() -> RefOr<Schema> {
                    Ref::from_schema_name(<$shared as JsonSchema>::schema_name()).into()
                }
            }

            impl ToSchema for $shared {
                fn name() -> Cow<'static, str> {
                    <$shared as JsonSchema>::schema_name()
                }
            }
        )*

        fn declare(generator: &mut SchemaGenerator) {
            $( generator.subschema_for::<$shared>(); )*
        }
    };
}

shared![
    AppealOutcome,
    Attribution,
    AuthorRole,
    Code,
    CommentPolicy,
    Decision,
    ErasureScope,
    FiredRule,
    Format,
    ReportReason,
    Sanction,
    Span,
    Statement,
    Time,
    Verdict,
];

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name("Event").into()
    }
}

impl ToSchema for Event {}

/// Generates the schemas of all that events say, by name; `Event` is any that platforms publish.
pub fn schemas() -> Map<String, Value> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = SCHEMAS.into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    declare(&mut generator);
    let mut events = Map::new();
    let mut inbound = Vec::new();
    for kind in Kind::ALL {
        let payload = Data::schema_in(*kind, &mut generator).to_value();
        let name = format!("{}Event", title(*kind));
        if kind.is_inbound() {
            inbound.push(json!({"$ref": format!("#{SCHEMAS}/{name}")}));
        }
        events.insert(name, schema::envelope(*kind, &payload).into());
    }
    let mut schemas = generator.take_definitions(true);
    schemas.extend(events);
    schemas.insert(
        "Event".to_owned(),
        json!({
            "description": "An event that platforms publish: CloudEvents 1.0, structured.",
            "oneOf": inbound,
        }),
    );
    schemas
}

/// Writes `comment.submitted` as `CommentSubmitted`.
fn title(kind: Kind) -> String {
    let words = kind.short().split(['.', '_']);
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Collects where references lead.
    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if key == "$ref" => into.push(text.clone()),
                        value => references(value, into),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, into)),
            _ => {}
        }
    }

    #[test]
    fn references_lead_to_schemas() {
        let schemas = schemas();
        let mut found = Vec::new();
        references(&schemas.clone().into(), &mut found);
        assert!(found.len() > Kind::ALL.len());
        for reference in found {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(schemas.contains_key(name), "{reference}");
        }
        for name in [Verdict::name(), Time::name(), Event::name()] {
            assert!(schemas.contains_key(&*name), "{name}");
        }
    }
}
