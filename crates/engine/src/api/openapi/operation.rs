//! One route as an OpenAPI operation: parameters, body, answers, and who may call it.

use document::{
    api::{BuiltIn, Method, Operation},
    security::{Action, Who},
};
use serde_json::{Map, Value as Json, json};

use super::{account, body, parameter, schema};
use crate::{
    Running,
    api::{Route, Target},
    data::Resource,
};

/// What a client may add to a creation.
const IDEMPOTENCY: &str = "With the header `Idempotency-Key` (1 to 255 visible characters) a repeat \
    is answered as the first time was; the same key with another body is answered 422.";

/// The operation of a route.
pub(super) fn describe(running: &Running, route: &Route) -> Json {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "responses": responses(running, route),
        "security": security(route),
    });
    if let Some(summary) = route.endpoint.as_ref().and_then(|one| one.summary.as_ref()) {
        operation["summary"] = summary.as_str().into();
    }
    let parameters = parameters(running, route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(request) = request(running, route) {
        operation["requestBody"] = request;
    }
    if let Some(list) = listed(route) {
        operation["description"] = list_words(list).into();
    } else if is_creation(route) {
        // No schema can say that a key stands for one body, so it is said in words.
        operation["description"] = IDEMPOTENCY.into();
    }
    operation
}

/// `getApiV1PostsId`: stable as long as method and path are.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.word().to_ascii_lowercase();
    for word in route.path.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if let Some((first, rest)) = word.split_at_checked(1) {
            id.push_str(&first.to_ascii_uppercase());
            id.push_str(rest);
        }
    }
    id
}

fn tag(route: &Route) -> &str {
    match &route.target {
        Target::Table { resource, .. } | Target::Transition { resource, .. } => &resource.name,
        Target::BuiltIn(
            BuiltIn::Health | BuiltIn::Ready | BuiltIn::Metrics | BuiltIn::OpenApi | BuiltIn::Jwks,
        ) => "service",
        Target::BuiltIn(_) => "accounts",
        Target::Query { .. } => "queries",
        Target::Batch => "batch",
        Target::Unbound { .. } => "unbound",
    }
}

/// The table whose rows are listed.
fn listed(route: &Route) -> Option<&Resource> {
    match &route.target {
        Target::Table { resource, operation: Operation::List, .. } => Some(resource),
        _ => None,
    }
}

fn is_creation(route: &Route) -> bool {
    matches!(&route.target, Target::Table { operation: Operation::Create, .. })
}

fn list_words(resource: &Resource) -> String {
    let names: Vec<_> = resource.shown_names().iter().map(|name| format!("`{name}`")).collect();
    format!(
        "Any of {} filters by equality, or by an operator as in `?field[gte]=…`: eq, ne, gt, gte, \
         lt, lte, in, nin, like, ilike, contains, is, null; the parameters below show the usual \
         ones. `filter` takes whole conditions with AND, OR and NOT, and `cursor` takes the cursor \
         of the page before, whose look is nobody's concern.",
        names.join(", ")
    )
}

/// No identity is needed where anybody may; it is welcome where some may do more.
fn security(route: &Route) -> Json {
    let token = json!({"bearer": []});
    let is_public = match &route.target {
        Target::BuiltIn(
            BuiltIn::Register
            | BuiltIn::Login
            | BuiltIn::Refresh
            | BuiltIn::Health
            | BuiltIn::Ready
            | BuiltIn::Jwks,
        ) => return json!([]),
        // From the machine itself they need no identity.
        Target::BuiltIn(BuiltIn::Metrics | BuiltIn::OpenApi | BuiltIn::Logout) => true,
        Target::BuiltIn(_) => false,
        Target::Table { resource, operation, .. } => {
            is_open(resource, &action_of(*operation)) || calls_anybody(route)
        }
        Target::Transition { resource, action, .. } => {
            is_open(resource, &Action::Transition { name: action.clone() }) || calls_anybody(route)
        }
        Target::Query { .. } | Target::Unbound { .. } => calls_anybody(route),
        // Each operation is refused or not by itself.
        Target::Batch => true,
    };
    match is_public {
        true => json!([{}, token]),
        false => json!([token]),
    }
}

fn action_of(operation: Operation) -> Action {
    match operation {
        Operation::List | Operation::Get => Action::Read,
        Operation::Create => Action::Create,
        Operation::Replace | Operation::Update => Action::Update,
        Operation::Delete => Action::Delete,
    }
}

fn is_open(resource: &Resource, action: &Action) -> bool {
    let mut rules = resource.rules.iter();
    rules.any(|rule| rule.who == Who::Public && rule.actions.contains(action))
}

fn calls_anybody(route: &Route) -> bool {
    let callers = route.endpoint.as_ref().and_then(|endpoint| endpoint.callers.as_ref());
    callers.is_some_and(|callers| callers.who.contains(&Who::Public))
}

fn parameters(running: &Running, route: &Route) -> Vec<Json> {
    let mut parameters: Vec<Json> = route
        .parameters
        .iter()
        .map(|name| {
            let schema = path_schema(running, route, name);
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    match &route.target {
        Target::Table { resource, operation, .. } => match operation {
            Operation::List => parameters.extend(parameter::of_list(running, resource)),
            Operation::Get => parameters.extend(parameter::of_row(running, resource)),
            _ => {}
        },
        // With another method they may come in the body.
        Target::Query { parameters: named, .. } if route.method == Method::Get => {
            parameters.extend(parameter::of_query(running, route, named));
        }
        _ => {}
    }
    parameters
}

/// What a path parameter is compared with.
fn path_schema(running: &Running, route: &Route, name: &str) -> Json {
    let of_column = |resource: &Resource, column: &str| {
        let field = resource.position(column).and_then(|position| resource.field(position));
        field.map(|field| schema::of_kind(&field.kind))
    };
    let found = match &route.target {
        Target::Table { resource, nested, key, .. } => {
            let own = key.iter().find(|key| key.parameter == name);
            let own = own.and_then(|key| of_column(resource, &key.column));
            own.or_else(|| {
                let nested = nested.as_ref().filter(|nested| nested.parameter == name)?;
                of_column(running.resources.get(&nested.parent)?, &nested.parent_column)
            })
        }
        Target::Transition { resource, key, .. } if key.parameter == name => {
            of_column(resource, &key.column)
        }
        _ => None,
    };
    let mut schema = found.unwrap_or_else(|| json!({"type": "string"}));
    // A path without its segment is another path.
    if schema.get("type") == Some(&"string".into()) && schema.get("format").is_none() {
        schema["minLength"] = 1.into();
    }
    schema
}

fn request(running: &Running, route: &Route) -> Option<Json> {
    let (schema, is_required) = match &route.target {
        Target::Table { resource, operation: Operation::Create, nested: Some(nested), .. }
            if nested.through.is_none() =>
        {
            (schema::Writing { running, resource }.create_below(&nested.column), true)
        }
        Target::Table { resource, operation, .. } => {
            let suffix = match operation {
                Operation::Create => "Create",
                Operation::Update => "Update",
                Operation::Replace => "Replace",
                _ => return None,
            };
            // A change of nothing needs no body.
            let is_required = *operation != Operation::Update;
            (schema::reference(&schema::name(&resource.name, suffix)), is_required)
        }
        Target::BuiltIn(built_in) => {
            let endpoint = route.endpoint.as_ref();
            let asks_for_nothing = matches!(built_in, BuiltIn::Logout | BuiltIn::UpdateMe);
            (account::request(running, *built_in, endpoint)?, !asks_for_nothing)
        }
        Target::Batch => (batch(), true),
        _ => return None,
    };
    let mut media = json!({"schema": schema});
    if let Some(example) = example(running, route) {
        media["example"] = example;
    }
    Some(json!({"required": is_required, "content": {"application/json": media}}))
}

/// The document's own example, where it fits what is served.
fn example(running: &Running, route: &Route) -> Option<Json> {
    let example = &route.endpoint.as_ref()?.request.as_ref()?.body;
    let members = example.as_object()?;
    let Target::Table { resource, .. } = &route.target else { return Some(example.clone()) };
    let written = schema::Writing { running, resource }.create();
    let known = written.get("properties")?.as_object()?;
    let fits = members.keys().all(|name| known.contains_key(name));
    fits.then(|| example.clone())
}

fn batch() -> Json {
    let operation = json!({
        "type": "object",
        "properties": {
            "method": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
            "path": {"type": "string"},
            "body": {"type": ["object", "null"]},
        },
        "required": ["method", "path"],
    });
    json!({
        "type": "object",
        "properties": {"operations": {"type": "array", "maxItems": 100, "items": operation}},
        "required": ["operations"],
    })
}

fn responses(running: &Running, route: &Route) -> Json {
    let mut responses = Map::new();
    let (status, schema) = success(running, route);
    responses.insert(status.to_owned(), answer("success", schema));
    if matches!(route.target, Target::BuiltIn(BuiltIn::Register)) {
        let tokens = Some(json!({"type": "object"}));
        responses.insert("201".to_owned(), answer("the new user, or tokens for them", tokens));
    }
    if matches!(&route.target, Target::BuiltIn(one) if *one == BuiltIn::Metrics) {
        let text = json!({"description": "success", "content": {"text/plain": {}}});
        responses.insert("200".to_owned(), text);
    }
    if let Some(Json::Object(_)) = request(running, route) {
        for status in ["400", "413", "415"] {
            responses.insert(status.to_owned(), problem());
        }
    }
    for status in others(route) {
        responses.insert((*status).to_owned(), problem());
    }
    if !is_never_limited(route) {
        responses.insert("429".to_owned(), problem());
    }
    responses.insert("default".to_owned(), problem());
    responses.into()
}

/// Probes are always answered.
fn is_never_limited(route: &Route) -> bool {
    use BuiltIn as B;
    let Target::BuiltIn(built_in) = &route.target else { return false };
    matches!(built_in, B::Health | B::Ready | B::Metrics | B::OpenApi | B::Jwks)
}

/// Statuses of problems beyond those of every request with a body.
fn others(route: &Route) -> &'static [&'static str] {
    match &route.target {
        Target::Table { operation, .. } => match operation {
            Operation::List => &["400", "401", "403"],
            Operation::Get => &["400", "401", "403", "404"],
            Operation::Create => &["401", "403", "404", "409", "422"],
            Operation::Replace | Operation::Update => &["401", "403", "404", "409", "412"],
            Operation::Delete => &["401", "403", "404", "409", "412"],
        },
        Target::Transition { .. } => &["401", "403", "404", "409"],
        Target::BuiltIn(BuiltIn::Health | BuiltIn::Jwks) => &[],
        Target::BuiltIn(BuiltIn::Ready) => &["503"],
        Target::BuiltIn(_) => &["401", "403", "409"],
        Target::Query { .. } => &["400", "401", "403"],
        Target::Batch => &["401", "403", "404", "409"],
        Target::Unbound { .. } => &["501"],
    }
}

fn success(running: &Running, route: &Route) -> (&'static str, Option<Json>) {
    let row = |resource: &Resource| schema::reference(&schema::name(&resource.name, ""));
    match &route.target {
        Target::Table { resource, operation, .. } => match operation {
            Operation::List => ("200", Some(body::list(running, row(resource)))),
            Operation::Create => ("201", Some(body::item(running, row(resource)))),
            Operation::Delete => ("204", None),
            _ => ("200", Some(body::item(running, row(resource)))),
        },
        Target::Transition { resource, .. } => ("200", Some(body::item(running, row(resource)))),
        Target::BuiltIn(built_in) => account::response(running, *built_in),
        Target::Query { .. } => ("200", Some(json!({}))),
        Target::Batch => ("200", Some(json!({"type": "object"}))),
        Target::Unbound { .. } => ("501", Some(schema::reference("Problem"))),
    }
}

fn answer(words: &str, schema: Option<Json>) -> Json {
    match schema {
        Some(schema) => json!({
            "description": words, "content": {"application/json": {"schema": schema}},
        }),
        None => json!({"description": words}),
    }
}

fn problem() -> Json {
    answer("a problem", Some(schema::reference("Problem")))
}
