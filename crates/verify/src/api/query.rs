//! Trials of endpoints with a query of the document: it is asked with values of rows that are there,
//! and shows the rows that it selects and no others.

use std::collections::HashMap;

use document::{
    api::{Binding, Endpoint},
    expression::Expression,
};
use serde_json::Value as Json;

use crate::{
    About, Answer, Request, Row, Stage,
    data::view::{prepare, trimmed, world},
    lists,
    select::{Select, World},
    shape,
};

/// Rows whose values are tried as parameters.
const TRIED_MAX: usize = 30;

/// Tries every query, one after the other, so that nothing else changes the rows meanwhile.
pub(super) async fn probe(stage: &Stage<'_>) {
    for endpoint in &stage.system().api.endpoints {
        if let Binding::Query { sql, parameters, .. } = &endpoint.binding {
            let trial = Trial { stage, endpoint, parameters };
            trial.probe(sql).await;
        }
    }
}

struct Trial<'t> {
    stage: &'t Stage<'t>,
    endpoint: &'t Endpoint,
    parameters: &'t [String],
}

/// The values of parameters.
type Values = HashMap<String, Json>;

impl Trial<'_> {
    async fn probe(&self, sql: &str) {
        let about = About::endpoint(self.endpoint);
        let book = &self.stage.book;
        let rows_expected = "it shows the rows that its query selects";
        let select = match Select::read(sql, self.stage.system()) {
            Ok(select) => select,
            Err(reason) => {
                self.runs(&Values::new()).await;
                return book.skip(&about, rows_expected, reason);
            }
        };
        prepare(self.stage, &select).await;
        let Some(world) = world(self.stage, &select.tables()).await else {
            self.runs(&Values::new()).await;
            return book.skip(&about, rows_expected, "the rows of its tables are not listed");
        };
        let Some((values, wanted)) = self.chosen(&select, &world) else {
            self.runs(&Values::new()).await;
            return book.skip(&about, rows_expected, "no values were found for which it has rows");
        };
        let Some(answer) = self.runs(&values).await else { return };
        self.compare(&select, &wanted, &answer);
    }

    /// The query runs; none where no values of its parameters are known.
    async fn runs(&self, values: &Values) -> Option<Answer> {
        let about = About::endpoint(self.endpoint);
        let answer = self.ask(values).await;
        let is_list = shape::rows(self.stage.system(), &answer.json).is_some();
        let is_guessed = self.parameters.iter().any(|name| !values.contains_key(name));
        let expected = "its query runs and its rows are listed";
        if is_guessed && answer.is_invalid() {
            self.stage.book.skip(&about, expected, "no values of its parameters are known");
            return None;
        }
        let holds = answer.status == 200 && is_list;
        self.stage.book.judge(&about, expected, &answer, holds).then_some(answer)
    }

    async fn ask(&self, values: &Values) -> Answer {
        let text = |name: &str| values.get(name).map_or_else(|| "1".to_owned(), shape::text);
        let mut path = self.endpoint.path.clone();
        let mut pairs = Vec::new();
        for name in self.parameters {
            let in_path = format!("{{{name}}}");
            if path.contains(&in_path) {
                let value = Json::from(text(name));
                path = path.replace(&in_path, &shape::segment(&value));
            } else if !self.is_asker(name) {
                pairs.push((name.as_str(), text(name)));
            }
        }
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let query =
            if pairs.is_empty() { String::new() } else { format!("?{}", shape::query(&pairs)) };
        let path = super::endpoint::filled(&path) + &query;
        self.stage.as_admin(Request::new(self.endpoint.method.word(), path)).await
    }

    /// True for a parameter that stands for whoever asks.
    fn is_asker(&self, name: &str) -> bool {
        let named = ["me", "self", "current_user", "current_user_id", "principal_id"];
        let is_listed = self.endpoint.parameters.iter().any(|own| own == name);
        named.contains(&name)
            || name == "auth_user_id"
            || matches!(name, "user_id" | "userId") && !is_listed
    }

    /// Values for which the query has rows, if possible not all of them.
    fn chosen(&self, select: &Select, world: &World) -> Option<(Values, Vec<Row>)> {
        let system = self.stage.system();
        let mut best: Option<(Values, Vec<Row>)> = None;
        for place in 0..TRIED_MAX {
            let Some(values) = self.values(select, world, place) else { break };
            let Some(rows) = select.rows(system, world, &values) else { break };
            let is_better = best.as_ref().is_none_or(|(_, other)| rows.len() < other.len());
            if !rows.is_empty() && is_better {
                best = Some((values, rows));
            }
            if self.parameters.is_empty() {
                break;
            }
        }
        best
    }

    /// Values of the `place`-th row of each table that parameters are compared with.
    fn values(&self, select: &Select, world: &World, place: usize) -> Option<Values> {
        let system = self.stage.system();
        let mut values = Values::new();
        for name in self.parameters {
            if self.is_asker(name) && !self.endpoint.path.contains(&format!("{{{name}}}")) {
                values.insert(name.clone(), self.stage.people.admin.id()?.clone());
                continue;
            }
            let own = format!(":{name}");
            let compared = select.compared();
            let found = compared.iter().find(
                |(_, _, _, other)| matches!(other, Expression::Column { name } if *name == own),
            );
            let value = match (found, name.as_str()) {
                (Some((table, column, _, _)), _) => {
                    let rows = world.get(*table)?;
                    let row = rows.get(place % rows.len().max(1))?;
                    row.get(&shape::shown(system, column)).filter(|one| !one.is_null())?.clone()
                }
                (None, "limit") => system.api.pagination.limit_max.into(),
                (None, "offset") => 0.into(),
                (None, "page") => 1.into(),
                (None, _) => return None,
            };
            values.insert(name.clone(), value);
        }
        Some(values)
    }

    fn compare(&self, select: &Select, wanted: &[Row], answer: &Answer) {
        let about = About::endpoint(self.endpoint);
        let rows = shape::rows(self.stage.system(), &answer.json).into_iter().flatten();
        let found: Vec<Row> =
            rows.filter_map(Json::as_object).map(|row| trimmed(self.stage, select, row)).collect();
        let (should, does) = (lists::counted(wanted), lists::counted(&found));
        let within = |left: &HashMap<String, usize>, right: &HashMap<String, usize>| {
            left.iter().all(|(key, count)| right.get(key).is_some_and(|other| count <= other))
        };
        let is_whole = match select.is_cut {
            true => !found.is_empty(),
            false => within(&should, &does),
        };
        let book = &self.stage.book;
        book.judge(&about, "it shows the rows that its query selects", answer, is_whole);
        book.judge(&about, "it leaves out what its query does", answer, within(&does, &should));
    }
}
