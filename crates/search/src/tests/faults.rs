//! What happens to an index.

use super::*;

fn filled(fixture: &Fixture) {
    let mut opened = fixture.open();
    put(&mut opened, &[comment(1, "kept"), comment(2, "kept too")]);
}

/// Checks that the index is set aside, and that what is opened is empty and works.
fn check_set_aside(fixture: &Fixture, next: u64, expected: &str) {
    let mut opened = fixture.open_before(next);
    match &opened.found {
        Found::SetAside { reason, path } => {
            assert!(reason.contains(expected), "{reason}");
            assert!(path.is_dir());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(opened.writer.applied(), 0);
    assert_eq!(opened.searcher.documents(), 0);
    put(&mut opened, &[comment(3, "anew")]);
    assert_eq!(find(&opened, "anew", &Filters::default()), ["c-3"]);
}

#[test]
fn what_was_committed_is_there_again() {
    let fixture = Fixture::new();
    assert_eq!(fixture.open().found, Found::Created);
    filled(&fixture);
    let mut opened = fixture.open();
    assert_eq!(opened.found, Found::Ready);
    assert_eq!(opened.writer.applied(), 2);
    assert_eq!(find(&opened, "kept", &Filters::default()), ["c-1", "c-2"]);

    // A crash: what was not committed is not there, and the position says so.
    opened.writer.put(&comment(3, "kept")).unwrap();
    opened.writer.delete(&key("c-1")).unwrap();
    drop(opened);
    let opened = fixture.open();
    assert_eq!(opened.writer.applied(), 2);
    assert_eq!(find(&opened, "kept", &Filters::default()), ["c-1", "c-2"]);
}

#[test]
fn a_changed_byte_in_any_file_is_noticed() {
    let names = || {
        let fixture = Fixture::new();
        filled(&fixture);
        let mut names: Vec<PathBuf> = std::fs::read_dir(fixture.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension != "lock")
            })
            .collect();
        names.sort();
        (fixture, names)
    };
    let n_files = names().1.len();
    assert!(n_files > 5);
    for place in 0..n_files {
        let (fixture, names) = names();
        let name = &names[place];
        let mut bytes = std::fs::read(name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        std::fs::write(name, bytes).unwrap();
        let opened = fixture.open();
        let same = opened.searcher.documents() == 2;
        let aside = matches!(opened.found, Found::SetAside { .. });
        assert!(same != aside, "{}: {:?}", name.display(), opened.found);
        assert!(
            aside || name.ends_with(".managed.json"),
            "{}",
            name.display()
        );
    }
}

#[test]
fn a_missing_or_empty_file_is_noticed() {
    for cut in [true, false] {
        let fixture = Fixture::new();
        filled(&fixture);
        let mut files = std::fs::read_dir(fixture.path()).unwrap();
        let file = files
            .find_map(|entry| {
                let path = entry.unwrap().path();
                path.extension()
                    .is_some_and(|end| end == "term")
                    .then_some(path)
            })
            .unwrap();
        if cut {
            std::fs::write(&file, b"").unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        check_set_aside(&fixture, u64::MAX, "");
    }
}

#[test]
fn another_format_and_a_shorter_journal_are_noticed() {
    let fixture = Fixture::new();
    filled(&fixture);
    check_set_aside(&fixture, 1, "it is at record 2, and the journal ends at 1");

    let fixture = Fixture::new();
    filled(&fixture);
    let meta = fixture.path().join("meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    let other = text.replace("\\\"format\\\":1", "\\\"format\\\":99");
    assert_ne!(text, other);
    std::fs::write(&meta, other).unwrap();
    check_set_aside(&fixture, u64::MAX, "its format is 99");
}

#[test]
fn only_the_latest_is_kept_aside() {
    let fixture = Fixture::new();
    for _ in 0..3 {
        filled(&fixture);
        std::fs::write(fixture.path().join("meta.json"), b"nonsense").unwrap();
        check_set_aside(&fixture, u64::MAX, "");
        std::fs::remove_dir_all(fixture.path()).unwrap();
    }
    let folders = std::fs::read_dir(fixture.dir.path()).unwrap().count();
    assert_eq!(folders, 1);
}

#[test]
fn what_the_system_refuses_is_not_the_fault_of_the_index() {
    let fixture = Fixture::new();
    std::fs::write(fixture.path(), b"a file").unwrap();
    let options = Options {
        threads: 1,
        memory: MIN_MEMORY,
        next: 0,
    };
    let error = open(&fixture.path(), options).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(std::fs::read(fixture.path()).unwrap(), b"a file");
}
