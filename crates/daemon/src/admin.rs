//! What every admin listener answers: `/livez`, `/readyz` and `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use prometheus::TextEncoder;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi::PROCESS;
use crate::readiness::{Reason, Report};
use crate::{Context, Problem};

/// The routes of every admin listener; a role merges its `/admin/…` routes into them.
///
/// - `/livez`: 200 as long as the process can answer at all.
/// - `/readyz`: 200 or 503 with `{"ready": …, "reasons": [{"component", "reason"}]}`.
/// - `/metrics`: the role's registry in Prometheus' text format.
pub fn router(context: &Context) -> Router {
    routes().with_state(context.clone()).into()
}

/// The routes, for the document of a listener that has them.
pub(crate) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::default()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
}

/// Whether the process can answer at all.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "get_livez",
    tag = PROCESS,
    responses((status = 200, description = "`ok`", body = String)),
)]
async fn livez() -> &'static str {
    "ok\n"
}

/// Whether the role can do its work, and what is in the way.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readyz",
    tag = PROCESS,
    responses(
        (status = 200, description = "It can.", body = Report),
        (status = 503, description = "It can't, for the reasons that are named.", body = Report),
    ),
)]
async fn readyz(State(context): State<Context>) -> Response {
    let mut report = context.ready.report();
    if context.shutdown.is_cancelled() {
        report.ready = false;
        report.reasons.push(Reason {
            component: "process".to_owned(),
            reason: "shutting down".to_owned(),
        });
    }
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

/// What the role measures, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = PROCESS,
    responses((status = 200, description = "The metrics.", body = String)),
)]
async fn metrics(State(context): State<Context>) -> Response {
    match TextEncoder::new().encode_to_string(&context.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode metrics");
            Problem::internal().into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Clock, http};

    async fn get(context: &Context, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(context).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_follows_the_components_and_the_shutdown() {
        let context = Context::new("ingest", Clock::system());
        assert_eq!(
            get(&context, "/livez").await,
            (StatusCode::OK, "ok\n".to_owned())
        );
        assert_eq!(
            get(&context, "/readyz").await,
            (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"ready":false,"reasons":[{"component":"process","reason":"starting"}]}"#
                    .to_owned()
            )
        );
        context.ready.set("bus", Ok(()));
        let ready = r#"{"ready":true,"reasons":[]}"#.to_owned();
        assert_eq!(get(&context, "/readyz").await, (StatusCode::OK, ready));
        context.shutdown.cancel();
        let (status, body) = get(&context, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("shutting down"), "{body}");
    }

    /// The table in the crate's README names every metric with its type and labels.
    #[tokio::test]
    async fn metrics_are_documented() {
        let context = Context::new("ingest", Clock::system());
        let listen = "127.0.0.1:0".parse().unwrap();
        let address = http::serve(listen, router(&context), &context, "admin")
            .await
            .unwrap();
        reqwest::get(format!("http://{address}/livez"))
            .await
            .unwrap();
        let own = |family: &&prometheus::proto::MetricFamily| family.name().starts_with("stoa_");
        let mut metrics: Vec<String> = Vec::new();
        for family in context.registry.gather().iter().filter(own) {
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            let labels = family
                .get_metric()
                .iter()
                .flat_map(prometheus::proto::Metric::get_label);
            let mut labels: Vec<String> =
                labels.map(|label| format!("`{}`", label.name())).collect();
            labels.sort();
            labels.dedup();
            metrics.push(format!(
                "| `{}` | {kind} | {} |",
                family.name(),
                labels.join(", ")
            ));
        }
        context.shutdown.cancel();
        let readme = include_str!("../README.md");
        let documented: Vec<String> = readme
            .lines()
            .filter(|line| line.starts_with("| `stoa_"))
            .map(|line| {
                let end = line.match_indices('|').nth(3).unwrap().0;
                line.get(..=end).unwrap().to_owned()
            })
            .collect();
        assert_eq!(metrics, documented);
    }

    #[tokio::test]
    async fn metrics_tell_the_build_and_the_process() {
        let context = Context::new("archive", Clock::system());
        let (status, body) = get(&context, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        let build = format!(
            "stoa_build_info{{commit=\"{}\",role=\"archive\",version=\"{}\"}} 1",
            option_env!("STOA_COMMIT").unwrap_or("unknown"),
            env!("CARGO_PKG_VERSION")
        );
        assert!(body.contains(&build), "{body}");
        assert!(body.contains("process_resident_memory_bytes"), "{body}");
    }
}
