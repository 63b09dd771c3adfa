//! Signing up, in and out, carrying on, and the user's own row.

use document::{
    api::BuiltIn,
    security::{Lockout, PasswordAlgorithm, TokenAlgorithm},
};
use http::StatusCode;
use serde_json::json;

use super::{
    Stage,
    stage::{PASSWORD, tokens},
};
use crate::{Principal, problem::ProblemCode};

const ADA: &str = "ada@example.org";

#[tokio::test]
async fn whoever_signs_up_is_known_by_the_token() {
    for algorithm in [TokenAlgorithm::Rs256, TokenAlgorithm::Hs256] {
        let stage = Stage::of("# x", |system| system.security.token.algorithm = algorithm).await;
        let ada = stage.register(ADA).await;
        let principal = stage.who(&ada.access).await.expect("a user");
        let user = principal.user().expect("a user");
        assert_eq!(user.login.as_deref(), Some(ADA));
        assert_eq!(user.roles, ["user"]);
        assert!(!user.is_admin);
        let jwks = crate::security::jwks(&stage.service.inner, &stage.service.inner.running.load());
        let keys = jwks.expect("keys")["keys"].as_array().map(Vec::len);
        assert_eq!(keys, Some(usize::from(algorithm == TokenAlgorithm::Rs256)));
    }
}

#[tokio::test]
async fn an_answer_shows_the_user_and_no_secret() {
    let stage = Stage::empty().await;
    let members = json!({"email": ADA, "password": PASSWORD});
    let reply = stage.anonymously(BuiltIn::Register, members).await.expect("a user");
    assert_eq!(reply.status, StatusCode::CREATED);
    let body = reply.body.expect("a body");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["user"]["email"], ADA);
    assert_eq!(body["user"]["role"], "user");
    let text = body.to_string();
    assert!(!text.contains("password") && !text.contains("$2"), "{text}");
}

#[tokio::test]
async fn a_name_is_taken_once_in_any_spelling() {
    let stage = Stage::empty().await;
    stage.register(ADA).await;
    for spelling in [ADA, "ADA@example.org", " Ada@Example.Org "] {
        let members = json!({"email": spelling, "password": PASSWORD});
        let problem = stage.anonymously(BuiltIn::Register, members).await.expect_err("taken");
        assert_eq!(problem.code, ProblemCode::Conflict, "{spelling}");
    }
    assert!(stage.login("Ada@EXAMPLE.org", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn what_does_not_fit_is_said_member_by_member() {
    let stage = Stage::empty().await;
    let check = async |members: serde_json::Value, field: &str| {
        let problem = stage.anonymously(BuiltIn::Register, members).await.expect_err("a problem");
        assert_eq!(problem.code, ProblemCode::ValidationError);
        let fields: Vec<_> = problem.details.iter().map(|detail| &*detail.field).collect();
        assert_eq!(fields, [field]);
    };
    check(json!({"password": PASSWORD}), "email").await;
    check(json!({"email": ADA}), "password").await;
    check(json!({"email": "no address", "password": PASSWORD}), "email").await;
    check(json!({"email": ADA, "password": "short"}), "password").await;
    check(json!({"email": ADA, "password": "x".repeat(73)}), "password").await;
    check(json!({"email": ADA, "password": PASSWORD, "emial": "x"}), "emial").await;
    check(
        json!({"email": ADA, "password": PASSWORD, "confirm_password": "another one"}),
        "password_confirmation",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let stage = Stage::empty().await;
    stage.register(ADA).await;
    let ask = async |email: &str| {
        let members = json!({"email": email, "password": "not the password"});
        stage.anonymously(BuiltIn::Login, members).await.expect_err("a problem")
    };
    let (known, unknown) = (ask(ADA).await, ask("nobody@example.org").await);
    assert_eq!(known.code, ProblemCode::InvalidCredentials);
    assert_eq!(format!("{known:?}"), format!("{unknown:?}"));
}

#[tokio::test]
async fn a_refresh_token_works_once() {
    let stage = Stage::empty().await;
    let first = stage.register(ADA).await;
    let refresh = async |token: &str| {
        stage.anonymously(BuiltIn::Refresh, json!({"refresh_token": token})).await
    };
    let second = tokens(refresh(&first.refresh).await.expect("new tokens"));
    assert_ne!(first.refresh, second.refresh);
    assert!(stage.who(&second.access).await.is_ok());
    // The first turns up again: thief or victim, the whole family ends, access tokens too.
    let problem = refresh(&first.refresh).await.expect_err("used");
    assert_eq!(problem.code, ProblemCode::Unauthenticated);
    assert!(refresh(&second.refresh).await.is_err());
    assert!(stage.who(&first.access).await.is_err());
    assert!(stage.who(&second.access).await.is_err());
    assert!(stage.login(ADA, PASSWORD).await.is_ok(), "another session may begin");
}

#[tokio::test]
async fn a_refresh_token_runs_out_and_is_kept_hashed() {
    let stage = Stage::empty().await;
    let ada = stage.register(ADA).await;
    let kept = format!("{:?}", stage.dump("_vitruvius_refresh_tokens").await);
    assert!(kept.contains("hash") && !kept.contains(&ada.refresh));
    stage.clock.forward(604_801);
    let late = json!({"refresh_token": ada.refresh});
    assert!(stage.anonymously(BuiltIn::Refresh, late).await.is_err());
    for nonsense in ["", "x", "'; DROP TABLE users; --", "ä".repeat(5000).as_str()] {
        let members = json!({"refresh_token": nonsense});
        assert!(stage.anonymously(BuiltIn::Refresh, members).await.is_err());
    }
}

#[tokio::test]
async fn two_at_once_do_not_both_get_new_tokens() {
    let stage = Stage::empty().await;
    let ada = stage.register(ADA).await;
    let ask = || stage.anonymously(BuiltIn::Refresh, json!({"refresh_token": ada.refresh}));
    let (left, right) = tokio::join!(ask(), ask());
    assert!(!(left.is_ok() && right.is_ok()), "one refresh token gave two families");
}

#[tokio::test]
async fn an_access_token_runs_out() {
    let stage = Stage::empty().await;
    let ada = stage.register(ADA).await;
    assert!(stage.who(&ada.access).await.is_ok());
    stage.clock.forward(3600 + 31);
    assert_eq!(stage.who(&ada.access).await.err(), Some(ProblemCode::TokenExpired));
}

#[tokio::test]
async fn after_sign_out_nothing_of_the_session_works() {
    let stage = Stage::empty().await;
    let ada = stage.register(ADA).await;
    let other = stage.login(ADA, PASSWORD).await.expect("a second session");
    let principal = stage.who(&ada.access).await.expect("a user");
    stage.ask(BuiltIn::Logout, &principal, json!({})).await.expect("signed out");
    assert!(stage.who(&ada.access).await.is_err());
    let members = json!({"refresh_token": ada.refresh});
    assert!(stage.anonymously(BuiltIn::Refresh, members).await.is_err());
    assert!(stage.who(&other.access).await.is_ok(), "another session goes on");
    let nobody = stage.anonymously(BuiltIn::Logout, json!({})).await.expect_err("nobody");
    assert_eq!(nobody.code, ProblemCode::Unauthenticated);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let stage = Stage::empty().await;
    let (ada, other) =
        (stage.register(ADA).await, stage.login(ADA, PASSWORD).await.expect("a session"));
    let principal = stage.who(&ada.access).await.expect("a user");
    let change = async |old: &str, new: &str| {
        let members = json!({"current_password": old, "new_password": new});
        stage.ask(BuiltIn::ChangePassword, &principal, members).await
    };
    let problem = change("not the password", "another long secret").await.expect_err("wrong");
    assert_eq!(problem.code, ProblemCode::InvalidCredentials);
    assert!(change(PASSWORD, "short").await.is_err());
    change(PASSWORD, "another long secret").await.expect("changed");
    assert!(stage.who(&ada.access).await.is_ok(), "the own session goes on");
    assert!(stage.who(&other.access).await.is_err());
    let members = json!({"refresh_token": other.refresh});
    assert!(stage.anonymously(BuiltIn::Refresh, members).await.is_err());
    assert_eq!(stage.login(ADA, PASSWORD).await.err(), Some(ProblemCode::InvalidCredentials));
    assert!(stage.login(ADA, "another long secret").await.is_ok());
}

#[tokio::test]
async fn the_own_row_is_shown_changed_and_removed() {
    let stage = Stage::empty().await;
    let ada = stage.register(ADA).await;
    stage.register("bob@example.org").await;
    let principal = stage.who(&ada.access).await.expect("a user");
    let ask = |built_in, members| stage.ask(built_in, &principal, members);
    let me = ask(BuiltIn::Me, json!({})).await.expect("a row").body.expect("a body");
    assert_eq!(me["email"], ADA);
    assert!(me.get("password_hash").is_none());
    let me = ask(BuiltIn::UpdateMe, json!({"email": "Ada@Other.org"})).await.expect("changed");
    assert_eq!(me.body.expect("a body")["email"], "ada@other.org");
    let taken = ask(BuiltIn::UpdateMe, json!({"email": "BOB@example.org"})).await;
    assert_eq!(taken.expect_err("taken").code, ProblemCode::Conflict);
    for closed in [json!({"role": "admin"}), json!({"id": "x"}), json!({"password_hash": "x"})] {
        let problem = ask(BuiltIn::UpdateMe, closed).await.expect_err("not yours");
        assert_eq!(problem.code, ProblemCode::Forbidden);
    }
    ask(BuiltIn::DeleteMe, json!({})).await.expect("removed");
    assert!(stage.who(&ada.access).await.is_err());
    assert!(stage.login("ada@other.org", PASSWORD).await.is_err());
    let left = stage.dump("_vitruvius_sessions").await;
    assert_eq!(left.len(), 1, "only the session of the other user is left");
    let anonymous = stage.anonymously(BuiltIn::Me, json!({})).await.expect_err("nobody");
    assert_eq!(anonymous.code, ProblemCode::Unauthenticated);
    assert!(anonymous.headers.iter().any(|(name, _)| name == "www-authenticate"));
}

#[tokio::test]
async fn the_lock_falls_at_the_written_number_and_opens_after_the_written_time() {
    let stage = Stage::of("# x", |system| {
        system.security.lockout =
            Some(Lockout { attempts_max: 3, seconds: 900, span: document::Span::default() });
    })
    .await;
    stage.register(ADA).await;
    for name in [ADA, "nobody@example.org"] {
        for _ in 0..3 {
            let wrong = stage.login(name, "not the password").await;
            assert_eq!(wrong.err(), Some(ProblemCode::InvalidCredentials));
        }
        // The right password does not open the lock, and nobody learns that a name is unknown.
        let locked = stage.login(name, PASSWORD).await;
        assert_eq!(locked.err(), Some(ProblemCode::AccountLocked), "{name}");
    }
    stage.clock.forward(899);
    assert_eq!(stage.login(ADA, PASSWORD).await.err(), Some(ProblemCode::AccountLocked));
    stage.clock.forward(2);
    assert!(stage.login(ADA, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn where_the_document_is_silent_failures_slow_down() {
    let stage = Stage::empty().await;
    stage.register(ADA).await;
    for _ in 0..5 {
        let wrong = stage.login(ADA, "not the password").await;
        assert_eq!(wrong.err(), Some(ProblemCode::InvalidCredentials));
    }
    assert_eq!(stage.login(ADA, PASSWORD).await.err(), Some(ProblemCode::AccountLocked));
    stage.clock.forward(1);
    assert!(stage.login(ADA, PASSWORD).await.is_ok());
    assert!(stage.dump("_vitruvius_login_failures").await.is_empty(), "a right one forgives");
}

#[tokio::test]
async fn a_hash_is_renewed_when_the_document_changes_how() {
    let stage = Stage::empty().await;
    stage.register(ADA).await;
    let hash = async || stage.dump("users").await[0]["password_hash"].as_str().map(str::to_owned);
    assert!(hash().await.is_some_and(|hash| hash.starts_with("$2b$04$")));
    stage.replace("# x", |system| system.security.password.cost = 5).await;
    stage.login(ADA, PASSWORD).await.expect("signed in");
    assert!(hash().await.is_some_and(|hash| hash.starts_with("$2b$05$")));
    stage
        .replace("# x", |system| {
            system.security.password.algorithm = PasswordAlgorithm::Argon2id;
        })
        .await;
    stage.login(ADA, PASSWORD).await.expect("signed in");
    assert!(hash().await.is_some_and(|hash| hash.starts_with("$argon2id$")));
    stage.login(ADA, PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn what_needs_mail_is_honest_about_it() {
    let stage = Stage::empty().await;
    for built_in in [BuiltIn::ForgotPassword, BuiltIn::ResetPassword, BuiltIn::VerifyEmail] {
        let reply = stage.ask(built_in, &Principal::Anonymous, json!({"email": ADA})).await;
        assert_eq!(reply.expect_err("no mail").code, ProblemCode::NotImplemented);
    }
}

#[tokio::test]
async fn each_unique_name_signs_in() {
    let document = "# Shop

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY,
  username VARCHAR(50) NOT NULL UNIQUE,
  email VARCHAR(255) NOT NULL UNIQUE,
  nickname VARCHAR(50),
  password_hash TEXT NOT NULL
);
```
";
    let stage = Stage::of(document, |_| ()).await;
    let members = json!({
        "username": "Ada", "email": ADA, "password": PASSWORD, "nickname": "countess",
    });
    stage.anonymously(BuiltIn::Register, members).await.expect("a user");
    let check = async |member: &str, name: &str, expected: bool| {
        let members = json!({member: name, "password": PASSWORD});
        let found = stage.anonymously(BuiltIn::Login, members).await;
        assert_eq!(found.is_ok(), expected, "{member}: {name}");
    };
    check("email", ADA, true).await;
    check("username", "Ada", true).await;
    check("username", "ada", false).await;
    check("identifier", "Ada", true).await;
    check("login", ADA, true).await;
    check("nickname", "countess", false).await;
    let without = json!({"username": "bob", "password": PASSWORD});
    let problem = stage.anonymously(BuiltIn::Register, without).await.expect_err("no address");
    assert_eq!(problem.details[0].message, "is required");
}
