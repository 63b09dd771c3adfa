//! Whole documents through the api reader, over tables written by hand.

use super::*;
use crate::{
    Diagnostic, Ledger, Sources, Span, System,
    compile::Reading,
    data::{
        Column, ColumnType, Data, EnumType, ForeignKey, Form, ReferentialAction, Table, UniqueKey,
    },
    outline::Outline,
    security::Who,
};

/// Tables in short: `posts(id!, slug*, author_id>users, status=draft|published, is_hot?)`, where
/// `!` is the key, `*` unique, `>` a foreign key, `=` a list of values, `?` a boolean and
/// `@` a time stamp.
fn data(short: &str) -> Data {
    let mut data = Data::default();
    for line in short.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, columns) = line.split_once('(').expect("a table");
        let mut table = Table {
            name: name.to_owned(),
            columns: Vec::new(),
            primary_key: Vec::new(),
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
        for column in columns.trim_end_matches(')').split(',').map(str::trim) {
            add_column(&mut data, &mut table, column);
        }
        data.tables.push(table);
    }
    data
}

fn add_column(data: &mut Data, table: &mut Table, short: &str) {
    let end = short.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(short.len());
    let (name, mark) = short.split_at(end);
    let mut kind = ColumnType::Text { length_max: None };
    let span = Span::default();
    for mark in mark.split_inclusive(['!', '*', '?', '@']) {
        match mark.chars().next() {
            Some('!') => table.primary_key.push(name.to_owned()),
            Some('*') => table.unique_keys.push(UniqueKey {
                name: None,
                columns: vec![name.to_owned()],
                condition: None,
                span,
            }),
            Some('?') => kind = ColumnType::Boolean,
            Some('@') => kind = ColumnType::Timestamp { zoned: true },
            Some('#') => kind = ColumnType::Integer { bits: 32 },
            Some('>') => table.foreign_keys.push(ForeignKey {
                columns: vec![name.to_owned()],
                table: mark[1..].trim_end_matches(['*', '!', '@']).to_owned(),
                referred: vec!["id".to_owned()],
                on_delete: ReferentialAction::NoAction,
                on_update: ReferentialAction::NoAction,
                resolved: true,
                span,
            }),
            Some('=') => {
                let values = mark[1..].split('|').map(str::to_owned).collect();
                let name = format!("{}_{name}", table.name);
                kind = ColumnType::Enum { name: name.clone() };
                data.enums.push(EnumType { name, values, declared: false, span });
            }
            _ => {}
        }
    }
    table.columns.push(Column {
        name: name.to_owned(),
        kind,
        nullable: true,
        default: None,
        generated: None,
        touched_on_update: false,
        write_only: false,
        comment: None,
        renamed_from: None,
        span,
        type_span: span,
    });
}

const SHOP: &str = "
    users(id!, email*, username*, role, avatar_url)
    profiles(id!, user_id*>users, bio)
    products(id!, slug*, name, is_featured?)
    orders(id!, user_id>users, status=pending|paid|shipped|cancelled, total)
    order_items(id!, order_id>orders, product_id>products, amount#)
    tags(id!, name*)
    product_tags(product_id>products, tag_id>tags)
    notifications(id!, user_id>users, is_read?)
    comments(id!, product_id>products, parent_id>comments, text)
";

fn compile(text: &str, tables: &str) -> (System, Vec<Diagnostic>) {
    let sources = Sources::single("a.md", text);
    let outline = Outline::of(&sources);
    let mut reading = Reading {
        sources: &sources,
        outline: &outline,
        ledger: Ledger::default(),
        diagnostics: Vec::new(),
    };
    let mut system = System { data: data(tables), ..System::default() };
    read(&mut reading, &mut system);
    (system, reading.diagnostics)
}

/// The binding of one endpoint in short.
fn short(binding: &Binding) -> String {
    match binding {
        Binding::Table { table, operation, nested, filters, key } => {
            let mut words = format!("{operation:?} {table}");
            if let Some(key) = key {
                words += &format!(" by {}={}", key.column, key.parameter);
            }
            if let Some(nested) = nested {
                words += &format!(
                    " under {}.{}={} by {}",
                    nested.parent, nested.parent_column, nested.parameter, nested.column
                );
                if let Some(through) = &nested.through {
                    words += &format!(" through {}", through.table);
                }
            }
            for (column, value) in filters {
                words += &format!(" where {column}={value}");
            }
            words
        }
        Binding::Transition { table, action, column, target, .. } => {
            format!("{action} {table}: {column}={target}")
        }
        Binding::BuiltIn { built_in } => format!("{built_in:?}"),
        Binding::Query { parameters, .. } => format!("query({})", parameters.join(",")),
        Binding::Unbound { candidates } => format!("unbound({})", candidates.join(",")),
    }
}

fn check_binding(endpoint: &str, expected: &str) {
    let (system, _) = compile(&format!("- `{endpoint}`\n"), SHOP);
    assert_eq!(system.api.endpoints.len(), 1, "{endpoint}");
    assert_eq!(short(&system.api.endpoints[0].binding), expected, "{endpoint}");
}

#[test]
fn collections_and_rows_bind_to_tables() {
    check_binding("GET /api/v1/products", "List products");
    check_binding("POST /product", "Create products");
    check_binding("GET /orders/{orderId}", "Get orders by id=orderId");
    check_binding("PUT /order-items/:id", "Replace order_items by id=id");
    check_binding("PATCH /orderItems/[id]", "Update order_items by id=id");
    check_binding("DELETE /api/admin/orders/{id}", "Delete orders by id=id");
    check_binding("GET /catalog/products", "List products");
    check_binding("GET /products/{slug}", "Get products by slug=slug");
    check_binding("GET /users/{username}", "Get users by username=username");
}

#[test]
fn nested_routes_go_through_foreign_keys() {
    check_binding("GET /users/{id}/orders", "List orders under users.id=id by user_id");
    check_binding("POST /orders/{id}/items", "Create order_items under orders.id=id by order_id");
    check_binding(
        "GET /users/{user_id}/orders/{order_id}",
        "Get orders by id=order_id under users.id=user_id by user_id",
    );
    check_binding(
        "GET /products/{id}/tags",
        "List tags under products.id=id by id through product_tags",
    );
    check_binding(
        "POST /products/{id}/tags",
        "Create product_tags under products.id=id by product_id",
    );
    check_binding("GET /users/{id}/profile", "Get profiles under users.id=id by user_id");
    check_binding("GET /comments/{id}/replies", "List comments under comments.id=id by parent_id");
    check_binding("GET /users/me/orders", "List orders under users.id=@me by user_id");
}

#[test]
fn actions_values_and_columns_bind() {
    check_binding("POST /orders/{id}/cancel", "cancel orders: status=cancelled");
    check_binding("POST /orders/{id}/pay", "pay orders: status=paid");
    check_binding("PATCH /orders/{id}/ship", "ship orders: status=shipped");
    check_binding("PATCH /orders/{id}/status", "Update orders by id=id");
    check_binding("PATCH /notifications/{id}/read", "read notifications: is_read=true");
    check_binding("GET /orders/pending", "List orders where status=pending");
    check_binding("GET /products/featured", "List products where is_featured=true");
    check_binding("DELETE /notifications/{id}/read", "read notifications: is_read=false");
    check_binding("DELETE /orders/{id}/cancel", "unbound(orders)");
    check_binding("POST /orders/{id}/teleport", "unbound(orders)");
}

#[test]
fn built_ins_are_known_in_their_spellings() {
    check_binding("POST /api/auth/signup", "Register");
    check_binding("POST /auth/sign-in", "Login");
    check_binding("POST /users/login", "Login");
    check_binding("POST /auth/refresh-token", "Refresh");
    check_binding("POST /auth/logout", "Logout");
    check_binding("GET /users/me", "Me");
    check_binding("PATCH /users/me", "UpdateMe");
    check_binding("GET /auth/me", "Me");
    check_binding("GET /auth/user", "Me");
    check_binding("POST /auth/password/reset/request", "ForgotPassword");
    check_binding("POST /auth/forgot-password", "ForgotPassword");
    check_binding("POST /auth/reset-password/{token}", "ResetPassword");
    check_binding("POST /auth/change-password", "ChangePassword");
    check_binding("POST /auth/email/verify", "VerifyEmail");
    check_binding("GET /health", "Health");
    check_binding("GET /health/ready", "Ready");
    check_binding("GET /api/v1/openapi.json", "OpenApi");
    check_binding("POST /replicas/register", "unbound()");
}

/// All endpoints of a document in short: `GET /x | callers`.
fn check_endpoints(text: &str, expected: &[&str]) {
    let (system, _) = compile(text, SHOP);
    let found: Vec<String> = system
        .api
        .endpoints
        .iter()
        .map(|endpoint| {
            let mut words = format!("{} {}", endpoint.method.word(), endpoint.path);
            if let Some(callers) = &endpoint.callers {
                let who: Vec<String> = callers
                    .who
                    .iter()
                    .map(|who| match who {
                        Who::Role { name } => name.clone(),
                        who => format!("{who:?}").to_lowercase(),
                    })
                    .collect();
                words += &format!(" | {}", who.join(","));
            }
            words
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn every_form_declares() {
    check_endpoints("### GET /orders\n", &["GET /orders"]);
    check_endpoints("## 5. POST /v1/auth/logout  *(unchanged)*\n", &["POST /v1/auth/logout"]);
    check_endpoints("**POST /orders**\n- Purpose: x\n", &["POST /orders"]);
    check_endpoints("- `GET /orders/:id` - one order\n", &["GET /orders/{id}"]);
    check_endpoints("- POST `/orders`\n", &["POST /orders"]);
    check_endpoints("**Endpoint:** `GET /orders`\n", &["GET /orders"]);
    check_endpoints("It is read with `GET /orders` each night.\n", &["GET /orders"]);
    check_endpoints("It is read with GET /orders each night.\n", &[]);
    check_endpoints(
        "```\nGET    /orders     # all\nPOST /orders\n```\n",
        &["GET /orders", "POST /orders"],
    );
    check_endpoints("```typescript\n// GET /orders - list\n```\n", &["GET /orders"]);
    check_endpoints(
        "```yaml\nPOST /orders:\n  auth: yes\n```\n",
        &["POST /orders | authenticated"],
    );
    check_endpoints("```bash\ncurl -X POST http://localhost/orders\n```\n", &[]);
    check_endpoints("```\n│ POST /orders │\n```\n", &[]);
}

#[test]
fn tables_declare_in_any_order_and_language() {
    check_endpoints(
        "| Method | Endpoint | Description | Auth |\n|---|---|---|---|\n| GET | `/orders` | x | Yes (Admin) |\n| POST | `/orders` | y | No |\n",
        &["GET /orders | admin", "POST /orders | public"],
    );
    check_endpoints(
        "| 说明 | 路径 | 方法 |\n|---|---|---|\n| 列表 | /orders | GET |\n",
        &["GET /orders"],
    );
    check_endpoints(
        "| API | Does |\n|---|---|\n| `GET /orders/{id}` | x |\n",
        &["GET /orders/{id}"],
    );
    check_endpoints(
        "### Auth (`/api/auth`)\n\n| Method | Path | Auth |\n|---|---|---|\n| POST | /register | Public |\n",
        &["POST /api/auth/register | public"],
    );
    // Pages of a web site, not endpoints.
    check_endpoints("| Route | Purpose |\n|---|---|\n| /login | Login page |\n", &[]);
}

#[test]
fn what_is_not_ours_or_not_filled_in_is_not_declared() {
    check_endpoints("## External APIs\n\n- `POST /v1/charges` - charge\n", &[]);
    check_endpoints("## Stripe API\n\n- `POST /v1/charges` - charge\n", &[]);
    check_endpoints("- `POST https://api.stripe.com/v1/charges`\n", &[]);
    check_endpoints("## Endpoints\n\n- `POST /webhooks/stripe`\n", &["POST /webhooks/stripe"]);
    check_endpoints("```http\nPOST /api/v1/[resource]\n```\n", &[]);
    check_endpoints("**GET /api/resource**\n", &[]);
    check_endpoints("- `GET /api/auth/*` - all\n", &[]);
}

#[test]
fn one_endpoint_in_several_places_is_one() {
    let text = "- `GET /events/{id}` - one\n\n```\nGET /api/v1/events/{eventId}   # details\n```\n";
    check_endpoints(text, &["GET /api/v1/events/{eventId}"]);
}

#[test]
fn a_missing_resource_is_reported_once() {
    let text = "- `GET /shipments`\n- `GET /shipments/{id}`\n- `DELETE /shipments/{id}`\n";
    let (_, diagnostics) = compile(text, SHOP);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].code.code, "A001");
    assert!(diagnostics[0].message.contains("3 endpoints"), "{}", diagnostics[0].message);
    assert_eq!(diagnostics[0].labels.len(), 2);
}

#[test]
fn an_unknown_action_names_its_table_and_states() {
    let (_, diagnostics) = compile("- `POST /orders/{id}/teleport`\n", SHOP);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].code.code, "A002");
    assert!(diagnostics[0].remedies[0].text.contains("shipped"));
}

#[test]
fn callers_that_contradict_show_both_places() {
    let text = "| Method | Path | Auth |\n|---|---|---|\n| GET | /orders | Public |\n\n- `GET /orders` (admin only)\n";
    let (_, diagnostics) = compile(text, SHOP);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].code.code, "A003");
    assert_eq!(diagnostics[0].labels.len(), 1);
}

#[test]
fn the_base_is_what_bound_endpoints_share() {
    let base = |text: &str| compile(text, SHOP).0.api.base;
    assert_eq!(base("- `GET /api/v2/orders`\n"), "/api/v2");
    assert_eq!(base("- `GET /orders`\n"), "");
    assert_eq!(base("text\n"), "/api/v1");
    assert_eq!(base("Base URL: `/api`\n\n- `GET /orders`\n"), "/api");
    assert_eq!(base("Base URL: `/api/v3/...`\n\n- `GET /orders`\n"), "/api/v3");
}

/// Statuses and bodies of one endpoint's examples.
fn check_examples(text: &str, request: Option<&str>, responses: &[(Option<u16>, &str)]) {
    let (system, _) = compile(text, SHOP);
    let endpoint = &system.api.endpoints[0];
    let found = endpoint.request.as_ref().map(|example| example.body.to_string());
    assert_eq!(found.as_deref(), request, "{text}");
    let found: Vec<(Option<u16>, String)> = endpoint
        .responses
        .iter()
        .map(|example| (example.status, example.body.to_string()))
        .collect();
    let found: Vec<(Option<u16>, &str)> =
        found.iter().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(found, responses, "{text}");
}

#[test]
fn bodies_are_kept_as_examples() {
    check_examples(
        "```http\nPOST /orders\nContent-Type: application/json\n\n{\n  \"total\": 5\n}\n```\n\n**Response:**\n\n```json\n{ \"id\": 1 }\n```\n",
        Some("{\"total\":5}"),
        &[(None, "{\"id\":1}")],
    );
    check_examples(
        "```yaml\nPOST /orders\nHeaders:\n  Accept: application/json\nBody:\n  { \"total\": 5 }\nResponse:\n  201 Created\n  { \"id\": 1 }\n```\n",
        Some("{\"total\":5}"),
        &[(Some(201), "{\"id\":1}")],
    );
    check_examples(
        "**GET /orders**\n- Purpose: x\n- Response: `{ \"data\": [...] }`\n",
        None,
        &[(None, "{\"data\":[]}")],
    );
    check_examples(
        "### POST /orders\n\n#### Request\n\n```json\n{\"a\": 1}\n```\n\n#### Error Response (422)\n\n```json\n{\"error\": \"x\"}\n```\n",
        Some("{\"a\":1}"),
        &[(Some(422), "{\"error\":\"x\"}")],
    );
    check_examples(
        "### GET /orders\n\n## Another section\n\n```json\n{\"a\": 1}\n```\n",
        None,
        &[],
    );
}

#[test]
fn lines_under_an_endpoint_say_who_may_call() {
    check_endpoints(
        "### GET /orders\n\n**Authentication:** Required (admin only)\n",
        &["GET /orders | admin"],
    );
    check_endpoints("**GET /orders**\n- Auth: none\n", &["GET /orders | public"]);
    check_endpoints(
        "```http\nGET /orders\nAuthorization: Bearer {token}\n```\n",
        &["GET /orders | authenticated"],
    );
    check_endpoints("- `GET /orders` - all (admin only)\n", &["GET /orders | admin"]);
    check_endpoints("**GET /orders**\n- Authentication: Required/Not required\n", &["GET /orders"]);
}

#[test]
fn a_query_fence_is_what_the_endpoint_runs() {
    let text = "### GET /reports/sales\n\n```sql\nSELECT sum(total) FROM orders WHERE total > :least;\n```\n";
    let (system, diagnostics) = compile(text, SHOP);
    assert_eq!(short(&system.api.endpoints[0].binding), "query(least)");
    assert!(diagnostics.is_empty());
}

#[test]
fn the_envelope_is_taken_from_the_samples() {
    let text = "## Response Format\n\n```json\n{\"success\": true, \"data\": {\"id\": 1}, \"meta\": {\"timestamp\": \"x\"}}\n```\n";
    let envelope = compile(text, SHOP).0.api.envelope;
    assert_eq!(envelope.item.as_deref(), Some("data"));
    assert_eq!(envelope.list.as_deref(), Some("data"));
    assert_eq!(envelope.meta.as_deref(), Some("meta"));
    assert_eq!(envelope.constants, [("success".to_owned(), serde_json::Value::Bool(true))]);

    let text = "### GET /orders\n\n```json\n{\"items\": [{\"id\": 1}], \"pagination\": {\"page\": 1, \"per_page\": 20, \"total\": 3, \"total_pages\": 1}}\n```\n";
    let api = compile(text, SHOP).0.api;
    assert_eq!(api.envelope.list.as_deref(), Some("items"));
    assert_eq!(api.envelope.item, None);
    assert_eq!(api.envelope.page.as_deref(), Some("pagination"));
    assert_eq!(api.pagination.limit_parameter, "per_page");
    let kinds: Vec<PageMember> = api.pagination.members.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(
        kinds,
        [PageMember::Page, PageMember::Limit, PageMember::Total, PageMember::TotalPages]
    );

    let bare = compile("### GET /orders\n\n```json\n[{\"id\": 1}]\n```\n", SHOP).0.api.envelope;
    assert!(bare.bare_list);
    let none = compile("### GET /orders\n", SHOP).0.api.envelope;
    assert_eq!((none.item, none.list, none.bare_list), (None, None, false));
}

/// Paths of code, message, details and request id in the error shape, joined by dots.
fn check_error(sample: &str, expected: [&str; 4]) {
    let text = format!("## Error Response\n\n```json\n{sample}\n```\n");
    let shape = compile(&text, SHOP).0.api.error_shape;
    let word = |path: Option<Vec<String>>| path.unwrap_or_default().join(".");
    let found =
        [word(shape.code), shape.message.join("."), word(shape.details), word(shape.request_id)];
    assert_eq!(found, expected, "{sample}");
}

#[test]
fn the_error_shape_is_taken_from_the_sample() {
    check_error(
        "{\"error\": {\"code\": \"A\", \"message\": \"m\", \"details\": {\"a\": \"b\"}, \"request_id\": \"r\"}}",
        ["error.code", "error.message", "error.details", "error.request_id"],
    );
    check_error(
        "{\"success\": false, \"error\": {\"code\": \"A\", \"message\": \"m\", \"details\": []}, \"meta\": {\"request_id\": \"r\"}}",
        ["error.code", "error.message", "error.details", "meta.request_id"],
    );
    check_error("{\"error\": \"words\"}", ["", "error", "", ""]);
    check_error("{\"detail\": \"words\"}", ["", "detail", "", ""]);
    check_error(
        "{\"statusCode\": 400, \"message\": \"m\", \"error\": \"Bad Request\"}",
        ["error", "message", "", ""],
    );
}

#[test]
fn json_is_camel_case_where_all_samples_spell_columns_so() {
    let camel = "### POST /order-items\n\n```json\n{\"orderId\": 1, \"productId\": 2}\n```\n";
    assert_eq!(compile(camel, SHOP).0.api.json_case, JsonCase::Camel);
    let snake = "### POST /order-items\n\n```json\n{\"order_id\": 1, \"productId\": 2}\n```\n";
    assert_eq!(compile(snake, SHOP).0.api.json_case, JsonCase::Snake);
}

/// Codes of what is said about a document, in order.
fn check_codes(text: &str, expected: &[&str]) {
    let (_, diagnostics) = compile(text, SHOP);
    let found: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.code).collect();
    assert_eq!(found, expected, "{text}: {diagnostics:#?}");
}

#[test]
fn examples_are_compared_with_their_tables() {
    let post = |body: &str| format!("### POST /order-items\n\n```json\n{body}\n```\n");
    check_codes(&post("{\"order_id\": \"a\", \"amount\": 2}"), &[]);
    check_codes(&post("{\"order_id\": \"a\", \"colour\": \"red\"}"), &["A022"]);
    check_codes(&post("{\"order_id\": \"a\", \"amount\": \"12\"}"), &["A023"]);
    // A sketch of types, nested rows and a foreign key without its ending are no mistakes.
    check_codes(&post("{\"order\": \"a\", \"amount\": \"integer\", \"tags\": [1]}"), &[]);
    check_codes("### GET /orders/{id}\n\n```json\n{\"status\": \"lost\"}\n```\n", &["A023"]);
    check_codes("### GET /orders/{id}\n\n```json\n{\"status\": \"PAID\"}\n```\n", &[]);
    check_codes("### POST /users\n\n```json\n{\"email\": \"a\", \"password\": \"b\"}\n```\n", &[]);
}

#[test]
fn openapi_endpoints_stand_under_their_server() {
    let text = "```yaml\nopenapi: 3.1.0\ninfo:\n  title: {Feature} API\nservers:\n  - url: https://x.dev/v2\nsecurity:\n  - bearer: []\npaths:\n  /orders/{id}:\n    get:\n      summary: one\n      security: []\n    delete:\n      security:\n        - bearer: [admin]\n```\n";
    check_endpoints(text, &["GET /v2/orders/{id} | public", "DELETE /v2/orders/{id} | admin"]);
    let fragment = "```yaml\n/orders:\n  get:\n    summary: all\n```\n";
    check_endpoints(fragment, &["GET /orders"]);
}

#[test]
fn hostile_text_ends_soon_and_panics_never() {
    let pieces = [
        "- `GET /a{",
        "```http\nPOST /x\n{{{{{{",
        "| GET | /",
        "### GET /\n",
        "POST (((((((/a",
        "```json\n[[[[[[",
        "GET /a/:/b",
        "GET /{}/[]/<>",
        "`GET /é`\n",
        "```yaml\n/a:\n  get: [",
        "HTTP/1.1 2",
        "Base URL:\n\n",
        "**Response (é):** {\"a\"",
        "GET /a?&&&=;",
        "\u{0}GET /x",
    ];
    for piece in pieces {
        compile(&piece.repeat(3), SHOP);
        compile(&format!("{piece}\n\n").repeat(300), SHOP);
    }
}

#[test]
fn longer_ways_to_say_a_plain_thing_bind_to_it() {
    check_binding("POST /orders/create", "Create orders");
    check_binding("PUT /orders/{id}/update", "Update orders by id=id");
    check_binding("POST /orders/{id}/delete", "Delete orders by id=id");
    check_binding("DELETE /orders/delete/{id}", "Delete orders by id=id");
    check_binding("GET /orders/{id}/details", "Get orders by id=id");
    check_binding("GET /orders/recent", "List orders");
    check_binding("PATCH /orders/status/{id}", "Update orders by id=id");
    check_binding("POST /createOrder", "Create orders");
    check_binding("GET /get-orders", "List orders");
    check_binding("POST /updateOrder/{id}", "Update orders by id=id");
    check_binding("GET /auth/orders", "List orders");
    check_binding(
        "POST /products/{id}/product/tags",
        "Create product_tags under products.id=id by product_id",
    );
}

#[test]
fn a_longer_way_that_does_not_say_enough_stays_unbound() {
    check_binding("GET /getOrder", "unbound()");
    check_binding("PUT /orders/update", "unbound(orders)");
    check_binding("POST /orders/generate", "unbound(orders)");
    check_binding("POST /functions/create-order", "unbound()");
    check_binding("POST /enrich/profiles", "unbound()");
    check_binding("GET /orders/{id}/invoice", "unbound(orders)");
}

#[test]
fn rows_are_selected_by_a_column_or_by_what_they_belong_to() {
    check_binding("GET /users/by-email/{email}", "Get users by email=email");
    check_binding("GET /orders/status/{status}", "List orders by status=status");
    check_binding("GET /orders/user/{userId}", "List orders under users.id=userId by user_id");
    check_binding("GET /catalog/products/{id}", "Get products by id=id");
}

#[test]
fn a_row_leads_to_what_it_refers_to() {
    check_binding("GET /orders/{id}/user", "Get users under orders.id=id by id through orders");
}

#[test]
fn the_callers_own_rows_are_found_in_their_spellings() {
    for path in ["/my/orders", "/my-orders", "/orders/my-orders", "/user/orders", "/orders/mine"] {
        check_binding(&format!("GET {path}"), "List orders under users.id=@me by user_id");
    }
}

fn check_in(tables: &str, endpoint: &str, expected: &str) {
    let (system, _) = compile(&format!("- `{endpoint}`\n"), tables);
    assert_eq!(short(&system.api.endpoints[0].binding), expected, "{endpoint}");
}

#[test]
fn a_table_is_known_by_its_last_word_where_no_other_ends_so() {
    let one = "trips(id!)\ntrip_stops(id!, trip_id>trips)\naudit_logs(id!)";
    check_in(one, "PUT /stops/{id}", "Replace trip_stops by id=id");
    check_in(one, "GET /logs", "unbound()");
    let two = "trips(id!)\ntrip_stops(id!, trip_id>trips)\nbus_stops(id!)";
    check_in(two, "PUT /stops/{id}", "unbound()");
    check_in("folders(id!)\nfolder_shares(id!)", "GET /share/{token}", "unbound()");
}

#[test]
fn a_name_in_two_words_is_one_table() {
    let tables = "trips(id!)\nbudget_items(id!, trip_id>trips)\nweekly_notes(id!)";
    check_in(
        tables,
        "POST /trips/{id}/budget/items",
        "Create budget_items under trips.id=id by trip_id",
    );
    check_in(tables, "GET /notes/weekly", "List weekly_notes");
}

#[test]
fn a_word_that_describes_a_column_changes_it() {
    let tables = "drivers(id!, is_available?, is_online?, current_latitude#, current_longitude#)";
    for word in ["availability", "online-status", "location"] {
        check_in(tables, &format!("PUT /drivers/{{id}}/{word}"), "Update drivers by id=id");
    }
    check_in(tables, "PUT /drivers/{id}/ride-status", "unbound(drivers)");
}

#[test]
fn an_action_sets_the_time_stamp_that_bears_its_name() {
    let tables = "posts(id!, published_at@, is_pinned?)\nfiles(id!, deleted_at@)";
    check_in(tables, "POST /posts/{id}/publish", "publish posts: published_at=now()");
    check_in(tables, "POST /posts/{id}/unpublish", "unpublish posts: published_at=null");
    check_in(tables, "DELETE /posts/{id}/publish", "publish posts: published_at=null");
    check_in(tables, "POST /files/{id}/restore", "restore files: deleted_at=null");
    check_in(tables, "POST /posts/{id}/toggle-pinned", "toggle_pinned posts: is_pinned=toggle");
    check_in(tables, "POST /files/{id}/scan", "unbound(files)");
}

#[test]
fn an_action_makes_a_row_of_the_table_that_is_called_after_it() {
    let tables = "users(id!, email)\nevents(id!)\ntrips(id!)\nshared_trips(id!, trip_id>trips)\n\
                  registrations(event_id!>events, user_id!>users)";
    check_in(
        tables,
        "POST /events/{id}/register",
        "Create registrations under events.id=id by event_id",
    );
    check_in(
        tables,
        "DELETE /events/{id}/register",
        "Delete registrations by user_id=@me under events.id=id by event_id",
    );
    check_in(
        tables,
        "DELETE /events/{id}/registrations",
        "Delete registrations by user_id=@me under events.id=id by event_id",
    );
    check_in(tables, "POST /trips/{id}/share", "Create shared_trips under trips.id=id by trip_id");
    check_in(tables, "POST /trips/{id}/copy", "unbound(trips)");
}

#[test]
fn a_parameter_names_a_row_of_its_own_table_alone() {
    let tables = "partners(id!)\ndocuments(id!, partner_id>partners, kind)\nnotes(id!, title)";
    check_in(
        tables,
        "GET /documents/{partnerId}",
        "List documents under partners.id=partnerId by partner_id",
    );
    check_in(
        tables,
        "POST /documents/{partnerId}",
        "Create documents under partners.id=partnerId by partner_id",
    );
    check_in(tables, "DELETE /documents/{partnerId}", "unbound(documents)");
    check_in(tables, "GET /documents/{kind}", "List documents by kind=kind");
    check_in(tables, "GET /notes/{partnerId}", "unbound(notes)");
    check_in(tables, "GET /notes/{noteUuid}", "Get notes by id=noteUuid");
    check_in(tables, "GET /notes/{entryId}", "Get notes by id=entryId");
    check_in(tables, "GET /notes/{version}", "unbound(notes)");
    check_in("logs(id!, day!)", "GET /logs/{id}", "Get logs by id=id");
    check_in("pairs(left!, right!)", "GET /pairs/{id}", "unbound(pairs)");
}

#[test]
fn a_name_as_it_stands_wins_over_its_other_number() {
    let text = "```sql\nCREATE TABLE \"order\" (id INT PRIMARY KEY);\n\
        CREATE TABLE orders (id INT PRIMARY KEY);\n```\n\n- `GET /order`\n- `GET /orders`\n";
    let compiled = crate::compile(Sources::single("a.md", text));
    let endpoints = compiled.system.api.endpoints.iter();
    let bound: Vec<String> = endpoints.map(|endpoint| short(&endpoint.binding)).collect();
    assert_eq!(bound, ["List order", "List orders"]);
}

#[test]
fn views_are_read_and_never_written() {
    let text = "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT);\n\
        CREATE TABLE orders (id UUID PRIMARY KEY, user_id UUID REFERENCES users(id), total INT);\n\
        CREATE VIEW order_totals AS SELECT user_id, SUM(total) AS total FROM orders GROUP BY 1;\n\
        CREATE VIEW open_orders AS SELECT id, user_id FROM orders;\n```\n\n\
        - `GET /order-totals`\n- `GET /open-orders/{id}`\n- `GET /users/{id}/open-orders`\n\
        - `POST /open-orders`\n- `GET /my/open-orders`\n";
    let compiled = crate::compile(Sources::single("a.md", text));
    let endpoints = compiled.system.api.endpoints.iter();
    let bound: Vec<String> = endpoints.map(|endpoint| short(&endpoint.binding)).collect();
    assert_eq!(
        bound,
        [
            "List order_totals",
            "Get open_orders by id=id",
            "List open_orders under users.id=id by user_id",
            "unbound(open_orders)",
            "List open_orders under users.id=@me by user_id",
        ]
    );
}

#[test]
fn below_a_parent_a_parameter_names_the_rest_of_the_key() {
    let tables = "users(id!, email)\nnotes(id!)\nshares(note_id!>notes, user_id!>users)";
    check_in(
        tables,
        "DELETE /notes/{id}/shares/{userId}",
        "Delete shares by user_id=userId under notes.id=id by note_id",
    );
    check_in(tables, "DELETE /notes/{id}/shares/{sharer}", "unbound(shares)");
}
