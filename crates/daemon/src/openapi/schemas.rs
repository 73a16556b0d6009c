//! The schemas of a document: those that routes declare, and those that they refer to.

use serde_json::{Map, Value, json};

/// What comes before a schema's name in a reference.
const SCHEMAS: &str = "#/components/schemas/";

/// Takes the schemas that the routes declare.
pub(super) fn declared(document: &mut Value) -> Map<String, Value> {
    let schemas = document.pointer_mut("/components/schemas").map(Value::take);
    let Some(Value::Object(mut schemas)) = schemas else {
        return Map::new();
    };
    // What only refers to itself stands for what is described elsewhere.
    schemas.retain(|name, schema| name_in(schema) != Some(name));
    schemas
}

/// Lets fields be left out where a part of an object is optional: `flatten` of an `Option`.
pub(super) fn loosen(schemas: &mut Map<String, Value>) {
    let known = schemas.clone();
    let parts = schemas.values_mut().filter_map(|schema| {
        let parts = schema.get_mut("allOf")?;
        parts.as_array_mut()
    });
    for part in parts.flatten() {
        if let Some(given) = nullable(part) {
            *part = optional(given, &known);
        }
    }
}

/// Adds the schemas that are referred to, and those that these refer to.
pub(super) fn resolve(
    schemas: &mut Map<String, Value>,
    document: &Value,
    known: &Map<String, Value>,
) {
    let mut wanted = Vec::new();
    referred(document, &mut wanted);
    for schema in schemas.values() {
        referred(schema, &mut wanted);
    }
    while let Some(name) = wanted.pop() {
        if !schemas.contains_key(&name)
            && let Some(schema) = known.get(&name)
        {
            referred(schema, &mut wanted);
            schemas.insert(name, schema.clone());
        }
    }
    schemas.sort_keys();
}

/// The name of the schema that a value refers to, if it does.
fn name_in(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// Collects the names of the schemas that a value refers to.
fn referred(value: &Value, into: &mut Vec<String>) {
    into.extend(name_in(value).map(str::to_owned));
    match value {
        Value::Object(fields) => fields.values().for_each(|value| referred(value, into)),
        Value::Array(values) => values.iter().for_each(|value| referred(value, into)),
        _ => {}
    }
}

/// What a part is beside null, if it may be that.
fn nullable(part: &Value) -> Option<&Value> {
    let choices = part.get("oneOf")?.as_array()?;
    let null = json!({"type": "null"});
    let given = choices.iter().find(|choice| **choice != null)?;
    choices.contains(&null).then_some(given)
}

/// A schema of which all fields may be left out.
fn optional(schema: &Value, known: &Map<String, Value>) -> Value {
    let named = name_in(schema).and_then(|name| known.get(name));
    let mut schema = named.unwrap_or(schema).clone();
    if let Value::Object(fields) = &mut schema {
        fields.remove("required");
        fields.remove("description");
        let parts = fields.get_mut("allOf").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            *part = optional(nullable(part).unwrap_or(part), known);
        }
    }
    schema
}
