//! Trials of what is built in: accounts from registration to sign-out, health, metrics, keys.

use document::api::{BuiltIn, Endpoint};
use serde_json::{Map, Value as Json, json};

use crate::{
    About, Answer, Request, Stage,
    fixture::PASSWORD,
    people::{Account, Door},
    shape::{found, shown},
};

/// Tries an endpoint that is bound to something built in.
pub(super) async fn probe(stage: &Stage<'_>, endpoint: &Endpoint, built_in: BuiltIn) {
    let trial = Trial { stage, endpoint, about: About::endpoint(endpoint) };
    match built_in {
        BuiltIn::Register => trial.register().await,
        BuiltIn::Login => trial.login().await,
        BuiltIn::Refresh => trial.refresh().await,
        BuiltIn::Logout => trial.logout().await,
        BuiltIn::Me => trial.me().await,
        BuiltIn::UpdateMe => trial.update_me().await,
        BuiltIn::DeleteMe => trial.delete_me().await,
        BuiltIn::ChangePassword => trial.change_password().await,
        BuiltIn::ForgotPassword | BuiltIn::ResetPassword | BuiltIn::VerifyEmail => {
            trial.mail().await;
        }
        BuiltIn::Health | BuiltIn::Ready | BuiltIn::Documentation => {
            let answer = trial.send(None, None).await;
            let is_there = matches!(answer.status, 200 | 301..=308);
            trial.judge("it answers 200", &answer, is_there);
        }
        BuiltIn::Metrics => {
            let answer = trial.send(None, None).await;
            let holds = answer.status == 200 && answer.text.contains("# TYPE");
            trial.judge("it answers 200 with metrics", &answer, holds);
        }
        BuiltIn::OpenApi => {
            let answer = trial.send(None, None).await;
            let holds = answer.status == 200 && answer.json["openapi"].is_string();
            trial.judge("it answers 200 with OpenAPI", &answer, holds);
        }
        BuiltIn::Jwks => {
            let answer = trial.send(None, None).await;
            let holds = answer.status == 200 && answer.json["keys"].is_array();
            trial.judge("it answers 200 with keys", &answer, holds);
        }
    }
}

struct Trial<'s> {
    stage: &'s Stage<'s>,
    endpoint: &'s Endpoint,
    about: About,
}

impl Trial<'_> {
    fn judge(&self, expected: &str, answer: &Answer, holds: bool) {
        self.stage.book.judge(&self.about, expected, answer, holds);
    }

    /// Sends a body as an account, or as the admin where no account is given.
    async fn send(&self, account: Option<&Account>, body: Option<Json>) -> Answer {
        let path = self.endpoint.path.replace(['{', '}'], "");
        let mut request = Request::new(self.endpoint.method.word(), path);
        request.body = body;
        let token = match account {
            Some(account) => Some(account.token.clone()),
            None => self.stage.people.admin.token(),
        };
        self.stage.client.send(request.token(token)).await
    }

    async fn anonymous(&self, body: Option<Json>) -> Answer {
        let mut request = Request::new(self.endpoint.method.word(), self.endpoint.path.clone());
        request.body = body;
        self.stage.client.send(request).await
    }

    /// A user of their own, since what is tried ends sessions.
    async fn newcomer(&self) -> Option<Account> {
        let stage = self.stage;
        let door = Door { system: stage.system(), client: &stage.client, fixture: &stage.fixture };
        match door.user(&stage.people.admin, None).await {
            Ok(account) => Some(account),
            Err(why) => {
                stage.book.skip(&self.about, "a user tries it", why);
                None
            }
        }
    }

    async fn still_knows(&self, account: &Account) -> Answer {
        let (method, path) = self.stage.paths().of_built_in(BuiltIn::Me);
        let request = Request::new(method, path).token(Some(account.token.clone()));
        self.stage.client.send(request).await
    }

    async fn register(&self) {
        let body = self.stage.fixture.newcomer(None);
        let first = self.send(None, Some(body.clone().into())).await;
        self.judge("a newcomer is registered with 201", &first, first.status == 201);
        self.judge("no password and no hash comes back", &first, !first.text.contains(PASSWORD));
        let again = self.send(None, Some(body.into())).await;
        self.judge("the same name a second time is refused with 409", &again, again.status == 409);
        let mut body = self.stage.fixture.newcomer(None);
        body.insert("password".to_owned(), "x".into());
        let short = self.send(None, Some(body.clone().into())).await;
        self.judge("a password of one letter is refused with 400", &short, short.is_invalid());
        body.remove("password");
        let none = self.send(None, Some(body.into())).await;
        self.judge("no password is refused with 400", &none, none.is_invalid());
    }

    async fn login(&self) {
        let Some(account) = self.newcomer().await else { return };
        let name = self.login_member();
        let body = |login: &str, password: &str| {
            let mut body = Map::new();
            body.insert(name.clone(), login.into());
            body.insert("password".to_owned(), password.into());
            Some(Json::Object(body))
        };
        let right = self.anonymous(body(&account.login, PASSWORD)).await;
        let names = ["access_token", "token", "jwt", "id_token", "auth_token"];
        let has_token = found(&right.json, &names).is_some();
        self.judge("the right password gives a token", &right, right.is_success() && has_token);
        let wrong = self.anonymous(body(&account.login, "Not-the-password-1")).await;
        self.judge("a wrong password is refused with 401", &wrong, wrong.status == 401);
        let nobody = self.anonymous(body("nobody@verify.example", PASSWORD)).await;
        self.judge("an unknown name is refused with 401", &nobody, nobody.status == 401);
    }

    fn login_member(&self) -> String {
        use document::security::Identity;
        match &self.stage.system().security.identity {
            Identity::Table { login, .. } => shown(self.stage.system(), login),
            Identity::BuiltIn => "email".to_owned(),
        }
    }

    async fn refresh(&self) {
        let Some(account) = self.newcomer().await else { return };
        let Some(refresh) = &account.refresh else {
            let reason = "signing in gives no refresh token in its body";
            return self.stage.book.skip(&self.about, "it gives a new token", reason);
        };
        let body =
            |refresh: &str| Some(json!({shown(self.stage.system(), "refresh_token"): refresh}));
        let answer = self.anonymous(body(refresh)).await;
        let names = ["access_token", "token", "jwt"];
        let token = found(&answer.json, &names).and_then(Json::as_str);
        self.judge("it gives a new token", &answer, answer.is_success() && token.is_some());
        if let Some(token) = token {
            let account = Account { token: token.into(), ..account.clone() };
            let answer = self.still_knows(&account).await;
            self.judge("the new token is good", &answer, answer.status == 200);
        }
        let answer = self.anonymous(body("not-a-token")).await;
        self.judge("what is no token is refused", &answer, matches!(answer.status, 400 | 401));
    }

    async fn logout(&self) {
        let Some(account) = self.newcomer().await else { return };
        let answer = self.send(Some(&account), None).await;
        self.judge("it ends the session", &answer, answer.is_success());
        let after = self.still_knows(&account).await;
        self.judge("the token is good no longer: 401", &after, after.status == 401);
    }

    async fn me(&self) {
        let Some(account) = self.newcomer().await else { return };
        let answer = self.send(Some(&account), None).await;
        let is_own = answer.text.contains(&account.login);
        self.judge("it shows the user's own row", &answer, answer.status == 200 && is_own);
        let answer = self.anonymous(None).await;
        self.judge("nobody is refused with 401", &answer, answer.status == 401);
    }

    async fn update_me(&self) {
        let Some(account) = self.newcomer().await else { return };
        let answer = self.send(Some(&account), Some(json!({}))).await;
        self.judge("it takes a change", &answer, answer.is_success());
        let answer = self.anonymous(Some(json!({}))).await;
        self.judge("nobody is refused with 401", &answer, answer.status == 401);
    }

    async fn delete_me(&self) {
        let Some(account) = self.newcomer().await else { return };
        let answer = self.send(Some(&account), None).await;
        self.judge("it removes the user", &answer, answer.is_success());
        let after = self.still_knows(&account).await;
        self.judge("the user is gone: 401", &after, after.status == 401);
    }

    async fn change_password(&self) {
        let Some(account) = self.newcomer().await else { return };
        let change = |old: &str| {
            let name = |snake: &str| shown(self.stage.system(), snake);
            Some(json!({name("current_password"): old, name("new_password"): "Another-horse-8"}))
        };
        let wrong = self.send(Some(&account), change("Not-the-password-1")).await;
        self.judge("a wrong old password is refused", &wrong, (400..500).contains(&wrong.status));
        let right = self.send(Some(&account), change(PASSWORD)).await;
        self.judge("it takes the new password", &right, right.is_success());
    }

    async fn mail(&self) {
        let answer = self.anonymous(Some(json!({"email": "nobody@verify.example"}))).await;
        let expected = "it answers, with or without such a user";
        self.judge(expected, &answer, matches!(answer.status, 200..=204 | 400 | 401 | 422));
    }
}
