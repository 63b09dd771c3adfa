//! What an endpoint is about, made ready: the row, the parent above it, and the path that names
//! both.

use document::{
    api::{KeyParameter, Nested},
    data::Table,
};
use serde_json::Value as Json;

use crate::{
    Stage, Unmade,
    fixture::Row,
    shape::{self, shown},
};

/// A row that an endpoint is about, and what its path needs.
pub(super) struct Scene {
    /// The row as it was answered.
    pub(super) row: Row,
    /// What lies above it, as columns that the path fixes.
    pub(super) fixed: Row,
    /// Values of the path's parameters.
    parameters: Vec<(String, Json)>,
}

impl Scene {
    /// Makes a row below a new parent, or the admin where the path says `me`.
    pub(super) async fn of(
        stage: &Stage<'_>,
        table: &Table,
        nested: Option<&Nested>,
        filters: &[(String, String)],
    ) -> Result<Self, Unmade> {
        let system = stage.system();
        let mut fixed = Row::new();
        let mut parameters = Vec::new();
        let mut joined = None;
        if let Some(nested) = nested {
            let parent = parent(stage, nested).await?;
            let value = parent.get(&shown(system, &nested.parent_column)).cloned();
            let value = value.unwrap_or(Json::Null);
            parameters.push((nested.parameter.clone(), value.clone()));
            match &nested.through {
                None => {
                    fixed.insert(shown(system, &nested.column), value);
                }
                Some(through) => joined = Some((through, value)),
            }
        }
        for (column, value) in filters {
            fixed.insert(shown(system, column), filter_value(table, column, value));
        }
        let row = stage.candidate_with(table, fixed.clone()).await?;
        let row = made(stage, table, row).await?;
        if let (Some((through, value)), Some(nested)) = (joined, nested) {
            let table = table_of(stage, &through.table)?;
            let child = row.get(&shown(system, &nested.column)).cloned();
            let ends = crate::fixture::object([
                (shown(system, &through.parent_column), value),
                (shown(system, &through.child_column), child.unwrap_or(Json::Null)),
            ]);
            made(stage, table, stage.candidate_with(table, ends).await?).await?;
        }
        Ok(Self { row, fixed, parameters })
    }

    /// The path with its parameters filled in; none where one is left over.
    pub(super) fn path(
        &self,
        stage: &Stage<'_>,
        path: &str,
        key: &[KeyParameter],
    ) -> Option<String> {
        let mut filled = path.to_owned();
        for (name, value) in &self.parameters {
            filled = filled.replace(&format!("{{{name}}}"), &shape::segment(value));
        }
        // A key that is the principal's own stands in no path.
        for key in key.iter().filter(|key| key.parameter != Nested::ME) {
            let value = self.row.get(&shown(stage.system(), &key.column))?;
            filled = filled.replace(&format!("{{{}}}", key.parameter), &shape::segment(value));
        }
        (!filled.contains('{')).then_some(filled)
    }

    /// The query that names the row alone; none for a table without a key.
    pub(super) fn only(&self, stage: &Stage<'_>, table: &Table) -> Option<Vec<(String, String)>> {
        if table.primary_key.is_empty() {
            return None;
        }
        let pairs = table.primary_key.iter().map(|column| {
            let name = shown(stage.system(), column);
            let value = self.row.get(&name)?;
            Some((name, shape::text(value)))
        });
        pairs.collect()
    }
}

fn table_of<'s>(stage: &Stage<'s>, name: &str) -> Result<&'s Table, Unmade> {
    stage
        .system()
        .data
        .table(name)
        .ok_or_else(|| Unmade { reason: format!("`{name}` is not declared"), answer: None })
}

/// A new row above; the admin's own where the path says `me`.
async fn parent(stage: &Stage<'_>, nested: &Nested) -> Result<Row, Unmade> {
    if nested.parameter == Nested::ME {
        let own = stage.people.admin.account().map(|account| account.row.clone());
        return own.ok_or_else(|| Unmade { reason: "nobody asks".to_owned(), answer: None });
    }
    match stage.system().data.table(&nested.parent) {
        Some(table) => stage.row(table).await,
        None => stage.fixture.parents(&nested.parent).into_iter().next().ok_or_else(|| Unmade {
            reason: format!("`{}` is not declared", nested.parent),
            answer: None,
        }),
    }
}

async fn made(stage: &Stage<'_>, table: &Table, row: Row) -> Result<Row, Unmade> {
    let answer = stage.create(table, row).await?;
    match shape::row(stage.system(), &answer.json).filter(|_| answer.is_success()) {
        Some(row) => Ok(row.clone()),
        None => Err(Unmade {
            reason: format!("a row that should fit `{}` is refused", table.name),
            answer: Some(Box::new(answer)),
        }),
    }
}

/// A value that a path fixes, as JSON of its column.
fn filter_value(table: &Table, column: &str, value: &str) -> Json {
    use document::data::ColumnType as C;
    match table.column(column).map(|column| &column.kind) {
        Some(C::Boolean | C::Integer { .. } | C::Serial { .. }) => {
            serde_json::from_str(value).unwrap_or_else(|_| value.into())
        }
        _ => value.into(),
    }
}
