//! Documents of other shapes: camel case and an envelope, serial and composite keys, views, nested
//! paths, joins, machines with roles.

use serde_json::{Value as Json, json};

use crate::desk::Desk;

/// A cookery school: camel case, an envelope with a page block, serial keys.
const SCHOOL: &str = r#"# Cookery school

```sql
CREATE TABLE users (
    id SERIAL PRIMARY KEY,
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    full_name VARCHAR(80),
    role VARCHAR(20) NOT NULL DEFAULT 'customer',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE courses (
    id SERIAL PRIMARY KEY,
    teacher_id INTEGER NOT NULL REFERENCES users(id),
    course_title VARCHAR(80) NOT NULL,
    summary TEXT,
    state VARCHAR(20) NOT NULL DEFAULT 'draft',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE dishes (
    id SERIAL PRIMARY KEY,
    name VARCHAR(40) NOT NULL UNIQUE
);

CREATE TABLE course_dishes (
    course_id INTEGER NOT NULL REFERENCES courses(id) ON DELETE CASCADE,
    dish_id INTEGER NOT NULL REFERENCES dishes(id) ON DELETE CASCADE,
    PRIMARY KEY (course_id, dish_id)
);

CREATE VIEW open_courses AS SELECT id, course_title FROM courses WHERE state = 'open';
CREATE VIEW teacher_load AS SELECT teacher_id, COUNT(*) AS course_count FROM courses GROUP BY teacher_id;

CREATE POLICY courses_read ON courses FOR SELECT USING (true);
CREATE POLICY courses_own ON courses FOR ALL USING (teacher_id = auth.uid());
CREATE POLICY dishes_read ON dishes FOR SELECT USING (true);
CREATE POLICY course_dishes_read ON course_dishes FOR SELECT USING (true);
```

## Course states

| From | To | Action | Who |
| --- | --- | --- | --- |
| (new) | draft | | |
| draft | review | submit | |
| review | open | approve | agent |
| open | closed | close | |

## API

Base path: `/api/v1`

#### `GET /api/v1/courses`

Access: Public

Response 200:

```json
{
  "success": true,
  "data": [{"id": 1, "courseTitle": "Bread", "createdAt": "2026-01-01T00:00:00Z"}],
  "meta": {"page": 1, "limit": 20, "total": 57, "totalPages": 3}
}
```

Errors:

```json
{"success": false, "error": {"code": "VALIDATION_ERROR", "message": "courseTitle is required", "details": []}}
```

#### `POST /api/v1/courses`

Authentication: Required

#### `GET /api/v1/courses/{id}`

Access: Public

Response 200:

```json
{"success": true, "data": {"id": 1, "courseTitle": "Bread"}}
```

#### `GET /api/v1/courses/search?q=`

Access: Public

#### `GET /api/v1/courses/{id}/dishes`

Access: Public

#### `GET /api/v1/catalogue`

Access: Public

```sql
SELECT id, course_title AS "courseTitle" FROM open_courses ORDER BY id
```

#### `GET /api/v1/users/me/courses`

Authentication: Required

#### `POST /api/v1/courses/{id}/submit`

Authentication: Required

#### `POST /api/v1/courses/{id}/approve`

Access: agent

## Security

- **Roles**: customer, agent, admin
- Password hashing: bcrypt with cost 4
"#;

async fn course(person: &crate::desk::Person<'_>, title: &str) -> i64 {
    let made = person.post("/api/v1/courses", json!({"courseTitle": title})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["data"]["id"].as_i64().expect("a number")
}

fn titles(rows: &[Json]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["courseTitle"].as_str()).collect()
}

#[tokio::test]
async fn answers_and_errors_have_the_shape_that_the_document_shows() {
    let school = Desk::of(SCHOOL).await;
    let anna = school.customer("anna").await;
    for title in ["Bread", "Broth", "Beans"] {
        course(&anna, title).await;
    }
    let page = school.anybody().get("/api/v1/courses?limit=2&sort=courseTitle").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.body["success"], true);
    assert_eq!(titles(page.rows()), ["Beans", "Bread"], "{page:?}");
    let meta = json!({"page": 1, "limit": 2, "total": 3, "totalPages": 2});
    assert_eq!(page.body["meta"], meta, "{page:?}");
    assert!(page.rows()[0]["createdAt"].is_string() && page.rows()[0]["teacherId"].is_i64());
    let refused = anna.post("/api/v1/courses", json!({"courseTitel": "x"})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["success"], false, "{refused:?}");
    assert_eq!(refused.body["error"]["code"], "VALIDATION_ERROR");
    let details = refused.body["error"]["details"].to_string();
    assert!(details.contains("courseTitle"), "{details}");
    let missing = school.anybody().get("/api/v1/courses/4711").await;
    assert_eq!((missing.status.as_u16(), &missing.body["success"]), (404, &json!(false)));
    assert_eq!(school.anybody().get("/api/v1/courses/no-number").await.status, 404);
}

#[tokio::test]
async fn a_search_a_view_and_a_join_are_served_at_their_paths() {
    let school = Desk::of(SCHOOL).await;
    let (anna, admin) = (school.customer("anna").await, school.admin().await);
    let (bread, broth) = (course(&anna, "Bread").await, course(&anna, "Broth").await);
    let anybody = school.anybody();
    let found = anybody.get("/api/v1/courses/search?q=brea").await;
    assert_eq!(titles(found.rows()), ["Bread"], "{found:?}");
    for (name, course) in [("Rye", bread), ("Soup", broth)] {
        let dish = admin.post("/api/v1/dishes", json!({"name": name})).await;
        let id = &dish.body["data"]["id"];
        let pair = json!({"courseId": course, "dishId": id});
        let joined = admin.post("/api/v1/course_dishes", pair).await;
        assert_eq!(joined.status, 201, "{joined:?}");
        let path = format!("/api/v1/course_dishes/{course}/{id}");
        assert_eq!(joined.header("location"), path);
        assert_eq!(anybody.get(&path).await.body["data"]["courseId"], course);
        assert_eq!(anybody.get(&format!("/api/v1/course_dishes/{course}/99")).await.status, 404);
    }
    let dishes = anybody.get(&format!("/api/v1/courses/{bread}/dishes")).await;
    let names: Vec<_> = dishes.rows().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["Rye"], "{dishes:?}");
    assert!(anybody.get("/api/v1/catalogue").await.rows().is_empty());
    let patch = admin.patch(&format!("/api/v1/courses/{bread}"), json!({"state": "review"})).await;
    assert_eq!(patch.status, 200, "{patch:?}");
    let approved = admin.post(&format!("/api/v1/courses/{bread}/approve"), json!({})).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let open = anybody.get("/api/v1/catalogue").await;
    assert_eq!(titles(open.rows()), ["Bread"], "{open:?}");
    let closed = anybody.get("/api/v1/teacher_load").await;
    assert_eq!(closed.status, 401, "a view that nothing opens: {closed:?}");
    assert_eq!(admin.get("/api/v1/teacher_load").await.status, 200);
    assert_eq!(titles(admin.get("/api/v1/open-courses").await.rows()), ["Bread"]);
    let write = admin.post("/api/v1/open-courses", json!({"courseTitle": "x"})).await;
    assert_eq!(write.status, 405, "{write:?}");
}

#[tokio::test]
async fn below_me_stand_ones_own_rows_and_roles_move_states() {
    let school = Desk::of(SCHOOL).await;
    let (anna, bob) = (school.customer("anna").await, school.customer("bob").await);
    let agent = school.agent("kim").await;
    let bread = course(&anna, "Bread").await;
    course(&bob, "Broth").await;
    let own = anna.get("/api/v1/users/me/courses").await;
    assert_eq!(titles(own.rows()), ["Bread"], "{own:?}");
    assert_eq!(school.anybody().get("/api/v1/users/me/courses").await.status, 401);
    let act = |name: &str| format!("/api/v1/courses/{bread}/{name}");
    assert_eq!(bob.post(&act("submit"), json!({})).await.status, 403);
    let early = agent.post(&act("approve"), json!({})).await;
    assert_eq!(early.status, 409, "{early:?}");
    let submitted = anna.post(&act("submit"), json!({})).await;
    assert_eq!(submitted.body["data"]["state"], "review", "{submitted:?}");
    let own = anna.post(&act("approve"), json!({})).await;
    assert_eq!(own.status, 403, "{own:?}");
    let around = anna.patch(&format!("/api/v1/courses/{bread}"), json!({"state": "open"})).await;
    assert!(matches!(around.status.as_u16(), 403 | 409), "{around:?}");
    let approved = agent.post(&act("approve"), json!({})).await;
    assert_eq!(approved.body["data"]["state"], "open", "{approved:?}");
}
