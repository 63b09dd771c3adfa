//! Endpoints that every system has: identity, health, metrics, documentation.

use super::{BuiltIn, Method, names, path::Segment};

/// The built-in that a path names, if one does. `names_table` tells whether a word names a table,
/// which then comes first.
pub(super) fn built_in(
    method: Method,
    segments: &[Segment<'_>],
    names_table: impl Fn(&str) -> bool,
) -> Option<BuiltIn> {
    let mut words: Vec<String> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Word(word) if is_file(word) => words.push(word.to_lowercase()),
            Segment::Word(word) => words.push(names::snake(word)),
            // `/auth/reset-password/{token}`
            Segment::Parameter(name)
                if index + 1 == segments.len()
                    && index > 0
                    && name.to_lowercase().ends_with("token") => {}
            Segment::Parameter(_) => return None,
        }
    }
    if let Some(found) = operational(method, &words) {
        let last = words.last().map_or("", String::as_str);
        return (!names_table(last)).then_some(found);
    }
    let split = words.iter().position(|word| !is_group(word)).unwrap_or(words.len());
    let (groups, action) = words.split_at(split);
    let action = action.join("_");
    let last_is_me = groups.last().is_some_and(|last| last == "me");
    if action.is_empty() {
        let is_account = groups.len() > 1 && groups.last().is_some_and(|last| last == "account")
            || matches!(groups, [first, last] if first == "auth" && last == "user");
        return (last_is_me || is_account).then(|| me(method)).flatten();
    }
    if groups.is_empty() && names_table(&action) {
        return None;
    }
    identity(method, &action, last_is_me, groups)
}

/// Words that lead to identity and name nothing themselves.
fn is_group(word: &str) -> bool {
    matches!(
        word,
        "auth"
            | "authentication"
            | "users"
            | "user"
            | "accounts"
            | "account"
            | "identity"
            | "me"
            | "oauth"
            | "admin"
            | "v1"
            | "session"
            | "public"
    )
}

fn is_file(word: &str) -> bool {
    word.contains('.')
}

fn operational(method: Method, words: &[String]) -> Option<BuiltIn> {
    if !matches!(method, Method::Get | Method::Head) {
        return None;
    }
    let rest = match words {
        [first, rest @ ..] if first == "admin" && !rest.is_empty() => rest,
        all => all,
    };
    // `/health/database`, `/health/detailed`: a closer look at the same thing.
    if let [first, second] = rest
        && first == "health"
    {
        return Some(match second.as_str() {
            "ready" | "readiness" => BuiltIn::Ready,
            "metrics" => BuiltIn::Metrics,
            _ => BuiltIn::Health,
        });
    }
    let joined = rest.join("/");
    Some(match joined.as_str() {
        "health" | "healthz" | "live" | "livez" | "liveness" | "health_check" | "ping"
        | "healthcheck" | "system/health" | "actuator/health" => BuiltIn::Health,
        "ready" | "readyz" | "readiness" => BuiltIn::Ready,
        "metrics" | "system/metrics" | "actuator/prometheus" => BuiltIn::Metrics,
        "openapi.json" | "openapi.yaml" | "swagger.json" | "openapi" | "docs/openapi.json" => {
            BuiltIn::OpenApi
        }
        "docs" | "api_docs" | "swagger" | "swagger_ui" | "redoc" | "documentation" => {
            BuiltIn::Documentation
        }
        ".well-known/jwks.json" | "jwks" | "auth/jwks" | "jwks.json" | "auth/jwks.json" => {
            BuiltIn::Jwks
        }
        _ => return None,
    })
}

fn me(method: Method) -> Option<BuiltIn> {
    Some(match method {
        Method::Get => BuiltIn::Me,
        Method::Put | Method::Patch => BuiltIn::UpdateMe,
        Method::Delete => BuiltIn::DeleteMe,
        _ => return None,
    })
}

fn identity(method: Method, action: &str, last_is_me: bool, groups: &[String]) -> Option<BuiltIn> {
    let writes = matches!(method, Method::Post | Method::Put | Method::Patch);
    let found = match action {
        "profile" | "whoami" | "current" | "current_user" | "userinfo" | "user_info" | "self" => {
            return me(method);
        }
        "account" if !groups.is_empty() => return me(method),
        "password" | "change_password" | "password_change" | "update_password" => {
            BuiltIn::ChangePassword
        }
        _ if last_is_me => return None,
        "logout" | "signout" | "sign_out" | "log_out" => {
            let may = writes || matches!(method, Method::Delete | Method::Get);
            return may.then_some(BuiltIn::Logout);
        }
        "verify_email"
        | "email_verify"
        | "confirm_email"
        | "email_verification"
        | "email_confirm"
        | "verify_email_address" => {
            return (writes || method == Method::Get).then_some(BuiltIn::VerifyEmail);
        }
        "register" | "signup" | "sign_up" | "registration" => BuiltIn::Register,
        "login" | "signin" | "sign_in" | "log_in" => BuiltIn::Login,
        "token" if !groups.is_empty() => BuiltIn::Login,
        "refresh" | "refresh_token" | "token_refresh" | "refresh_tokens" => BuiltIn::Refresh,
        "forgot_password"
        | "password_forgot"
        | "forgot"
        | "password_reset_request"
        | "request_password_reset"
        | "reset_password_request"
        | "password_reset"
        | "recover"
        | "password_recovery" => BuiltIn::ForgotPassword,
        "reset_password"
        | "password_reset_confirm"
        | "reset_password_confirm"
        | "confirm_password_reset"
        | "reset" => BuiltIn::ResetPassword,
        _ => return None,
    };
    writes.then_some(found)
}
