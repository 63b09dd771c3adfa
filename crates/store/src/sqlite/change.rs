//! From the tables that are there to the tables that are wished for.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Sqlite, define, fault, writer::Job};
use crate::{
    StoreError,
    catalog::Catalog,
    plan::{Class, Plan, Step},
    schema::Schema,
};

impl Sqlite {
    pub(crate) async fn plan(&self, schema: &Schema) -> Result<Plan, StoreError> {
        let schema = schema.clone();
        self.read(move |connection, _| plan(connection, &schema)).await
    }

    pub(crate) async fn apply(
        &self,
        _plan: &Plan,
        schema: &Schema,
        _document_hash: &str,
    ) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let (schema, shared) = (schema.clone(), self.shared.clone());
        self.writer.send(Job::Alone(Box::new(move |connection| {
            let result = plan(connection, &schema).and_then(|plan| {
                let sql = plan.steps.iter().flat_map(|step| &step.sql);
                let sql: Vec<&str> = sql.map(String::as_str).collect();
                connection
                    .execute_batch(&sql.join(";\n"))
                    .map_err(|error| fault::explain(error, &Catalog::default()))
            });
            if result.is_ok() {
                shared.serve(Catalog::of(&schema));
            }
            let _ = reply.send(result);
        })))?;
        answer.await.map_err(|_| super::gone())?
    }
}

fn plan(connection: &Connection, schema: &Schema) -> Result<Plan, StoreError> {
    let catalog = Catalog::of(schema);
    let mut steps = Vec::new();
    for table in &schema.tables {
        let exists = connection
            .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
            .and_then(|mut it| it.exists([&table.name]))
            .map_err(|error| fault::explain(error, &catalog))?;
        if exists {
            continue;
        }
        let mut sql = vec![
            define::create_table(table, &table.name, &catalog, |_| false)
                .map_err(fault::unsupported)?,
        ];
        for key in &table.unique_keys {
            sql.push(
                define::create_unique_key(&table.name, key, &catalog)
                    .map_err(fault::unsupported)?,
            );
        }
        sql.extend(
            table
                .indexes
                .iter()
                .filter_map(|index| define::create_index(&table.name, index, &catalog).ok()),
        );
        steps.push(Step {
            summary: format!("+ table {}", table.name),
            sql,
            origin: table.origin.clone(),
            class: Class::Safe,
            rows: None,
            needs: None,
        });
    }
    Ok(Plan { steps, from: String::new() })
}
