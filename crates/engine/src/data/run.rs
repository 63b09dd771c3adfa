//! Runs statements and says what came of them; explains in the caller's terms why a write was
//! refused, from what the caller may see.

use std::sync::Arc;

use document::security::Action;
use store::{
    Expression, RANGE_BACKWARDS, StoreError, Value,
    query::{Outcome, Rows, Select, Step},
};

use super::{
    Resource,
    change::{missing_reference, reserved, somebody_else},
    cursor,
    overlap::{backwards, excluded},
    shown::shown,
    work::{Getting, Listing, Refusal, Writing, tail_name},
};
use crate::{
    Problem,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    security::may::{Asker, verb},
    service::Inner,
};

/// A page of rows.
pub(crate) struct Page {
    /// The rows' JSON.
    pub(crate) rows: Rows,
    /// Number of the page, from 1.
    pub(crate) page: u64,
    /// Rows on a page.
    pub(crate) limit: u64,
    /// Rows skipped.
    pub(crate) offset: u64,
    /// There are more.
    pub(crate) has_next: bool,
    /// Where the next page begins.
    pub(crate) next_cursor: Option<String>,
    /// How many there are in all, where asked for.
    pub(crate) total: Option<u64>,
}

/// Reads one row.
///
/// # Errors
/// 404 where there is none to be seen.
pub(crate) async fn get(inner: &Inner, getting: &Getting) -> Result<Rows, Problem> {
    let rows = inner.store.select(&getting.select).await.map_err(|error| fault(inner, error))?;
    if rows.is_empty() { Err(Problem::not_found()) } else { Ok(rows) }
}

/// Reads a page.
///
/// # Errors
/// 404 where the parent in the path is not to be seen and has no children to be seen.
pub(crate) async fn list(inner: &Inner, listing: &Listing) -> Result<Page, Problem> {
    let store = &inner.store;
    let ask = &listing.ask;
    let mut rows = store.select(&listing.select).await.map_err(|error| fault(inner, error))?;
    if let (true, Some((parent, seen))) = (rows.is_empty(), &listing.parent)
        && !sabotage::is(Sabotage::NestedWithoutParent)
        && !exists(inner, &parent.name, seen).await?
    {
        return Err(Problem::not_found());
    }
    let total = match &listing.total {
        Some(condition) => {
            let count = store.count(&listing.resource.name, condition).await;
            let count = count.map_err(|error| fault(inner, error))?;
            Some(count + u64::from(sabotage::is(Sabotage::WrongTotal)))
        }
        None => None,
    };
    let limit = usize::try_from(ask.limit).unwrap_or(usize::MAX);
    let has_next = rows.len() > limit;
    if has_next {
        rows.ends.truncate(limit);
        rows.json.truncate(rows.ends.last().copied().unwrap_or(0));
    }
    let next_cursor = if has_next { next_cursor(listing, &rows) } else { None };
    if listing.tail > 0 {
        rows = cut_tails(&rows);
    }
    Ok(Page {
        rows,
        page: ask.page,
        limit: ask.limit,
        offset: ask.offset,
        has_next: has_next && !sabotage::is(Sabotage::NoNextPage),
        next_cursor: next_cursor.filter(|_| !sabotage::is(Sabotage::NoNextPage)),
        total,
    })
}

/// The cursor after the last row of a page, from the row's own JSON.
fn next_cursor(listing: &Listing, rows: &Rows) -> Option<String> {
    let (resource, order) = (&listing.resource, &listing.ask.order);
    if resource.key.is_empty() {
        return None;
    }
    let last = rows.row(rows.len().checked_sub(1)?)?;
    let keys = match listing.tail {
        0 => {
            let fields = order.iter().map(|(position, _)| resource.field(*position));
            let names: Option<Vec<&str>> = fields.map(|field| Some(&*field?.shown)).collect();
            shown(last, &names?)?
        }
        tail => {
            let names: Vec<String> = (0..tail).map(tail_name).collect();
            shown(last, &names.iter().map(String::as_str).collect::<Vec<_>>())?
        }
    };
    Some(cursor::write(resource, order, &keys))
}

/// Rows without the sort keys that stand behind their members. The first of those keys is found
/// from the end: no text can hold `,"@0":` without a backslash, and JSON columns come before it.
fn cut_tails(rows: &Rows) -> Rows {
    let mark = format!(",\"{}\":", tail_name(0));
    let mut cut = Rows::default();
    for index in 0..rows.len() {
        let row = rows.row(index).unwrap_or_default();
        let end = row
            .windows(mark.len())
            .rposition(|window| window == mark.as_bytes())
            .unwrap_or(row.len().saturating_sub(1));
        if index > 0 {
            cut.json.push(b',');
        }
        cut.json.extend_from_slice(row.get(..end).unwrap_or_default());
        cut.json.push(b'}');
        cut.ends.push(cut.json.len());
    }
    cut
}

/// Steps of one transaction, with what each write's requirements stand for.
pub(crate) struct Transaction<'a> {
    inner: &'a Inner,
    steps: Vec<Step>,
    /// Where each write's own step stands, and the number of its first requirement.
    mains: Vec<(usize, u32)>,
}

impl<'a> Transaction<'a> {
    /// Takes the steps of these writes, one after the other, and `further` steps of the same
    /// transaction behind them: events and keys of idempotency enter here.
    pub(crate) fn of(inner: &'a Inner, writings: &mut [Writing], further: Vec<Step>) -> Self {
        let is_bare = |only: &Writing| only.before.is_empty() && only.after.is_empty();
        let is_alone = matches!(&*writings, [only] if is_bare(only)) && further.is_empty();
        let mains = Vec::with_capacity(writings.len());
        let mut transaction = Self { inner, steps: Vec::with_capacity(1), mains };
        let mut first = 0_u32;
        for writing in writings {
            // Alone, the step itself says by the rows it touched whether it was allowed.
            if let Some(touches) = writing.touches.as_ref().filter(|_| !is_alone) {
                transaction.steps.push(Step::Require {
                    table: Arc::clone(&writing.resource.name),
                    condition: touches.clone(),
                    exists: true,
                    refusal: first,
                });
            }
            transaction.take(&mut writing.before, first);
            transaction.mains.push((transaction.steps.len(), first));
            let main = writing.main.take();
            let is_delete = writing.action == Action::Delete;
            if !(is_delete && sabotage::is(Sabotage::KeepDeletedRow)) {
                transaction.steps.extend(main);
            }
            transaction.take(&mut writing.after, first);
            first += u32::try_from(writing.refusals.len()).unwrap_or(0);
        }
        transaction.steps.extend(further);
        transaction
    }

    fn take(&mut self, steps: &mut Vec<Step>, first: u32) {
        for mut step in steps.drain(..) {
            if let Step::Require { refusal, .. } = &mut step {
                *refusal += first;
            }
            self.steps.push(step);
        }
    }

    /// Runs all steps or none. Gives back what each write's own step did.
    ///
    /// # Errors
    /// The problem, and which write it belongs to where that is known.
    pub(crate) async fn run(
        self,
        asker: &Asker<'_>,
        writings: &[Writing],
    ) -> Result<Vec<Outcome>, (Option<usize>, Failure)> {
        let is_alone = self.steps.len() == 1;
        let mut outcomes = match self.inner.store.write(self.steps).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                // Boxed, so that what is written carries no room for why it could not be.
                let explained = explain(self.inner, asker, writings, &self.mains, error);
                return Err(Box::pin(explained).await);
            }
        };
        if let ([writing], true) = (writings, is_alone)
            && writing.touches.is_some()
            && outcomes.first().is_some_and(|outcome| outcome.affected == 0)
        {
            let problem = Box::pin(why_refused(self.inner, asker, writing, 0)).await;
            return Err((Some(0), Failure::Problem(problem)));
        }
        for writing in writings {
            let is_delete = writing.action == Action::Delete;
            let table = &writing.resource.name;
            crate::security::table_changed(self.inner, asker.running, table, is_delete).await;
        }
        let mains = self.mains.iter();
        Ok(mains
            .map(|(at, _)| outcomes.get_mut(*at).map(std::mem::take).unwrap_or_default())
            .collect())
    }
}

/// Why a transaction failed.
pub(crate) enum Failure {
    /// In the caller's terms.
    Problem(Problem),
    /// Another row of one of the engine's own tables has this key.
    Taken(String),
}

async fn explain(
    inner: &Inner,
    asker: &Asker<'_>,
    writings: &[Writing],
    mains: &[(usize, u32)],
    error: StoreError,
) -> (Option<usize>, Failure) {
    if let StoreError::Refused { refusal } = error {
        let place = mains.iter().rposition(|(_, first)| *first <= refusal);
        if let Some((place, writing)) = place.and_then(|at| Some((at, writings.get(at)?))) {
            let number = refusal - mains.get(place).map_or(0, |(_, first)| *first);
            let problem = why_refused(inner, asker, writing, number).await;
            return (Some(place), Failure::Problem(problem));
        }
        let error = StoreError::Fault("a requirement that nobody made was not met".to_owned());
        return (None, Failure::Problem(fault(inner, error)));
    }
    if let StoreError::Unique { table, .. } = &error
        && asker.running.resources.get(table).is_none()
    {
        return (None, Failure::Taken(table.clone()));
    }
    let table = match &error {
        StoreError::Unique { table, .. }
        | StoreError::NotNull { table, .. }
        | StoreError::Check { table, .. }
        | StoreError::Excluded { table, .. }
        | StoreError::ForeignKey { table, .. } => Some(table.as_str()),
        _ => None,
    };
    let of_table = |writing: &&Writing| table.is_none_or(|table| *writing.resource.name == *table);
    let mut candidates = writings.iter().enumerate().filter(|(_, writing)| of_table(writing));
    let (first, second) = (candidates.next(), candidates.next());
    let place = match (first, second) {
        (Some((place, _)), None) => Some(place),
        _ => None,
    };
    let writing = first.map(|(_, writing)| writing).or(writings.first());
    let problem = match writing {
        Some(writing) => of_store(inner, asker, writing, error).await,
        None => fault(inner, error),
    };
    (place, Failure::Problem(problem))
}

/// Why a requirement was not met, told from what the principal may see.
async fn why_refused(inner: &Inner, asker: &Asker<'_>, writing: &Writing, number: u32) -> Problem {
    let resource = &writing.resource;
    let refusal = usize::try_from(number).ok().and_then(|at| writing.refusals.get(at));
    match refusal {
        Some(Refusal::Reference(position)) => missing_reference(resource, *position),
        Some(Refusal::Parent) => Problem::not_found(),
        Some(Refusal::NewVersion) => asker.refusal(resource, &writing.action),
        Some(Refusal::Reserved(position)) => reserved(asker, resource, *position),
        Some(Refusal::Owner(position)) => somebody_else(asker, resource, *position),
        Some(Refusal::Version) => changed(),
        Some(Refusal::Taken(position)) => {
            let field = resource.field(*position).map_or("", |field| &*field.shown);
            Problem::new(ProblemCode::Conflict, format!("this `{field}` is taken"))
                .detail(field, "is taken")
        }
        Some(Refusal::Row) | None => match why_row(inner, asker, writing).await {
            Ok(problem) | Err(problem) => problem,
        },
    }
}

/// The row is no longer as the caller knows it.
pub(crate) fn changed() -> Problem {
    Problem::new(
        ProblemCode::PreconditionFailed,
        "the row has changed since you read it; read it again",
    )
}

/// Not there or not seen: 404. Seen and not to be touched: 403. Its state does not allow it: 409.
async fn why_row(inner: &Inner, asker: &Asker<'_>, writing: &Writing) -> Result<Problem, Problem> {
    let resource = &writing.resource;
    let seen = asker.seen_of(resource, writing.rows.clone());
    if !exists(inner, &resource.name, &seen).await? {
        return match sabotage::is(Sabotage::HiddenRowInError) {
            true => told(inner, writing).await,
            false => Ok(Problem::not_found()),
        };
    }
    let mut allowed =
        super::truth::and(seen.clone(), asker.may(resource, &writing.action).condition());
    if writing.owned {
        allowed = super::truth::and(allowed, asker.owned(resource));
    }
    if let Some((position, target)) = &writing.moves
        && let Some(problem) = why_state(inner, asker, writing, &seen, *position, target).await?
    {
        let is_open = exists(inner, &resource.name, &allowed).await?;
        let by_arrow =
            asker.may(resource, &writing.action) == crate::security::may::Permission::Refused;
        return Ok(if is_open || by_arrow {
            problem
        } else {
            asker.refusal(resource, &writing.action)
        });
    }
    if exists(inner, &resource.name, &allowed).await? {
        let words = "the row changed while it was being written; try again";
        return Ok(Problem::new(ProblemCode::Conflict, words));
    }
    Ok(asker.refusal(resource, &writing.action))
}

/// Told on purpose: what the row holds that the caller may not see.
async fn told(inner: &Inner, writing: &Writing) -> Result<Problem, Problem> {
    let mut problem = Problem::not_found();
    for field in writing.resource.fields.iter().filter(|field| field.is_text()) {
        let text = text_of(inner, &writing.resource, &field.name, &writing.rows).await?;
        problem = problem.detail(&*field.shown, text.unwrap_or_default());
    }
    Ok(problem)
}

/// Where a row's state does not allow the move: what it does allow.
async fn why_state(
    inner: &Inner,
    asker: &Asker<'_>,
    writing: &Writing,
    seen: &Expression,
    position: usize,
    target: &Value,
) -> Result<Option<Problem>, Problem> {
    let resource = &writing.resource;
    let Some(field) = resource.field(position) else { return Ok(None) };
    let Some(machine) = resource.machine(&field.name).filter(|machine| machine.is_drawn()) else {
        return Ok(None);
    };
    let Some(state) = text_of(inner, resource, &field.name, seen).await? else { return Ok(None) };
    let target = match target {
        Value::Text(target) => target.as_str(),
        _ => "",
    };
    let out: Vec<_> = machine.out_of(&state).collect();
    let arrow = out.iter().find(|one| match &writing.action {
        document::security::Action::Transition { name } => {
            one.action.as_deref() == Some(name) || one.to == target
        }
        _ => one.to == target,
    });
    if let Some(arrow) = arrow {
        if super::Machine::may_do(arrow, asker.principal) {
            return Ok(None);
        }
        return Ok(Some(asker.refused(&format!(
            "you may not {} this: {} leaves that to {}",
            verb(&writing.action),
            machine.origin,
            arrow.roles.join(", ")
        ))));
    }
    let mut next: Vec<&str> = out.iter().map(|one| one.to.as_str()).collect();
    next.dedup();
    let allowed = match next.as_slice() {
        [] => "nothing leaves that state".to_owned(),
        next => format!("allowed are {}", next.join(", ")),
    };
    let message = format!("`{}` cannot go from `{state}` to `{target}`: {allowed}", field.shown);
    Ok(Some(
        Problem::new(ProblemCode::TransitionRefused, message)
            .detail(&*field.shown, allowed.clone()),
    ))
}

/// A text column of one row.
async fn text_of(
    inner: &Inner,
    resource: &Resource,
    column: &str,
    rows: &Expression,
) -> Result<Option<String>, Problem> {
    let Some(field) = resource.position(column).and_then(|at| resource.field(at)) else {
        return Ok(None);
    };
    let select = Select {
        table: Arc::clone(&resource.name),
        outputs: Arc::from([super::output(field)]),
        condition: rows.clone(),
        order: Vec::new(),
        limit: Some(1),
        offset: 0,
        nested: Vec::new(),
        is_by_index: true,
    };
    let rows = inner.store.select(&select).await.map_err(|error| fault(inner, error))?;
    let row = rows.row(0).unwrap_or_default();
    let row: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(row).unwrap_or_default();
    Ok(row.values().next().and_then(|value| value.as_str()).map(str::to_owned))
}

/// True where some row meets the condition.
pub(crate) async fn exists(
    inner: &Inner,
    table: &str,
    condition: &Expression,
) -> Result<bool, Problem> {
    if *condition == Expression::Always(false) {
        return Ok(false);
    }
    let count = inner.store.count(table, condition).await;
    count.map(|rows| rows > 0).map_err(|error| fault(inner, error))
}

/// What the store refused, in the caller's terms. Columns are named, values never.
async fn of_store(
    inner: &Inner,
    asker: &Asker<'_>,
    writing: &Writing,
    error: StoreError,
) -> Problem {
    let resource = &writing.resource;
    let invalid = || Problem::new(ProblemCode::ValidationError, "some fields are not valid");
    let shown = |column: &str| resource.visible(column).map(|field| field.shown.to_string());
    match error {
        StoreError::Unique { columns, table } => {
            let fields: Vec<String> = columns.iter().filter_map(|column| shown(column)).collect();
            let words = match fields.as_slice() {
                [] => format!("another row of `{table}` is the same"),
                fields => format!("another row of `{table}` has the same {}", fields.join(", ")),
            };
            let problem = Problem::new(ProblemCode::Conflict, words);
            fields.into_iter().fold(problem, |problem, field| problem.detail(field, "is taken"))
        }
        StoreError::NotNull { column, .. } => {
            invalid().detail(shown(&column).unwrap_or_else(|| column.clone()), "must have a value")
        }
        StoreError::Check { constraint, .. } => {
            let check = resource.checks.iter().find(|check| check.name == constraint);
            let Some(check) = check else {
                return invalid().detail(constraint, "a check of the table does not hold");
            };
            let words = format!("must satisfy {}", check.text);
            let fields = check.fields.iter().filter_map(|&at| resource.field(at));
            let problem = fields
                .filter(|field| !field.write_only)
                .fold(invalid(), |problem, field| problem.detail(&*field.shown, words.clone()));
            if problem.details.is_empty() { problem.detail(constraint, words) } else { problem }
        }
        StoreError::Excluded { table, constraint } => {
            excluded(asker, resource, &table, &constraint)
        }
        StoreError::ForeignKey { missing: true, columns, .. } => {
            missing(inner, asker, writing, &columns).await
        }
        StoreError::ForeignKey { missing: false, .. } => {
            Problem::new(ProblemCode::Conflict, "rows of other tables still refer to this one")
        }
        StoreError::Value { column, message } => match column.as_deref().and_then(shown) {
            Some(field) => invalid().detail(field, message),
            None if message == RANGE_BACKWARDS => backwards(asker, resource, invalid()),
            None => Problem::new(ProblemCode::ValidationError, message),
        },
        error => fault(inner, error),
    }
}

/// Which reference leads nowhere; the store does not always say.
async fn missing(
    inner: &Inner,
    asker: &Asker<'_>,
    writing: &Writing,
    columns: &[String],
) -> Problem {
    let resource = &writing.resource;
    let mut all: Option<Problem> = None;
    for reference in &resource.references {
        let named = resource
            .field(reference.field)
            .is_some_and(|field| columns.iter().any(|column| **column == *field.name));
        let value = writing.references.iter().find(|(at, _)| *at == reference.field);
        let Some((position, value)) = value.filter(|(_, value)| *value != Value::Null) else {
            continue;
        };
        let is_it = Expression::column(&*reference.column).equals(value.clone());
        let Some(other) = asker.running.resources.get(&reference.table) else { continue };
        let leads_nowhere = named || !matches!(exists(inner, &other.name, &is_it).await, Ok(true));
        if leads_nowhere {
            let problem = missing_reference(resource, *position);
            match &mut all {
                None => all = Some(problem),
                Some(all) => all.details.extend(problem.details),
            }
        }
    }
    all.unwrap_or_else(|| {
        Problem::new(ProblemCode::Conflict, "the row refers to one that does not exist")
    })
}

/// Why a store that is read takes no writes, in its words.
const WRITES_ALONE: &[&str] =
    &["the disk is full", "the disk cannot be written", "the database is read-only"];

/// What is not the caller's doing: logged once with an id, and the caller gets the id.
pub(crate) fn fault(inner: &Inner, error: StoreError) -> Problem {
    let problem = match &error {
        StoreError::Deadline { .. } => {
            return Problem::new(ProblemCode::Timeout, "the answer took too long to read");
        }
        StoreError::Busy => {
            return Problem::new(
                ProblemCode::Unavailable,
                "too many writes are waiting; try again",
            )
            .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
        }
        StoreError::Value { message, .. } => {
            return Problem::new(ProblemCode::ValidationError, message.clone());
        }
        StoreError::NotThere { table } => {
            tracing::warn!("`{table}` was asked for and is not in the database");
            let words = "this is declared, but the store that runs could not make it";
            return Problem::new(ProblemCode::NotImplemented, words);
        }
        StoreError::Unavailable(_) => ProblemCode::Unavailable,
        _ => ProblemCode::Fault,
    };
    let id = inner.world.uuid();
    inner.evidence.faults.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    tracing::error!(fault = %id, "fault: {error}");
    let words = match &error {
        // These say nothing of where things are, and tell a caller that reads go on.
        StoreError::Unavailable(why) if WRITES_ALONE.contains(&why.as_str()) => {
            format!("nothing can be written at the moment: {why}; its id is {id}")
        }
        StoreError::Unavailable(_) => format!("no rows can be reached; try again; its id is {id}"),
        _ => format!("something went wrong on our side; its id is {id}"),
    };
    let told = Problem::new(problem, words);
    match problem {
        // A database that is away is expected back.
        ProblemCode::Unavailable => {
            told.header(http::header::RETRY_AFTER, http::HeaderValue::from_static("2"))
        }
        _ => told,
    }
}
