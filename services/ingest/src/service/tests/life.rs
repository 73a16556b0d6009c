//! Start and stop of the whole role.

use super::*;

#[tokio::test]
async fn run_gets_ready_answers_and_stops() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    // A port that was free a moment ago: the admin listener is asked over the network.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    config.admin.listen = free.local_addr().unwrap();
    drop(free);
    config.http.listen = "127.0.0.1:0".parse().unwrap();
    let admin = config.admin.listen;

    let context = Context::new("ingest", fixture.clock.clone());
    let bus = fixture.bus(&context);
    let running = context
        .tasks
        .spawn(crate::run(config, context.clone(), bus));
    for _ in 0..500 {
        if context.ready.is_ready() || running.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(context.ready.is_ready(), "{:?}", context.ready.report());
    let answer = ask(admin, "/admin/status").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"accepting\":true"), "{answer}");
    assert!(ask(admin, "/nothing").await.starts_with("HTTP/1.1 404"));

    context.shutdown.cancel();
    running.await.unwrap().unwrap();
    context.tasks.close();
    tokio::time::timeout(Duration::from_secs(10), context.tasks.wait())
        .await
        .unwrap();
    assert_eq!(context.failure(), None);
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_by_key() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.sites[0].languages = Some(vec!["klingon".to_owned()]);
    let context = Context::new("ingest", fixture.clock.clone());
    let bus = fixture.bus(&context);
    let error = Service::open(&config, &context, bus)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("sites[0].languages") && error.contains("klingon"),
        "{error}"
    );
    context.shutdown.cancel();
}

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {VIEWER}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
