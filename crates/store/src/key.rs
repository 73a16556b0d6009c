//! Keys as bytes: the order of the bytes is the order of the keys.
//!
//! - Numbers are big-endian; signed ones have their sign bit flipped.
//! - `bool` is 0 or 1; arrays of bytes are as they are.
//! - Strings and byte vectors end with `00 01`, and a zero byte in them becomes `00 FF`. So `"a"`
//!   comes before `"a\0"`, whatever follows it in a tuple.
//! - Tuples are their parts, one after the other.

/// A type that can be the key of a table.
pub trait Key: AsKey<Self> + Sized {
    /// Takes a key off the front of `input`; `None` if the bytes are not one.
    fn decode(input: &mut &[u8]) -> Option<Self>;
}

/// A value that can stand for a key of type `K`, such as `&str` for `String`.
pub trait AsKey<K> {
    /// Appends the key's bytes.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The first parts of a tuple key, to scan everything that starts with them; `()` is everything.
pub trait Prefix<K> {
    /// Appends the bytes that all keys with these first parts have in common.
    fn encode_prefix(&self, out: &mut Vec<u8>);
}

impl<K: Key> Prefix<K> for () {
    fn encode_prefix(&self, _out: &mut Vec<u8>) {}
}

impl<K, T: AsKey<K> + ?Sized> AsKey<K> for &T {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }
}

macro_rules! unsigned {
    ($($number:ty),*) => {$(
        impl AsKey<$number> for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }

        impl Key for $number {
            fn decode(input: &mut &[u8]) -> Option<Self> {
                take(input).map(<$number>::from_be_bytes)
            }
        }
    )*};
}

unsigned!(u8, u16, u32, u64, u128);

macro_rules! signed {
    ($($number:ty),*) => {$(
        impl AsKey<$number> for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&(self ^ <$number>::MIN).to_be_bytes());
            }
        }

        impl Key for $number {
            fn decode(input: &mut &[u8]) -> Option<Self> {
                take(input).map(|bytes| <$number>::from_be_bytes(bytes) ^ <$number>::MIN)
            }
        }
    )*};
}

signed!(i32, i64);

impl AsKey<bool> for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Key for bool {
    fn decode(input: &mut &[u8]) -> Option<bool> {
        match take(input)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> AsKey<[u8; N]> for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Key for [u8; N] {
    fn decode(input: &mut &[u8]) -> Option<[u8; N]> {
        take(input)
    }
}

impl AsKey<String> for String {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }
}

impl AsKey<String> for str {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }
}

impl Key for String {
    fn decode(input: &mut &[u8]) -> Option<String> {
        String::from_utf8(decode_bytes(input)?).ok()
    }
}

impl AsKey<Vec<u8>> for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self, out);
    }
}

impl AsKey<Vec<u8>> for [u8] {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self, out);
    }
}

impl Key for Vec<u8> {
    fn decode(input: &mut &[u8]) -> Option<Vec<u8>> {
        decode_bytes(input)
    }
}

macro_rules! tuple {
    ($($key:ident $as:ident $part:tt),*) => {
        impl<$($key,)* $($as: AsKey<$key>,)*> AsKey<($($key,)*)> for ($($as,)*) {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$part.encode(out);)*
            }
        }

        impl<$($key: Key,)*> Key for ($($key,)*) {
            fn decode(input: &mut &[u8]) -> Option<Self> {
                Some(($($key::decode(input)?,)*))
            }
        }
    };
}

tuple!(A TA 0, B TB 1);
tuple!(A TA 0, B TB 1, C TC 2);
tuple!(A TA 0, B TB 1, C TC 2, D TD 3);
tuple!(A TA 0, B TB 1, C TC 2, D TD 3, E TE 4);

macro_rules! prefix {
    ([$($rest:ident),*] $($key:ident $as:ident $part:tt),*) => {
        impl<$($key,)* $($rest,)* $($as: AsKey<$key>,)*> Prefix<($($key,)* $($rest,)*)>
            for ($($as,)*)
        {
            fn encode_prefix(&self, out: &mut Vec<u8>) {
                $(self.$part.encode(out);)*
            }
        }
    };
}

prefix!([B] A TA 0);
prefix!([B, C] A TA 0);
prefix!([C] A TA 0, B TB 1);
prefix!([B, C, D] A TA 0);
prefix!([C, D] A TA 0, B TB 1);
prefix!([D] A TA 0, B TB 1, C TC 2);
prefix!([B, C, D, E] A TA 0);
prefix!([C, D, E] A TA 0, B TB 1);
prefix!([D, E] A TA 0, B TB 1, C TC 2);
prefix!([E] A TA 0, B TB 1, C TC 2, D TD 3);

const ZERO: u8 = 0;
const END: u8 = 1;
const ESCAPED: u8 = 0xFF;

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    for byte in bytes {
        out.push(*byte);
        if *byte == ZERO {
            out.push(ESCAPED);
        }
    }
    out.extend_from_slice(&[ZERO, END]);
}

fn decode_bytes(input: &mut &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let zero = input.iter().position(|byte| *byte == ZERO)?;
        let (plain, rest) = input.split_at_checked(zero)?;
        out.extend_from_slice(plain);
        *input = rest;
        match take(input)? {
            [ZERO, END] => return Some(out),
            [ZERO, ESCAPED] => out.push(ZERO),
            _ => return None,
        }
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = input.split_first_chunk::<N>()?;
    *input = tail;
    Some(*head)
}
