//! Which routes a version of the document keeps answers of: rules as the document says them, each
//! with what it needs at a request, prepared before the first one.

use std::{sync::Arc, time::Duration};

use document::{
    api::{Method, Operation},
    data::{CachePart, CacheStrategy, CacheSubject, Caching},
};

use super::{
    Reach,
    tier::{BYTES_MAX_DEFAULT, Tier},
};
use crate::{
    api::{Route, Router, Target},
    observability::{CacheEvidence, Evidence},
};

/// How answers of some routes are kept.
pub(crate) struct Rule {
    /// A written row is kept at once.
    pub(crate) write_through: bool,
    /// Read once at the start.
    pub(crate) warm: bool,
    /// Tells what versions of the document keep from one another.
    pub(super) version: Arc<str>,
    pub(super) ttl: Duration,
    pub(super) evidence: Arc<CacheEvidence>,
    pub(super) tier: Arc<Tier>,
    pub(super) reads: Arc<Reach>,
}

/// What a version of the document keeps.
#[derive(Default)]
pub(crate) struct Planned {
    /// What its statements reach; nothing where nobody keeps anything.
    pub(crate) reach: Arc<Reach>,
    /// Some written rows are kept at once.
    pub(crate) writes_through: bool,
}

impl Planned {
    /// Gives each route whose answers are kept its rule.
    pub(crate) fn of(
        caching: &Caching,
        reach: impl FnOnce() -> Reach,
        router: &Router,
        evidence: &Evidence,
        version: &str,
        is_shared: bool,
    ) -> Self {
        if caching.is_empty() {
            // Others may serve a document that keeps: what is written here is counted for them.
            let reach = if is_shared { Arc::new(reach()) } else { Arc::default() };
            return Self { reach, ..Self::default() };
        }
        let reach = Arc::new(reach());
        let version: Arc<str> = Arc::from(version);
        let bytes_max = caching.bytes_max.unwrap_or(BYTES_MAX_DEFAULT);
        let tier = Arc::new(Tier::new(bytes_max));
        let rules: Vec<(&CacheSubject, Option<Arc<Rule>>)> = caching
            .rules
            .iter()
            .map(|said| {
                let made = (said.ttl_seconds > 0).then(|| {
                    Arc::new(Rule {
                        write_through: said.strategy == CacheStrategy::WriteThrough,
                        warm: said.warm,
                        version: Arc::clone(&version),
                        ttl: Duration::from_secs(said.ttl_seconds),
                        evidence: evidence.cache(&said.subject.subject()),
                        tier: Arc::clone(&tier),
                        reads: Arc::clone(&reach),
                    })
                });
                (&said.subject, made)
            })
            .collect();
        for route in router.routes() {
            // A rule that keeps nothing stands before wider ones that would.
            let subjects = subjects(route);
            let rule = subjects
                .iter()
                .find_map(|wanted| rules.iter().find(|(subject, _)| *subject == wanted));
            if let Some((_, Some(rule))) = rule {
                let _ = route.cached.set(Arc::clone(rule));
            }
        }
        let writes_through =
            rules.iter().any(|(_, rule)| rule.as_ref().is_some_and(|rule| rule.write_through));
        Self { reach, writes_through }
    }
}

/// What may be said about a route's answers, from the narrowest.
fn subjects(route: &Route) -> Vec<CacheSubject> {
    if route.method != Method::Get {
        return Vec::new();
    }
    let path = route.path.clone();
    let mut subjects = vec![CacheSubject::Endpoint { method: Method::Get, path }];
    if let Target::Table { resource, operation, .. } = &route.target {
        let part = match operation {
            Operation::List => CachePart::Lists,
            _ => CachePart::Rows,
        };
        let table = |part| CacheSubject::Table { table: resource.name.to_string(), part };
        subjects.extend([table(part), table(CachePart::All)]);
    }
    subjects
}

#[cfg(test)]
impl Rule {
    /// A rule for tests.
    pub(super) fn of_tests() -> Self {
        Self {
            write_through: false,
            warm: false,
            version: Arc::from("v"),
            ttl: Duration::from_secs(60),
            evidence: Arc::default(),
            tier: Arc::new(Tier::new(BYTES_MAX_DEFAULT)),
            reads: Arc::default(),
        }
    }
}
