//! A list of redactions, and a copy that is older than it.

use stoa_archive::{Learner, Listed};

use super::*;

/// An event about the redaction of a comment; an order if it names one.
fn about(id: &str, n: u32, redaction: Option<&str>) -> Listed {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "stoa/archive",
        "type": "stoa.comment.erased.v1", "recordedtime": "2024-05-02T10:00:00Z",
        "data": {"site": "journal", "article": "a-1", "comment": format!("c-{n}"), "by": "admin"}});
    if let Some(redaction) = redaction {
        event["data"]["redaction"] = json!(redaction);
    }
    Listed::from_line(event.to_string().as_bytes()).unwrap()
}

/// Has an archive erase comments, as it does when it runs.
fn erase(dir: &Path, comments: &[u32]) {
    let learner = Learner::open(dir).unwrap();
    for n in comments {
        let request = about(&format!("rq-{n}"), *n, None);
        let order = about(&format!("ro-{n}"), *n, Some(&format!("r-{n}")));
        learner.take(vec![request, order]).unwrap();
    }
    assert_eq!(learner.close().unwrap(), 2 * comments.len() as u64);
}

fn list(dir: &Path, to: &Path) -> String {
    let (dir, to) = (shown(dir), shown(to));
    ok(&[
        "export",
        "redactions",
        "--data",
        dir,
        "--out",
        to,
        "--force",
    ]);
    fs::read_to_string(to).unwrap()
}

/// Lists the files of a folder that have some words.
fn files_with(dir: &Path, words: &str) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if bytes
                .windows(words.len())
                .any(|part| part == words.as_bytes())
            {
                found.push(shown(&path).to_owned());
            }
        }
    }
    found
}

#[test]
fn a_newer_list_erases_in_an_older_copy() {
    let (parent, dir) = archive();
    let path = |name: &str| parent.path().join(name);
    let lines = path("before.jsonl");
    let (data, out) = (shown(&dir), shown(&lines));
    backup(&dir, &path("before")).unwrap();
    ok(&["export", "jsonl", "--data", data, "--out", out]);
    // One that the copies have, and one that was written later.
    add(&dir, 100..102);
    erase(&dir, &[3, 101]);
    let list_of = path("redactions.jsonl");
    let text = list(&dir, &list_of);
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(!text.contains("the words of"), "{text}");

    let before = path("before");
    for (name, args) in [
        ("of a backup", vec!["--from", shown(&before)]),
        ("of lines", vec![out]),
    ] {
        let again = path(name);
        let to = ["--data", shown(&again)];
        let plain = path("plain");
        ok(&[&["restore"][..], &args, &["--data", shown(&plain)]].concat());
        assert!(!files_with(&plain, "the words of 3\"").is_empty());
        fs::remove_dir_all(&plain).unwrap();
        let redactions = ["--redactions", shown(&list_of)];
        ok(&[&["restore"][..], &args, &to, &redactions].concat());
        assert_eq!(files_with(&again, "the words of 3\""), [""; 0], "{name}");
        assert_eq!(files_with(&again, "the words of 4\"").len(), 1, "{name}");
        let (records, erased, _) = state(&again);
        assert_eq!((records, erased), (104, 2), "{name}");
        // It has all that the list has; the same list brings nothing more.
        let of_it = list(&again, &path("again.jsonl"));
        assert_eq!(of_it.lines().count(), 5, "{of_it}");
        let learner = Learner::open(&again).unwrap();
        learner.take(vec![about("ro-3", 3, Some("r-3"))]).unwrap();
        assert_eq!(learner.close().unwrap(), 0);
    }
}

#[test]
fn a_list_that_is_none_of_this_archive_leaves_no_folder() {
    let (parent, dir) = archive();
    let path = |name: &str| parent.path().join(name);
    let (to, again, of) = (path("backup"), path("again"), path("redactions.jsonl"));
    backup(&dir, &to).unwrap();
    erase(&dir, &[3, 4]);
    let text = list(&dir, &of);
    let check = |what: &str, named: &[&str], text: &str| {
        fs::write(&of, text).unwrap();
        let (from, data, list) = (shown(&to), shown(&again), shown(&of));
        let args = [
            "restore",
            "--from",
            from,
            "--data",
            data,
            "--redactions",
            list,
        ];
        let error = stoa(&args).unwrap_err();
        for named in named {
            assert!(error.contains(named), "{what}: {error}");
        }
        assert!(error.contains("nothing was restored"), "{what}: {error}");
        nothing(&again);
    };
    let remedy = "stoa export redactions";
    check("garbage", &["line 1", remedy], "\u{0}\u{1}no list\n");
    check("empty", &["without its last line", remedy], "");
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines[..3].join("\n");
    check("cut", &["ends after 3 events", remedy], &cut);
    check(
        "cut in a line",
        &["line 5", remedy],
        text.get(..text.len() - 9).unwrap(),
    );
    check(
        "cut in an event",
        &["line 1", remedy],
        text.get(..99).unwrap(),
    );
    let fewer = [lines[0], lines[4]].join("\n");
    let named = ["`stoaredactions` is 4, and there are 1", remedy];
    check("left out", &named, &fewer);
    let named = ["goes on behind its last line, line 5", remedy];
    check("behind the end", &named, &format!("{text}{}", lines[0]));
    let other = text.replace("comment.erased", "comment.withdrawn");
    check("no redaction", &["line 1: `type`", remedy], &other);
    let since = text.replace("\"stoasince\":\"", "\"stoasince\":\"x");
    check("a number", &["line 2: `stoasince`", remedy], &since);
    let unknown = text.replace("c-4\"", "c-unknown\"");
    let named = ["line 4", "`data.comment` is `c-unknown`", "take one that"];
    check("an unknown comment", &named, &unknown);
    let site = text.replace("\"journal\"", "\"elsewhere\"");
    let named = ["line 2", "the site `elsewhere`", "take one that"];
    check("an unknown site", &named, &site);

    let stranger = path("stranger");
    add(&stranger, 0..100);
    erase(&stranger, &[3]);
    let strange = list(&stranger, &path("strange.jsonl"));
    let named = ["`stoaarchive`", "take a list that this archive has written"];
    check("another archive's", &named, &strange);
}
