//! The whole role: it starts, is ready, and ends when it is told to.

use std::time::Duration;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_and_ends_and_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    for _ in 0..2 {
        let context = Context::new("moderation-rules", Clock::system());
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: context.clock.micros_fn(),
        };
        let bus = Bus::embedded(&dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap();
        let mut config = config(dir.path());
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.admin.listen = "127.0.0.1:0".parse().unwrap();
        let running = tokio::task::JoinSet::from_iter([crate::run(config, context.clone(), bus)]);
        for _ in 0..1_000 {
            if context.ready.is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(context.ready.is_ready(), "{:?}", context.ready.report());
        context.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), running.join_all()).await;
        ended.unwrap().into_iter().for_each(|ended| ended.unwrap());
        context.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), context.tasks.wait())
            .await
            .unwrap();
        assert_eq!(context.failure(), None);
    }
}
