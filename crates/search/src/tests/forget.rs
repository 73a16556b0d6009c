//! What is forgotten leaves nothing behind.

use super::*;

const WORD: &str = "unmistakablements";
const STEM: &str = "unmistak";

/// Lists the terms of all fields, as the files have them.
fn terms(fixture: &Fixture) -> Vec<String> {
    let index = tantivy::Index::open_in_dir(fixture.path()).unwrap();
    let reader = index.reader().unwrap();
    let mut terms = Vec::new();
    for segment in reader.searcher().segment_readers() {
        for (field, _) in index
            .schema()
            .fields()
            .filter(|(_, entry)| entry.is_indexed())
        {
            let inverted = segment.inverted_index(field).unwrap();
            let mut stream = inverted.terms().stream().unwrap();
            while let Some((term, _)) = stream.next() {
                terms.push(String::from_utf8_lossy(term).into_owned());
            }
        }
    }
    terms
}

/// Whether any file of the folder has these bytes, in either direction.
fn is_on_disk(fixture: &Fixture, text: &str) -> bool {
    let forward = text.as_bytes().to_vec();
    let mut backward = forward.clone();
    backward.reverse();
    std::fs::read_dir(fixture.dir.path())
        .unwrap()
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            has(&forward) || has(&backward)
        })
}

#[test]
fn words_and_stems_are_gone() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    // Several segments, and more than one of them has the word.
    for n in 0..6_u64 {
        let mut documents = vec![in_language(n * 10, "fr", "un mot qui reste")];
        if n % 2 == 0 {
            let text = format!("un {WORD} de trop");
            documents.push(in_language(n * 10 + 1, "fr", &text));
        }
        put(&mut opened, &documents);
    }
    let has = |fixture: &Fixture, text: &str| terms(fixture).iter().any(|term| term.contains(text));
    assert!(has(&fixture, WORD) && has(&fixture, &format!("fr\u{1}{STEM}")));
    assert!(has(&fixture, "c-21"));
    assert_eq!(find(&opened, WORD, &Filters::default()).len(), 3);
    let applied = opened.writer.applied();

    let keys: Vec<Key> = [1, 21, 41].map(|n| key(&format!("c-{n}"))).to_vec();
    opened.writer.forget(&keys, &opened.searcher).unwrap();

    assert!(find(&opened, WORD, &Filters::default()).is_empty());
    assert!(find(&opened, STEM, &Filters::default()).is_empty());
    assert_eq!(find(&opened, "mot", &Filters::default()).len(), 6);
    for text in [WORD, STEM, "c-21"] {
        assert!(!has(&fixture, text), "{text} is a term");
        assert!(!is_on_disk(&fixture, text), "{text} is on the disk");
    }
    assert_eq!(opened.writer.applied(), applied);

    // The index goes on, and is whole.
    put(&mut opened, &[comment(70, "encore")]);
    drop(opened);
    let opened = fixture.open();
    assert_eq!(opened.found, Found::Ready);
    assert_eq!(find(&opened, "encore", &Filters::default()), ["c-70"]);
}

#[test]
fn what_was_set_aside_is_removed() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    put(&mut opened, &[comment(1, WORD)]);
    drop(opened);
    std::fs::write(fixture.path().join("meta.json"), b"nonsense").unwrap();
    let mut opened = fixture.open();
    let Found::SetAside { path, .. } = opened.found.clone() else {
        panic!("{:?}", opened.found)
    };
    assert!(path.is_dir());
    opened
        .writer
        .forget(&[key("c-1")], &opened.searcher)
        .unwrap();
    assert!(!path.exists());
}
