//! Short reads that meet on a connection. One that meets nobody goes its own way; those that come
//! while it is under way wait for one another, and those that differ in nothing but their values
//! are one statement. So PostgreSQL begins, ends and answers once for many of them.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use deadpool_postgres::ClientWrapper;
use futures_util::{TryStreamExt, future::join_all};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{
    Error, Statement,
    types::{Kind as TypeKind, Type},
};

use super::{
    Served,
    bind::{Bound, BoundColumn, base, is_binary},
    fault,
    pool::prepare,
    read::{self, add},
    show::{RowPlan, is_readable},
};
use crate::{
    StoreError, Value,
    catalog::Catalog,
    query::{Output, Rows, Select},
    sql::{self, Dialect, SqlWriter, WRITTEN_LIMIT_MAX, write_identifier},
};

/// Reads that are sent together at most.
const TOGETHER_MAX: usize = 64;
/// Reads that wait for a connection; whoever comes then waits until one of them goes.
const WAITING_MAX: usize = 1024;

/// The short reads of one connection.
pub(super) struct Reads {
    under_way: AtomicUsize,
    waiting: mpsc::Sender<Ask>,
}

/// One read on its way.
struct Ask {
    text: String,
    parameters: Vec<Value>,
    outputs: Arc<[Output]>,
    catalog: Arc<Catalog>,
    reply: oneshot::Sender<Result<Rows, StoreError>>,
}

/// Counts a read for as long as it is under way, also where nobody waits for it any more.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// True where a plan that PostgreSQL makes once, without looking at values, is good for all: the
/// length of the page is written out, and nothing is skipped.
pub(super) fn is_planned_once(select: &Select) -> bool {
    select.limit.is_some_and(|limit| limit <= WRITTEN_LIMIT_MAX) && select.offset == 0
}

impl Reads {
    /// Serves the reads of a connection until this is dropped.
    pub(super) fn start(client: Arc<ClientWrapper>) -> Self {
        let (waiting, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(serve(client, asked));
        Self { under_way: AtomicUsize::new(0), waiting }
    }

    /// Reads rows as JSON.
    pub(super) async fn select(
        &self,
        client: &ClientWrapper,
        served: &Served,
        select: &Select,
    ) -> Result<Rows, StoreError> {
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        let _under_way = UnderWay(&self.under_way);
        if before == 0 || !select.nested.is_empty() || !is_planned_once(select) {
            // Boxed, so that those who wait for others carry no room for it.
            return Box::pin(read::select(client, &served.catalog, select)).await;
        }
        let mut writer = SqlWriter::new(Dialect::Postgres, &served.catalog);
        sql::write_select(&mut writer, select, None).map_err(fault::unsupported)?;
        let SqlWriter { text, parameters, .. } = writer;
        let parameters = parameters.into_iter().map(std::borrow::Cow::into_owned).collect();
        let (reply, answer) = oneshot::channel();
        let (outputs, catalog) = (select.outputs.clone(), served.catalog.clone());
        let ask = Ask { text, parameters, outputs, catalog, reply };
        self.waiting.send(ask).await.map_err(|_| super::gone())?;
        answer.await.map_err(|_| super::gone())?
    }
}

/// Sends what waits, and then what came meanwhile.
async fn serve(client: Arc<ClientWrapper>, mut asked: mpsc::Receiver<Ask>) {
    let mut asks = Vec::with_capacity(TOGETHER_MAX);
    while asked.recv_many(&mut asks, TOGETHER_MAX).await > 0 {
        let groups = grouped(asks.drain(..));
        join_all(groups.into_iter().map(|group| answer(&client, group))).await;
    }
}

/// Reads that differ in nothing but their values, in groups.
fn grouped(asks: impl Iterator<Item = Ask>) -> Vec<Vec<Ask>> {
    let mut groups: Vec<Vec<Ask>> = Vec::new();
    for ask in asks {
        let is_alike = |group: &&mut Vec<Ask>| {
            group.first().is_some_and(|first| {
                first.text == ask.text
                    && Arc::ptr_eq(&first.outputs, &ask.outputs)
                    && Arc::ptr_eq(&first.catalog, &ask.catalog)
            })
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(ask),
            None => groups.push(vec![ask]),
        }
    }
    groups
}

/// Answers a group by one statement; where that fails each by its own, so that the error stays
/// with its read.
async fn answer(client: &ClientWrapper, group: Vec<Ask>) {
    match together(client, &group).await {
        Ok(Some(all)) => {
            for (ask, rows) in group.into_iter().zip(all) {
                // Whoever asked may have gone away; then nobody wants the rows.
                let _ = ask.reply.send(Ok(rows));
            }
            return;
        }
        Ok(None) => {}
        Err(error) => {
            let explained = |ask: &Ask| fault::explain(&error, &ask.catalog);
            match group.first().map(explained) {
                // Another process may have changed the tables under what was prepared.
                Some(StoreError::Fault(_)) => client.statement_cache.clear(),
                // Each has waited for as long as it may.
                Some(StoreError::Deadline { .. } | StoreError::Busy) => {
                    for ask in group {
                        let told = explained(&ask);
                        let _ = ask.reply.send(Err(told));
                    }
                    return;
                }
                _ => {}
            }
        }
    }
    join_all(group.into_iter().map(|ask| async move {
        let rows = ask.alone(client).await;
        let _ = ask.reply.send(rows);
    }))
    .await;
}

impl Ask {
    async fn alone(&self, client: &ClientWrapper) -> Result<Rows, StoreError> {
        let parameters: Vec<Bound<'_>> = self.parameters.iter().map(Bound).collect();
        read::rows(client, &self.catalog, &self.text, &parameters, &self.outputs).await
    }
}

/// The rows of each read of a group, by one statement; none where there can be no such statement.
async fn together(client: &ClientWrapper, group: &[Ask]) -> Result<Option<Vec<Rows>>, Error> {
    let [first, _, ..] = group else {
        return Ok(None);
    };
    if first.parameters.is_empty() {
        // All ask the same, and did so before this is read.
        return Ok(first.alone(client).await.ok().map(|rows| vec![rows; group.len()]));
    }
    let statement = prepare(client, &first.text).await?;
    if !is_mergeable(&statement) || statement.params().len() != first.parameters.len() {
        return Ok(None);
    }
    let statement = prepare(client, &merged(&first.text, statement.params())).await?;
    let columns: Vec<BoundColumn<'_>> = (0..first.parameters.len())
        .map(|place| {
            BoundColumn(group.iter().filter_map(|ask| ask.parameters.get(place)).collect())
        })
        .collect();
    let plan = RowPlan::of(&first.outputs, statement.columns(), 1);
    let mut all = vec![Rows::default(); group.len()];
    let mut stream = std::pin::pin!(client.query_raw(&statement, &columns).await?);
    while let Some(row) = stream.try_next().await? {
        let asker: i64 = row.try_get(0)?;
        let rows = usize::try_from(asker - 1).ok().and_then(|asker| all.get_mut(asker));
        if let Some(rows) = rows {
            add(rows, |json| plan.write(&row, json))?;
        }
    }
    Ok(Some(all))
}

/// True where the values can travel as arrays and the cells can be read.
fn is_mergeable(statement: &Statement) -> bool {
    let is_plain =
        |own: &Type| is_binary(base(own)) && !matches!(base(own).kind(), TypeKind::Array(_));
    statement.params().iter().all(is_plain)
        && statement.columns().iter().all(|column| is_readable(column.type_()))
}

/// The statement for many: for each of the values that come as arrays, whose they are and the rows.
fn merged(text: &str, types: &[Type]) -> String {
    let mut sql = String::with_capacity(text.len() + 128);
    sql.push_str("SELECT k.place, q.* FROM unnest(");
    for (place, own) in types.iter().enumerate() {
        sql.push_str(if place > 0 { ", $" } else { "$" });
        let _ = write!(sql, "{}::", place + 1);
        write_identifier(base(own).name(), &mut sql);
        sql.push_str("[]");
    }
    sql.push_str(") WITH ORDINALITY AS k(");
    for place in 1..=types.len() {
        let _ = write!(sql, "c{place}, ");
    }
    sql.push_str("place) CROSS JOIN LATERAL (");
    write_with_columns(text, &mut sql);
    sql.push_str(") AS q");
    sql
}

/// The text with the column `k.c1` in place of the parameter `$1`. What stands in quotes, a name
/// or a text, stays as it is.
fn write_with_columns(text: &str, sql: &mut String) {
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (None, '$') => sql.push_str("k.c"),
            (None, '"' | '\'') => {
                quote = Some(letter);
                sql.push(letter);
            }
            (open, _) => {
                if open == Some(letter) {
                    quote = None;
                }
                sql.push(letter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_columns_and_names_and_texts_stay() {
        let text = r#"SELECT t0."a$1", t0."b""$2" FROM t AS t0 WHERE t0.c = $1::uuid AND t0.d = '$2 ''$3' AND e = $12"#;
        let mut sql = String::new();
        write_with_columns(text, &mut sql);
        assert_eq!(
            sql,
            r#"SELECT t0."a$1", t0."b""$2" FROM t AS t0 WHERE t0.c = k.c1::uuid AND t0.d = '$2 ''$3' AND e = k.c12"#
        );
    }

    #[test]
    fn a_statement_for_many_says_whose_rows_it_gives() {
        let sql =
            merged("SELECT 1 WHERE $1::uuid IS NULL AND $2::text = ''", &[Type::UUID, Type::TEXT]);
        assert_eq!(
            sql,
            "SELECT k.place, q.* FROM unnest($1::\"uuid\"[], $2::\"text\"[]) WITH ORDINALITY AS \
             k(c1, c2, place) CROSS JOIN LATERAL (SELECT 1 WHERE k.c1::uuid IS NULL AND \
             k.c2::text = '') AS q"
        );
    }
}
