//! A router that is known later than its listener.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use stoa_daemon::Problem;
use tower::ServiceExt as _;

/// A router that is set once; until then every request is answered 503.
#[derive(Clone, Default)]
pub(crate) struct LateRouter(Arc<OnceLock<Router>>);

impl LateRouter {
    /// Sets the router; the first call counts.
    pub(crate) fn set(&self, router: Router) {
        self.0.get_or_init(|| router);
    }
}

impl tower::Service<Request<Body>> for LateRouter {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let router = self.0.get().cloned();
        Box::pin(async move {
            match router {
                Some(router) => router.oneshot(request).await,
                None => {
                    let problem = Problem::unavailable("moderation-rules is starting", 1);
                    Ok(problem.into_response())
                }
            }
        })
    }
}
