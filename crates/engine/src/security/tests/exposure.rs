//! What the exposure table says at every start is what the engine does.

use std::sync::Arc;

use document::{
    Span,
    expression::Expression,
    security::{Action, Grant, Who, exposure},
};
use store::Value;

use super::Stage;
use crate::{
    Principal,
    security::{
        User,
        may::{Asker, Permission},
    },
};

const DOCUMENT: &str = "# Press

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'reader'
);
CREATE TABLE posts (
  id UUID PRIMARY KEY,
  user_id UUID NOT NULL REFERENCES users(id),
  title TEXT NOT NULL
);
CREATE TABLE secrets (id UUID PRIMARY KEY, title TEXT NOT NULL);
```
";

fn grant(action: Action, who: Who) -> Grant {
    let own = Expression::column("user_id").equals(Expression::principal_id());
    Grant {
        table: "posts".to_owned(),
        actions: vec![action],
        condition: (who == Who::Owner).then_some(own),
        who,
        check: None,
        text: "said so".to_owned(),
        span: Span::default(),
    }
}

fn user(role: &str) -> Principal {
    Principal::User(Arc::new(User {
        id: Value::Uuid(uuid::Uuid::nil()),
        subject: uuid::Uuid::nil().to_string(),
        login: None,
        roles: vec![role.to_owned()],
        is_admin: false,
        session: String::new(),
    }))
}

/// True where a sentence about `who` is about the principal.
fn is_meant(who: &Who, principal: &Principal) -> bool {
    match (who, principal.user()) {
        (Who::Public, _) => true,
        (_, None) | (Who::Admin, _) => false,
        (Who::Authenticated | Who::Owner, Some(_)) => true,
        (Who::Role { name }, Some(user)) => user.roles.contains(name),
    }
}

#[tokio::test]
async fn whoever_is_shown_may_and_nobody_else() {
    let editor = Who::Role { name: "editor".to_owned() };
    let stage = Stage::of(DOCUMENT, |system| {
        system.security.grants = vec![
            grant(Action::Read, Who::Public),
            grant(Action::Create, Who::Authenticated),
            grant(Action::Update, editor.clone()),
            grant(Action::Update, Who::Owner),
            grant(Action::Delete, Who::Admin),
        ];
    })
    .await;
    let running = stage.service.inner.running.load_full();
    let principals = [Principal::Anonymous, user("reader"), user("editor")];
    let (mut open, mut closed) = (0, 0);
    for row in exposure(&running.compiled.system) {
        let resource = running.resources.get(&row.table).expect("a resource");
        for principal in &principals {
            let world = &*stage.service.inner.world;
            let asker = Asker { running: &running, principal, world, now: world.now() };
            let shown = row.allowed.iter().any(|allowed| is_meant(&allowed.who, principal));
            let may = asker.may(resource, &row.action) != Permission::Refused;
            assert_eq!(may, shown, "{} {:?} {principal:?}", row.table, row.action);
            open += usize::from(may);
            closed += usize::from(!may);
        }
    }
    // Three read posts, two create, two update; users and secrets are closed.
    assert_eq!((open, closed), (7, 29));
}
