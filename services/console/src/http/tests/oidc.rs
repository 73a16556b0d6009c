//! A provider of our own, whose key and lies are known.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;

/// What the provider says of the person at it, and how.
#[derive(Clone)]
struct Says {
    /// Over the claims that are right.
    claims: Value,
    header: Value,
    /// The nonce of the sign-in, as it was asked for.
    nonce: String,
    /// The challenge whose verifier has to come.
    challenge: String,
    /// The code that is taken, once.
    code: Option<String>,
    key: Arc<Ed25519KeyPair>,
    /// The key that signs, if it is another than the one that is published.
    forged: bool,
}

#[derive(Clone)]
struct Identity {
    says: Arc<Mutex<Says>>,
    issuer: Arc<Mutex<String>>,
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// An ID token as the provider signs it.
fn id_token(says: &Says, issuer: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": issuer, "aud": "stoa", "sub": "s-1", "exp": now + 300, "iat": now, "nonce": says.nonce,
        "preferred_username": "Zoe@courrier.example", "name": "Zoé Marchal", "groups": ["mods", "other"],
    });
    for (key, value) in says.claims.as_object().into_iter().flatten() {
        claims[key] = value.clone();
    }
    let mut header = json!({"alg": "EdDSA", "kid": "k-1", "typ": "JWT"});
    for (key, value) in says.header.as_object().into_iter().flatten() {
        header[key] = value.clone();
    }
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    if header["alg"] == "none" {
        return format!("{signed}.");
    }
    let other = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let key = if says.forged { &other } else { &*says.key };
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn provider(identity: Identity) -> Router {
    let discover = async |State(identity): State<Identity>| {
        let issuer = identity.issuer.lock().unwrap().clone();
        Json(json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "none"],
        }))
    };
    let keys = async |State(identity): State<Identity>| {
        let says = identity.says.lock().unwrap().clone();
        let public = BASE64_URL_SAFE_NO_PAD.encode(says.key.public_key().as_ref());
        Json(json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": "k-1", "use": "sig", "alg": "EdDSA"},
        ]}))
    };
    let token = async |State(identity): State<Identity>, headers: HeaderMap, body: String| {
        let sent: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let basic = base64::prelude::BASE64_STANDARD.encode("stoa:client-secret");
        assert_eq!(headers["authorization"], format!("Basic {basic}"));
        let mut says = identity.says.lock().unwrap();
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, sent["code_verifier"].as_bytes());
        let is_right = says.code.take() == Some(sent["code"].clone())
            && BASE64_URL_SAFE_NO_PAD.encode(digest) == says.challenge
            && sent["redirect_uri"] == "https://desk.example/sign-in/oidc/callback";
        if !is_right {
            return Err((
                StatusCode::BAD_REQUEST,
                Json(json!({"error": "invalid_grant"})),
            ));
        }
        let token = id_token(&says, &identity.issuer.lock().unwrap());
        Ok(Json(
            json!({"access_token": "a", "token_type": "Bearer", "id_token": token}),
        ))
    };
    Router::new()
        .route("/.well-known/openid-configuration", get(discover))
        .route("/keys", get(keys))
        .route("/token", post(token))
        .with_state(identity)
}

struct Provided {
    running: Running,
    identity: Identity,
}

impl Provided {
    async fn new() -> Self {
        let key = Arc::new(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
        let says = Says {
            claims: json!({}),
            header: json!({}),
            nonce: String::new(),
            challenge: String::new(),
            code: None,
            key,
            forged: false,
        };
        let identity = Identity {
            says: Arc::new(Mutex::new(says)),
            issuer: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        *identity.issuer.lock().unwrap() = issuer.clone();
        let router = provider(identity.clone());
        let served = axum::serve(listener, router).into_future();
        let variables = [
            ("HTTP__PUBLIC_URL", "https://desk.example"),
            ("OIDC__ISSUER", issuer.as_str()),
            ("OIDC__CLIENT_ID", "stoa"),
            ("OIDC__CLIENT_SECRET", "client-secret"),
            ("OIDC__GROUPS__0__GROUP", "mods"),
            ("OIDC__GROUPS__0__ROLE", "moderator"),
            ("OIDC__GROUPS__0__SITES__0", "courrier"),
            ("OIDC__GROUPS__1__GROUP", "eds"),
            ("OIDC__GROUPS__1__ROLE", "editor"),
            ("OIDC__GROUPS__1__SITES__0", "*"),
        ];
        let running = Running::with(&variables).await;
        running.context.tasks.spawn(async move {
            served.await.unwrap();
        });
        Self { running, identity }
    }

    /// Begins a sign-in; returns the browser, the state, and the code that the provider gives.
    async fn begin(&self) -> (Browser, String, String) {
        let mut browser = self.running.browser();
        let page = browser.get("/sign-in").await.body;
        assert!(page.contains("href=\"/sign-in/oidc?next="), "{page}");
        let answer = browser.get("/sign-in/oidc?next=/account").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("SameSite=Lax; Secure"), "{cookie}");
        let url = reqwest::Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["scope"], "openid profile groups");
        let mut says = self.identity.says.lock().unwrap();
        says.nonce = asked["nonce"].clone();
        says.challenge = asked["code_challenge"].clone();
        says.code = Some("c-1".to_owned());
        (browser, asked["state"].clone(), "c-1".to_owned())
    }

    /// Signs in; returns the browser and the answer.
    async fn enter(&self) -> (Browser, Answer) {
        let (mut browser, state, code) = self.begin().await;
        let path = format!("/sign-in/oidc/callback?state={state}&code={code}");
        let answer = browser.get(&path).await;
        (browser, answer)
    }

    fn say(&self, claims: Value) {
        self.identity.says.lock().unwrap().claims = claims;
    }
}

#[tokio::test]
async fn who_is_in_a_group_is_let_in_and_has_its_rights_from_then_on() {
    let provided = Provided::new().await;
    let (mut browser, answer) = provided.enter().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(
        answer.body.contains("content=\"0; url=/account\""),
        "{}",
        answer.body
    );
    let page = browser.get("/account").await.body;
    for part in [
        "<dd>zoe</dd>",
        "Zoé Marchal",
        "<dd>moderator</dd>",
        ">courrier</bdi>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("/account/password"), "{page}");
    assert_eq!(
        browser.get("/account/second-step").await.status,
        StatusCode::NOT_FOUND
    );
    let mut admin = provided.running.as_user("admin").await;
    let answer = admin.post("/users/zoe/link", &[]).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "there is no password"
    );

    provided
        .say(json!({"groups": ["mods", "eds"], "preferred_username": "admin", "name": "Zoé M."}));
    let (mut again, _) = provided.enter().await;
    let page = again.get("/account").await.body;
    for part in ["<dd>zoe</dd>", "Zoé M.", "<dd>editor</dd>", ">all</bdi>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    // Who has the name of another account does not become that one.
    provided.say(json!({"sub": "s-2", "preferred_username": "admin"}));
    let (mut other, _) = provided.enter().await;
    assert!(
        other
            .get("/account")
            .await
            .body
            .contains("<dd>admin-2</dd>")
    );

    let fields = [
        ("name", "Z"),
        ("role", "editor"),
        ("sites", "*"),
        ("disabled", "yes"),
    ];
    admin.get("/users").await;
    admin.post("/users/zoe", &fields).await;
    assert_eq!(again.get("/").await.status, StatusCode::UNAUTHORIZED);
    provided.say(json!({}));
    let (_, answer) = provided.enter().await;
    assert!(
        answer.body.contains("Your account here is disabled."),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn what_is_not_to_be_believed_lets_nobody_in() {
    let provided = Provided::new().await;
    let now = jiff::Timestamp::now().as_second();
    for (claims, header, forged) in [
        (json!({"nonce": "another"}), json!({}), false),
        (json!({"nonce": null}), json!({}), false),
        (json!({"aud": "another"}), json!({}), false),
        (json!({"aud": ["stoa", "another"]}), json!({}), false),
        (json!({"iss": "https://evil.example"}), json!({}), false),
        (json!({"exp": now - 10}), json!({}), false),
        (json!({}), json!({"alg": "none"}), false),
        (json!({}), json!({"alg": "HS256"}), false),
        (json!({}), json!({}), true),
    ] {
        {
            let mut says = provided.identity.says.lock().unwrap();
            (says.claims, says.header, says.forged) = (claims.clone(), header.clone(), forged);
        }
        let (mut browser, answer) = provided.enter().await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{claims} {header}"
        );
        assert!(
            answer.body.contains("did not sign you in"),
            "{}",
            answer.body
        );
        assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        provided.running.accounts.users().len(),
        5,
        "no account was made"
    );
}

#[tokio::test]
async fn a_sign_in_is_ended_once_by_the_browser_that_began_it() {
    let provided = Provided::new().await;
    let (mut browser, state, code) = provided.begin().await;
    let path = format!("/sign-in/oidc/callback?state={state}&code={code}");
    let told = "did not begin in this browser";
    let mut other = provided.running.browser();
    other.get("/sign-in").await;
    assert!(other.get(&path).await.body.contains(told));
    let wrong = format!("/sign-in/oidc/callback?state=wrong&code={code}");
    assert!(browser.get(&wrong).await.body.contains(told));
    assert_eq!(browser.clone().get(&path).await.status, StatusCode::OK);
    assert!(
        browser.get(&path).await.body.contains(told),
        "the state is used"
    );
    // A code is used, too.
    let (mut browser, state, code) = provided.begin().await;
    provided.identity.says.lock().unwrap().code = None;
    let path = format!("/sign-in/oidc/callback?state={state}&code={code}");
    assert!(
        browser
            .get(&path)
            .await
            .body
            .contains("did not sign you in")
    );
    let (mut browser, state, code) = provided.begin().await;
    provided.running.clock.advance(Duration::from_mins(10));
    let path = format!("/sign-in/oidc/callback?state={state}&code={code}");
    assert!(browser.get(&path).await.body.contains(told), "too late");
    let error = "/sign-in/oidc/callback?error=access_denied&state=x";
    let answer = browser.get(error).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_is_in_no_group_is_told() {
    let provided = Provided::new().await;
    for groups in [
        json!([]),
        json!(["other"]),
        json!(null),
        json!({"mods": true}),
        json!("modsx"),
    ] {
        provided.say(json!({"groups": groups}));
        let (_, answer) = provided.enter().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{groups}");
        assert!(
            answer
                .body
                .contains("in no group that may use this console")
        );
    }
    let without = Running::new().await;
    let mut browser = without.browser();
    assert!(!browser.get("/sign-in").await.body.contains("/sign-in/oidc"));
    for path in ["/sign-in/oidc", "/sign-in/oidc/callback?state=a&code=b"] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
