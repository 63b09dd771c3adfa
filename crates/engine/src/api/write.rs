//! From an answer to HTTP: rows wrapped in the document's own envelope, problems in its own error
//! shape. Rows are copied as bytes; only problems are built as trees.

use axum::{body::Body, response::Response};
use document::api::{Envelope, ErrorShape, JsonCase, PageMember};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{Answer, Content, Told};
use crate::{
    Problem, Running, World,
    answer::Answered,
    data::Page,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// The header that carries a request's id in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a request's id at most.
const REQUEST_ID_MAX: usize = 128;

/// Writes an answer or a problem.
pub(crate) fn write<'r>(
    inner: &Inner,
    running: &Running,
    parts: &Parts,
    answer: Result<Answer, Problem>,
    told: Told<'r>,
) -> Answered<'r> {
    let evidence = told.evidence;
    let id = request_id(&*inner.world, parts);
    let api = &running.system.api;
    let json_type = match sabotage::is(Sabotage::OtherContentType) {
        true => "text/plain",
        false => "application/json",
    };
    let (status, headers, content_type, bytes) = match answer {
        Ok(answer) => {
            let writer = Writer { envelope: &api.envelope, running, world: &*inner.world, id: &id };
            let (content_type, bytes) = match answer.content {
                Content::Empty => ("", Vec::new()),
                Content::Item(rows) => (json_type, writer.item(rows.json)),
                Content::Json(json) => (json_type, writer.item(json.to_string().into_bytes())),
                Content::List(page) => (json_type, writer.list(&page)),
                Content::Whole(json) => (json_type, json.to_string().into_bytes()),
                Content::Made(response) => {
                    let response = made(response, answer.headers, id, told);
                    return Answered { response, evidence, began_protected: false };
                }
            };
            (answer.status, answer.headers, content_type, bytes)
        }
        Err(problem) => {
            let (_, status) = problem.code.row();
            let json = problem_body(&problem, &api.error_shape, &*inner.world, &id);
            (status, problem.headers, json_type, json.to_string().into_bytes())
        }
    };
    let length = bytes.len();
    let is_head = parts.method == Method::HEAD;
    let has_body = status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let body = if is_head || !has_body { Body::empty() } else { Body::from(bytes) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = running.protection.clone();
    let all = response.headers_mut();
    if has_body && !content_type.is_empty() {
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if is_head && has_body {
        all.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let response = made(response, headers, id, told);
    Answered { response, evidence, began_protected: true }
}

/// The response with what every answer tells.
fn made(
    mut response: Response,
    headers: Vec<(HeaderName, HeaderValue)>,
    id: String,
    told: Told<'_>,
) -> Response {
    let all = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id)
        && !sabotage::is(Sabotage::ForgetRequestId)
    {
        all.insert(REQUEST_ID, id);
    }
    for (name, value) in headers.into_iter().chain(told.headers) {
        // These may stand several times; any other is said once, and instead of what stood there.
        if name == header::SET_COOKIE || name == header::VARY {
            all.append(name, value);
        } else {
            all.insert(name, value);
        }
    }
    response
}

/// The request's own id where it is sound, else a new one.
fn request_id(world: &dyn World, parts: &Parts) -> String {
    let own = parts.headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_sound = |id: &&str| {
        (1..=REQUEST_ID_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    match own.filter(is_sound) {
        Some(id) => id.to_owned(),
        None => world.uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned(),
    }
}

struct Writer<'a> {
    envelope: &'a Envelope,
    running: &'a Running,
    world: &'a dyn World,
    id: &'a str,
}

impl Writer<'_> {
    fn item(&self, row: Vec<u8>) -> Vec<u8> {
        let member = self.envelope.item.as_ref();
        let member = member.filter(|_| !sabotage::is(Sabotage::DropEnvelope));
        let Some(member) = member else { return row };
        let mut out = Vec::with_capacity(row.len() + 128);
        out.push(b'{');
        self.constants(&mut out, member);
        key(&mut out, member);
        out.extend_from_slice(&row);
        if let Some(meta) = &self.envelope.meta {
            key(&mut out, meta);
            out.push(b'{');
            self.meta(&mut out);
            out.push(b'}');
        }
        out.push(b'}');
        out
    }

    fn list(&self, page: &Page) -> Vec<u8> {
        let mut out = Vec::with_capacity(page.rows.json.len() + 256);
        if self.envelope.bare_list != sabotage::is(Sabotage::BareLists) {
            out.push(b'[');
            out.extend_from_slice(&page.rows.json);
            out.push(b']');
            return out;
        }
        let member = self.envelope.list.as_deref().unwrap_or("data");
        out.push(b'{');
        self.constants(&mut out, member);
        key(&mut out, member);
        out.push(b'[');
        out.extend_from_slice(&page.rows.json);
        out.push(b']');
        match &self.envelope.page {
            Some(name) => {
                key(&mut out, name);
                out.push(b'{');
                self.paging(&mut out, page);
                if self.envelope.meta.as_ref() == Some(name) {
                    self.meta(&mut out);
                }
                out.push(b'}');
            }
            None => self.paging(&mut out, page),
        }
        if let Some(meta) =
            self.envelope.meta.as_ref().filter(|m| Some(*m) != self.envelope.page.as_ref())
        {
            key(&mut out, meta);
            out.push(b'{');
            self.meta(&mut out);
            out.push(b'}');
        }
        out.push(b'}');
        out
    }

    fn constants(&self, out: &mut Vec<u8>, member: &str) {
        for (name, value) in &self.envelope.constants {
            if name != member {
                key(out, name);
                out.extend_from_slice(value.to_string().as_bytes());
            }
        }
    }

    fn meta(&self, out: &mut Vec<u8>) {
        key(out, "timestamp");
        string(out, &self.world.now().to_string());
        key(out, self.spelled("request_id", "requestId"));
        string(out, self.id);
    }

    fn spelled(&self, snake: &'static str, camel: &'static str) -> &'static str {
        match self.running.system.api.json_case {
            JsonCase::Snake => snake,
            JsonCase::Camel => camel,
        }
    }

    /// The members of the paging block.
    fn paging(&self, out: &mut Vec<u8>, page: &Page) {
        use PageMember as M;
        let shown = &self.running.system.api.pagination.members;
        let default = [
            ("page", M::Page),
            ("limit", M::Limit),
            (self.spelled("has_next", "hasNext"), M::HasNext),
            (self.spelled("next_cursor", "nextCursor"), M::NextCursor),
        ];
        match shown.is_empty() {
            true => default.iter().for_each(|(name, member)| page_member(out, name, *member, page)),
            false => shown.iter().for_each(|(name, member)| page_member(out, name, *member, page)),
        }
        if page.total.is_some() && !shown.iter().any(|(_, member)| *member == M::Total) {
            page_member(out, "total", M::Total, page);
        }
    }
}

fn page_member(out: &mut Vec<u8>, name: &str, member: PageMember, page: &Page) {
    use PageMember as M;
    let number = match member {
        M::Page => page.page,
        M::Limit => page.limit,
        M::Offset => page.offset,
        M::Total => match page.total {
            Some(total) => total,
            None => return,
        },
        M::TotalPages => match page.total {
            Some(total) => total.div_ceil(page.limit.max(1)),
            None => return,
        },
        M::Count => u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
        M::HasNext | M::HasPrevious => {
            let truth = if member == M::HasNext { page.has_next } else { page.offset > 0 };
            key(out, name);
            out.extend_from_slice(if truth { b"true" } else { b"false" });
            return;
        }
        M::NextCursor => {
            key(out, name);
            match &page.next_cursor {
                Some(cursor) => string(out, cursor),
                None => out.extend_from_slice(b"null"),
            }
            return;
        }
    };
    key(out, name);
    out.extend_from_slice(number.to_string().as_bytes());
}

/// `,"name":`, without the comma at the beginning of an object.
fn key(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), Some(b'{')) {
        out.push(b',');
    }
    string(out, name);
    out.push(b':');
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a text into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// A problem as the document's own error sample shows it.
pub(crate) fn problem_body(
    problem: &Problem,
    shape: &ErrorShape,
    world: &dyn World,
    id: &str,
) -> Json {
    let (code, status) = problem.code.row();
    if sabotage::is(Sabotage::OtherErrorShape) {
        return serde_json::json!({"fault": {"reason": problem.message}});
    }
    let mut body = Map::new();
    for (name, value) in &shape.constants {
        body.insert(name.clone(), value.clone());
    }
    let message = match shape.message.is_empty() {
        true => &["message".to_owned()][..],
        false => &shape.message,
    };
    if let Some(path) = &shape.code {
        put(&mut body, path, code.into());
    }
    put(&mut body, message, problem.message.as_str().into());
    if let Some(path) = &shape.details
        && !problem.details.is_empty()
        && !sabotage::is(Sabotage::DropErrorDetails)
    {
        put(&mut body, path, details(problem, shape.details_are_object));
    }
    if let Some(path) = &shape.request_id {
        put(&mut body, path, id.into());
    }
    if let Some(path) = &shape.timestamp {
        put(&mut body, path, world.now().to_string().into());
    }
    if let Some(path) = &shape.status {
        put(&mut body, path, status.as_u16().into());
    }
    Json::Object(body)
}

fn details(problem: &Problem, as_object: bool) -> Json {
    if !as_object {
        let one = |detail: &crate::problem::Detail| serde_json::json!({"field": detail.field, "message": detail.message});
        return problem.details.iter().map(one).collect();
    }
    let mut object = Map::new();
    for detail in &problem.details {
        let member = object.entry(detail.field.clone()).or_insert_with(|| "".into());
        *member = match member.as_str() {
            Some("") | None => detail.message.clone().into(),
            Some(before) => format!("{before}; {}", detail.message).into(),
        };
    }
    Json::Object(object)
}

/// Sets the value at a path of members, making objects on the way.
fn put(body: &mut Map<String, Json>, path: &[String], value: Json) {
    match path {
        [] => {}
        [last] => {
            body.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = body.entry(first.clone()).or_insert_with(|| Json::Object(Map::new()));
            if !inner.is_object() {
                *inner = Json::Object(Map::new());
            }
            if let Json::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
