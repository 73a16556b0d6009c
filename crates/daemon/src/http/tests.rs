use std::convert::Infallible;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::response::Html;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::{Clock, Problem};

#[derive(serde::Deserialize)]
struct Input {
    #[expect(dead_code, reason = "only its type matters")]
    number: u32,
}

fn router() -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route(
            "/id",
            get(async |axum::Extension(id): axum::Extension<RequestId>| id.0.to_string()),
        )
        .route(
            "/page",
            get(async || {
                (
                    [("content-security-policy", "default-src 'self'")],
                    Html("<p>page"),
                )
            }),
        )
        .route(
            "/problem",
            get(async || Problem::conflict("changed").with_field("version")),
        )
        .route("/panic", get(async || -> &'static str { panic!("a bug") }))
        .route(
            "/inside",
            get(async || (axum::http::StatusCode::BAD_GATEWAY, "secret path")),
        )
        .route("/json", post(async |Json(_): Json<Input>| "ok"))
        .route("/bytes", post(async |body: Bytes| body.len().to_string()))
        .route(
            "/endless",
            get(async || {
                let piece = Bytes::from(vec![b'x'; 1 << 16]);
                let pieces = std::iter::repeat_with(move || Ok::<_, Infallible>(piece.clone()));
                axum::body::Body::from_stream(futures_util::stream::iter(pieces))
            }),
        )
        .layer(DefaultBodyLimit::max(1024))
}

fn quick() -> Limits {
    Limits {
        connections: 4,
        head: Duration::from_millis(300),
        body_idle: Duration::from_millis(300),
        body: Duration::from_millis(800),
        body_rate: 1,
        write_idle: Duration::from_millis(300),
    }
}

async fn start(limits: Limits) -> (Context, SocketAddr) {
    let context = Context::new("test", Clock::system());
    let listen = "127.0.0.1:0".parse().unwrap();
    let address = serve_with(listen, router(), &context, "public", limits)
        .await
        .unwrap();
    (context, address)
}

async fn stop(context: Context) {
    context.shutdown.cancel();
    context.tasks.close();
    tokio::time::timeout(Duration::from_secs(20), context.tasks.wait())
        .await
        .unwrap();
    assert_eq!(context.failure(), None);
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// Sends raw bytes and reads until the server closes; returns what came and how long it took.
async fn raw(address: SocketAddr, bytes: &[u8]) -> (String, Duration) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset is a way to close, too.
    let _closed = tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .expect("never closed");
    (String::from_utf8(answer).unwrap(), started.elapsed())
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let (context, address) = start(Limits::default()).await;
    for path in ["/hello", "/problem", "/panic", "/nowhere"] {
        let response = reqwest::get(url(address, path)).await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(
            headers["content-security-policy"],
            observe_policy(),
            "{path}"
        );
        assert_eq!(headers["x-request-id"].len(), 32, "{path}");
    }
    let response = reqwest::get(url(address, "/page")).await.unwrap();
    assert_eq!(
        response.headers()["content-security-policy"],
        "default-src 'self'"
    );
    stop(context).await;
}

fn observe_policy() -> &'static str {
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

#[tokio::test]
async fn a_request_keeps_a_plain_id_and_loses_any_other() {
    let (context, address) = start(Limits::default()).await;
    let client = reqwest::Client::new();
    for (given, kept) in [
        ("abc-1.2_3", true),
        ("a b", false),
        ("", false),
        (&*"x".repeat(65), false),
    ] {
        let request = client
            .get(url(address, "/id"))
            .header("x-request-id", given);
        let response = request.send().await.unwrap();
        let header = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(header == given, kept, "{given:?}");
        assert_eq!(response.text().await.unwrap(), header);
    }
    stop(context).await;
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let (context, address) = start(Limits::default()).await;
    let client = reqwest::Client::new();
    let json = |body: &'static str| {
        client
            .post(url(address, "/json"))
            .header("content-type", "application/json")
            .body(body)
    };
    let cases = [
        (client.get(url(address, "/nowhere")), 404, "not_found"),
        (
            client.post(url(address, "/hello")),
            405,
            "method_not_allowed",
        ),
        (
            client.post(url(address, "/bytes")).body(vec![0; 2048]),
            413,
            "too_large",
        ),
        (
            client.post(url(address, "/json")).body("{}"),
            415,
            "unsupported_media_type",
        ),
        (json("{"), 400, "bad_request"),
        (json(r#"{"number":"x"}"#), 422, "unprocessable"),
        (client.get(url(address, "/problem")), 409, "conflict"),
        (client.get(url(address, "/panic")), 500, "internal"),
        (client.get(url(address, "/inside")), 502, "internal"),
    ];
    for (request, status, code) in cases {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{code}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{code}"
        );
        if status == 405 {
            assert_eq!(response.headers()["allow"], "GET,HEAD");
        }
        let text = response.text().await.unwrap();
        assert!(!text.contains("secret path"), "{text}");
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:stoa:problem:{code}"));
    }
    stop(context).await;
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let (context, address) = start(Limits::default()).await;
    for path in ["/hello", "/hello", "/nowhere/1", "/nowhere/2"] {
        reqwest::get(url(address, path)).await.unwrap();
    }
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&context.registry.gather())
        .unwrap();
    for line in [
        r#"stoa_http_requests_total{listener="public",method="GET",route="/hello",status="200"} 2"#,
        r#"stoa_http_requests_total{listener="public",method="GET",route="unmatched",status="404"} 2"#,
        r#"stoa_http_request_duration_seconds_count{listener="public",route="/hello"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    stop(context).await;
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let (context, address) = start(quick()).await;
    for bytes in [
        &b""[..],
        b"GET /hello HT",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nX-A: ",
    ] {
        let (_, took) = raw(address, bytes).await;
        assert!(
            took >= Duration::from_millis(250) && took < Duration::from_secs(10),
            "{took:?}"
        );
    }
    // A byte now and then doesn't help: the limit is for the whole head.
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    while started.elapsed() < Duration::from_secs(10) {
        if stream.write_all(b"G").await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "still open");
    stop(context).await;
}

#[tokio::test]
async fn slow_clients_keep_nobody_else_out() {
    let (context, address) = start(quick()).await;
    let mut slow = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /hello HTTP/1.1\r\nX-A: ")
            .await
            .unwrap();
        slow.push(stream);
    }
    let started = Instant::now();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let response = client.get(url(address, "/hello")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "hello");
    assert!(
        started.elapsed() >= Duration::from_millis(250),
        "the limit of connections did not hold"
    );
    drop(slow);
    stop(context).await;
}

#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let (context, address) = start(quick()).await;
    let head = b"POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc";
    let (answer, took) = raw(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    assert!(
        took >= Duration::from_millis(250) && took < Duration::from_secs(10),
        "{took:?}"
    );

    stop(context).await;

    // Pieces that come in time are cut off by the limit for the whole, and sooner if they are small.
    let long = Duration::from_mins(1);
    for (body, body_rate) in [(quick().body, 1), (long, 40)] {
        let limits = Limits {
            body,
            body_rate,
            ..quick()
        };
        let (context, address) = start(limits).await;
        let started = Instant::now();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let sender = async {
            if write.write_all(head).await.is_ok() {
                while write.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            // The answer may still be on its way.
            std::future::pending::<()>().await;
        };
        let reader = async {
            let mut buffer = [0; 64];
            let n = read.read(&mut buffer).await.unwrap();
            String::from_utf8_lossy(&buffer[..n]).into_owned()
        };
        let answer = tokio::select! { () = sender => String::new(), answer = reader => answer };
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        let took = started.elapsed();
        assert!(took >= quick().body_idle && took < long / 2, "{took:?}");
        stop(context).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let (context, address) = start(quick()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    // All connections are free again once the endless answer has been given up.
    let metric = "stoa_http_connections{listener=\"public\"} 0";
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let families = context.registry.gather();
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&families)
            .unwrap();
        if text.contains(metric) {
            drop(stream);
            return stop(context).await;
        }
    }
    panic!("the connection is still open");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (context, address) = start(Limits::default()).await;
    let mut request = b"GET /hello HTTP/1.1\r\nX-A: ".to_vec();
    request.extend(vec![b'a'; 2 * MAX_HEAD_BYTES]);
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let _reset = write.write_all(&request).await;
    let mut buffer = [0; 64];
    let n = read.read(&mut buffer).await.unwrap_or(0);
    let answer = String::from_utf8_lossy(&buffer[..n]).into_owned();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    stop(context).await;
}

#[tokio::test]
async fn requests_in_flight_are_finished_on_shutdown() {
    let context = Context::new("test", Clock::system());
    let shutdown = context.shutdown.clone();
    let slow = async move || {
        shutdown.cancel();
        tokio::time::sleep(Duration::from_millis(200)).await;
        "done"
    };
    let router = Router::new().route("/slow", get(slow));
    let listen = "127.0.0.1:0".parse().unwrap();
    let address = serve(listen, router, &context, "public").await.unwrap();
    let response = reqwest::get(url(address, "/slow")).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "done");
    stop(context).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "still listening"
    );
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (context, address) = start(Limits::default()).await;
    let error = serve(address, router(), &context, "admin")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} for admin")
    );
    let source = std::error::Error::source(&error).unwrap();
    let source: &std::io::Error = source.downcast_ref().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
    stop(context).await;
}

#[tokio::test]
async fn a_late_router_answers_503_until_it_is_set() {
    use tower::ServiceExt as _;

    let late = LateRouter::default();
    let request = || Request::get("/x").body(axum::body::Body::empty()).unwrap();
    let status = late.clone().oneshot(request()).await.unwrap().status();
    assert_eq!(status, axum::http::StatusCode::SERVICE_UNAVAILABLE);
    late.clone()
        .set(Router::new().route("/x", get(|| async { "here" })));
    assert_eq!(
        late.oneshot(request()).await.unwrap().status(),
        axum::http::StatusCode::OK
    );
}
