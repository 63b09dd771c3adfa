//! Small reads and writes of the engine's own tables and of users' rows, in the store's terms.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use store::{
    Expression, Kind, Operator, Store, StoreError, Value,
    query::{Output, Select, Step},
};

use crate::{Problem, problem::ProblemCode};

/// A row as it was read.
pub(super) type Row = Map<String, Json>;

/// Columns to read, by name and kind.
pub(super) fn outputs<'a>(columns: impl IntoIterator<Item = (&'a str, Kind)>) -> Arc<[Output]> {
    columns
        .into_iter()
        .map(|(name, kind)| Output { name: name.into(), column: name.into(), kind })
        .collect()
}

/// Reads at most `limit` rows.
pub(super) async fn read(
    store: &Store,
    table: &str,
    outputs: Arc<[Output]>,
    condition: Expression,
    limit: u64,
) -> Result<Vec<Row>, StoreError> {
    let rows = store
        .select(&Select {
            table: table.into(),
            outputs,
            condition,
            order: Vec::new(),
            limit: Some(limit),
            offset: 0,
            nested: Vec::new(),
            is_by_index: true,
        })
        .await?;
    (0..rows.len()).filter_map(|index| rows.row(index)).map(parsed).collect()
}

/// A row from the store's JSON.
pub(super) fn parsed(json: &[u8]) -> Result<Row, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::Fault(error.to_string()))
}

/// `column = value`.
pub(super) fn equal(column: &str, value: impl Into<Value>) -> Expression {
    Expression::column(column).equals(value.into())
}

/// `column > now`.
pub(super) fn after(column: &str, now: Timestamp) -> Expression {
    Expression::column(column).binary(Operator::Greater, moment(now).into())
}

/// `column < now`.
pub(super) fn before(column: &str, now: Timestamp) -> Expression {
    Expression::column(column).binary(Operator::Less, moment(now).into())
}

/// `column IS NULL`.
pub(super) fn is_null(column: &str) -> Expression {
    Expression::IsNull { operand: Box::new(Expression::column(column)), negated: false }
}

/// A moment as the store takes it.
pub(super) fn moment(at: Timestamp) -> Value {
    Value::Timestamp(at.as_microsecond())
}

/// Text as the store takes it.
pub(super) fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// A moment as the store shows it.
pub(super) fn read_moment(value: Option<&Json>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}

/// Adds a row and asks nothing back.
pub(super) fn insert(table: &str, values: Vec<(&str, Value)>) -> Step {
    Step::Insert {
        table: table.into(),
        values: values.into_iter().map(|(column, value)| (column.into(), value)).collect(),
        returning: Arc::from([]),
    }
}

/// Changes rows and asks nothing back.
pub(super) fn update(table: &str, set: Vec<(&str, Expression)>, condition: Expression) -> Step {
    Step::Update {
        table: table.into(),
        set: set.into_iter().map(|(column, value)| (column.into(), value)).collect(),
        condition,
        returning: Arc::from([]),
    }
}

/// Removes rows and asks nothing back.
pub(super) fn delete(table: &str, condition: Expression) -> Step {
    Step::Delete { table: table.into(), condition, returning: Arc::from([]) }
}

/// What a caller is told where the store fails in what is ours alone: nothing of the store.
pub(super) fn problem(error: StoreError) -> Problem {
    match error {
        StoreError::Busy | StoreError::Deadline { .. } | StoreError::Unavailable(_) => {
            tracing::warn!(%error, "the store does not answer");
            Problem::new(ProblemCode::Unavailable, "the store does not answer; try again")
                .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("2"))
        }
        error => {
            tracing::error!(%error, "a fault in the store");
            Problem::new(ProblemCode::Fault, "something went wrong here")
        }
    }
}
