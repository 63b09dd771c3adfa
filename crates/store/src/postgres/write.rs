//! The steps of writes as statements, one for each.

use std::{borrow::Cow, sync::Arc};

use deadpool_postgres::ClientWrapper;
use futures_util::{TryStreamExt, future::join_all};
use tokio_postgres::{Error, Statement, error::SqlState, types::ToSql};

use super::{bind::Bound, fault, pool::prepare, read::add, show::RowPlan};
use crate::{
    Expression, Kind, StoreError, Value,
    catalog::Catalog,
    query::{Outcome, Output, Rows, Step},
    sql::{self, Dialect, SqlWriter, write_text_literal},
};

/// One statement of a write.
pub(super) struct Prepared<'a> {
    step: &'a Step,
    statement: Statement,
    parameters: Vec<Cow<'a, Value>>,
    /// Moves a sequence on; it gives nothing back.
    is_own: bool,
}

/// What one statement did, or why it failed.
pub(super) type Done = Result<Outcome, Error>;

/// Writes and prepares the statements of one request.
pub(super) async fn prepared<'a>(
    client: &ClientWrapper,
    catalog: &'a Catalog,
    steps: &'a [Step],
) -> Result<Vec<Prepared<'a>>, Failure> {
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let writer = written(catalog, step).map_err(Failure::Told)?;
        let statement = prepare(client, &writer.text).await.map_err(Failure::Reported)?;
        let parameters = writer.parameters;
        all.push(Prepared { step, statement, parameters, is_own: false });
        for (sql, number) in moved_on(catalog, step) {
            let statement = prepare(client, &sql).await.map_err(Failure::Reported)?;
            let parameters = vec![number];
            all.push(Prepared { step, statement, parameters, is_own: true });
        }
    }
    Ok(all)
}

/// Why a statement could not be prepared.
pub(super) enum Failure {
    /// In our words.
    Told(StoreError),
    /// By PostgreSQL.
    Reported(Error),
}

/// The statement of a step.
pub(super) fn written<'a>(
    catalog: &'a Catalog,
    step: &'a Step,
) -> Result<SqlWriter<'a>, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    match step {
        Step::Insert { table, values, returning } => {
            sql::write_insert(&mut writer, table, values, returning);
            Ok(())
        }
        Step::Update { table, set, condition, returning } => {
            sql::write_update(&mut writer, table, set, condition, returning)
        }
        Step::Delete { table, condition, returning } => {
            sql::write_delete(&mut writer, table, condition, returning)
        }
        Step::Require { table, condition, exists, .. } => {
            // An error where the requirement is not met: what follows is on its way already.
            writer.text.push_str(if *exists {
                "SELECT 1 / (EXISTS ("
            } else {
                "SELECT 1 / (NOT EXISTS ("
            });
            let written = sql::write_require(&mut writer, table, condition);
            writer.text.push_str("))::integer");
            written
        }
    }
    .map_err(fault::unsupported)?;
    Ok(writer)
}

/// Statements that move the sequences of serial columns beyond the numbers that a row brings.
fn moved_on<'a>(catalog: &Catalog, step: &'a Step) -> Vec<(String, Cow<'a, Value>)> {
    let Step::Insert { table, values, .. } = step else {
        return Vec::new();
    };
    let Some(entry) = catalog.table(table) else {
        return Vec::new();
    };
    let serial = values.iter().filter(|(name, value)| {
        let column = entry.column(name);
        !value.is_null() && column.is_some_and(|it| matches!(it.kind, Kind::Serial { .. }))
    });
    serial
        .map(|(name, value)| {
            let mut quoted = String::new();
            sql::write_identifier(&super::names::kept(table), &mut quoted);
            let mut arguments = String::new();
            write_text_literal(&quoted, &mut arguments);
            arguments.push_str(", ");
            write_text_literal(&super::names::kept(name), &mut arguments);
            let sql = format!(
                "SELECT setval(s::regclass, greatest($1::bigint, \
                 coalesce(pg_sequence_last_value(s::regclass), 1))) \
                 FROM pg_get_serial_sequence({arguments}) AS s WHERE s IS NOT NULL AND $1 > 0"
            );
            (sql, Cow::Borrowed(value))
        })
        .collect()
}

/// Sends all statements without waiting in between; gives back what each did, in order.
pub(super) async fn run(client: &ClientWrapper, statements: &[Prepared<'_>]) -> Vec<Done> {
    join_all(statements.iter().map(|statement| statement.run(client))).await
}

impl Prepared<'_> {
    async fn run(&self, client: &ClientWrapper) -> Done {
        let parameters: Vec<Bound<'_>> = self.parameters.iter().map(|it| Bound(it)).collect();
        run_one(client, &self.statement, &parameters, self.returning()).await
    }

    fn returning(&self) -> &[Output] {
        match self.step {
            Step::Insert { returning, .. }
            | Step::Update { returning, .. }
            | Step::Delete { returning, .. }
                if !self.is_own =>
            {
                returning
            }
            _ => &[],
        }
    }

    /// Which outcome of its request this is; none for what the request did not ask for.
    pub(super) fn is_asked(&self) -> bool {
        !self.is_own
    }

    /// Explains the error of this statement.
    pub(super) fn explained(&self, error: &Error, catalog: &Catalog) -> StoreError {
        if let Step::Require { refusal, .. } = self.step
            && error.code() == Some(&SqlState::DIVISION_BY_ZERO)
        {
            return StoreError::Refused { refusal: *refusal };
        }
        match fault::explain(error, catalog) {
            StoreError::ForeignKey { table, columns, .. } => {
                let missing = self.refers_by(&table, &columns);
                StoreError::ForeignKey { table, columns, missing }
            }
            StoreError::Value { column: None, message } => match self.misfit(catalog) {
                Some((column, kind)) => StoreError::Value {
                    column: Some(column),
                    message: format!("does not fit {kind}"),
                },
                None => StoreError::Value { column: None, message },
            },
            other => other,
        }
    }

    /// True where the step itself gives the columns of a key: then its row is missing, else other
    /// rows still refer to those of the step.
    fn refers_by(&self, child: &str, columns: &[String]) -> bool {
        match self.step {
            Step::Insert { .. } => true,
            Step::Update { table, set, .. } => {
                **table == *child
                    && set.iter().any(|(name, _)| columns.iter().any(|own| **name == **own))
            }
            Step::Delete { .. } | Step::Require { .. } => false,
        }
    }

    /// The first value that its column cannot hold.
    fn misfit(&self, catalog: &Catalog) -> Option<(String, Kind)> {
        let (table, given): (_, Vec<(&Arc<str>, &Value)>) = match self.step {
            Step::Insert { table, values, .. } => {
                (table, values.iter().map(|(name, value)| (name, value)).collect())
            }
            Step::Update { table, set, .. } => {
                let constants = set.iter().filter_map(|(name, expression)| match expression {
                    Expression::Value(value) => Some((name, value)),
                    _ => None,
                });
                (table, constants.collect())
            }
            _ => return None,
        };
        let entry = catalog.table(table)?;
        given.into_iter().find_map(|(name, value)| {
            let kind = &entry.column(name)?.kind;
            let fits = match value {
                Value::Null => true,
                Value::Json(text) => {
                    serde_json::from_str(text).is_ok_and(|it| kind.parse_json(&it).is_ok())
                }
                value => kind.parse_text(&value.to_string()).is_ok(),
            };
            (!fits).then(|| (name.to_string(), kind.clone()))
        })
    }
}

async fn run_one<P: ToSql + Sync>(
    client: &ClientWrapper,
    statement: &Statement,
    parameters: &[P],
    returning: &[Output],
) -> Done {
    let parameters = parameters.iter().map(|it| it as &(dyn ToSql + Sync));
    let stream = match client.query_raw(statement, parameters).await {
        Ok(stream) => stream,
        Err(error) => {
            // A value that could not be sent: what follows must not be committed without it.
            if error.code().is_none() && !client.is_closed() {
                let _ = client.batch_execute("SELECT 1 / 0").await;
            }
            return Err(error);
        }
    };
    let plan = RowPlan::of(returning, statement.columns(), 0);
    let mut stream = std::pin::pin!(stream);
    let mut rows = Rows::default();
    while let Some(row) = stream.try_next().await? {
        if !returning.is_empty() {
            add(&mut rows, |json| plan.write(&row, json))?;
        }
    }
    Ok(Outcome { affected: stream.rows_affected().unwrap_or(0), rows })
}
