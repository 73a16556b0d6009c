//! The generated half of the contract: JSON Schemas and the `AsyncAPI` document.

use serde_json::{Map, Value, json};

use crate::event::{Data, Kind};
use crate::{Exchange, codec, limits};

/// Generates the JSON Schema of an event: its envelope and its payload.
pub fn event(kind: Kind) -> Value {
    let mut payload = Data::schema(kind).to_value();
    // Definitions move to the document's root, where their references look for them.
    let definitions = payload
        .as_object_mut()
        .and_then(|map| {
            map.remove("$schema");
            map.remove("$defs")
        })
        .unwrap_or_else(|| json!({}));
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    let id = format!("https://stoa.example/schema/v1/{}.json", kind.short());
    schema.insert("$id".to_owned(), id.into());
    schema.extend(envelope(kind, &payload));
    schema.insert("$defs".to_owned(), definitions);
    schema.into()
}

/// The schema of an event with a payload.
pub(crate) fn envelope(kind: Kind, payload: &Value) -> Map<String, Value> {
    let id = json!({"type": "string", "minLength": 1, "maxLength": limits::ID_BYTES});
    let envelope = json!({
        "title": kind.as_str(),
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": id,
            "source": {"type": "string", "format": "uri-reference", "maxLength": limits::URI_BYTES},
            "type": {"const": kind.as_str()},
            "time": {"type": ["string", "null"], "format": "date-time"},
            "subject": {"type": ["string", "null"]},
            "datacontenttype": {"type": ["string", "null"]},
            "traceparent": {"type": ["string", "null"]},
            "recordedtime": {"type": ["string", "null"], "format": "date-time"},
            "data": payload,
        },
    });
    match envelope {
        Value::Object(envelope) => envelope,
        _ => Map::new(),
    }
}

/// Generates the `AsyncAPI` 3 document.
pub fn asyncapi() -> Value {
    let mut messages = Map::new();
    for kind in Kind::ALL {
        messages.insert(
            kind.short().to_owned(),
            json!({
                "name": kind.as_str(),
                "contentType": codec::STRUCTURED,
                "payload": {"$ref": format!("schema/v1/{}.json", kind.short())},
            }),
        );
    }
    let refs = |wanted: &dyn Fn(Kind) -> bool| -> Map<String, Value> {
        Kind::ALL
            .iter()
            .filter(|kind| wanted(**kind))
            .map(|kind| {
                let reference = format!("#/components/messages/{}", kind.short());
                (kind.short().to_owned(), json!({"$ref": reference}))
            })
            .collect()
    };
    let channel = |exchange: Exchange, about: &str, messages: Map<String, Value>| {
        json!({
            "address": exchange.name(),
            "description": about,
            "messages": messages,
            "bindings": {"amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange.name(), "type": exchange.kind(), "durable": true},
                "bindingVersion": "0.3.0",
            }},
        })
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Stoa",
            "version": "1.0.0",
            "description": "Events that platforms publish to Stoa, and that Stoa publishes to them.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": codec::STRUCTURED,
        "channels": {
            "inbox": channel(
                Exchange::Inbox,
                "What platforms publish; the routing key is ignored.",
                refs(&Kind::is_inbound),
            ),
            "decisions": channel(
                Exchange::Decisions,
                "Decisions, by the routing key `<site>.<verdict>`; dots in a site id become `_`. \
                 What an author was put under has `<site>.sanctioned`, other facts about a site \
                 `<site>.<entity>`.",
                refs(&|kind| {
                    !kind.is_inbound()
                        && !matches!(kind, Kind::EventRejected | Kind::CheckpointPublished)
                }),
            ),
            "rejected": channel(
                Exchange::Rejected,
                "Events that were refused, by the routing key `<code>`.",
                refs(&|kind| kind == Kind::EventRejected),
            ),
        },
        "operations": {
            "publish": {"action": "receive", "channel": {"$ref": "#/channels/inbox"}},
            "decide": {"action": "send", "channel": {"$ref": "#/channels/decisions"}},
            "reject": {"action": "send", "channel": {"$ref": "#/channels/rejected"}},
        },
        "components": {"messages": messages},
    })
}
