//! Reads who may call an endpoint from the words beside it: an auth cell (`Yes (Admin)`), or the
//! value of a line such as `**Authentication:** Required (admin only)`.

use super::{Callers, Who};
use crate::Span;

/// What one word or group of words of an auth cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reading {
    Public,
    Authenticated,
    Who(Who),
}

/// Who may call, where the words are understood. `roles` are names the document already declares;
/// other short words are taken for roles too.
pub fn callers_of(text: &str, span: Span, roles: &[String]) -> Option<Callers> {
    let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = shown.trim_matches(|c: char| matches!(c, '*' | '`' | '_' | '.' | ' '));
    if bare.is_empty() || bare.chars().count() > 120 {
        return None;
    }
    let who = alternatives(&owners(bare), roles)?;
    Some(Callers { who, text: shown, span })
}

/// `patient (own), clerk` lets the owner and clerks: whoever only reaches own rows is the owner.
fn owners(text: &str) -> String {
    let pieces = text.split(',').map(|piece| {
        let lower = piece.to_lowercase();
        if lower.contains("(own)") || lower.contains("(own ") { " owner" } else { piece }
    });
    pieces.collect::<Vec<_>>().join(",")
}

fn alternatives(text: &str, roles: &[String]) -> Option<Vec<Who>> {
    let (outside, inside) = parentheses(text);
    let outer = readings(&outside, roles)?;
    let is_public = outer.contains(&Reading::Public);
    let is_closed = outer.iter().any(|reading| *reading != Reading::Public);
    // `Required/Not required` decides nothing.
    if is_public && is_closed && !text.to_lowercase().contains("optional") {
        let only_sign_in = outer.iter().all(|reading| !matches!(reading, Reading::Who(_)));
        if only_sign_in {
            return None;
        }
    }
    if is_public {
        return Some(vec![Who::Public]);
    }
    // What stands in parentheses narrows a mere "yes"; a remark that is no role changes nothing.
    let inner: Vec<Who> = inside
        .iter()
        .filter_map(|words| readings(words, roles))
        .flatten()
        .filter_map(|reading| match reading {
            Reading::Who(who) => Some(who),
            _ => None,
        })
        .collect();
    let mut who: Vec<Who> = Vec::new();
    let named = outer.iter().filter_map(|reading| match reading {
        Reading::Who(who) => Some(who.clone()),
        _ => None,
    });
    for one in named.chain(inner) {
        if !who.contains(&one) {
            who.push(one);
        }
    }
    if who.is_empty() {
        who.push(Who::Authenticated);
    }
    Some(who)
}

/// The text without its parentheses, and what stood in them.
fn parentheses(text: &str) -> (String, Vec<String>) {
    let mut outside = String::new();
    let mut inside = Vec::new();
    let mut open: Option<String> = None;
    for c in text.chars() {
        match (c, &mut open) {
            ('(' | '（', None) => open = Some(String::new()),
            (')' | '）', Some(words)) => {
                inside.push(std::mem::take(words));
                open = None;
            }
            (c, Some(words)) => words.push(c),
            (c, None) => outside.push(c),
        }
    }
    inside.extend(open);
    (outside, inside)
}

fn readings(text: &str, roles: &[String]) -> Option<Vec<Reading>> {
    let spaced = text.replace(" or ", ",").replace(" and ", ",").replace(" OR ", ",");
    let mut found = Vec::new();
    for piece in spaced.split([',', '/', '|', '&', '+', ';', '、', '，']) {
        let piece =
            piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '`' | '*' | '"' | '\''));
        if piece.is_empty() {
            continue;
        }
        found.push(reading(piece, roles)?);
    }
    (!found.is_empty()).then_some(found)
}

fn reading(piece: &str, roles: &[String]) -> Option<Reading> {
    let lower = piece.to_lowercase();
    let lower = lower.trim_end_matches(['.', '!', ':']).trim();
    if let Some(known) = roles.iter().find(|role| role.eq_ignore_ascii_case(piece)) {
        return Some(role(known));
    }
    if PUBLIC.contains(&lower) {
        return Some(Reading::Public);
    }
    if AUTHENTICATED.contains(&lower) {
        return Some(Reading::Authenticated);
    }
    if lower.contains("admin") && lower.contains("token") {
        return Some(Reading::Who(Who::Admin));
    }
    if lower.starts_with("bearer ") || lower.starts_with("jwt ") || lower.ends_with(" token") {
        return Some(Reading::Authenticated);
    }
    if is_scheme(lower) {
        return Some(Reading::Authenticated);
    }
    if OWNER.contains(&lower) {
        return Some(Reading::Who(Who::Owner));
    }
    if ADMIN.contains(&lower) {
        return Some(Reading::Who(Who::Admin));
    }
    // `Staff only`, `Requires admin`, `Required role: editor`: the role is what remains.
    let mut rest = lower;
    for affix in ["required role:", "requires ", "required ", "role:", "roles:", "only "] {
        rest = rest.strip_prefix(affix).unwrap_or(rest).trim();
    }
    for affix in [" only", " role", " roles", " required", " users", " access"] {
        rest = rest.strip_suffix(affix).unwrap_or(rest).trim();
    }
    if rest.is_empty() || rest == "role" {
        return None;
    }
    if rest != lower {
        return reading(rest_as_written(piece, rest), roles);
    }
    let is_role = piece.split_whitespace().count() <= 2
        && piece.chars().any(char::is_alphabetic)
        && piece.chars().all(|c| c.is_alphanumeric() || "_-.: ".contains(c))
        && !STOP_WORDS.iter().any(|word| lower.split_whitespace().any(|part| part == *word));
    is_role.then(|| role(piece))
}

/// Usual names of OpenAPI's security schemes, which say how one signs in, not who may.
fn is_scheme(lower: &str) -> bool {
    let bare: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let stem = bare.strip_suffix("auth").unwrap_or(&bare);
    let is_way = matches!(
        stem,
        "bearer" | "basic" | "cookie" | "apikey" | "jwt" | "token" | "jwtbearer" | "bearertoken"
    );
    is_way || matches!(bare.as_str(), "oauth" | "oauth2" | "oidc" | "openid" | "openidconnect")
}

/// The words of `piece` that `rest` is the lower-case form of.
fn rest_as_written<'a>(piece: &'a str, rest: &str) -> &'a str {
    piece
        .char_indices()
        .find_map(|(at, _)| {
            let candidate = piece[at..].get(..rest.len())?;
            (candidate.to_lowercase() == rest).then_some(candidate)
        })
        .unwrap_or(piece)
}

fn role(name: &str) -> Reading {
    if ADMIN.contains(&name.to_lowercase().as_str()) {
        return Reading::Who(Who::Admin);
    }
    Reading::Who(Who::Role { name: name.to_owned() })
}

const PUBLIC: &[&str] = &[
    "no",
    "none",
    "public",
    "✗",
    "✘",
    "❌",
    "✖",
    "—",
    "–",
    "-",
    "--",
    "anonymous",
    "guest",
    "guests",
    "not required",
    "no auth",
    "unauthenticated",
    "open",
    "false",
    "optional",
    "anyone",
    "everyone",
    "no authentication",
    "no authentication required",
    "not needed",
    "n",
    "x",
    "public access",
    "none required",
    "n/a",
    "否",
    "无",
    "不需要",
    "non",
    "nein",
    "нет",
    "no auth required",
    "öffentlich",
    "público",
    "publico",
    "publique",
    "pubblico",
    "公开",
    "открытый",
];

const AUTHENTICATED: &[&str] = &[
    "yes",
    "✓",
    "✔",
    "✅",
    "☑",
    "✔️",
    "true",
    "required",
    "jwt",
    "token",
    "bearer",
    "auth",
    "authenticated",
    "private",
    "protected",
    "user",
    "users",
    "all users",
    "any user",
    "all",
    "logged in",
    "logged-in",
    "signed in",
    "login",
    "session",
    "cookie",
    "api key",
    "apikey",
    "api-key",
    "bearer token",
    "access token",
    "jwt token",
    "jwt required",
    "auth required",
    "authentication required",
    "authenticated user",
    "authenticated users",
    "any authenticated",
    "any authenticated user",
    "valid token",
    "valid token required",
    "y",
    "any role",
    "any",
    "all roles",
    "all authenticated",
    "all authenticated users",
    "需要",
    "是",
    "sí",
    "si",
    "oui",
    "ja",
    "да",
    "logged in user",
    "logged-in user",
    "requires authentication",
    "refresh token",
    "bearer jwt",
    "bearer {token}",
    "oauth2",
    "oauth",
    "required jwt",
    "🔒",
    "🔐",
    "all logged-in users",
    "angemeldet",
    "autenticado",
    "connecté",
    "autenticato",
    "登录",
];

const OWNER: &[&str] = &[
    "owner",
    "own",
    "self",
    "owner only",
    "own only",
    "resource owner",
    "own data",
    "self only",
    "own profile",
    "own data only",
    "own records",
    "本人",
];

const ADMIN: &[&str] = &[
    "admin",
    "admins",
    "administrator",
    "administrators",
    "admin only",
    "admins only",
    "superadmin",
    "super admin",
    "super_admin",
    "system admin",
    "system",
    "internal",
    "service",
    "管理员",
    "administrador",
    "administrateur",
    "internal only",
    "service role",
    "admin role",
];

/// Words that make a sentence of a cell rather than a role.
const STOP_WORDS: &[&str] = &[
    "the", "a", "an", "is", "are", "with", "for", "by", "to", "in", "of", "if", "via", "from",
    "not", "see", "when", "tbd", "todo", "limited", "rate", "per", "method",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&[Who]>) {
        let found = callers_of(text, Span::default(), &["HR".to_owned()]);
        assert_eq!(found.as_ref().map(|callers| callers.who.as_slice()), expected, "{text}");
    }

    fn named(name: &str) -> Who {
        Who::Role { name: name.to_owned() }
    }

    #[test]
    fn cells_that_only_ask_for_identity() {
        for text in ["Yes", "✓", "✅", "JWT", "Required", "Bearer {token}", "API Key / JWT", "User"]
        {
            check(text, Some(&[Who::Authenticated]));
        }
        for text in ["No", "None", "Public", "—", "❌", "Optional", "none (guest)", "Not required"]
        {
            check(text, Some(&[Who::Public]));
        }
    }

    #[test]
    fn cells_that_name_roles() {
        check("Yes (Student)", Some(&[named("Student")]));
        check("Yes (Owner/Admin)", Some(&[Who::Owner, Who::Admin]));
        check("Required (admin only)", Some(&[Who::Admin]));
        check("HR, DM", Some(&[named("HR"), named("DM")]));
        check("Staff only", Some(&[named("Staff")]));
        check("JWT + `campaign:view`", Some(&[named("campaign:view")]));
        check("ADMIN, DELIVERY_PARTNER", Some(&[Who::Admin, named("DELIVERY_PARTNER")]));
    }

    #[test]
    fn what_decides_nothing_is_not_understood() {
        check("Required/Not required", None);
        check("see the table in section 4 for the details of this", None);
        check("", None);
    }
}
