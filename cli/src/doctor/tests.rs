use std::path::Path;

use super::*;
use crate::client::testing::{answer, serve};

fn args(config: &Path) -> DoctorArgs {
    DoctorArgs {
        config: config.to_owned(),
        embedded: true,
        json: false,
    }
}

fn archive(folder: &Path, more: &str) {
    let text = format!("data_dir = \"{}\"\n{more}", folder.join("data").display());
    std::fs::write(folder.join("archive.toml"), text).unwrap();
}

fn found<'a>(checks: &'a [Check], check: &str) -> &'a Check {
    checks
        .iter()
        .find(|one| one.what == check)
        .unwrap_or_else(|| panic!("{check}: {checks:#?}"))
}

#[tokio::test]
async fn a_key_that_others_can_read_is_a_failure() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), "[admin]\nlisten = \"127.0.0.1:1\"");
    let checks = examine(&args(folder.path())).await.unwrap();
    assert_eq!(found(&checks, "signing key").state, State::Ok);
    assert_eq!(found(&checks, "ready").state, State::Look);

    let key = folder.path().join("data/tlog/key");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::fs::write(&key, "key").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let checks = examine(&args(folder.path())).await.unwrap();
    let check = found(&checks, "signing key");
    assert_eq!(check.state, State::Failed);
    assert!(check.finding.contains("chmod 600"), "{check:?}");
}

#[tokio::test]
async fn a_disk_without_room_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    archive(
        folder.path(),
        "[admin]\nlisten = \"127.0.0.1:1\"\n[journal]\nreserve = \"1000000 GiB\"",
    );
    let checks = examine(&args(folder.path())).await.unwrap();
    assert_eq!(found(&checks, "disk").state, State::Failed);
}

#[tokio::test]
async fn a_wrong_configuration_is_named_and_a_missing_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = examine(&args(folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("archive.toml"), "{error}");
    archive(folder.path(), "datadir = 1");
    let checks = examine(&args(folder.path())).await.unwrap();
    let check = found(&checks, "configuration");
    assert_eq!(check.state, State::Failed);
    assert!(check.finding.contains("datadir"), "{check:?}");
}

#[tokio::test]
async fn a_role_with_another_time_and_version_is_told() {
    let late = answer(
        "200 OK",
        "date: Sun, 29 Nov 2020 08:49:12 GMT\r\n",
        "stoa_build_info{commit=\"\",role=\"archive\",version=\"0.0.9\"} 1\n",
    );
    let server = serve(vec![late]).await;
    let folder = tempfile::tempdir().unwrap();
    let address = server.url.trim_start_matches("http://");
    archive(folder.path(), &format!("[admin]\nlisten = \"{address}\""));
    let checks = examine(&args(folder.path())).await.unwrap();
    assert_eq!(found(&checks, "this role is ready").state, State::Ok);
    assert_eq!(found(&checks, "clock of this role").state, State::Failed);
    let check = found(&checks, "version of this role");
    assert!(check.finding.contains("0.0.9"), "{check:?}");
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    archive(
        folder.path(),
        "[admin]\nlisten = \"127.0.0.1:1\"\n[bus]\nurl = \"amqp://stoa-archive:secret@127.0.0.1:1/%2f\"",
    );
    let embedded = args(folder.path());
    let checks = examine(&DoctorArgs {
        embedded: false,
        ..embedded
    })
    .await
    .unwrap();
    let check = found(&checks, "broker");
    assert_eq!(check.state, State::Failed);
    assert!(!check.finding.contains("secret"), "{check:?}");
}

#[tokio::test]
async fn a_broken_rule_set_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("stoa.yaml"), "rules: [{id: x, when: nonsense}]").unwrap();
    let text = format!(
        "data_dir = \"{}\"\nrules_dir = \"{}\"\n[admin]\nlisten = \"127.0.0.1:1\"",
        folder.path().join("data").display(),
        rules.display()
    );
    std::fs::write(folder.path().join("moderation-rules.toml"), text).unwrap();
    let checks = examine(&args(folder.path())).await.unwrap();
    assert_eq!(found(&checks, "rule set").state, State::Failed);
}
