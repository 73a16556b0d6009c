//! `Idempotency-Key` on every POST: the same request again is answered as the first time.
//!
//! Answers are in memory, for 24 hours, the newest 10 000 and 32 MiB of them; of those that are not
//! there any more, and after a restart, what the journal knows still keeps from happening twice
//! (decisions, undoing, notes, bulks and sanctions).
//! Two requests with one key at the same time are one: the second waits for the first's answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use stoa_daemon::auth::Tokens;
use stoa_daemon::{Clock, Problem};

use super::{KEY, key};

/// How long an answer is kept, in microseconds.
const KEPT: i64 = 24 * 3_600 * 1_000_000;
/// Answers that are kept, and their bytes.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of an answer that is kept.
const LARGEST: usize = 1024 * 1024;
/// Bytes of a request: as many as the route that takes most.
const MAX_REQUEST: usize = 32 * 1024 * 1024;

/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The first answers to requests with a key.
#[derive(Clone, Debug)]
pub(crate) struct FirstAnswers {
    tokens: Tokens,
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    slots: HashMap<Scope, Slot>,
    /// The oldest first.
    order: VecDeque<(i64, Scope)>,
    bytes: usize,
}

/// Who sent the request, with which role and for which sites, and what it calls itself: with other
/// rights it is another request.
type Scope = [u8; 32];

#[derive(Clone, Debug)]
struct Slot {
    /// What was asked for.
    request: [u8; 32],
    /// Held while the first request is worked on.
    answer: Arc<tokio::sync::Mutex<Option<Answer>>>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    kind: Option<HeaderValue>,
    body: Bytes,
}

impl FirstAnswers {
    /// Begins with none.
    pub(crate) fn new(tokens: Tokens, clock: Clock) -> Self {
        Self {
            tokens,
            clock,
            kept: Arc::default(),
        }
    }

    /// Finds the slot of a request, or makes it.
    fn slot(&self, scope: Scope, request: [u8; 32]) -> Slot {
        let now = self.clock.micros();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.tidy(now);
        if let Some(slot) = kept.slots.get(&scope) {
            return slot.clone();
        }
        let slot = Slot {
            request,
            answer: Arc::default(),
            bytes: 0,
        };
        kept.slots.insert(scope, slot.clone());
        kept.order.push_back((now, scope));
        slot
    }

    /// Counts what an answer takes.
    fn grew(&self, scope: &Scope, bytes: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = kept.slots.get_mut(scope) {
            slot.bytes = bytes;
            kept.bytes += bytes;
        }
    }
}

impl Kept {
    /// Forgets what is old, and the oldest of what is too much.
    fn tidy(&mut self, now: i64) {
        while let Some((at, scope)) = self.order.front().copied() {
            let is_old = now.saturating_sub(at) > KEPT;
            if !is_old && self.slots.len() < MOST && self.bytes <= MOST_BYTES {
                return;
            }
            self.order.pop_front();
            if let Some(slot) = self.slots.remove(&scope) {
                self.bytes = self.bytes.saturating_sub(slot.bytes);
            }
        }
    }
}

/// Answers a request that was answered before, and keeps the answer of one that was not.
pub(crate) async fn answer(
    State(first): State<FirstAnswers>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    let name = match key(request.headers()) {
        Ok(name) => name.unwrap_or_default(),
        Err(problem) => return problem.into_response(),
    };
    // Who is not known is told so by the route.
    let Ok(principal) = first.tokens.check(request.headers()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        let detail = format!("a request has at most {MAX_REQUEST} bytes: send less at once");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large")
            .with_detail(detail)
            .with_limit(format!("{MAX_REQUEST} bytes"))
            .into_response();
    };
    let rights = format!("{} {:?}", principal.role, principal.sites);
    let scope = digest(&[
        principal.name.as_bytes(),
        rights.as_bytes(),
        name.as_bytes(),
    ]);
    let address = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let asked = digest(&[address.as_bytes(), &body]);
    let slot = first.slot(scope, asked);
    if slot.request != asked {
        let detail = "this key was used for another request: use a new one for each";
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused")
            .with_detail(detail)
            .with_field(KEY)
            .into_response();
    }
    let mut known = slot.answer.lock().await;
    if let Some(answer) = &*known {
        return answer.again();
    }
    let request = Request::from_parts(parts, Body::from(body));
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    // What failed may be tried again; who may not is asked anew.
    let is_final = !parts.status.is_server_error()
        && !matches!(
            parts.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
        );
    if is_final && body.len() <= LARGEST {
        *known = Some(Answer {
            status: parts.status,
            kind: parts.headers.get(header::CONTENT_TYPE).cloned(),
            body: body.clone(),
        });
        first.grew(&scope, body.len());
    }
    Response::from_parts(parts, Body::from(body))
}

impl Answer {
    fn again(&self) -> Response {
        let mut response = (self.status, self.body.clone()).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        headers.extend(self.kind.clone().map(|kind| (header::CONTENT_TYPE, kind)));
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

/// Returns the digest of parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> FirstAnswers {
        FirstAnswers::new(Tokens::default(), Clock::fixed(jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let first = first();
        let count = || first.kept.lock().unwrap().slots.len();
        let day = std::time::Duration::from_hours(24);
        first.slot([1; 32], [1; 32]);
        first.clock.advance(day);
        assert_eq!(first.slot([1; 32], [2; 32]).request, [1; 32]);
        first.clock.advance(std::time::Duration::from_micros(1));
        assert_eq!(first.slot([1; 32], [2; 32]).request, [2; 32]);
        for n in 0..2 * MOST as u64 {
            first.slot(digest(&[&n.to_le_bytes()]), [0; 32]);
        }
        assert_eq!(count(), MOST);
        for n in 0..40_u64 {
            let scope = digest(&[b"large", &n.to_le_bytes()]);
            first.slot(scope, [0; 32]);
            first.grew(&scope, LARGEST);
        }
        assert!(first.kept.lock().unwrap().bytes <= MOST_BYTES + LARGEST);
        assert!(count() <= 33, "the oldest went first: {}", count());
    }
}
