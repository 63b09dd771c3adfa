//! What statements reach.

use store::{
    Value,
    schema::{Column, Table, View},
};

use super::*;

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: store::Kind::Integer { bits: 64 },
        nullable: true,
        default: None,
        generated: None,
        renamed_from: None,
        origin: String::new(),
    }
}

fn table(name: &str, refers: &[(&str, ReferentialAction, ReferentialAction)]) -> Table {
    let key =
        |(table, on_delete, on_update): &(&str, ReferentialAction, ReferentialAction)| ForeignKey {
            columns: vec![format!("{table}_id")],
            table: (*table).to_owned(),
            referred: vec!["id".to_owned()],
            on_delete: *on_delete,
            on_update: *on_update,
        };
    Table {
        name: name.to_owned(),
        columns: vec![column("id")],
        primary_key: vec!["id".to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: refers.iter().map(key).collect(),
        indexes: Vec::new(),
        renamed_from: None,
        origin: String::new(),
    }
}

fn schema() -> Schema {
    use ReferentialAction::{Cascade, NoAction, Restrict, SetNull};
    let view = |name: &str, select: &str| View {
        name: name.to_owned(),
        select: select.to_owned(),
        origin: String::new(),
    };
    Schema {
        tables: vec![
            table("shops", &[]),
            table("orders", &[("shops", Cascade, NoAction)]),
            table("order_lines", &[("orders", Cascade, Cascade)]),
            table("notes", &[("order_lines", SetNull, NoAction)]),
            table("audits", &[("orders", Restrict, NoAction)]),
        ],
        views: vec![
            view("busy", "SELECT * FROM orders JOIN Order_Lines USING (id)"),
            view("busiest", "SELECT * FROM busy"),
            view("recent", "SELECT * FROM notes WHERE at > now() - interval '1 day'"),
        ],
        drops: Vec::new(),
    }
}

struct Stage {
    reach: Reach,
    names: Vec<(String, Arc<Generation>)>,
}

fn stage() -> Stage {
    let schema = schema();
    let names: Vec<_> = schema
        .tables
        .iter()
        .map(|table| (table.name.clone(), Arc::new(Generation::new(&table.name))))
        .collect();
    let of = |name: &str| {
        let found = names.iter().find(|(own, _)| own == name).expect("a table");
        Arc::clone(&found.1)
    };
    Stage { reach: Reach::of(&schema, of), names }
}

impl Stage {
    fn names(&self, generations: &[Arc<Generation>]) -> Vec<&str> {
        let is_in = |own: &Arc<Generation>| generations.iter().any(|one| Arc::ptr_eq(one, own));
        self.names.iter().filter(|(_, own)| is_in(own)).map(|(name, _)| name.as_str()).collect()
    }

    fn read(&self, versions: Option<Versions>) -> Option<Vec<&str>> {
        let generations: Vec<_> = versions?.0.into_iter().map(|(one, _)| one).collect();
        Some(self.names(&generations))
    }
}

#[track_caller]
fn check_written(step: Step, expected: &[&str]) {
    let stage = stage();
    assert_eq!(stage.names(&stage.reach.written(&[step])), expected);
}

fn delete(table: &str) -> Step {
    let condition = Expression::Always(true);
    Step::Delete { table: Arc::from(table), condition, returning: Arc::from([]) }
}

#[test]
fn a_delete_reaches_all_that_follows() {
    check_written(delete("shops"), &["shops", "orders", "order_lines", "notes"]);
    check_written(delete("order_lines"), &["order_lines", "notes"]);
    check_written(delete("audits"), &["audits"]);
}

#[test]
fn an_update_reaches_what_follows_its_key_and_a_create_nothing_else() {
    let update = |table: &str| Step::Update {
        table: Arc::from(table),
        set: Vec::new(),
        condition: Expression::Always(true),
        returning: Arc::from([]),
    };
    check_written(update("orders"), &["orders", "order_lines"]);
    check_written(update("shops"), &["shops"]);
    let insert =
        Step::Insert { table: Arc::from("shops"), values: Vec::new(), returning: Arc::from([]) };
    check_written(insert, &["shops"]);
}

#[test]
fn a_query_depends_on_the_tables_of_its_views() {
    let stage = stage();
    let check = |sql: &str, expected: Option<Vec<&str>>| {
        assert_eq!(stage.read(stage.reach.of_query(sql)), expected, "{sql}");
    };
    check("SELECT count(*) FROM busiest", Some(vec!["orders", "order_lines"]));
    check("SELECT * FROM \"OrderLines\" l", Some(vec!["order_lines"]));
    check("SELECT * FROM order.lines", Some(vec!["order_lines"]));
    check("SELECT 1", None);
}

fn select(table: &str, condition: Expression) -> Select {
    Select {
        table: Arc::from(table),
        outputs: Arc::from([]),
        condition,
        order: Vec::new(),
        limit: None,
        offset: 0,
        nested: Vec::new(),
        is_by_index: false,
    }
}

#[test]
fn a_read_depends_on_what_its_access_rule_looks_into() {
    let stage = stage();
    let exists = |table: &str| Expression::Exists {
        table: table.to_owned(),
        condition: Box::new(Expression::column("id").equals(Value::Integer(1))),
    };
    let check = |condition: Expression, expected: Option<Vec<&str>>| {
        let read = stage.reach.of_select(&select("shops", condition.clone()));
        assert_eq!(stage.read(read), expected, "{condition:?}");
    };
    check(Expression::Always(true), Some(vec!["shops"]));
    check(Expression::Not(Box::new(exists("notes"))), Some(vec!["shops", "notes"]));
    check(exists("busy"), Some(vec!["shops", "orders", "order_lines"]));
    // Who may see it changes as time goes by.
    check(exists("recent"), None);
    check(Expression::column("until").binary(store::Operator::Greater, Expression::Now), None);
    check(exists("unknown"), None);
}

#[test]
fn versions_hold_until_a_table_is_counted_up() {
    let stage = stage();
    let versions = stage.reach.of_query("SELECT * FROM busy").expect("its tables");
    assert!(versions.hold());
    stage.reach.written(&[delete("audits")]).iter().for_each(|one| one.count_up());
    assert!(versions.hold(), "another table");
    stage.reach.written(&[delete("shops")]).iter().for_each(|one| one.count_up());
    assert!(!versions.hold());
}
