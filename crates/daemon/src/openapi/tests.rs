use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use tower::ServiceExt as _;
use utoipa::ToSchema;

use super::*;

#[derive(serde::Serialize, ToSchema)]
struct Thing {
    name: String,
    #[schema(value_type = Known)]
    known: (),
}

/// Stands for a type that is described elsewhere.
struct Known;

impl utoipa::PartialSchema for Known {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::Ref::from_schema_name("Known").into()
    }
}

impl ToSchema for Known {}

/// Changes a thing
/// or makes it.
///
/// More of it.
#[utoipa::path(
    put,
    path = "/things/{thing}",
    operation_id = "put_thing",
    params(("thing" = u64, Path, description = "Its number.")),
    request_body = String,
    extensions(("x-role" = json!("editor")), ("x-all-sites" = json!(true))),
    responses((status = 200, description = "It.", body = Thing), Conflict),
)]
async fn put() -> Json<Thing> {
    Json(Thing {
        name: String::new(),
        known: (),
    })
}

/// Lists all.
#[utoipa::path(get, path = "/things", operation_id = "list", responses((status = 200, description = "All.", body = [Thing])))]
async fn list() {}

const LISTENER: Listener = Listener {
    role: "test",
    name: "public",
    about: "About it.",
    schemas: || {
        let schemas = json!({
            "Known": {"properties": {"inner": {"$ref": "#/components/schemas/Inner"}}},
            "Inner": {"type": "string"},
            "Unused": {"type": "string"},
        });
        schemas.as_object().unwrap().clone()
    },
    has_keys: false,
};

fn things() -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(put))
        .routes(routes!(list))
}

#[test]
fn an_operation_says_what_follows_from_it() {
    let document = LISTENER.document([things().into_openapi()]);
    let put = &document["paths"]["/things/{thing}"]["put"];
    assert_eq!(put["summary"], "Changes a thing or makes it");
    assert_eq!(
        put["description"],
        "More of it.\n\nNeeds a token with the role `editor` for all sites."
    );
    assert_eq!(put["security"], json!([{"bearer": []}]));
    let statuses: Vec<&String> = put["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        ["200", "400", "401", "403", "409", "413", "415", "500"]
    );
    assert_eq!(
        put["responses"]["409"]["$ref"],
        "#/components/responses/Conflict"
    );
    let list = &document["paths"]["/things"]["get"];
    let statuses: Vec<&String> = list["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "500"]);
    assert!(list.get("security").is_none());
}

#[test]
fn schemas_that_are_referred_to_are_there_and_no_others() {
    let document = LISTENER.document([things().into_openapi()]);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let names: Vec<&String> = schemas.keys().collect();
    assert_eq!(names, ["Inner", "Known", "Problem", "Thing"]);
    assert!(schemas["Known"].get("properties").is_some());
}

#[tokio::test]
async fn the_document_is_served_and_kept() {
    let router = LISTENER.router(things());
    let ask = |tag: &str| {
        let request = Request::get("/openapi.json").header(header::IF_NONE_MATCH, tag);
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let response = ask("\"other\"").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let tag = response.headers()[header::ETAG]
        .to_str()
        .unwrap()
        .to_owned();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document, LISTENER.document([things().into_openapi()]));
    assert!(document["paths"].get("/openapi.json").is_some());
    let response = ask(&format!("\"other\", W/{tag}")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let request = Request::put("/things/1").body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
