//! Trials of a check: values that it lets through, and values just outside, found with the
//! evaluator and refused by the system.

use document::{
    ClaimKind,
    data::{Check, Column, ColumnType},
};
use serde_json::Value as Json;

use super::Desk;
use crate::{
    About, Answer, evaluate,
    fixture::{Row, in_row, is_link, is_number, passes, pool},
};

/// Values of a column tried with a check at most.
const VALUES_MAX: usize = 10;
/// Combinations looked at for one that a check forbids.
const TRIES_MAX: u64 = 3000;

/// Tries a check.
pub(super) async fn probe(desk: &Desk<'_>, check: &Check) {
    let about = About::span(&[ClaimKind::Check], check.condition.span);
    let book = &desk.stage.book;
    let Some(expression) = &check.condition.expression else {
        return book.skip(&about, "it holds", "the condition is not understood");
    };
    let mut names = expression.columns();
    names.sort_unstable();
    names.dedup();
    let columns: Vec<&Column> = names
        .iter()
        .filter_map(|name| desk.table.column(name))
        .filter(|column| column.generated.is_none())
        .collect();
    let holds = |row: &Row| {
        let read = |name: &str| in_row(desk.stage.system(), desk.table, row, name);
        evaluate::holds(expression, &read)
    };
    let mut was_refused = false;
    if let [column] = columns.as_slice() {
        was_refused = neighbours(desk, &about, column, &holds).await;
    }
    if !was_refused {
        was_refused = forbidden(desk, &about, &columns, &holds).await;
    }
    if !was_refused {
        book.skip(&about, "a row that breaks it is refused", "no such row was found");
    }
    let Ok(row) = desk.stage.candidate(desk.table).await else { return };
    if let Ok(answer) = desk.stage.create(desk.table, row).await {
        // A key that is in use says nothing about the check.
        if answer.status != 409 {
            book.status(&about, "a row that keeps it is taken", &answer, &[200, 201]);
        }
    }
}

/// The values that the check itself names and those next to them. Gives back whether one of them
/// had to be refused.
async fn neighbours(
    desk: &Desk<'_>,
    about: &About,
    column: &Column,
    holds: &dyn Fn(&Row) -> Option<bool>,
) -> bool {
    let system = desk.stage.system();
    let name = desk.shown(&column.name);
    let mut values = pool(system, desk.table, column, desk.stage.fixture.number());
    values.extend(wrong(column));
    let mut seen: Vec<Json> = Vec::new();
    let mut was_refused = false;
    for value in values {
        if seen.contains(&value) || !fits(column, &value) || (value.is_null() && !column.nullable) {
            continue;
        }
        seen.push(value.clone());
        let Ok(mut row) = desk.stage.candidate(desk.table).await else { break };
        row.insert(name.clone(), value.clone());
        let Some(is_kept) = holds(&row) else { continue };
        if is_kept && !passes(system, desk.table, &row) {
            continue;
        }
        let Ok(answer) = desk.stage.create(desk.table, row).await else { break };
        if is_kept {
            // A value that is in use already says nothing about the check.
            if answer.status != 409 && !is_link(desk.table, column) {
                let expected = format!("{value} is taken");
                desk.stage.book.judge(about, expected, &answer, answer.is_success());
            }
        } else {
            was_refused = true;
            refused(desk, about, &answer, &format!("{value} is refused with 400"));
            let set = super::single(name.clone(), value.clone());
            if let Some(answer) = desk.change(set).await {
                let expected = format!("{value} is refused with 400, as a change");
                refused(desk, about, &answer, &expected);
            }
        }
        if seen.len() >= VALUES_MAX && was_refused {
            break;
        }
    }
    was_refused
}

/// A combination of values that the check forbids and all others allow.
async fn forbidden(
    desk: &Desk<'_>,
    about: &About,
    columns: &[&Column],
    holds: &dyn Fn(&Row) -> Option<bool>,
) -> bool {
    let system = desk.stage.system();
    let Ok(start) = desk.stage.candidate(desk.table).await else { return false };
    let number = desk.stage.fixture.number();
    let pools: Vec<(String, Vec<Json>)> = columns
        .iter()
        .map(|column| {
            let values = match is_link(desk.table, column) {
                // References are made to agree with one another.
                true => columns
                    .iter()
                    .filter_map(|other| start.get(&desk.shown(&other.name)).cloned())
                    .collect(),
                false => {
                    let mut values = pool(system, desk.table, column, number);
                    values.extend(wrong(column));
                    values.retain(|value| fits(column, value));
                    values
                }
            };
            (desk.shown(&column.name), values)
        })
        .collect();
    let mut random = number | 1;
    for _ in 0..TRIES_MAX {
        let mut row = start.clone();
        let mut set = Row::new();
        for (name, values) in &pools {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            let count = u64::try_from(values.len()).unwrap_or(1).max(1);
            let place = usize::try_from((random >> 33) % count).unwrap_or(0);
            if let Some(value) = values.get(place) {
                row.insert(name.clone(), value.clone());
                set.insert(name.clone(), value.clone());
            }
        }
        if holds(&row) != Some(false) {
            continue;
        }
        let shown = Json::Object(set.clone());
        let Ok(answer) = desk.stage.create(desk.table, row).await else { return false };
        refused(desk, about, &answer, &format!("{shown} is refused with 400"));
        if let Some(answer) = desk.change(set).await {
            refused(desk, about, &answer, &format!("{shown} is refused with 400, as a change"));
        }
        return true;
    }
    false
}

fn refused(desk: &Desk<'_>, about: &About, answer: &Answer, expected: &str) {
    desk.stage.book.judge(about, expected, answer, answer.is_invalid());
}

/// Values that few checks let through.
fn wrong(column: &Column) -> Vec<Json> {
    match &column.kind {
        kind if is_number(kind) => [-1, 999_999, -999_999].map(Json::from).to_vec(),
        ColumnType::Text { .. } | ColumnType::CaseInsensitiveText => {
            ["", "zz-unlisted", "?", "Zz Zz"].map(Json::from).to_vec()
        }
        _ => Vec::new(),
    }
}

/// True where the column's type takes the value, so that only the check may refuse it.
fn fits(column: &Column, value: &Json) -> bool {
    match (&column.kind, value) {
        (ColumnType::Text { length_max: Some(length) }, Json::String(text)) => {
            text.chars().count() <= *length as usize
        }
        (ColumnType::Integer { bits: 16 }, Json::Number(number)) => {
            number.as_i64().is_some_and(|number| i16::try_from(number).is_ok())
        }
        (ColumnType::Integer { bits: 32 }, Json::Number(number)) => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        (ColumnType::Numeric { precision: Some(precision), scale }, Json::Number(number)) => {
            let whole = i32::from(precision.saturating_sub(scale.unwrap_or(0)));
            number.as_f64().is_some_and(|number| number.abs() < 10_f64.powi(whole) - 1.0)
        }
        _ => true,
    }
}
