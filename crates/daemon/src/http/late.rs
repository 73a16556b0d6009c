//! A router that is known later than its listener.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;

use crate::Problem;

/// A router that is set once; until then every request is answered 503.
///
/// An admin listener answers from the first moment on, while the role still opens its journal.
#[derive(Clone, Debug, Default)]
pub struct LateRouter(Arc<OnceLock<Router>>);

impl LateRouter {
    /// Sets the router; the first call counts.
    ///
    /// It takes the handle, because who keeps it keeps what the router holds.
    pub fn set(self, router: Router) {
        self.0.get_or_init(|| router);
    }
}

impl tower::Service<Request<Body>> for LateRouter {
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
                None => Ok(Problem::unavailable("the role is starting", 1).into_response()),
            }
        })
    }
}
