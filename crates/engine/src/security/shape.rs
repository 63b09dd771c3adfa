//! The shape of what accounts answer: as the document's own sample of the endpoint shows it, where
//! its members can be recognised.

use document::{
    System,
    api::{Endpoint, Example},
};
use http::StatusCode;
use serde_json::{Map, Value as Json};

use super::{profile::shown_name, sessions::Opened};

/// `createdAt`, `Created-At` and `created_at` as `created_at`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        match letter {
            '-' | ' ' => snake.push('_'),
            letter => snake.extend(letter.to_lowercase()),
        }
    }
    snake
}

/// `created_at` as `createdAt`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' if !camel.is_empty() => raise = true,
            letter if raise => {
                camel.extend(letter.to_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

/// What an account endpoint answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its body, where it has one.
    pub body: Option<Json>,
    /// True where the body already looks as the document's sample; false where it is one row to be
    /// wrapped in the document's envelope.
    pub is_whole: bool,
    /// Further headers.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

impl Reply {
    /// An answer without a body, or with what the document's sample says in words.
    pub(super) fn done(endpoint: Option<&Endpoint>) -> Self {
        let sample = sample(endpoint);
        let words = sample.and_then(|sample| sample.body.as_object()).map(constants);
        match words.filter(|words| !words.is_empty()) {
            Some(words) => {
                let status = status_of(sample, StatusCode::OK);
                Self { status, body: Some(words.into()), is_whole: true, headers: Vec::new() }
            }
            None => {
                let status = StatusCode::NO_CONTENT;
                Self { status, body: None, is_whole: true, headers: Vec::new() }
            }
        }
    }

    /// One row.
    pub(super) fn row(status: StatusCode, row: Map<String, Json>) -> Self {
        Self { status, body: Some(row.into()), is_whole: false, headers: Vec::new() }
    }

    /// Tokens, and the user they are for. Never to be stored by a cache.
    pub(super) fn tokens(
        system: &System,
        endpoint: Option<&Endpoint>,
        status: StatusCode,
        opened: &Opened,
        user: Map<String, Json>,
    ) -> Self {
        let sample = sample(endpoint);
        let status = status_of(sample, status);
        let shaped = sample.and_then(|sample| {
            let mut filled = Filled { opened, user: &user, has_access: false };
            let body = filled.object(sample.body.as_object()?)?;
            filled.has_access.then_some(body)
        });
        let is_whole = shaped.is_some();
        let body = shaped.unwrap_or_else(|| standard(system, opened, user));
        let no_store = http::HeaderValue::from_static("no-store");
        let headers = vec![(http::header::CACHE_CONTROL, no_store)];
        Self { status, body: Some(body.into()), is_whole, headers }
    }
}

/// The document's sample of a success.
fn sample(endpoint: Option<&Endpoint>) -> Option<&Example> {
    let responses = &endpoint?.responses;
    responses.iter().find(|one| one.status.is_none_or(|status| (200..300).contains(&status)))
}

/// True where the document shows an answer without any token: then none is handed out.
pub(super) fn shows_no_token(endpoint: Option<&Endpoint>) -> bool {
    let body = sample(endpoint).and_then(|sample| sample.body.as_object());
    body.is_some_and(|body| !body.is_empty() && !has_token(body))
}

fn has_token(members: &Map<String, Json>) -> bool {
    members.iter().any(|(name, value)| match value {
        Json::Object(inner) => part_of(name) == Part::Access || has_token(inner),
        _ => part_of(name) == Part::Access,
    })
}

fn status_of(sample: Option<&Example>, usual: StatusCode) -> StatusCode {
    let written = sample.and_then(|sample| sample.status);
    written.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(usual)
}

fn standard(system: &System, opened: &Opened, user: Map<String, Json>) -> Map<String, Json> {
    let mut body = Map::new();
    let mut add = |name: &str, value: Json| body.insert(shown_name(system, name), value);
    add("access_token", opened.access.as_str().into());
    add("token_type", "Bearer".into());
    add("expires_in", opened.access_seconds.into());
    if let Some(refresh) = &opened.refresh {
        add("refresh_token", refresh.as_str().into());
    }
    add("user", user.into());
    body
}

/// What a member of a sample stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Access,
    Refresh,
    Expires,
    TokenType,
    User,
    Other,
}

fn part_of(name: &str) -> Part {
    match snake(name).as_str() {
        "access_token" | "token" | "jwt" | "auth_token" | "access" | "id_token"
        | "bearer_token" | "jwt_token" | "session_token" => Part::Access,
        "refresh_token" | "refresh" => Part::Refresh,
        "expires_in" | "expires" | "expiry" | "expires_in_seconds" => Part::Expires,
        "token_type" => Part::TokenType,
        "user" | "account" | "profile" | "me" | "customer" | "member" => Part::User,
        _ => Part::Other,
    }
}

/// A sample whose recognised members are being filled.
struct Filled<'a> {
    opened: &'a Opened,
    user: &'a Map<String, Json>,
    has_access: bool,
}

impl Filled<'_> {
    fn object(&mut self, sample: &Map<String, Json>) -> Option<Map<String, Json>> {
        let mut body = Map::new();
        for (name, shown) in sample {
            let value = match (part_of(name), shown) {
                (Part::Access, Json::String(_)) => {
                    self.has_access = true;
                    Some(self.opened.access.as_str().into())
                }
                (Part::Refresh, Json::String(_)) => self.opened.refresh.as_deref().map(Json::from),
                (Part::Expires, Json::Number(_)) => Some(self.opened.access_seconds.into()),
                (Part::TokenType, Json::String(_)) => Some("Bearer".into()),
                (Part::User, Json::Object(_)) => Some(self.user.clone().into()),
                (_, Json::Object(inner)) => self.object(inner).map(Json::from),
                // What the user's row holds may stand beside the token.
                (_, shown) => match self.user.get(name) {
                    Some(value) => Some(value.clone()),
                    None => constant(name, shown),
                },
            };
            if let Some(value) = value {
                body.insert(name.clone(), value);
            }
        }
        // A session that could not be carried on would be of little use: beside an access token
        // stands a refresh token, shown or not.
        let shows = |part: Part| body.keys().any(|name| part_of(name) == part);
        if shows(Part::Access) && !shows(Part::Refresh) {
            let is_camel = body.keys().any(|name| *name != snake(name));
            let name = if is_camel { "refreshToken" } else { "refresh_token" };
            if let Some(refresh) = self.opened.refresh.as_deref() {
                body.insert(name.to_owned(), refresh.into());
            }
        }
        (!body.is_empty()).then_some(body)
    }
}

/// Members that say the same at every call: `"success": true`, a message, a status word.
fn constant(name: &str, shown: &Json) -> Option<Json> {
    let is_word = ["message", "status", "msg", "code"].contains(&&*snake(name));
    let is_constant = shown.is_boolean() || shown.is_null() || (is_word && !shown.is_object());
    is_constant.then(|| shown.clone())
}

fn constants(sample: &Map<String, Json>) -> Map<String, Json> {
    sample
        .iter()
        .filter_map(|(name, shown)| match shown {
            Json::Object(inner) => {
                let inner = constants(inner);
                (!inner.is_empty()).then(|| (name.clone(), inner.into()))
            }
            shown => constant(name, shown).map(|value| (name.clone(), value)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use document::{
        Span,
        api::{Binding, BuiltIn, EndpointForm, Method},
    };
    use serde_json::json;

    use super::*;

    fn endpoint(body: Json) -> Endpoint {
        Endpoint {
            method: Method::Post,
            path: "/auth/login".to_owned(),
            summary: None,
            binding: Binding::BuiltIn { built_in: BuiltIn::Login },
            callers: None,
            request: None,
            responses: vec![Example { status: Some(200), body, span: Span::default() }],
            parameters: Vec::new(),
            form: EndpointForm::Bullet,
            span: Span::default(),
        }
    }

    fn check(sample: Option<Json>, expected: Json) {
        let opened =
            Opened { access: "A".to_owned(), access_seconds: 900, refresh: Some("R".to_owned()) };
        let Json::Object(user) = json!({"id": 7, "email": "ada@example.org"}) else { return };
        let endpoint = sample.map(endpoint);
        let system = System::default();
        let reply = Reply::tokens(&system, endpoint.as_ref(), StatusCode::OK, &opened, user);
        assert_eq!(reply.body, Some(expected));
    }

    #[test]
    fn an_answer_looks_as_the_documents_sample_does() {
        check(
            Some(json!({"success": true, "data": {"token": "eyJ", "user": {"id": 1}}})),
            json!({"success": true, "data": {
                "token": "A", "user": {"id": 7, "email": "ada@example.org"},
                "refresh_token": "R"}}),
        );
        check(
            Some(json!({"accessToken": "…", "refreshToken": "…", "expiresIn": 60, "email": "x"})),
            json!({"accessToken": "A", "refreshToken": "R", "expiresIn": 900,
                "email": "ada@example.org"}),
        );
    }

    #[test]
    fn without_a_sample_that_shows_a_token_the_answer_is_the_usual_one() {
        let usual = json!({
            "access_token": "A", "token_type": "Bearer", "expires_in": 900, "refresh_token": "R",
            "user": {"id": 7, "email": "ada@example.org"},
        });
        check(None, usual.clone());
        check(Some(json!({"ok": true})), usual.clone());
        check(Some(json!([1, 2])), usual);
    }

    #[test]
    fn names_are_read_in_any_spelling() {
        assert_eq!(snake("refreshToken"), "refresh_token");
        assert_eq!(snake("Refresh-Token"), "refresh_token");
        assert_eq!(snake("refresh_token"), "refresh_token");
        assert_eq!(camel("refresh_token"), "refreshToken");
    }
}
