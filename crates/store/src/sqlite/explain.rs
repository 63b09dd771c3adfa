//! `EXPLAIN QUERY PLAN`, and the indexes of the tables that it names.

use rusqlite::Connection;

use super::{Sqlite, bind::bind_all, fault};
use crate::{
    StoreError,
    catalog::Catalog,
    explain::{Explanation, IndexThere, Reading, Way},
    query::Select,
    sql::{self, Dialect, SqlWriter},
};

impl Sqlite {
    pub(crate) async fn explain(&self, select: &Select) -> Result<Explanation, StoreError> {
        let select = select.clone();
        self.read(move |connection, catalog| explain(connection, catalog, &select)).await
    }
}

fn explain(
    connection: &Connection,
    catalog: &Catalog,
    select: &Select,
) -> Result<Explanation, StoreError> {
    let mut explanation = Explanation::default();
    let mut waiting = vec![(select, None)];
    while let Some((select, joined_by)) = waiting.pop() {
        explanation.reads.extend(reads(connection, catalog, select, joined_by)?);
        let bare = Select { order: Vec::new(), limit: None, offset: 0, ..select.clone() };
        explanation.could_read.extend(reads(connection, catalog, &bare, joined_by)?);
        let nested = select.nested.iter();
        waiting.extend(nested.map(|one| (&one.select, Some(one.inner_column.as_ref()))));
    }
    let read = explanation.reads.iter().chain(&explanation.could_read);
    let mut tables: Vec<String> = read.map(|reading| reading.table.clone()).collect();
    tables.sort();
    tables.dedup();
    for table in tables {
        let found = indexes(connection, &table).map_err(|error| fault::explain(error, catalog))?;
        explanation.indexes.extend(found);
    }
    Ok(explanation)
}

fn reads(
    connection: &Connection,
    catalog: &Catalog,
    select: &Select,
    joined_by: Option<&str>,
) -> Result<Vec<Reading>, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
    sql::write_select(&mut writer, select, joined_by).map_err(fault::unsupported)?;
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", writer.text))?;
        bind_all(&mut statement, &writer.parameters)?;
        let mut rows = statement.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            lines.push(row.get("detail")?);
        }
        Ok(lines)
    };
    let lines = read().map_err(|error| fault::explain(error, catalog))?;
    // The statement's own table has the first alias; the database knows whose an index is.
    let own = |name: &str| if name == "t0" { select.table.to_string() } else { name.to_owned() };
    let mut reads: Vec<Reading> = lines.iter().filter_map(|line| reading(line)).collect();
    for reading in &mut reads {
        let of_index = reading.index.as_ref().and_then(|index| {
            let sql = "SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND name = ?1";
            connection.query_row(sql, [index], |row| row.get(0)).ok()
        });
        reading.table = of_index.unwrap_or_else(|| own(&reading.table));
    }
    Ok(reads)
}

/// A line such as `SEARCH t0 USING INDEX posts_by_author (author_id=?)`.
fn reading(line: &str) -> Option<Reading> {
    let (verb, rest) = line.split_once(' ')?;
    if !matches!(verb, "SEARCH" | "SCAN") {
        return None;
    }
    let (table, how) = match rest.split_once(" USING ") {
        Some((table, how)) => (table, Some(how)),
        None => (rest, None),
    };
    let how = how.filter(|how| !how.starts_with("AUTOMATIC"));
    let index = how
        .and_then(|how| how.split_once("INDEX "))
        .map(|(_, rest)| rest.split(" (").next().unwrap_or(rest).to_owned());
    let by = match (verb, how) {
        (_, None) => Way::Scan,
        ("SEARCH", Some(_)) => Way::Index,
        _ => Way::Walk,
    };
    let table = table.split(' ').next().unwrap_or(table).to_owned();
    Some(Reading { table, by, index })
}

fn indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<IndexThere>> {
    let mut listed = connection
        .prepare("SELECT name, \"unique\", partial FROM pragma_index_list(?1) ORDER BY name")?;
    let mut parts = connection
        .prepare("SELECT name FROM pragma_index_xinfo(?1) WHERE \"key\" = 1 ORDER BY seqno")?;
    let mut rows = listed.query([table])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let columns = parts.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        found.push(IndexThere {
            table: table.to_owned(),
            columns,
            method: "btree".to_owned(),
            is_unique: row.get(1)?,
            is_partial: row.get(2)?,
            name,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_plan_says_which_index_is_searched() {
        let check = |line: &str, expected: Option<(&str, Way, Option<&str>)>| {
            let found = reading(line);
            let found =
                found.as_ref().map(|one| (one.table.as_str(), one.by, one.index.as_deref()));
            assert_eq!(found, expected, "{line}");
        };
        check("SCAN t0", Some(("t0", Way::Scan, None)));
        check("SCAN t0 USING INDEX by name", Some(("t0", Way::Walk, Some("by name"))));
        check(
            "SEARCH t0 USING COVERING INDEX by_owner (owner_id=? AND at>?)",
            Some(("t0", Way::Index, Some("by_owner"))),
        );
        check("SEARCH t0 USING INTEGER PRIMARY KEY (rowid=?)", Some(("t0", Way::Index, None)));
        check(
            "SEARCH t0 USING AUTOMATIC COVERING INDEX (owner_id=?)",
            Some(("t0", Way::Scan, None)),
        );
        check("USE TEMP B-TREE FOR ORDER BY", None);
    }
}
