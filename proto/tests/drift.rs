//! The files that are generated from the types are what the types say.
//!
//! `UPDATE=1 cargo test -p stoa-proto --test drift` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stoa_proto::{Event, Kind, Shard, codec, schema, topology};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn hold(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what the types say; run UPDATE=1 cargo test -p stoa-proto --test drift",
        path.display()
    );
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

#[test]
fn schemas_fit_the_types() {
    for kind in Kind::ALL {
        let path = root().join(format!("schema/v1/{}.json", kind.short()));
        hold(&path, &pretty(&schema::event(*kind)));
    }
    assert_eq!(
        fs::read_dir(root().join("schema/v1")).unwrap().count(),
        Kind::ALL.len()
    );
}

#[test]
fn asyncapi_fits_the_types() {
    let document = serde_saphyr::to_string(&schema::asyncapi()).unwrap();
    let head = "# Generated from the types; see schema.rs.\n";
    hold(&root().join("asyncapi.yaml"), &format!("{head}{document}"));
}

#[test]
fn definitions_fit_the_topology() {
    let path = root().join("../deploy/rabbitmq/definitions.json");
    hold(&path, &pretty(&topology::definitions()));
}

#[test]
fn accounts_fit_the_topology() {
    let mut table = String::from("# user\tconfigure\twrite\tread\n");
    for account in topology::ACCOUNTS {
        let topology::Account {
            user,
            configure,
            write,
            read,
        } = account;
        writeln!(table, "{user}\t{configure}\t{write}\t{read}").unwrap();
    }
    hold(&root().join("../deploy/rabbitmq/accounts.tsv"), &table);
}

/// Shards are part of every queue's content: a change of the function loses the order of threads.
#[test]
fn shards_are_what_they_were() {
    let mut table = String::new();
    for n in 0..1_000_u32 {
        let site = ["courrier", "forum", "stiri", "сайт", "a.b"][(n % 5) as usize];
        let thread = match n % 4 {
            0 => n.to_string(),
            1 => format!("a-{n}"),
            2 => format!("https://courrier.example/2022/12/{n}"),
            _ => format!("статья-{n}"),
        };
        writeln!(
            table,
            "{site}\t{thread}\t{}",
            Shard::of(site, &thread).index()
        )
        .unwrap();
    }
    // Never updated: the file is the definition.
    let path = root().join("tests/shards.tsv");
    assert_eq!(fs::read_to_string(&path).unwrap(), table);
}

#[test]
fn examples_are_read_and_written_unchanged() {
    for kind in Kind::ALL {
        let path = root().join(format!("examples/v1/{}.json", kind.short()));
        let text = fs::read(&path).unwrap();
        let expected: Value = serde_json::from_slice(&text).unwrap();
        let event = Event::from_json(&text).unwrap();
        assert_eq!(event.kind(), *kind);
        let written: Value = serde_json::from_slice(&event.to_json()).unwrap();
        assert_eq!(written, expected, "{}", path.display());

        let message = codec::Message {
            content_type: Some(codec::STRUCTURED.into()),
            body: text.into(),
            ..codec::Message::default()
        };
        let decoded = codec::decode(&message).remove(0);
        if kind.is_inbound() {
            assert_eq!(decoded.unwrap(), event);
        } else {
            assert_eq!(decoded.unwrap_err().rejection.code.as_str(), "unknown_type");
        }
    }
    assert_eq!(
        fs::read_dir(root().join("examples/v1")).unwrap().count(),
        Kind::ALL.len()
    );
}
