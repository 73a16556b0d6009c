//! Any bytes as the file of a list, of every kind; what loads must be usable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_fuzz::{judge, load};

fuzz_target!(|list: &[u8]| {
    for (kind, subject) in [
        ("word, fold: full", "comment.text"),
        (
            "substring, fold: case, except_file: list.txt",
            "comment.text",
        ),
        ("domain", "comment.links"),
        ("regex", "comment.text"),
    ] {
        let yaml = format!(
            "lists: {{ l: {{ file: list.txt, match: {kind} }} }}\n\
             rules: [{{ id: r, when: '{subject}.hits(\"l\")', then: {{ verdict: hold }} }}]\n"
        );
        if let Ok(set) = load(&yaml, list) {
            let text = String::from_utf8_lossy(list);
            judge(&set, &text.chars().take(500).collect::<String>());
        }
    }
});
