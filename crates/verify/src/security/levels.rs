//! Trials of what the document means by its levels of access, and of how tokens are signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use document::{
    ClaimKind,
    api::{Endpoint, Method, Operation},
    data::Table,
    security::{TokenAlgorithm, Who},
};
use serde_json::Value as Json;

use crate::{About, Answer, Outcome, Request, Stage};

/// Rows that are tried where another has the same key.
const ROWS_TRIED_MAX: usize = 4;

/// Tries each sentence that says what a level means.
pub(super) async fn probe(stage: &Stage<'_>) {
    let statements = stage.compiled.ledger.statements.iter();
    for statement in statements.filter(|one| one.kind == Some(ClaimKind::Access)) {
        let about = About::span(&[ClaimKind::Access], statement.span);
        if statement.meaning.ends_with("means without identity") {
            without_identity(stage, &about).await;
        } else if statement.meaning.ends_with("means any signed-in user") {
            signed_in(stage, &about).await;
        } else if statement.meaning == "the admin may do everything" {
            everything(stage, &about).await;
        }
    }
    signature(stage);
}

/// Reads without parameters that these may call, and nobody else needs to.
fn open_to<'s>(stage: &Stage<'s>, who: &'s Who) -> impl Iterator<Item = &'s Endpoint> {
    stage.system().api.endpoints.iter().filter(move |endpoint| {
        let callers = endpoint.callers.as_ref().map(|callers| callers.who.as_slice());
        endpoint.method == Method::Get
            && !endpoint.path.contains('{')
            && callers == Some(std::slice::from_ref(who))
    })
}

async fn without_identity(stage: &Stage<'_>, about: &About) {
    let mut endpoints = open_to(stage, &Who::Public).peekable();
    if endpoints.peek().is_none() {
        return stage.book.skip(
            about,
            "nobody is let in",
            "no endpoint without parameters says so",
        );
    }
    for endpoint in endpoints {
        let answer = stage.ask(&stage.people.anonymous, Request::get(&*endpoint.path)).await;
        let expected = format!("nobody is let in at `GET {}`", endpoint.path);
        stage.book.judge(about, expected, &answer, answer.is_success());
    }
}

async fn signed_in(stage: &Stage<'_>, about: &About) {
    let Some(user) = stage.people.users.first() else { return };
    let mut endpoints = open_to(stage, &Who::Authenticated).peekable();
    if endpoints.peek().is_none() {
        return stage.book.skip(
            about,
            "users are let in",
            "no endpoint without parameters says so",
        );
    }
    for endpoint in endpoints {
        let answer = stage.ask(user, Request::get(&*endpoint.path)).await;
        let expected = format!("a user is let in at `GET {}`", endpoint.path);
        stage.book.judge(about, expected, &answer, answer.is_success());
        let answer = stage.ask(&stage.people.anonymous, Request::get(&*endpoint.path)).await;
        let expected = format!("nobody is refused at `GET {}`: 401", endpoint.path);
        stage.book.judge(about, expected, &answer, answer.status == 401);
    }
}

/// The admin reads, makes and removes rows of every table.
async fn everything(stage: &Stage<'_>, about: &About) {
    for table in &stage.system().data.tables {
        if let Some((_, path)) = stage.paths().of_table(table, Operation::List) {
            let answer = stage.as_admin(Request::get(path)).await;
            let expected = format!("the admin reads `{}`", table.name);
            stage.book.judge(about, expected, &answer, answer.status == 200);
        }
        let Some(answer) = made(stage, table).await else { continue };
        let expected = format!("the admin makes rows of `{}`", table.name);
        stage.book.judge(about, expected, &answer, answer.is_success());
        let made = crate::shape::row(stage.system(), &answer.json);
        let paths = stage.paths();
        if let Some((method, path)) = paths.of_table(table, Operation::Delete)
            && let Some(path) = made.and_then(|row| paths.of_row(&path, row))
        {
            let answer = stage.as_admin(Request::new(method, path)).await;
            let expected = format!("the admin removes rows of `{}`", table.name);
            stage.book.judge(about, expected, &answer, answer.is_success());
        }
    }
}

/// Makes a row as the admin. A key that another trial took meanwhile tells nothing about rights, so
/// then another row is tried.
async fn made(stage: &Stage<'_>, table: &Table) -> Option<Answer> {
    for _ in 0..ROWS_TRIED_MAX {
        let row = stage.candidate(table).await.ok()?;
        let answer = stage.create(table, row).await.ok()?;
        if answer.status != 409 {
            return Some(answer);
        }
    }
    None
}

/// A token names its algorithm in its header.
fn signature(stage: &Stage<'_>) {
    let about = About::setting("security.token.algorithm");
    let wanted = match stage.system().security.token.algorithm {
        TokenAlgorithm::Rs256 => "RS256",
        TokenAlgorithm::Hs256 => "HS256",
    };
    let expected = format!("tokens are signed with {wanted}");
    let accounts = stage.people.users.iter().chain([&stage.people.admin]);
    let Some(account) = accounts.filter_map(|person| person.account()).next() else { return };
    let header = account.token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header = header.and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
    let named = header.as_ref().and_then(|header| header["alg"].as_str());
    let outcome = match named {
        Some(algorithm) if algorithm == wanted => Outcome::Held,
        named => Outcome::Broken {
            came: format!("the token names {}", named.unwrap_or("no algorithm")),
            curl: format!("curl -i -X POST '{}…/login'", stage.client.origin()),
        },
    };
    stage.book.note(&about, expected, outcome);
}
