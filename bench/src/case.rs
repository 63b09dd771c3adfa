//! The requests that are measured: what is asked, and which rows they ask for.

use crate::seed::Keys;

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// The floor of HTTP: an answer without a row.
    Hello,
    /// One row by its key, for anybody.
    Get,
    /// One row by its key, with a token, and a rule that it is one's own.
    GetOwn,
    /// The newest 20 rows, for anybody.
    List,
    /// One's own newest 20 rows.
    ListOwn,
    /// A new row, for anybody.
    Insert,
    /// A new row of one's own.
    InsertOwn,
    /// The first 20 rows, by page.
    FirstPage,
    /// 20 rows after many others, by page.
    FarPage,
}

impl Case {
    /// All, in the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Hello,
        Self::Get,
        Self::GetOwn,
        Self::List,
        Self::ListOwn,
        Self::Insert,
        Self::InsertOwn,
    ];

    /// Rows that a table needs to have the far page.
    pub(crate) const FAR_ROWS: usize = 20 * FAR_PAGE;

    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Get => "get, public",
            Self::GetOwn => "get, token and owner rule",
            Self::List => "list 20, public",
            Self::ListOwn => "list 20, token and owner rule",
            Self::Insert => "insert, public",
            Self::InsertOwn => "insert, token and owner rule",
            Self::FirstPage => "page 1",
            Self::FarPage => "page 1000",
        }
    }

    /// The public case that the limit server answers in its place: it knows no tokens.
    pub(crate) fn reference(self) -> Self {
        match self {
            Self::GetOwn => Self::Get,
            Self::ListOwn => Self::List,
            Self::InsertOwn => Self::Insert,
            other => other,
        }
    }

    /// Whether it adds a row.
    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Insert | Self::InsertOwn)
    }

    /// The least share of the limit's throughput that is aimed at.
    pub(crate) fn share_aim(self, store: Store) -> Option<f64> {
        match (self, store) {
            (Self::Hello | Self::FirstPage | Self::FarPage, _) => None,
            (Self::Get | Self::List, _) => Some(0.80),
            (Self::Insert, Store::Sqlite) => Some(0.75),
            (Self::Insert, Store::Postgresql) => Some(0.70),
            (Self::GetOwn | Self::ListOwn, _) => Some(0.70),
            (Self::InsertOwn, _) => Some(0.60),
        }
    }
}

/// What holds the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgresql,
}

/// What a server is asked.
pub(crate) trait Requests {
    /// Whether it answers such requests at all.
    fn answers(&self, case: Case) -> bool;

    /// Writes the bytes of a request; another place asks for another row.
    fn write(&self, case: Case, place: usize, into: &mut Vec<u8>);
}

/// Requests in the words of our document, which the limit server has too.
pub(crate) struct Own {
    pub(crate) keys: Keys,
    /// Query of the newest 20.
    pub(crate) newest: &'static str,
}

/// The page that is far.
const FAR_PAGE: usize = 1000;
const MESSAGES: &str = "/api/v1/messages";
const NOTES: &str = "/api/v1/notes";

impl Requests for Own {
    fn answers(&self, case: Case) -> bool {
        case.reference() == case || !self.keys.users.is_empty()
    }

    fn write(&self, case: Case, place: usize, into: &mut Vec<u8>) {
        let Self { keys, newest } = self;
        match case {
            Case::Hello => get(into, "/health", None),
            Case::Get => get(into, &format!("{MESSAGES}/{}", keys.message(place)), None),
            Case::List => get(into, &format!("{MESSAGES}{newest}"), None),
            Case::FirstPage => get(into, &format!("{MESSAGES}{newest}&page=1"), None),
            Case::FarPage => get(into, &format!("{MESSAGES}{newest}&page={FAR_PAGE}"), None),
            Case::Insert => post(into, MESSAGES, None, &keys.new_message(place)),
            Case::GetOwn | Case::ListOwn | Case::InsertOwn => {
                let Some(user) = keys.user(place) else { return };
                let token = Some(user.token.as_str());
                match case {
                    Case::GetOwn => get(into, &format!("{NOTES}/{}", user.note(place)), token),
                    Case::ListOwn => get(into, &format!("{NOTES}{newest}"), token),
                    _ => post(into, NOTES, token, &keys.new_note(place)),
                }
            }
        }
    }
}

pub(crate) fn get(into: &mut Vec<u8>, path: &str, token: Option<&str>) {
    head(into, "GET", path, token);
    into.extend_from_slice(b"\r\n");
}

pub(crate) fn post(into: &mut Vec<u8>, path: &str, token: Option<&str>, body: &str) {
    head(into, "POST", path, token);
    let length = body.len();
    let rest = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    into.extend_from_slice(rest.as_bytes());
}

fn head(into: &mut Vec<u8>, method: &str, path: &str, token: Option<&str>) {
    into.extend_from_slice(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").as_bytes());
    if let Some(token) = token {
        into.extend_from_slice(format!("authorization: Bearer {token}\r\n").as_bytes());
    }
}
