use super::*;
use crate::{Checkpoint, ConsistencyProof, InclusionProof, leaf, node};

/// A note and its key of the reference implementation (golang.org/x/mod/sumdb/note).
const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_of_the_reference_implementation_is_verified() {
    let key = Verifier::parse(KEY).unwrap();
    assert_eq!(key.to_string(), KEY);
    let text = key.open(NOTE).unwrap();
    assert!(
        text.starts_with("If you") && text.ends_with("problem is.\n"),
        "{text}"
    );
}

#[test]
fn a_note_with_a_bit_flipped_anywhere_is_refused() {
    let key = Verifier::parse(KEY).unwrap();
    for at in 0..NOTE.len() {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        if let Ok(note) = String::from_utf8(bytes) {
            assert!(key.open(&note).is_err(), "byte {at}");
        }
    }
}

#[test]
fn other_signatures_are_passed_over() {
    let signer = Signer::generate("log.example").unwrap();
    let note = signer.sign("log.example\n1\n");
    let (_, line) = NOTE.rsplit_once("\n\n").unwrap();
    let both = format!("{note}{line}");
    assert_eq!(signer.verifier().open(&both).unwrap(), "log.example\n1\n");
    assert!(matches!(
        Signer::generate("log.example")
            .unwrap()
            .verifier()
            .open(&both),
        Err(Error::NotSigned { .. })
    ));
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let signer = Signer::generate("log.example").unwrap();
    let again = Signer::parse(&signer.secret()).unwrap();
    assert_eq!(again.verifier(), signer.verifier());
    assert!(!format!("{signer:?}").contains("PRIVATE"));
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
        assert!(Signer::generate(name).is_err(), "{name:?}");
    }
    let written = signer.verifier().to_string();
    // A key in base64 can have a `+` itself.
    let (hash, key) = written
        .strip_prefix("log.example+")
        .and_then(|rest| rest.split_once('+'))
        .unwrap();
    for wrong in [
        String::new(),
        "log.example".to_owned(),
        written.replace("log.example", "other.example"),
        format!("log.example+{hash}+{}", key.replacen('A', "", 1)),
        format!("log.example+00000000+{key}"),
        format!("log.example+x+{key}"),
    ] {
        assert!(Verifier::parse(&wrong).is_err(), "{wrong}");
    }
}

fn checkpoint() -> (Signer, Checkpoint) {
    let signer = Signer::generate("log.example").unwrap();
    let root = node(&leaf(b"one"), &leaf(b"two"));
    let origin = "log.example".to_owned();
    (
        signer,
        Checkpoint {
            origin,
            size: 2,
            root,
        },
    )
}

#[test]
fn a_checkpoint_is_read_as_it_is_signed() {
    let (signer, checkpoint) = checkpoint();
    let note = checkpoint.sign(&signer);
    let opened = Checkpoint::open(&note, &signer.verifier()).unwrap();
    assert_eq!(opened, checkpoint);
    assert_eq!(Checkpoint::read_unverified(&note).unwrap(), checkpoint);
    let other = Signer::generate("log.example").unwrap().verifier();
    assert!(Checkpoint::open(&note, &other).is_err());
    for text in [
        "log.example\n02\nAAAA\n",
        "log.example\n2\nAAAA\n",
        "other.example\n2\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example\n",
    ] {
        let note = signer.sign(text);
        assert!(
            Checkpoint::open(&note, &signer.verifier()).is_err(),
            "{text}"
        );
    }
}

#[test]
fn proofs_are_read_as_they_are_written() {
    let (signer, checkpoint) = checkpoint();
    let proof = InclusionProof {
        extra: Some(b"more".to_vec()),
        index: 1,
        path: vec![leaf(b"one")],
        note: checkpoint.sign(&signer),
    };
    let text = proof.to_string();
    assert!(
        text.starts_with("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 1\n"),
        "{text}"
    );
    let read = InclusionProof::parse(&text).unwrap();
    assert_eq!(read, proof);
    assert_eq!(
        read.verify(&leaf(b"two"), &signer.verifier()).unwrap(),
        checkpoint
    );
    assert!(read.verify(&leaf(b"one"), &signer.verifier()).is_err());

    let old = Checkpoint {
        size: 1,
        root: leaf(b"one"),
        ..checkpoint.clone()
    };
    let proof = ConsistencyProof {
        old: 1,
        path: vec![leaf(b"two")],
        note: checkpoint.sign(&signer),
    };
    let read = ConsistencyProof::parse(&proof.to_string()).unwrap();
    assert_eq!(read, proof);
    read.verify(&old.sign(&signer), &signer.verifier()).unwrap();
    assert!(
        read.verify(&checkpoint.sign(&signer), &signer.verifier())
            .is_err()
    );

    for text in [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra ?\nindex 1\n\nx\n",
    ] {
        assert!(InclusionProof::parse(text).is_err(), "{text}");
    }
    let long = format!(
        "old 1\n{}\n",
        format!("{}\n", STANDARD.encode([0; 32])).repeat(65)
    );
    assert!(ConsistencyProof::parse(&format!("{long}\nnote\n")).is_err());
}
