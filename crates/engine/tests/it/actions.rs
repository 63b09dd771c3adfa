//! Paths that say more than a table: views, flags that turn, time stamps that are set, rows that
//! are taken back.

use serde_json::json;

use crate::desk::Desk;

/// A club: who likes a post is its own table, some posts are published.
const CLUB: &str = r#"# Club

```sql
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL DEFAULT 'customer'
);

CREATE TABLE posts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    author_id UUID NOT NULL REFERENCES users(id),
    title VARCHAR(80) NOT NULL,
    is_pinned BOOLEAN,
    published_at TIMESTAMPTZ
);

CREATE TABLE likes (
    user_id UUID NOT NULL REFERENCES users(id),
    post_id UUID NOT NULL REFERENCES posts(id),
    PRIMARY KEY (user_id, post_id)
);

CREATE VIEW like_counts AS
    SELECT post_id, COUNT(*) AS likes FROM likes GROUP BY post_id;
CREATE VIEW own_likes AS SELECT user_id, post_id FROM likes;
```

## API

Base path: `/api/v1`

| Method | Path | Auth |
| --- | --- | --- |
| GET | /posts | Yes |
| POST | /posts | Yes |
| POST | /posts/{id}/publish | Yes |
| POST | /posts/{id}/unpublish | Yes |
| POST | /posts/{id}/toggle-pinned | Yes |
| POST | /posts/{id}/like | Yes |
| DELETE | /posts/{id}/like | Yes |
| GET | /like-counts | Public |
| GET | /like-counts/{postId} | Public |
| GET | /my/own-likes | Yes |
| POST | /like-counts | Yes |

## Security

- **Roles**: customer, agent, admin
- Password hashing: bcrypt with cost 4
"#;

#[tokio::test]
async fn an_action_sets_a_time_stamp_or_turns_a_flag() {
    let club = Desk::of(CLUB).await;
    let (anna, bob) = (club.customer("anna").await, club.customer("bob").await);
    let post = anna.post("/api/v1/posts", json!({"title": "Hello"})).await;
    let path =
        |act: &str| format!("/api/v1/posts/{}/{act}", post.body["id"].as_str().expect("an id"));
    assert_eq!(bob.post(&path("publish"), json!({})).await.status, 403);
    let published = anna.post(&path("publish"), json!({})).await;
    assert!(published.body["published_at"].is_string(), "{published:?}");
    let taken_back = anna.post(&path("unpublish"), json!({})).await;
    assert!(taken_back.body["published_at"].is_null(), "{taken_back:?}");
    for expected in [true, false, true] {
        let turned = anna.post(&path("toggle-pinned"), json!({})).await;
        assert_eq!(turned.body["is_pinned"], expected, "{turned:?}");
    }
}

#[tokio::test]
async fn a_like_is_ones_own_and_a_view_counts_it() {
    let club = Desk::of(CLUB).await;
    let (anna, bob) = (club.customer("anna").await, club.customer("bob").await);
    let post = anna.post("/api/v1/posts", json!({"title": "Hello"})).await;
    let id = post.body["id"].as_str().expect("an id");
    let like = format!("/api/v1/posts/{id}/like");
    for person in [&anna, &bob] {
        assert_eq!(person.post(&like, json!({})).await.status, 201);
    }
    let count = format!("/api/v1/like-counts/{id}");
    let counted = club.anybody().get(&count).await;
    assert_eq!(counted.body["likes"], 2, "{counted:?}");
    assert_eq!(club.anybody().get("/api/v1/like-counts").await.rows().len(), 1);
    let own = bob.get("/api/v1/my/own-likes").await;
    assert_eq!(own.rows().len(), 1, "{own:?}");
    assert_eq!(bob.delete(&like).await.status, 204);
    assert_eq!(bob.delete(&like).await.status, 404);
    assert_eq!(club.anybody().get(&count).await.body["likes"], 1, "anna's like stays");
    assert!(bob.get("/api/v1/my/own-likes").await.rows().is_empty());
    assert_eq!(club.anybody().delete(&like).await.status, 401);
    assert_eq!(bob.post("/api/v1/like-counts", json!({})).await.status, 501);
}
