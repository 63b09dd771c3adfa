//! For random rules, rows and filters, what a person sees is exactly what a reference evaluator
//! says they may see.

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value as Json, json};

use crate::desk::{Desk, Person};

/// Rules that a document may hold, with what they mean.
const RULES: [(&str, &str); 6] = [
    ("", "owner_id = auth.uid()"),
    ("", "is_open"),
    ("", "level < 3"),
    ("TO agent", "true"),
    ("", "label IN ('a', 'b') AND level >= 2"),
    ("", "NOT is_open AND level IS NULL"),
];

const FIELDS: [&str; 3] = ["level", "label", "is_open"];

/// A row: whose it is (0 and 1 are people, 2 is nobody), level, label, open.
#[derive(Debug, Clone)]
struct Thing {
    owner: usize,
    level: Option<i64>,
    label: Option<&'static str>,
    is_open: Option<bool>,
}

#[derive(Debug, Clone)]
enum Filter {
    Level(&'static str, i64),
    Label(&'static str, &'static str),
    Open(bool),
    Null(usize, bool),
    Labels(Vec<&'static str>, bool),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

impl Filter {
    fn text(&self) -> String {
        match self {
            Filter::Level(sign, level) => format!("level {sign} {level}"),
            Filter::Label(sign, label) => format!("label {sign} '{label}'"),
            Filter::Open(truth) => format!("is_open = {truth}"),
            Filter::Null(field, negated) => {
                format!("{} IS {}NULL", FIELDS[*field], if *negated { "NOT " } else { "" })
            }
            Filter::Labels(labels, negated) => {
                let list: Vec<String> = labels.iter().map(|label| format!("'{label}'")).collect();
                let not = if *negated { "NOT " } else { "" };
                format!("label {not}IN ({})", list.join(", "))
            }
            Filter::Not(inner) => format!("NOT ({})", inner.text()),
            Filter::And(left, right) => format!("({}) AND ({})", left.text(), right.text()),
            Filter::Or(left, right) => format!("({}) OR ({})", left.text(), right.text()),
        }
    }

    /// SQL's three values: none is unknown.
    fn holds(&self, thing: &Thing) -> Option<bool> {
        match self {
            Filter::Level(sign, level) => thing.level.map(|own| compare(sign, own.cmp(level))),
            Filter::Label(sign, label) => thing.label.map(|own| compare(sign, own.cmp(label))),
            Filter::Open(truth) => thing.is_open.map(|own| own == *truth),
            Filter::Null(field, negated) => {
                let is_null = match field {
                    0 => thing.level.is_none(),
                    1 => thing.label.is_none(),
                    _ => thing.is_open.is_none(),
                };
                Some(is_null != *negated)
            }
            Filter::Labels(labels, negated) if labels.is_empty() => Some(*negated),
            Filter::Labels(labels, negated) => {
                thing.label.map(|own| labels.contains(&own) != *negated)
            }
            Filter::Not(inner) => inner.holds(thing).map(|truth| !truth),
            Filter::And(left, right) => match (left.holds(thing), right.holds(thing)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Filter::Or(left, right) => match (left.holds(thing), right.holds(thing)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }
}

fn compare(sign: &str, ordering: std::cmp::Ordering) -> bool {
    match sign {
        "=" => ordering.is_eq(),
        "<>" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        _ => ordering.is_ge(),
    }
}

/// Whether a rule lets a person (0, 1, the agent 2, nobody 3) see a thing.
fn lets_see(rule: usize, person: usize, thing: &Thing) -> bool {
    match rule {
        0 => person < 2 && thing.owner == person,
        1 => thing.is_open == Some(true),
        2 => thing.level.is_some_and(|level| level < 3),
        3 => person == 2,
        4 => matches!(thing.label, Some("a" | "b")) && thing.level.is_some_and(|level| level >= 2),
        _ => thing.is_open == Some(false) && thing.level.is_none(),
    }
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let label = prop::option::of(prop::sample::select(vec!["a", "b", "c"]));
    let thing = (0..3_usize, prop::option::of(0..5_i64), label, prop::option::of(any::<bool>()));
    let thing =
        thing.prop_map(|(owner, level, label, is_open)| Thing { owner, level, label, is_open });
    prop::collection::vec(thing, 12)
}

fn filters() -> impl Strategy<Value = Vec<Filter>> {
    let sign = || prop::sample::select(vec!["=", "<>", "<", ">="]);
    let label = || prop::sample::select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        (sign(), 0..5_i64).prop_map(|(sign, level)| Filter::Level(sign, level)),
        (sign(), label()).prop_map(|(sign, label)| Filter::Label(sign, label)),
        any::<bool>().prop_map(Filter::Open),
        (0..3_usize, any::<bool>()).prop_map(|(field, negated)| Filter::Null(field, negated)),
        (prop::collection::vec(label(), 0..3), any::<bool>())
            .prop_map(|(labels, negated)| Filter::Labels(labels, negated)),
    ];
    let filter = leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Filter::Not(Box::new(one))),
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| Filter::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner)
                .prop_map(|(left, right)| Filter::Or(Box::new(left), Box::new(right))),
        ]
    });
    prop::collection::vec(filter, 8)
}

fn document(rules: &[usize]) -> String {
    let mut text = String::from(
        "# Things\n\n## Database\n\n```sql\nCREATE TABLE users (\n    id UUID PRIMARY KEY DEFAULT \
         gen_random_uuid(),\n    email VARCHAR(255) UNIQUE NOT NULL,\n    password_hash \
         VARCHAR(255) NOT NULL,\n    role VARCHAR(20) NOT NULL DEFAULT 'customer'\n);\n\nCREATE \
         TABLE things (\n    id SERIAL PRIMARY KEY,\n    owner_id UUID REFERENCES users(id),\n    \
         level INTEGER,\n    label VARCHAR(10),\n    is_open BOOLEAN\n);\n\n",
    );
    for rule in rules {
        let (to, using) = RULES[*rule];
        text.push_str(&format!(
            "CREATE POLICY rule_{rule} ON things FOR SELECT {to} USING ({using});\n"
        ));
    }
    text.push_str(
        "```\n\n## Security\n\n- **Roles**: customer, agent, admin\n- Password hashing: bcrypt \
         with cost 4\n- JWT algorithm: HS256\n",
    );
    text
}

/// The keys that a list shows; none at all where it is refused.
async fn shown(person: &Person<'_>, query: &str) -> Vec<i64> {
    let reply = person.get(&format!("/api/v1/things?limit=100&count=true{query}")).await;
    if reply.status == 401 || reply.status == 403 {
        return Vec::new();
    }
    assert_eq!(reply.status, 200, "{query}: {reply:?}");
    let mut keys: Vec<i64> = reply.rows().iter().filter_map(|row| row["id"].as_i64()).collect();
    keys.sort_unstable();
    assert_eq!(reply.body["total"], json!(keys.len()), "a total counts what is shown");
    keys
}

async fn check(rules: &[usize], things: &[Thing], filters: &[Filter]) {
    let desk = Desk::of(&document(rules)).await;
    let people = [
        desk.customer("anna").await,
        desk.customer("ben").await,
        desk.agent("gus").await,
        desk.anybody(),
    ];
    let admin = desk.admin().await;
    let mut keys = Vec::new();
    for thing in things {
        let owner = people.get(thing.owner).filter(|_| thing.owner < 2);
        let row = json!({
            "owner_id": owner.map_or(Json::Null, |person| person.id.clone().into()),
            "level": thing.level,
            "label": thing.label,
            "is_open": thing.is_open,
        });
        let made = admin.post("/api/v1/things", row).await;
        assert_eq!(made.status, 201, "{made:?}");
        keys.push(made.body["id"].as_i64().expect("a key"));
    }
    for (number, person) in people.iter().enumerate() {
        let may_see = |thing: &Thing| rules.iter().any(|rule| lets_see(*rule, number, thing));
        for filter in filters {
            let expected: Vec<i64> = things
                .iter()
                .zip(&keys)
                .filter(|(thing, _)| may_see(thing) && filter.holds(thing) == Some(true))
                .map(|(_, key)| *key)
                .collect();
            let text = filter.text();
            let encoded = percent_encode(&text);
            let found = shown(person, &format!("&filter={encoded}")).await;
            assert_eq!(found, expected, "rules {rules:?}, person {number}, filter {text}");
        }
        for (thing, key) in things.iter().zip(&keys) {
            let status = person.get(&format!("/api/v1/things/{key}")).await.status;
            assert_eq!(status == 200, may_see(thing), "{rules:?}, person {number}, {thing:?}");
        }
    }
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn what_is_shown_is_what_the_rules_and_the_filter_allow() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rules = prop::sample::subsequence((0..RULES.len()).collect::<Vec<_>>(), 1..4);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&(rules, things(), filters()), |(rules, things, filters)| {
            runtime.block_on(check(&rules, &things, &filters));
            Ok(())
        })
        .expect("what is shown is what may be seen");
}
