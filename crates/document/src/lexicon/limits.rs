//! Request limits: `100 requests per 15 minutes per IP`, alone, in lists and in tables.

use crate::{
    Chapter, Claim, ClaimKind,
    api::Method,
    compile::Reading,
    quantity::{self, Rate},
    security::{LimitScope, LimitSubject, RateLimit},
    system::System,
    unit::Unit,
};

/// Under these words a number of requests is not a limit of ours.
const ELSEWHERE: &[&str] = &[
    "external",
    "integration",
    "third-party",
    "third party",
    "alert",
    "monitor",
    "performance",
    "target",
    "throughput",
    "scal",
    "capacity",
    "quota of",
    "load test",
];

/// Reads the unit as request limits; false where it states none.
pub(super) fn read(
    reading: &mut Reading<'_>,
    system: &mut System,
    unit: &Unit<'_>,
    context: &[String],
) -> bool {
    let label = unit.label_value().map_or("", |(label, _)| label.text).to_lowercase();
    let names = |text: &str| text.contains("rate limit") || text.contains("throttl");
    let limited = names(&label)
        || context.iter().take(3).any(|words| names(words))
        || (names(&unit.text().to_lowercase()) && unit.cells.is_empty())
        || limits_callers(&label, context);
    let elsewhere = context.iter().any(|words| ELSEWHERE.iter().any(|other| words.contains(other)));
    if !limited
        || elsewhere
        || label.trim_start_matches(|c: char| !c.is_alphabetic()).starts_with("no ")
    {
        return false;
    }
    let role = role_cell(unit, system);
    let whole: String = match unit.cells {
        [] => unit.text().to_owned(),
        cells => cells.iter().map(|cell| cell.trimmed()).collect::<Vec<_>>().join(" · "),
    };
    let mut found = Vec::new();
    for (rate, words) in rates(&whole) {
        if counts_requests(&whole[rate.range.clone()]) {
            found.push((Some(rate), words));
        }
    }
    if found.is_empty() && whole.to_lowercase().contains("unlimited") && role.is_some() {
        found.push((None, whole.to_lowercase()));
    }
    let any = !found.is_empty();
    for (rate, words) in found {
        let heading = context.first().filter(|words| names(words)).map_or("", String::as_str);
        let scope = role.clone().unwrap_or_else(|| scope(&words, heading, system));
        bind(reading, system, unit, rate, &words, scope);
    }
    any
}

/// `Auth endpoints: 5 requests/minute` under a heading of the security chapter: the label says who
/// asks or what is asked.
fn limits_callers(label: &str, context: &[String]) -> bool {
    const CALLERS: &[&str] = &[
        "auth endpoint",
        "auth route",
        "authentication endpoint",
        "login endpoint",
        "login attempt",
        "public endpoint",
        "public api",
        "public request",
        "all endpoint",
        "all request",
        "api endpoint",
        "api request",
        "protected endpoint",
        "anonymous",
        "unauthenticated",
        "authenticated user",
        "authenticated request",
        "authenticated endpoint",
        "guest",
    ];
    let is_secure = context.iter().take(3).any(|words| {
        ["security", "authentication", "protection"].iter().any(|word| words.contains(word))
    });
    let label = label.trim_matches(|c: char| !c.is_alphanumeric());
    is_secure && (label == "api" || CALLERS.iter().any(|callers| label.starts_with(callers)))
}

/// The role of a row whose column says that it holds one.
fn role_cell(unit: &Unit<'_>, system: &System) -> Option<LimitScope> {
    let column = unit.header.iter().position(|cell| {
        let words = cell.text.trim().to_lowercase();
        ["role", "user type", "tier", "plan", "who"].iter().any(|word| words.starts_with(word))
    })?;
    let name = unit.cells.get(column)?.trimmed().trim_matches('`');
    let path = unit.cells.iter().any(|cell| cell.trimmed().trim_matches('`').starts_with('/'));
    if name.is_empty() || name.to_lowercase().starts_with("all") || path {
        return None;
    }
    let known = system.security.roles.iter().find(|role| role.name.eq_ignore_ascii_case(name));
    let name = known.map_or_else(|| name.to_owned(), |role| role.name.clone());
    Some(LimitScope::Role { name })
}

/// `5 notifications per hour` limits something else.
fn counts_requests(rate: &str) -> bool {
    const NOUNS: [&str; 12] = [
        "request", "req", "call", "attempt", "hit", "quer", "login", "per", "rpm", "api", "time",
        "max",
    ];
    let lower = rate.to_lowercase();
    let tail = lower.trim_start_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, ',' | '.' | '_' | ' ' | 'k')
    });
    let word = tail.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    word.is_empty() || NOUNS.iter().any(|noun| word.starts_with(noun))
}

/// Each rate with the words that belong to it.
fn rates(text: &str) -> Vec<(Rate, String)> {
    let mut found: Vec<Rate> = Vec::new();
    let mut from = 0;
    while let Some(rate) = text.get(from..).and_then(quantity::rate) {
        let range = from + rate.range.start..from + rate.range.end;
        from = range.end;
        found.push(Rate { range, ..rate });
        if found.len() >= 8 {
            break;
        }
    }
    let mut pieces = Vec::new();
    for (index, rate) in found.iter().enumerate() {
        let start = if index == 0 { 0 } else { rate.range.start };
        let end = found.get(index + 1).map_or(text.len(), |next| next.range.start);
        pieces.push((rate.clone(), text.get(start..end).unwrap_or("").to_lowercase()));
    }
    pieces
}

fn bind(
    reading: &mut Reading<'_>,
    system: &mut System,
    unit: &Unit<'_>,
    rate: Option<Rate>,
    words: &str,
    scope: LimitScope,
) {
    let subject = subject(words, &scope);
    let requests = rate.as_ref().map(|rate| rate.count as u32);
    let window_seconds = rate.as_ref().map_or(60, |rate| (rate.seconds as u32).max(1));
    let meaning = match requests {
        Some(requests) => {
            format!("at most {requests} requests in {window_seconds} s, {}", in_words(&scope))
        }
        None => format!("no limit, {}", in_words(&scope)),
    };
    let claim = Claim::new(ClaimKind::RateLimit, Chapter::Security, meaning)
        .about("setting:security.rate_limit");
    reading.ledger.bind(unit.span, unit.form, claim);
    let limit = RateLimit { requests, window_seconds, subject, scope, span: unit.span };
    system.security.rate_limits.push(limit);
}

fn in_words(scope: &LimitScope) -> String {
    match scope {
        LimitScope::All => "all requests".to_owned(),
        LimitScope::Authentication => "sign-in and registration".to_owned(),
        LimitScope::Authenticated => "requests with identity".to_owned(),
        LimitScope::Anonymous => "requests without identity".to_owned(),
        LimitScope::Role { name } => format!("users with the role `{name}`"),
        LimitScope::Endpoint { method, path } => {
            format!(
                "`{}{path}`",
                method.map_or(String::new(), |method| format!("{} ", method.word()))
            )
        }
    }
}

fn subject(words: &str, scope: &LimitScope) -> LimitSubject {
    let has = |word: &str| words.split(|c: char| !c.is_alphanumeric()).any(|found| found == word);
    if has("ip") || has("address") || has("ips") {
        LimitSubject::Address
    } else if ["user", "users", "account", "client", "customer", "email", "key", "token"]
        .iter()
        .any(|word| has(word))
    {
        LimitSubject::User
    } else if has("global") || has("globally") || has("total") {
        LimitSubject::Everyone
    } else {
        match scope {
            LimitScope::Authenticated | LimitScope::Role { .. } => LimitSubject::User,
            _ => LimitSubject::Address,
        }
    }
}

/// What the limit counts, from the words around it.
fn scope(words: &str, heading: &str, system: &System) -> LimitScope {
    if let Some(endpoint) = endpoint(words) {
        return endpoint;
    }
    for text in [words, heading] {
        let has = |list: &[&str]| list.iter().any(|word| text.contains(word));
        if has(&["unauthenticated", "anonymous", "non-authenticated", "public", "guest"]) {
            return LimitScope::Anonymous;
        }
        if has(&["authenticated", "logged-in", "logged in"]) {
            return LimitScope::Authenticated;
        }
        if has(&[
            "login",
            "auth endpoint",
            "authentication",
            "sign-in",
            "register",
            "auth route",
            "auth ",
        ]) {
            return LimitScope::Authentication;
        }
        let role = system.security.roles.iter().find(|role| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| {
                word == role.name.to_lowercase()
                    || word.trim_end_matches('s') == role.name.to_lowercase()
            })
        });
        if let Some(role) = role.filter(|role| role.name.to_lowercase() != "user") {
            return LimitScope::Role { name: role.name.clone() };
        }
    }
    LimitScope::All
}

/// A path with its method, where the words name one.
fn endpoint(words: &str) -> Option<LimitScope> {
    let mut before = "";
    for word in words.split_whitespace() {
        let bare = word.trim_matches(['`', ':', ',', '(', ')', '*']);
        let path = word.trim_matches(['`', ':', ',', '(', ')']);
        if bare.starts_with('/') && bare.len() > 1 && !bare.contains("//") {
            let method = Method::parse(before);
            return Some(LimitScope::Endpoint { method, path: path.to_owned() });
        }
        before = bare;
    }
    None
}
