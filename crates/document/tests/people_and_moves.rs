//! Who of two people owns a row, roles at the arrows of a drawing, and what is said once.

use document::{Compiled, Sources, compile};

fn compiled(text: &str) -> Compiled {
    compile(Sources::single("a.md", text))
}

fn with_users(table: &str) -> Compiled {
    compiled(&format!(
        "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT, role TEXT \
         CHECK (role IN ('agent', 'customer', 'admin')));\n{table}\n```\n"
    ))
}

fn check_owner(first: &str, second: &str, expected: Option<&str>, is_both: bool) {
    let references = "UUID NOT NULL REFERENCES users(id)";
    let table = format!(
        "CREATE TABLE pairs (id UUID PRIMARY KEY, {second} {references}, {first} {references});"
    );
    let system = with_users(&table).system;
    let owner = system.security.owners.iter().find(|owner| owner.table == "pairs");
    let column = owner.and_then(|owner| owner.path.first().map(String::as_str));
    assert_eq!(column, expected, "{first} and {second}");
    let condition = owner.map(|owner| format!("{:?}", owner.condition)).unwrap_or_default();
    assert_eq!(condition.contains(second), is_both, "{first} and {second}: {condition}");
}

#[test]
fn the_one_who_acts_owns_a_pair() {
    check_owner("inviter_id", "invitee_id", Some("inviter_id"), true);
    check_owner("from_user_id", "to_user_id", Some("from_user_id"), true);
    check_owner("sender_id", "recipient_id", Some("sender_id"), true);
    check_owner("requester_id", "addressee_id", Some("requester_id"), true);
    check_owner("follower_id", "followed_user_id", Some("follower_id"), true);
    check_owner("user_id", "friend_id", Some("user_id"), true);
}

#[test]
fn nobody_owns_the_block_or_report_that_is_about_them() {
    check_owner("blocker_id", "blocked_id", Some("blocker_id"), false);
    check_owner("reporter_id", "reported_user_id", Some("reporter_id"), false);
    check_owner("referrer_id", "referred_id", Some("referrer_id"), false);
    check_owner("user_id", "blocked_user_id", Some("user_id"), false);
}

const ORDERS: &str = "CREATE TABLE orders (id UUID PRIMARY KEY, user_id UUID REFERENCES users(id), \
     status TEXT DEFAULT 'new' CHECK (status IN ('new', 'ok', 'done')));";

fn with_states(arrows: &str) -> Compiled {
    compiled(&format!(
        "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT, role TEXT \
         CHECK (role IN ('agent', 'customer', 'admin')));\n{ORDERS}\n```\n\n## Order states\n\n\
         ```mermaid\nstateDiagram-v2\n    [*] --> new\n{arrows}```\n\n\
         - `POST /orders/{{id}}/approve`\n"
    ))
}

#[test]
fn a_role_in_brackets_at_an_arrow_may_move_it_and_a_guard_is_none() {
    let system =
        with_states("    new --> ok: approve [agent]\n    ok --> done: finish [paid > 0]\n").system;
    let transitions = &system.messaging.machines[0].transitions;
    assert_eq!(transitions[0].action.as_deref(), Some("approve"));
    assert_eq!(transitions[0].roles, ["agent"]);
    assert!(transitions[1].roles.is_empty(), "{transitions:?}");
    let binding = format!("{:?}", system.api.endpoints[0].binding);
    assert!(binding.contains("Transition"), "{binding}");
}

fn callers(line: &str) -> String {
    let compiled = compiled(&format!(
        "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT, role TEXT \
         CHECK (role IN ('agent', 'customer', 'admin')));\n{ORDERS}\n```\n\n{line}\n"
    ));
    let endpoint = compiled.system.api.endpoints.first().expect("an endpoint");
    let who = endpoint.callers.as_ref().map(|callers| callers.who.clone()).unwrap_or_default();
    let words: Vec<String> = who
        .iter()
        .map(|who| match who {
            document::security::Who::Role { name } => name.clone(),
            other => format!("{other:?}"),
        })
        .collect();
    words.join(", ")
}

#[test]
fn roles_and_levels_after_an_endpoint_say_who_may_call_it_and_other_words_do_not() {
    assert_eq!(callers("- `POST /orders` – (agent)"), "agent");
    assert_eq!(callers("- **POST** `/orders` — owner or admin"), "Owner, Admin");
    assert_eq!(callers("- `POST /orders` - place an order [agent, customer]"), "agent, customer");
    assert_eq!(callers("```\nPOST /orders   # place one (agent only)\n```"), "agent");
    assert_eq!(callers("- `GET /orders` - list"), "");
    assert_eq!(callers("- `GET /orders` - all (paged)"), "");
    assert_eq!(callers("- `GET /orders` - orders of an agent"), "");
}

#[test]
fn a_role_that_reaches_own_rows_only_is_the_owner() {
    assert_eq!(callers("### GET /orders\n\n**Auth:** customer (own), agent"), "Owner, agent");
}

#[test]
fn a_drawn_key_follows_the_only_relation_that_no_other_key_names() {
    let system = compiled(
        "```mermaid\nerDiagram\n    USERS ||--o{ LOTS : sells\n    LOTS ||--o{ BIDS : gets\n    \
         USERS ||--o{ BIDS : places\n    USERS {\n        uuid id PK\n        string email\n    }\n    \
         LOTS {\n        uuid id PK\n        uuid seller_id FK\n    }\n    BIDS {\n        \
         uuid id PK\n        uuid lot_id FK\n        uuid bidder_id FK\n    }\n```\n",
    )
    .system;
    let refers = |table: &str, column: &str| {
        let table = system.data.table(table).expect("a table");
        let key = table.foreign_keys.iter().find(|key| key.columns == [column]);
        key.map(|key| key.table.clone())
    };
    assert_eq!(refers("lots", "seller_id").as_deref(), Some("users"));
    assert_eq!(refers("bids", "bidder_id").as_deref(), Some("users"));
    assert_eq!(refers("bids", "lot_id").as_deref(), Some("lots"));
}

#[test]
fn states_that_the_column_does_not_take_are_told_together() {
    let compiled = with_states(
        "    new --> ok: approve\n    ok --> done: end\n    new --> lost: lose\n    new --> gone: go\n    gone --> sold: sell\n",
    );
    let told: Vec<_> = compiled.diagnostics.iter().filter(|one| one.code.code == "M002").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].labels.len(), 3, "two more states and the column");
    assert!(told[0].message.contains("`lost`, `gone`, `sold`"), "{}", told[0].message);
}

#[test]
fn an_unbound_endpoint_is_told_once() {
    let compiled =
        compiled(&format!("```sql\n{ORDERS}\n```\n\n- `POST /orders/{{id}}/teleport`\n"));
    let about: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|one| compiled.sources.text(one.span).contains("teleport"))
        .map(|one| one.code.code)
        .collect();
    assert_eq!(about, ["A002"]);
}

#[test]
fn a_comma_too_many_is_told_and_the_table_stands() {
    let compiled =
        with_users("CREATE TABLE a (id INT PRIMARY KEY,, b TEXT, CHECK (b IN ('x', 'y')));");
    let told: Vec<_> = compiled.diagnostics.iter().filter(|one| one.code.code == "D002").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(compiled.sources.text(told[0].span), ",");
    assert!(told[0].remedies[0].edit.is_some());
    assert_eq!(compiled.system.data.table("a").map(|table| table.columns.len()), Some(2));
}

#[test]
fn bold_prose_keeps_its_opening_marks() {
    let compiled = compiled("- **Note on tone**: we write as we speak\n");
    let texts: Vec<_> = compiled
        .ledger
        .statements
        .iter()
        .map(|statement| compiled.sources.text(statement.span))
        .collect();
    assert_eq!(texts, ["**Note on tone**: we write as we speak"]);
}

#[test]
fn own_rows_of_a_role_are_those_whose_column_bears_its_name() {
    let system = compiled(
        "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT, password_hash TEXT, role TEXT \
         DEFAULT 'patient' CHECK (role IN ('patient', 'doctor', 'admin')));\n\
         CREATE TABLE visits (id UUID PRIMARY KEY, patient_id UUID REFERENCES users(id), \
         doctor_id UUID REFERENCES users(id));\n```\n\n## Permissions\n\n\
         | Action | patient | doctor |\n| --- | --- | --- |\n\
         | View visits | Own | Own |\n| Update visits | No | Yes |\n",
    )
    .system;
    let conditions = |role: &str| -> Vec<String> {
        let is_it = |who: &document::security::Who| {
            matches!(who,
            document::security::Who::Role { name } if name == role)
        };
        let grants = system.security.grants.iter().filter(|grant| is_it(&grant.who));
        let reads = grants.filter(|grant| {
            grant.actions.contains(&document::security::Action::Read) && grant.table == "visits"
        });
        reads.map(|grant| format!("{:?}", grant.condition)).collect()
    };
    let (patient, doctor) = (conditions("patient"), conditions("doctor"));
    assert!(patient.len() == 1 && patient[0].contains("patient_id"), "{patient:?}");
    // Changing all visits does not open those that the table says are not shown.
    assert!(doctor.len() == 1 && doctor[0].contains("doctor_id"), "{doctor:?}");
}

#[test]
fn a_sentence_keeps_people_to_their_own_rows() {
    let reads = |text: &str| {
        let system = compiled(&format!(
            "```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT);\n{ORDERS}\n```\n\n\
             All endpoints require a token.\n\n- `GET /orders`\n\n{text}\n"
        ))
        .system;
        let exposed = document::security::exposure(&system);
        let read = exposed
            .iter()
            .find(|row| row.table == "orders" && row.action == document::security::Action::Read);
        format!("{:?}", read.map(|row| row.allowed.iter().map(|one| one.rows).collect::<Vec<_>>()))
    };
    assert_eq!(reads(""), "Some([All])");
    assert_eq!(reads("Users may only see their own orders."), "Some([Own])");
    assert_eq!(reads("Users can only access their own orders and carts."), "Some([Own])");
    assert_eq!(reads("Users may only see their own reflection."), "Some([All])");
}
