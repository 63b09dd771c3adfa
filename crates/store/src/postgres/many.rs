//! Rows that many requests add, each one, as one statement. What they show of a new row is what was
//! given where the database keeps that as it is: then nothing travels back.

use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use futures_util::TryStreamExt;
use tokio_postgres::{
    Error, Statement,
    types::{Kind as TypeKind, ToSql, Type},
};

use super::{
    bind::{BoundColumn, base, is_binary},
    names,
    pool::prepare,
    read::{add, gather},
    show::RowPlan,
    write::written,
};
use crate::{
    Kind, Value,
    catalog::Catalog,
    query::{Output, Rows, Step},
    sql::{Dialect, SqlWriter, write_identifier},
};

/// Bytes of a row as JSON, before one was seen.
const ROW_BYTES: usize = 256;
/// The columns of a table whose rows are kept as they are given, and their types; none where a
/// trigger, a rule or a policy may have its say, or where it is no ordinary table.
const LOOK: &str = "
    SELECT a.attname::text, a.atttypid, a.atttypmod
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.oid = to_regclass($1::text) AND c.relkind = 'r'
      AND NOT c.relhasrules AND NOT c.relrowsecurity
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum";
/// Bytes by which the modifier of `varchar` is larger than its length.
const MODIFIER_HEAD: i32 = 4;

/// One statement for the rows of many requests that add one row each to the same columns.
pub(super) struct Many {
    table: Arc<str>,
    columns: Vec<Arc<str>>,
    returning: Arc<[Output]>,
    statement: Statement,
    plan: RowPlan,
    as_given: Option<AsGiven>,
}

/// The same for rows that are kept as they are given.
struct AsGiven {
    /// It asks nothing back.
    statement: Statement,
    /// Which of the values each member shows.
    members: Vec<Member>,
    /// What the table looked like.
    found: Vec<Found>,
}

/// A member of what is shown of a row.
struct Member {
    /// The value's place.
    place: usize,
    /// Characters that its column takes; of longer texts it would cut blanks at the end.
    length_max: Option<usize>,
}

/// A column as the database knows it: its name, type and the type's modifier.
type Found = (String, u32, i32);

/// The columns of a row and their values.
type NewRow<'a> = &'a [(Arc<str>, Value)];

/// Why rows were not written.
pub(super) enum Fault {
    /// PostgreSQL or the connection says so.
    Reported(Error),
    /// The database kept another number of rows than it was given: a trigger or a rule of somebody
    /// else's keeps some away, and nobody can say whose they are.
    KeptAway,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Reported(error)
    }
}

/// The row that a request adds, where it adds one and does nothing else.
pub(super) fn new_row(steps: &[Step]) -> Option<NewRow<'_>> {
    match steps {
        [Step::Insert { values, .. }] => Some(values),
        _ => None,
    }
}

impl Many {
    /// A statement for rows like the one that is added here; none where its values cannot travel as
    /// arrays, or where more than one statement adds it.
    pub(super) async fn of(
        client: &ClientWrapper,
        catalog: &Catalog,
        steps: &[Step],
    ) -> Result<Option<Self>, Error> {
        let [step @ Step::Insert { table, values, returning }] = steps else {
            return Ok(None);
        };
        let is_counted = |name: &str| {
            let column = catalog.table(table).and_then(|entry| entry.column(name));
            column.is_some_and(|column| matches!(column.kind, Kind::Serial { .. }))
        };
        if values.is_empty() || values.iter().any(|(name, _)| is_counted(name)) {
            return Ok(None);
        }
        let Ok(single) = written(catalog, step) else {
            return Ok(None);
        };
        let single = prepare(client, &single.text).await?;
        let given = single.params();
        let is_list = |own: &Type| matches!(base(own).kind(), TypeKind::Array(_));
        if given.len() != values.len() || given.iter().any(is_list) {
            return Ok(None);
        }
        let columns: Vec<Arc<str>> = values.iter().map(|(name, _)| Arc::clone(name)).collect();
        let statement =
            prepare(client, &many_sql(catalog, table, &columns, given, returning)).await?;
        let plan = RowPlan::of(returning, statement.columns(), 0);
        let found = look(client, table).await?;
        let as_given = match members(returning, &columns, &found) {
            Some(members) => {
                let silent = many_sql(catalog, table, &columns, given, &[]);
                Some(AsGiven { statement: prepare(client, &silent).await?, members, found })
            }
            None => None,
        };
        let (table, returning) = (Arc::clone(table), Arc::clone(returning));
        Ok(Some(Self { table, columns, returning, statement, plan, as_given }))
    }

    /// True where this is the statement for the row that is added here.
    pub(super) fn takes(&self, steps: &[Step]) -> bool {
        match steps {
            [Step::Insert { table, values, returning }] => {
                *table == self.table
                    && Arc::ptr_eq(returning, &self.returning)
                    && values.len() == self.columns.len()
                    && values.iter().zip(&self.columns).all(|((name, _), own)| name == own)
            }
            _ => false,
        }
    }

    /// False where the table no longer looks as it did.
    pub(super) async fn holds(&self, client: &ClientWrapper) -> Result<bool, Error> {
        match &self.as_given {
            Some(as_given) => Ok(look(client, &self.table).await? == as_given.found),
            None => Ok(true),
        }
    }

    /// Writes all rows; what was asked back of each, in order.
    pub(super) async fn run(
        &self,
        client: &ClientWrapper,
        rows: &[NewRow<'_>],
    ) -> Result<Vec<Rows>, Fault> {
        let columns: Vec<BoundColumn<'_>> = (0..self.columns.len())
            .map(|place| {
                let values = rows.iter().filter_map(|row| row.get(place));
                BoundColumn(values.map(|(_, value)| value).collect())
            })
            .collect();
        let columns = columns.iter().map(|column| column as &(dyn ToSql + Sync));
        let shown = self.as_given.as_ref().and_then(|as_given| {
            let shown: Option<Vec<Rows>> =
                rows.iter().map(|row| as_given.shown(&self.plan, row)).collect();
            Some((&as_given.statement, shown?))
        });
        if let Some((statement, shown)) = shown {
            let affected = client.execute_raw(statement, columns).await?;
            return if affected == shown.len() as u64 { Ok(shown) } else { Err(Fault::KeptAway) };
        }
        let mut written = Vec::with_capacity(rows.len());
        let mut stream = std::pin::pin!(client.query_raw(&self.statement, columns).await?);
        while let Some(row) = stream.try_next().await? {
            let mut one = empty();
            add(&mut one, |json| self.plan.write(&row, json))?;
            written.push(one);
        }
        if self.returning.is_empty() {
            written.resize_with(rows.len(), Rows::default);
        }
        let is_whole = stream.rows_affected() == Some(rows.len() as u64);
        if is_whole && written.len() == rows.len() { Ok(written) } else { Err(Fault::KeptAway) }
    }
}

impl AsGiven {
    /// What is shown of a row; none where the database might keep another value than the one given.
    fn shown(&self, plan: &RowPlan, row: NewRow<'_>) -> Option<Rows> {
        let mut values = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let (_, value) = row.get(member.place)?;
            if let (Some(length_max), Value::Text(text)) = (member.length_max, value)
                && text.len() > length_max
                && text.chars().count() > length_max
            {
                return None;
            }
            values.push(value);
        }
        let mut shown = empty();
        plan.write_given(&values, &mut shown.json)?;
        shown.json.push(b'}');
        shown.ends.push(shown.json.len());
        Some(shown)
    }
}

/// Room for one row.
fn empty() -> Rows {
    Rows { json: Vec::with_capacity(ROW_BYTES), ends: Vec::with_capacity(1) }
}

/// What a table looks like now.
async fn look(client: &ClientWrapper, table: &str) -> Result<Vec<Found>, Error> {
    let mut quoted = String::new();
    write_identifier(&names::kept(table), &mut quoted);
    let statement = prepare(client, LOOK).await?;
    let rows = gather(client, &statement, &[quoted]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// Which of the given values each member shows; none where one shows another, or where its column
/// might keep another value than the one given.
fn members(returning: &[Output], columns: &[Arc<str>], found: &[Found]) -> Option<Vec<Member>> {
    const EXACT: &[Type] = &[
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::TEXT,
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMP,
        Type::DATE,
    ];
    let member = |output: &Output| {
        let place = columns.iter().position(|name| *name == output.column)?;
        let kept = names::kept(&output.column);
        let (_, own, modifier) = found.iter().find(|(name, ..)| **name == *kept)?;
        let length_max = usize::try_from(modifier - MODIFIER_HEAD).ok();
        let is_exact = *modifier == -1 && EXACT.iter().any(|exact| exact.oid() == *own);
        let is_text = *own == Type::VARCHAR.oid();
        (is_exact || is_text).then_some(Member { place, length_max })
    };
    (!returning.is_empty()).then(|| returning.iter().map(member).collect())?
}

/// `INSERT … SELECT … FROM unnest(…)`.
fn many_sql(
    catalog: &Catalog,
    table: &str,
    names: &[Arc<str>],
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
