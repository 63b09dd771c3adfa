//! Trials of the chapter's settings: version, base path, how long a request may take.

use document::{ClaimKind, setting::SettingValue};

use crate::{About, Outcome, Request, Stage};

/// Tries the settings that are stated.
pub(super) async fn probe(stage: &Stage<'_>) {
    let stated = |key: &str| stage.system().settings.iter().find(|setting| setting.key == key);
    if let Some(setting) = stated("api.version") {
        let about = About::setting("api.version");
        let version = match &setting.value {
            SettingValue::Word(word) | SettingValue::Text(word) => word.clone(),
            SettingValue::Count(count) => count.to_string(),
            _ => String::new(),
        };
        version_of(stage, &about, &version).await;
    }
    if stated("api.timeout_seconds").is_some() {
        let about = About::setting("api.timeout_seconds");
        let reason = "nothing in the document takes that long";
        stage.book.cannot(&about, "a request that takes longer is ended", reason);
    }
    let about = About::subject(&[ClaimKind::Route, ClaimKind::Setting], "setting:api.base");
    if let Some(table) = super::wrapping::cheap(stage)
        && let Some((_, path)) = stage.paths().of_table(table, document::api::Operation::List)
    {
        let answer = stage.as_admin(Request::get(path)).await;
        let expected = format!("rows are served below `{}`", stage.system().api.base);
        stage.book.judge(&about, expected, &answer, answer.status == 200);
    }
}

/// The version stands in the path of the API, or in its description.
async fn version_of(stage: &Stage<'_>, about: &About, version: &str) {
    let base = &stage.system().api.base;
    let number = version.trim_start_matches(['v', 'V']);
    let is_in_path = base.split('/').any(|segment| {
        segment
            .strip_prefix('v')
            .is_some_and(|rest| number == rest || number.starts_with(&format!("{rest}.")))
    });
    if is_in_path
        && let Some(table) = super::wrapping::cheap(stage)
        && let Some((_, path)) = stage.paths().of_table(table, document::api::Operation::List)
    {
        let answer = stage.as_admin(Request::get(path)).await;
        let expected = format!("the API of version {version} is served below `{base}`");
        stage.book.judge(about, expected, &answer, answer.status == 200);
        return;
    }
    let (method, path) = stage.paths().of_built_in(document::api::BuiltIn::OpenApi);
    let answer = stage.as_admin(Request::new(method, path)).await;
    let said = answer.json["info"]["version"].as_str();
    if answer.status == 200 {
        let holds = said.is_some_and(|said| said.trim_start_matches('v') == number);
        let expected = format!("OpenAPI says version {version}");
        stage.book.judge(about, expected, &answer, holds);
    } else {
        let outcome = Outcome::Skipped { reason: "the version is shown nowhere".to_owned() };
        stage.book.note(about, "the version is served", outcome);
    }
}
