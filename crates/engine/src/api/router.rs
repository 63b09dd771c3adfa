//! Method and path to what is done: the document's endpoints first, then the standard routes of
//! every table, the batch and what is built in.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use document::{
    Compiled,
    api::{Binding, BuiltIn, Endpoint, KeyParameter, Method, Nested, Operation},
};
use http::{HeaderValue, header};

use crate::{
    Problem,
    data::{Resource, Resources, cache},
    observability::{EndpointEvidence, Evidence},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
};

/// What a route does.
#[derive(Debug, Clone)]
pub enum Target {
    /// An operation on a table.
    Table {
        /// The table or view.
        resource: Arc<Resource>,
        /// What is done.
        operation: Operation,
        /// The parent whose rows these are.
        nested: Option<Nested>,
        /// Fixed values of columns.
        filters: Vec<(String, String)>,
        /// Path parameters that name the row, each with its column.
        key: Vec<KeyParameter>,
    },
    /// An action of a state machine.
    Transition {
        /// The table.
        resource: Arc<Resource>,
        /// The action.
        action: String,
        /// The column that changes.
        column: String,
        /// What it holds afterwards.
        target: String,
        /// A time stamp that is set to the present besides.
        stamp: Option<String>,
        /// The path parameter that names the row.
        key: KeyParameter,
    },
    /// Something built in.
    BuiltIn(BuiltIn),
    /// A SELECT of the document.
    Query {
        /// The statement.
        sql: String,
        /// Names of its parameters.
        parameters: Vec<String>,
    },
    /// Several operations in one transaction.
    Batch,
    /// Nothing: its sentence and place.
    Unbound {
        /// `ARCHITECTURE.md:12 "POST /x"`.
        sentence: String,
    },
}

/// A method and path that is served.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path as the document writes it, with `{name}` for parameters.
    pub path: String,
    /// Names of its parameters in order.
    pub parameters: Vec<String>,
    /// What it does.
    pub target: Target,
    /// The endpoint that declares it; none for standard routes.
    pub endpoint: Option<Endpoint>,
    /// What is observed of it.
    pub evidence: OnceLock<Arc<EndpointEvidence>>,
    /// How its answers are kept, where they are.
    pub(crate) cached: OnceLock<Arc<cache::Rule>>,
    /// Of a route that makes rows: each key below its path is that of a row of its table.
    pub(crate) has_rows_below: OnceLock<bool>,
}

impl Route {
    /// The built-in that answers, where one does.
    pub fn built_in(&self) -> Option<BuiltIn> {
        match self.target {
            Target::BuiltIn(built_in) => Some(built_in),
            _ => None,
        }
    }

    /// As in a statement's subject after `endpoint:`.
    pub fn subject(&self) -> String {
        format!("{} {}", self.method.word(), self.path)
    }
}

/// A route and the values of its parameters.
pub struct Found<'p> {
    /// The route.
    pub route: &'p Arc<Route>,
    /// Its parameters' values in order, decoded.
    pub values: Vec<Cow<'p, str>>,
}

impl Found<'_> {
    /// The value of a parameter.
    pub fn value(&self, parameter: &str) -> Option<&str> {
        let place = self.route.parameters.iter().position(|name| name == parameter)?;
        self.values.get(place).map(AsRef::as_ref)
    }
}

/// Method and path to what is done.
#[derive(Default)]
pub struct Router {
    paths: matchit::Router<usize>,
    nodes: Vec<Vec<Arc<Route>>>,
    by_shape: HashMap<String, usize>,
    routes: Vec<Arc<Route>>,
    /// Endpoints whose path cannot be routed, such as `/a/{b}.{c}`.
    pub unroutable: Vec<String>,
}

impl Router {
    /// All routes of a document.
    pub(crate) fn of(compiled: &Compiled, resources: &Resources, evidence: &Evidence) -> Self {
        let mut router = Router::default();
        for endpoint in &compiled.system.api.endpoints {
            let target = target_of(compiled, resources, endpoint);
            router.add(endpoint.method, &endpoint.path, target, Some(endpoint));
        }
        let base = compiled.system.api.base.trim_end_matches('/');
        for name in &resources.order {
            if let Some(resource) = resources.get(name) {
                router.add_resource(base, resource);
            }
        }
        router.add(Method::Post, &format!("{base}/batch"), Target::Batch, None);
        router.add_built_in(base);
        for route in &router.routes {
            let observed = evidence.endpoint(route.method.word(), &route.path);
            let _ = route.evidence.set(observed);
            let _ = route.has_rows_below.set(router.has_rows_below(route));
        }
        router
    }

    /// True where `GET` of any one segment below the route's path shows the row of its table that has
    /// this key: nothing else is served there.
    fn has_rows_below(&self, route: &Route) -> bool {
        let Target::Table { resource, operation: Operation::Create, nested: None, .. } =
            &route.target
        else {
            return false;
        };
        if resource.key.len() != 1 || route.path.contains('{') {
            return false;
        }
        let below = format!("{}/", route.path.trim_end_matches('/'));
        let is_other = |shape: &String| {
            let rest = shape.strip_prefix(&below).unwrap_or_default();
            !rest.is_empty() && !rest.contains('/') && !rest.starts_with('{')
        };
        !self.by_shape.keys().any(is_other)
            && self.find(&http::Method::GET, &format!("{below}0")).is_ok_and(|found| {
                found.route.path.ends_with('}')
                    && matches!(&found.route.target, Target::Table { resource: other, .. }
                        if other.name == resource.name)
            })
    }

    /// Every route, the document's first.
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The route of a request.
    ///
    /// # Errors
    /// 404 for an unknown path, 405 with `Allow` for an unknown method, 400 for a path that is no
    /// text.
    pub fn find<'p>(&'p self, method: &http::Method, path: &'p str) -> Result<Found<'p>, Problem> {
        let trimmed = match path.strip_suffix('/') {
            Some("") | None => path,
            Some(trimmed) => trimmed,
        };
        let Ok(matched) = self.paths.at(trimmed) else { return Err(no_such_path()) };
        let node = self.nodes.get(*matched.value).map_or(&[][..], Vec::as_slice);
        let asked = if method == http::Method::HEAD { "GET" } else { method.as_str() };
        let Some(route) = node.iter().find(|route| route.method.word() == asked) else {
            return Err(match sabotage::is(Sabotage::MethodSaysNotFound) {
                true => no_such_path(),
                false => not_allowed(node),
            });
        };
        let mut values = Vec::with_capacity(route.parameters.len());
        for (_, value) in matched.params.iter() {
            values.push(decode(value).ok_or_else(no_such_path)?);
        }
        Ok(Found { route, values })
    }

    /// Methods of a path, for `Allow`; none for an unknown path.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let trimmed = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
        let matched = self.paths.at(trimmed).ok()?;
        self.nodes.get(*matched.value).map(|node| allow(node))
    }

    fn add_resource(&mut self, base: &str, resource: &Arc<Resource>) {
        let name = &*resource.name;
        let mut spellings = vec![name.to_owned()];
        if name.contains('_') {
            spellings.push(name.replace('_', "-"));
        }
        for spelling in spellings {
            let path = format!("{base}/{spelling}");
            self.add(Method::Get, &path, standard(resource, Operation::List), None);
            if resource.is_view {
                continue;
            }
            self.add(Method::Post, &path, standard(resource, Operation::Create), None);
            if resource.key.is_empty() {
                continue;
            }
            let parameters: Vec<String> = key_parameters(resource)
                .iter()
                .map(|key| format!("{{{}}}", key.parameter))
                .collect();
            let path = format!("{path}/{}", parameters.join("/"));
            for (method, operation) in [
                (Method::Get, Operation::Get),
                (Method::Put, Operation::Replace),
                (Method::Patch, Operation::Update),
                (Method::Delete, Operation::Delete),
            ] {
                self.add(method, &path, standard(resource, operation), None);
            }
        }
    }

    fn add_built_in(&mut self, base: &str) {
        use BuiltIn as B;
        let standard = [
            (Method::Post, format!("{base}/auth/register"), B::Register),
            (Method::Post, format!("{base}/auth/login"), B::Login),
            (Method::Post, format!("{base}/auth/refresh"), B::Refresh),
            (Method::Post, format!("{base}/auth/logout"), B::Logout),
            (Method::Get, format!("{base}/auth/me"), B::Me),
            (Method::Patch, format!("{base}/auth/me"), B::UpdateMe),
            (Method::Post, format!("{base}/auth/change-password"), B::ChangePassword),
            (Method::Get, "/health".to_owned(), B::Health),
            (Method::Get, "/ready".to_owned(), B::Ready),
            (Method::Get, "/metrics".to_owned(), B::Metrics),
            (Method::Get, "/openapi.json".to_owned(), B::OpenApi),
            (Method::Get, "/docs".to_owned(), B::Documentation),
            (Method::Get, "/docs/{file}".to_owned(), B::Documentation),
            (Method::Get, "/.well-known/jwks.json".to_owned(), B::Jwks),
        ];
        for (method, path, built_in) in standard {
            self.add(method, &path, Target::BuiltIn(built_in), None);
        }
    }

    /// Adds a route where its method and path are free: what came first wins.
    fn add(&mut self, method: Method, path: &str, target: Target, endpoint: Option<&Endpoint>) {
        let path = match path.trim_end_matches('/') {
            "" => "/",
            trimmed => trimmed,
        };
        let Some((shape, parameters)) = shape(path) else {
            self.unroutable.push(format!("{} {path}", method.word()));
            return;
        };
        let node = match self.by_shape.get(&shape) {
            Some(node) => *node,
            None => {
                let node = self.nodes.len();
                if self.paths.insert(shape.clone(), node).is_err() {
                    self.unroutable.push(format!("{} {path}", method.word()));
                    return;
                }
                self.nodes.push(Vec::new());
                self.by_shape.insert(shape, node);
                node
            }
        };
        let route = Arc::new(Route {
            method,
            path: path.to_owned(),
            parameters,
            target,
            endpoint: endpoint.cloned(),
            evidence: OnceLock::new(),
            cached: OnceLock::new(),
            has_rows_below: OnceLock::new(),
        });
        let Some(node) = self.nodes.get_mut(node) else { return };
        if node.iter().all(|other| other.method != method) {
            node.push(Arc::clone(&route));
            self.routes.push(route);
        }
    }
}

fn standard(resource: &Arc<Resource>, operation: Operation) -> Target {
    let of_row = !matches!(operation, Operation::List | Operation::Create);
    Target::Table {
        resource: Arc::clone(resource),
        operation,
        nested: None,
        filters: Vec::new(),
        key: if of_row { key_parameters(resource) } else { Vec::new() },
    }
}

/// Path parameters of a table's standard routes: one for each column of its key.
fn key_parameters(resource: &Resource) -> Vec<KeyParameter> {
    let fields = resource.key.iter().filter_map(|&position| resource.field(position));
    fields
        .map(|field| KeyParameter {
            parameter: field.shown.to_string(),
            column: field.name.to_string(),
        })
        .collect()
}

fn target_of(compiled: &Compiled, resources: &Resources, endpoint: &Endpoint) -> Target {
    let sentence = || {
        let place = compiled.sources.location(endpoint.span);
        Target::Unbound {
            sentence: format!("{place} \"{} {}\"", endpoint.method.word(), endpoint.path),
        }
    };
    match &endpoint.binding {
        Binding::Table { table, operation, nested, filters, key } => match resources.get(table) {
            Some(resource) => Target::Table {
                resource: Arc::clone(resource),
                operation: *operation,
                nested: nested.clone(),
                filters: filters.clone(),
                key: key.iter().cloned().collect(),
            },
            None => sentence(),
        },
        Binding::Transition { table, action, column, target, stamp, key } => {
            match resources.get(table) {
                Some(resource) => Target::Transition {
                    resource: Arc::clone(resource),
                    action: action.clone(),
                    column: column.clone(),
                    target: target.clone(),
                    stamp: stamp.clone(),
                    key: key.clone(),
                },
                None => sentence(),
            }
        }
        Binding::BuiltIn { built_in } => Target::BuiltIn(*built_in),
        Binding::Query { sql, parameters, .. } => {
            Target::Query { sql: sql.clone(), parameters: parameters.clone() }
        }
        Binding::Unbound { .. } => sentence(),
    }
}

/// The path with its parameters numbered, since one place of a path may be named twice by
/// different endpoints; and their names. None where a parameter is only part of a segment.
fn shape(path: &str) -> Option<(String, Vec<String>)> {
    let mut shape = String::with_capacity(path.len());
    let mut parameters = Vec::new();
    for segment in path.strip_prefix('/')?.split('/') {
        shape.push('/');
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !name.contains(['{', '}']) => {
                let rest = name.strip_prefix('*');
                let star = if rest.is_some() { "*" } else { "" };
                shape.push_str(&format!("{{{star}p{}}}", parameters.len()));
                parameters.push(rest.unwrap_or(name).to_owned());
            }
            None if !segment.contains(['{', '}']) => shape.push_str(segment),
            _ => return None,
        }
    }
    Some((shape, parameters))
}

/// A path parameter without its percent signs; none where that is no text.
fn decode(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('%') {
        return Some(Cow::Borrowed(value));
    }
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    (!decoded.contains('\0')).then_some(decoded)
}

fn allow(node: &[Arc<Route>]) -> String {
    let mut methods: Vec<&str> = node.iter().map(|route| route.method.word()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

fn not_allowed(node: &[Arc<Route>]) -> Problem {
    let allow = allow(node);
    let problem = Problem::new(
        ProblemCode::MethodNotAllowed,
        format!("this path is served, but not by that method; it knows {allow}"),
    );
    match HeaderValue::try_from(allow) {
        Ok(value) => problem.header(header::ALLOW, value),
        Err(_) => problem,
    }
}

fn no_such_path() -> Problem {
    Problem::new(ProblemCode::NotFound, "there is nothing at this path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, &[&str])>) {
        let found = shape(path);
        let found = found.as_ref().map(|(shape, names)| {
            (shape.as_str(), names.iter().map(String::as_str).collect::<Vec<_>>())
        });
        assert_eq!(found, expected.map(|(shape, names)| (shape, names.to_vec())), "{path}");
    }

    #[test]
    fn parameters_are_numbered_so_that_their_names_may_differ() {
        check("/posts/{id}", Some(("/posts/{p0}", &["id"])));
        check("/a/{x}/b/{y}", Some(("/a/{p0}/b/{p1}", &["x", "y"])));
        check("/files/{*path}", Some(("/files/{*p0}", &["path"])));
        check("/files/{name}.json", None);
    }

    fn router(paths: &[(Method, &str)]) -> Router {
        let mut router = Router::default();
        for (method, path) in paths {
            router.add(*method, path, Target::Batch, None);
        }
        router
    }

    #[test]
    fn a_fixed_word_wins_over_a_parameter_and_a_slash_at_the_end_is_tolerated() {
        let router = router(&[(Method::Get, "/posts/{id}"), (Method::Get, "/posts/published")]);
        let find = |path: &str| {
            router.find(&http::Method::GET, path).map(|found| found.route.path.clone()).ok()
        };
        assert_eq!(find("/posts/published").as_deref(), Some("/posts/published"));
        assert_eq!(find("/posts/7/").as_deref(), Some("/posts/{id}"));
        assert_eq!(find("/nothing"), None);
    }

    #[test]
    fn an_unknown_method_names_the_known_ones() {
        let router = router(&[(Method::Get, "/posts"), (Method::Post, "/posts")]);
        let problem = router.find(&http::Method::DELETE, "/posts").err().expect("no DELETE");
        assert_eq!(problem.code, ProblemCode::MethodNotAllowed);
        assert_eq!(problem.headers[0].1, "GET, POST, HEAD, OPTIONS");
    }

    #[test]
    fn a_parameter_is_decoded_and_what_is_no_text_is_not_found() {
        let router = router(&[(Method::Get, "/posts/{id}")]);
        let found = router.find(&http::Method::GET, "/posts/a%2F..%2Fb").expect("found");
        assert_eq!(found.value("id"), Some("a/../b"));
        assert!(router.find(&http::Method::GET, "/posts/%ff").is_err());
        assert!(router.find(&http::Method::GET, "/posts/a%00b").is_err());
    }
}
