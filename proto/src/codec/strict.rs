//! A pass over JSON text that refuses what a lenient parser would silently repair.
//!
//! A key that an object names twice, a NUL, a number beyond 64 bits of floating point, a lone
//! surrogate and too deep nesting are found with the path to them, whether the field is known or
//! not.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::classify;
use crate::{Code, Rejection};

#[derive(Default)]
struct Findings {
    /// From the innermost key outwards, filled while an error unwinds.
    path: Vec<String>,
    /// What is wrong, where it is not the parser's own error.
    code: Option<(Code, &'static str)>,
}

/// Checks JSON text.
pub(super) fn check(text: &str) -> Result<(), Rejection> {
    let findings = RefCell::new(Findings::default());
    let mut reader = serde_json::Deserializer::from_str(text);
    let result = Check(&findings)
        .deserialize(&mut reader)
        .and_then(|()| reader.end());
    let Err(error) = result else { return Ok(()) };
    let Findings { mut path, code } = findings.into_inner();
    path.reverse();
    Err(match code {
        Some((code, message)) => {
            let field = path.join(".");
            let message = format!("`{field}` {message}");
            Rejection::field(code, field, message)
        }
        None => classify::syntax(&error, &path),
    })
}

#[derive(Clone, Copy)]
struct Check<'a>(&'a RefCell<Findings>);

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text.as_bytes().contains(&0) {
            self.0.borrow_mut().code =
                Some((Code::InvalidEncoding, "holds a NUL character; remove it"));
            return Err(E::custom("NUL"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        loop {
            match seq.next_element_seed(self) {
                Ok(Some(())) => index += 1,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.0.borrow_mut().path.push(index.to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Keys::default();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let key = key.0;
            if key.as_bytes().contains(&0) {
                let mut findings = self.0.borrow_mut();
                findings.path.push(shown(&key));
                findings.code = Some((Code::InvalidEncoding, "has a NUL character in its name"));
                return Err(A::Error::custom("NUL"));
            }
            if seen.contains(&key) {
                let mut findings = self.0.borrow_mut();
                findings.path.push(shown(&key));
                findings.code = Some((
                    Code::InvalidJson,
                    "stands twice in one object; send it once",
                ));
                return Err(A::Error::custom("duplicate key"));
            }
            if let Err(error) = map.next_value_seed(self) {
                self.0.borrow_mut().path.push(shown(&key));
                return Err(error);
            }
            seen.insert(key);
        }
        Ok(())
    }
}

/// Shortens a key for a message: keys are the sender's, and may be of any length.
fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(64).collect()
}

struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Keys of one object: a list while they are few, a set when they are many.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    const FEW: usize = 24;

    fn contains(&self, key: &str) -> bool {
        self.few.iter().any(|seen| seen == key) || self.many.contains(key)
    }

    fn insert(&mut self, key: Cow<'de, str>) {
        if self.few.len() < Self::FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
    }
}
