//! The examples and the README tell the truth: what works in each story, and what is refused.

use serde_json::{Value, json};

use crate::harness::{Answer, Serving, Test};

fn written(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A service and the base path of its API.
struct Story {
    serving: Serving,
    base: &'static str,
}

/// Somebody who has registered.
struct User {
    token: String,
    id: Value,
}

impl Story {
    fn of(example: &str, base: &'static str) -> Self {
        let text = written(&format!("examples/{example}.md"));
        Self { serving: Test::new().document(&text).serve(&[]), base }
    }

    #[track_caller]
    fn register(&self, body: &Value) -> User {
        let path = format!("{}/auth/register", self.base);
        let answer = self.serving.post(&path, body).status(201).json();
        let said = if answer["data"].is_object() { &answer["data"] } else { &answer };
        let token = said["access_token"].as_str().expect("a token").to_owned();
        User { token, id: said["user"]["id"].clone() }
    }

    fn ask(&self, who: Option<&User>, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.serving.request(method, &format!("{}{path}", self.base));
        if let Some(user) = who {
            request = request.bearer_auth(&user.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.serving.send(request)
    }
}

fn ada_and_bob(story: &Story, name: &str) -> (User, User) {
    let body = |word: &str| {
        let mut body = json!({"email": format!("{word}@example.org"), "password": "correct horse"});
        if !name.is_empty() {
            body[name] = json!(word);
        }
        body
    };
    (story.register(&body("ada")), story.register(&body("bob")))
}

#[test]
fn every_example_is_green() {
    for name in ["design", "feature", "project", "specification", "system"] {
        let text = written(&format!("examples/{name}.md"));
        let ran = Test::new().document(&text).run(&["check", "ARCHITECTURE.md"]);
        ran.code(0).says("0 errors, 0 warnings").says_not("not bound");
    }
}

#[test]
fn design_lends_tools_and_takes_them_back() {
    let story = Story::of("design", "/api/v1");
    let (ada, bob) = ada_and_bob(&story, "name");
    let ladder = json!({"name": "Ladder", "deposit": 12.5});
    story.ask(None, "POST", "/tools", Some(ladder.clone())).status(401);
    let tool = story.ask(Some(&ada), "POST", "/tools", Some(ladder)).status(201).json();
    assert_eq!(tool["owner_id"], ada.id);
    let path = format!("/tools/{}", tool["id"].as_str().expect("an id"));
    let refused = story.ask(Some(&bob), "PATCH", &path, Some(json!({"name": "Mine"})));
    assert!(refused.status(403).text.contains("owner"), "the sentence is quoted");
    let loan = json!({"tool_id": tool["id"], "due_on": "2026-12-01"});
    let loan = story.ask(Some(&bob), "POST", "/loans", Some(loan)).status(201).json();
    assert_eq!(loan["borrower_id"], bob.id);
    let seen = story.ask(Some(&ada), "GET", "/loans", None).status(200).json();
    assert_eq!(seen["data"], json!([]), "loans are the borrower's own");
    let seen = story.ask(Some(&bob), "GET", "/loans?include=tool", None).status(200).json();
    assert_eq!(seen["data"][0]["tool"]["name"], "Ladder");
    let path = format!("/loans/{}", loan["id"].as_str().expect("an id"));
    let back = Some(json!({"returned_at": "2026-11-30T10:00:00Z"}));
    story.ask(Some(&bob), "PATCH", &path, back).status(200);
    story.ask(Some(&bob), "DELETE", &path, None).status(403);
    let path = format!("/members/{}", ada.id.as_str().expect("an id"));
    story.ask(Some(&bob), "GET", &path, None).status(404);
}

#[test]
fn feature_keeps_lists_private_until_they_are_made_public() {
    let story = Story::of("feature", "/api/v1");
    let (ada, bob) = ada_and_bob(&story, "display_name");
    let winter = json!({"name": "Winter", "is_public": false});
    let made = story.ask(Some(&ada), "POST", "/reading_lists", Some(winter.clone()));
    let made = made.status(201).json();
    assert_eq!((&made["success"], &made["data"]["name"]), (&json!(true), &json!("Winter")));
    assert!(made["meta"]["timestamp"].is_string(), "the envelope is the document's: {made}");
    let list = format!("/reading_lists/{}", made["data"]["id"].as_str().expect("an id"));
    let entries = format!("{list}/entries");
    let book = json!({"title": "Ten Books on Architecture", "isbn": "9780486206455"});
    story.ask(Some(&ada), "POST", &entries, Some(book)).status(201);
    let wrong = story.ask(Some(&ada), "POST", &entries, Some(json!({"title": "x", "isbn": "1"})));
    let wrong = wrong.status(400).json();
    assert_eq!(
        (&wrong["success"], &wrong["error"]["code"]),
        (&json!(false), &json!("VALIDATION_ERROR"))
    );
    assert_eq!(wrong["error"]["details"][0]["field"], "isbn");
    story.ask(Some(&ada), "POST", "/reading_lists", Some(winter)).status(409);
    story.ask(Some(&bob), "GET", &list, None).status(404);
    story.ask(None, "GET", &entries, None).status(404);
    story.ask(Some(&ada), "PATCH", &list, Some(json!({"is_public": true}))).status(200);
    let seen = story.ask(None, "GET", &entries, None).status(200).json();
    assert_eq!(seen["data"].as_array().map(Vec::len), Some(1));
    story.ask(Some(&bob), "PATCH", &list, Some(json!({"name": "Mine"}))).status(403);
}

#[test]
fn project_moves_orders_only_along_their_states() {
    let story = Story::of("project", "/api");
    let (ada, bob) = ada_and_bob(&story, "name");
    let loaf = json!({"name": "Rye loaf", "price": 4.20});
    let refused = story.ask(Some(&ada), "POST", "/products", Some(loaf)).status(403);
    assert!(refused.text.contains("Required (baker)"), "{refused:?}");
    let order = json!({"pickup_on": "2026-12-24", "note": "sliced"});
    let order = story.ask(Some(&ada), "POST", "/orders", Some(order)).status(201).json();
    assert_eq!((&order["status"], &order["customer_id"]), (&json!("pending"), &ada.id));
    let path = format!("/orders/{}", order["id"]);
    story.ask(Some(&bob), "GET", &path, None).status(404);
    story.ask(Some(&ada), "PATCH", &path, Some(json!({"status": "ready"}))).status(403);
    story.ask(Some(&ada), "POST", &format!("{path}/confirm"), None).status(403);
    let cancel = format!("{path}/cancel");
    story.ask(Some(&bob), "POST", &cancel, None).status(404);
    let cancelled = story.ask(Some(&ada), "POST", &cancel, None).status(200).json();
    assert_eq!(cancelled["status"], "cancelled");
    story.ask(Some(&ada), "POST", &cancel, None).status(409);
    let items = format!("{path}/order_items");
    let missing = json!({"product_id": 99, "quantity": 1});
    story.ask(Some(&ada), "POST", &items, Some(missing)).status(409);
}

#[test]
fn specification_processes_documents_of_a_team() {
    let story = Story::of("specification", "/api/v1");
    let (ada, bob) = ada_and_bob(&story, "");
    let file = json!({"file_path": "/a.pdf", "file_type": "PDF", "file_size": 12});
    let made = story.ask(Some(&ada), "POST", "/documents", Some(file)).status(201).json();
    assert_eq!(made["processing_status"], "pending");
    let picture = json!({"file_path": "/a.png", "file_type": "PNG", "file_size": 12});
    let wrong = story.ask(Some(&ada), "POST", "/documents", Some(picture)).status(400).json();
    assert!(wrong["error"]["details"]["file_type"].is_string(), "{wrong}");
    let path = format!("/documents/{}", made["id"].as_str().expect("an id"));
    let step =
        |who: &User, name: &str| story.ask(Some(who), "POST", &format!("{path}/{name}"), None);
    step(&bob, "start").status(403);
    step(&ada, "complete").status(409);
    step(&ada, "start").status(200);
    let metadata = format!("{path}/metadata");
    let found = Some(json!({"key": "pages", "value": "3"}));
    story.ask(Some(&bob), "POST", &metadata, found.clone()).status(403);
    story.ask(Some(&ada), "POST", &metadata, found).status(201);
    assert_eq!(step(&ada, "complete").status(200).json()["processing_status"], "completed");
    let seen = story.ask(Some(&bob), "GET", &metadata, None).status(200).json();
    assert_eq!(seen["data"][0]["key"], "pages");
    story.ask(None, "GET", "/documents", None).status(401);
    story.ask(Some(&bob), "DELETE", &path, None).status(403);
    story.ask(Some(&ada), "DELETE", &path, None).status(204);
    story.ask(Some(&ada), "GET", &path, None).status(404);
}

#[test]
fn system_publishes_posts_and_hides_addresses() {
    let story = Story::of("system", "/api/v1");
    let (ada, bob) = ada_and_bob(&story, "username");
    let post = json!({"title": "On columns", "body": "Doric.", "tags": ["orders"]});
    let post = story.ask(Some(&ada), "POST", "/posts", Some(post)).status(201).json();
    assert_eq!(post["user_id"], ada.id);
    let path = format!("/posts/{}", post["id"].as_str().expect("an id"));
    let comment = Some(json!({"body": "Nice"}));
    story.ask(Some(&bob), "POST", &format!("{path}/comments"), comment).status(201);
    let found = "/posts?title[like]=On%25&include=comments&sort=-created_at";
    let found = story.ask(None, "GET", found, None).status(200).json();
    assert_eq!(found["data"][0]["comments"][0]["body"], "Nice");
    let mine = || Some(json!({"title": "Mine"}));
    let refused = story.ask(Some(&bob), "PATCH", &path, mine()).status(403);
    assert!(refused.text.contains("PATCH /api/v1/posts/{id} · Owner"), "{refused:?}");
    story.ask(None, "PATCH", &path, mine()).status(401);
    let profiles = story.ask(None, "GET", "/profiles", None).status(200);
    assert!(profiles.text.contains("ada") && !profiles.text.contains("@"), "{profiles:?}");
    let account = format!("/users/{}", bob.id.as_str().expect("an id"));
    story.ask(Some(&ada), "GET", &account, None).status(404);
    story.ask(Some(&bob), "PATCH", &account, Some(json!({"bio": "I read"}))).status(200);
    story.ask(Some(&bob), "PATCH", &account, Some(json!({"role": "admin"}))).status(403);
    story.ask(Some(&ada), "DELETE", &path, None).status(204);
    story.ask(Some(&ada), "POST", "/auth/logout", None).status(204);
    story.ask(Some(&ada), "GET", "/auth/me", None).status(401);
}

#[test]
fn system_lets_people_follow_each_other_and_nobody_for_somebody_else() {
    let story = Story::of("system", "/api/v1");
    let (ada, bob) = ada_and_bob(&story, "username");
    let follow = |who: &User, whom: &Value| {
        story.ask(Some(who), "POST", "/follows", Some(json!({"followed_id": whom})))
    };
    let made = follow(&ada, &bob.id).status(201).json();
    assert_eq!((&made["follower_id"], &made["followed_id"]), (&ada.id, &bob.id));
    follow(&ada, &bob.id).status(409);
    assert!(follow(&ada, &ada.id).status(400).text.contains("follower_id <> followed_id"));
    follow(&ada, &json!("00000000-0000-4000-8000-000000000000")).status(409);
    story.ask(None, "POST", "/follows", Some(json!({"followed_id": bob.id}))).status(401);
    let forged = json!({"follower_id": ada.id, "followed_id": bob.id});
    story.ask(Some(&bob), "POST", "/follows", Some(forged)).status(403);
    let seen = story.ask(None, "GET", "/follows", None).status(200).json();
    assert_eq!(seen["data"].as_array().map(Vec::len), Some(1), "{seen}");
    let path = format!("/follows/{}", made["id"].as_str().expect("an id"));
    let eve = json!({"email": "eve@example.org", "username": "eve", "password": "correct horse"});
    let eve = story.register(&eve);
    story.ask(Some(&eve), "DELETE", &path, None).status(403);
    story.ask(Some(&ada), "DELETE", &path, None).status(204);
    story.ask(Some(&ada), "DELETE", &path, None).status(404);
}

/// The document that the README shows.
fn readme_document() -> String {
    let readme = written("README.md");
    let after = readme.split_once("````markdown\n").expect("a document").1;
    after.split_once("\n````").expect("its end").0.to_owned()
}

#[test]
fn the_readmes_document_behaves_as_the_readme_shows() {
    let readme = written("README.md");
    let serving = Test::new().document(&readme_document()).serve(&[]);
    let story = Story { serving, base: "/api/v1" };
    let (ada, bob) = ada_and_bob(&story, "");
    let ladder = Some(json!({"name": "Ladder"}));
    let made = story.ask(Some(&ada), "POST", "/tools", ladder).status(201);
    assert!(readme.contains(r#"-d '{"name":"Ladder"}'"#));
    let members: Vec<String> = ["id", "owner_id", "name"].map(str::to_owned).into();
    let made = made.json();
    assert_eq!(made.as_object().map(|row| row.keys().cloned().collect::<Vec<_>>()), Some(members));
    assert_eq!((&made["owner_id"], &made["name"]), (&ada.id, &json!("Ladder")));
    let path = format!("/tools/{}", made["id"].as_str().expect("an id"));
    let refused = story.ask(Some(&bob), "PATCH", &path, Some(json!({"name": "Mine"})));
    let message =
        refused.status(403).json()["error"]["message"].as_str().expect("words").to_owned();
    let shown =
        format!(r#"{{"error":{{"code":"FORBIDDEN","message":"{}","#, message.replace('"', "\\\""));
    assert!(readme.contains(&shown), "the README does not show {shown}");
}
