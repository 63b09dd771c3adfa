//! Tests of the security chapter over documents with hand-built tables and endpoints.

use crate::{
    Ledger, Span,
    api::{Binding, Endpoint, EndpointForm, Method, Operation},
    compile::Reading,
    data::{Column, ColumnType, EnumType, ForeignKey, Form, ReferentialAction, Table},
    expression::Expression,
    outline::Outline,
    security::{Action, Callers, Grant, Identity, Who, read},
    source::Sources,
    system::System,
};

/// A column of a type.
pub(crate) fn column(name: &str, kind: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable: false,
        default: None,
        generated: None,
        touched_on_update: false,
        write_only: false,
        comment: None,
        renamed_from: None,
        span: Span::default(),
        type_span: Span::default(),
    }
}

/// A table from `id uuid, user_id -> users, title`.
pub(crate) fn table(name: &str, columns: &str) -> Table {
    let mut found = Table {
        name: name.to_owned(),
        columns: vec![column("id", ColumnType::Uuid)],
        primary_key: vec!["id".to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        comment: None,
        form: Form::Sql,
        renamed_from: None,
        span: Span::default(),
    };
    for piece in columns.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        let (name, target) = piece.split_once(" -> ").map_or((piece, None), |(n, t)| (n, Some(t)));
        let (name, kind) = name.split_once(": ").map_or((name, None), |(n, k)| (n, Some(k)));
        let kind = match (kind, target) {
            (Some(enumeration), _) => ColumnType::Enum { name: enumeration.to_owned() },
            (None, Some(_)) => ColumnType::Uuid,
            _ => ColumnType::Text { length_max: None },
        };
        found.columns.push(column(name, kind));
        if let Some(target) = target {
            found.foreign_keys.push(ForeignKey {
                columns: vec![name.to_owned()],
                table: target.to_owned(),
                referred: vec!["id".to_owned()],
                on_delete: ReferentialAction::NoAction,
                on_update: ReferentialAction::NoAction,
                resolved: true,
                span: Span::default(),
            });
        }
    }
    found
}

/// An endpoint bound to an operation, with the words beside it.
pub(super) fn endpoint(line: &str, table: &str, operation: Operation, words: &str) -> Endpoint {
    let (method, path) = line.split_once(' ').expect("method and path");
    Endpoint {
        method: Method::parse(method).expect("method"),
        path: path.to_owned(),
        summary: None,
        binding: Binding::Table {
            table: table.to_owned(),
            operation,
            nested: None,
            filters: Vec::new(),
            key: None,
        },
        callers: (!words.is_empty()).then(|| Callers {
            who: Vec::new(),
            text: words.to_owned(),
            span: Span::new(0, 0, 1),
        }),
        request: None,
        responses: Vec::new(),
        parameters: Vec::new(),
        form: EndpointForm::TableRow,
        span: Span::default(),
    }
}

/// A shop with users, orders and their items, and an enumerated role.
pub(super) fn shop() -> System {
    let mut system = System::default();
    system.data.tables = vec![
        table("users", "email, password_hash, role: user_role"),
        table("orders", "user_id -> users, status"),
        table("order_items", "order_id -> orders, product_id -> products"),
        table("products", "title"),
    ];
    system.data.enums = vec![EnumType {
        name: "user_role".to_owned(),
        values: ["customer", "shop_manager", "admin"].map(str::to_owned).to_vec(),
        declared: true,
        span: Span::default(),
    }];
    system
}

/// Reads a document over a system, and gives it back with the codes of its diagnostics.
pub(super) fn secured(text: &str, mut system: System) -> (System, Vec<&'static str>) {
    let sources = Sources::single("a.md", text);
    let outline = Outline::of(&sources);
    let mut reading = Reading {
        sources: &sources,
        outline: &outline,
        ledger: Ledger::default(),
        diagnostics: Vec::new(),
    };
    read(&mut reading, &mut system);
    let codes = reading.diagnostics.iter().map(|diagnostic| diagnostic.code.code).collect();
    (system, codes)
}

fn grants<'a>(system: &'a System, table: &str, action: &Action) -> Vec<&'a Grant> {
    system
        .security
        .grants
        .iter()
        .filter(|grant| grant.table == table && grant.actions.contains(action))
        .collect()
}

fn mine(column: &str) -> Expression {
    Expression::column(column).equals(Expression::principal_id())
}

#[test]
fn users_are_found_by_login_and_password() {
    let (system, _) = secured("", shop());
    let expected = Identity::Table {
        table: "users".to_owned(),
        key: "id".to_owned(),
        login: "email".to_owned(),
        password: Some("password_hash".to_owned()),
        role: Some("role".to_owned()),
        active: None,
    };
    assert_eq!(system.security.identity, expected);
}

#[test]
fn contacts_with_an_address_are_no_users() {
    let mut system = System::default();
    system.data.tables = vec![table("customers", "email, name")];
    let (system, _) = secured("", system);
    assert_eq!(system.security.identity, Identity::BuiltIn);
}

#[test]
fn roles_are_those_of_the_role_column() {
    let (system, _) = secured("", shop());
    let roles: Vec<_> =
        system.security.roles.iter().map(|role| (role.name.as_str(), role.is_admin)).collect();
    assert_eq!(roles, [("customer", false), ("shop_manager", false), ("admin", true)]);
    assert_eq!(system.security.role_default.as_deref(), Some("customer"));
}

#[test]
fn a_list_under_a_heading_about_roles_defines_them() {
    let text = "## Roles\n\n- **Editor**: writes articles\n- **Administrator**: everything\n";
    let (system, _) = secured(text, System::default());
    let names: Vec<_> = system.security.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["Editor", "Administrator"]);
    assert!(system.security.roles[1].is_admin);
}

#[test]
fn settings_under_authorization_are_no_roles() {
    let text = "## Authorization\n\n- **Method**: JWT\n- **Session storage**: Redis\n";
    let (system, _) = secured(text, System::default());
    assert!(system.security.roles.is_empty());
}

#[test]
fn owners_are_found_through_foreign_keys() {
    let (system, _) = secured("", shop());
    let paths: Vec<_> = system
        .security
        .owners
        .iter()
        .map(|owner| (owner.table.as_str(), owner.path.join(".")))
        .collect();
    let expected = [
        ("users", "id".to_owned()),
        ("orders", "user_id".to_owned()),
        ("order_items", "order_id.user_id".to_owned()),
    ];
    assert_eq!(paths, expected);
    let Expression::InSelect { table, column, condition, .. } =
        &system.security.owners[2].condition
    else {
        panic!("a chain is a sub-select")
    };
    assert_eq!((table.as_str(), column.as_str()), ("orders", "id"));
    assert_eq!(**condition, mine("user_id"));
}

#[test]
fn an_ambiguous_owner_is_told_where_a_sentence_depends_on_it() {
    let mut system = shop();
    system.data.tables.push(table("shops", "user_id -> users"));
    system.data.tables.push(table("visits", "order_id -> orders, shop_id -> shops"));
    let (_, codes) = secured("", system.clone());
    assert!(!codes.contains(&"S005"), "nothing depends on it yet");
    system.api.endpoints = vec![endpoint("PUT /visits/{id}", "visits", Operation::Update, "Yes")];
    let (system, codes) = secured("", system);
    assert!(codes.contains(&"S005"));
    assert!(grants(&system, "visits", &Action::Update).is_empty(), "nothing is guessed");
}

#[test]
fn signed_in_users_read_all_and_write_their_own() {
    let mut system = shop();
    system.api.endpoints = vec![
        endpoint("GET /orders", "orders", Operation::List, "Yes"),
        endpoint("POST /orders", "orders", Operation::Create, "Yes"),
        endpoint("PUT /orders/{id}", "orders", Operation::Update, "Yes"),
        endpoint("DELETE /orders/{id}", "orders", Operation::Delete, "Admin"),
    ];
    let (system, codes) = secured("", system);
    let read = grants(&system, "orders", &Action::Read);
    assert_eq!((read[0].who.clone(), read[0].condition.clone()), (Who::Authenticated, None));
    assert!(codes.contains(&"S003"), "the open read is told");
    let update = grants(&system, "orders", &Action::Update);
    assert_eq!(update[0].condition, Some(mine("user_id")));
    let create = grants(&system, "orders", &Action::Create);
    assert_eq!(
        (create[0].condition.clone(), create[0].check.clone()),
        (None, Some(mine("user_id")))
    );
    let delete = grants(&system, "orders", &Action::Delete);
    assert_eq!(delete[0].who, Who::Admin);
}

#[test]
fn an_owner_sentence_without_an_owner_column_grants_nothing() {
    let mut system = shop();
    system.api.endpoints =
        vec![endpoint("PUT /products/{id}", "products", Operation::Update, "Owner")];
    let (system, codes) = secured("", system);
    assert!(codes.contains(&"S004"));
    assert!(system.security.grants.is_empty());
}

#[test]
fn a_role_that_is_not_defined_is_told() {
    let mut system = shop();
    system.api.endpoints =
        vec![endpoint("POST /products", "products", Operation::Create, "Yes (Shop Manger)")];
    let (_, codes) = secured("", system);
    assert!(codes.contains(&"S001"));
}

#[test]
fn spellings_of_a_role_are_one_role() {
    let mut system = shop();
    system.api.endpoints =
        vec![endpoint("POST /products", "products", Operation::Create, "Shop Managers")];
    let (system, codes) = secured("", system);
    assert!(!codes.contains(&"S001"));
    let create = grants(&system, "products", &Action::Create);
    assert_eq!(create[0].who, Who::Role { name: "shop_manager".to_owned() });
}

#[test]
fn tables_that_only_the_admin_reaches_are_told_once() {
    let (system, codes) = secured("", shop());
    assert!(system.security.grants.is_empty());
    assert_eq!(codes, ["S002"]);
}

#[test]
fn a_sentence_about_all_endpoints_counts_for_those_without_words() {
    let mut system = shop();
    system.api.endpoints = vec![
        endpoint("GET /products", "products", Operation::List, ""),
        endpoint("GET /orders", "orders", Operation::List, "Admin"),
        endpoint("GET /orders/search", "orders", Operation::List, ""),
    ];
    let text = "All endpoints require a JWT except `GET /products`.\n";
    let (system, _) = secured(text, system);
    assert_eq!(grants(&system, "products", &Action::Read)[0].who, Who::Public);
    let orders: Vec<_> =
        grants(&system, "orders", &Action::Read).iter().map(|grant| grant.who.clone()).collect();
    assert_eq!(orders, [Who::Admin, Who::Authenticated]);
}
