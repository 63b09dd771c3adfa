//! Labels beside and under endpoints: `**Response (201):**`, `Request Body`, `Authentication: …`.

/// What the text or block after a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A request's body.
    Request,
    /// A response's body; its status where the label states one.
    Response(Option<u16>),
    /// An error's body.
    Error(Option<u16>),
    /// Query parameters.
    Query,
    /// Who may call.
    Callers,
    /// What the endpoint is for.
    Summary,
    /// Headers and other things that are not read here.
    Other,
}

/// The label of a line and what stands after it; none where the line begins with no known label.
pub(super) fn label(text: &str) -> Option<(Part, usize)> {
    let start = text.len()
        - text
            .trim_start_matches(|c: char| {
                !c.is_alphanumeric() && !matches!(c, '{' | '[' | '←' | '→' | '响' | '请')
            })
            .len();
    let rest = &text[start..];
    if let Some(status) = status_line(rest) {
        let at = rest.find(['{', '[']).unwrap_or(rest.len());
        return Some((of_status(status), start + at));
    }
    let end = rest.find([':', '：']).filter(|&at| at < 60);
    let head = &rest[..end.unwrap_or(rest.len())];
    if head.split_whitespace().count() > 7 || head.contains(['{', '[']) {
        return None;
    }
    let part = part_of(head, end.is_some())?;
    let after =
        end.map_or(rest.len(), |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
    let after_text = rest.get(after..).unwrap_or("");
    // `Response: 201 Created`
    let part = match (part, first_status(head).or_else(|| first_status(short(after_text)))) {
        (Part::Response(None), Some(status)) => of_status(status),
        (Part::Error(None), Some(status)) => Part::Error(Some(status)),
        (part, _) => part,
    };
    Some((part, start + after))
}

fn short(text: &str) -> &str {
    let end = text.find(['{', '[', '\n']).unwrap_or(text.len()).min(40);
    let mut end = end;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn of_status(status: u16) -> Part {
    if status >= 400 { Part::Error(Some(status)) } else { Part::Response(Some(status)) }
}

/// `HTTP/1.1 200 OK`, `201 Created`, `200:`.
fn status_line(text: &str) -> Option<u16> {
    let rest = match text.strip_prefix("HTTP/") {
        Some(rest) => rest.split_once(' ')?.1,
        None => text,
    };
    let digits = rest.get(..3)?;
    let status: u16 = digits.parse().ok().filter(|status| (200..600).contains(status))?;
    let next = rest[3..].trim_start_matches(['`', '*']).chars().next();
    let follows = rest[3..].trim_start_matches([' ', '`', '*', ')']);
    let is_status = next.is_none_or(|c| matches!(c, ' ' | ':' | ')' | '\n'))
        && (follows.is_empty()
            || follows.starts_with([':', '-', '–', '—', '{', '\n', '('])
            || [
                "OK",
                "Created",
                "Accepted",
                "No Content",
                "Bad",
                "Unauth",
                "Forb",
                "Not",
                "Conf",
                "Unproc",
                "Too",
                "Internal",
                "Success",
            ]
            .iter()
            .any(|reason| follows.starts_with(reason)));
    is_status.then_some(status)
}

fn first_status(text: &str) -> Option<u16> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 3)
        .find_map(|digits| digits.parse().ok().filter(|status| (200..600).contains(status)))
}

const RESPONSES: &[&str] = &[
    "response",
    "success response",
    "example response",
    "sample response",
    "returns",
    "success (",
    "output",
    "respuesta",
    "resposta",
    "réponse",
    "antwort",
    "ответ",
    "响应",
    "返回",
    "api response",
    "successful response",
    "json response",
];

const OTHERS: &[&str] = &[
    "request header",
    "response header",
    "header",
    "path param",
    "validation",
    "status code",
    "notes",
    "side effect",
];

const REQUESTS: &[&str] = &[
    "request",
    "example request",
    "sample request",
    "request body",
    "body",
    "payload",
    "input",
    "json body",
    "solicitud",
    "requisição",
    "anfrage",
    "запрос",
    "请求",
    "post body",
];

const CALLERS: &[&str] = &[
    "auth",
    "authentication",
    "authorization",
    "access",
    "auth required",
    "requires auth",
    "authentication required",
    "required role",
    "required roles",
    "role",
    "roles",
    "permission",
    "permissions",
    "allowed roles",
    "access level",
    "who",
    "security",
    "callers",
    "认证",
    "权限",
    "required permission",
    "required permissions",
    "requires role",
    "access control",
];

fn part_of(head: &str, has_colon: bool) -> Option<Part> {
    let lower = head.to_lowercase();
    let lower = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let begins = |list: &[&str]| list.iter().any(|word| lower.starts_with(word));
    let is = |list: &[&str]| list.contains(&lower);
    let status = first_status(lower);
    if begins(&["error", "failure", "错误"]) || lower.contains("error response") {
        return Some(Part::Error(status));
    }
    if begins(&["query param", "query string", "url param", "查询参数"])
        || is(&["query", "filters", "parameters", "params"])
    {
        return Some(Part::Query);
    }
    if begins(RESPONSES) || is(&["success", "success response", "result"]) {
        return Some(Part::Response(status));
    }
    if begins(OTHERS) {
        return Some(Part::Other);
    }
    if begins(REQUESTS) {
        return Some(Part::Request);
    }
    if !has_colon {
        return None;
    }
    if is(CALLERS) {
        return Some(Part::Callers);
    }
    is(&["purpose", "description", "summary", "功能", "描述", "说明"]).then_some(Part::Summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Part>) {
        assert_eq!(label(text).map(|(part, _)| part), expected, "{text}");
    }

    #[test]
    fn labels_say_what_follows() {
        check("Response:", Some(Part::Response(None)));
        check("Response (201):", Some(Part::Response(Some(201))));
        check("Response: 201 Created", Some(Part::Response(Some(201))));
        check("201 Created", Some(Part::Response(Some(201))));
        check("HTTP/1.1 404 Not Found", Some(Part::Error(Some(404))));
        check("Request Body:", Some(Part::Request));
        check("**Error Response (400):**", Some(Part::Error(Some(400))));
        check("Authentication: Required", Some(Part::Callers));
        check("Query Parameters:", Some(Part::Query));
        check("Purpose: Retrieve", Some(Part::Summary));
        check("200 posts are kept for a week", None);
        check("Orders are kept", None);
    }
}
