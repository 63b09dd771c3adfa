//! The first admin.

use super::{Stage, stage::PASSWORD};
use crate::{
    problem::ProblemCode,
    security::{admin, admin_link, create_admin},
};

const ADA: &str = "ada@example.org";

fn token(link: &str) -> String {
    link.split_once("?token=").expect("a token").1.to_owned()
}

async fn members() -> serde_json::Map<String, serde_json::Value> {
    let serde_json::Value::Object(members) =
        serde_json::json!({"email": ADA, "password": PASSWORD})
    else {
        return serde_json::Map::new();
    };
    members
}

#[tokio::test]
async fn an_admin_made_by_the_system_may_do_everything() {
    let stage = Stage::empty().await;
    create_admin(&stage.service.inner, ADA, PASSWORD).await.expect("an admin");
    let tokens = stage.login(ADA, PASSWORD).await.expect("signed in");
    assert!(stage.who(&tokens.access).await.expect("a user").is_admin());
    let link = admin_link(&stage.service.inner).await.expect("an answer");
    assert_eq!(link, None, "there is an admin already");
}

#[tokio::test]
async fn a_user_who_is_there_becomes_admin_with_the_right_password_alone() {
    let stage = Stage::empty().await;
    let before = stage.register(ADA).await;
    assert!(!stage.who(&before.access).await.expect("a user").is_admin());
    let wrong = create_admin(&stage.service.inner, ADA, "not the password").await;
    assert_eq!(wrong.expect_err("wrong").code, ProblemCode::Conflict);
    create_admin(&stage.service.inner, ADA, PASSWORD).await.expect("an admin");
    let principal = stage.who(&before.access).await.expect("a user");
    assert!(principal.is_admin(), "a token that is cached counts with the new rights at once");
}

#[tokio::test]
async fn the_link_works_once() {
    let stage = Stage::empty().await;
    let inner = &stage.service.inner;
    let running = inner.running.load_full();
    let link = admin_link(inner).await.expect("an answer").expect("a link");
    assert!(link.starts_with("http://127.0.0.1:8080/_/admin/setup?token="), "{link}");
    let token = token(&link);
    assert!(token.len() >= 43, "256 bits in base64");
    let kept = format!("{:?}", stage.dump("_vitruvius_settings").await);
    assert!(!kept.contains(&token), "the token is kept hashed");
    assert!(admin::link_steps(inner, "x").await.is_err());
    assert!(admin::link_steps(inner, "").await.is_err());
    // Two hold the link at the same time; only one of them gets an admin.
    let (left, right) =
        (admin::link_steps(inner, &token).await, admin::link_steps(inner, &token).await);
    let (left, right) = (left.expect("steps"), right.expect("steps"));
    admin::make_admin(inner, &running, &members().await, left).await.expect("an admin");
    let mut other = members().await;
    other.insert("email".to_owned(), "eve@example.org".into());
    assert!(admin::make_admin(inner, &running, &other, right).await.is_err());
    assert!(stage.login("eve@example.org", PASSWORD).await.is_err());
    assert!(admin::link_steps(inner, &token).await.is_err());
}

#[tokio::test]
async fn the_link_runs_out_and_a_new_one_ends_the_old() {
    let stage = Stage::empty().await;
    let inner = &stage.service.inner;
    let old = token(&admin_link(inner).await.expect("an answer").expect("a link"));
    let new = token(&admin_link(inner).await.expect("an answer").expect("a link"));
    assert!(admin::link_steps(inner, &old).await.is_err());
    assert!(admin::link_steps(inner, &new).await.is_ok());
    stage.clock.forward(24 * 3600);
    assert!(admin::link_steps(inner, &new).await.is_err());
}
