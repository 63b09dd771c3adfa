//! Trials of a list: the right rows and no others, filtered, sorted, searched and cut to size.

use document::{api::PageMember, data::ColumnType};
use futures_util::future::join_all;
use serde_json::Value as Json;

use super::endpoint::Trial;
use crate::{
    Answer, Request,
    fixture::Row,
    shape::{self, shown},
};

/// A list under trial, and the query that names the scene's row alone.
struct Listed<'t> {
    trial: &'t Trial<'t>,
    only: Vec<(String, String)>,
}

/// Tries a list.
pub(super) async fn probe(trial: &Trial<'_>) {
    let answer = trial.stage.as_admin(Request::get(&trial.path)).await;
    let is_list = rows(trial, &answer).is_some();
    trial.judge("it lists rows", &answer, answer.status == 200 && is_list);
    let Some(only) = trial.scene.only(trial.stage, trial.table) else { return };
    let listed = Listed { trial, only };
    listed.own_row().await;
    if trial.nested.is_some() {
        listed.stranger().await;
        return;
    }
    let columns = trial.table.columns.iter().filter(|column| !column.write_only);
    let filters = columns.clone().map(|column| listed.filters(column));
    join_all(filters).await;
    join_all(columns.map(|column| listed.order(column))).await;
    listed.fields().await;
    listed.includes().await;
    listed.search().await;
    listed.unknown().await;
    listed.pages().await;
}

fn rows<'j>(trial: &Trial<'_>, answer: &'j Answer) -> Option<&'j Vec<Json>> {
    shape::rows(trial.stage.system(), &answer.json)
}

/// True where equality and order mean something.
fn is_plain(kind: &ColumnType) -> bool {
    !matches!(
        kind,
        ColumnType::Json | ColumnType::Array { .. } | ColumnType::Bytes | ColumnType::Other { .. }
    )
}

impl Listed<'_> {
    async fn ask(&self, further: &[(&str, &str)]) -> Answer {
        let own = self.only.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query: Vec<(&str, &str)> = own.chain(further.iter().copied()).collect();
        self.plain(&query).await
    }

    async fn plain(&self, query: &[(&str, &str)]) -> Answer {
        let path = format!("{}?{}", self.trial.path, shape::query(query));
        self.trial.stage.as_admin(Request::get(path)).await
    }

    fn count(&self, answer: &Answer) -> Option<usize> {
        rows(self.trial, answer).filter(|_| answer.status == 200).map(Vec::len)
    }

    async fn own_row(&self) {
        let answer = self.ask(&[]).await;
        let is_there = self.count(&answer) == Some(1);
        self.trial.judge("a filter by key finds the row alone", &answer, is_there);
    }

    /// A row of another parent is not listed.
    async fn stranger(&self) {
        let (stage, table) = (self.trial.stage, self.trial.table);
        let Ok(other) = super::scene::Scene::of(stage, table, self.trial.nested, &[]).await else {
            return;
        };
        let me = document::api::Nested::ME;
        if self.trial.nested.is_some_and(|nested| nested.parameter == me) {
            return;
        }
        let Some(only) = other.only(stage, table) else { return };
        let query: Vec<(&str, &str)> =
            only.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.plain(&query).await;
        let is_absent = self.count(&answer) == Some(0);
        self.trial.judge("a row below another parent is not listed", &answer, is_absent);
    }

    /// Filters on one column, each with the row's own value and key: it is found, or it is not.
    async fn filters(&self, column: &document::data::Column) {
        let name = shown(self.trial.stage.system(), &column.name);
        if !is_plain(&column.kind) || self.trial.table.primary_key.contains(&column.name) {
            return;
        }
        let Some(value) = self.trial.scene.row.get(&name) else { return };
        let value_text = shape::text(value);
        let operators: &[(&str, &str, usize)] = match value.is_null() {
            true => &[("[null]", "true", 1), ("[null]", "false", 0)],
            false => &[
                ("", "", 1),
                ("[ne]", "", 0),
                ("[gte]", "", 1),
                ("[gt]", "", 0),
                ("[lte]", "", 1),
                ("[lt]", "", 0),
                ("[null]", "true", 0),
            ],
        };
        let is_ordered = !matches!(column.kind, ColumnType::Boolean | ColumnType::Network);
        for (operator, given, wanted) in operators {
            if !is_ordered && ["[gte]", "[gt]", "[lte]", "[lt]"].contains(operator) {
                continue;
            }
            let parameter = format!("{name}{operator}");
            let given = if given.is_empty() { &value_text } else { *given };
            let answer = self.ask(&[(&parameter, given)]).await;
            let found = if *wanted == 1 { "finds" } else { "leaves out" };
            let expected = format!("the filter `{parameter}={given}` {found} the row");
            self.trial.judge(expected, &answer, self.count(&answer) == Some(*wanted));
        }
    }

    /// The list in the order of one column, up and down.
    async fn order(&self, column: &document::data::Column) {
        if !is_plain(&column.kind) {
            return;
        }
        let name = shown(self.trial.stage.system(), &column.name);
        for sort in [name.clone(), format!("-{name}")] {
            let answer = self.plain(&[("sort", &sort), ("limit", "50")]).await;
            let values: Vec<Json> = rows(self.trial, &answer)
                .into_iter()
                .flatten()
                .filter_map(|row| row.get(&name))
                .filter(|value| !value.is_null())
                .map(|value| self.rank(&column.kind, value))
                .collect();
            let is_down = sort.starts_with('-');
            let is_sorted = values.is_sorted_by(|left, right| match is_down {
                true => !is_less(left, right),
                false => !is_less(right, left),
            });
            let holds = answer.status == 200 && is_sorted;
            self.trial.judge(format!("`sort={sort}` gives its order"), &answer, holds);
        }
    }

    /// The words of an enumerated type are ordered as they are declared.
    fn rank(&self, kind: &ColumnType, value: &Json) -> Json {
        let ColumnType::Enum { name } = kind else { return value.clone() };
        let declared = self.trial.stage.system().data.enumeration(name);
        let place = declared.and_then(|declared| {
            declared.values.iter().position(|word| Some(word.as_str()) == value.as_str())
        });
        place.map_or_else(|| value.clone(), Json::from)
    }

    async fn fields(&self) {
        let Some(name) = self.only.first().map(|(name, _)| name.clone()) else { return };
        let answer = self.ask(&[("fields", &name)]).await;
        let members: Vec<&String> = rows(self.trial, &answer)
            .into_iter()
            .flatten()
            .filter_map(Json::as_object)
            .flat_map(Row::keys)
            .collect();
        let holds = answer.status == 200 && members == [&name];
        self.trial.judge(format!("`fields={name}` shows that alone"), &answer, holds);
    }

    /// The row that a reference names, inside the row.
    async fn includes(&self) {
        let (stage, table) = (self.trial.stage, self.trial.table);
        let mut seen: Vec<&str> = Vec::new();
        for key in table.foreign_keys.iter().filter(|key| key.resolved) {
            let twice = table.foreign_keys.iter().filter(|one| one.table == key.table).count() > 1;
            if twice || seen.contains(&key.table.as_str()) {
                continue;
            }
            seen.push(&key.table);
            let columns = key.columns.iter().zip(&key.referred);
            let own: Option<Vec<(String, Json)>> = columns
                .map(|(own, other)| {
                    let value = self.trial.scene.row.get(&shown(stage.system(), own))?;
                    (!value.is_null()).then(|| (shown(stage.system(), other), value.clone()))
                })
                .collect();
            let Some(own) = own else { continue };
            let answer = self.ask(&[("include", &key.table)]).await;
            let row = rows(self.trial, &answer).and_then(|rows| rows.first()?.as_object());
            let is_inside = row.is_some_and(|row| {
                row.values()
                    .filter_map(Json::as_object)
                    .any(|inner| own.iter().all(|(name, value)| inner.get(name) == Some(value)))
            });
            let expected = format!("`include={}` shows the row referred to", key.table);
            self.trial.judge(expected, &answer, answer.status == 200 && is_inside);
        }
    }

    async fn search(&self) {
        let texts =
            self.trial.table.columns.iter().filter(|column| {
                matches!(column.kind, ColumnType::Text { .. }) && !column.write_only
            });
        let values = texts.filter_map(|column| {
            let name = shown(self.trial.stage.system(), &column.name);
            self.trial.scene.row.get(&name)?.as_str().filter(|text| text.len() > 2)
        });
        let Some(text) = values.into_iter().next() else { return };
        let words: String = text.chars().take(100).collect();
        let answer = self.ask(&[("search", &words)]).await;
        let expected = format!("`search={words}` finds the row");
        self.trial.judge(expected, &answer, self.count(&answer) == Some(1));
        let answer = self.ask(&[("search", "zzqqxxyy")]).await;
        let expected = "a search for what it does not hold leaves it out";
        self.trial.judge(expected, &answer, self.count(&answer) == Some(0));
    }

    async fn unknown(&self) {
        let answer = self.plain(&[("no_such_column", "1")]).await;
        let expected = "a filter by what is no column is refused with 400";
        self.trial.judge(expected, &answer, answer.is_invalid());
        for parameter in &self.trial.endpoint.parameters {
            let paging = &self.trial.stage.system().api.pagination;
            if *parameter == paging.limit_parameter || *parameter == paging.page_parameter {
                let answer = self.plain(&[(parameter, "1")]).await;
                let expected = format!("the parameter `{parameter}` is known");
                self.trial.judge(expected, &answer, answer.status == 200);
            }
        }
    }

    /// Two pages of one row each are two rows.
    async fn pages(&self) {
        let system = self.trial.stage.system();
        let paging = &system.api.pagination;
        if self.trial.stage.row(self.trial.table).await.is_err() {
            return;
        }
        let mut found: Vec<Json> = Vec::new();
        for page in ["1", "2"] {
            let key = self.only.first().map_or("", |(name, _)| name.as_str());
            let query: [(&str, &str); 3] =
                [(&paging.limit_parameter, "1"), (&paging.page_parameter, page), ("sort", key)];
            let answer = self.plain(&query).await;
            let expected = format!("page {page} of one row holds one row");
            self.trial.judge(expected, &answer, self.count(&answer) == Some(1));
            let row = rows(self.trial, &answer).and_then(|rows| rows.first().cloned());
            let row = row.unwrap_or(Json::Null);
            let expected = format!("page {page} holds a row of its own");
            self.trial.judge(expected, &answer, !found.contains(&row));
            found.push(row);
            if page == "1"
                && let Some(more) = shape::page_member(system, &answer.json, PageMember::HasNext)
            {
                self.trial.judge(
                    "the page says that more follow",
                    &answer,
                    *more == Json::Bool(true),
                );
            }
        }
        self.follows(found.first().unwrap_or(&Json::Null)).await;
        let answer = self.plain(&[(&paging.limit_parameter, "0")]).await;
        self.trial.judge("a page of no rows is refused with 400", &answer, answer.is_invalid());
    }
}

impl Listed<'_> {
    /// Where a page names the place after it, the next page begins there.
    async fn follows(&self, first: &Json) {
        let system = self.trial.stage.system();
        let limit = system.api.pagination.limit_parameter.as_str();
        let key = self.only.first().map_or("", |(name, _)| name.as_str());
        let answer = self.plain(&[(limit, "1"), ("sort", key)]).await;
        let cursor = shape::page_member(system, &answer.json, PageMember::NextCursor);
        let Some(Json::String(cursor)) = cursor else { return };
        let answer = self.plain(&[(limit, "1"), ("sort", key), ("cursor", cursor)]).await;
        let next = rows(self.trial, &answer).and_then(|rows| rows.first());
        let holds = next.is_some_and(|next| next != first);
        self.trial.judge("a cursor leads to the next page", &answer, holds);
    }
}

fn is_less(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left.as_f64() < right.as_f64(),
        (Json::Bool(left), Json::Bool(right)) => !left & right,
        (Json::String(left), Json::String(right)) => left < right,
        _ => false,
    }
}
