//! Trials of views: a view shows the rows that its query selects, and no others.

use std::collections::HashMap;

use document::{
    ClaimKind,
    api::Operation,
    data::{Form, Table, View},
    expression::{Expression, Literal, Operator},
};
use serde_json::Value as Json;

use crate::{
    About, Request, Row, Stage, lists,
    select::{Select, World},
    shape::{self, shown},
};

/// Times that the rows are read again because they have changed meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// A view as a table that is only read.
pub(crate) fn as_table(view: &View) -> Table {
    Table {
        name: view.name.clone(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        exclusions: Vec::new(),
        indexes: Vec::new(),
        comment: None,
        form: Form::Sql,
        renamed_from: None,
        span: view.span,
    }
}

/// Tries a view.
pub(super) async fn probe(stage: &Stage<'_>, view: &View) {
    let about = About::span(&[ClaimKind::View], view.span);
    let table = as_table(view);
    let Some((method, path)) = stage.paths().of_table(&table, Operation::List) else {
        return stage.book.skip(&about, "the view's rows are listed", "no endpoint lists them");
    };
    let answer = stage.as_admin(Request::new(method, &path)).await;
    let is_list = shape::rows(stage.system(), &answer.json).is_some();
    let holds = answer.status == 200 && is_list;
    if !stage.book.judge(&about, "the view's rows are listed", &answer, holds) {
        return;
    }
    let expected = "it shows the rows that its query selects";
    let select = match Select::read(&view.select, stage.system()) {
        Ok(select) => select,
        Err(reason) => return stage.book.skip(&about, expected, reason),
    };
    if view.columns.iter().any(|name| !select.knows(name)) && !view.columns.is_empty() {
        // `CREATE VIEW name (columns)` gives its own names.
        return stage.book.skip(&about, expected, "its columns have other names than its query's");
    }
    prepare(stage, &select).await;
    for _ in 0..ATTEMPTS_MAX {
        let Some(before) = world(stage, &select.tables()).await else { break };
        let found = lists::all(stage, &stage.people.admin, &path).await;
        let (Some(found), Some(after)) = (found, world(stage, &select.tables()).await) else {
            break;
        };
        if before != after {
            continue;
        }
        let Some(wanted) = select.rows(stage.system(), &before, &HashMap::new()) else { break };
        return compare(stage, view, &select, (&wanted, &found), &path).await;
    }
    stage.book.skip(&about, expected, "which rows it selects could not be worked out");
}

async fn compare(
    stage: &Stage<'_>,
    view: &View,
    select: &Select,
    (wanted, found): (&[Row], &[Row]),
    path: &str,
) {
    let about = About::span(&[ClaimKind::View], view.span);
    if wanted.is_empty() {
        let reason = "no row could be made that its query selects";
        return stage.book.skip(&about, "it shows the rows that its query selects", reason);
    }
    let found: Vec<Row> = found.iter().map(|row| trimmed(stage, select, row)).collect();
    let (should, does) = (lists::counted(wanted), lists::counted(&found));
    let fewer = |left: &HashMap<String, usize>, right: &HashMap<String, usize>, row: &Row| {
        let key = lists::key_of(row);
        left.get(&key).copied().unwrap_or(0) < right.get(&key).copied().unwrap_or(0)
    };
    let missing = wanted.iter().find(|row| fewer(&does, &should, row));
    let extra = found.iter().find(|row| fewer(&should, &does, row));
    let answer = stage.as_admin(Request::get(path)).await;
    let words = |row: &Row| Json::Object(row.clone()).to_string();
    let expected = match missing.filter(|_| !select.is_cut) {
        Some(row) => format!("it shows {}, which its query selects", words(row)),
        None => "it shows the rows that its query selects".to_owned(),
    };
    let is_whole = missing.is_none() || select.is_cut && !found.is_empty();
    stage.book.judge(&about, expected, &answer, is_whole);
    let expected = match extra {
        Some(row) => format!("it does not show {}, which its query leaves out", words(row)),
        None => "it leaves out what its query does".to_owned(),
    };
    stage.book.judge(&about, expected, &answer, extra.is_none());
}

/// A row with the members that can be compared, under the names of the query.
pub(crate) fn trimmed(stage: &Stage<'_>, select: &Select, row: &Row) -> Row {
    let members = select.names().into_iter().map(|name| {
        let value = row.get(name).or_else(|| row.get(&shown(stage.system(), name)));
        (name.to_owned(), value.cloned().unwrap_or(Json::Null))
    });
    members.collect()
}

/// All rows of some tables, as the admin sees them.
pub(crate) async fn world(stage: &Stage<'_>, tables: &[&str]) -> Option<World> {
    let mut world = World::new();
    for name in tables {
        let table = stage.system().data.table(name)?;
        let (_, path) = stage.paths().of_table(table, Operation::List)?;
        let rows = lists::all(stage, &stage.people.admin, &path).await?;
        world.insert((*name).to_owned(), rows);
    }
    Some(world)
}

/// Rows of its tables, some of them with the values that it asks for, and with others.
pub(crate) async fn prepare(stage: &Stage<'_>, select: &Select) {
    for name in select.tables() {
        let Some(table) = stage.system().data.table(name) else { continue };
        if stage.fixture.is_users(table) {
            continue;
        }
        let _ = stage.row(table).await;
        let mut fixed = Row::new();
        for (of, column, operator, other) in select.compared() {
            let Expression::Literal { literal } = other else { continue };
            let value = match literal {
                Literal::Boolean(truth) => Json::from(*truth),
                Literal::Text(text) => Json::from(text.as_str()),
                _ => continue,
            };
            if of == name && operator == Operator::Equal {
                fixed.insert(shown(stage.system(), column), value);
            }
        }
        let other: Row = fixed
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), Json::from(!value.as_bool()?))))
            .collect();
        for fixed in [fixed, other].into_iter().filter(|fixed| !fixed.is_empty()) {
            if let Ok(row) = stage.candidate_with(table, fixed).await {
                let _ = stage.create(table, row).await;
            }
        }
    }
}
