//! Queries that stand under an endpoint: who may run them, where their parameters come from, and
//! that they read and nothing else.

use serde_json::{Value as Json, json};

use crate::desk::{Desk, Person};

/// A small library of scores.
const ARCHIVE: &str = r#"# Archive of scores

```sql
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL DEFAULT 'customer',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE scores (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id UUID NOT NULL REFERENCES users(id),
    shelf VARCHAR(10) NOT NULL,
    title VARCHAR(80) NOT NULL,
    pages INTEGER NOT NULL DEFAULT 1
);
```

## Security

- **Roles**: customer, agent, admin
- Password hashing: bcrypt with cost 4

## API

Base path: `/api/v1`

### `POST /api/v1/scores`

Authentication: Required

### `GET /api/v1/shelves/{shelf}/summary`

Access: Public

```sql
SELECT shelf, COUNT(*) AS scores, SUM(pages) AS pages
FROM scores WHERE shelf = :shelf AND pages >= :least GROUP BY shelf;
```

### `GET /api/v1/scores/{id}/card`

Authentication: Required

```sql
SELECT id, title FROM scores WHERE id = :id
```

### `GET /api/v1/my-pages`

Authentication: Required

```sql
SELECT title, pages FROM scores WHERE owner_id = :user_id ORDER BY title
```

### `GET /api/v1/mine`

Access: Owner

```sql
SELECT title FROM scores WHERE owner_id = :me ORDER BY title
```

### `POST /api/v1/lookup`

Access: agent

```sql
SELECT title FROM scores WHERE title = :title OR id = :id ORDER BY title
```

### `GET /api/v1/people`

Access: agent

```sql
SELECT * FROM users ORDER BY email
```

### `GET /api/v1/unsaid`

```sql
SELECT title FROM scores
```
"#;

async fn score(person: &Person<'_>, shelf: &str, title: &str, pages: u32) -> String {
    let body = json!({"shelf": shelf, "title": title, "pages": pages});
    let made = person.post("/api/v1/scores", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.text("id")
}

fn titles(rows: &[Json]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["title"].as_str()).collect()
}

#[tokio::test]
async fn parameters_come_from_the_path_the_query_string_and_the_body() {
    let archive = Desk::of(ARCHIVE).await;
    let (anna, agent) = (archive.customer("anna").await, archive.agent("kim").await);
    let first = score(&anna, "17", "Fugue", 4).await;
    score(&anna, "17", "Gigue", 2).await;
    score(&anna, "B", "Aria", 9).await;
    let anybody = archive.anybody();
    let check = async |path: &str, expected: Json| {
        let reply = anybody.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_eq!(json!(reply.rows()), expected, "{path}");
    };
    let all = json!([{"shelf": "17", "scores": 2, "pages": 6}]);
    check("/api/v1/shelves/17/summary?least=0", all).await;
    let some = json!([{"shelf": "17", "scores": 1, "pages": 4}]);
    check("/api/v1/shelves/17/summary?least=3", some).await;
    check("/api/v1/shelves/x'%20OR%201=1--/summary?least=0", json!([])).await;
    let missing = anybody.get("/api/v1/shelves/17/summary").await;
    assert_eq!(missing.status, 400, "{missing:?}");
    assert_eq!(missing.body["error"]["details"][0]["field"], "least");
    let card = anna.get(&format!("/api/v1/scores/{first}/card")).await;
    assert_eq!(titles(card.rows()), ["Fugue"], "{card:?}");
    let body = json!({"title": "Aria", "id": first});
    let found = agent.post("/api/v1/lookup", body).await;
    assert_eq!(titles(found.rows()), ["Aria", "Fugue"], "{found:?}");
}

#[tokio::test]
async fn only_declared_callers_run_a_query() {
    let archive = Desk::of(ARCHIVE).await;
    let (anna, admin) = (archive.customer("anna").await, archive.admin().await);
    let nobody = archive.anybody();
    assert_eq!(nobody.get("/api/v1/my-pages").await.status, 401);
    assert_eq!(nobody.get("/api/v1/mine").await.status, 401);
    assert_eq!(anna.get("/api/v1/people").await.status, 403);
    assert_eq!(anna.post("/api/v1/lookup", json!({"title": "x", "id": 1})).await.status, 403);
    assert_eq!(anna.get("/api/v1/unsaid").await.status, 403, "nothing says who may run it");
    assert_eq!(nobody.get("/api/v1/unsaid").await.status, 401);
    assert_eq!(admin.get("/api/v1/unsaid").await.status, 200);
}

#[tokio::test]
async fn a_parameter_for_whoever_asks_is_never_taken_from_the_request() {
    let archive = Desk::of(ARCHIVE).await;
    let (anna, bob) = (archive.customer("anna").await, archive.customer("bob").await);
    score(&anna, "A", "Fugue", 4).await;
    score(&bob, "A", "Gigue", 2).await;
    for path in ["/api/v1/my-pages", "/api/v1/mine"] {
        let reply = bob.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_eq!(titles(reply.rows()), ["Gigue"], "{path}");
        for forged in ["user_id", "me"] {
            let reply = bob.get(&format!("{path}?{forged}={}", anna.id)).await;
            assert_eq!(reply.status, 400, "{path}: {reply:?}");
            assert!(!reply.body.to_string().contains("Fugue"), "{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_query_refuses_unknown_parameters_and_says_which_page_it_gives() {
    let text = ARCHIVE.replace(
        "### `GET /api/v1/unsaid`",
        "### `GET /api/v1/pages`\n\nAccess: Public\n\n```sql\nSELECT title FROM scores ORDER BY \
         title LIMIT :limit OFFSET :offset\n```\n\n### `GET /api/v1/unsaid`",
    );
    let archive = Desk::of(&text).await;
    let anna = archive.customer("anna").await;
    for title in ["Aria", "Fugue", "Gigue"] {
        score(&anna, "A", title, 1).await;
    }
    let anybody = archive.anybody();
    let unknown = anybody.get("/api/v1/pages?limit=2&tilte=x").await;
    assert_eq!(unknown.status, 400, "{unknown:?}");
    let detail = &unknown.body["error"]["details"][0];
    assert_eq!(
        *detail,
        json!({"field": "tilte", "message": "is not known here; limit, offset are"})
    );
    let page = anybody.get("/api/v1/pages?limit=2&offset=2").await;
    assert_eq!(titles(page.rows()), ["Gigue"], "{page:?}");
    let paging = &page.body;
    assert_eq!((&paging["limit"], &paging["page"]), (&json!(2), &json!(2)), "{page:?}");
    assert_eq!(paging["has_next"], false);
    assert_eq!(anybody.get("/api/v1/pages?limit=2").await.body["has_next"], true);
    assert_eq!(anybody.get("/api/v1/pages").await.body["limit"], 20);
    assert_eq!(anybody.get("/api/v1/pages?limit=900").await.body["limit"], 100);
    for wrong in ["limit=0", "limit=x", "offset=-1"] {
        assert_eq!(anybody.get(&format!("/api/v1/pages?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_query_shows_no_secret_column() {
    let archive = Desk::of(ARCHIVE).await;
    let agent = archive.agent("kim").await;
    let reply = agent.get("/api/v1/people").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.rows().iter().any(|row| row["email"] == "kim@desk.test"), "{reply:?}");
    let text = String::from_utf8_lossy(&reply.bytes).into_owned();
    assert!(!text.contains("password_hash") && !text.contains("$2"), "{text}");
}

#[tokio::test]
async fn a_view_that_the_store_cannot_make_says_so() {
    let view = "CREATE VIEW places AS SELECT id, geocode(title) AS place FROM scores;\n```";
    let archive =
        Desk::of(&ARCHIVE.replacen("```\n\n## Security", &format!("\n{view}\n\n## Security"), 1))
            .await;
    let admin = archive.admin().await;
    let reply = admin.get("/api/v1/places").await;
    assert_eq!(reply.status, 501, "{reply:?}");
    assert_eq!(admin.get("/api/v1/scores").await.status, 200, "the rest is served");
    assert_eq!(archive.anybody().get("/api/v1/places").await.status, 401, "closed as before");
}
