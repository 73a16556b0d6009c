//! Any text as a condition: parsed, checked and evaluated over fixed facts.
#![no_main]

use std::fmt::Write as _;

use libfuzzer_sys::fuzz_target;
use stoa_fuzz::{judge, load};

/// Writes a text as a quoted scalar of YAML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => drop(write!(out, "\\U{:08x}", u32::from(c))),
        }
    }
    out + "\""
}

fuzz_target!(|condition: &str| {
    let yaml = format!(
        "lists: {{ l: {{ file: list.txt, fold: full }} }}\n\
         rules: [{{ id: r, when: {}, then: {{ verdict: hold }} }}]\n",
        quoted(condition)
    );
    match load(&yaml, b"merde\n") {
        Ok(set) => {
            judge(&set, "quelle m3rde ici, 2 fois");
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
