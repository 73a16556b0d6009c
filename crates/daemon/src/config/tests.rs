use std::io::Write as _;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    data_dir: String,
    open: bool,
    http: Listener,
    outbox: Outbox,
    #[serde(default)]
    tokens: Vec<Token>,
    #[serde(default)]
    password: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    listen: std::net::SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outbox {
    max_bytes: ByteSize,
    max_age: Duration,
    retries: u16,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Token {
    name: String,
    sites: Vec<String>,
}

const DEFAULT: &str = r#"
data_dir = "data"
open = false

[http]
listen = "127.0.0.1:8081"

[outbox]
max_bytes = "64 MiB"
max_age = "5m"
retries = 3
"#;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Loads the sample with a file and variables.
fn load_sample(text: Option<&str>, variables: &[(&str, &str)]) -> Result<Sample, String> {
    let file = text.map(file);
    let path = file.as_ref().map(tempfile::NamedTempFile::path);
    let environment = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    load_from("moderation-rules", DEFAULT, path, environment).map_err(|error| {
        let error = error.to_string();
        assert!(!error.contains('\n'), "more than one line: {error}");
        match path {
            Some(path) => error.replace(&path.display().to_string(), "FILE"),
            None => error,
        }
    })
}

#[test]
fn each_layer_covers_the_one_before() {
    let sample = load_sample(None, &[]).unwrap();
    assert_eq!(sample.data_dir, "data");
    assert_eq!(sample.outbox.max_bytes, ByteSize::mib(64));
    assert_eq!(sample.outbox.max_age, Duration::secs(300));

    let text = "open = true\n[outbox]\nmax_bytes = \"1 GiB\"";
    let sample = load_sample(
        Some(text),
        &[
            ("STOA_MODERATION_RULES__OUTBOX__MAX_AGE", "90s"),
            ("STOA_MODERATION_RULES__OUTBOX__RETRIES", "7"),
            ("STOA_MODERATION_RULES__DATA_DIR", "12345"),
            ("STOA_INGEST__DATA_DIR", "another role's"),
            ("STOA_TEST_AMQP_URL", "amqp://127.0.0.1"),
        ],
    )
    .unwrap();
    assert!(sample.open);
    assert_eq!(sample.http.listen.port(), 8081);
    assert_eq!(sample.outbox.max_bytes.get(), 1 << 30);
    assert_eq!(sample.outbox.max_age, Duration::secs(90));
    assert_eq!(sample.outbox.retries, 7);
    assert_eq!(sample.data_dir, "12345");
}

#[test]
fn lists_and_tables_come_from_the_environment() {
    let whole = r#"[{ name = "cms", sites = ["courrier"] }, { name = "b", sites = [] }]"#;
    let sample = load_sample(None, &[("STOA_MODERATION_RULES__TOKENS", whole)]).unwrap();
    assert_eq!(sample.tokens.len(), 2);
    assert_eq!(sample.tokens[0].sites, ["courrier"]);

    let sample = load_sample(
        Some("[[tokens]]\nname = \"a\"\nsites = []"),
        &[
            ("STOA_MODERATION_RULES__TOKENS__0__NAME", "cms"),
            ("STOA_MODERATION_RULES__TOKENS__0__SITES", "[\"x\"]"),
        ],
    )
    .unwrap();
    assert_eq!(
        sample.tokens,
        [Token {
            name: "cms".to_owned(),
            sites: vec!["x".to_owned()]
        }]
    );
}

/// A file, variables, and how the error begins.
type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn errors_name_place_key_and_remedy() {
    let cases: &[Case] = &[
        (
            Some("opne = true"),
            &[],
            "FILE: opne: unknown field `opne`, expected one of ",
        ),
        (
            Some("[http]\nlitsen = \"x\""),
            &[],
            "FILE: http.litsen: unknown field `litsen`, expected ",
        ),
        (
            Some("[http]\nlisten = \"here\""),
            &[],
            "FILE: http.listen: invalid socket address",
        ),
        (
            Some("[outbox]\nretries = 70000"),
            &[],
            "FILE: outbox.retries: ",
        ),
        (
            Some("[outbox]\nretries = \"many\""),
            &[],
            "FILE: outbox.retries: ",
        ),
        (
            Some("[outbox]\nmax_bytes = \"64 parsecs\""),
            &[],
            "FILE: outbox.max_bytes: `64 parsecs` is not a size: write it like \"64 MiB\"",
        ),
        (
            Some("[outbox]\nmax_bytes = 64"),
            &[],
            "FILE: outbox.max_bytes: `64` is not a size",
        ),
        (
            Some("[outbox]\nmax_age = \"5\""),
            &[],
            "FILE: outbox.max_age: `5` is not a duration",
        ),
        (
            Some("[[tokens]]\nname = \"a\""),
            &[],
            "FILE: tokens[0]: missing field `sites`",
        ),
        (
            Some("open = maybe"),
            &[],
            "FILE: TOML parse error at line 1, column 8: ",
        ),
        (
            Some("open = true\nopen = true"),
            &[],
            "FILE: TOML parse error at line 2, column 1: duplicate key",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__HTTP__PORT", "1")],
            "environment variable STOA_MODERATION_RULES__HTTP__PORT: http.port: unknown field `port`",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__OPEN", "perhaps")],
            "environment variable STOA_MODERATION_RULES__OPEN: open: ",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__OPEN", "")],
            "environment variable STOA_MODERATION_RULES__OPEN: the value is empty",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES____OPEN", "true")],
            "environment variable STOA_MODERATION_RULES____OPEN: expected key names",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__TOKENS__9999999__NAME", "a")],
            "environment variable STOA_MODERATION_RULES__TOKENS__9999999__NAME: expected key names",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__TOKENS", "[{ name =")],
            "environment variable STOA_MODERATION_RULES__TOKENS: starts like a TOML list",
        ),
        (
            None,
            &[("STOA_MODERATION_RULES__TOKENS", "[]\nopen = true")],
            "environment variable STOA_MODERATION_RULES__TOKENS: expected one TOML value",
        ),
        (
            Some("[password]\nfile = \"/nonexistent/secret\""),
            &[],
            "FILE: password: cannot read secret file /nonexistent/secret: ",
        ),
        (
            Some("password = 12345678"),
            &[],
            "FILE: password: write the secret in quotes",
        ),
        (
            Some("password = \"\""),
            &[],
            "FILE: password: the secret is empty",
        ),
        (
            Some("[password]\nfil = \"/x\""),
            &[],
            "FILE: password.fil: unknown field `fil`, expected `file`",
        ),
    ];
    for (text, variables, expected) in cases {
        let error = load_sample(*text, variables).unwrap_err();
        assert!(
            error.starts_with(expected),
            "expected: {expected}\n   found: {error}"
        );
    }
}

#[test]
fn a_value_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStringExt as _;

    let bad = OsString::from_vec(vec![0xff]);
    let environment = [
        (OsString::from_vec(b"NOT_OURS\xff".to_vec()), bad.clone()),
        ("STOA_MODERATION_RULES__DATA_DIR".into(), bad),
    ];
    let error = load_from::<Sample>("moderation-rules", DEFAULT, None, environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment variable STOA_MODERATION_RULES__DATA_DIR: the value is not UTF-8"
    );
}

#[test]
fn any_text_can_come_from_a_file() {
    let dir = file("/srv/stoa\n");
    let listen = file("127.0.0.1:9\n");
    let text = format!(
        "data_dir = {{ file = {:?} }}\n[http]\nlisten = {{ file = {:?} }}",
        dir.path(),
        listen.path()
    );
    let sample = load_sample(Some(&text), &[]).unwrap();
    assert_eq!(sample.data_dir, "/srv/stoa");
    assert_eq!(sample.http.listen.port(), 9);

    let error = load_sample(Some("data_dir = { file = \"/nonexistent\" }"), &[]).unwrap_err();
    assert!(
        error.starts_with("FILE: data_dir: cannot read secret file /nonexistent: "),
        "{error}"
    );
    let error = load_sample(Some("data_dir = { fil = \"/x\" }"), &[]).unwrap_err();
    assert!(
        error.starts_with("FILE: data_dir: invalid type: map, expected a string"),
        "{error}"
    );
    let error = load_sample(Some("open = { file = \"/x\" }"), &[]).unwrap_err();
    assert!(
        error.starts_with("FILE: open: invalid type: map, expected a boolean"),
        "{error}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = Path::new("/nonexistent/stoa.toml");
    let error = load_from::<Sample>("ingest", DEFAULT, Some(path), [])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read configuration file /nonexistent/stoa.toml: "),
        "{error}"
    );
}

#[test]
fn a_missing_key_without_default_is_named() {
    let error = load_from::<Sample>("ingest", "open = true", None, [])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "built-in default: top level: missing field `data_dir`"
    );
}

#[test]
fn sizes_are_read_and_written_with_units() {
    for (text, bytes, shown) in [
        ("0 B", 0, "0 B"),
        ("512B", 512, "512 B"),
        ("64 KiB", 65_536, "64 KiB"),
        ("64 kib", 65_536, "64 KiB"),
        ("1024 KiB", 1 << 20, "1 MiB"),
        ("1.5 GiB", 3 << 29, "1536 MiB"),
        ("10 MB", 10_000_000, "10000000 B"),
        ("1 TiB", 1 << 40, "1 TiB"),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!(size.get(), bytes, "{text}");
        assert_eq!(size.to_string(), shown, "{text}");
        assert_eq!(
            size.to_string().parse::<ByteSize>().unwrap(),
            size,
            "{text}"
        );
    }
    for text in [
        "",
        "64",
        "MiB",
        "-1 B",
        "1. MiB",
        "1.5.5 MiB",
        "1 XiB",
        "99999999999 TiB",
        "é",
        "1 Mi B",
    ] {
        assert!(text.parse::<ByteSize>().is_err(), "{text}");
    }
}

#[test]
fn durations_are_read_and_written_with_units() {
    for (text, millis, shown) in [
        ("0s", 0, "0s"),
        ("250ms", 250, "250ms"),
        ("30s", 30_000, "30s"),
        ("30 s", 30_000, "30s"),
        ("90s", 90_000, "90s"),
        ("5m", 300_000, "5m"),
        ("1h 30m", 5_400_000, "90m"),
        ("1h30m", 5_400_000, "90m"),
        ("7d", 604_800_000, "7d"),
    ] {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration.get().as_millis(), millis, "{text}");
        assert_eq!(duration.to_string(), shown, "{text}");
        assert_eq!(
            duration.to_string().parse::<Duration>().unwrap(),
            duration,
            "{text}"
        );
    }
    for text in [
        "",
        "5",
        "s",
        "-5s",
        "1.5s",
        "5 weeks",
        "99999999999999999999s",
        "é",
        "5s é",
    ] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[derive(Serialize)]
struct Shown {
    password: Secret,
}

#[test]
fn a_secret_is_read_and_never_shown() {
    let in_file = file("hunter2-from-file\r\n");
    let text = format!("password = {{ file = {:?} }}", in_file.path());
    let sample = load_sample(Some(&text), &[]).unwrap();
    let secret = sample.password.clone().unwrap();
    assert_eq!(secret.expose(), "hunter2-from-file");
    assert!(!format!("{sample:?}").contains("hunter2"));
    assert!(format!("{sample:?}").contains("password: Some([redacted])"));

    let shown = serde_json::to_string(&Shown { password: secret }).unwrap();
    assert_eq!(shown, r#"{"password":"[redacted]"}"#);

    let variable = [("STOA_MODERATION_RULES__PASSWORD", "hunter2")];
    let sample = load_sample(None, &variable).unwrap();
    assert_eq!(sample.password.unwrap().expose(), "hunter2");
}
