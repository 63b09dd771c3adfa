//! Trials of the data chapter: each table's columns, keys, checks and references, with values at
//! and past every bound, through creates and changes alike.

mod cache;
mod check;
mod column;
mod exclusion;
pub(crate) mod index;
mod key;
mod tries;
pub(crate) mod view;

pub(crate) use cache::is_hit;

use document::{
    ClaimKind,
    api::Operation,
    data::{Column, Table},
};
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::{
    About, Answer, Request, Stage, Unmade,
    fixture::Row,
    shape::{self, shown},
};

/// Tries every table, all at the same time.
pub(crate) async fn probe(stage: &Stage<'_>) {
    join_all(stage.system().data.tables.iter().map(|table| tables(stage, table))).await;
    join_all(stage.system().data.tables.iter().map(|table| index::probe(stage, table))).await;
    // Alone: nothing else changes the rows that a view is compared with.
    for view in &stage.system().data.views {
        view::probe(stage, view).await;
    }
    cache::probe(stage).await;
}

async fn tables(stage: &Stage<'_>, table: &Table) {
    let desk = match Desk::of(stage, table).await {
        Ok(desk) => desk,
        Err(unmade) => return unmakeable(stage, table, &unmade),
    };
    whole(&desk).await;
    changes(&desk).await;
    join_all(table.columns.iter().map(|column| column::probe(&desk, column))).await;
    join_all(table.checks.iter().map(|one| check::probe(&desk, one))).await;
    join_all(table.exclusions.iter().map(|one| exclusion::probe(&desk, one))).await;
    join_all(table.unique_keys.iter().map(|one| key::unique(&desk, one))).await;
    join_all(table.foreign_keys.iter().map(|one| key::foreign(&desk, one))).await;
}

/// A table under trial, and a row of it that others may change.
struct Desk<'s> {
    stage: &'s Stage<'s>,
    table: &'s Table,
    /// A row as it was answered.
    row: Row,
}

impl<'s> Desk<'s> {
    async fn of(stage: &'s Stage<'s>, table: &'s Table) -> Result<Self, Unmade> {
        let row = stage.row(table).await?;
        Ok(Self { stage, table, row })
    }

    fn shown(&self, column: &str) -> String {
        shown(self.stage.system(), column)
    }

    /// Changes the desk's own row; none where nothing changes rows.
    async fn change(&self, set: Row) -> Option<Answer> {
        self.change_of(&self.row, set).await
    }

    async fn change_of(&self, row: &Row, set: Row) -> Option<Answer> {
        let (method, path) = self.stage.paths().of_table(self.table, Operation::Update)?;
        let path = self.stage.paths().of_row(&path, row)?;
        Some(self.stage.as_admin(Request::new(method, path).json(set.into())).await)
    }

    /// Reads a row; none where nothing gives single rows.
    async fn read(&self, row: &Row) -> Option<Answer> {
        read(self.stage, self.table, row).await
    }
}

async fn read(stage: &Stage<'_>, table: &Table, row: &Row) -> Option<Answer> {
    let (_, path) = stage.paths().of_table(table, Operation::Get)?;
    let path = stage.paths().of_row(&path, row)?;
    Some(stage.as_admin(Request::get(path)).await)
}

async fn remove(stage: &Stage<'_>, table: &Table, row: &Row) -> Option<Answer> {
    let (method, path) = stage.paths().of_table(table, Operation::Delete)?;
    let path = stage.paths().of_row(&path, row)?;
    Some(stage.as_admin(Request::new(method, path)).await)
}

/// No row could be made: nothing of the table can be tried.
fn unmakeable(stage: &Stage<'_>, table: &Table, unmade: &Unmade) {
    let expected = "a row that fits is taken";
    let about = About::table(&table.name);
    match &unmade.answer {
        Some(answer) => {
            stage.book.judge(&about, expected, answer, false);
        }
        None => stage.book.skip(&about, expected, &unmade.reason),
    }
    let checks =
        table.checks.iter().map(|check| About::span(&[ClaimKind::Check], check.condition.span));
    let exclusions = table.exclusions.iter().map(|one| About::span(&[ClaimKind::Check], one.span));
    let links = table.foreign_keys.iter().map(|key| About::span(&[ClaimKind::Relation], key.span));
    let columns = table.columns.iter().map(|column| About::column(&table.name, &column.name));
    for about in columns.chain(checks).chain(exclusions).chain(links) {
        stage.book.skip(&about, expected, &unmade.reason);
    }
}

/// The table as a whole: a row shows its columns and nothing else, and takes nothing else.
async fn whole(desk: &Desk<'_>) {
    let (stage, table) = (desk.stage, desk.table);
    let about = About::table(&table.name);
    let visible = table.columns.iter().filter(|column| is_shown(stage, table, column));
    let mut wanted: Vec<String> = visible.map(|column| desk.shown(&column.name)).collect();
    wanted.sort();
    if let Some(answer) = desk.read(&desk.row).await {
        let came = shape::row(stage.system(), &answer.json);
        let mut names: Vec<String> = came.into_iter().flat_map(Row::keys).cloned().collect();
        names.sort();
        let expected = format!("a row shows {} and nothing else", wanted.join(", "));
        stage.book.judge(&about, expected, &answer, answer.status == 200 && names == wanted);
        let same = came.is_some_and(|came| *came == desk.row);
        stage.book.judge(&about, "a row is read as it was made", &answer, same);
    }
    let Ok(mut stranger) = stage.candidate(table).await else { return };
    stranger.insert("no_such_column".to_owned(), json!(1));
    if let Ok(answer) = stage.create(table, stranger).await {
        let expected = "a member that is no column is refused with 400";
        stage.book.judge(&about, expected, &answer, answer.is_invalid());
    }
}

/// A change keeps what it does not name; a replacement empties it, or fills in its default.
async fn changes(desk: &Desk<'_>) {
    let (stage, table) = (desk.stage, desk.table);
    let about = About::table(&table.name);
    let Ok(row) = stage.row(table).await else { return };
    if let Some(answer) = desk.change_of(&row, Row::new()).await {
        let is_moved = |name: &str| {
            table.columns.iter().any(|one| one.touched_on_update && desk.shown(&one.name) == name)
        };
        let came = shape::row(stage.system(), &answer.json);
        let keeps = came.is_some_and(|came| {
            row.iter().all(|(name, value)| is_moved(name) || came.get(name) == Some(value))
        });
        let expected = "a change of nothing keeps everything";
        stage.book.judge(&about, expected, &answer, answer.status == 200 && keeps);
    }
    let plain = |column: &&Column| {
        column.nullable
            && column.default.is_none()
            && column.generated.is_none()
            && !column.touched_on_update
            && is_shown(stage, table, column)
            && !crate::fixture::is_link(table, column)
            && !crate::fixture::is_of_range(table, column)
            && row.get(&desk.shown(&column.name)).is_some_and(|value| !value.is_null())
    };
    let Some(column) = table.columns.iter().find(plain).map(|column| desk.shown(&column.name))
    else {
        return;
    };
    let Some((method, path)) = stage.paths().of_table(table, Operation::Replace) else { return };
    let Some(path) = stage.paths().of_row(&path, &row) else { return };
    let Ok(mut whole) = stage.candidate(table).await else { return };
    whole.remove("password");
    whole.remove(&column);
    for key in &table.primary_key {
        let name = desk.shown(key);
        whole.insert(name.clone(), row.get(&name).cloned().unwrap_or(Json::Null));
    }
    if !crate::fixture::passes(stage.system(), table, &whole) {
        return;
    }
    let answer = stage.as_admin(Request::new(method, path).json(whole.into())).await;
    let came = shape::row(stage.system(), &answer.json);
    let is_empty = came.is_some_and(|came| came.get(&column) == Some(&Json::Null));
    let expected = format!("a replacement without `{column}` empties it");
    stage.book.judge(&about, expected, &answer, answer.status == 200 && is_empty);
}

/// True for a column that rows show.
fn is_shown(stage: &Stage<'_>, table: &Table, column: &Column) -> bool {
    use document::security::Identity;
    let is_password = match &stage.system().security.identity {
        Identity::Table { table: users, password, .. } => {
            *users == table.name && password.as_ref() == Some(&column.name)
        }
        Identity::BuiltIn => false,
    };
    !column.write_only && !is_password
}

/// An object of one member.
fn single(name: String, value: Json) -> Row {
    crate::fixture::object([(name, value)])
}
