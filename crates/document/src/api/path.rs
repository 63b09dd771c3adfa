//! Paths as people write them, brought to one spelling: `/users/{id}`, without host and query.

/// A path in the one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path {
    /// `/api/v1/posts/{id}`; `/` for the root.
    pub(super) text: String,
    /// Names of query parameters in order.
    pub(super) parameters: Vec<String>,
    /// The host of a full URL, in lower case.
    pub(super) host: Option<String>,
    /// True for a pattern (`/auth/*`, `/api/[resource]`) that names no endpoint.
    pub(super) is_pattern: bool,
}

/// One piece of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// A word.
    Word(&'a str),
    /// A parameter's name.
    Parameter(&'a str),
}

/// The pieces of a path in the one spelling.
pub(super) fn segments(path: &str) -> Vec<Segment<'_>> {
    path.split('/')
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Segment::Parameter(name),
            None => Segment::Word(piece),
        })
        .collect()
}

/// The path with its parameters' names taken out: two spellings of one route give one shape.
pub(super) fn shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    for segment in segments(path) {
        shape.push('/');
        match segment {
            Segment::Word(word) => shape.push_str(word),
            Segment::Parameter(_) => shape.push_str("{}"),
        }
    }
    shape
}

/// Reads a path as written: `/x/:id?page=1`, `https://host/x/[id]`, `{{base}}/x`.
pub(super) fn read(raw: &str) -> Option<Path> {
    let (host, rest) = split_host(raw.trim())?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let (route, query) = match rest.find('?') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    };
    let mut path = Path { host, parameters: query_names(query), ..Path::default() };
    let mut pieces: Vec<String> = Vec::new();
    for piece in route.split('/').filter(|piece| !piece.is_empty()) {
        if piece.contains('*') || piece.contains("..") || piece.contains('…') {
            path.is_pattern = true;
        }
        let is_first = !pieces.iter().any(|known| !is_prefix_word(known));
        match parameter(piece) {
            Some(name) if is_first && is_generic(&name, piece) => {
                path.is_pattern = true;
                pieces.push(format!("{{{name}}}"));
            }
            Some(name) => pieces.push(format!("{{{name}}}")),
            None => pieces.push(piece.to_owned()),
        }
    }
    distinguish(&mut pieces);
    path.text = format!("/{}", pieces.join("/"));
    Some(path)
}

/// `prefix` and `path` joined: nothing is doubled where the path repeats the prefix or its end.
pub(super) fn join(prefix: &str, path: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    if prefix.is_empty() || path == prefix || starts_with(path, prefix) {
        return path.to_owned();
    }
    if path == "/" {
        return prefix.to_owned();
    }
    // `/api/users` and `/users/{id}` overlap in `/users`.
    let pieces: Vec<&str> = prefix.split('/').filter(|piece| !piece.is_empty()).collect();
    for from in 1..pieces.len() {
        let tail = format!("/{}", pieces[from..].join("/"));
        if starts_with(path, &tail) {
            return format!("/{}{path}", pieces[..from].join("/"));
        }
    }
    format!("{prefix}{path}")
}

/// True where `path` is `prefix` or goes on after it with a slash.
pub(super) fn starts_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `api`, `rest`, `v1`: words that lead to the resources and name none.
pub(super) fn is_prefix_word(word: &str) -> bool {
    matches!(word, "api" | "rest" | "apis")
        || word.strip_prefix(['v', 'V']).is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
}

/// The leading `/api`, `/v1`, `/api/v1` of a path; empty where there is none.
pub(super) fn version_prefix(path: &str) -> String {
    let mut prefix = String::new();
    for piece in path.split('/').filter(|piece| !piece.is_empty()) {
        if !is_prefix_word(piece) {
            break;
        }
        prefix.push('/');
        prefix.push_str(piece);
    }
    prefix
}

fn split_host(raw: &str) -> Option<(Option<String>, &str)> {
    for scheme in ["https://", "http://"] {
        if let Some(rest) = raw.strip_prefix(scheme) {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            return Some((Some(rest[..end].to_lowercase()), &rest[end..]));
        }
    }
    if raw.starts_with('/') {
        return Some((None, raw));
    }
    // `{{baseUrl}}/x`, `${API}/x`, `$API/x`, `{base_url}/x`: the variable stands for the server.
    if raw.starts_with(['{', '$']) {
        return raw.find('/').map(|at| (None, &raw[at..]));
    }
    None
}

fn query_names(query: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for piece in query.split(['&', ';']) {
        let name = piece.split(['=', '{', '<', '(']).next().unwrap_or("").trim();
        let name = name.trim_end_matches("[]");
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || "_-.[]".contains(c))
            && name.chars().any(char::is_alphanumeric);
        if is_name && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The name of a parameter piece: `:id`, `{id}`, `[id]`, `<int:id>`, `$id`, or a sample key.
fn parameter(piece: &str) -> Option<String> {
    let between = |open: &str, close: &str| {
        piece.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
    };
    let named = between("{{", "}}")
        .or_else(|| between("${", "}"))
        .or_else(|| between("{", "}"))
        .or_else(|| between("[", "]"))
        .or_else(|| between("<", ">"));
    if let Some(inner) = named {
        let inner = inner.trim_start_matches("...").trim_end_matches(['?', '+']);
        // `{id:uuid}` names before the colon, `<int:id>` after it.
        let name = match (inner.split_once(':'), piece.starts_with('<')) {
            (Some((_, after)), true) => after,
            (Some((before, _)), false) => before,
            (None, _) => inner,
        };
        return Some(clean_name(name));
    }
    if let Some(rest) = piece.strip_prefix([':', '$']) {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        return match end {
            Some(0) => None,
            Some(at) if !rest[at..].starts_with('(') => None,
            Some(at) => Some(clean_name(&rest[..at])),
            None if rest.is_empty() => None,
            None => Some(clean_name(rest)),
        };
    }
    is_sample_key(piece).then(|| "id".to_owned())
}

fn clean_name(name: &str) -> String {
    let cleaned: String = name
        .trim()
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' })
        .collect();
    if cleaned.is_empty() { "id".to_owned() } else { cleaned }
}

/// `123`, a UUID, `ORD-2024`, `usr_12ab`: a key of one row in an example.
fn is_sample_key(piece: &str) -> bool {
    let has_digit = piece.bytes().any(|b| b.is_ascii_digit());
    if !has_digit || is_prefix_word(piece) {
        return false;
    }
    let all_digits = piece.bytes().all(|b| b.is_ascii_digit());
    let uuid = piece.len() == 36 && piece.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let upper = piece.len() >= 3
        && piece.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        && piece.bytes().any(|b| b.is_ascii_uppercase());
    let prefixed = piece
        .split_once(['_', '-'])
        .is_some_and(|(_, rest)| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    all_digits || uuid || upper || prefixed
}

/// A parameter where the resource should stand: `[resource]`, `{entity}`.
fn is_generic(name: &str, piece: &str) -> bool {
    const GENERIC: &[&str] = &[
        "resource",
        "resources",
        "entity",
        "entities",
        "collection",
        "table",
        "model",
        "feature",
        "endpoint",
        "path",
        "object",
        "resource_name",
        "entity_name",
        "module",
        "service",
        "name",
    ];
    let lower = name.to_lowercase();
    let key_like = ["id", "slug", "code", "key", "token", "hash", "uuid", "username", "alias"]
        .iter()
        .any(|word| lower.ends_with(word));
    GENERIC.contains(&lower.as_str()) || (piece.starts_with('[') && !key_like)
}

/// `/users/{id}/orders/{id}`: the names of parameters must differ.
fn distinguish(pieces: &mut [String]) {
    for index in 0..pieces.len() {
        let repeated = pieces[index].starts_with('{')
            && pieces[index + 1..].iter().any(|later| *later == pieces[index]);
        if !repeated {
            continue;
        }
        let owner = index.checked_sub(1).map_or("parent", |before| pieces[before].as_str());
        let owner = super::names::normal(owner);
        pieces[index] = format!("{{{owner}_id}}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(read(raw).expect("a path").text, expected, "{raw}");
    }

    #[test]
    fn parameters_have_one_spelling() {
        check("/users/:id", "/users/{id}");
        check("/users/[userId]/", "/users/{userId}");
        check("/users/<int:pk>", "/users/{pk}");
        check("/users/{id:uuid}", "/users/{id}");
        check("/orders/123", "/orders/{id}");
        check("/api/v1/orders", "/api/v1/orders");
        check("/users/:id/orders/:id", "/users/{user_id}/orders/{id}");
    }

    #[test]
    fn hosts_and_queries_are_taken_off() {
        let path = read("https://api.example.com/v1/posts?page=1&sort=name").expect("a path");
        assert_eq!(path.text, "/v1/posts");
        assert_eq!(path.host.as_deref(), Some("api.example.com"));
        assert_eq!(path.parameters, ["page", "sort"]);
        check("{{base_url}}/posts", "/posts");
    }

    #[test]
    fn patterns_name_no_endpoint() {
        for raw in ["/api/auth/*", "/api/[resource]", "/v1/{resource}/{id}", "/api/..."] {
            assert!(read(raw).expect("a path").is_pattern, "{raw}");
        }
        for raw in ["/posts/[slug]", "/{shortCode}", "/api/[id]"] {
            assert!(!read(raw).expect("a path").is_pattern, "{raw}");
        }
    }

    #[test]
    fn joining_doubles_nothing() {
        assert_eq!(join("/api/auth", "/register"), "/api/auth/register");
        assert_eq!(join("/api/users", "/users/{id}"), "/api/users/{id}");
        assert_eq!(join("/api/v1", "/api/v1/posts"), "/api/v1/posts");
        assert_eq!(join("/api/cards", "/"), "/api/cards");
        assert_eq!(join("", "/posts"), "/posts");
    }
}
