//! Views that can't be used are set aside, and an empty one takes their place.

use std::fs;

use super::*;

fn filled(dir: &Path) {
    let view = open(dir);
    put(&view, 0..500, 40);
}

/// Opens the view and checks that it was replaced.
fn check_set_aside(dir: &Path, with: Options, why: &str) -> PathBuf {
    let view = View::open(dir, with).unwrap();
    let Opened::Rebuilt { reason, set_aside } = view.opened().clone() else {
        panic!("{why}: {:?}", view.opened());
    };
    assert!(reason.contains(why), "{reason}");
    assert!(set_aside.is_dir());
    assert_eq!((view.applied(), numbers(&view).len()), (0, 0));
    put(&view, 0..10, 2);
    drop(view);
    let view = View::open(dir, with).unwrap();
    assert_eq!((view.opened(), view.applied()), (&Opened::Ready, 2));
    set_aside
}

#[test]
fn another_format() {
    let (_guard, dir) = folder();
    filled(&dir);
    check_set_aside(
        &dir,
        Options {
            format: 4,
            ..options()
        },
        "format is 3, and this program's is 4",
    );
}

#[test]
fn ahead_of_the_journal() {
    let (_guard, dir) = folder();
    filled(&dir);
    assert_eq!(
        View::open(
            &dir,
            Options {
                next_seq: 40,
                ..options()
            }
        )
        .unwrap()
        .applied(),
        40
    );
    assert_eq!(View::position(&dir, options()).unwrap(), Some(40));
    let behind = Options {
        next_seq: 39,
        ..options()
    };
    let error = View::open(&dir, behind).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ahead {
                applied: 40,
                next: 39,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(open(&dir).applied(), 40, "it stays where it is");
}

#[test]
fn garbage_in_place_of_any_file() {
    let (_guard, dir) = folder();
    filled(&dir);
    for file in files(&dir.join("db")) {
        fs::write(&file, b"this is not a database").unwrap();
        check_set_aside(&dir, options(), "files have changed");
        fs::remove_dir_all(&dir).unwrap();
        filled(&dir);
    }
}

#[test]
fn a_cut_a_flipped_bit_and_a_missing_file() {
    let (_guard, dir) = folder();
    filled(&dir);
    for n in 0..files(&dir.join("db")).len() {
        for harm in 0..3 {
            let file = files(&dir.join("db")).swap_remove(n);
            let mut content = fs::read(&file).unwrap();
            let middle = content.len() / 2;
            match harm {
                0 => content.truncate(middle),
                1 if middle > 0 => content[middle] ^= 4,
                _ => content.push(0),
            }
            fs::write(&file, content).unwrap();
            if harm == 2 {
                fs::remove_file(&file).unwrap();
            }
            check_set_aside(&dir, options(), "files have changed");
            fs::remove_dir_all(&dir).unwrap();
            filled(&dir);
        }
    }
}

#[test]
fn damage_that_no_seal_shows_ends_in_time_and_is_never_wrong() {
    let (_guard, dir) = folder();
    filled(&dir);
    let mut n_aside = 0;
    for file in files(&dir.join("db")) {
        let content = fs::read(&file).unwrap();
        for keep in [0, 1, content.len() / 3, content.len().saturating_sub(700)] {
            fs::write(&file, &content[..keep.min(content.len())]).unwrap();
            // As after a crash: the state only says that the view was open.
            crate::state::mark_open(&dir).unwrap();
            let view = open(&dir);
            let found = numbers(&view);
            match view.opened() {
                Opened::Rebuilt { .. } => {
                    n_aside += 1;
                    assert_eq!((view.applied(), found.len()), (0, 0));
                }
                _ if view.applied() == 0 => assert!(found.is_empty(), "rows without a position"),
                _ => assert_eq!((view.applied(), found.len()), (40, 500)),
            }
            drop(view);
            fs::remove_dir_all(&dir).unwrap();
            filled(&dir);
        }
    }
    assert!(n_aside > 0);
}

#[test]
fn a_missing_or_broken_state_file() {
    let (_guard, dir) = folder();
    for content in [
        None,
        Some("what?"),
        Some("open another-run-of-the-machine\n"),
    ] {
        filled(&dir);
        fs::remove_file(dir.join("state")).unwrap();
        let why = match content {
            None => "missing",
            Some(content) => {
                fs::write(dir.join("state"), content).unwrap();
                if content.starts_with("open") {
                    "machine stopped"
                } else {
                    "unreadable"
                }
            }
        };
        check_set_aside(&dir, options(), why);
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let (_guard, dir) = folder();
    fs::write(&dir, "a file").unwrap();
    assert!(matches!(View::open(&dir, options()), Err(Error::Io { .. })));
}

#[test]
fn rows_without_a_format() {
    let (_guard, dir) = folder();
    filled(&dir);
    let db = sled::Config::new()
        .path(dir.join("db"))
        .segment_size(2 << 20)
        .open()
        .unwrap();
    db.remove(crate::redo::FORMAT).unwrap();
    drop(db);
    crate::state::seal(&dir).unwrap();
    check_set_aside(&dir, options(), "format is missing");
}

#[test]
fn only_the_latest_are_kept() {
    let (guard, dir) = folder();
    for format in 10..16 {
        let view = View::open(
            &dir,
            Options {
                format,
                ..options()
            },
        )
        .unwrap();
        put(&view, [1], 1);
    }
    let mut names: Vec<_> = fs::read_dir(guard.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["view", "view.set-aside-4", "view.set-aside-5"]);
}

#[test]
fn deleting_the_folder_is_safe() {
    let (_guard, dir) = folder();
    filled(&dir);
    fs::remove_dir_all(&dir).unwrap();
    let view = open(&dir);
    assert_eq!((view.opened(), view.applied()), (&Opened::Created, 0));
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

#[test]
fn files_in_use_are_waited_for_and_never_set_aside() {
    let (_guard, dir) = folder();
    filled(&dir);
    // As sled's own threads do while they end.
    let user = fs::File::open(dir.join("db/db")).unwrap();
    user.lock().unwrap();
    let impatient = Options {
        watchdog: Duration::from_millis(50),
        ..options()
    };
    let refused = View::open(&dir, impatient).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    let ends = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(user);
    });
    let view = View::open(&dir, options()).unwrap();
    assert_eq!((view.opened(), view.applied()), (&Opened::Ready, 40));
    ends.join().unwrap();
}
