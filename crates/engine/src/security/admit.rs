//! The door: who asks, and whether they have asked too often.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};

use super::{
    address::client_address,
    limits,
    principal::Principal,
    who::{Asked, who},
};
use crate::{Problem, Running, service::Inner};

/// A request that was let in.
pub struct Admitted {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub address: IpAddr,
    /// What the answer tells the caller of what is left of their limits.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Lets a request in. What is refused for its identity counts as a stranger's.
///
/// # Errors
/// 401 where an identity is claimed and cannot be believed, 429 where a limit is reached.
pub async fn admit(
    inner: &Inner,
    running: &Running,
    asked: &Asked<'_>,
) -> Result<Admitted, Problem> {
    let address = client_address(&inner.settings, asked.peer, asked.headers);
    let found = who(inner, running, asked).await;
    let stranger = Principal::Anonymous;
    let counted = found.as_ref().unwrap_or(&stranger);
    let headers = limits::count(inner, running, asked, counted, address).await?;
    found.map(|principal| Admitted { principal, address, headers })
}
