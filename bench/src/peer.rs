//! Servers that somebody else started: a JSON file names them and what to ask.

use std::{collections::HashMap, net::SocketAddr, path::Path};

use serde::Deserialize;

use crate::{
    Failure,
    case::{Case, Requests},
};

/// A server that runs already.
#[derive(Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Number of its process, for its time on processors.
    pub(crate) process: Option<u32>,
    /// By the name of the case: requests that are sent in turn.
    requests: HashMap<String, Vec<Request>>,
}

/// One request.
#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: String,
}

/// The servers of a file.
pub(crate) fn read(file: &Path) -> Result<Vec<Peer>, Failure> {
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

impl Requests for Peer {
    fn answers(&self, case: Case) -> bool {
        self.requests.get(case.name()).is_some_and(|requests| !requests.is_empty())
    }

    fn write(&self, case: Case, place: usize, into: &mut Vec<u8>) {
        let requests = self.requests.get(case.name()).map_or(&[][..], Vec::as_slice);
        let Some(request) = requests.get(place % requests.len().max(1)) else { return };
        let Request { method, path, headers, body } = request;
        into.extend_from_slice(
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").as_bytes(),
        );
        for (name, value) in headers {
            into.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let length = body.len();
        into.extend_from_slice(format!("content-length: {length}\r\n\r\n{body}").as_bytes());
    }
}
