//! Trials of indexes: each is in the database with the columns that the document gives it, and a
//! filter by these columns can be answered through it. The admin is told both as the plan of a list.

use document::{
    ClaimKind,
    api::{Binding, Operation},
    data::{ColumnType, Index, IndexPart, Table},
};
use serde_json::Value as Json;

use crate::{
    About, Answer, Request, Row, Stage,
    shape::{self, shown},
};

/// The media type that asks for the plan of a list.
pub(crate) const PLAN: &str = "application/vnd.vitruvius.plan+json";

/// A request for the plan of an answer instead of the answer.
pub(crate) fn plan_of(path: impl Into<String>) -> Request {
    Request::get(path).header("accept", PLAN)
}

/// True where an answer is a plan.
pub(crate) fn is_plan(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.starts_with(PLAN))
}

/// Tries the indexes of a table.
pub(super) async fn probe(stage: &Stage<'_>, table: &Table) {
    if table.indexes.is_empty() {
        return;
    }
    let abouts = || table.indexes.iter().map(about);
    let Some((_, path)) = stage.paths().of_table(table, Operation::List) else {
        let reason = "no endpoint lists the table, so no plan of a list is told";
        return abouts().for_each(|one| stage.book.cannot(&one, "the index is there", reason));
    };
    let answer = stage.as_admin(plan_of(&path)).await;
    if !is_plan(&answer) {
        let reason = "the system tells no plans, and an index is not seen otherwise";
        return abouts().for_each(|one| stage.book.cannot(&one, "the index is there", reason));
    }
    let row = stage.row(table).await.ok();
    for index in &table.indexes {
        let trial = Trial { stage, table, index, path: &path };
        if !trial.is_there(&answer) {
            continue;
        }
        if let Some(row) = &row {
            trial.serves(row).await;
        }
    }
}

fn about(index: &Index) -> About {
    About::span(&[ClaimKind::Index], index.span)
}

struct Trial<'t> {
    stage: &'t Stage<'t>,
    table: &'t Table,
    index: &'t Index,
    path: &'t str,
}

impl Trial<'_> {
    /// The database lists it; gives back whether it can serve a filter.
    fn is_there(&self, plan: &Answer) -> bool {
        let about = about(self.index);
        let names: Vec<&str> = self.index.parts.iter().map(name_of).collect();
        let expected = format!("the database has an index over {}", names.join(", "));
        let is_sorted = matches!(self.index.method.as_str(), "" | "btree" | "hash" | "brin");
        let listed = plan.json.get("indexes").and_then(Json::as_array);
        let mut listed = listed.into_iter().flatten();
        let is_known = |part: &IndexPart| part.column.is_some() || is_typed(part);
        let condition = self.index.condition.as_ref();
        if !self.index.parts.iter().all(is_known)
            || condition.is_some_and(|condition| condition.expression.is_none())
        {
            let reason = "what it is over is an expression that is not understood";
            self.stage.book.skip(&about, expected, reason);
            return false;
        }
        let holds = listed.any(|one| self.is_it(one));
        if !holds && !is_sorted {
            let words = "this database has no index of the kind `{}`, or it is not understood";
            let reason = words.replace("{}", &self.index.method);
            self.stage.book.cannot(&about, expected, reason);
            return false;
        }
        self.stage.book.judge(&about, expected, plan, holds);
        holds && is_sorted && condition.is_none()
    }

    fn is_it(&self, listed: &Json) -> bool {
        let columns = listed.get("columns").and_then(Json::as_array);
        let wanted = self.index.parts.iter().map(|part| part.column.as_deref());
        listed.get("table").and_then(Json::as_str) == Some(&self.table.name)
            && listed.get("is_partial") == Some(&Json::Bool(self.index.condition.is_some()))
            && columns.is_some_and(|columns| columns.iter().map(Json::as_str).eq(wanted))
    }

    /// Filters by its first columns, and lists below what its first column refers to.
    async fn serves(&self, row: &Row) {
        let mut pairs = Vec::new();
        for part in &self.index.parts {
            let Some((name, value)) = self.pair(part, row) else { break };
            pairs.push((name, value));
        }
        let Some((first, value)) = pairs.first() else { return };
        let query: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.ask(&format!("{}?{}", self.path, shape::query(&query))).await;
        let names: Vec<&str> = query.iter().map(|(name, _)| *name).collect();
        self.judge(&format!("a filter by {} can be answered by it", names.join(", ")), &answer);
        let value = shape::segment(&Json::from(value.as_str()));
        for endpoint in &self.stage.system().api.endpoints {
            let Binding::Table { table, operation: Operation::List, nested: Some(nested), .. } =
                &endpoint.binding
            else {
                continue;
            };
            let is_below = *table == self.table.name
                && nested.through.is_none()
                && shown(self.stage.system(), &nested.column) == *first;
            let path = endpoint.path.replace(&format!("{{{}}}", nested.parameter), &value);
            if is_below && !path.contains('{') && path != endpoint.path {
                let answer = self.ask(&path).await;
                self.judge(&format!("`GET {}` can be answered by it", endpoint.path), &answer);
            }
        }
    }

    async fn ask(&self, path: &str) -> Answer {
        self.stage.as_admin(plan_of(path)).await
    }

    /// The first column's rows are searched for, by this index or another that begins alike.
    fn judge(&self, expected: &str, answer: &Answer) {
        let of = |name: &str| answer.json.get(name).and_then(Json::as_array).into_iter().flatten();
        let begins = |name: &str| {
            let mut listed = of("indexes").filter(|one| one["name"].as_str() == Some(name));
            let first = listed.next().and_then(|one| one["columns"].get(0)).and_then(Json::as_str);
            first.is_some()
                && first == self.index.parts.first().and_then(|one| one.column.as_deref())
        };
        let holds = of("could_read").any(|read| {
            read["table"].as_str() == Some(&self.table.name)
                && read["by"].as_str() == Some("index")
                && read["index"].as_str().is_some_and(begins)
        });
        self.stage.book.judge(&about(self.index), expected, answer, answer.status == 200 && holds);
    }

    /// A filter by a part of the index, with the value of a row.
    fn pair(&self, part: &IndexPart, row: &Row) -> Option<(String, String)> {
        let column = self.table.column(part.column.as_ref()?)?;
        let is_plain = !matches!(
            column.kind,
            ColumnType::Json
                | ColumnType::Array { .. }
                | ColumnType::Bytes
                | ColumnType::Other { .. }
        );
        if !is_plain || !super::is_shown(self.stage, self.table, column) {
            return None;
        }
        let name = shown(self.stage.system(), &column.name);
        let value = match row.get(&name).filter(|value| !value.is_null()) {
            Some(value) => value.clone(),
            None => {
                let fixture = &self.stage.fixture;
                fixture.value(self.table, column, fixture.number())
            }
        };
        let text = shape::text(&value);
        (!value.is_null() && !text.is_empty()).then_some((name, text))
    }
}

fn is_typed(part: &IndexPart) -> bool {
    part.expression.expression.is_some()
}

fn name_of(part: &IndexPart) -> &str {
    part.column.as_deref().unwrap_or(&part.expression.text)
}
