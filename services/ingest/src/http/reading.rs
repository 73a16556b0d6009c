//! Reading a request's body up to its limit, and past it without keeping it.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

/// What is read of a refused body and thrown away, at most.
///
/// Most clients read no answer before they have sent everything: a connection that is closed while
/// they send shows them a broken pipe instead of the reason. Who sends more than this is cut off.
const DISCARDED_BYTES: u64 = 32 * 1024 * 1024;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than it may be.
    TooLarge,
    /// It ended early, or took too long.
    Cut,
}

/// A request's body, as far as it has come.
pub(super) struct Reading {
    stream: BodyDataStream,
    announced: Option<u64>,
    /// Whether the client waits to be asked for the body.
    waits: bool,
}

impl Reading {
    /// Takes a body, of which nothing has been read.
    pub(super) fn new(headers: &HeaderMap, body: Body) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            stream: body.into_data_stream(),
            announced: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            waits: text(header::EXPECT).is_some(),
        }
    }

    /// Returns the length that the request announces.
    pub(super) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Reads all of it, unless it has more than `limit` bytes.
    pub(super) async fn bytes(&mut self, limit: u64) -> Result<Bytes, Unread> {
        if self.announced.is_some_and(|length| length > limit) {
            return Err(Unread::TooLarge);
        }
        self.waits = false;
        let mut whole = BytesMut::new();
        let mut only = Bytes::new();
        while let Some(chunk) = self.stream.next().await {
            let chunk = chunk.map_err(|_| Unread::Cut)?;
            if (whole.len() + only.len() + chunk.len()) as u64 > limit {
                return Err(Unread::TooLarge);
            }
            if whole.is_empty() && only.is_empty() {
                only = chunk;
            } else {
                whole.extend_from_slice(&std::mem::take(&mut only));
                whole.extend_from_slice(&chunk);
            }
        }
        Ok(if whole.is_empty() {
            only
        } else {
            whole.freeze()
        })
    }

    /// Reads on and throws it away, so that the client comes to read the answer.
    pub(super) async fn discard(mut self) {
        let mut left = DISCARDED_BYTES;
        if self.waits || self.announced.is_some_and(|length| length > left) {
            return;
        }
        while let Some(Ok(chunk)) = self.stream.next().await {
            match left.checked_sub(chunk.len() as u64) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream;

    use super::*;

    /// A body of chunks of 1 KiB, and the count of those that were taken.
    fn body(n_chunks: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let chunks = stream::iter((0..n_chunks).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1_024]))
        }));
        (Body::from_stream(chunks), taken)
    }

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[tokio::test]
    async fn what_fits_is_read_whole() {
        for n_chunks in [0, 1, 2, 5] {
            let (body, _) = body(n_chunks);
            let mut reading = Reading::new(&HeaderMap::new(), body);
            let bytes = reading.bytes(5 * 1_024).await.unwrap();
            assert_eq!(bytes.len(), n_chunks * 1_024);
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_and_thrown_away() {
        let (body, taken) = body(10);
        let mut reading = Reading::new(&HeaderMap::new(), body);
        assert_eq!(reading.bytes(2_000).await, Err(Unread::TooLarge));
        assert_eq!(taken.load(Ordering::Relaxed), 2);
        reading.discard().await;
        assert_eq!(taken.load(Ordering::Relaxed), 10);
    }

    #[tokio::test]
    async fn nothing_is_read_of_what_is_far_too_large_or_not_asked_for() {
        for pairs in [
            &[(header::CONTENT_LENGTH, "136314880")][..],
            &[
                (header::CONTENT_LENGTH, "9000"),
                (header::EXPECT, "100-continue"),
            ],
        ] {
            let (body, taken) = body(10);
            let mut reading = Reading::new(&headers(pairs), body);
            assert_eq!(reading.bytes(2_000).await, Err(Unread::TooLarge));
            reading.discard().await;
            assert_eq!(taken.load(Ordering::Relaxed), 0);
        }
    }

    #[tokio::test]
    async fn an_endless_body_is_cut_off() {
        let (body, taken) = body(100_000);
        Reading::new(&HeaderMap::new(), body).discard().await;
        assert_eq!(taken.load(Ordering::Relaxed), 32 * 1_024 + 1);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_cut() {
        let broken = stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("gone")),
        ]);
        let mut reading = Reading::new(&HeaderMap::new(), Body::from_stream(broken));
        assert_eq!(reading.bytes(100).await, Err(Unread::Cut));
    }
}
