//! A router that is known later than its listener.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::body::Body;
use std::pin::Pin;
use std::task::{Context, Poll};
use stoa_daemon::Problem;
use tower::{Service, ServiceExt as _};

/// Answers 503 until its router is set.
#[derive(Clone, Default)]
pub(crate) struct LateRouter(Arc<OnceLock<Router>>);

impl LateRouter {
    /// Sets the router; the first call counts.
    pub(crate) fn set(&self, router: Router) {
        self.0.get_or_init(|| router);
    }
}

impl Service<Request<Body>> for LateRouter {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let router = self.0.get().cloned();
        Box::pin(async move {
            match router {
                Some(router) => router.oneshot(request).await,
                None => Ok(Problem::unavailable("the archive is starting", 1).into_response()),
            }
        })
    }
}
