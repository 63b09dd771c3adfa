//! Runs what was permitted and makes the answer: statuses, tags, places of new rows, answers that
//! are given again.

use std::{borrow::Cow, sync::Arc};

use document::security::Action;
use http::{HeaderName, StatusCode, header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use store::{
    Expression,
    query::{Outcome, Rows, Select},
};

use super::{
    Answer, Content, Route, Target, batch,
    idempotency::{self, Before, Once},
    read, tag,
};
use crate::{
    Problem,
    data::{
        self, Call, Failure, Refusal, Transaction, Work, Writing,
        cache::{self, Told},
        fault,
    },
    sabotage::{self, Sabotage},
    security::may::Asker,
    service::Inner,
};

/// What is written with percent signs in a segment of a path.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Runs statements and says what came of them.
///
/// # Errors
/// The problem, in the caller's terms.
pub(crate) async fn run(
    inner: &Arc<Inner>,
    asker: &Asker<'_>,
    route: &Route,
    parts: &Parts,
    call: &Call<'_>,
    mut works: Vec<Work>,
) -> Result<Answer, Problem> {
    if matches!(route.target, Target::Batch) {
        return Box::pin(batch::run(inner, asker, works)).await;
    }
    match works.pop() {
        Some(Work::Get(getting)) => {
            let (rows, told) = cache::get(inner, route.cached.get(), &getting).await?;
            let tag = tag::tag(&rows.json);
            let known = read::text(&parts.headers, header::IF_NONE_MATCH);
            if known.is_some_and(|list| tag::names(&list, &tag, true))
                && !sabotage::is(Sabotage::IgnoreIfNoneMatch)
            {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).header(header::ETAG, tag));
            }
            let answer = Answer {
                status: StatusCode::OK,
                headers: told.map(Told::header).into_iter().collect(),
                content: Content::Item(rows),
            };
            Ok(answer.header(header::ETAG, tag))
        }
        Some(Work::List(listing)) => {
            let (page, told) = cache::list(inner, route.cached.get(), &listing).await?;
            Ok(Answer {
                status: StatusCode::OK,
                headers: told.map(Told::header).into_iter().collect(),
                content: Content::List(Box::new(page)),
            })
        }
        Some(Work::Write(writing)) => write_one(inner, asker, route, parts, call, writing).await,
        None => Err(Problem::not_found()),
    }
}

async fn write_one(
    inner: &Arc<Inner>,
    asker: &Asker<'_>,
    route: &Route,
    parts: &Parts,
    call: &Call<'_>,
    mut writing: Box<Writing>,
) -> Result<Answer, Problem> {
    let once = match parts.headers.get(&IDEMPOTENCY_KEY) {
        Some(_) if sabotage::is(Sabotage::ReplayTwice) => None,
        Some(key) if parts.method == http::Method::POST => {
            let what = format!("{} {}", parts.method, parts.uri);
            Some(Once::of(inner, asker.principal, &what, key, call.body)?)
        }
        _ => None,
    };
    if let Some(once) = &once
        && let Some(answer) =
            Box::pin(answered_before(inner, asker, route, parts, once, &writing)).await?
    {
        return Ok(answer);
    }
    expect_version(inner, asker, &mut writing).await?;
    let further = once.iter().flat_map(|once| once.steps(&writing)).collect();
    let transaction = Transaction::of(inner, std::slice::from_mut(&mut *writing), further);
    let outcomes = match transaction.run(asker, std::slice::from_ref(&*writing)).await {
        Ok(outcomes) => outcomes,
        Err((_, Failure::Problem(problem))) => return Err(problem),
        Err((_, Failure::Taken(table))) => {
            // The same key won the race: its answer is ours.
            if let (Some(once), true) = (&once, Once::is_table(&table))
                && let Some(answer) =
                    Box::pin(answered_before(inner, asker, route, parts, once, &writing)).await?
            {
                return Ok(answer);
            }
            return Err(fault(inner, store::StoreError::Fault(format!("a key of {table}"))));
        }
    };
    let outcome = outcomes.into_iter().next().unwrap_or_default();
    let place = place_of(asker, route, parts.uri.path(), &writing, &outcome);
    if asker.running.cached.writes_through {
        let path = parts.uri.path();
        Box::pin(cache::write_through(inner, asker, &writing, place.as_deref(), path)).await;
    }
    let answer = answer_of(&writing, outcome, place);
    if let Some(once) = once {
        let (inner, kept) = (Arc::clone(inner), idempotency::kept(&answer));
        tokio::spawn(async move { once.keep(&inner, kept).await });
    }
    Ok(answer)
}

/// The answer to a request that was answered before: as it was, or from its row as it is now where
/// the answer was not kept in time. None where the key is new.
async fn answered_before(
    inner: &Inner,
    asker: &Asker<'_>,
    route: &Route,
    parts: &Parts,
    once: &Once,
    writing: &Writing,
) -> Result<Option<Answer>, Problem> {
    let key = match once.before(inner).await? {
        None => return Ok(None),
        Some(Before::Answer(answer)) => return Ok(Some(answer)),
        Some(Before::Row(key)) => key,
    };
    let resource = &writing.resource;
    let mut row = writing.rows.clone();
    let fields = resource.key.iter().filter_map(|&at| resource.field(at));
    for (field, text) in fields.zip(key.iter().flatten()) {
        let value = field.kind.parse_text(text).map_err(|_| Problem::not_found())?;
        row = data::and(row, Expression::column(&*field.name).equals(value));
    }
    let rows = seen(inner, asker, resource, row).await?;
    let outcome = Outcome { affected: 1, rows };
    let answer = match outcome.rows.is_empty() {
        true => Answer::empty(answer_of(writing, outcome, None).status),
        false => {
            let place = place_of(asker, route, parts.uri.path(), writing, &outcome);
            answer_of(writing, outcome, place)
        }
    };
    Ok(Some(answer.header(idempotency::REPLAYED, "true")))
}

/// The row that meets a condition, as it is shown to whoever asks.
async fn seen(
    inner: &Inner,
    asker: &Asker<'_>,
    resource: &data::Resource,
    row: Expression,
) -> Result<Rows, Problem> {
    let select = Select {
        table: resource.name.clone(),
        outputs: resource.outputs.clone(),
        condition: asker.seen_of(resource, row),
        order: Vec::new(),
        limit: Some(1),
        offset: 0,
        nested: Vec::new(),
        is_by_index: true,
    };
    inner.store.select(&select).await.map_err(|error| fault(inner, error))
}

/// The answer to a write.
pub(crate) fn answer_of(writing: &Writing, outcome: Outcome, place: Option<String>) -> Answer {
    let status = match &writing.action {
        Action::Create if sabotage::is(Sabotage::CreatedSaysOk) => StatusCode::OK,
        Action::Create => StatusCode::CREATED,
        Action::Delete => return Answer::empty(StatusCode::NO_CONTENT),
        _ => StatusCode::OK,
    };
    let tag = tag::tag(&outcome.rows.json);
    let mut answer =
        Answer { status, headers: Vec::with_capacity(2), content: Content::Item(outcome.rows) };
    answer = answer.header(header::ETAG, tag);
    match place.filter(|_| !sabotage::is(Sabotage::ForgetLocation)) {
        Some(place) => answer.header(header::LOCATION, place),
        None => answer,
    }
}

/// True for what is written as it is there.
fn is_in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Where a new row is found again: at its table's standard path, or below the path it was posted
/// to where that is one of the document's that has its rows below.
pub(crate) fn place_of(
    asker: &Asker<'_>,
    route: &Route,
    path: &str,
    writing: &Writing,
    outcome: &Outcome,
) -> Option<String> {
    if writing.action != Action::Create {
        return None;
    }
    let fields = writing.resource.key.iter().map(|position| writing.resource.field(*position));
    let names: Vec<&str> = fields.map(|field| Some(&*field?.shown)).collect::<Option<_>>()?;
    let base = path.trim_end_matches('/');
    let mut below = String::with_capacity(base.len() + 64);
    below.push_str(base);
    for member in data::shown(outcome.rows.row(0)?, &names)? {
        below.push('/');
        let plain = member.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let text = match plain {
            None => Cow::Borrowed(member),
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            Some(_) => serde_json::from_str(member).ok()?,
        };
        match text.bytes().all(is_in_segment) {
            true => below.push_str(&text),
            false => below.extend(percent_encoding::utf8_percent_encode(&text, IN_SEGMENT)),
        }
    }
    // A place without a key is none.
    if below.bytes().skip(base.len()).all(|byte| byte == b'/') {
        return None;
    }
    if route.has_rows_below.get() == Some(&true) {
        return Some(below);
    }
    let is_plain = matches!(&route.target, Target::Table { nested: None, .. });
    let serves = |path: &str| {
        asker.running.router.find(&http::Method::GET, path).is_ok_and(|found| {
            matches!(&found.route.target, Target::Table { resource, .. }
                if resource.name == writing.resource.name)
        })
    };
    if is_plain && serves(&below) {
        return Some(below);
    }
    let keys = below.get(base.len()..)?;
    let base = asker.running.system.api.base.trim_end_matches('/');
    Some(format!("{base}/{}{keys}", writing.resource.name))
}

/// `If-Match`: the row must show the tag now, and still show the same values inside the
/// transaction.
pub(crate) async fn expect_version(
    inner: &Inner,
    asker: &Asker<'_>,
    writing: &mut Writing,
) -> Result<(), Problem> {
    let Some(list) = writing.if_match.take() else { return Ok(()) };
    let is_ignored = sabotage::is(Sabotage::IgnoreIfMatch);
    if writing.touches.is_none() || list.trim() == "*" || is_ignored {
        return Ok(());
    }
    let resource = writing.resource.clone();
    // Boxed, so that a write without a version carries no room for it.
    let rows = Box::pin(seen(inner, asker, &resource, writing.rows.clone())).await?;
    let Some(row) = rows.row(0) else { return Err(Problem::not_found()) };
    if !tag::names(&list, &tag::tag(row), false) {
        return Err(data::changed());
    }
    if let Some(unchanged) = tag::unchanged(&resource, row) {
        let condition = data::and(writing.rows.clone(), unchanged);
        let step = writing.require(&resource.name, condition, Refusal::Version);
        writing.before.push(step);
    }
    Ok(())
}
