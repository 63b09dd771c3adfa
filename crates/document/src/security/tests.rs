//! Tests of the security chapter over documents with hand-built tables and endpoints.

use crate::{
    Ledger, Span,
    api::{Binding, Endpoint, EndpointForm, Method, Operation},
    compile::Reading,
    data::{Column, ColumnType, EnumType, ForeignKey, Form, ReferentialAction, Table},
    expression::Expression,
    outline::Outline,
    security::{Action, Callers, Grant, Identity, Rows, Who, exposure, read},
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
        exclusions: Vec::new(),
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
fn a_cell_of_a_role_table_says_more_than_that_callers_are_signed_in() {
    let mut system = shop();
    let mut read = endpoint("GET /orders/{id}", "orders", Operation::Get, "Bearer token");
    read.callers = Some(Callers {
        who: vec![Who::Authenticated],
        text: "bearerAuth".to_owned(),
        span: Span::default(),
    });
    system.api.endpoints = vec![read];
    let text = "## Access\n\n| Endpoint | customer | admin |\n|---|---|---|\n\
                | GET /orders/{id} | Own | ✅ |\n";
    let (system, _) = secured(text, system);
    let found = grants(&system, "orders", &Action::Read);
    assert!(!found.is_empty());
    for grant in found {
        let is_open = grant.who == Who::Authenticated && grant.condition.is_none();
        assert!(!is_open, "{grant:?}");
    }
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

/// Who may do an action on a table, in short: `Public`, `editor`, `Owner own`.
fn who_may(system: &System, table: &str, action: &Action) -> Vec<String> {
    exposure(system)
        .into_iter()
        .filter(|row| row.table == table && row.action == *action)
        .flat_map(|row| row.allowed)
        .map(|allowed| {
            let name = match allowed.who {
                Who::Role { name } => name,
                other => format!("{other:?}"),
            };
            match allowed.rows {
                Rows::All => name,
                Rows::Own => format!("{name} own"),
                Rows::Some => format!("{name} some"),
            }
        })
        .collect()
}

#[test]
fn level_bullets_grant_what_they_say() {
    let text = "\
#### Authorization Levels

- **Public**: read products, register
- **Authenticated**: create orders
- **Owner**: Resource owner only
- **Admin**: Administrative privileges
";
    let (system, codes) = secured(text, shop());
    assert_eq!(who_may(&system, "products", &Action::Read), ["Public"]);
    assert_eq!(who_may(&system, "orders", &Action::Create), ["Authenticated own"]);
    assert_eq!(who_may(&system, "orders", &Action::Update), ["Owner own"]);
    assert_eq!(who_may(&system, "order_items", &Action::Delete), ["Owner own"]);
    assert!(who_may(&system, "products", &Action::Update).is_empty());
    assert!(!codes.contains(&"S001"), "level words are no roles");
}

#[test]
fn a_definition_of_levels_alone_opens_nothing_but_own_rows() {
    let text = "\
## Authorization Levels

- **Public**: No authentication required
- **Authenticated**: Valid token required
- **Admin**: Administrative privileges
";
    let (system, _) = secured(text, shop());
    assert!(system.security.grants.is_empty());
}

#[test]
fn role_lists_count_only_where_verb_and_table_are_clear() {
    let text = "\
## User Roles

- **Customer**: create orders, view products, enjoy the shop
- **Shop Manager**: Create and edit products; manage deliveries
- **Admin**: Full access
";
    let (system, codes) = secured(text, shop());
    assert_eq!(who_may(&system, "orders", &Action::Create), ["customer own"]);
    assert_eq!(who_may(&system, "products", &Action::Read), ["customer", "shop_manager"]);
    assert_eq!(who_may(&system, "products", &Action::Update), ["shop_manager"]);
    assert!(who_may(&system, "products", &Action::Delete).is_empty());
    assert!(!codes.contains(&"S001"));
}

#[test]
fn a_role_table_lists_permissions() {
    let text = "\
### Role-Based Access Control (RBAC)

| Role | Permissions |
| --- | --- |
| customer | read products |
| shop_manager | create/edit products |
| admin | All operations |
";
    let (system, _) = secured(text, shop());
    assert_eq!(who_may(&system, "products", &Action::Read), ["customer", "shop_manager"]);
    assert_eq!(who_may(&system, "products", &Action::Create), ["shop_manager"]);
}

#[test]
fn a_matrix_of_roles_and_actions_allows_and_refuses() {
    let text = "\
## Permission Matrix

| Action | Customer | Shop Manager | Admin |
| --- | --- | --- | --- |
| View products | ✅ | ✅ | ✅ |
| Create/edit products | ❌ | Yes | ✅ |
| View orders | Own | ✅ | ✅ |
| Fly to the moon | ❌ | ❌ | ✅ |
";
    let mut system = shop();
    system.api.endpoints = vec![endpoint("POST /products", "products", Operation::Create, "Yes")];
    let (system, codes) = secured(text, system);
    assert_eq!(who_may(&system, "products", &Action::Read), ["customer", "shop_manager"]);
    assert_eq!(who_may(&system, "products", &Action::Create), ["shop_manager"]);
    assert_eq!(who_may(&system, "orders", &Action::Read), ["customer own", "shop_manager"]);
    assert!(codes.contains(&"S008"), "the moon is told");
}

#[test]
fn a_matrix_of_resources_and_actions_names_callers() {
    let text = "\
## Access Control

| Resource | Create | Read | Update | Delete |
| --- | --- | --- | --- | --- |
| Products | Shop Manager | Public | Shop Manager | Admin |
| Orders | Authenticated | Owner, Admin | Owner | Admin |
";
    let (system, _) = secured(text, shop());
    assert_eq!(who_may(&system, "products", &Action::Read), ["Public"]);
    assert_eq!(who_may(&system, "products", &Action::Update), ["shop_manager"]);
    assert_eq!(who_may(&system, "orders", &Action::Read), ["Owner own"]);
    assert_eq!(who_may(&system, "orders", &Action::Create), ["Authenticated own"]);
    assert!(who_may(&system, "orders", &Action::Delete).is_empty());
}

#[test]
fn a_matrix_of_roles_and_resources_lists_letters() {
    let text = "\
## Permissions

| Resource | Customer | Shop Manager | Admin |
| --- | --- | --- | --- |
| Products | R | CRUD | CRUD |
| Orders | Own | Read, Update | Full |
";
    let (system, _) = secured(text, shop());
    assert_eq!(who_may(&system, "products", &Action::Read), ["customer", "shop_manager"]);
    assert_eq!(who_may(&system, "products", &Action::Delete), ["shop_manager"]);
    assert_eq!(who_may(&system, "orders", &Action::Update), ["customer own", "shop_manager"]);
    assert_eq!(who_may(&system, "orders", &Action::Delete), ["customer own"]);
}

#[test]
fn a_matrix_of_roles_and_endpoints_gives_callers() {
    let text = "\
## API permissions

| API Endpoint | CUSTOMER | SHOP_MANAGER | ADMIN |
| --- | --- | --- | --- |
| **Products** | | | |
| POST /products | ❌ | ✅ | ✅ |
| `PUT /products/:id` | ❌ | ❌ | ✅ |
";
    let mut system = shop();
    system.api.endpoints = vec![
        endpoint("POST /api/v1/products", "products", Operation::Create, ""),
        endpoint("PUT /api/v1/products/{id}", "products", Operation::Update, ""),
    ];
    let (system, codes) = secured(text, system);
    assert_eq!(who_may(&system, "products", &Action::Create), ["shop_manager"]);
    assert!(who_may(&system, "products", &Action::Update).is_empty());
    assert!(!codes.contains(&"S008"));
}

#[test]
fn a_fence_of_roles_lists_permissions() {
    let text = "\
### RBAC

```
Role: customer
  - View, edit own orders

Role: admin
  - All user permissions
```
";
    let (system, _) = secured(text, shop());
    assert_eq!(who_may(&system, "orders", &Action::Read), ["customer own"]);
    assert_eq!(who_may(&system, "orders", &Action::Update), ["customer own"]);
}

#[test]
fn signatures_and_other_tables_are_no_matrices() {
    let text = "\
## Sign-off

| Role | Name | Date | Signature |
| --- | --- | --- | --- |
| Product Owner | [Pending] | [Pending] | ✅ |

## Feature comparison

| Feature | Free | Pro |
| --- | --- | --- |
| Exports | ❌ | ✅ |
";
    let mut system = shop();
    system.data.enums.clear();
    let (system, codes) = secured(text, system);
    assert!(system.security.roles.is_empty());
    assert_eq!(codes, ["S002"]);
}

/// Reads a whole document, SQL and all.
fn compiled(text: &str) -> (System, Vec<(&'static str, String)>) {
    let compiled = crate::compile(Sources::single("a.md", text));
    let told = compiled
        .diagnostics
        .iter()
        .filter(|told| told.code.code.starts_with('S'))
        .map(|told| (told.code.code, told.message.clone()))
        .collect();
    (compiled.system, told)
}

const BLOG: &str = "\
# Blog

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'editor', 'admin'))
);
CREATE TABLE posts (
  id UUID PRIMARY KEY,
  user_id UUID NOT NULL REFERENCES users(id),
  title TEXT NOT NULL
);
CREATE TABLE comments (
  id UUID PRIMARY KEY,
  post_id UUID NOT NULL REFERENCES posts(id),
  body TEXT NOT NULL
);
```
";

fn with_policy(policy: &str) -> (System, Vec<(&'static str, String)>) {
    compiled(&format!("{BLOG}\n```sql\n{policy}\n```\n"))
}

fn has(told: &[(&str, String)], code: &str) -> bool {
    told.iter().any(|(known, _)| *known == code)
}

#[test]
fn simple_policies_become_grants() {
    let read = &Action::Read;
    for (policy, who) in [
        ("FOR SELECT USING (true)", "Public"),
        ("FOR SELECT TO authenticated USING (true)", "Authenticated"),
        ("FOR SELECT USING (auth.role() = 'authenticated')", "Authenticated"),
        ("FOR SELECT USING (auth.uid() = user_id)", "Owner own"),
        ("FOR SELECT USING (user_id = current_setting('app.current_user_id')::uuid)", "Owner own"),
        ("FOR SELECT USING (auth.jwt() ->> 'role' = 'editor')", "editor"),
        (
            "FOR SELECT USING (EXISTS (SELECT 1 FROM users u WHERE u.id = auth.uid() \
             AND u.role = 'editor'))",
            "editor",
        ),
        ("USING (auth.uid() = user_id)", "Owner own"),
    ] {
        let (system, told) = with_policy(&format!("CREATE POLICY p ON posts {policy};"));
        assert_eq!(who_may(&system, "posts", read), [who], "{policy}");
        assert!(!has(&told, "S007"), "{policy}");
    }
}

#[test]
fn alternatives_of_a_policy_are_grants_of_their_own() {
    let (system, _) = with_policy(
        "CREATE POLICY p ON posts FOR UPDATE USING (user_id = auth.uid() OR \
         auth.jwt() ->> 'role' IN ('editor', 'admin'));",
    );
    assert_eq!(who_may(&system, "posts", &Action::Update), ["Owner own", "editor"]);
    assert!(who_may(&system, "posts", &Action::Delete).is_empty());
}

#[test]
fn policies_through_another_table_keep_their_condition() {
    let (system, told) = with_policy(
        "CREATE POLICY p ON comments FOR SELECT USING (post_id IN \
         (SELECT id FROM posts WHERE user_id = auth.uid()));",
    );
    assert!(!has(&told, "S007"));
    assert_eq!(who_may(&system, "comments", &Action::Read), ["Owner own"]);
}

#[test]
fn a_bare_name_inside_a_sub_select_may_be_a_column_of_the_row_at_hand() {
    let policy = |name: &str| {
        format!(
            "CREATE POLICY p ON comments FOR SELECT USING (EXISTS (SELECT 1 FROM posts \
             WHERE posts.id = {name} AND posts.user_id = auth.uid()));"
        )
    };
    let (system, told) = with_policy(&policy("post_id"));
    assert!(!has(&told, "S007"));
    let granted = grants(&system, "comments", &Action::Read);
    let condition = granted[0].condition.as_ref().expect("a condition");
    assert_eq!(condition.columns(), ["post_id"]);
    // Neither table has it: nothing is opened, and nothing fails when it is asked for.
    let (system, told) = with_policy(&policy("blog_id"));
    assert!(has(&told, "S007"));
    assert!(who_may(&system, "comments", &Action::Read).is_empty());
}

#[test]
fn a_policy_for_insert_checks_the_new_row() {
    let (system, _) =
        with_policy("CREATE POLICY p ON posts FOR INSERT WITH CHECK (auth.uid() = user_id);");
    let create = grants(&system, "posts", &Action::Create);
    assert!(create[0].condition.is_none() && create[0].check.is_some());
}

#[test]
fn a_policy_that_is_not_understood_closes_the_table() {
    let text = format!(
        "{BLOG}\n```sql\nCREATE POLICY p ON posts FOR SELECT USING (is_staff());\n```\n\n\
         | Method | Path | Auth |\n|---|---|---|\n| GET | /posts | Yes |\n"
    );
    let (system, told) = compiled(&text);
    assert!(has(&told, "S007"));
    assert!(who_may(&system, "posts", &Action::Read).is_empty());
}

#[test]
fn a_declared_function_that_tells_the_role_is_understood() {
    let (system, told) = with_policy(
        "CREATE FUNCTION is_editor() RETURNS boolean AS $$\n\
         SELECT EXISTS (SELECT 1 FROM users WHERE id = auth.uid() AND role = 'editor')\n\
         $$ LANGUAGE sql;\nCREATE POLICY p ON posts FOR DELETE USING (is_editor());",
    );
    assert!(!has(&told, "S007"), "{told:?}");
    assert_eq!(who_may(&system, "posts", &Action::Delete), ["editor"]);
}

#[test]
fn a_restrictive_policy_narrows_all_others() {
    let (system, _) = with_policy(
        "CREATE POLICY a ON posts FOR SELECT USING (true);\n\
         CREATE POLICY b ON posts AS RESTRICTIVE FOR SELECT USING (title <> 'secret');",
    );
    assert_eq!(who_may(&system, "posts", &Action::Read), ["Public some"]);
}

#[test]
fn whoever_may_change_rows_sees_them() {
    let text = format!("{BLOG}\n## User Roles\n\n- **Editor**: edit posts\n- **Admin**: all\n");
    let (system, _) = compiled(&text);
    assert_eq!(who_may(&system, "posts", &Action::Read), ["editor"]);
    assert!(who_may(&system, "posts", &Action::Create).is_empty());
}

#[test]
fn limits_on_all_endpoints_open_none() {
    let text = format!(
        "{BLOG}\n## Rate limits\n\n| Endpoint | Limit |\n|---|---|\n\
         | All endpoints (authenticated) | 60 per minute |\n\n- `GET /posts`\n"
    );
    let (system, _) = compiled(&text);
    assert!(system.security.grants.is_empty());
}

#[test]
fn paths_of_the_admin_stay_the_admins() {
    let text = format!(
        "{BLOG}\nAll endpoints require authentication.\n\n- `GET /posts`\n- `GET /admin/users`\n"
    );
    let (system, _) = compiled(&text);
    assert_eq!(who_may(&system, "posts", &Action::Read), ["Authenticated"]);
    assert!(who_may(&system, "users", &Action::Read).is_empty());
}

#[test]
fn roles_in_yaml_list_permissions() {
    let text = format!(
        "{BLOG}\n### RBAC\n\n```yaml\nroles:\n  member:\n    - posts:read\n    - posts:update:own\n  \
         editor:\n    - \"read:comments\"\n    - moon:fly\n  admin:\n    - \"*\"\n```\n"
    );
    let (system, _) = compiled(&text);
    assert_eq!(who_may(&system, "posts", &Action::Read), ["member"]);
    assert_eq!(who_may(&system, "posts", &Action::Update), ["member own"]);
    assert_eq!(who_may(&system, "comments", &Action::Read), ["editor"]);
}

#[test]
fn machines_of_other_tools_define_no_roles() {
    let text = "```yaml\nhosts: web\nroles:\n  - nginx\n  - postgres\n```\n";
    let (system, _) = compiled(text);
    assert!(system.security.roles.is_empty());
}

#[test]
fn a_table_and_an_endpoint_that_disagree_are_told() {
    let text = "\
## Permission Matrix

| Action | Customer | Shop Manager |
| --- | --- | --- |
| Delete products | ❌ | ✅ |
";
    let mut system = shop();
    system.api.endpoints =
        vec![endpoint("DELETE /products/{id}", "products", Operation::Delete, "Customer")];
    let (system, codes) = secured(text, system);
    assert!(codes.contains(&"S006"));
    assert_eq!(who_may(&system, "products", &Action::Delete), ["shop_manager"]);
}

#[test]
fn a_role_may_have_the_permissions_of_another() {
    let text = "\
## Roles

- **Customer**: read products
- **Shop Manager**: all customer permissions
";
    let (system, _) = secured(text, shop());
    assert_eq!(who_may(&system, "products", &Action::Read), ["customer", "shop_manager"]);
}

#[test]
fn roles_in_a_table_of_their_own_are_told() {
    let mut system = shop();
    system.data.tables[0] = table("users", "email, password_hash, role_id -> roles");
    system.data.tables.push(table("roles", "name"));
    let (_, codes) = secured("", system);
    assert!(codes.contains(&"S009"));
}

#[test]
fn names_beside_moves_say_who() {
    let text = format!(
        "{BLOG}\n```sql\nCREATE TABLE tickets (\n  id UUID PRIMARY KEY,\n  \
         user_id UUID NOT NULL REFERENCES users(id),\n  \
         status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'done', 'lost'))\n);\n```\n\n\
         ## Ticket states\n\n| From | To | Action | Who |\n|---|---|---|---|\n\
         | open | done | resolve | Editor |\n| open | lost | expire | System |\n"
    );
    let (system, _) = compiled(&text);
    let machine =
        system.messaging.machines.iter().find(|found| found.table == "tickets").expect("tickets");
    assert_eq!(machine.transitions[0].roles, ["editor"]);
    assert_eq!(machine.transitions[1].roles, ["admin"]);
    let resolve = Action::Transition { name: "resolve".to_owned() };
    assert_eq!(who_may(&system, "tickets", &resolve), ["editor"]);
}
