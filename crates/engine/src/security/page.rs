//! The few pages on which people sign in: the first admin's form, sign-in, sign-out. Plain HTML
//! without scripts, posted from here or not at all.

use axum::{body::Body, response::Response};
use document::api::BuiltIn;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value as Json};

use super::{
    account,
    accounts::Accounts,
    address::client_address,
    admin, limits,
    principal::Principal,
    profile, sessions, shield,
    token::Audience,
    who::{Asked, is_own_origin, set_cookie},
};
use crate::{Problem, Visit, problem::ProblemCode};

/// What these pages may load: the console's style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'",
);

const LOGIN_PATH: &str = "/_/login";
const LOGOUT_PATH: &str = "/_/logout";

/// Answers a visit to one of these pages; none for any other page.
pub async fn page(visit: &Visit) -> Option<Response> {
    let is_post = visit.parts.method == Method::POST;
    let is_read = visit.parts.method == Method::GET || visit.parts.method == Method::HEAD;
    let answer = match visit.path() {
        admin::SETUP_PATH if is_post => setup(visit).await,
        admin::SETUP_PATH if is_read => setup_form(visit).await,
        LOGIN_PATH if is_post => login(visit).await,
        LOGIN_PATH if is_read => Ok(login_form(visit, None)),
        LOGOUT_PATH if is_post => logout(visit).await,
        admin::SETUP_PATH | LOGIN_PATH | LOGOUT_PATH => Err(not_allowed(visit.path())),
        _ => return None,
    };
    Some(answer.unwrap_or_else(|problem| refusal(&problem)))
}

fn not_allowed(path: &str) -> Problem {
    let allow = if path == LOGOUT_PATH { "POST" } else { "GET, HEAD, POST" };
    Problem::new(ProblemCode::MethodNotAllowed, "this page does not answer to this method")
        .header(header::ALLOW, HeaderValue::from_static(allow))
}

/// Refuses what another site's page has posted.
fn posted_from_here(visit: &Visit) -> Result<(), Problem> {
    let header = |name: &str| visit.parts.headers.get(name).and_then(|value| value.to_str().ok());
    let inner = &visit.service.inner;
    let is_from_here = match (header("sec-fetch-site"), header("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_own_origin(inner, &visit.parts.headers, origin),
        // No browser: nobody's cookie rides along.
        (None, None) => true,
    };
    let message = "this form was sent by another site";
    is_from_here.then_some(()).ok_or_else(|| Problem::new(ProblemCode::Forbidden, message))
}

/// Counts an attempt like one at the API.
async fn count(visit: &Visit, built_in: BuiltIn) -> Result<(), Problem> {
    let inner = &visit.service.inner;
    let parts = &visit.parts;
    let asked = Asked {
        method: &parts.method,
        path: visit.path(),
        headers: &parts.headers,
        peer: visit.peer,
        built_in: Some(built_in),
        now: inner.world.now(),
    };
    let address = client_address(&inner.settings, visit.peer, &parts.headers);
    limits::count(inner, &visit.running, &asked, &Principal::Anonymous, address).await.map(|_| ())
}

/// The members of a form.
fn members(bytes: &[u8]) -> Map<String, Json> {
    form_urlencoded::parse(bytes)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.into_owned(), Json::String(value.into_owned())))
        .collect()
}

async fn setup_form(visit: &Visit) -> Result<Response, Problem> {
    let query = members(visit.parts.uri.query().unwrap_or_default().as_bytes());
    let token = profile::text_member(&query, &["token"]).unwrap_or_default();
    admin::link_steps(&visit.service.inner, token).await?;
    let system = &visit.running.compiled.system;
    let accounts = Accounts::of(system);
    let content = html! {
        p { "This makes the first admin of this service. The link works once." }
        form method="post" action=(admin::SETUP_PATH) {
            input type="hidden" name="token" value=(token);
            (field(&accounts.login, login_type(&accounts), "username"))
            @for (name, kind) in profile::asked_for(system) {
                (field(&name, kind, "off"))
            }
            (field("password", "password", "new-password"))
            button type="submit" { "Make this user the admin" }
        }
    };
    Ok(shown(StatusCode::OK, "First admin", &content))
}

async fn setup(visit: &Visit) -> Result<Response, Problem> {
    posted_from_here(visit)?;
    count(visit, BuiltIn::Register).await?;
    let inner = &visit.service.inner;
    let mut members = members(&visit.body);
    let token = members.remove("token");
    let token = token.as_ref().and_then(Json::as_str).unwrap_or_default();
    let steps = admin::link_steps(inner, token).await?;
    let account = admin::make_admin(inner, &visit.running, &members, steps).await?;
    tracing::info!(user = %account.user.subject, "the first admin was made");
    signed_in(visit, &account).await
}

fn login_form(visit: &Visit, wrong: Option<&str>) -> Response {
    let accounts = Accounts::of(&visit.running.compiled.system);
    let content = match visit.principal.user() {
        Some(user) => html! {
            p { "Signed in as " b { (user.login.as_deref().unwrap_or(&user.subject)) } "." }
            form method="post" action=(LOGOUT_PATH) { button type="submit" { "Sign out" } }
        },
        None => html! {
            @if let Some(wrong) = wrong { p.refusal role="alert" { (wrong) } }
            form method="post" action=(LOGIN_PATH) {
                (field(&accounts.login, login_type(&accounts), "username"))
                (field("password", "password", "current-password"))
                button type="submit" { "Sign in" }
            }
        },
    };
    let status = if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    shown(status, "Sign in", &content)
}

async fn login(visit: &Visit) -> Result<Response, Problem> {
    posted_from_here(visit)?;
    count(visit, BuiltIn::Login).await?;
    let members = members(&visit.body);
    match account::authenticated(&visit.service.inner, &visit.running, &members).await {
        Ok(account) => signed_in(visit, &account).await,
        Err(problem)
            if [ProblemCode::InvalidCredentials, ProblemCode::ValidationError]
                .contains(&problem.code) =>
        {
            Ok(login_form(visit, Some("The name or the password is wrong.")))
        }
        Err(problem) => Err(problem),
    }
}

async fn signed_in(visit: &Visit, account: &super::accounts::Account) -> Result<Response, Problem> {
    let inner = &visit.service.inner;
    let opened = sessions::open(inner, &visit.running, account, Audience::Console).await?;
    let is_secure = shield::is_https(&inner.settings);
    Ok(to_the_console(set_cookie(is_secure, &opened.access, opened.access_seconds)))
}

async fn logout(visit: &Visit) -> Result<Response, Problem> {
    posted_from_here(visit)?;
    let inner = &visit.service.inner;
    if let Some(user) = visit.principal.user() {
        account::end_own(inner, user).await?;
    }
    Ok(to_the_console(set_cookie(shield::is_https(&inner.settings), "", 0)))
}

fn to_the_console(cookie: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_static("/"));
    headers.insert(header::SET_COOKIE, cookie);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn login_type(accounts: &Accounts<'_>) -> &'static str {
    if accounts.is_mail() { "email" } else { "text" }
}

fn field(name: &str, kind: &str, completes: &str) -> Markup {
    let label = name.replace('_', " ");
    html! {
        p {
            label for=(name) { (label) } " "
            input id=(name) name=(name) type=(kind) autocomplete=(completes) required;
        }
    }
}

fn refusal(problem: &Problem) -> Response {
    let status = problem.code.row().1;
    let message = match problem.code {
        ProblemCode::NotFound => {
            "This link has been used or has run out. The next start prints a new one, as long as \
             there is no admin."
        }
        _ => &problem.message,
    };
    let content = html! {
        p.refusal role="alert" { (message) }
        @if !problem.details.is_empty() {
            ul { @for detail in &problem.details { li { (detail.field) " " (detail.message) } } }
        }
    };
    let mut response = shown(status, "Not possible", &content);
    add_headers(response.headers_mut(), &problem.headers);
    response
}

fn add_headers(headers: &mut HeaderMap, further: &[(http::HeaderName, HeaderValue)]) {
    for (name, value) in further {
        headers.insert(name, value.clone());
    }
}

fn shown(status: StatusCode, title: &str, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/_/page.css";
            }
            body { main.gate { h1 { (title) } (content) } }
        }
    };
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The form needs its origin sent along, and the link's token must go to no other site.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
