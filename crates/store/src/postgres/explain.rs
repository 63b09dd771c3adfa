//! `EXPLAIN`, and the indexes of the tables that it names.

use deadpool_postgres::ClientWrapper;
use serde_json::Value as Json;
use tokio_postgres::Error;

use super::{Postgres, bind::Bound, fault, pool::prepare, read::gather, show::Cell};
use crate::{
    StoreError,
    catalog::Catalog,
    explain::{Explanation, IndexThere, Reading, Way},
    query::Select,
    sql::{self, Dialect, SqlWriter},
};

/// The indexes of some tables.
const INDEXES: &str = "
    SELECT c.relname::text, x.relname::text, m.amname::text, i.indisunique,
      i.indpred IS NOT NULL,
      ARRAY(SELECT a.attname::text FROM generate_series(0, i.indnkeyatts - 1) AS place
        LEFT JOIN pg_catalog.pg_attribute a
          ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place] AND a.attnum > 0
        ORDER BY place)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND i.indisvalid AND c.relname = ANY($1)
    ORDER BY 1, 2";

impl Postgres {
    pub(crate) async fn explain(&self, select: &Select) -> Result<Explanation, StoreError> {
        let catalog = self.shared.served().catalog;
        let session = self.shared.pool.session().await?;
        let explained = explain(&session, &catalog, select).await;
        if matches!(explained, Err(StoreError::Unavailable(_))) {
            session.give_up();
        }
        explained
    }
}

async fn explain(
    client: &ClientWrapper,
    catalog: &Catalog,
    select: &Select,
) -> Result<Explanation, StoreError> {
    let explained = |error: Error| fault::explain(&error, catalog);
    client.batch_execute("BEGIN READ ONLY").await.map_err(explained)?;
    let result = ways(client, catalog, select).await;
    client.batch_execute("ROLLBACK").await.map_err(explained)?;
    let mut explanation = result?;
    let read = explanation.reads.iter().chain(&explanation.could_read);
    let mut tables: Vec<String> = read.map(|reading| reading.table.clone()).collect();
    tables.sort();
    tables.dedup();
    for row in client.query(INDEXES, &[&tables]).await.map_err(explained)? {
        explanation.indexes.push(IndexThere {
            table: row.get(0),
            name: row.get(1),
            method: row.get(2),
            is_unique: row.get(3),
            is_partial: row.get(4),
            columns: row.get(5),
        });
    }
    Ok(explanation)
}

/// The statement and those nested in it, as they are and for their conditions alone.
async fn ways(
    client: &ClientWrapper,
    catalog: &Catalog,
    select: &Select,
) -> Result<Explanation, StoreError> {
    let explained = |error: Error| fault::explain(&error, catalog);
    let mut explanation = Explanation::default();
    let mut waiting = vec![(select, None::<(String, String)>)];
    while let Some((select, joined)) = waiting.pop() {
        let joined = joined.as_ref();
        explanation.reads.extend(reads(client, catalog, select, joined).await?);
        client.batch_execute("SET LOCAL enable_seqscan = off").await.map_err(explained)?;
        let bare = Select { order: Vec::new(), limit: None, offset: 0, ..select.clone() };
        explanation.could_read.extend(reads(client, catalog, &bare, joined).await?);
        client.batch_execute("SET LOCAL enable_seqscan = on").await.map_err(explained)?;
        if select.nested.is_empty() {
            continue;
        }
        let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
        written(&mut writer, select, joined).map_err(fault::unsupported)?;
        let statement = prepare(client, &writer.text).await.map_err(explained)?;
        let skipped = usize::from(joined.is_some());
        for (place, nested) in select.nested.iter().enumerate() {
            let key = statement.columns().get(skipped + select.outputs.len() + place);
            let Some(key) = key else { continue };
            let joined = (nested.inner_column.to_string(), key.type_().name().to_owned());
            waiting.push((&nested.select, Some(joined)));
        }
    }
    Ok(explanation)
}

fn written<'a>(
    writer: &mut SqlWriter<'a>,
    select: &'a Select,
    joined: Option<&(String, String)>,
) -> Result<(), sql::Unsupported> {
    match joined {
        None => sql::write_select(writer, select, None).map(|_| ()),
        Some((column, kind)) => sql::write_nested(writer, select, column, kind),
    }
}

async fn reads(
    client: &ClientWrapper,
    catalog: &Catalog,
    select: &Select,
    joined: Option<&(String, String)>,
) -> Result<Vec<Reading>, StoreError> {
    let explained = |error: Error| fault::explain(&error, catalog);
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    written(&mut writer, select, joined).map_err(fault::unsupported)?;
    let bound: Vec<Bound<'_>> = writer.parameters.iter().map(|value| Bound(value)).collect();
    let text = format!("EXPLAIN (FORMAT JSON) {}", writer.text);
    // Not kept: the same words mean another plan after a change of settings.
    let statement = client.prepare(&text).await.map_err(explained)?;
    let mut found = Vec::new();
    for row in gather(client, &statement, &bound).await.map_err(explained)? {
        let Cell(bytes) = row.try_get(0).map_err(explained)?;
        let plans: Json = serde_json::from_slice(bytes.unwrap_or_default())
            .map_err(|error| StoreError::Fault(format!("a plan is no JSON: {error}")))?;
        walk(&plans, None, &mut found);
    }
    Ok(found)
}

/// All nodes of a plan that read a table. An index that is searched for a bitmap belongs to the
/// table of the node around it.
fn walk(node: &Json, around: Option<&str>, found: &mut Vec<Reading>) {
    let members = match node {
        Json::Array(nodes) => return nodes.iter().for_each(|node| walk(node, around, found)),
        Json::Object(members) => members,
        _ => return,
    };
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    let table = text("Relation Name").or(around);
    let index = text("Index Name");
    let kind = text("Node Type").unwrap_or_default();
    let by = match index {
        Some(_) if members.contains_key("Index Cond") => Some(Way::Index),
        Some(_) => Some(Way::Walk),
        None if text("Relation Name").is_some() && kind != "Bitmap Heap Scan" => Some(Way::Scan),
        None => None,
    };
    if let (Some(by), Some(table)) = (by, table) {
        let (table, index) = (table.to_owned(), index.map(str::to_owned));
        found.push(Reading { table, by, index });
    }
    for inner in [members.get("Plan"), members.get("Plans")].into_iter().flatten() {
        walk(inner, table, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_node_that_reads_a_table_is_found() {
        let check = |plan: Json, expected: &[(&str, Way, Option<&str>)]| {
            let mut found = Vec::new();
            walk(&plan, None, &mut found);
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.table.as_str(), one.by, one.index.as_deref()))
                .collect();
            assert_eq!(found, expected, "{plan}");
        };
        let scan = json!({"Node Type": "Seq Scan", "Relation Name": "posts"});
        check(
            json!([{"Plan": {"Node Type": "Limit", "Plans": [scan]}}]),
            &[("posts", Way::Scan, None)],
        );
        let index = json!({"Node Type": "Bitmap Index Scan", "Index Name": "i", "Index Cond": "x"});
        check(
            json!([{"Plan": {"Node Type": "Bitmap Heap Scan", "Relation Name": "posts",
                "Plans": [index]}}]),
            &[("posts", Way::Index, Some("i"))],
        );
        check(
            json!([{"Plan": {"Node Type": "Index Scan", "Relation Name": "posts",
                "Index Name": "posts_pkey"}}]),
            &[("posts", Way::Walk, Some("posts_pkey"))],
        );
    }
}
