//! The documents in `docs/openapi/` are what the routes say, and say what an integrator needs.
//!
//! `UPDATE=1 cargo test -p stoa openapi` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Map;

use super::*;

/// Every listener: the role, which one, and its document.
fn listeners() -> Vec<(Role, &'static str, Value)> {
    let of = |role: Role| {
        let names = ["public", "admin"];
        names
            .into_iter()
            .zip(documents(role))
            .map(move |(name, document)| (role, name, document))
    };
    Role::ALL.into_iter().flat_map(of).collect()
}

/// The operations of a document, by method and path.
fn operations(document: &Value) -> Vec<(String, &Map<String, Value>)> {
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let operation = operation.as_object().unwrap();
            operations.push((format!("{method} {path}"), operation));
        }
    }
    operations
}

#[test]
fn files_are_what_the_routes_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi");
    let mut names = BTreeSet::new();
    for (role, name, document) in listeners() {
        let file = format!("{}-{name}.json", role.name());
        let expected = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
        let path = folder.join(&file);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == expected,
            "docs/openapi/{file} is not what the routes say; run UPDATE=1 cargo test -p stoa openapi"
        );
        names.insert(file);
    }
    let found = fs::read_dir(&folder).unwrap();
    let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), names);
}

#[test]
fn every_operation_says_what_it_does_and_answers() {
    for (role, name, document) in listeners() {
        let mut ids = BTreeSet::new();
        for (which, operation) in operations(&document) {
            let which = format!("{} {name}: {which}", role.name());
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{which} has no summary");
            assert!(!summary.contains('`'), "{which}: {summary}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{which}: {id} is there twice");
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{which}"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses
                    .keys()
                    .any(|status| status.starts_with(['2', '3'])),
                "{which} has no answer"
            );
            let is_process = operation["tags"][0] == "process";
            assert_eq!(responses.contains_key("500"), !is_process, "{which}");
            if operation.contains_key("x-role") {
                assert!(responses.contains_key("403"), "{which}");
            }
            // Nobody gets into an admin listener's own routes without a token.
            let is_open = is_process || name == "public";
            assert!(
                is_open || operation.contains_key("x-role"),
                "{which} needs no role"
            );
        }
    }
}

/// What is of no shape that could be said here, and why.
const ANY: &[(&str, &str)] = &[
    ("get_openapi", "a document of OpenAPI"),
    (
        "publish_events",
        "an event whose attributes are headers: its data",
    ),
    ("take_webhook", "what a platform sends"),
    ("GoogleErrorDetail", "details of an error of Google's"),
    ("_moderation", "what moderation-rules takes and answers"),
    ("read_archive", "what the archive answers"),
    ("_activity", "ActivityStreams 2.0"),
    ("get_comment_replies", "ActivityStreams 2.0"),
    ("page_of_comment", "ActivityStreams 2.0"),
    ("page_of_thread", "ActivityStreams 2.0"),
    ("OtherEvent", "an event of another kind: its data"),
];

/// Whether a schema lets any object through.
fn is_bare(schema: &Map<String, Value>) -> bool {
    let kind = schema.get("type");
    let is_object = kind.is_some_and(|kind| {
        let kinds = kind.as_array();
        kind == "object" || kinds.is_some_and(|kinds| kinds.contains(&"object".into()))
    });
    let says = ["properties", "allOf", "oneOf", "anyOf"];
    let says_more = says.iter().any(|key| schema.contains_key(*key));
    let values = schema.get("additionalProperties");
    schema.is_empty() || (is_object && !says_more && !values.is_some_and(Value::is_object))
}

/// Collects where in a schema any object comes through.
fn bare(schema: &Value, place: &str, into: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    if is_bare(schema) {
        into.push(place.to_owned());
    }
    for (key, value) in schema {
        let place = format!("{place}/{key}");
        match (key.as_str(), value) {
            ("items" | "additionalProperties", value) => bare(value, &place, into),
            ("properties", Value::Object(fields)) => {
                for (name, field) in fields {
                    bare(field, &format!("{place}/{name}"), into);
                }
            }
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                for part in parts {
                    bare(part, &place, into);
                }
            }
            _ => {}
        }
    }
}

/// The bodies of a request or of an answer.
fn bodies(of: Option<&Value>) -> impl Iterator<Item = &Value> {
    let content = of.and_then(|of| of.get("content")?.as_object());
    content
        .into_iter()
        .flat_map(Map::values)
        .map(|body| &body["schema"])
}

#[test]
fn parameters_and_bodies_are_described() {
    let mut used = BTreeSet::new();
    for (role, name, document) in listeners() {
        let listener = format!("{} {name}", role.name());
        let mut found = Vec::new();
        for (which, operation) in operations(&document) {
            let parameters = operation.get("parameters").and_then(Value::as_array);
            for parameter in parameters.into_iter().flatten() {
                let shared = parameter["$ref"].as_str();
                let shared = shared.and_then(|to| to.strip_prefix('#'));
                let parameter = shared.map_or(parameter, |to| document.pointer(to).unwrap());
                let about = parameter["description"].as_str().unwrap_or_default();
                assert!(!about.is_empty(), "{listener}: {which}: {parameter}");
            }
            let id = operation["operationId"].as_str().unwrap();
            let answers = operation["responses"].as_object().unwrap().values();
            let bodies = answers
                .flat_map(|answer| bodies(Some(answer)))
                .chain(bodies(operation.get("requestBody")));
            for body in bodies {
                bare(body, &format!("{which} ({id})"), &mut found);
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            bare(schema, name, &mut found);
        }
        for place in found {
            let known = ANY.iter().find(|(of, _)| place.contains(of));
            let (known, _) = known.unwrap_or_else(|| panic!("{listener}: {place} is any object"));
            used.insert(*known);
        }
    }
    for (known, _) in ANY {
        assert!(used.contains(known), "nothing is any object at {known}");
    }
}

/// Collects the references in a value.
fn references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn references_lead_somewhere() {
    for (role, name, document) in listeners() {
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            assert!(
                document.pointer(pointer).is_some(),
                "{} {name}: {reference}",
                role.name()
            );
        }
    }
}

/// Rust files below a folder, tests left out.
fn sources(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
            into.push(path);
        }
    }
}

/// A router is made of `routes!` alone, so it has no route that its document leaves out.
#[test]
fn no_route_is_made_past_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in [
        "services/ingest",
        "services/moderation-rules",
        "services/archive",
        "crates/parked",
    ] {
        sources(&root.join(folder).join("src"), &mut files);
    }
    assert!(files.len() > 50);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for past in [".route(", ".route_service(", ".nest("] {
            assert!(!text.contains(past), "{}: {past}", file.display());
        }
    }
}
