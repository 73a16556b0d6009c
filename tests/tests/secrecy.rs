//! Nothing of what people write, and no secret, is in a log: whatever happens, and at the level that says most.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use serde_json::{Value, json};
use stoa_tests::broker::Platform;
use stoa_tests::{
    Browser, Bus, ROLES, Stack, TOKEN, Vhost, comment, eventually, needed, rabbitmqctl,
};

const EVENT: &str = "application/cloudevents+json";

/// Words that no program has by itself: of bodies, names, titles, reports, appeals, queries, and of what is refused.
const WORDS: [&str; 12] = [
    "zwirbeltrauf",
    "kluppenrast",
    "nebelkropf",
    "knäuelbart",
    "fuselknirps",
    "quastenhobel",
    "murmelzinke",
    "drosselkamm",
    "plinsenwart",
    "grützfalter",
    "tümpelrath",
    "schnürlquarz",
];

/// Secrets: of the broker's account, of a classifier, and what somebody tries who has none.
const SECRETS: [&str; 6] = [
    "broker-pass-7f3a9c",
    "another-pass-51bd0e",
    "classifier-key-c40d77",
    "guessed-token-9e2b11",
    "stolen-cookie-b81f3c",
    "password-in-a-query-0dd4a6",
];

/// An account of the broker with a password of its own.
struct Account {
    name: String,
    url: String,
}

impl Account {
    fn new(vhost: &Vhost) -> Self {
        let name = format!("stoa-secrecy-{}", std::process::id());
        let (front, vhost) = vhost.url.rsplit_once('/').unwrap();
        let (_, broker) = front.split_once('@').unwrap();
        rabbitmqctl(&["add_user", &name, SECRETS[0]]);
        rabbitmqctl(&["set_permissions", "-p", vhost, &name, ".*", ".*", ".*"]);
        let url = format!("amqp://{name}:{}@{broker}/{vhost}", SECRETS[0]);
        Self { name, url }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        rabbitmqctl(&["delete_user", &self.name]);
    }
}

/// What is sent: accepted, held, edited, reported, appealed, and refused in every stage.
fn events() -> Vec<(&'static str, Vec<u8>)> {
    let made = |kind: &str, id: &str, data: Value| {
        json!({
            "specversion": "1.0", "id": id, "source": "https://journal.example/comments",
            "type": format!("stoa.{kind}"), "data": data,
        })
    };
    let mut named = comment("t", "c-1", None, &format!("{} bonjour", WORDS[0]));
    named["data"]["author"]["display_name"] = json!(WORDS[1]);
    named["data"]["author"]["name"] = json!(WORDS[2]);
    let held = comment(
        "t",
        "c-2",
        Some("c-1"),
        &format!("{} https://bit.ly/{}", WORDS[3], WORDS[3]),
    );
    let mut edited = comment("t", "c-1", None, &format!("<p>{}</p>", WORDS[4]));
    edited["type"] = json!("stoa.comment.edited.v1");
    edited["id"] = json!("e-edited");
    edited["data"]["revision"] = json!(2);
    edited["data"]["format"] = json!("html");
    let article = json!({"site": "journal", "article": "t", "title": WORDS[5], "body": WORDS[5], "authors": [WORDS[6]]});
    let about = |more: Value| {
        let mut data = json!({"site": "journal", "article": "t", "comment": "c-1"});
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        data
    };
    let reported = about(
        json!({"report": "r-1", "reporter": {"id": "u-9"}, "reason": "spam", "text": WORDS[7]}),
    );
    let appealed =
        about(json!({"decision": "d-0", "appeal": "a-1", "author": "u-1", "text": WORDS[8]}));
    let mut other = comment("t", "c-1", None, WORDS[9]);
    other["data"]["author"]["display_name"] = json!(WORDS[9]);
    let mut too_large = comment("t", "c-3", None, &WORDS[9].repeat(40_000));
    too_large["id"] = json!("e-large");
    let mut unknown = comment("t", "c-4", None, WORDS[10]);
    unknown["data"]["format"] = json!(WORDS[10]);
    let mut future = comment("t", "c-5", None, WORDS[10]);
    future["type"] = json!("stoa.comment.submitted.v9");
    let cut = format!(
        "{{\"specversion\": \"1.0\", \"data\": {{\"body\": \"{}",
        WORDS[11]
    );
    let mut bytes = format!("{{\"body\": \"{}", WORDS[11]).into_bytes();
    bytes.extend([0xff, 0xfe]);
    let events = [
        made("article.published.v1", "e-article", article),
        named,
        held,
        edited,
        made("comment.reported.v1", "e-report", reported),
        made("decision.appealed.v1", "e-appeal", appealed),
        other,
        too_large,
        unknown,
        future,
    ];
    let mut all: Vec<_> = events
        .iter()
        .map(|event| (EVENT, event.to_string().into_bytes()))
        .collect();
    all.push((EVENT, cut.clone().into_bytes()));
    all.push((EVENT, bytes));
    all.push((
        WORDS[11].trim_start_matches(|c: char| !c.is_ascii()),
        cut.into_bytes(),
    ));
    all
}

/// Lists what is planted and stands in a text.
fn found<'a>(text: &str, planted: &[&'a str]) -> Vec<&'a str> {
    // As it is, as JSON escapes it, and as a URL or a debugger does.
    let has = |word: &str| {
        let json = json!(word).to_string();
        let ascii: String = word.chars().flat_map(char::escape_default).collect();
        let encoded: String = word
            .bytes()
            .map(|byte| {
                if byte.is_ascii() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        let bytes = format!("{:?}", word.as_bytes());
        [
            word,
            json.trim_matches('"'),
            &ascii,
            &encoded,
            bytes.trim_matches(['[', ']']),
        ]
        .iter()
        .any(|form| text.contains(form))
    };
    planted.iter().copied().filter(|word| has(word)).collect()
}

#[test]
fn what_is_planted_is_found_in_every_form() {
    assert_eq!(found("… tümpelrath …", &WORDS), ["tümpelrath"]);
    assert_eq!(found("t%C3%BCmpelrath", &WORDS), ["tümpelrath"]);
    assert_eq!(found("t\\u{fc}mpelrath", &WORDS), ["tümpelrath"]);
    assert_eq!(
        found(
            "[1, 110, 101, 98, 101, 108, 107, 114, 111, 112, 102, 2]",
            &WORDS
        ),
        ["nebelkropf"]
    );
    assert!(found("tumpelrath nebel", &WORDS).is_empty());
}

/// Asks in every way that is refused.
fn try_to_get_in(stack: &Stack) {
    let client = reqwest::blocking::Client::new();
    for (n, role) in ROLES.iter().enumerate() {
        let n = u16::try_from(n).unwrap();
        for port in [stack.port + n, stack.port + 1_000 + n] {
            for path in [
                "admin/parked",
                "admin/cases",
                "v1/events",
                "admin/rejections",
                "admin/status",
            ] {
                let url = format!(
                    "http://127.0.0.1:{port}/{path}?token={}&q={}",
                    SECRETS[5], WORDS[0]
                );
                let request = client
                    .post(&url)
                    .bearer_auth(SECRETS[3])
                    .header("cookie", format!("__Host-session={}", SECRETS[4]))
                    .header("content-type", EVENT)
                    .body(format!("{{\"body\": \"{}\"}}", WORDS[0]));
                let status = request.send().unwrap().status().as_u16();
                assert!((400..500).contains(&status), "{role} {path}: {status}");
                let answer = client
                    .get(&url)
                    .basic_auth("admin", Some(SECRETS[3]))
                    .send()
                    .unwrap();
                assert!(
                    answer.status().as_u16() >= 400,
                    "{role} {path}: {}",
                    answer.status()
                );
            }
        }
    }
    let search = format!("{}/v1/search?q={}", stack.archive(), WORDS[0]);
    assert_eq!(stack.get_text(&search, true).0, 200);
    let search = format!("{}/v1/search?q=%22{}", stack.archive(), WORDS[0]);
    stack.get_text(&search, true);
}

#[test]
fn amqp_roles_log_neither_words_nor_secrets() {
    needed("STOA_TEST_AMQP_URL");
    let vhost = Vhost::new();
    let account = Account::new(&vhost);
    let mut stack = Stack::prepare(Bus::Amqp(account.url.clone()), tempfile::tempdir().unwrap());
    for role in ["INGEST", "MODERATION_RULES", "ARCHIVE"] {
        stack.set(&format!("STOA_{role}__LOG__LEVEL"), "trace");
    }
    for (key, value) in [
        ("NAME", "nobody"),
        ("KIND", "perspective"),
        ("URL", "http://127.0.0.1:9/analyze"),
        ("KEY", SECRETS[2]),
        ("ATTRIBUTES", "{ toxicity = \"TOXICITY\" }"),
    ] {
        stack.set(&format!("STOA_MODERATION_RULES__SCORERS__0__{key}"), value);
    }
    stack.launch_all();

    let platform = Platform::listening_to(&vhost, "stoa.rejected");
    for (content_type, body) in events() {
        stack.post(content_type, body.clone());
        platform.publish(content_type, &[], &body);
    }
    // What no role has published: moderation-rules and the archive park it.
    let mut future = comment("parked", "c-6", None, WORDS[10]);
    future["type"] = json!("stoa.comment.submitted.v9");
    platform.publish_to(
        "stoa.content",
        "s.00",
        EVENT,
        &[],
        future.to_string().as_bytes(),
    );
    stack.decided("journal", "t", 2);
    try_to_get_in(&stack);
    let parked = |admin: &str| stack.metric_of(admin, "stoa_parked_messages", "");
    for admin in [stack.moderation(), stack.archive_admin()] {
        eventually("a message is parked", || parked(&admin) > 0.0);
    }
    let cases = stack.get(&format!("{}/admin/cases", stack.moderation()));
    let case = cases["cases"][0]["case"].as_str().unwrap();
    let path = format!("{}/admin/cases/{case}", stack.moderation());
    let note = stack.post_json(&format!("{path}/notes"), &json!({"text": WORDS[8]}));
    assert!(note.0 < 300, "{note:?}");
    let decided = stack.post_json(
        &format!("{path}/decision"),
        &json!({"verdict": "approve", "note": WORDS[8]}),
    );
    assert!(decided.0 < 500, "{decided:?}");
    stack.post_json(
        &format!("{}/v1/moderate", stack.moderation()),
        &json!({"comments": WORDS[0]}),
    );

    // The broker is away, and then it refuses the password.
    rabbitmqctl(&["change_password", &account.name, SECRETS[1]]);
    rabbitmqctl(&["close_all_user_connections", &account.name, "over"]);
    let down = |stack: &Stack| {
        let admins = [
            stack.ingest_admin(),
            stack.moderation(),
            stack.archive_admin(),
        ];
        admins
            .iter()
            .all(|admin| stack.metric_of(admin, "stoa_amqp_reconnects_total", "refused") >= 1.0)
    };
    eventually("the broker refuses all roles", || down(&stack));
    assert_eq!(
        stack
            .post(EVENT, comment("t", "c-7", None, WORDS[0]).to_string())
            .0,
        202
    );
    rabbitmqctl(&["change_password", &account.name, SECRETS[0]]);
    stack.decided("journal", "t", 3);
    for role in ROLES {
        assert_eq!(stack.process(role).stop(), Some(0), "{role}");
    }

    let mut lines = 0;
    for log in stack.logs() {
        let text = std::fs::read_to_string(&log).unwrap();
        lines += text.lines().count();
        let name = log.file_name().unwrap().to_str().unwrap().to_owned();
        // It is a log at that level, it has ids, and it tells of what went wrong.
        for told in ["\"level\":\"DEBUG\"", "\"request.id\"", "refused"] {
            assert!(text.contains(told), "{name} has no {told}");
        }
        let mut planted = SECRETS.to_vec();
        planted.extend(WORDS);
        planted.push(TOKEN);
        let told = |line: &&str| !found(line, &planted).is_empty();
        assert_eq!(text.lines().find(told), None, "{name}");
        assert_eq!(found(&text, &planted), Vec::<&str>::new(), "{name}");
    }
    assert!(lines > 100, "{lines}");
}

#[test]
fn the_console_logs_neither_passwords_nor_cookies() {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    let config = stack.folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let (key, client_token) = ("console-token-5c1f08aa7d", "moderation-rules-token-61e2");
    let token = format!(
        "[[tokens]]\nname = \"c\"\nrole = \"admin\"\nsecret = {client_token:?}\nsites = [\"*\"]\non_behalf = true\n"
    );
    let site = "[[sites]]\nid = \"journal\"\nsources = [\"https://journal.example/comments\"]\n";
    for (role, text) in [
        ("ingest", site.to_owned()),
        ("moderation-rules", token),
        ("archive", String::new()),
        (
            "console",
            format!(
                "[[tokens]]\nname = \"c\"\nrole = \"admin\"\nsecret = {key:?}\nsites = [\"*\"]\n"
            ),
        ),
    ] {
        std::fs::write(config.join(format!("{role}.toml")), text).unwrap();
    }
    stack.configure(&config);
    stack.launch_all();
    eventually("the link to set up", || {
        stack.process("up").said().contains("/set-up/")
    });
    let told = stack.process("up").said();
    let link = told
        .split("/set-up/")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let link = format!("/set-up/{}", link.trim_matches('"'));
    let mut zoe = Browser::new(stack.console());
    assert_eq!(zoe.get(&link), 200);
    let (password, wrong) = ("eleven zwirbeltrauf tables", "twelve kluppenrast chairs");
    let account = [
        ("id", "zoe"),
        ("name", "Zoé Nebelkropf"),
        ("password", password),
    ];
    assert_eq!(zoe.post(&link, &account).0, 303, "{}", zoe.page);
    zoe.get("/sign-in");
    assert_ne!(
        zoe.post("/sign-in", &[("id", "zoe"), ("password", wrong)])
            .0,
        303
    );
    zoe.get("/sign-in");
    assert_eq!(
        zoe.post("/sign-in", &[("id", "zoe"), ("password", password)])
            .0,
        303
    );
    assert_eq!(zoe.get("/"), 200);
    let cookie = zoe.cookie();
    let session = cookie.split('=').nth(1).unwrap().split(';').next().unwrap();
    assert!(session.len() > 20, "{cookie}");
    let client = reqwest::blocking::Client::new();
    for token in [key, SECRETS[3]] {
        let request = client
            .get(format!("{}/api/v1/users", stack.console()))
            .bearer_auth(token);
        request
            .header("cookie", format!("__Host-x={}", SECRETS[4]))
            .send()
            .unwrap();
    }
    let log = stack.process("up").said();
    // The one secret that it is to tell, once and to whoever starts it.
    assert!(log.contains(&link), "{log}");
    let planted = [
        password,
        wrong,
        "Nebelkropf",
        session,
        key,
        client_token,
        SECRETS[3],
        SECRETS[4],
    ];
    assert_eq!(found(&log, &planted), Vec::<&str>::new());
}
