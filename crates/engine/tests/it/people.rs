//! Rows that stand between people: who makes one is known, whom it names need not be readable.

use serde_json::json;

use crate::desk::Desk;

/// Runners follow and invite one another; nobody reads another's account.
const CLUB: &str = r#"# Running club

```sql
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL DEFAULT 'runner',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE follows (
    follower_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    followed_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (follower_id, followed_id)
);

CREATE TABLE letters (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    sender_id UUID NOT NULL REFERENCES users(id),
    recipient_id UUID NOT NULL REFERENCES users(id),
    answer_to UUID REFERENCES letters(id),
    text TEXT NOT NULL
);

CREATE POLICY follows_read ON follows FOR SELECT USING (true);
CREATE POLICY follows_make ON follows FOR INSERT WITH CHECK (follower_id = auth.uid());
CREATE POLICY letters_read ON letters FOR SELECT
    USING (sender_id = auth.uid() OR recipient_id = auth.uid());
CREATE POLICY letters_write ON letters FOR INSERT WITH CHECK (sender_id = auth.uid());
```

## Security

- **Roles**: runner, admin
- Password hashing: bcrypt with cost 4
"#;

#[tokio::test]
async fn whoever_makes_a_row_is_filled_in_where_a_sentence_demands_it() {
    let club = Desk::of(CLUB).await;
    let (anna, bob) = (club.customer("anna").await, club.customer("bob").await);
    let made = anna.post("/api/v1/follows", json!({"followed_id": bob.id})).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        (made.text("follower_id"), made.text("followed_id")),
        (anna.id.clone(), bob.id.clone())
    );
    let letter = json!({"recipient_id": bob.id, "text": "Sunday?"});
    let sent = anna.post("/api/v1/letters", letter).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(sent.text("sender_id"), anna.id);
    let forged = json!({"follower_id": bob.id, "followed_id": anna.id});
    assert_eq!(anna.post("/api/v1/follows", forged).await.status, 403);
    let forged = json!({"sender_id": bob.id, "recipient_id": anna.id, "text": "x"});
    assert_eq!(anna.post("/api/v1/letters", forged).await.status, 403);
}

#[tokio::test]
async fn a_user_whom_nobody_may_read_may_be_referred_to_and_other_hidden_rows_may_not() {
    let club = Desk::of(CLUB).await;
    let (anna, bob) = (club.customer("anna").await, club.customer("bob").await);
    let eve = club.customer("eve").await;
    assert_eq!(anna.get(&format!("/api/v1/users/{}", bob.id)).await.status, 403);
    let letter = json!({"recipient_id": bob.id, "text": "Sunday?"});
    let sent = anna.post("/api/v1/letters", letter).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let nobody = json!({"recipient_id": uuid::Uuid::nil().to_string(), "text": "Anybody?"});
    let missing = anna.post("/api/v1/letters", nobody).await;
    assert_eq!(missing.status, 409, "{missing:?}");
    assert_eq!(missing.body["error"]["details"][0]["field"], "recipient_id");
    let answer =
        json!({"recipient_id": anna.id, "answer_to": sent.body["id"], "text": "I read it"});
    let hidden = eve.post("/api/v1/letters", answer.clone()).await;
    assert_eq!(hidden.status, 409, "a letter that eve may not read is not there: {hidden:?}");
    assert_eq!(bob.post("/api/v1/letters", answer).await.status, 201);
}

#[tokio::test]
async fn one_request_has_one_moment() {
    let club = Desk::of(CLUB).await;
    let (anna, bob) = (club.customer("anna").await, club.customer("bob").await);
    let made = anna.post("/api/v1/follows", json!({"followed_id": bob.id})).await;
    assert_eq!(made.body["created_at"], made.body["updated_at"], "{made:?}");
    let admin = club.admin().await;
    let row = admin.get(&format!("/api/v1/users/{}", bob.id)).await;
    assert_eq!(row.body["created_at"], row.body["updated_at"], "{row:?}");
    let fraction = |text: String| text.split('.').nth(1).map_or(0, str::len);
    assert_eq!(fraction(row.text("created_at")), fraction(made.text("created_at")), "{row:?}");
}

#[tokio::test]
async fn an_admin_makes_a_user_who_can_sign_in() {
    let club = Desk::of(CLUB).await;
    let admin = club.admin().await;
    let carl = json!({"email": "Carl@Desk.Test", "password": "correct horse 9", "role": "coach"});
    let made = admin.post("/api/v1/users", carl.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((made.text("email"), made.text("role")), ("carl@desk.test".into(), "coach".into()));
    assert!(!String::from_utf8_lossy(&made.bytes).contains("password"), "{made:?}");
    let login = json!({"email": "carl@desk.test", "password": "correct horse 9"});
    assert_eq!(club.anybody().post("/api/v1/auth/login", login).await.status, 200);
    let wrong = json!({"email": "carl@desk.test", "password": "correct horse 8"});
    assert_eq!(club.anybody().post("/api/v1/auth/login", wrong).await.status, 401);
    assert_eq!(admin.post("/api/v1/users", carl).await.status, 409, "the name is taken");
}

#[tokio::test]
async fn both_doors_for_new_users_find_the_same_faults() {
    let club = Desk::of(CLUB).await;
    let admin = club.admin().await;
    let check = async |account: serde_json::Value, field: &str| {
        for path in ["/api/v1/users", "/api/v1/auth/register"] {
            let reply = admin.post(path, account.clone()).await;
            assert_eq!(reply.status, 400, "{path} {account}: {reply:?}");
            let details = reply.body["error"]["details"].as_array().expect("details").clone();
            assert!(details.iter().any(|one| one["field"] == field), "{path} {account}: {reply:?}");
        }
    };
    check(json!({"email": "dora@desk.test"}), "password").await;
    check(json!({"email": "dora@desk.test", "password": "short"}), "password").await;
    check(json!({"email": "dora", "password": "correct horse 9"}), "email").await;
    check(json!({"password": "correct horse 9"}), "email").await;
}

#[tokio::test]
async fn a_person_makes_no_users_and_changes_no_password_through_the_table() {
    let club = Desk::of(CLUB).await;
    let (anna, admin) = (club.customer("anna").await, club.admin().await);
    let dora = json!({"email": "dora@desk.test", "password": "correct horse 9"});
    assert_eq!(anna.post("/api/v1/users", dora).await.status, 403);
    let path = format!("/api/v1/users/{}", anna.id);
    for field in ["password", "password_hash"] {
        let reply = admin.patch(&path, json!({field: "correct horse 8"})).await;
        assert!(matches!(reply.status.as_u16(), 400 | 403), "{field}: {reply:?}");
    }
    let renamed = admin.patch(&path, json!({"email": "ANNA@Other.Test"})).await;
    assert_eq!(renamed.text("email"), "anna@other.test", "{renamed:?}");
}
