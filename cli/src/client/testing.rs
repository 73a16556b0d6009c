//! A server that gives prepared answers and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    /// Its address.
    pub(crate) url: String,
    /// The requests, head and body.
    pub(crate) requests: Arc<Mutex<Vec<(String, String)>>>,
}

/// Writes an answer; `headers` end with a line break each.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Answers one request after another; an empty answer closes the connection without one, and the
/// last answer is given for ever.
pub(crate) async fn serve(answers: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    TaskTracker::new().spawn(async move {
        for n in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let mut buffer = [0_u8; 4096];
            let (head, body) = loop {
                let n_read = stream.read(&mut buffer).await.unwrap();
                bytes.extend_from_slice(&buffer[..n_read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length: usize = head
                        .lines()
                        .find_map(|line| {
                            line.to_lowercase()
                                .strip_prefix("content-length: ")?
                                .parse()
                                .ok()
                        })
                        .unwrap_or(0);
                    if body.len() >= length || n_read == 0 {
                        break (head.to_owned(), body.to_owned());
                    }
                } else if n_read == 0 {
                    break (text, String::new());
                }
            };
            seen.lock().unwrap().push((head, body));
            let answer = answers
                .get(n)
                .or(answers.last())
                .cloned()
                .unwrap_or_default();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    Server { url, requests }
}
