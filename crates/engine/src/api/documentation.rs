//! The page that shows the OpenAPI description: Swagger UI from its own package, without a network.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    sync::OnceLock,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderValue, header};

use crate::{Problem, problem::ProblemCode};

/// Files of the package that the page needs, and their media types.
const FILES: [(&str, &str); 3] = [
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// Where the page's files are served, whatever the page's own path is.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API documentation</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the description itself is at /openapi.json.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/initializer.js"></script>
</body>
</html>
"#;

const INITIALIZER: &str = r##"window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout"
});
"##;

/// Only our own scripts run. Swagger UI writes styles into elements, so those are allowed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The page, or one of its files.
///
/// # Errors
/// 404 for any other file.
pub(crate) fn answer(file: Option<&str>) -> Result<Response, Problem> {
    let Some(name) = file else {
        return Ok(page());
    };
    if name == "initializer.js" {
        return Ok(asset(INITIALIZER.into(), "text/javascript; charset=utf-8"));
    }
    let kind = FILES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match (kind, package().get(name)) {
        (Some(kind), Some(bytes)) => Ok(asset(bytes.clone().into(), kind)),
        _ => Err(Problem::new(ProblemCode::NotFound, "there is no such file")),
    }
}

fn page() -> Response {
    let mut response = Response::new(Body::from(PAGE));
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn asset(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    response
}

/// The files of the package, unpacked once.
fn package() -> &'static BTreeMap<&'static str, Bytes> {
    static PACKAGE: OnceLock<BTreeMap<&'static str, Bytes>> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let archive = Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED);
        let Ok(mut archive) = zip::ZipArchive::new(archive) else { return BTreeMap::new() };
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let Ok(mut entry) = archive.by_index(index) else { continue };
            let Some(known) = entry.name().ok().and_then(|name| wanted(&name)) else { continue };
            let mut bytes = Vec::new();
            if entry.read_to_end(&mut bytes).is_ok() {
                files.insert(known, Bytes::from(bytes));
            }
        }
        files
    })
}

/// The file of the page that an entry of the package is. The package holds other flavours in deeper
/// directories; the page takes the plain one.
fn wanted(entry: &str) -> Option<&'static str> {
    let (root, name) = entry.rsplit_once("/dist/")?;
    let known = FILES.iter().map(|(known, _)| *known).find(|known| *known == name)?;
    (!root.contains('/')).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_package() {
        for (name, kind) in FILES {
            let response = answer(Some(name)).expect(name);
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
            assert!(package()[name].len() > 100, "{name}");
        }
    }

    #[test]
    fn the_page_names_no_file_that_is_not_served_and_no_other_host() {
        for part in PAGE.split('"').filter(|part| part.starts_with("/docs/")) {
            assert!(answer(part.strip_prefix("/docs/")).is_ok(), "{part}");
        }
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://"));
    }

    #[test]
    fn other_files_are_not_found() {
        for name in ["../Cargo.toml", "swagger-ui.js", "index.html", ""] {
            assert!(answer(Some(name)).is_err(), "{name}");
        }
    }
}
