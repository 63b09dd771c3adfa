//! Schemathesis, a stranger's reader of OpenAPI, finds nothing wrong with any of the examples:
//! neither as nobody, nor as a user, nor as the admin.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::harness::{Serving, Test};

/// Requests that are made up for each operation and phase; more where this variable says so.
const EXAMPLES_MAX: &str = "5";
const EXAMPLES_VARIABLE: &str = "SCHEMATHESIS_MAX_EXAMPLES";
/// Failures after which a run ends: each is made smaller first, which takes its time.
const FAILURES_MAX: &str = "3";

/// Operations whose table has a check that compares two columns. No schema can say that, so that
/// what fits the schema may still be told 400. All other checks of theirs stay.
const BEYOND_SCHEMAS: [&str; 3] =
    ["POST /api/v1/follows", "PUT /api/v1/follows/{id}", "PATCH /api/v1/follows/{id}"];

const LOGIN: &str = "ada@example.org";
const PASSWORD: &str = "correct horse staple";

#[test]
fn nothing_is_found_on_design() {
    check("design");
}

#[test]
fn nothing_is_found_on_feature() {
    check("feature");
}

#[test]
fn nothing_is_found_on_project() {
    check("project");
}

#[test]
fn nothing_is_found_on_specification() {
    check("specification");
}

#[test]
fn nothing_is_found_on_system() {
    check("system");
}

fn check(example: &str) {
    let tool = tool();
    let path = format!("{}/../../examples/{example}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let serving = Test::new().document(&roomy(&text)).serve(&[]);
    let served = Served { description: serving.get("/openapi.json").status(200).json(), serving };
    served.assert_roomy();
    let (user, admin) = (served.user(), served.admin());
    served.run(&tool, "nobody", None);
    served.run(&tool, "a user", Some(&user));
    served.run(&tool, "the admin", Some(&admin));
}

/// The tool that `./test` installs, or one on the path.
fn tool() -> PathBuf {
    let own = format!("{}/../../target/schemathesis/bin/st", env!("CARGO_MANIFEST_DIR"));
    let candidates = [PathBuf::from(own), PathBuf::from("st"), PathBuf::from("schemathesis")];
    let is_it = |candidate: &Path| {
        let said = Command::new(candidate).arg("--version").output();
        said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("version 4."))
    };
    candidates.into_iter().find(|candidate| is_it(candidate)).unwrap_or_else(|| {
        panic!(
            "Schemathesis 4 is missing. `./test` installs it; by hand: python3 -m venv \
             target/schemathesis && target/schemathesis/bin/pip install schemathesis"
        )
    })
}

/// The document with limits that nobody reaches: thousands of requests in a minute would be told
/// 429, which is right and proves nothing. All else is as written.
fn roomy(text: &str) -> String {
    const MARK: &str = " requests per minute";
    let mut parts: Vec<String> = text.split(MARK).map(str::to_owned).collect();
    let last = parts.pop().unwrap_or_default();
    let mut roomy = String::new();
    for part in parts {
        let words = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
        assert!(words.len() < part.len(), "a limit without a number: {part}");
        roomy.push_str(words);
        roomy.push_str("1000000");
        roomy.push_str(MARK);
    }
    roomy.push_str(&last);
    if !roomy.contains("Auth endpoints:") {
        roomy.push_str("\n\n## Rate Limits\n\n- Auth endpoints: 1000000 requests per minute\n");
    }
    roomy
}

/// An example that is served, with its description.
struct Served {
    serving: Serving,
    description: Value,
}

impl Served {
    /// The path of an account endpoint.
    fn path(&self, end: &str) -> &str {
        let paths = self.description["paths"].as_object().expect("paths");
        paths.keys().find(|path| path.ends_with(end)).unwrap_or_else(|| panic!("no {end}"))
    }

    fn assert_roomy(&self) {
        let body = json!({"email": "nobody@example.org", "password": "nobody's password"});
        let answer = self.serving.post(self.path("/auth/login"), &body).status(401);
        assert_eq!(answer.headers["ratelimit-limit"], "1000000", "{answer:?}");
    }

    /// Signs somebody up, with whatever the description asks for.
    fn user(&self) -> String {
        let path = self.path("/auth/register");
        let media = "/post/requestBody/content/application~1json/schema/required";
        let required = self.description["paths"][path].pointer(media).expect("what is required");
        let mut body = json!({"email": "bob@example.org", "password": PASSWORD});
        for name in required.as_array().into_iter().flatten().filter_map(Value::as_str) {
            if body[name].is_null() {
                body[name] = "bob".into();
            }
        }
        token(&self.serving.post(path, &body).status(201).json())
    }

    /// Follows the one-time link of the first start, and signs in.
    fn admin(&self) -> String {
        let link = self.serving.greeting.lines().find_map(|line| line.split_once("setup?token="));
        let once = link.expect("a link for the first admin").1.trim();
        let form = format!(
            "token={once}&email={}&password={}",
            LOGIN.replace('@', "%40"),
            PASSWORD.replace(' ', "+")
        );
        let request = self
            .serving
            .request("POST", "/_/admin/setup")
            .header("content-type", "application/x-www-form-urlencoded");
        self.serving.send(request.body(form)).status(303);
        let body = json!({"email": LOGIN, "password": PASSWORD});
        token(&self.serving.post(self.path("/auth/login"), &body).status(200).json())
    }

    /// What Schemathesis has to know beyond the description.
    fn settings(&self) -> String {
        let is_served = |operation: &str| {
            let (method, path) = operation.split_once(' ').expect("a method and a path");
            self.description["paths"][path][method.to_lowercase()].is_object()
        };
        let mut settings = String::new();
        for operation in BEYOND_SCHEMAS.into_iter().filter(|operation| is_served(operation)) {
            settings.push_str(&format!(
                "[[operations]]\ninclude-name = \"{operation}\"\n[operations.checks]\n\
                 positive_data_acceptance.expected-statuses = \
                 [\"2xx\", \"3xx\", \"400\", \"401\", \"403\", \"404\", \"409\", \"429\"]\n\n"
            ));
        }
        settings
    }

    /// Runs all stock checks over all operations.
    fn run(&self, tool: &Path, who: &str, token: Option<&String>) {
        let examples = std::env::var(EXAMPLES_VARIABLE).unwrap_or_else(|_| EXAMPLES_MAX.to_owned());
        let settings = self.serving.directory().join("schemathesis.toml");
        std::fs::write(&settings, self.settings()).expect("a file");
        let mut command = Command::new(tool);
        command
            .arg("--config-file")
            .arg(settings)
            .args(["run", &format!("{}/openapi.json", self.serving.origin)])
            .args(["--checks", "all", "--max-examples", &examples])
            .args(["--seed", "7", "--generation-deterministic"])
            .args(["--max-failures", FAILURES_MAX, "--request-timeout", "30", "--no-color"])
            .current_dir(self.serving.directory());
        // Nobody is refused nearly everywhere: each value of each schema would only take time.
        if token.is_none() && std::env::var(EXAMPLES_VARIABLE).is_err() {
            command.args(["--phases", "examples,fuzzing,stateful"]);
        }
        if let Some(token) = token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
            // Signing out ends the session of that token: whatever came after would be told 401
            // and prove nothing. Nobody's run has this path.
            command.args(["--exclude-path", self.path("/auth/logout")]);
        }
        let said = command.output().expect("Schemathesis runs");
        let report = String::from_utf8_lossy(&said.stdout);
        println!("as {who}:\n{report}");
        let complaints = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "as {who}, Schemathesis finds:\n{report}\n{complaints}");
    }
}

/// The access token of an answer, in whatever envelope.
fn token(answer: &Value) -> String {
    let said = if answer["data"].is_object() { &answer["data"] } else { answer };
    let names = ["access_token", "accessToken", "token"];
    let found = names.iter().find_map(|name| said[*name].as_str());
    found.unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}
