//! `Idempotency-Key`: the first answer to a POST is kept with the write itself and given again to
//! whoever repeats the request.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use store::{
    Expression, Kind, Operator, Value,
    query::{Output, Select, Step},
    schema,
};

use super::{Answer, Content};
use crate::{
    Principal, Problem,
    data::{Writing, fault, own_column},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Says that an answer is one that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The table of kept answers.
const TABLE: &str = "_vitruvius_idempotency";
/// How long an answer is kept, in seconds.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
/// Characters of a key at most.
const KEY_MAX: usize = 255;

/// The table of kept answers.
pub(crate) fn table() -> schema::Table {
    let text = Kind::Text { length_max: None };
    schema::Table {
        name: TABLE.to_owned(),
        columns: vec![
            own_column("scope", text.clone(), false),
            own_column("body_hash", text.clone(), false),
            own_column("answer", text, true),
            own_column("created_at", Kind::Timestamp { zoned: true }, false),
        ],
        primary_key: vec!["scope".to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: vec![schema::Index {
            name: format!("{TABLE}_created_at"),
            parts: vec![(Expression::column("created_at"), false)],
            method: "btree".to_owned(),
            condition: None,
            origin: String::new(),
        }],
        renamed_from: None,
        origin: "built in".to_owned(),
    }
}

/// A request that is to be done once.
pub(crate) struct Once {
    scope: String,
    body_hash: String,
    now: i64,
}

impl Once {
    /// The key of a request, bound to who asks and what for.
    ///
    /// # Errors
    /// 400 for a key that is empty or too long.
    pub(crate) fn of(
        inner: &Inner,
        principal: &Principal,
        method_and_path: &str,
        key: &HeaderValue,
        body: &[u8],
    ) -> Result<Self, Problem> {
        let key = key.to_str().ok().filter(|key| (1..=KEY_MAX).contains(&key.len()));
        let Some(key) = key else {
            return Err(Problem::new(
                ProblemCode::MalformedRequest,
                format!("Idempotency-Key takes 1 to {KEY_MAX} plain characters"),
            ));
        };
        let subject = principal.user().map_or("", |user| user.subject.as_str());
        Ok(Self {
            scope: hash(&[subject.as_bytes(), method_and_path.as_bytes(), key.as_bytes()]),
            // The key is kept nowhere, so that nobody guesses a short body from its hash.
            body_hash: hash(&[key.as_bytes(), body]),
            now: inner.world.now().as_microsecond(),
        })
    }

    /// Steps of the write's own transaction: old keys go, this one is taken, together with what
    /// finds the written row again. So the key is never taken without an answer.
    pub(crate) fn steps(&self, writing: &Writing) -> [Step; 2] {
        let answer = found_again(writing).map_or(Value::Null, Value::Text);
        let oldest = self.now - KEPT_SECONDS * 1_000_000;
        let none: Arc<[Output]> = Arc::from([]);
        [
            Step::Delete {
                table: TABLE.into(),
                condition: Expression::column("created_at")
                    .binary(Operator::Less, Value::Timestamp(oldest).into()),
                returning: Arc::clone(&none),
            },
            Step::Insert {
                table: TABLE.into(),
                values: vec![
                    ("scope".into(), Value::Text(self.scope.clone())),
                    ("body_hash".into(), Value::Text(self.body_hash.clone())),
                    ("answer".into(), answer),
                    ("created_at".into(), Value::Timestamp(self.now)),
                ],
                returning: none,
            },
        ]
    }

    /// True where this table's key was taken.
    pub(crate) fn is_table(table: &str) -> bool {
        table == TABLE
    }

    /// Keeps the answer, as [`kept`] writes it, for whoever repeats the request. Nobody waits for
    /// it: until it is kept, or should it never be, the row itself is read again.
    pub(crate) async fn keep(&self, inner: &Inner, kept: String) {
        let step = Step::Update {
            table: TABLE.into(),
            set: vec![("answer".into(), Value::Text(kept).into())],
            condition: self.is_scope(),
            returning: Arc::from([]),
        };
        if let Err(error) = inner.store.write(vec![step]).await {
            tracing::debug!(%error, "an answer is not kept; its row will be read again");
        }
    }

    fn is_scope(&self) -> Expression {
        Expression::column("scope").equals(Value::Text(self.scope.clone()))
    }

    /// What was answered before; none where the key is new.
    ///
    /// # Errors
    /// 422 where the body differs, 409 where the first request is still being answered.
    pub(crate) async fn before(&self, inner: &Inner) -> Result<Option<Before>, Problem> {
        let text = Kind::Text { length_max: None };
        let output =
            |name: &str| Output { name: name.into(), column: name.into(), kind: text.clone() };
        let oldest = self.now - KEPT_SECONDS * 1_000_000;
        let fresh = Expression::column("created_at")
            .binary(Operator::GreaterOrEqual, Value::Timestamp(oldest).into());
        let select = Select {
            table: TABLE.into(),
            outputs: Arc::from([output("body_hash"), output("answer")]),
            condition: self.is_scope().and(fresh),
            order: Vec::new(),
            limit: Some(1),
            offset: 0,
            nested: Vec::new(),
            is_by_index: true,
        };
        let rows = inner.store.select(&select).await.map_err(|error| fault(inner, error))?;
        let Some(row) = rows.row(0) else { return Ok(None) };
        let row: serde_json::Value = serde_json::from_slice(row).unwrap_or_default();
        let is_same = row.get("body_hash").and_then(|hash| hash.as_str()) == Some(&*self.body_hash);
        if !is_same && !sabotage::is(Sabotage::MixReplays) {
            return Err(Problem::new(
                ProblemCode::IdempotencyMismatch,
                "this Idempotency-Key was used for another body",
            ));
        }
        match row.get("answer").and_then(|answer| answer.as_str()) {
            Some(kept) => Ok(Some(match serde_json::from_str(kept) {
                Ok(FoundAgain { key }) => Before::Row(key),
                Err(_) => Before::Answer(again(kept)),
            })),
            None => Err(Problem::new(
                ProblemCode::Conflict,
                "the first request with this Idempotency-Key is still being answered",
            )),
        }
    }
}

/// What was answered before.
pub(crate) enum Before {
    /// This.
    Answer(Answer),
    /// The row with this key, or the one that the path names.
    Row(Option<Vec<String>>),
}

/// What finds the written row again.
#[derive(serde::Serialize, serde::Deserialize)]
struct FoundAgain {
    /// The key of a new row; none where the path names the row.
    key: Option<Vec<String>>,
}

/// What finds the written row again; none for a key that only the store will know.
fn found_again(writing: &Writing) -> Option<String> {
    let key = match &writing.main {
        Some(Step::Insert { values, .. }) => {
            let resource = &writing.resource;
            let fields = resource.key.iter().filter_map(|&at| resource.field(at));
            let given = |name: &str| values.iter().find(|(column, _)| **column == *name);
            let texts = fields.map(|field| match given(&field.name)? {
                (_, Value::Uuid(id)) => Some(id.to_string()),
                (_, Value::Text(text)) => Some(text.clone()),
                (_, Value::Integer(number)) => Some(number.to_string()),
                _ => None,
            });
            Some(texts.collect::<Option<Vec<_>>>().filter(|key| !key.is_empty())?)
        }
        _ => None,
    };
    serde_json::to_string(&FoundAgain { key }).ok()
}

/// What is kept of an answer.
pub(crate) fn kept(answer: &Answer) -> String {
    let body = match &answer.content {
        Content::Item(rows) => String::from_utf8_lossy(&rows.json).into_owned(),
        _ => String::new(),
    };
    let location = answer.headers.iter().find(|(name, _)| *name == header::LOCATION);
    let location = location.and_then(|(_, value)| value.to_str().ok()).unwrap_or("");
    serde_json::json!([answer.status.as_u16(), location, body]).to_string()
}

/// A kept answer.
fn again(kept: &str) -> Answer {
    let (status, location, body): (u16, String, String) =
        serde_json::from_str(kept).unwrap_or((200, String::new(), String::new()));
    let mut answer = Answer::empty(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
    if !body.is_empty() {
        answer = answer.header(header::ETAG, super::tag::tag(body.as_bytes()));
        let json = body.into_bytes();
        answer.content = Content::Item(store::query::Rows { ends: vec![json.len()], json });
    }
    if !location.is_empty() {
        answer = answer.header(header::LOCATION, location);
    }
    answer.header(REPLAYED, "true")
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
