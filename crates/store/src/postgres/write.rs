//! The steps of writes as statements: one for each, or one for many rows that are alike.

use std::{borrow::Cow, sync::Arc};

use deadpool_postgres::ClientWrapper;
use futures_util::{TryStreamExt, future::join_all};
use tokio_postgres::{
    Error, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    bind::{Bound, BoundColumn, base, is_binary},
    fault,
    pool::prepare,
    read::add,
    show::RowPlan,
};
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
    /// The same statement as that of the request before, and nothing else.
    is_alike: bool,
}

/// The insert of the request before: whoever adds a row to the same columns has its statement.
#[derive(Default)]
pub(super) struct Before<'a>(Option<(&'a Step, Statement)>);

impl<'a> Before<'a> {
    /// The statement of this request, where it is one insert like the one before.
    fn statement(&self, catalog: &Catalog, steps: &[Step]) -> Option<&Statement> {
        let (before, statement) = self.0.as_ref()?;
        match (before, steps) {
            (
                Step::Insert { table, values, returning },
                [Step::Insert { table: own, values: given, returning: wanted }],
            ) => {
                let counts =
                    |name: &str, value: &Value| value.is_null() || !is_counted(catalog, own, name);
                let is_alike = table == own
                    && Arc::ptr_eq(returning, wanted)
                    && values.len() == given.len()
                    && values.iter().zip(given).all(|((name, was), (other, value))| {
                        name == other && was.is_null() == value.is_null() && counts(name, value)
                    });
                is_alike.then_some(statement)
            }
            _ => None,
        }
    }
}

/// True for a serial column.
fn is_counted(catalog: &Catalog, table: &str, column: &str) -> bool {
    let column = catalog.table(table).and_then(|entry| entry.column(column));
    column.is_some_and(|column| matches!(column.kind, Kind::Serial { .. }))
}

/// What one statement did, or why it failed.
pub(super) type Done = Result<Outcome, Error>;

/// Writes and prepares the statements of one request.
pub(super) async fn prepared<'a>(
    client: &ClientWrapper,
    catalog: &'a Catalog,
    before: &mut Before<'a>,
    steps: &'a [Step],
) -> Result<Vec<Prepared<'a>>, Failure> {
    if let (Some(statement), [step @ Step::Insert { table, values, .. }]) =
        (before.statement(catalog, steps), steps)
    {
        // A serial number that is not given is no parameter.
        let given = values
            .iter()
            .filter(|(name, value)| !value.is_null() || !is_counted(catalog, table, name));
        let parameters = given.map(|(_, value)| Cow::Borrowed(value)).collect();
        let statement = statement.clone();
        return Ok(vec![Prepared { step, statement, parameters, is_own: false, is_alike: true }]);
    }
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let writer = written(catalog, step).map_err(Failure::Told)?;
        let statement = prepare(client, &writer.text).await.map_err(Failure::Reported)?;
        let parameters = writer.parameters;
        all.push(Prepared { step, statement, parameters, is_own: false, is_alike: false });
        for (sql, number) in moved_on(catalog, step) {
            let statement = prepare(client, &sql).await.map_err(Failure::Reported)?;
            let parameters = vec![number];
            all.push(Prepared { step, statement, parameters, is_own: true, is_alike: false });
        }
    }
    before.0 = match all.as_slice() {
        [only] => Some((only.step, only.statement.clone())),
        _ => None,
    };
    Ok(all)
}

/// Why a statement could not be prepared.
pub(super) enum Failure {
    /// In our words.
    Told(StoreError),
    /// By PostgreSQL.
    Reported(Error),
}

fn written<'a>(catalog: &'a Catalog, step: &'a Step) -> Result<SqlWriter<'a>, StoreError> {
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

/// Rows of many requests that are written alike, as one statement.
pub(super) struct Batch<'a> {
    statement: Statement,
    /// A value of each row, column by column.
    columns: Vec<BoundColumn<'a>>,
    returning: &'a [Output],
}

impl<'a> Batch<'a> {
    /// Merges requests of one insert each, all with the same statement.
    pub(super) async fn of(
        client: &ClientWrapper,
        catalog: &Catalog,
        requests: &'a [&'a Prepared<'a>],
    ) -> Result<Option<Self>, Error> {
        let Some(Prepared { step: Step::Insert { table, values, returning }, statement, .. }) =
            requests.first()
        else {
            return Ok(None);
        };
        let given = statement.params();
        // What is not a parameter, a serial number, is in no row of the batch.
        let names: Vec<&Arc<str>> = match values.len() == given.len() {
            true => values.iter().map(|(name, _)| name).collect(),
            false => return Ok(None),
        };
        let sql = batch_sql(catalog, table, &names, given, returning);
        let statement = prepare(client, &sql).await?;
        let columns = (0..given.len())
            .map(|place| {
                let given = requests.iter().filter_map(|it| it.parameters.get(place));
                BoundColumn(given.map(|it| &**it).collect())
            })
            .collect();
        Ok(Some(Self { statement, columns, returning }))
    }

    /// Writes all rows; the outcome of each, in order.
    pub(super) async fn run(&self, client: &ClientWrapper) -> Result<Vec<Outcome>, Error> {
        let done = run_one(client, &self.statement, &self.columns, self.returning).await?;
        let count = self.columns.first().map_or(0, |column| column.0.len());
        Ok((0..count)
            .map(|place| {
                let mut rows = Rows::default();
                if let Some(json) = done.rows.row(place) {
                    rows.json.extend_from_slice(json);
                    rows.ends.push(json.len());
                }
                Outcome { affected: 1, rows }
            })
            .collect())
    }
}

/// `INSERT … SELECT … FROM unnest(…)`.
fn batch_sql(
    catalog: &Catalog,
    table: &str,
    names: &[&Arc<str>],
    types: &[Type],
    returning: &[Output],
) -> String {
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    writer.text.push_str("INSERT INTO ");
    writer.identifier(table);
    writer.text.push_str(" (");
    writer.identifiers(names);
    writer.text.push_str(") SELECT ");
    let is_plain = |own: &Type| is_binary(base(own));
    for (place, own) in types.iter().enumerate() {
        writer.text.push_str(if place > 0 { ", u.c" } else { "u.c" });
        writer.text.push_str(&place.to_string());
        if !is_plain(own) {
            writer.text.push_str("::");
            writer.identifier(own.name());
        }
    }
    writer.text.push_str(" FROM unnest(");
    for (place, own) in types.iter().enumerate() {
        writer.text.push_str(if place > 0 { ", $" } else { "$" });
        writer.text.push_str(&(place + 1).to_string());
        writer.text.push_str("::");
        writer.identifier(if is_plain(own) { base(own).name() } else { "text" });
        writer.text.push_str("[]");
    }
    writer.text.push_str(") AS u(");
    for place in 0..types.len() {
        writer.text.push_str(if place > 0 { ", c" } else { "c" });
        writer.text.push_str(&place.to_string());
    }
    writer.text.push(')');
    writer.returning(table, returning);
    writer.text
}

impl Prepared<'_> {
    /// True where the request is one insert without anything that depends on its place.
    pub(super) fn is_plain_insert(&self) -> bool {
        let is_list =
            |own: &Type| matches!(base(own).kind(), tokio_postgres::types::Kind::Array(_));
        matches!(self.step, Step::Insert { .. })
            && !self.statement.params().is_empty()
            && !self.statement.params().iter().any(is_list)
    }

    /// True where the request has the same statement as the one before it: rows of one statement
    /// may be merged.
    pub(super) fn is_like_before(&self) -> bool {
        self.is_alike
    }
}
