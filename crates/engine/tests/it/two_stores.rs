//! The same requests at two services, one on SQLite and one on PostgreSQL, with the same clock and
//! the same dice: every answer must be the same, byte for byte.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use engine::World;
use http::Method;
use jiff::Timestamp;
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use crate::{
    desk::{Desk, Reply},
    postgres,
};

/// A kind of column: its type, values that it takes, and values that it refuses.
struct Sort {
    name: &'static str,
    declared: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

const SORTS: &[Sort] = &[
    Sort {
        name: "title",
        declared: "VARCHAR(12)",
        good: &[
            r#""b""#,
            r#""B""#,
            r#""Äpfel""#,
            r#""äpfel""#,
            r#""a%_\\c""#,
            r#""""#,
            r#""\u0007\n\"é""#,
        ],
        bad: &[r#""thirteen char""#, "5", r#""a\u0000b""#],
    },
    Sort {
        name: "words",
        declared: "TEXT",
        good: &[r#""The quick Ångström""#, r#""quick THE""#, r#""zebra""#, r#""Zebra""#, r#""_""#],
        bad: &["[]", "true"],
    },
    Sort {
        name: "nick",
        declared: "CITEXT",
        good: &[r#""Ann""#, r#""ann""#, r#""ÉMILE""#, r#""émile""#],
        bad: &["1"],
    },
    Sort {
        name: "small",
        declared: "SMALLINT",
        good: &["-32768", "0", "7", "3.0"],
        bad: &["32768", "1.5", r#""1""#],
    },
    Sort {
        name: "number",
        declared: "INTEGER",
        good: &["-5", "0", "7", "2147483647"],
        bad: &["2147483648", "null"],
    },
    Sort {
        name: "big",
        declared: "BIGINT",
        good: &["9223372036854775807", "-1", "10"],
        bad: &["9223372036854775808"],
    },
    Sort {
        name: "price",
        declared: "NUMERIC(10,2)",
        good: &["12.345", "-0.001", "9.5", "100", r#""99999999.99""#],
        bad: &["1e9", r#""1,5""#],
    },
    Sort {
        name: "wide",
        declared: "NUMERIC(30,8)",
        good: &[r#""1234567890123456789012.5""#, "9", "10", "-1.25"],
        bad: &[r#""x""#],
    },
    Sort {
        name: "free",
        declared: "NUMERIC",
        good: &["1.50", "100", r#""123456789012345678901234567890.5""#, "0.000001"],
        bad: &["{}"],
    },
    Sort {
        name: "ratio",
        declared: "DOUBLE PRECISION",
        good: &["0.1", "-1e300", "5", "1e21", "0.0000001", "-0.0"],
        bad: &["1e999", r#""0.1""#],
    },
    Sort { name: "short", declared: "REAL", good: &["0.1", "16777217", "3"], bad: &["1e39"] },
    Sort { name: "flag", declared: "BOOLEAN", good: &["true", "false"], bad: &["1", r#""true""#] },
    Sort {
        name: "moment",
        declared: "TIMESTAMPTZ",
        good: &[
            r#""2020-02-29T12:00:00+02:00""#,
            r#""0001-01-01T00:00:00Z""#,
            r#""9999-12-31T23:59:59.999999Z""#,
            r#""2021-01-01 00:00:00.1234567""#,
        ],
        bad: &[r#""yesterday""#, "0"],
    },
    Sort {
        name: "local",
        declared: "TIMESTAMP",
        good: &[r#""2020-02-29T12:00:00""#, r#""1969-12-31T23:59:59.5Z""#],
        bad: &[r#""2021-02-29T00:00:00""#],
    },
    Sort {
        name: "day",
        declared: "DATE",
        good: &[r#""2024-02-29""#, r#""1999-12-31""#, r#""0001-01-01""#],
        bad: &[r#""2023-02-29""#],
    },
    Sort {
        name: "clock",
        declared: "TIME",
        good: &[r#""18:30""#, r#""23:59:59.5""#, r#""00:00:00""#],
        bad: &[r#""25:00""#],
    },
    Sort {
        name: "span",
        declared: "INTERVAL",
        good: &[r#""PT90M""#, r#""P1Y14M3DT4H""#, r#""7 days""#, r#""-PT1.5S""#],
        bad: &[r#""soon""#],
    },
    Sort {
        name: "data",
        declared: "JSONB",
        good: &[
            r#"{"longer":1,"a":{"b":[1.0,2e3,"ü\t"]},"ab":null}"#,
            r#"[1,"x",{}]"#,
            r#""text""#,
            "17",
            r#"{"a":1,"a":2}"#,
        ],
        bad: &[r#"{"a":"\u0000"}"#],
    },
    Sort { name: "blob", declared: "BYTEA", good: &[r#""AP8=""#, r#""""#], bad: &[r#""?""#] },
    Sort {
        name: "status",
        declared: "grade",
        good: &[r#""open""#, r#""blocked""#, r#""done""#],
        bad: &[r#""gone""#],
    },
    Sort {
        name: "tags",
        declared: "TEXT[]",
        good: &[r#"["red","a,b","c\"d"]"#, "[]", r#"["blue",null]"#],
        bad: &[r#"[1]"#, r#""x""#],
    },
    Sort { name: "counts", declared: "INTEGER[]", good: &["[1,2,3]", "[]"], bad: &["[1.5]"] },
    Sort {
        name: "host",
        declared: "INET",
        good: &[r#""192.0.2.1""#, r#""2001:DB8:0::1""#, r#""10.0.0.0/8""#, r#""192.0.2.1/32""#],
        bad: &[r#""nowhere""#],
    },
    Sort {
        name: "seats",
        declared: "INT4RANGE",
        good: &[
            r#""[1,5]""#,
            r#""(0,6)""#,
            r#""[6,6)""#,
            r#""[,-3]""#,
            r#""( 2 , )""#,
            r#""[10,11)""#,
        ],
        bad: &[r#""[5,1]""#, "5", r#""[1,2147483648)""#, r#""1-5""#],
    },
    Sort {
        name: "amount",
        declared: "NUMRANGE",
        good: &[r#""[1.50,2]""#, r#""[1.5,2.0]""#, r#""(-0.5,10)""#, r#""[9,1e1)""#, r#""empty""#],
        bad: &[r#""[2,1]""#, r#""[a,b]""#],
    },
    Sort {
        name: "during",
        declared: "DATERANGE",
        good: &[
            r#""[2026-01-01,2026-01-31]""#,
            r#""[2026-01-01,2026-02-01)""#,
            r#""(,2025-12-31)""#,
            r#""[2026-01-01,infinity)""#,
            r#""[2026-01-01,9999-12-31]""#,
        ],
        bad: &[r#""[2026-02-30,)""#, r#""[2026-02-01,2026-01-01]""#],
    },
    Sort {
        name: "awake",
        declared: "TSTZRANGE",
        good: &[
            r#""[2026-01-01T10:00:00+02:00,2026-01-01T09:00:00.5Z)""#,
            r#""[\"2026-01-01 08:00:00+00\",\"2026-01-01 09:00:00.5+00\")""#,
            r#""(2020-02-29T12:00:00Z,]""#,
        ],
        bad: &[r#""[yesterday,)""#, r#""""#],
    },
    Sort {
        name: "other",
        declared: "UUID",
        good: &[
            r#""A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11""#,
            r#""00000000-0000-0000-0000-000000000001""#,
        ],
        bad: &[r#""a0eebc99""#],
    },
];

/// What the random document holds.
#[derive(Debug, Clone)]
struct Shape {
    columns: Vec<usize>,
    required: Vec<bool>,
    unique: Option<usize>,
    has_serial_key: bool,
    restricts: bool,
}

impl Shape {
    fn sorts(&self) -> impl Iterator<Item = &'static Sort> {
        self.columns.iter().map(|at| &SORTS[*at])
    }

    /// Two tables, one below the other, open to everybody.
    fn document(&self) -> String {
        let key = match self.has_serial_key {
            true => "id SERIAL PRIMARY KEY",
            false => "id UUID PRIMARY KEY DEFAULT gen_random_uuid()",
        };
        let key_type = if self.has_serial_key { "INTEGER" } else { "UUID" };
        let mut things = format!("CREATE TABLE things (\n    {key}");
        for (place, sort) in self.sorts().enumerate() {
            let required = if self.required[place] { " NOT NULL" } else { "" };
            let unique = if self.unique == Some(place) { " UNIQUE" } else { "" };
            let _ = write!(things, ",\n    {} {}{required}{unique}", sort.name, sort.declared);
        }
        things.push_str(",\n    rank INTEGER CHECK (rank BETWEEN 0 AND 9),");
        things.push_str("\n    created_at TIMESTAMPTZ NOT NULL DEFAULT now()\n);");
        let action = if self.restricts { "RESTRICT" } else { "CASCADE" };
        format!(
            "# Two\n\n## Data\n\n```sql\nCREATE TYPE grade AS ENUM ('open', 'done', 'blocked');\n\n\
             {things}\n\nCREATE TABLE parts (\n    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),\n    \
             thing_id {key_type} REFERENCES things(id) ON DELETE {action},\n    \
             label VARCHAR(20) NOT NULL\n);\n\n\
             CREATE POLICY a ON things FOR ALL USING (true);\n\
             CREATE POLICY b ON parts FOR ALL USING (true);\n```\n\n## API\n\n\
             - `GET /api/v1/things` - Public\n- `POST /api/v1/things` - Public\n\
             - `GET /api/v1/things/{{id}}` - Public\n- `PUT /api/v1/things/{{id}}` - Public\n\
             - `PATCH /api/v1/things/{{id}}` - Public\n- `DELETE /api/v1/things/{{id}}` - Public\n\
             - `GET /api/v1/things/{{id}}/parts` - Public\n\
             - `GET /api/v1/parts` - Public\n- `POST /api/v1/parts` - Public\n\
             - `DELETE /api/v1/parts/{{id}}` - Public\n",
        )
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let columns = proptest::sample::subsequence((0..SORTS.len()).collect::<Vec<_>>(), 4..12);
    (columns, any::<[bool; 12]>(), any::<Option<Index>>(), any::<bool>(), any::<bool>()).prop_map(
        |(columns, required, unique, has_serial_key, restricts)| {
            let required = required.into_iter().map(|it| it && !restricts).collect();
            // What has no equality is no key.
            let unique = unique
                .map(|it| it.index(columns.len()))
                .filter(|place| !["data", "tags", "counts"].contains(&SORTS[columns[*place]].name));
            Shape { columns, required, unique, has_serial_key, restricts }
        },
    )
}

/// One request, with choices that are made of the document at hand.
#[derive(Debug, Clone)]
enum Ask {
    Create(Vec<(Index, Index, u8)>),
    Replace(Index, Vec<(Index, Index, u8)>),
    Change(Index, Vec<(Index, Index, u8)>),
    Remove(Index),
    One(Index),
    List(Vec<(Index, Index, Index)>, Option<(Index, bool)>, u8, u8),
    Search(Index),
    Part(Option<Index>, bool),
    Parts(Index),
    AllParts(bool),
    RemovePart(Index),
}

fn asks() -> impl Strategy<Value = Ask> {
    let row = || proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..9);
    let filters =
        || proptest::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 0..3);
    prop_oneof![
        6 => row().prop_map(Ask::Create),
        1 => (any::<Index>(), row()).prop_map(|(at, row)| Ask::Replace(at, row)),
        2 => (any::<Index>(), row()).prop_map(|(at, row)| Ask::Change(at, row)),
        1 => any::<Index>().prop_map(Ask::Remove),
        1 => any::<Index>().prop_map(Ask::One),
        6 => (filters(), any::<Option<(Index, bool)>>(), any::<u8>(), any::<u8>())
            .prop_map(|(filters, sort, limit, more)| Ask::List(filters, sort, limit, more)),
        1 => any::<Index>().prop_map(Ask::Search),
        3 => (any::<Option<Index>>(), any::<bool>()).prop_map(|(at, is_good)| Ask::Part(at, is_good)),
        1 => any::<Index>().prop_map(Ask::Parts),
        1 => any::<bool>().prop_map(Ask::AllParts),
        1 => any::<Index>().prop_map(Ask::RemovePart),
    ]
}

/// A clock that stands still and dice that fall alike, both set anew for each request.
#[derive(Default)]
pub(crate) struct Clockwork {
    request: AtomicU64,
    thrown: AtomicU64,
}

impl Clockwork {
    /// The next request: a second later, with dice of its own.
    pub(crate) fn next(&self) {
        self.request.fetch_add(1, Ordering::SeqCst);
        self.thrown.store(0, Ordering::SeqCst);
    }
}

impl World for Clockwork {
    fn now(&self) -> Timestamp {
        let second = i64::try_from(self.request.load(Ordering::SeqCst)).unwrap_or(0);
        Timestamp::from_second(1_700_000_000 + second).expect("a moment")
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let mut state = self.request.load(Ordering::SeqCst) << 20;
        state += self.thrown.fetch_add(1, Ordering::SeqCst);
        for byte in bytes {
            // SplitMix64: good enough to tell one throw from another.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 40) as u8;
        }
    }
}

/// One of the two services and the rows that it made.
struct Side {
    desk: Desk,
    world: Arc<Clockwork>,
    things: Vec<String>,
    parts: Vec<String>,
}

impl Side {
    async fn of(document: &str, database: Option<postgres::Database>) -> Self {
        let world = Arc::new(Clockwork::default());
        let desk = Desk::with(document, database, world.clone()).await;
        Self { desk, world, things: Vec::new(), parts: Vec::new() }
    }

    async fn ask(&mut self, shape: &Shape, ask: &Ask) -> (String, Reply) {
        self.world.next();
        let (method, path, body) = self.request(shape, ask);
        let said = format!("{method} {path} {}", body.as_deref().unwrap_or(""));
        let reply = self.desk.anybody().ask(method, &path, &[], body).await;
        let made = match ask {
            Ask::Create(_) => Some(&mut self.things),
            Ask::Part(..) => Some(&mut self.parts),
            _ => None,
        };
        if let Some(made) = made.filter(|_| reply.status == 201) {
            made.push(reply.header("location").rsplit('/').next().unwrap_or_default().to_owned());
        }
        (said, reply)
    }

    fn thing(&self, at: &Index) -> String {
        match self.things.len() {
            0 => "00000000-0000-0000-0000-000000000000".to_owned(),
            length => self.things[at.index(length)].clone(),
        }
    }

    fn request(&self, shape: &Shape, ask: &Ask) -> (Method, String, Option<String>) {
        let base = "/api/v1";
        match ask {
            Ask::Create(row) => (Method::POST, format!("{base}/things"), Some(body(shape, row))),
            Ask::Replace(at, row) => {
                (Method::PUT, format!("{base}/things/{}", self.thing(at)), Some(body(shape, row)))
            }
            Ask::Change(at, row) => {
                (Method::PATCH, format!("{base}/things/{}", self.thing(at)), Some(body(shape, row)))
            }
            Ask::Remove(at) => (Method::DELETE, format!("{base}/things/{}", self.thing(at)), None),
            Ask::One(at) => (Method::GET, format!("{base}/things/{}", self.thing(at)), None),
            Ask::List(filters, sort, limit, more) => {
                let query = list(shape, filters, sort.as_ref(), *limit, *more);
                (Method::GET, format!("{base}/things?{query}"), None)
            }
            Ask::Search(at) => {
                let words = ["quick", "ÅNGSTRÖM", "the quick", "äpfel", "zeb", "%", "émile"];
                let word = escaped(words[at.index(words.len())]);
                (Method::GET, format!("{base}/things?search={word}&sort=created_at"), None)
            }
            Ask::Part(at, is_good) => {
                let thing = match at {
                    Some(at) => format!("\"{}\"", self.thing(at)),
                    None => "null".to_owned(),
                };
                let thing = if shape.has_serial_key { thing.replace('"', "") } else { thing };
                let label =
                    if *is_good { "a label" } else { "a label of more than twenty letters" };
                let body = format!("{{\"thing_id\":{thing},\"label\":\"{label}\"}}");
                (Method::POST, format!("{base}/parts"), Some(body))
            }
            Ask::Parts(at) => {
                (Method::GET, format!("{base}/things/{}/parts?sort=id", self.thing(at)), None)
            }
            Ask::AllParts(included) => {
                let include = if *included { "&include=thing" } else { "" };
                (Method::GET, format!("{base}/parts?sort=-id&count=true{include}"), None)
            }
            Ask::RemovePart(at) => {
                let part = match self.parts.len() {
                    0 => "nothing".to_owned(),
                    length => self.parts[at.index(length)].clone(),
                };
                (Method::DELETE, format!("{base}/parts/{part}"), None)
            }
        }
    }
}

/// A body of some columns; a few values are wrong.
fn body(shape: &Shape, row: &[(Index, Index, u8)]) -> String {
    let mut members: Vec<(&str, &str)> = Vec::new();
    // Most rows are whole, or nothing required would ever be written.
    for (place, sort) in shape.sorts().enumerate() {
        if shape.required[place] && row.len() > 2 {
            members.push((sort.name, sort.good[row[0].1.index(sort.good.len())]));
        }
    }
    for (column, value, chance) in row {
        let sort = &SORTS[shape.columns[column.index(shape.columns.len())]];
        let text = match chance {
            0..25 => sort.bad[value.index(sort.bad.len())],
            25..35 => "null",
            _ => sort.good[value.index(sort.good.len())],
        };
        members.retain(|(name, _)| *name != sort.name);
        members.push((sort.name, text));
        if *chance > 200 {
            members.retain(|(name, _)| *name != "rank");
            members.push(("rank", if *chance > 245 { "12" } else { "4" }));
        }
    }
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

const OPERATORS: &[&str] =
    &["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "like", "ilike", "contains", "is"];

fn list(
    shape: &Shape,
    filters: &[(Index, Index, Index)],
    sort: Option<&(Index, bool)>,
    limit: u8,
    more: u8,
) -> String {
    let mut query = format!("limit={}", limit % 7 + 1);
    for (column, operator, value) in filters {
        let sort = &SORTS[shape.columns[column.index(shape.columns.len())]];
        let operator = OPERATORS[operator.index(OPERATORS.len())];
        let value = sort.good[value.index(sort.good.len())];
        let value = match serde_json::from_str::<String>(value) {
            Ok(text) => text,
            Err(_) => value.to_owned(),
        };
        let value = match operator {
            "is" => "null".to_owned(),
            "like" | "ilike" => format!("{}%", value.chars().take(2).collect::<String>()),
            _ => value,
        };
        let _ = write!(query, "&{}[{operator}]={}", sort.name, escaped(&value));
    }
    let sorts = shape.sorts().filter(|sort| !UNSORTED.contains(&sort.name)).collect::<Vec<_>>();
    match sort {
        Some((column, descends)) if !sorts.is_empty() => {
            let sort = sorts[column.index(sorts.len())];
            let _ = write!(query, "&sort={}{}", if *descends { "-" } else { "" }, sort.name);
        }
        _ => query.push_str("&sort=created_at"),
    }
    match more % 4 {
        0 => query.push_str("&count=true"),
        1 => query.push_str("&page=2"),
        2 => query.push_str("&offset=1"),
        _ => {}
    }
    query
}

/// Columns that nothing sorts by.
const UNSORTED: &[&str] = &["data", "tags", "counts"];

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(out, "{}", char::from(byte)),
            _ => write!(out, "%{byte:02X}"),
        };
        out
    })
}

/// An answer; numbers that a service counted up, and what is made of them, are left out: a sequence
/// leaves gaps where a write was refused, and a file does not.
fn shown(reply: &Reply, is_counted: bool) -> String {
    let mut shown = format!("{}", reply.status.as_u16());
    for name in ["location", "etag", "link", "x-total-count", "allow", "content-type"] {
        if !(is_counted && ["location", "etag", "link"].contains(&name)) {
            let _ = write!(shown, " {name}={}", reply.header(name));
        }
    }
    let mut body = String::from_utf8_lossy(&reply.bytes).into_owned();
    for key in ["\"id\":", "\"thing_id\":", "\"next_cursor\":\""] {
        if is_counted {
            let parts: Vec<&str> = body.split(key).collect();
            let rest = parts.iter().skip(1).map(|part| {
                let end = part.find([',', '}', '"']).unwrap_or(part.len());
                format!("{key}…{}", part.get(end..).unwrap_or_default())
            });
            body = parts.first().map(|it| (*it).to_owned()).into_iter().chain(rest).collect();
        }
    }
    format!("{shown}\n{body}")
}

async fn compare(shape: &Shape, asks: &[Ask]) {
    let document = shape.document();
    let mut left = Side::of(&document, None).await;
    let mut right = Side::of(&document, Some(postgres::database())).await;
    let mut story = String::new();
    for ask in asks {
        let (said, on_sqlite) = left.ask(shape, ask).await;
        let (_, on_postgres) = right.ask(shape, ask).await;
        let _ = writeln!(story, "{said}  →  {}", on_sqlite.status);
        assert!(on_sqlite.status.as_u16() < 500, "{document}\n{story}\n{on_sqlite:?}");
        let is_counted = shape.has_serial_key;
        let (one, other) = (shown(&on_sqlite, is_counted), shown(&on_postgres, is_counted));
        assert_eq!(one, other, "{document}\n{story}");
        // The next page by the cursor of this one.
        if let (Ask::List(..), Some(_)) = (ask, cursor(&on_sqlite)) {
            let (_, path, _) = left.request(shape, ask);
            let path = path.replace("&page=2", "").replace("&offset=1", "");
            let next =
                |reply: &Reply| format!("{path}&cursor={}", cursor(reply).unwrap_or_default());
            let one = left.desk.anybody().get(&next(&on_sqlite)).await;
            let other = right.desk.anybody().get(&next(&on_postgres)).await;
            let pages = [shown(&one, is_counted), shown(&other, is_counted)];
            assert_eq!(pages[0], pages[1], "{document}\n{story}\n{path}");
        }
    }
}

/// Where the next page begins.
fn cursor(reply: &Reply) -> Option<String> {
    let body = String::from_utf8_lossy(&reply.bytes);
    let after = body.split("\"next_cursor\":\"").nth(1)?;
    after.split('"').next().map(str::to_owned)
}

#[test]
fn random_requests_on_random_documents_are_answered_alike() {
    let cases = std::env::var("TWO_STORES_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(12);
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let strategy = (shapes(), proptest::collection::vec(asks(), 30..60));
    TestRunner::new(config)
        .run(&strategy, |(shape, asks)| {
            runtime.block_on(compare(&shape, &asks));
            Ok(())
        })
        .expect("both stores answer alike");
}
