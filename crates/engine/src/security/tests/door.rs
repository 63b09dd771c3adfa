//! The door: limits, identity claims and cookies as requests bring them.

use document::{
    Span,
    api::BuiltIn,
    security::{LimitScope, LimitSubject, RateLimit},
};
use http::{HeaderMap, HeaderValue, Method, header};
use proptest::prelude::*;

use super::Stage;
use crate::{Problem, problem::ProblemCode, security::admit};

fn limit(requests: u32, scope: LimitScope) -> RateLimit {
    RateLimit {
        requests: Some(requests),
        window_seconds: 60,
        subject: LimitSubject::Address,
        scope,
        span: Span::default(),
    }
}

impl Stage {
    async fn enter(
        &self,
        path: &str,
        built_in: Option<BuiltIn>,
        headers: &HeaderMap,
    ) -> Result<Vec<(http::HeaderName, HeaderValue)>, Problem> {
        let running = self.service.inner.running.load_full();
        let mut asked = self.asked(&Method::GET, path, headers);
        asked.built_in = built_in;
        admit(&self.service.inner, &running, &asked).await.map(|admitted| admitted.headers)
    }
}

fn text<'a>(headers: &'a [(http::HeaderName, HeaderValue)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).and_then(|(_, value)| value.to_str().ok())
}

#[tokio::test]
async fn a_limit_trips_at_its_written_number_and_says_when_to_come_back() {
    let stage =
        Stage::of("# x", |system| system.security.rate_limits = vec![limit(3, LimitScope::All)])
            .await;
    let none = HeaderMap::new();
    for left in ["2", "1", "0"] {
        let headers = stage.enter("/api/v1/posts", None, &none).await.expect("let in");
        assert_eq!(text(&headers, "ratelimit-remaining"), Some(left));
        assert_eq!(text(&headers, "ratelimit-limit"), Some("3"));
    }
    let problem = stage.enter("/api/v1/posts", None, &none).await.expect_err("too many");
    assert_eq!(problem.code, ProblemCode::RateLimited);
    assert_eq!(text(&problem.headers, "retry-after"), Some("60"));
    assert_eq!(text(&problem.headers, "ratelimit-remaining"), Some("0"));
    stage.clock.forward(60);
    assert!(stage.enter("/api/v1/posts", None, &none).await.is_ok());
}

#[tokio::test]
async fn probes_are_held_back_by_no_limit_but_their_own() {
    let stage = Stage::of("# x", |system| {
        let own = LimitScope::Endpoint { method: None, path: "/ready".to_owned() };
        system.security.rate_limits = vec![limit(2, LimitScope::All), limit(6, own)];
    })
    .await;
    let mut elsewhere = HeaderMap::new();
    elsewhere.insert(header::HOST, HeaderValue::from_static("shop.example.org"));
    for _ in 0..20 {
        stage.enter("/health", Some(BuiltIn::Health), &elsewhere).await.expect("a probe");
    }
    let mut ready = 0;
    while stage.enter("/ready", Some(BuiltIn::Ready), &elsewhere).await.is_ok() {
        ready += 1;
    }
    assert_eq!(ready, 6, "the limit on the endpoint itself holds");
    // To whom metrics are not shown they are a request like any other.
    let mut metrics = 0;
    while stage.enter("/metrics", Some(BuiltIn::Metrics), &elsewhere).await.is_ok() {
        metrics += 1;
    }
    assert_eq!(metrics, 2);
    assert!(stage.enter("/api/v1/posts", None, &elsewhere).await.is_err());
}

#[tokio::test]
async fn a_forged_address_is_no_way_around_a_limit() {
    let stage =
        Stage::of("# x", |system| system.security.rate_limits = vec![limit(2, LimitScope::All)])
            .await;
    let mut refused = 0;
    for number in 0..4 {
        let mut headers = HeaderMap::new();
        let forged = HeaderValue::from_str(&format!("198.51.100.{number}")).expect("a value");
        headers.insert("x-forwarded-for", forged);
        refused += usize::from(stage.enter("/x", None, &headers).await.is_err());
    }
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn who_claims_an_identity_in_vain_is_counted_too() {
    let stage =
        Stage::of("# x", |system| system.security.rate_limits = vec![limit(2, LimitScope::All)])
            .await;
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer nonsense"));
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(stage.enter("/x", None, &headers).await.expect_err("refused").code);
    }
    use ProblemCode as P;
    assert_eq!(codes, [P::Unauthenticated, P::Unauthenticated, P::RateLimited]);
}

#[tokio::test]
async fn sign_ins_are_limited_where_the_document_is_silent_and_nothing_else_is() {
    let stage = Stage::empty().await;
    let none = HeaderMap::new();
    for _ in 0..10 {
        let login = stage.enter("/api/v1/auth/login", Some(BuiltIn::Login), &none).await;
        assert!(login.is_ok());
    }
    let login = stage.enter("/api/v1/auth/login", Some(BuiltIn::Login), &none).await;
    assert_eq!(login.expect_err("too many").code, ProblemCode::RateLimited);
    let register = stage.enter("/api/v1/auth/register", Some(BuiltIn::Register), &none).await;
    assert!(register.is_ok(), "signing up is counted by itself");
    for _ in 0..200 {
        assert!(stage.enter("/api/v1/posts", None, &none).await.is_ok());
    }
}

#[tokio::test]
async fn the_narrowest_limit_counts_and_an_endpoints_comes_on_top() {
    let stage = Stage::of("# x", |system| {
        let endpoint = LimitScope::Endpoint { method: None, path: "/api/v1/search".to_owned() };
        system.security.rate_limits = vec![
            limit(2, LimitScope::All),
            limit(4, LimitScope::Anonymous),
            limit(1, endpoint),
            limit(9, LimitScope::Authentication),
        ];
    })
    .await;
    let none = HeaderMap::new();
    assert!(stage.enter("/api/v1/search", None, &none).await.is_ok());
    assert!(stage.enter("/api/v1/search/", None, &none).await.is_err());
    for _ in 0..2 {
        assert!(stage.enter("/api/v1/posts", None, &none).await.is_ok());
    }
    assert!(stage.enter("/api/v1/posts", None, &none).await.is_err(), "four strangers in all");
}

#[tokio::test]
async fn unlimited_means_unlimited() {
    let stage = Stage::of("# x", |system| {
        let mut open = limit(0, LimitScope::Anonymous);
        open.requests = None;
        system.security.rate_limits = vec![limit(1, LimitScope::All), open];
    })
    .await;
    for _ in 0..5 {
        assert!(stage.enter("/api/v1/posts", None, &HeaderMap::new()).await.is_ok());
    }
}

#[tokio::test]
async fn an_identity_that_cannot_be_believed_is_never_silently_nobody() {
    let stage = Stage::empty().await;
    let ada = stage.register("ada@example.org").await;
    let check = async |values: &[&str], expected: bool| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
        }
        let found = stage.who_with(&Method::GET, "/x", &headers).await;
        assert_eq!(found.is_ok(), expected, "{values:?}");
    };
    let bearer = format!("Bearer {}", ada.access);
    check(&[&bearer], true).await;
    check(&[&format!("bearer   {}", ada.access)], true).await;
    check(&[&bearer, &bearer], false).await;
    check(&[&bearer, "Bearer x"], false).await;
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", &ada.access, &format!("{bearer} x")] {
        check(&[value], false).await;
    }
    // A refresh token is no access token.
    check(&[&format!("Bearer {}", ada.refresh)], false).await;
    assert!(stage.who_with(&Method::GET, "/x", &HeaderMap::new()).await.is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn arbitrary_headers_make_nobody_and_never_panic(
        authorization in proptest::collection::vec(any::<u8>(), 0..80),
        cookie in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        use std::sync::LazyLock;
        static STAGE: LazyLock<(tokio::runtime::Runtime, Stage)> = LazyLock::new(|| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let stage = runtime.block_on(Stage::empty());
            (runtime, stage)
        });
        let (runtime, stage) = &*STAGE;
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&authorization) {
            headers.append(header::AUTHORIZATION, value);
        }
        if let Ok(value) = HeaderValue::from_bytes(&cookie) {
            headers.append(header::COOKIE, value);
        }
        let found = runtime.block_on(stage.who_with(&Method::GET, "/", &headers));
        prop_assert!(found.map_or(true, |principal| principal.user().is_none()));
    }
}
