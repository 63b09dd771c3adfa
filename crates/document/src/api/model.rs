//! The typed form of the api chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Span, security::Callers};

/// All that the document says about its API.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Api {
    /// Where the resources of all tables are served: `/api/v1` unless the endpoints say otherwise.
    pub base: String,
    /// Endpoints in the order in which they are written.
    pub endpoints: Vec<Endpoint>,
    /// How a successful body is wrapped.
    pub envelope: Envelope,
    /// How an error body looks.
    pub error_shape: ErrorShape,
    /// How lists are paged.
    pub pagination: Pagination,
    /// How members of JSON objects are spelled.
    pub json_case: JsonCase,
    /// Title for OpenAPI and the page: the document's first heading.
    pub title: String,
    /// Version where the document states one.
    pub version: Option<String>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            base: "/api/v1".to_owned(),
            endpoints: Vec::new(),
            envelope: Envelope::default(),
            error_shape: ErrorShape::default(),
            pagination: Pagination::default(),
            json_case: JsonCase::Snake,
            title: String::new(),
            version: None,
        }
    }
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each is its HTTP namesake")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

impl Method {
    /// Reads a method in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "HEAD" => Method::Head,
            "OPTIONS" => Method::Options,
            _ => return None,
        })
    }

    /// In upper case, as HTTP spells it.
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
        }
    }
}

/// The target of an action that sets a time stamp to the present.
pub const NOW: &str = "now()";

/// The target of an action that empties a column.
pub const NULL: &str = "null";

/// The target of an action that turns a boolean column into its opposite.
pub const TOGGLE: &str = "toggle";

/// One endpoint.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Endpoint {
    /// HTTP method.
    pub method: Method,
    /// The whole path with parameters as `{name}`, such as `/api/v1/posts/{id}`.
    pub path: String,
    /// What it is for, as written beside it.
    pub summary: Option<String>,
    /// What it does.
    pub binding: Binding,
    /// Who may call it, where the document says so at the endpoint.
    pub callers: Option<Callers>,
    /// The request example, where there is one.
    pub request: Option<Example>,
    /// Response examples by status.
    pub responses: Vec<Example>,
    /// Query parameters that the document names.
    pub parameters: Vec<String>,
    /// The form it is written in.
    pub form: EndpointForm,
    /// `METHOD /path` where it is written.
    pub span: Span,
}

/// The form an endpoint is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the name of a form")]
pub enum EndpointForm {
    Heading,
    Bullet,
    TableRow,
    HttpFence,
    PlainFence,
    CommentInCode,
    Paragraph,
    Yaml,
    OpenApi,
}

/// What an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "to")]
pub enum Binding {
    /// An operation on a table.
    Table {
        /// The table.
        table: String,
        /// What is done.
        operation: Operation,
        /// `/parents/{id}/children`: rows are limited to those of the parent.
        nested: Option<Nested>,
        /// Fixed values of columns implied by the path, such as `/posts/published`.
        filters: Vec<(String, String)>,
        /// The path parameter that names the row, and the column it is compared with. None with
        /// `nested` and an operation on one row: the parent's only child (`/users/{id}/profile`).
        key: Option<KeyParameter>,
    },
    /// An action of a table's state machine: `POST /orders/{id}/cancel`.
    Transition {
        /// The table.
        table: String,
        /// The action as in the machine's transitions, or the path's last word.
        action: String,
        /// The column that the action changes.
        column: String,
        /// What the column holds afterwards: a state; `true`, `false` or `toggle` for a boolean
        /// column; `now()` or `null` for a time stamp.
        target: String,
        /// A time stamp that is set to the present besides, such as `published_at`.
        stamp: Option<String>,
        /// The path parameter that names the row.
        key: KeyParameter,
    },
    /// Something built in.
    BuiltIn {
        /// Which.
        built_in: BuiltIn,
    },
    /// The `sql` fence under the endpoint.
    Query {
        /// The statement with `:name` parameters, as written.
        sql: String,
        /// Names of its parameters.
        parameters: Vec<String>,
        /// Where it is written.
        span: Span,
    },
    /// Nothing: answers 501 and names its sentence.
    Unbound {
        /// What it could have bound to.
        candidates: Vec<String>,
    },
}

/// A path parameter and the column it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyParameter {
    /// The parameter's name in the path; [`Nested::ME`] for the principal's own key.
    pub parameter: String,
    /// The column of the bound table.
    pub column: String,
}

/// A nested route's parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Nested {
    /// The parent table.
    pub parent: String,
    /// The path parameter that names the parent row; [`Nested::ME`] where the path says
    /// `/users/me/…`: the principal's own row.
    pub parameter: String,
    /// The parent's column that the parameter is compared with.
    pub parent_column: String,
    /// The column of the bound table that refers to the parent; with `through`, the column that
    /// the join table refers to.
    pub column: String,
    /// The join table, where parent and bound table meet in one (`/posts/{id}/tags`).
    pub through: Option<Through>,
}

impl Nested {
    /// Stands for the principal's own key; no path parameter can be named so.
    pub const ME: &'static str = "@me";
}

/// A join table between a nested route's parent and the bound table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Through {
    /// The join table.
    pub table: String,
    /// Its column that refers to the parent's `parent_column`.
    pub parent_column: String,
    /// Its column that refers to the bound table's `column`.
    pub child_column: String,
}

/// What is done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Operation {
    List,
    Get,
    Create,
    Replace,
    Update,
    Delete,
}

/// What is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum BuiltIn {
    Register,
    Login,
    Refresh,
    Logout,
    Me,
    UpdateMe,
    DeleteMe,
    ChangePassword,
    ForgotPassword,
    ResetPassword,
    VerifyEmail,
    Health,
    Ready,
    Metrics,
    OpenApi,
    Documentation,
    Jwks,
}

/// An example body in the document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Example {
    /// HTTP status, for responses that state one.
    pub status: Option<u16>,
    /// The body; ellipses and comments removed.
    pub body: serde_json::Value,
    /// Where it is written.
    pub span: Span,
}

/// How a successful body is wrapped, as the document's own samples show it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Envelope {
    /// The member that holds one row (`data`); bare where there is none.
    pub item: Option<String>,
    /// The member that holds the rows of a list (`data`, `items`); `data` by default.
    pub list: Option<String>,
    /// The member that holds paging (`pagination`, `meta`); at the top level where there is none.
    pub page: Option<String>,
    /// Members with fixed values such as `"success": true`.
    pub constants: Vec<(String, serde_json::Value)>,
    /// The member that holds `timestamp` and `request_id` (`meta`).
    pub meta: Option<String>,
    /// True where a sample shows that a list is a bare array.
    pub bare_list: bool,
    /// The sample, where there is one.
    pub span: Option<Span>,
}

/// How an error body looks: the path of each part in the document's own sample.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ErrorShape {
    /// Path of the code, such as `["error", "code"]`.
    pub code: Option<Vec<String>>,
    /// Path of the message.
    pub message: Vec<String>,
    /// Path of the details.
    pub details: Option<Vec<String>>,
    /// Path of the request's id.
    pub request_id: Option<Vec<String>>,
    /// Path of the time.
    pub timestamp: Option<Vec<String>>,
    /// Path of the HTTP status.
    pub status: Option<Vec<String>>,
    /// True where details are an object by field, false where a list of `{field, message}`.
    pub details_are_object: bool,
    /// Members with fixed values such as `"success": false`.
    pub constants: Vec<(String, serde_json::Value)>,
    /// The sample, where there is one.
    pub span: Option<Span>,
}

impl Default for ErrorShape {
    fn default() -> Self {
        let path = |leaf: &str| Some(vec!["error".to_owned(), leaf.to_owned()]);
        Self {
            code: path("code"),
            message: vec!["error".to_owned(), "message".to_owned()],
            details: path("details"),
            request_id: path("request_id"),
            timestamp: path("timestamp"),
            status: None,
            details_are_object: false,
            constants: Vec::new(),
            span: None,
        }
    }
}

/// How lists are paged: the names of query parameters and of members, and the bounds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Pagination {
    /// Query parameter for the page's number, from 1.
    pub page_parameter: String,
    /// Query parameter for the page's size.
    pub limit_parameter: String,
    /// Rows on a page where the request says nothing.
    pub limit_default: u32,
    /// Rows on a page at most.
    pub limit_max: u32,
    /// Members of the paging block and what they hold, in order.
    pub members: Vec<(String, PageMember)>,
    /// The sentence or sample, where there is one.
    pub span: Option<Span>,
}

impl Default for Pagination {
    fn default() -> Self {
        Self {
            page_parameter: "page".to_owned(),
            limit_parameter: "limit".to_owned(),
            limit_default: 20,
            limit_max: 100,
            members: Vec::new(),
            span: None,
        }
    }
}

/// What a member of the paging block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum PageMember {
    Page,
    Limit,
    Offset,
    Total,
    TotalPages,
    HasNext,
    HasPrevious,
    NextCursor,
    Count,
}

/// How members of JSON objects are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonCase {
    /// `created_at`
    Snake,
    /// `createdAt`
    Camel,
}
