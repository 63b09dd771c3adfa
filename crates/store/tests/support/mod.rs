//! A small schema and short ways to build queries, for all tests of the store.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod postgres;

use std::sync::Arc;

use store::{
    Expression, Kind, Operator, Options, Store, StoreError, Value,
    plan::Plan,
    query::{Output, Select, Step},
    schema::{
        Check, Column, Default as Fallback, ForeignKey, ReferentialAction, Schema, Table, UniqueKey,
    },
};

pub(crate) const SERIAL: Kind = Kind::Serial { bits: 64 };
pub(crate) const INTEGER: Kind = Kind::Integer { bits: 32 };
pub(crate) const TEXT: Kind = Kind::Text { length_max: None };

pub(crate) fn varchar(length: u32) -> Kind {
    Kind::Text { length_max: Some(length) }
}

pub(crate) fn numeric(precision: u16, scale: u16) -> Kind {
    Kind::Numeric { precision: Some(precision), scale: Some(scale) }
}

pub(crate) fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable: true,
        default: None,
        generated: None,
        renamed_from: None,
        origin: format!("test.md:{name}"),
    }
}

pub(crate) fn required(name: &str, kind: Kind) -> Column {
    Column { nullable: false, ..column(name, kind) }
}

pub(crate) fn defaulted(name: &str, kind: Kind, value: Value) -> Column {
    Column { default: Some(Fallback::Value(value)), ..required(name, kind) }
}

pub(crate) fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        name: name.to_owned(),
        primary_key: columns.first().map(|column| column.name.clone()).into_iter().collect(),
        columns,
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        renamed_from: None,
        origin: format!("test.md:{name}"),
    }
}

pub(crate) fn unique(name: &str, columns: &[&str]) -> UniqueKey {
    UniqueKey {
        name: name.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        condition: None,
        origin: String::new(),
    }
}

pub(crate) fn check(name: &str, condition: Expression) -> Check {
    Check { name: name.to_owned(), condition, origin: String::new() }
}

pub(crate) fn refers(column: &str, table: &str, on_delete: ReferentialAction) -> ForeignKey {
    ForeignKey {
        columns: vec![column.to_owned()],
        table: table.to_owned(),
        referred: vec!["id".to_owned()],
        on_delete,
        on_update: ReferentialAction::NoAction,
    }
}

pub(crate) fn schema(tables: Vec<Table>) -> Schema {
    Schema { tables, ..Schema::default() }
}

/// Shelves with books: a key of each sort.
pub(crate) fn library() -> Schema {
    let mut books = table(
        "books",
        vec![
            required("id", SERIAL),
            required("title", varchar(20)),
            column("isbn", TEXT),
            column("shelf_id", Kind::Integer { bits: 64 }),
            defaulted("copies", INTEGER, Value::Integer(1)),
        ],
    );
    books.unique_keys.push(unique("books_isbn_key", &["isbn"]));
    books.checks.push(check(
        "copies_not_negative",
        Expression::column("copies").binary(Operator::GreaterOrEqual, Value::Integer(0).into()),
    ));
    books.foreign_keys.push(refers("shelf_id", "shelves", ReferentialAction::Restrict));
    let shelves = table("shelves", vec![required("id", SERIAL), required("name", TEXT)]);
    schema(vec![shelves, books])
}

/// Which store a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgresql,
}

tokio::task_local! {
    /// The store of the test at hand; SQLite where nothing is said.
    pub(crate) static ON: On;
}

/// Runs each test on both stores.
#[macro_export]
macro_rules! both_stores {
    ($($name:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                $crate::support::ON.scope($crate::support::On::Sqlite, super::$name()).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test]
            async fn $name() {
                $crate::support::ON.scope($crate::support::On::Postgresql, super::$name()).await;
            })*
        }
    };
}

/// The store of the test at hand.
pub(crate) fn on() -> On {
    ON.try_with(|on| *on).unwrap_or(On::Sqlite)
}

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) database: Option<postgres::Database>,
}

pub(crate) async fn empty() -> Fixture {
    open(Options::default()).await
}

pub(crate) async fn open(options: Options) -> Fixture {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (store, database) = match on() {
        On::Sqlite => (Store::open(directory.path(), options), None),
        On::Postgresql => {
            let database = postgres::database();
            (Store::open_postgres(&database.url, options).await, Some(database))
        }
    };
    Fixture { store: store.expect("a store"), directory, database }
}

pub(crate) async fn with(schema: &Schema) -> Fixture {
    let fixture = empty().await;
    migrate(&fixture.store, schema).await;
    fixture
}

pub(crate) async fn migrate(store: &Store, schema: &Schema) -> Plan {
    let plan = store.plan(schema).await.expect("a plan");
    store.apply(&plan, schema, "hash").await.expect("applied");
    plan
}

pub(crate) fn output(name: &str, kind: Kind) -> Output {
    Output { name: name.into(), column: name.into(), kind }
}

pub(crate) fn insert(table: &str, values: &[(&str, Value)], returning: &[Output]) -> Step {
    Step::Insert {
        table: table.into(),
        values: values.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect(),
        returning: returning.into(),
    }
}

pub(crate) fn update(table: &str, column: &str, value: Value, condition: Expression) -> Step {
    Step::Update {
        table: table.into(),
        set: vec![(column.into(), value.into())],
        condition,
        returning: Arc::from([]),
    }
}

pub(crate) fn delete(table: &str, condition: Expression) -> Step {
    Step::Delete { table: table.into(), condition, returning: Arc::from([]) }
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn select(table: &str, outputs: &[Output], condition: Expression) -> Select {
    Select {
        table: table.into(),
        outputs: outputs.into(),
        condition,
        order: Vec::new(),
        limit: None,
        offset: 0,
        nested: Vec::new(),
        is_by_index: true,
    }
}

pub(crate) async fn json(store: &Store, select: &Select) -> String {
    let rows = store.select(select).await.expect("rows");
    format!("[{}]", String::from_utf8(rows.json).expect("text"))
}

pub(crate) async fn write(store: &Store, steps: Vec<Step>) -> Result<(), StoreError> {
    store.write(steps).await.map(|_| ())
}

/// Writes a row of one column and shows it again.
pub(crate) async fn round(kind: Kind, value: Value) -> Result<String, StoreError> {
    let wished = schema(vec![table("t", vec![required("id", SERIAL), column("v", kind.clone())])]);
    let fixture = with(&wished).await;
    let outcome =
        fixture.store.write(vec![insert("t", &[("v", value)], &[output("v", kind)])]).await?;
    let row = outcome.into_iter().next().expect("an outcome").rows.json;
    Ok(String::from_utf8(row).expect("text"))
}
