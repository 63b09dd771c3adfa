//! The living page in a real browser, and what others than the admin see of it.

use std::{
    io::Read,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;

use crate::{
    browser::Browser,
    harness::{Answer, SHOP, Serving, Test},
};

#[track_caller]
fn assert_shows(page: &str, words: &str) {
    assert!(page.contains(words), "`{words}` is not on the page:\n{page}");
}

fn opened(serving: &Serving, further: &[&str]) -> Browser {
    Browser::open(&format!("{}/", serving.origin), further)
}

#[test]
fn rows_and_requests_appear_without_loading_the_page_again() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let mut browser = opened(&serving, &[]);
    let before = browser.once(">0 rows<");
    assert_shows(&before, ">no request yet<");
    browser.evaluate("document.body.dataset.kept = 'yes'");
    for name in ["lamp", "vase"] {
        serving.post("/api/v1/items", &json!({"name": name})).status(201);
    }
    serving.get("/api/v1/items").status(200);
    let after = browser.once(">2 rows<");
    assert_shows(&after, "data-kept=\"yes\"");
    browser.once(">n = 2 last minutes");
    let after = browser.once(">n = 1 last minutes");
    assert_shows(&after, ">live<");
}

#[test]
fn a_save_that_is_refused_is_shown_above_the_version_that_serves() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let mut browser = opened(&serving, &[]);
    browser.once(">live<");
    serving.save(&SHOP.replace("price INTEGER", "price INTEGER,, broken"));
    let page = browser.once("The last save is not served");
    assert_shows(&page, "ARCHITECTURE.md:");
    assert_shows(&page, "price INTEGER\n");
    serving.save(&SHOP.replace("# Shop", "# Better shop"));
    let page = browser.once("<title>Better shop</title>");
    assert!(!page.contains("The last save is not served"), "{page}");
}

/// A proxy that reaches nothing; it keeps what it was asked for.
fn dead_end() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked = Arc::new(Mutex::new(String::new()));
    let kept = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let kept = kept.clone();
            std::thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
                let mut head = [0; 2048];
                let length = stream.read(&mut head).unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                kept.lock().expect("text").push_str(&head);
            });
        }
    });
    (address, asked)
}

#[test]
fn nothing_of_a_hostile_document_runs_or_is_fetched() {
    let hostile = r#"
# Attack <script>document.title='owned'</script>

<script>document.title='owned'</script> <img src="http://elsewhere.example/a.png">
<img src=x onerror="document.title='owned'"> ![picture](http://elsewhere.example/b.png)
[link](javascript:document.title='owned') [ta&#9;b](java&#9;script:document.title='owned')

<iframe src="http://elsewhere.example/c"></iframe>
<link rel="stylesheet" href="http://elsewhere.example/d.css">

| <svg onload="document.title='owned'"> | "><script>document.title='owned'</script> |
| --- | --- |
| <base href="http://elsewhere.example/"> | <style>@import url(http://elsewhere.example/e)</style> |

```mermaid
graph TD
  A["</text><script>document.title='owned'</script>"] -->|"<img src=x onerror=alert(1)>"| B
```
"#;
    let serving = Test::new().document(&format!("{SHOP}\n{hostile}")).serve(&[]);
    let (proxy, asked) = dead_end();
    let mut browser = opened(&serving, &[&format!("--proxy-server=http://{proxy}")]);
    let page = browser.once(">live<");
    assert_shows(&page, "<title>Shop</title>");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    for markup in ["<img", "<iframe", "<base", "<style", "<svg onload", "href=\"java"] {
        assert!(!page.contains(markup), "{markup}:\n{page}");
    }
    assert_eq!(page.matches("<link").count(), 1, "{page}");
    let asked = asked.lock().expect("text").clone();
    assert!(!asked.contains("elsewhere.example"), "{asked}");
}

/// The page as somebody at another machine asks for it.
fn from_elsewhere(serving: &Serving, path: &str, cookie: Option<&str>) -> Answer {
    let mut request = serving.request("GET", path).header("x-forwarded-for", "203.0.113.7");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    serving.send(request)
}

#[track_caller]
fn assert_gate(answer: Answer) {
    let answer = answer.status(401);
    assert_shows(&answer.text, "class=\"gate\"");
    for secret in ["items", "CREATE TABLE", "Shop"] {
        assert!(!answer.text.contains(secret), "{secret}: {answer:?}");
    }
}

#[test]
fn others_see_the_gate_and_the_admin_sees_the_page_from_anywhere() {
    let serving = Test::new().document(SHOP).serve(&[]);
    assert_gate(from_elsewhere(&serving, "/", None));
    assert_gate(serving.send(serving.request("GET", "/").header("host", "shop.example")));
    from_elsewhere(&serving, "/_/live", None).status(403);
    let link = serving.greeting.lines().find(|line| line.contains("/_/admin/setup?"));
    let token = link.and_then(|link| link.split_once("token=")).expect("a link").1.to_owned();
    let form = serving.get(&format!("/_/admin/setup?token={token}")).status(200).text;
    assert_shows(&form, "class=\"gate\"");
    let members = ["token", "email", "password"];
    for member in members {
        assert_shows(&form, &format!("name=\"{member}\""));
    }
    let body = format!("token={token}&email=ada%40example.org&password=correct+horse+staple");
    let request = serving
        .request("POST", "/_/admin/setup")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let posted = serving.send(request).status(303);
    let cookie = posted.headers["set-cookie"].to_str().expect("a cookie");
    let cookie = cookie.split(';').next().expect("its value").to_owned();
    let page = from_elsewhere(&serving, "/", Some(&cookie)).status(200);
    assert_shows(&page.text, "Who can do what");
    assert_shows(&page.text, "CREATE TABLE items");
    assert_gate(from_elsewhere(&serving, "/", Some("session=forged")));
}

#[test]
fn the_page_and_the_gate_allow_only_the_services_own_files() {
    let serving = Test::new().document(SHOP).serve(&[]);
    for answer in [serving.get("/"), from_elsewhere(&serving, "/", None), serving.get("/_/login")] {
        let policy = answer.headers["content-security-policy"].to_str().expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    }
}

#[test]
fn the_page_names_variables_and_whether_they_are_set_but_never_their_values() {
    let text = format!(
        "{SHOP}\n## Environment Variables\n\n\
         | Variable | Description | Required |\n| --- | --- | --- |\n\
         | SHOP_MAIL_KEY | Key of the mail service | Yes |\n\
         | SHOP_MOTTO | Printed on receipts | No |\n"
    );
    let test = Test::new().document(&text).environment("SHOP_MAIL_KEY", "s3cret-v4lue");
    let page = test.serve(&[]).get("/").status(200).text;
    assert_shows(&page, "<code>SHOP_MAIL_KEY</code>");
    assert_shows(&page, ">set<");
    assert_shows(&page, ">not set<");
    assert!(!page.contains("s3cret-v4lue"), "{page}");
}
