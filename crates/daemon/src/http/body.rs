//! A request body that must arrive in time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::Limits;

/// A body with an idle limit, a lowest rate and a limit for the whole.
pub(super) struct TimedBody {
    inner: Body,
    limits: Limits,
    began: Instant,
    received: usize,
    /// Made at the first wait; a body that came with its head needs none.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    late: Late,
}

/// Whether a body was late, for the answer to say so.
#[derive(Clone, Default)]
pub(super) struct Late(Arc<AtomicBool>);

impl Late {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the request body took too long")]
struct TooSlow;

impl TimedBody {
    pub(super) fn new(inner: Body, limits: Limits, late: Late) -> Self {
        Self {
            inner,
            limits,
            began: Instant::now(),
            received: 0,
            timer: None,
            waiting: false,
            late,
        }
    }

    /// When the next piece must be here.
    fn deadline(&self) -> Instant {
        let Limits {
            body_idle,
            body,
            body_rate,
            ..
        } = self.limits;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a body is no larger than memory"
        )]
        let earned = self.received as f64 / f64::from(body_rate);
        let whole = body.min(body_idle + Duration::from_secs_f64(earned));
        (self.began + whole).min(Instant::now() + body_idle)
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.inner).poll_frame(cx);
        if let Poll::Ready(piece) = result {
            this.waiting = false;
            if let Some(Ok(frame)) = &piece {
                this.received += frame.data_ref().map_or(0, Bytes::len);
            }
            return Poll::Ready(piece);
        }
        let until = this.deadline();
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if !this.waiting {
            timer.as_mut().reset(until);
            this.waiting = true;
        }
        ready!(timer.as_mut().poll(cx));
        this.late.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
