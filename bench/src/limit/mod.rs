//! The honest limit: the three requests written by hand with axum, over SQLite or PostgreSQL,
//! without identity, access, limits, validation, metrics or a log.

pub(crate) mod postgresql;
pub(crate) mod sqlite;

use std::{net::SocketAddr, path::PathBuf};

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::Failure;

/// Options of the limit server.
#[derive(clap::Args)]
pub(crate) struct Limit {
    /// Where it listens.
    #[arg(long)]
    listen: SocketAddr,
    /// Its SQLite file, or the URL of its PostgreSQL database.
    #[arg(long)]
    database: String,
    /// Waits for the disk before a row counts as written.
    #[arg(long)]
    full: bool,
}

/// Requests that may wait for the writer.
const QUEUE: usize = 1024;

#[derive(Deserialize)]
struct Body {
    room: String,
    author: String,
    data: String,
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

/// Serves until it is ended.
pub(crate) fn serve(limit: &Limit) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let router = match limit.database.starts_with("postgres://") {
            true => postgresql::router(&limit.database, limit.full).await?,
            false => sqlite::router(&PathBuf::from(&limit.database), limit.full)?,
        };
        listen(limit.listen, router).await
    })
}

async fn listen(address: SocketAddr, router: Router) -> Result<(), Failure> {
    let router = router.route("/health", axum::routing::get(async || "{\"status\":\"ok\"}"));
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router).await?)
}

fn json(status: StatusCode, bytes: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

fn write_text(into: &mut Vec<u8>, name: &str, value: &str) {
    into.extend_from_slice(name.as_bytes());
    // A text without anything to escape is copied whole.
    if value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        into.push(b'"');
        into.extend_from_slice(value.as_bytes());
        into.push(b'"');
    } else {
        let _ = serde_json::to_writer(into, value);
    }
}
