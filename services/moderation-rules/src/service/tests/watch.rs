//! Changes of the folder become live by themselves.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::live::Rules;

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came: {what}");
}

/// Runs the service over a folder while `change` changes it, and stops it then.
async fn while_it_runs(dir: &Path, change: impl AsyncFnOnce(&Rules, &Context, &Router)) {
    let mut config = config(dir);
    config.rules.poll = stoa_daemon::config::Duration::millis(20);
    config.rules.settle = stoa_daemon::config::Duration::millis(50);
    let fixture = Fixture::open_as(config, dir).await;
    let (rules, context) = (Arc::clone(&fixture.service.rules), fixture.context.clone());
    let router = fixture.router.clone();
    drop((fixture.engine, fixture.router, fixture.public, fixture.bus));
    let running = tokio::task::JoinSet::from_iter([fixture.service.work()]);
    change(&rules, &context, &router).await;
    drop(router);
    context.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), running.join_all()).await;
    ended.unwrap().into_iter().for_each(|ended| ended.unwrap());
    context.tasks.close();
    context.tasks.wait().await;
    assert_eq!(context.failure(), None);
}

fn live(rules: &Rules, text: &str) -> bool {
    rules
        .live()
        .set
        .sources()
        .any(|(_, file)| file.contains(text))
}

fn reloads(context: &Context, result: &str) -> f64 {
    let families = context.registry.gather();
    let family = families
        .iter()
        .find(|family| family.name() == "stoa_ruleset_reloads_total")
        .unwrap();
    let metrics = family.get_metric().iter();
    metrics
        .filter(|metric| {
            metric
                .get_label()
                .iter()
                .any(|label| label.value() == result)
        })
        .map(|metric| metric.get_counter().get_value())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_change_becomes_live_and_half_of_one_waits() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    while_it_runs(dir.path(), async |rules, context, _| {
        write_rules(dir.path(), &RULES.replace("scoundrel", "rascal"));
        until("the change", || live(rules, "rascal")).await;
        rules.versions(|versions| {
            let last = versions.last().unwrap();
            assert_eq!(
                (last.by.as_str(), versions.activations().len()),
                ("folder", 2)
            );
        });
        assert!(reloads(context, "applied") > 0.0);

        // The list is not there yet.
        let with_list = RULES.replace("terms: [scoundrel]", "file: lists/bad.txt");
        write_rules(dir.path(), &with_list);
        until("the refusal", || rules.pending().is_some()).await;
        assert!(live(rules, "rascal"), "half of a folder became live");
        assert!(reloads(context, "refused") > 0.0);
        std::fs::create_dir_all(dir.path().join("rules/lists")).unwrap();
        std::fs::write(dir.path().join("rules/lists/bad.txt"), "cad\n").unwrap();
        until("the whole", || live(rules, "cad")).await;
        assert!(rules.pending().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_link_becomes_live() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rules");
    for (version, word) in [("..one", "scoundrel"), ("..two", "rascal")] {
        std::fs::create_dir_all(root.join(version)).unwrap();
        let rules = RULES.replace("scoundrel", word);
        std::fs::write(root.join(version).join("stoa.yaml"), rules).unwrap();
    }
    symlink("..one", root.join("..data")).unwrap();
    symlink("..data/stoa.yaml", root.join("stoa.yaml")).unwrap();
    while_it_runs(dir.path(), async |rules, _, _| {
        assert!(live(rules, "scoundrel"));
        symlink("..two", root.join("..new")).unwrap();
        std::fs::rename(root.join("..new"), root.join("..data")).unwrap();
        until("the other version", || live(rules, "rascal")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_touched_does_not_undo_what_a_person_said() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    while_it_runs(dir.path(), async |rules, context, router| {
        let tag = format!("\"{}\"", rules.live().set.hash());
        let other = RULES.replace("scoundrel", "rascal");
        let request = Request::put("/admin/rules")
            .header(header::AUTHORIZATION, format!("Bearer {EDITOR}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, tag)
            .body(Body::from(
                json!({"files": {"stoa.yaml": other}}).to_string(),
            ))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        drop(response);
        write_rules(dir.path(), RULES);
        until("a look at it", || reloads(context, "unchanged") > 0.0).await;
        assert!(live(rules, "rascal"));
        // But what is new in it counts.
        write_rules(dir.path(), &RULES.replace("scoundrel", "cad"));
        until("the change", || live(rules, "cad")).await;
    })
    .await;
}
