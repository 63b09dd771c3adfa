//! Rows that may not be together, which SQLite does not know: triggers look for the other row, over
//! an index of the columns that would be equal.

use rusqlite::{Error, functions::Context, functions::FunctionFlags, types::ValueRef};

use super::functions::text_of;
use crate::{
    Kind,
    catalog::Catalog,
    range::{Range as Compared, is_known},
    schema::{Exclusion, Range, Table},
    sql::{Dialect, SqlWriter, Unsupported, write_identifier, write_text_literal},
};

/// The condition under which two rows stand against each other, under the names `left` and `right`.
pub(super) fn conflict(
    table: &Table,
    exclusion: &Exclusion,
    left: &str,
    right: &str,
) -> Result<String, Unsupported> {
    let of = |row: &str, column: &str| {
        let mut name = format!("{row}.");
        write_identifier(column, &mut name);
        name
    };
    let mut parts: Vec<String> = exclusion
        .equal
        .iter()
        .map(|column| format!("{} = {}", of(left, column), of(right, column)))
        .collect();
    for range in &exclusion.overlapping {
        let kind = kind_of(table, range)?;
        parts.push(match range {
            Range::Column(column) => {
                format!("ranges_overlap('{kind}', {}, {})", of(left, column), of(right, column))
            }
            Range::Made { from, to, bounds, .. } => {
                let ends = [of(left, from), of(left, to), of(right, from), of(right, to)];
                format!("ranges_overlap('{kind}', {}, '{bounds}')", ends.join(", "))
            }
        });
    }
    Ok(parts.join(" AND "))
}

fn kind_of(table: &Table, range: &Range) -> Result<String, Unsupported> {
    let kind = match range {
        Range::Made { kind, .. } => kind.clone(),
        Range::Column(column) => match table.column(column).map(|column| &column.kind) {
            Some(Kind::Other { name }) => name.to_ascii_lowercase(),
            _ => String::new(),
        },
    };
    match is_known(&kind) {
        true => Ok(kind),
        false => Err(Unsupported(format!("SQLite cannot compare what `{kind}` holds"))),
    }
}

/// Everything that keeps an exclusion: names and statements.
pub(super) fn definitions(
    table: &Table,
    exclusion: &Exclusion,
    catalog: &Catalog,
) -> Result<Vec<(String, String)>, Unsupported> {
    let name = &exclusion.name;
    let mut definitions = vec![
        (name.clone(), trigger(table, exclusion, catalog, name, "INSERT")?),
        (
            format!("{name} on change"),
            trigger(table, exclusion, catalog, &format!("{name} on change"), "UPDATE")?,
        ),
    ];
    if !exclusion.equal.is_empty() {
        let index = format!("{name} by columns");
        let mut sql = String::from("CREATE INDEX ");
        write_identifier(&index, &mut sql);
        sql.push_str(" ON ");
        write_identifier(&table.name, &mut sql);
        sql.push_str(" (");
        crate::sql::write_names(&exclusion.equal, &mut sql);
        sql.push(')');
        definitions.push((index, sql));
    }
    Ok(definitions)
}

/// It looks after the row is there, as itself and among the others.
fn trigger(
    table: &Table,
    exclusion: &Exclusion,
    catalog: &Catalog,
    name: &str,
    event: &str,
) -> Result<String, Unsupported> {
    let mut writer = SqlWriter::definition(Dialect::Sqlite, catalog, &table.name);
    if let Some(condition) = &exclusion.condition {
        writer.expression(condition)?;
    } else {
        writer.text.push_str("TRUE");
    }
    let covers = writer.text;
    let (mut own, mut sql, mut message) =
        (String::new(), String::from("CREATE TRIGGER "), String::new());
    write_identifier(&table.name, &mut own);
    write_identifier(name, &mut sql);
    write_text_literal(&format!("exclusion failed: {}", exclusion.name), &mut message);
    let itself = conflict(table, exclusion, "NEW", "NEW")?;
    let others = conflict(table, exclusion, "other", "NEW")?;
    // A range that ends before it begins is refused even where no other row is near.
    sql.push_str(&format!(
        " AFTER {event} ON {own} WHEN EXISTS (SELECT 1 FROM {own} AS own \
         WHERE own.rowid = NEW.rowid AND ({covers})) BEGIN \
         SELECT {itself}; \
         SELECT RAISE(ABORT, {message}) FROM {own} AS other \
         WHERE other.rowid <> NEW.rowid AND {others} AND ({covers}); END"
    ));
    Ok(sql)
}

/// `ranges_overlap(type, range, range)` and `ranges_overlap(type, from, to, from, to, bounds)`.
pub(super) fn register(
    connection: &rusqlite::Connection,
    flags: FunctionFlags,
) -> rusqlite::Result<()> {
    connection.create_scalar_function("ranges_overlap", 3, flags, |context| {
        let Some(kind) = text_of(context, 0) else { return Ok(None) };
        let range = |place: usize| match text_of(context, place) {
            Some(text) => Compared::parse(&kind, &text).map(Some).map_err(wrong),
            None => Ok(None),
        };
        Ok(match (range(1)?, range(2)?) {
            (Some(one), Some(other)) => Some(meet(one, other)),
            _ => None,
        })
    })?;
    connection.create_scalar_function("ranges_overlap", 6, flags, |context| {
        let (Some(kind), Some(bounds)) = (text_of(context, 0), text_of(context, 5)) else {
            return Ok(None);
        };
        let range = |place: usize| {
            let (from, to) = (end(context, place), end(context, place + 1));
            Compared::new(&kind, from.as_deref(), to.as_deref(), &bounds).map_err(wrong)
        };
        Ok(Some(meet(range(1)?, range(3)?)))
    })
}

/// The text of an end; none where it is open.
fn end(context: &Context<'_>, place: usize) -> Option<String> {
    match context.get_raw(place) {
        ValueRef::Null => None,
        _ => text_of(context, place),
    }
}

fn meet(one: Option<Compared>, other: Option<Compared>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.is_met_by(&other))
}

fn wrong(words: String) -> Error {
    Error::UserFunctionError(words.into())
}
