use super::*;

fn set(rules: &str) -> RuleSet {
    let files = [
        ("stoa.yaml".to_owned(), rules.as_bytes().to_vec()),
        ("lists/bad.txt".to_owned(), b"scoundrel\n".to_vec()),
        ("unused.txt".to_owned(), b"?".to_vec()),
    ];
    RuleSet::from_sources(&files.into()).unwrap()
}

/// The n-th of as many sets as one likes; all share the rule `same`.
fn nth(n: u32) -> RuleSet {
    set(&format!(
        "lists: {{ bad: {{ file: lists/bad.txt }} }}\nrules:\n- {{ id: same, when: 'comment.text.hits(\"bad\")', then: {{ labels: [a] }} }}\n- {{ id: own, when: 'comment.length > {n}', then: {{ labels: [b] }} }}\n"
    ))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn activate(versions: &mut Versions, set: &RuleSet, second: i64) {
    let why = Why {
        note: Some(format!("note {second}")),
        ..Why::new(How::Put, "edith")
    };
    versions
        .activate(set, why, at(second), None, false)
        .unwrap();
}

fn names(dir: &Path) -> HashSet<String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn digits(set: &RuleSet) -> String {
    set.hash().strip_prefix("sha256:").unwrap().to_owned()
}

#[test]
fn what_was_live_reads_back_with_its_files_and_its_story() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Versions::open(dir.path(), 10).unwrap();
    let sets = [nth(1), nth(2)];
    activate(&mut versions, &sets[0], 1);
    activate(&mut versions, &sets[1], 2);
    activate(&mut versions, &sets[0], 3);
    let check = |versions: &Versions| {
        let log: Vec<_> = versions
            .activations()
            .iter()
            .map(|a| (a.hash.as_str(), a.at, a.replaced.as_deref(), a.note.clone()))
            .collect();
        let [one, two] = [sets[0].hash(), sets[1].hash()];
        let note = |n: u32| Some(format!("note {n}"));
        assert_eq!(
            log,
            [
                (one, at(1), None, note(1)),
                (two, at(2), Some(one), note(2)),
                (one, at(3), Some(two), note(3)),
            ]
        );
        for set in &sets {
            let files = versions.files(set.hash()).unwrap().unwrap();
            assert_eq!(files.len(), 2, "{files:?}");
            assert_eq!(RuleSet::from_sources(&files).unwrap().hash(), set.hash());
        }
        // A rule's content is as old as the first version that had it.
        let since = |second: i64| at(second).as_microsecond();
        let first = [("own".to_owned(), since(1)), ("same".to_owned(), since(1))];
        let second = [("own".to_owned(), since(2)), ("same".to_owned(), since(1))];
        assert_eq!(versions.since(&sets[0]), first.into());
        assert_eq!(versions.since(&sets[1]), second.into());
    };
    check(&versions);
    drop(versions);
    check(&Versions::open(dir.path(), 10).unwrap());
}

#[test]
fn rules_from_before_the_log_have_no_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Versions::open(dir.path(), 10).unwrap();
    let why = Why::new(How::Start, "start");
    versions.activate(&nth(1), why, at(1), None, true).unwrap();
    activate(&mut versions, &nth(2), 2);
    let since = [("own".to_owned(), at(2).as_microsecond())];
    assert_eq!(versions.since(&nth(2)), since.into());
    assert!(versions.since(&nth(1)).is_empty());
}

#[test]
fn the_newest_keep_their_files_and_all_keep_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Versions::open(dir.path(), 2).unwrap();
    for n in [1, 2, 1, 3] {
        activate(&mut versions, &nth(n), n.into());
    }
    let expected = [digits(&nth(1)), digits(&nth(3)), LOG.to_owned()];
    assert_eq!(names(dir.path()), expected.into());
    assert_eq!(versions.files(nth(2).hash()).unwrap(), None);
    assert_eq!(versions.activations().len(), 4);
}

#[test]
fn what_a_crash_leaves_is_tidied_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Versions::open(dir.path(), 10).unwrap();
    activate(&mut versions, &nth(1), 1);
    drop(versions);
    let whole = std::fs::read(dir.path().join(LOG)).unwrap();
    // Between the files and the line; while the files are written; in the middle of the line.
    let half = &whole[..whole.len() / 2];
    for torn in [b"".as_slice(), half, b"\0\0\0\0\n", b"{\"at\":\n"] {
        files::write(dir.path(), &nth(2)).unwrap();
        std::fs::create_dir(dir.path().join(".tmp-x")).unwrap();
        std::fs::write(dir.path().join(".tmp-x/stoa.yaml"), "rules: [").unwrap();
        std::fs::write(dir.path().join(LOG), [&whole, torn].concat()).unwrap();
        let mut versions = Versions::open(dir.path(), 10).unwrap();
        assert_eq!(versions.last().unwrap().hash, nth(1).hash());
        assert_eq!(names(dir.path()), [digits(&nth(1)), LOG.to_owned()].into());
        activate(&mut versions, &nth(3), 3);
        drop(versions);
        let versions = Versions::open(dir.path(), 10).unwrap();
        assert_eq!(versions.activations().len(), 2);
    }
}

#[test]
fn files_that_were_damaged_are_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let versions = Versions::open(dir.path(), 10).unwrap();
    let folder = dir.path().join(digits(&nth(1)));
    let damages: [&dyn Fn(); 4] = [
        &|| std::fs::write(folder.join("stoa.yaml"), "rules: [").unwrap(),
        &|| std::fs::remove_file(folder.join("lists/bad.txt")).unwrap(),
        &|| std::fs::write(folder.join("lists/more.txt"), "more").unwrap(),
        &|| std::fs::remove_dir_all(&folder).unwrap(),
    ];
    for damage in damages {
        versions.keep_files(&nth(1)).unwrap();
        damage();
        versions.keep_files(&nth(1)).unwrap();
        let files = versions.files(nth(1).hash()).unwrap().unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(RuleSet::from_sources(&files).unwrap().hash(), nth(1).hash());
    }
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Versions::open(dir.path(), 10).unwrap();
    activate(&mut versions, &nth(1), 1);
    activate(&mut versions, &nth(2), 2);
    drop(versions);
    let log = std::fs::read_to_string(dir.path().join(LOG)).unwrap();
    std::fs::write(dir.path().join(LOG), log.replacen("hash", "hush", 1)).unwrap();
    let error = Versions::open(dir.path(), 10).unwrap_err().to_string();
    assert!(error.starts_with("line 1 of "), "{error}");
}

#[test]
fn only_hashes_name_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let versions = Versions::open(dir.path(), 10).unwrap();
    std::fs::create_dir(dir.path().join("x")).unwrap();
    for hash in ["sha256:", "sha256:x", "x", "sha256:../x", "sha256:."] {
        assert!(!versions.has_files(hash), "{hash}");
        assert_eq!(versions.files(hash).unwrap(), None, "{hash}");
    }
}
