use std::time::Duration;

use jiff::Timestamp;

use super::*;

const PASSWORD: &str = "eleven green tables";
const MINUTE: Duration = Duration::from_mins(1);

struct Opened {
    folder: tempfile::TempDir,
    clock: Clock,
    accounts: Option<Accounts>,
}

impl Opened {
    async fn new() -> Self {
        let clock = Clock::fixed("2026-11-24T18:00:00Z".parse::<Timestamp>().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut opened = Self {
            folder,
            clock,
            accounts: None,
        };
        opened.again().await;
        opened
    }

    /// Opens the journal again, as after a restart.
    async fn again(&mut self) {
        if let Some(accounts) = self.accounts.take() {
            accounts.0.journal.clone().close().await;
        }
        let environment = [
            (
                "STOA_CONSOLE__DATA_DIR",
                self.folder.path().to_str().unwrap(),
            ),
            ("STOA_CONSOLE__JOURNAL__RESERVE", "0 B"),
        ];
        let environment = environment.map(|(key, value)| (key.into(), value.into()));
        let default = crate::config::DEFAULT_CONFIG;
        let config = stoa_daemon::config::load_from("console", default, None, environment);
        let context = Context::new("console", self.clock.clone());
        let accounts = Accounts::open(&config.unwrap(), &context).await.unwrap();
        self.accounts = Some(accounts);
    }

    fn accounts(&self) -> &Accounts {
        self.accounts.as_ref().unwrap()
    }

    /// Makes the first user.
    async fn with_zoe() -> Self {
        let opened = Self::new().await;
        let link = opened.accounts().first_link().await.unwrap().unwrap();
        opened.set_up(&link, "zoe").await.unwrap();
        opened
    }

    async fn set_up(&self, link: &str, id: &str) -> Result<String, Refused> {
        let new = Some((id.to_owned(), "Zoé Marchal".to_owned()));
        let accounts = self.accounts();
        accounts
            .set_up(&Origin::default(), link, new, PASSWORD.to_owned())
            .await
    }

    async fn sign_in(&self, id: &str, password: &str) -> Result<String, Refused> {
        self.clock.advance(MINUTE / 6);
        let accounts = self.accounts();
        let origin = Origin::default();
        let entered = accounts.sign_in(&origin, "", id, password.to_owned());
        match entered.await? {
            Entered::Whole(session) => Ok(session),
            Entered::Half(half) => panic!("a code is asked for: {half}"),
        }
    }

    fn is_signed_in(&self, session: &str) -> bool {
        self.accounts().signed_in(session).is_some()
    }

    fn acts(&self) -> Vec<Entry> {
        let records = self.accounts().0.journal.iter(0);
        records
            .map(|record| serde_json::from_slice(&record.unwrap().payload).unwrap())
            .collect()
    }
}

fn moderator(id: &str) -> User {
    User {
        id: id.to_owned(),
        name: "Ana".to_owned(),
        role: Role::Moderator,
        sites: vec!["courrier".to_owned()],
        disabled: false,
    }
}

fn is_said<T>(refused: Result<T, Refused>) -> bool {
    let refused = refused.err();
    matches!(refused, Some(Refused::Said(_)))
}

#[tokio::test]
async fn the_first_link_makes_one_admin_and_dies() {
    let mut opened = Opened::new().await;
    assert!(
        is_said(opened.sign_in("admin", "admin").await),
        "there is no account"
    );
    let old = opened.accounts().first_link().await.unwrap().unwrap();
    let link = opened.accounts().first_link().await.unwrap().unwrap();
    assert!(link.len() >= 32, "128 bits or more");
    assert!(
        is_said(opened.set_up(&old, "zoe").await),
        "a newer one takes its place"
    );
    assert!(is_said(opened.set_up("guess", "zoe").await));
    opened.set_up(&link, "zoe").await.unwrap();
    assert!(is_said(opened.set_up(&link, "eve").await), "it works once");
    assert_eq!(opened.accounts().first_link().await.unwrap(), None);
    let users = opened.accounts().users();
    assert_eq!((users.len(), users[0].role), (1, Role::Admin));

    opened.again().await;
    assert_eq!(opened.accounts().users(), users, "a restart loses nothing");
    assert!(is_said(opened.set_up(&link, "eve").await));
    opened.sign_in("zoe", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_link_holds_for_a_day() {
    let opened = Opened::new().await;
    let link = opened.accounts().first_link().await.unwrap().unwrap();
    opened.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert!(opened.accounts().link(&link).is_some());
    opened.clock.advance(Duration::from_secs(1));
    assert!(is_said(opened.set_up(&link, "zoe").await));
}

#[tokio::test]
async fn a_session_ends_when_it_should() {
    let mut opened = Opened::with_zoe().await;
    let zoe = opened.accounts().users().remove(0);
    let first = opened.sign_in("zoe", PASSWORD).await.unwrap();
    let second = opened.sign_in("zoe", PASSWORD).await.unwrap();
    assert!(first.len() >= 32 && first != second);
    let origin = Origin {
        by: Some("zoe".to_owned()),
        ..Origin::default()
    };
    opened.accounts().sign_out(&origin, &first).await.unwrap();
    assert!(!opened.is_signed_in(&first), "after signing out");
    assert!(opened.is_signed_in(&second));

    opened.clock.advance(MINUTE * 29);
    assert!(opened.is_signed_in(&second));
    opened.clock.advance(MINUTE * 30);
    assert!(!opened.is_signed_in(&second), "after 30 minutes of rest");

    let long = opened.sign_in("zoe", PASSWORD).await.unwrap();
    for _ in 0..12 * 60 / 20 - 1 {
        opened.clock.advance(MINUTE * 20);
        assert!(opened.is_signed_in(&long));
    }
    opened.clock.advance(MINUTE * 20);
    assert!(
        !opened.is_signed_in(&long),
        "after 12 hours, whatever was done"
    );

    let before = opened.sign_in("zoe", PASSWORD).await.unwrap();
    let (current, new) = (PASSWORD.to_owned(), "twelve blue chairs".to_owned());
    let changed = opened
        .accounts()
        .change_password(&origin, &zoe, current, new);
    changed.await.unwrap();
    assert!(!opened.is_signed_in(&before), "after a new password");
    assert!(is_said(opened.sign_in("zoe", PASSWORD).await));

    let before = opened.sign_in("zoe", "twelve blue chairs").await.unwrap();
    opened.again().await;
    assert!(!opened.is_signed_in(&before), "after a restart");
}

#[tokio::test]
async fn a_user_who_is_disabled_is_out_at_once() {
    let opened = Opened::with_zoe().await;
    let link = opened
        .accounts()
        .add(&Origin::default(), moderator("ana"))
        .await
        .unwrap();
    opened.set_up(&link, "ignored").await.unwrap();
    let session = opened.sign_in("ana", PASSWORD).await.unwrap();
    assert_eq!(
        opened.accounts().signed_in(&session),
        Some(Person {
            user: moderator("ana"),
            settings: Settings::default(),
            has_second: false,
            is_linked: false,
        })
    );
    let link = opened
        .accounts()
        .link_for(&Origin::default(), "ana")
        .await
        .unwrap();
    let disabled = User {
        disabled: true,
        ..moderator("ana")
    };
    opened
        .accounts()
        .change(&Origin::default(), disabled)
        .await
        .unwrap();
    assert!(!opened.is_signed_in(&session));
    assert!(is_said(opened.sign_in("ana", PASSWORD).await));
    assert!(
        opened.accounts().link(&link).is_none(),
        "a link is no way around it"
    );
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let opened = Opened::with_zoe().await;
    let zoe = opened.accounts().users().remove(0);
    let origin = Origin::default();
    for wrong in [
        User {
            id: "Ana B".to_owned(),
            ..moderator("")
        },
        User {
            id: String::new(),
            ..moderator("")
        },
        User {
            id: "a".repeat(65),
            ..moderator("")
        },
        User {
            name: " ".to_owned(),
            ..moderator("ana")
        },
        User {
            role: Role::Publisher,
            ..moderator("ana")
        },
        User {
            sites: Vec::new(),
            ..moderator("ana")
        },
        User {
            sites: vec!["*".to_owned(), "a".to_owned()],
            ..moderator("ana")
        },
        moderator("zoe"),
    ] {
        assert!(
            is_said(opened.accounts().add(&origin, wrong.clone()).await),
            "{wrong:?}"
        );
    }
    for wrong in [
        User {
            disabled: true,
            ..zoe.clone()
        },
        User {
            role: Role::Editor,
            ..zoe
        },
        moderator("nobody"),
    ] {
        assert!(
            is_said(opened.accounts().change(&origin, wrong.clone()).await),
            "{wrong:?}"
        );
    }
    assert!(is_said(opened.accounts().link_for(&origin, "nobody").await));
}

#[tokio::test]
async fn guessing_has_an_end() {
    let opened = Opened::with_zoe().await;
    let origin = Origin {
        from: Some("192.0.2.7".parse().unwrap()),
        ..Origin::default()
    };
    let guess = async |id: &str| {
        let accounts = opened.accounts();
        accounts.sign_in(&origin, "", id, "guess".to_owned()).await
    };
    for n in 0..10 {
        assert!(is_said(
            guess(if n % 2 == 0 { "zoe" } else { "nobody" }).await
        ));
    }
    assert!(matches!(guess("zoe").await, Err(Refused::Wait(60))));
    opened.sign_in("zoe", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_name_takes_as_long() {
    let opened = Opened::with_zoe().await;
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        for (id, best) in [("zoe", &mut known), ("nobody", &mut unknown)] {
            let start = std::time::Instant::now();
            assert!(is_said(opened.sign_in(id, "guess").await));
            *best = start.elapsed().min(*best);
        }
    }
    // Without the work of a hash it would take a tenth.
    assert!(unknown * 3 > known, "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn the_journal_says_who_did_what_and_no_secret() {
    let opened = Opened::with_zoe().await;
    let session = opened.sign_in("zoe", PASSWORD).await.unwrap();
    assert!(is_said(opened.sign_in("zoe", "guess-0123").await));
    let origin = Origin {
        by: Some("zoe".to_owned()),
        from: Some("192.0.2.7".parse().unwrap()),
        request: Some("r-1".to_owned()),
    };
    let link = opened
        .accounts()
        .add(&origin, moderator("ana"))
        .await
        .unwrap();
    let after = User {
        role: Role::Viewer,
        ..moderator("ana")
    };
    opened
        .accounts()
        .change(&origin, after.clone())
        .await
        .unwrap();
    let entries = opened.acts();
    let last = entries.last().unwrap();
    assert_eq!(last.origin, origin);
    let before = moderator("ana");
    assert_eq!(last.act, Act::Changed { before, after });
    let names: Vec<String> = entries
        .iter()
        .map(|entry| serde_json::to_value(&entry.act).unwrap())
        .map(|act| act.as_object().unwrap().keys().next().unwrap().clone())
        .collect();
    let expected = [
        "link_made",
        "added",
        "password_set",
        "signed_in",
        "sign_in_refused",
        "added",
        "link_made",
        "changed",
    ];
    assert_eq!(names, expected);
    let all = serde_json::to_string(&entries).unwrap();
    for secret in [PASSWORD, "guess-0123", &session, &link] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[tokio::test]
async fn settings_outlive_a_restart() {
    let mut opened = Opened::with_zoe().await;
    let zoe = opened.accounts().users().remove(0);
    let settings = Settings {
        language: Some(crate::language::Language::De),
        theme: Theme::Dark,
        blur: true,
    };
    let origin = Origin::default();
    let accounts = opened.accounts();
    accounts.set(&origin, &zoe, settings).await.unwrap();
    opened.again().await;
    let session = opened.sign_in("zoe", PASSWORD).await.unwrap();
    let found = opened.accounts().signed_in(&session).unwrap();
    assert_eq!((found.user, found.settings), (zoe, settings));
}

/// Reads the code of an authenticator that was set up with a secret.
fn code(opened: &Opened, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let seconds = opened.clock.now().as_second();
    totp.generate(u64::try_from(seconds).unwrap()).to_string()
}

/// The first half of signing in.
async fn half(opened: &Opened) -> String {
    opened.clock.advance(MINUTE);
    let accounts = opened.accounts();
    let origin = Origin::default();
    let entered = accounts.sign_in(&origin, "", "zoe", PASSWORD.to_owned());
    match entered.await.unwrap() {
        Entered::Half(half) => half,
        Entered::Whole(_) => panic!("no code was asked for"),
    }
}

async fn enter(opened: &Opened, half: &str, code: &str) -> Result<String, Refused> {
    let accounts = opened.accounts();
    accounts.enter(&Origin::default(), "", half, code).await
}

#[tokio::test]
async fn a_second_step_is_asked_for_and_each_code_counts_once() {
    let mut opened = Opened::with_zoe().await;
    let origin = Origin::default();
    let offer = opened.accounts().offer("zoe").unwrap();
    assert!(
        offer.uri.starts_with("otpauth://totp/Stoa:zoe?secret="),
        "{}",
        offer.uri
    );
    assert!(is_said(
        opened.accounts().confirm(&origin, "zoe", "000000").await
    ));
    assert!(
        opened.sign_in("zoe", PASSWORD).await.is_ok(),
        "it is not confirmed"
    );
    let first = code(&opened, &offer.secret);
    let spare = opened
        .accounts()
        .confirm(&origin, "zoe", &first)
        .await
        .unwrap();
    assert_eq!(opened.accounts().spare("zoe"), Some(10));

    let one = half(&opened).await;
    assert!(
        is_said(enter(&opened, &one, &first).await),
        "the code that confirmed it"
    );
    let now = code(&opened, &offer.secret);
    let session = enter(&opened, &one, &now).await.unwrap();
    assert!(opened.accounts().signed_in(&session).unwrap().has_second);
    assert!(
        is_said(enter(&opened, &one, &now).await),
        "the half is used"
    );

    opened.again().await;
    let two = half(&opened).await;
    assert!(
        is_said(enter(&opened, &two, &now).await),
        "replayed after a restart"
    );
    enter(&opened, &two, &spare[3].to_uppercase())
        .await
        .unwrap();
    let three = half(&opened).await;
    assert!(
        is_said(enter(&opened, &three, &spare[3]).await),
        "a spare code works once"
    );
    assert_eq!(opened.accounts().spare("zoe"), Some(9));
    for _ in 0..4 {
        assert!(is_said(enter(&opened, &three, "123456").await));
    }
    let right = code(&opened, &offer.secret);
    assert!(
        is_said(enter(&opened, &three, &right).await),
        "after five tries"
    );

    let four = half(&opened).await;
    opened.clock.advance(MINUTE * 10);
    let right = code(&opened, &offer.secret);
    assert!(is_said(enter(&opened, &four, &right).await), "too late");
    assert!(is_said(
        opened.accounts().turn_off(&origin, "zoe", "000000").await
    ));
    opened.clock.advance(MINUTE);
    let right = code(&opened, &offer.secret);
    opened
        .accounts()
        .turn_off(&origin, "zoe", &right)
        .await
        .unwrap();
    assert!(opened.sign_in("zoe", PASSWORD).await.is_ok());
    assert!(
        is_said(opened.accounts().reset(&origin, "zoe").await),
        "there is none"
    );
}

#[tokio::test]
async fn codes_count_towards_the_wait() {
    let opened = Opened::with_zoe().await;
    let origin = Origin::default();
    let offer = opened.accounts().offer("zoe").unwrap();
    let first = code(&opened, &offer.secret);
    opened
        .accounts()
        .confirm(&origin, "zoe", &first)
        .await
        .unwrap();
    let half = half(&opened).await;
    let mut waits = false;
    for _ in 0..10 {
        let refused = enter(&opened, &half, "000000").await.unwrap_err();
        waits = matches!(refused, Refused::Wait(_));
    }
    assert!(waits);
    opened.accounts().reset(&origin, "zoe").await.unwrap();
    opened.clock.advance(MINUTE * 2);
    assert!(
        opened.sign_in("zoe", PASSWORD).await.is_ok(),
        "an admin took it away"
    );
}

#[tokio::test]
async fn a_token_outlives_a_restart_and_the_journal_has_its_use_once_an_hour() {
    let mut opened = Opened::with_zoe().await;
    let zoe = opened.accounts().users().remove(0);
    let wanted = Wanted {
        name: "bot".to_owned(),
        user: zoe.id.clone(),
        role: Role::Viewer,
        sites: vec!["a".to_owned()],
        days: 2,
    };
    let (origin, most) = (Origin::default(), Caller::from(&zoe));
    let made = opened.accounts().make_token(&origin, wanted, &most);
    let (token, secret) = made.await.unwrap();
    assert_eq!(opened.accounts().tokens(None), [(token, None)]);
    let entries = |opened: &Opened| opened.accounts().0.journal.iter(0).count();
    let before = entries(&opened);
    for _ in 0..3 {
        opened.clock.advance(MINUTE);
        let caller = opened.accounts().caller(&secret).await.unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.role),
            ("zoe/bot", Role::Viewer)
        );
    }
    assert_eq!(entries(&opened), before + 1);
    opened.clock.advance(MINUTE * 60);
    opened.accounts().caller(&secret).await.unwrap();
    assert_eq!(entries(&opened), before + 2);
    opened.again().await;
    assert!(opened.accounts().tokens(Some("zoe"))[0].1.is_some());
    assert!(opened.accounts().caller(&secret).await.is_some());
    assert!(opened.accounts().caller("stoa_0").await.is_none());
    opened.clock.advance(Duration::from_hours(47));
    assert!(
        opened.accounts().caller(&secret).await.is_none(),
        "it is over"
    );
}

#[tokio::test]
async fn an_orderly_restart_signs_nobody_out() {
    let mut opened = Opened::with_zoe().await;
    let session = opened.sign_in("zoe", PASSWORD).await.unwrap();
    opened.accounts().keep_sessions().await;
    let file = opened.folder.path().join("sessions");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(!written.contains(&session), "{written}");
    opened.again().await;
    assert!(opened.is_signed_in(&session));
    assert_eq!(opened.accounts().sessions("zoe").len(), 1);
    assert!(
        !file.exists(),
        "what is read twice may have ended meanwhile"
    );
    opened.again().await;
    assert!(!opened.is_signed_in(&session), "after a crash");
}

#[tokio::test]
async fn what_ended_after_sessions_were_kept_stays_ended() {
    let mut opened = Opened::with_zoe().await;
    let [session, other] = [
        opened.sign_in("zoe", PASSWORD).await.unwrap(),
        opened.sign_in("zoe", PASSWORD).await.unwrap(),
    ];
    opened.accounts().keep_sessions().await;
    let origin = Origin {
        by: Some("zoe".to_owned()),
        ..Origin::default()
    };
    opened.accounts().sign_out(&origin, &session).await.unwrap();
    opened.again().await;
    assert!(!opened.is_signed_in(&session));
    assert!(
        !opened.is_signed_in(&other),
        "the journal does not say which"
    );
}

#[tokio::test]
async fn kept_sessions_end_in_time_and_fit_the_journal() {
    let mut opened = Opened::with_zoe().await;
    let session = opened.sign_in("zoe", PASSWORD).await.unwrap();
    opened.accounts().keep_sessions().await;
    opened.clock.advance(MINUTE * 30);
    opened.again().await;
    assert!(!opened.is_signed_in(&session), "idle for too long");

    let session = opened.sign_in("zoe", PASSWORD).await.unwrap();
    opened.accounts().keep_sessions().await;
    let file = opened.folder.path().join("sessions");
    let kept = std::fs::read(&file).unwrap();
    // The folder of another console, or one of before.
    let mut other = Opened::with_zoe().await;
    std::fs::write(other.folder.path().join("sessions"), kept).unwrap();
    other.again().await;
    assert!(!other.is_signed_in(&session));
    std::fs::write(&file, "garbage").unwrap();
    opened.again().await;
    assert!(!opened.is_signed_in(&session));
}
