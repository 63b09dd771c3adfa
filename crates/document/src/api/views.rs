//! Views as endpoints see them: tables that are only read.

use crate::data::{Column, ColumnType, Data, ForeignKey, Form, Table, View};

/// Every view as a table with the columns, key and foreign keys that it shows of the tables below
/// it.
pub(super) fn as_tables(data: &Data) -> Vec<Table> {
    data.views.iter().map(|view| as_table(data, view)).collect()
}

fn as_table(data: &Data, view: &View) -> Table {
    let below: Vec<&Table> = view.tables.iter().filter_map(|name| data.table(name)).collect();
    let columns: Vec<Column> = match (view.columns.as_slice(), below.as_slice()) {
        ([], [only]) => only.columns.clone(),
        (names, _) => names.iter().map(|name| column(view, &below, name)).collect(),
    };
    let shows = |name: &str| columns.iter().any(|column| column.name == name);
    let foreign_keys: Vec<ForeignKey> = below
        .iter()
        .flat_map(|table| &table.foreign_keys)
        .filter(|key| matches!(key.columns.as_slice(), [only] if shows(only)))
        .cloned()
        .collect();
    Table {
        name: view.name.clone(),
        primary_key: grouped(view).or_else(|| key(&below, shows)).into_iter().collect(),
        columns,
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys,
        indexes: Vec::new(),
        comment: None,
        form: Form::Sql,
        renamed_from: None,
        span: view.span,
    }
}

/// The one column by which a view's rows are grouped: each value has one row.
fn grouped(view: &View) -> Option<String> {
    let select = view.select.to_ascii_lowercase();
    let at = select.rfind("group by")?;
    let rest = select.get(at + "group by".len()..)?;
    let end = ["having", "order by", "limit", ")"].iter().filter_map(|word| rest.find(word)).min();
    let by = rest.get(..end.unwrap_or(rest.len()))?.trim().trim_end_matches(';').trim_end();
    let name = by.rsplit('.').next()?.trim_matches('"');
    match name.parse::<usize>() {
        Ok(place) => view.columns.get(place.checked_sub(1)?).cloned(),
        Err(_) => view.columns.iter().find(|column| *column == name).cloned(),
    }
}

/// The column that names a row: the key of a table below, or a column called after that table.
fn key(below: &[&Table], shows: impl Fn(&str) -> bool) -> Option<String> {
    if shows("id") {
        return Some("id".to_owned());
    }
    let first = below.first()?;
    let own = first.key().map(|key| key.name.clone());
    let named = format!("{}_id", super::names::normal(&first.name));
    own.into_iter().chain([named]).find(|name| shows(name))
}

fn column(view: &View, below: &[&Table], name: &str) -> Column {
    match below.iter().find_map(|table| table.column(name)) {
        Some(column) => column.clone(),
        None => Column {
            name: name.to_owned(),
            kind: ColumnType::Other { name: String::new() },
            nullable: true,
            default: None,
            generated: None,
            touched_on_update: false,
            write_only: false,
            comment: None,
            renamed_from: None,
            span: view.span,
            type_span: view.span,
        },
    }
}
