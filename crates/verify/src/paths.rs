//! Where rows are reached: the document's own endpoints, else the standard routes of every table.

use document::{
    System,
    api::{Binding, BuiltIn, Endpoint, Method, Operation},
    data::Table,
};
use serde_json::{Map, Value as Json};

use crate::shape;

/// Where rows are reached.
#[derive(Debug, Clone, Copy)]
pub struct Paths<'a> {
    system: &'a System,
}

impl<'a> Paths<'a> {
    /// The paths of a document.
    pub fn of(system: &'a System) -> Self {
        Self { system }
    }

    /// The method and path of an operation on a table, with parameters as `{column}`; none where
    /// the document gives that place to something else.
    pub fn of_table(&self, table: &Table, operation: Operation) -> Option<(&'static str, String)> {
        let method = method_of(operation);
        let declared = self.system.api.endpoints.iter().find_map(|endpoint| {
            let Binding::Table { table: name, operation: what, nested: None, filters, key } =
                &endpoint.binding
            else {
                return None;
            };
            let is_it = *name == table.name
                && *what == operation
                && filters.is_empty()
                && endpoint.method == method;
            if !is_it || parameters(&endpoint.path) != usize::from(key.is_some()) {
                return None;
            }
            let path = match key {
                Some(key) => endpoint
                    .path
                    .replace(&format!("{{{}}}", key.parameter), &format!("{{{}}}", key.column)),
                None => endpoint.path.clone(),
            };
            Some((method.word(), path))
        });
        declared.or_else(|| self.standard(table, operation))
    }

    fn standard(&self, table: &Table, operation: Operation) -> Option<(&'static str, String)> {
        let method = method_of(operation);
        let base = self.system.api.base.trim_end_matches('/');
        let is_row = !matches!(operation, Operation::List | Operation::Create);
        if is_row && table.primary_key.is_empty() {
            return None;
        }
        let spellings = [table.name.clone(), table.name.replace('_', "-")];
        spellings.iter().find_map(|name| {
            let mut path = format!("{base}/{name}");
            if is_row {
                for column in &table.primary_key {
                    path.push_str(&format!("/{{{column}}}"));
                }
            }
            let is_taken = self
                .system
                .api
                .endpoints
                .iter()
                .any(|endpoint| endpoint.method == method && same_shape(&endpoint.path, &path));
            (!is_taken).then_some((method.word(), path))
        })
    }

    /// A path of a row: each `{column}` is replaced by the row's value.
    pub fn of_row(&self, path: &str, row: &Map<String, Json>) -> Option<String> {
        let mut filled = String::with_capacity(path.len() + 40);
        for segment in path.split('/').skip(1) {
            filled.push('/');
            match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(column) => {
                    let value = row.get(&shape::shown(self.system, column))?;
                    filled.push_str(&shape::segment(value));
                }
                None => filled.push_str(segment),
            }
        }
        Some(filled)
    }

    /// The method and path of something built in.
    pub fn of_built_in(&self, built_in: BuiltIn) -> (&'static str, String) {
        let declared = self.endpoint_of(built_in);
        if let Some(endpoint) = declared {
            return (endpoint.method.word(), endpoint.path.clone());
        }
        let base = self.system.api.base.trim_end_matches('/');
        let (method, path) = match built_in {
            BuiltIn::Register => ("POST", "/auth/register"),
            BuiltIn::Login => ("POST", "/auth/login"),
            BuiltIn::Refresh => ("POST", "/auth/refresh"),
            BuiltIn::Logout => ("POST", "/auth/logout"),
            BuiltIn::Me => ("GET", "/auth/me"),
            BuiltIn::UpdateMe => ("PATCH", "/auth/me"),
            BuiltIn::DeleteMe => ("DELETE", "/auth/me"),
            BuiltIn::ChangePassword => ("POST", "/auth/change-password"),
            BuiltIn::ForgotPassword => ("POST", "/auth/forgot-password"),
            BuiltIn::ResetPassword => ("POST", "/auth/reset-password"),
            BuiltIn::VerifyEmail => ("POST", "/auth/verify-email"),
            BuiltIn::Health => return ("GET", "/health".to_owned()),
            BuiltIn::Ready => return ("GET", "/ready".to_owned()),
            BuiltIn::Metrics => return ("GET", "/metrics".to_owned()),
            BuiltIn::OpenApi => return ("GET", "/openapi.json".to_owned()),
            BuiltIn::Documentation => return ("GET", "/docs".to_owned()),
            BuiltIn::Jwks => return ("GET", "/.well-known/jwks.json".to_owned()),
        };
        (method, format!("{base}{path}"))
    }

    /// The endpoint that declares something built in.
    pub fn endpoint_of(&self, built_in: BuiltIn) -> Option<&'a Endpoint> {
        let is_it = |one: &&Endpoint| one.binding == Binding::BuiltIn { built_in };
        self.system.api.endpoints.iter().find(is_it)
    }
}

fn method_of(operation: Operation) -> Method {
    match operation {
        Operation::List | Operation::Get => Method::Get,
        Operation::Create => Method::Post,
        Operation::Replace => Method::Put,
        Operation::Update => Method::Patch,
        Operation::Delete => Method::Delete,
    }
}

fn parameters(path: &str) -> usize {
    path.split('/').filter(|segment| is_parameter(segment)).count()
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// True where two paths differ only in the names of their parameters.
fn same_shape(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim_end_matches('/'), right.trim_end_matches('/'));
    left.split('/').count() == right.split('/').count()
        && left
            .split('/')
            .zip(right.split('/'))
            .all(|(left, right)| left == right || (is_parameter(left) && is_parameter(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoints: &str, operation: Operation, expected: Option<&str>) {
        let text = format!(
            "# X\n\n```sql\nCREATE TABLE big_items (id UUID PRIMARY KEY, name TEXT);\n```\n\n## API\n\n{endpoints}\n"
        );
        let compiled = document::compile(document::Sources::single("x.md", &text));
        let table = compiled.system.data.table("big_items").expect("the table");
        let found = Paths::of(&compiled.system).of_table(table, operation);
        assert_eq!(found.map(|(_, path)| path).as_deref(), expected, "{endpoints}");
    }

    #[test]
    fn the_documents_own_path_wins_and_the_standard_one_is_always_there() {
        check("", Operation::List, Some("/api/v1/big_items"));
        check("", Operation::Get, Some("/api/v1/big_items/{id}"));
        check(
            "- `GET /api/v2/big-items/{key}`: one item",
            Operation::Get,
            Some("/api/v2/big-items/{id}"),
        );
    }

    #[test]
    fn paths_are_compared_without_the_names_of_their_parameters() {
        assert!(same_shape("/a/{id}", "/a/{key}/"));
        assert!(!same_shape("/a/{id}", "/a/b"));
        assert!(!same_shape("/a/{id}", "/a/{id}/c"));
    }
}
