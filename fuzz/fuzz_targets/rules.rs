//! Any text as a rule file: it loads or is refused, with errors that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_fuzz::{judge, load};

fuzz_target!(|yaml: &str| {
    match load(yaml, b"merde\nabruti\n") {
        Ok(set) => {
            for text in ["", "quelle merde, abruti", "https://example.org m3rde"] {
                judge(&set, text);
            }
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
