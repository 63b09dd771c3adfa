//! Trials of keys: what must be unique is, what refers to another row does, and what happens to a
//! row when the row it refers to goes.

use document::{
    ClaimKind,
    data::{ForeignKey, ReferentialAction, Table, UniqueKey},
};
use serde_json::Value as Json;

use super::{Desk, is_shown, read, remove, tries};
use crate::{
    About, Answer, Stage, evaluate,
    fixture::{Row, in_row, linked, passes},
    shape,
};

/// Tries that a key is unique, in new rows and as a change.
pub(super) async fn unique(desk: &Desk<'_>, key: &UniqueKey) {
    let (stage, table) = (desk.stage, desk.table);
    let mut abouts = vec![About::span(&[ClaimKind::Key], key.span)];
    abouts.push(match key.columns.as_slice() {
        [only] => About::column(&table.name, only),
        _ => About::table(&table.name),
    });
    let names = key.columns.join(", ");
    let expected = format!("a second row with the same {names} is refused with 409");
    let judge = |answer: &Answer, expected: &str| {
        for about in &abouts {
            stage.book.status(about, expected, answer, &[409]);
        }
    };
    let is_visible = key
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .all(|column| is_shown(stage, table, column));
    let (Ok(first), Ok(mut second)) = (stage.row(table).await, stage.candidate(table).await) else {
        return;
    };
    let is_full = key
        .columns
        .iter()
        .all(|column| first.get(&desk.shown(column)).is_some_and(|value| !value.is_null()));
    if !is_visible || !is_full {
        return;
    }
    let copy: Row = key
        .columns
        .iter()
        .filter_map(|column| {
            let name = desk.shown(column);
            Some((name.clone(), first.get(&name)?.clone()))
        })
        .collect();
    second.extend(copy.clone());
    if !passes(stage.system(), table, &second) {
        return;
    }
    if !applies(desk, key, &first, &second) {
        if is_outside(desk, key, &second)
            && let Ok(answer) = stage.create(table, second).await
        {
            let expected = format!("rows that the condition leaves out may share {names}");
            for about in &abouts {
                stage.book.judge(about, expected.clone(), &answer, answer.is_success());
            }
        }
        return;
    }
    if let Ok(answer) = stage.create(table, second).await {
        judge(&answer, &expected);
    }
    let is_key = key.columns.iter().any(|column| table.primary_key.contains(column));
    if is_key {
        return;
    }
    let Ok(other) = stage.row(table).await else { return };
    let mut changed = other.clone();
    changed.extend(copy.clone());
    if passes(stage.system(), table, &changed)
        && applies(desk, key, &first, &changed)
        && let Some(answer) = desk.change_of(&other, copy).await
    {
        judge(&answer, &format!("{expected}, as a change"));
    }
}

/// True where a partial key holds for both rows.
fn applies(desk: &Desk<'_>, key: &UniqueKey, first: &Row, second: &Row) -> bool {
    let Some(condition) = &key.condition else { return true };
    let Some(expression) = &condition.expression else { return false };
    [first, second].into_iter().all(|row| {
        let read = |name: &str| in_row(desk.stage.system(), desk.table, row, name);
        evaluate::value(expression, &read) == Some(evaluate::Value::Boolean(true))
    })
}

/// True where a partial key leaves a row out, and no other key of the same columns takes it in.
fn is_outside(desk: &Desk<'_>, key: &UniqueKey, row: &Row) -> bool {
    let expression = key.condition.as_ref().and_then(|one| one.expression.as_ref());
    let read = |name: &str| in_row(desk.stage.system(), desk.table, row, name);
    let holds = expression.and_then(|expression| evaluate::value(expression, &read));
    let is_part = |other: &&UniqueKey| other.columns.iter().all(|one| key.columns.contains(one));
    holds == Some(evaluate::Value::Boolean(false))
        && desk.table.unique_keys.iter().filter(is_part).count() == 1
}

/// Tries a reference: to nothing it is refused, and it follows the row that it refers to.
pub(super) async fn foreign(desk: &Desk<'_>, key: &ForeignKey) {
    let trial = Foreign { desk, key, abouts: abouts(desk.table, key) };
    if !key.resolved {
        trial.skip("it refers to something", "the document does not declare that table");
        return;
    }
    trial.nowhere().await;
    let Some(parent) = desk.stage.system().data.table(&key.table) else {
        return trial.skip("it goes with its parent", "users are not made by the admin here");
    };
    trial.parent_goes(parent).await;
}

/// A reference to nothing is a conflict with what is there, or a value that does not fit.
fn is_refused(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 409)
}

/// The reference, and what other forms say of the two tables.
fn abouts(table: &Table, key: &ForeignKey) -> Vec<About> {
    let kinds = &[ClaimKind::Relation];
    let mut abouts = vec![About::span(kinds, key.span)];
    let mut pairs = vec![(&table.name, &key.table)];
    // A table that refers to two others joins them.
    for other in table
        .foreign_keys
        .iter()
        .filter(|other| other.span != key.span || other.columns != key.columns)
    {
        pairs.push((&key.table, &other.table));
    }
    for (left, right) in pairs {
        let (left, right) = if left <= right { (left, right) } else { (right, left) };
        abouts.push(About::subject(kinds, format!("relation:{left}+{right}")));
    }
    abouts
}

struct Foreign<'s> {
    desk: &'s Desk<'s>,
    key: &'s ForeignKey,
    abouts: Vec<About>,
}

impl Foreign<'_> {
    fn judge(&self, expected: &str, answer: &Answer, holds: bool) {
        for about in &self.abouts {
            self.stage().book.judge(about, expected, answer, holds);
        }
    }

    fn skip(&self, expected: &str, reason: &str) {
        for about in &self.abouts {
            self.stage().book.skip(about, expected, reason);
        }
    }

    fn stage(&self) -> &Stage<'_> {
        self.desk.stage
    }

    async fn nowhere(&self) {
        let (stage, table) = (self.stage(), self.desk.table);
        let mut set = Row::new();
        for name in &self.key.columns {
            let Some(column) = table.column(name) else { return };
            let Some(value) = tries::nowhere(&column.kind) else { return };
            set.insert(self.desk.shown(name), value);
        }
        let expected = "a reference to nothing is refused with 409 or 400";
        let Ok(mut row) = stage.candidate(table).await else { return };
        row.extend(set.clone());
        if passes(stage.system(), table, &row)
            && let Ok(answer) = stage.create(table, row).await
        {
            self.judge(expected, &answer, is_refused(&answer));
        }
        let is_key = self.key.columns.iter().any(|column| table.primary_key.contains(column));
        if !is_key && let Some(answer) = self.desk.change(set).await {
            self.judge(&format!("{expected}, as a change"), &answer, is_refused(&answer));
        }
    }

    async fn parent_goes(&self, parent: &Table) {
        let (stage, table) = (self.stage(), self.desk.table);
        let expected = "a row refers to another";
        let made = match stage.row(parent).await {
            Ok(made) => made,
            Err(unmade) => return self.skip(expected, &unmade.reason),
        };
        let Some(links) = linked(stage.system(), self.key, &made) else { return };
        let links: Row =
            links.into_iter().map(|(column, value)| (self.desk.shown(column), value)).collect();
        let Ok(mut child) = stage.candidate(table).await else { return };
        child.extend(links.clone());
        if !passes(stage.system(), table, &child) {
            return self.skip(expected, "a check forbids every row that was thought of");
        }
        let Ok(answer) = stage.create(table, child).await else { return };
        let Some(child) = shape::row(stage.system(), &answer.json).filter(|_| answer.is_success())
        else {
            return self.judge(expected, &answer, false);
        };
        let keeps = links.iter().all(|(name, value)| child.get(name) == Some(value));
        self.judge(expected, &answer, keeps);
        let child = child.clone();
        match remove(stage, parent, &made).await {
            Some(gone) => self.judge_removal(parent, &made, &child, &gone).await,
            None => self.skip("its parent goes", "no endpoint removes the parent"),
        }
    }

    async fn judge_removal(&self, parent: &Table, made: &Row, child: &Row, gone: &Answer) {
        let (stage, table) = (self.stage(), self.desk.table);
        let left = read(stage, table, child).await;
        match self.key.on_delete {
            ReferentialAction::NoAction | ReferentialAction::Restrict => {
                let expected = "the other row cannot go as long as this one refers to it: 409";
                self.judge(expected, gone, gone.status == 409);
                if let Some(left) = left {
                    self.judge("and this one stays", &left, left.status == 200);
                }
                if let Some(still) = read(stage, parent, made).await {
                    self.judge("and the other stays", &still, still.status == 200);
                }
            }
            ReferentialAction::Cascade => {
                self.judge("the other row may go", gone, gone.is_success());
                if let Some(left) = left {
                    self.judge("and this one goes with it", &left, left.status == 404);
                }
            }
            ReferentialAction::SetNull => {
                self.judge("the other row may go", gone, gone.is_success());
                let Some(left) = left else { return };
                let row = shape::row(stage.system(), &left.json);
                let is_null = row.is_some_and(|row| {
                    let mut columns = self.key.columns.iter();
                    columns.all(|column| row.get(&self.desk.shown(column)) == Some(&Json::Null))
                });
                let expected = "and this one refers to nothing then";
                self.judge(expected, &left, left.status == 200 && is_null);
            }
            ReferentialAction::SetDefault => {
                self.skip("it takes its default", "a default that refers to a row is not made up");
            }
        }
    }
}
