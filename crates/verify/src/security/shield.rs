//! What every answer carries, who may send requests from other pages, and how large a body may be.

use document::{
    api::{BuiltIn, Operation},
    setting::SettingValue,
};
use serde_json::json;

use crate::{
    About, Answer, Request, Stage,
    data::index::{is_plan, plan_of},
};

/// Headers that protect the reader of every answer, and what has to stand in each.
const HEADERS: [(&str, &str); 7] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "deny"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "-origin"),
    ("cache-control", "private"),
];
/// Largest body where the document says nothing, in bytes.
const BODY_BYTES_DEFAULT: usize = 1024 * 1024;
/// Tables whose plans everybody asks for.
const TABLES_MAX: usize = 12;
/// Longer bodies are not sent.
const BODY_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Tries what every answer carries.
pub(super) async fn probe(stage: &Stage<'_>) {
    tokio::join!(headers(stage), plans(stage), origins(stage), body(stage));
}

async fn headers(stage: &Stage<'_>) {
    let (method, path) = stage.paths().of_built_in(BuiltIn::Me);
    let refused = stage.client.send(Request::new(method, path.clone())).await;
    let answered = stage.as_admin(Request::new(method, path)).await;
    for (name, wanted) in HEADERS {
        let about = About::promise(&format!("every answer carries {name}"));
        for answer in [&answered, &refused] {
            let found = answer.header(name).is_some_and(|text| {
                let text = text.to_ascii_lowercase();
                // Tokens are never to be kept at all.
                text.contains(wanted) || (name == "cache-control" && text.contains("no-store"))
            });
            stage.book.judge(&about, format!("{name} holds `{wanted}`"), answer, found);
        }
    }
    if stage.client.origin().starts_with("https://") {
        is_https_only(stage, &answered);
    } else if let Some(origin) = &stage.options.behind_https
        && let Ok(client) = crate::Client::new(origin)
    {
        is_https_only(stage, &client.send(Request::get("/health")).await);
    }
}

/// Whoever has come over HTTPS once, comes so again.
fn is_https_only(stage: &Stage<'_>, answer: &Answer) {
    let about = About::promise("every answer over HTTPS carries strict-transport-security");
    let found = answer.header("strict-transport-security");
    let holds = found.is_some_and(|text| text.to_ascii_lowercase().contains("max-age="));
    let expected = "strict-transport-security holds `max-age`, where clients come over HTTPS";
    stage.book.judge(&about, expected, answer, holds);
}

/// How the database reads rows is the admin's to know, where it is told at all.
async fn plans(stage: &Stage<'_>) {
    let about = About::promise("nobody but the admin is told how rows are read");
    for table in stage.system().data.tables.iter().take(TABLES_MAX) {
        let Some((_, path)) = stage.paths().of_table(table, Operation::List) else { continue };
        if !is_plan(&stage.as_admin(plan_of(&path)).await) {
            return;
        }
        for person in stage.people.everybody().filter(|person| !person.is_admin) {
            let answer = stage.ask(person, plan_of(&path)).await;
            let tells = is_plan(&answer) || answer.json.get("could_read").is_some();
            let expected = format!("{}: no plan is told", person.name);
            stage.book.judge(&about, expected, &answer, !tells);
        }
    }
}

async fn origins(stage: &Stage<'_>) {
    let cors = &stage.system().security.cors;
    let about = match cors.span {
        Some(span) => About::span(&[], span),
        None => About::promise("pages of other origins are kept out"),
    };
    let (method, path) = stage.paths().of_built_in(BuiltIn::Me);
    let from = |origin: &str| Request::new(method, path.clone()).header("origin", origin);
    let allowed = "access-control-allow-origin";
    let is_open = cors.origins.iter().any(|origin| origin == "*");
    for stranger in ["https://stranger.example", "null"] {
        let answer = stage.client.send(from(stranger)).await;
        let expected = "a page of an origin that is not named is kept out";
        let found = answer.header(allowed);
        let holds = if is_open { found == Some("*") } else { found.is_none() };
        stage.book.judge(&about, expected, &answer, holds);
        let is_trusted = answer.header("access-control-allow-credentials").is_some();
        stage.book.judge(&about, "and is not trusted with credentials", &answer, !is_trusted);
    }
    for origin in cors.origins.iter().filter(|origin| origin.contains("://")) {
        if origin.contains(['*', '$', '[', '{']) {
            continue;
        }
        let answer = stage.client.send(from(origin.trim_end_matches('/'))).await;
        let holds = answer.header(allowed).is_some();
        stage.book.judge(&about, format!("a page of {origin} is let in"), &answer, holds);
        let is_trusted = answer.header("access-control-allow-credentials") == Some("true");
        if !cors.credentials {
            let expected = "but not trusted with credentials";
            stage.book.judge(&about, expected, &answer, !is_trusted);
        }
    }
}

async fn body(stage: &Stage<'_>) {
    let written = stage.system().settings.iter().find_map(|setting| match setting.value {
        SettingValue::Bytes(bytes)
            if setting.key == "api.body_bytes_max" && setting.subject.is_none() =>
        {
            usize::try_from(bytes).ok()
        }
        _ => None,
    });
    let about = match written {
        Some(_) => About::setting("api.body_bytes_max"),
        None => About::promise("a body has a largest size"),
    };
    let bytes_max = written.unwrap_or(BODY_BYTES_DEFAULT);
    if bytes_max > BODY_BYTES_MAX {
        let reason = format!("a body of {bytes_max} bytes is too long to be sent for a trial");
        stage.book.skip(&about, "a body that is too long is refused", reason);
        return;
    }
    let (method, path) = stage.paths().of_built_in(BuiltIn::Login);
    let long = json!({"email": "x".repeat(bytes_max + 1), "password": "y"});
    let answer = stage.client.send(Request::new(method, path).json(long)).await;
    // A connection that is closed early is a refusal too.
    let holds = answer.status == 413 || answer.status == 0;
    stage.book.judge(&about, format!("more than {bytes_max} bytes are refused"), &answer, holds);
}
