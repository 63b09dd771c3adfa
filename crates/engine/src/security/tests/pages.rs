//! The pages on which people sign in.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts};

use super::{Stage, stage::PASSWORD};
use crate::{
    Visit,
    security::{admin_link, page},
};

/// Visits a page. `further` are headers.
async fn visit(
    stage: &Stage,
    method: Method,
    uri: &str,
    body: &str,
    further: &[(&'static str, &str)],
) -> http::Response<axum::body::Body> {
    let request = Request::builder().method(method.clone()).uri(uri).body(());
    let (mut parts, ()): (Parts, ()) = request.expect("a request").into_parts();
    for (name, value) in further {
        parts.headers.insert(*name, HeaderValue::from_str(value).expect("a value"));
    }
    let running = stage.service.inner.running.load_full();
    let principal = stage.who_with(&method, parts.uri.path(), &parts.headers).await;
    let visit = Visit {
        service: stage.service.clone(),
        running: Arc::clone(&running),
        principal: principal.expect("no identity is claimed in vain"),
        peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        parts,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    page(&visit).await.expect("a page")
}

async fn text(response: http::Response<axum::body::Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn cookie(headers: &HeaderMap) -> String {
    let cookie = headers[header::SET_COOKIE].to_str().expect("a value").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn the_first_admin_is_made_on_a_page_and_signed_in() {
    let stage = Stage::empty().await;
    let link = admin_link(&stage.service.inner).await.expect("an answer").expect("a link");
    let path = link.strip_prefix("http://127.0.0.1:8080").expect("a path");
    let token = path.split_once("token=").expect("a token").1;
    let form = visit(&stage, Method::GET, path, "", &[]).await;
    assert_eq!(form.status(), StatusCode::OK);
    let policy = form.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("a value");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(form.headers()[header::CACHE_CONTROL], "no-store");
    assert!(text(form).await.contains(token));

    let body = format!("token={token}&email=ada%40example.org&password=a+long+enough+secret");
    let path = "/_/admin/setup";
    let foreign = [("sec-fetch-site", "cross-site")];
    let refused = visit(&stage, Method::POST, path, &body, &foreign).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let foreign = [("origin", "https://evil.example"), ("host", "127.0.0.1:8080")];
    let refused = visit(&stage, Method::POST, path, &body, &foreign).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let made = visit(&stage, Method::POST, path, &body, &[]).await;
    assert_eq!(made.status(), StatusCode::SEE_OTHER);
    let cookie = cookie(made.headers());
    let headers =
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&cookie).expect("a value"))]);
    let principal = stage.who_with(&Method::GET, "/", &headers).await.expect("somebody");
    assert!(principal.is_admin());
    let again = visit(&stage, Method::POST, path, &body, &[]).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wrong_link_shows_nothing_but_that_it_is_over() {
    let stage = Stage::empty().await;
    let path = "/_/admin/setup?token=<script>alert(1)</script>".replace('<', "%3C");
    let path = path.replace('>', "%3E");
    let page = visit(&stage, Method::GET, &path, "", &[]).await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(!text(page).await.contains("script"));
}

#[tokio::test]
async fn signing_in_and_out_on_the_page() {
    let stage = Stage::empty().await;
    stage.register("ada@example.org").await;
    let wrong = "email=ada%40example.org&password=%3Cb%3E";
    let wrong = visit(&stage, Method::POST, "/_/login", wrong, &[]).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.headers().get(header::SET_COOKIE).is_none());
    let body = format!("email=ada%40example.org&password={}", PASSWORD.replace(' ', "+"));
    let signed_in = visit(&stage, Method::POST, "/_/login", &body, &[]).await;
    let cookie = cookie(signed_in.headers());
    let with_cookie = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let page = visit(&stage, Method::GET, "/_/login", "", &with_cookie).await;
    assert!(text(page).await.contains("ada@example.org"));
    let out = visit(&stage, Method::POST, "/_/logout", "", &with_cookie).await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    let page = visit(&stage, Method::GET, "/_/login", "", &with_cookie).await;
    assert!(!text(page).await.contains("ada@example.org"), "the cookie is worth nothing now");
}

#[tokio::test]
async fn the_cookie_counts_where_no_other_site_can_have_sent_it() {
    let stage = Stage::empty().await;
    stage.register("ada@example.org").await;
    let body = format!("email=ada%40example.org&password={}", PASSWORD.replace(' ', "+"));
    let signed_in = visit(&stage, Method::POST, "/_/login", &body, &[]).await;
    let cookie = cookie(signed_in.headers());
    let check = async |method: Method, path: &str, further: &[(&str, &str)], expected: bool| {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).expect("a value"));
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
        for (name, value) in further {
            let name: http::HeaderName = name.parse().expect("a name");
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        let found = stage.who_with(&method, path, &headers).await.expect("an answer");
        assert_eq!(found.user().is_some(), expected, "{method} {path} {further:?}");
    };
    let same = &[("sec-fetch-site", "same-origin")][..];
    let cross = &[("sec-fetch-site", "cross-site")][..];
    check(Method::GET, "/", &[], true).await;
    check(Method::GET, "/_/live", &[], true).await;
    check(Method::GET, "/api/v1/posts", &[], false).await;
    check(Method::GET, "/api/v1/posts", same, true).await;
    check(Method::POST, "/api/v1/posts", same, true).await;
    check(Method::POST, "/api/v1/posts", &[], false).await;
    check(Method::POST, "/api/v1/posts", cross, false).await;
    check(Method::POST, "/_/logout", cross, false).await;
    check(Method::DELETE, "/api/v1/posts/1", &[("sec-fetch-site", "same-site")], false).await;
    check(Method::POST, "/api/v1/posts", &[("origin", "https://evil.example")], false).await;
    check(Method::POST, "/api/v1/posts", &[("origin", "http://127.0.0.1:8080")], true).await;
    check(Method::POST, "/api/v1/posts", &[("origin", "null")], false).await;
    // The cookie's token is none for the header.
    let (_, token) = cookie.split_once('=').expect("a pair");
    assert!(stage.who(token).await.is_err());
}
