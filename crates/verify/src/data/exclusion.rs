//! Trials of rows that may not be together: one that overlaps with another is refused, one that merely
//! touches it is taken, and so is one that the condition leaves out.

use document::{
    ClaimKind,
    data::{Exclusion, Range},
};
use serde_json::Value as Json;

use super::Desk;
use crate::{
    About, Answer, evaluate,
    fixture::{Row, in_row, is_link, passes, pool, within},
    shape,
};

/// Tries an exclusion.
pub(super) async fn probe(desk: &Desk<'_>, exclusion: &Exclusion) {
    let about = About::span(&[ClaimKind::Check], exclusion.span);
    let trial = Trial { desk, exclusion, about, number: desk.stage.fixture.number() };
    if let Err(reason) = trial.run().await {
        desk.stage.book.skip(&trial.about, "a row that overlaps is refused", reason);
    }
}

struct Trial<'s> {
    desk: &'s Desk<'s>,
    exclusion: &'s Exclusion,
    about: About,
    /// Whose room the ranges of this trial are in.
    number: u64,
}

impl Trial<'_> {
    fn judge(&self, expected: &str, answer: &Answer, holds: bool) {
        self.desk.stage.book.judge(&self.about, expected, answer, holds);
    }

    async fn run(&self) -> Result<(), &'static str> {
        const OVERLAPS: &str = "a row that overlaps with another is refused with 409";
        let (stage, table) = (self.desk.stage, self.desk.table);
        let first = self.row((0, 2), &Row::new(), true).await?;
        let answer = self.send(first).await?;
        let Some(first) = shape::row(stage.system(), &answer.json).filter(|_| answer.is_success())
        else {
            self.judge("a row that nothing overlaps with is taken", &answer, false);
            return Ok(());
        };
        let mut same = Row::new();
        for column in &self.exclusion.equal {
            let name = self.desk.shown(column);
            let value = first.get(&name).filter(|value| !value.is_null());
            let value = value.ok_or("no row shows what two rows would have in common")?;
            same.insert(name, value.clone());
        }
        let answer = self.send(self.row((1, 3), &same, true).await?).await?;
        self.judge(OVERLAPS, &answer, answer.status == 409);
        if let Ok(outside) = self.row((1, 3), &same, false).await {
            let answer = self.send(outside).await?;
            let expected = "rows that the condition leaves out may overlap";
            self.judge(expected, &answer, answer.is_success());
        }
        let answer = self.send(self.row((2, 4), &same, true).await?).await?;
        if self.meets_at_its_end() {
            let expected = "a row that shares its end with another is refused with 409";
            self.judge(expected, &answer, answer.status == 409);
            return Ok(());
        }
        self.judge("a row that touches another is taken", &answer, answer.is_success());
        let Some(second) = shape::row(stage.system(), &answer.json) else { return Ok(()) };
        let set = self.span((1, 4)).ok_or("its columns have no values to try")?;
        let mut changed = second.clone();
        changed.extend(set.clone());
        if answer.is_success()
            && passes(stage.system(), table, &changed)
            && let Some(answer) = self.desk.change_of(second, set).await
        {
            self.judge(&format!("{OVERLAPS}, as a change"), &answer, answer.status == 409);
        }
        Ok(())
    }

    async fn send(&self, row: Row) -> Result<Answer, &'static str> {
        let sent = self.desk.stage.create(self.desk.table, row).await;
        sent.map_err(|_| "no endpoint makes rows of the table")
    }

    fn span(&self, points: (i64, i64)) -> Option<Row> {
        let system = self.desk.stage.system();
        within(system, self.desk.table, self.exclusion, self.number, points)
    }

    /// A row that fits, with ranges between these points, that the condition covers or not.
    async fn row(
        &self,
        points: (i64, i64),
        same: &Row,
        is_covered: bool,
    ) -> Result<Row, &'static str> {
        let (stage, table) = (self.desk.stage, self.desk.table);
        let mut fixed = self.span(points).ok_or("its columns have no values to try")?;
        fixed.extend(same.clone());
        let made = stage.candidate_with(table, fixed).await;
        let mut row = made.map_err(|_| "no row was found that the table's checks let through")?;
        let set = self.conditioned(&row, is_covered).ok_or("no row meets its condition")?;
        row.extend(set);
        Ok(row)
    }

    /// What to change in a row so that the condition covers it, or leaves it out.
    fn conditioned(&self, row: &Row, is_covered: bool) -> Option<Row> {
        let Some(condition) = &self.exclusion.condition else {
            return is_covered.then(Row::new);
        };
        let expression = condition.expression.as_ref()?;
        let (system, table) = (self.desk.stage.system(), self.desk.table);
        let is_so = |row: &Row| {
            let read = |name: &str| in_row(system, table, row, name);
            evaluate::value(expression, &read) == Some(evaluate::Value::Boolean(is_covered))
        };
        if is_so(row) {
            return Some(Row::new());
        }
        for column in expression.columns().into_iter().filter_map(|name| table.column(name)) {
            let machines = &system.messaging.machines;
            let is_state =
                machines.iter().any(|it| it.table == table.name && it.column == column.name);
            if is_state || is_link(table, column) || column.generated.is_some() {
                continue;
            }
            let listed = system.data.values_of(table, column).map(|(values, _)| values);
            let listed = listed.into_iter().flatten().map(|value| Json::from(value.as_str()));
            for value in listed.chain(pool(system, table, column, self.number)) {
                let mut tried = row.clone();
                tried.insert(self.desk.shown(&column.name), value.clone());
                if is_so(&tried) && passes(system, table, &tried) {
                    return Some(super::single(self.desk.shown(&column.name), value));
                }
            }
        }
        None
    }

    /// True where ranges that touch have a point in common in all that is compared.
    fn meets_at_its_end(&self) -> bool {
        self.exclusion.overlapping.iter().all(|range| match range {
            Range::Made { bounds, .. } => bounds == "[]",
            Range::Column { .. } => false,
        })
    }
}
