//! The order of keys is the order of their bytes, and they come back as they were.

use std::fmt::Debug;

use proptest::prelude::*;

use crate::Key;
use crate::key::{AsKey, Prefix};

fn encode<K>(key: &(impl AsKey<K> + ?Sized)) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode(&mut out);
    out
}

fn check<K: Key + Ord + Debug>(one: &K, other: &K) {
    let (first, second) = (encode::<K>(one), encode::<K>(other));
    assert_eq!(first.cmp(&second), one.cmp(other), "{one:?} {other:?}");
    for (key, bytes) in [(one, &first), (other, &second)] {
        let mut input = bytes.as_slice();
        assert_eq!(K::decode(&mut input).as_ref(), Some(key));
        assert!(input.is_empty());
    }
}

/// Strings with many zero bytes, ones and shared beginnings.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\0\x01a]{0,5}", any::<String>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(255), any::<u8>()], 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers(one in any::<(u8, u16, u32, u64, u128)>(), other in any::<(u8, u16, u32, u64, u128)>()) {
        check(&one, &other);
        check(&one.3, &other.3);
    }

    #[test]
    fn signed(one in any::<(i64, i32, bool)>(), other in any::<(i64, i32, bool)>()) {
        check(&one, &other);
        check(&one.0, &other.0);
        check(&one.0, &(one.0.wrapping_neg()));
    }

    #[test]
    fn strings(one in text(), other in text()) {
        check(&one, &other);
        prop_assert_eq!(encode::<String>(one.as_str()), encode::<String>(&one));
    }

    #[test]
    fn byte_strings(one in bytes(), other in bytes()) {
        check(&one, &other);
    }

    #[test]
    fn tuples(
        one in (text(), bytes(), any::<i64>(), text()),
        other in (text(), bytes(), any::<i64>(), text()),
        same in any::<bool>(),
    ) {
        check(&one, &other);
        if same {
            // The first parts are equal, so the later ones decide.
            let other = (one.0.clone(), one.1.clone(), other.2, other.3);
            check(&one, &other);
        }
    }

    #[test]
    fn arrays(one in any::<([u8; 3], bool)>(), other in any::<([u8; 3], bool)>()) {
        check(&one, &other);
    }

    #[test]
    fn a_prefix_is_shared_by_exactly_the_keys_that_start_with_it(
        one in (text(), text(), any::<u32>()),
        other in (text(), text(), any::<u32>()),
    ) {
        type K = (String, String, u32);
        let key = encode::<K>(&other);
        let mut prefix = Vec::new();
        Prefix::<K>::encode_prefix(&(one.0.as_str(),), &mut prefix);
        prop_assert_eq!(key.starts_with(&prefix), one.0 == other.0);
        prefix.clear();
        Prefix::<K>::encode_prefix(&(&one.0, &one.1), &mut prefix);
        prop_assert_eq!(key.starts_with(&prefix), (&one.0, &one.1) == (&other.0, &other.1));
    }

    #[test]
    fn any_bytes_decode_or_not_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut input = bytes.as_slice();
        if let Some(key) = <(String, i64, bool, Vec<u8>)>::decode(&mut input) {
            let rest = bytes.len() - input.len();
            prop_assert_eq!(&encode::<(String, i64, bool, Vec<u8>)>(&key), &bytes[..rest]);
        }
    }
}

#[test]
fn known_bytes_stay_as_they_are() {
    let check = |bytes: Vec<u8>, expected: &[u8]| assert_eq!(bytes, expected);
    check(encode::<u32>(&1_u32), &[0, 0, 0, 1]);
    check(
        encode::<i64>(&-1_i64),
        &[0x7F, 255, 255, 255, 255, 255, 255, 255],
    );
    check(encode::<i64>(&0_i64), &[0x80, 0, 0, 0, 0, 0, 0, 0]);
    check(encode::<String>("a\0b"), &[b'a', 0, 255, b'b', 0, 1]);
    check(encode::<(String, bool)>(&("", true)), &[0, 1, 1]);
}
