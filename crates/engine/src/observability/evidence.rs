//! Evidence: what was observed of each endpoint, table and setting. Gathered without locks on the
//! request's path, read as a [`Snapshot`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use http::StatusCode;
use jiff::Timestamp;

use super::{
    access_log::Logged,
    cache::CacheEvidence,
    histogram::{Counts, Histogram},
    in_flight::InFlight,
    proofs::Proofs,
    snapshot::{EndpointSnapshot, Sample, SettingSnapshot, Snapshot, TableSnapshot},
};

/// How long one slice of the sliding window takes counts.
pub(crate) const SLICE_SECONDS: u64 = 60;
/// Slices of the window: five whole ones and the one that is being filled.
const SLICE_COUNT: usize = 6;
/// Endpoints that are counted apart; what comes after shares one row.
const ENDPOINTS_MAX: usize = 2_000;
/// Settings that are counted apart.
const SETTINGS_MAX: usize = 1_000;

/// What was observed since the service started. Outlives versions of the document.
pub struct Evidence {
    since: Timestamp,
    endpoints: Mutex<BTreeMap<String, Arc<EndpointEvidence>>>,
    settings: RwLock<HashMap<String, Arc<SettingEvidence>>>,
    caches: Mutex<BTreeMap<String, Arc<CacheEvidence>>>,
    pub(crate) tables: ArcSwap<BTreeMap<String, TableSnapshot>>,
    /// What `verify` found, where it left a report.
    pub(crate) proofs: ArcSwapOption<Proofs>,
    slice: Arc<Clock>,
    /// Lines of the access log that were dropped because its queue was full.
    pub(crate) log_lines_dropped: AtomicU64,
    /// Panics that were contained.
    pub(crate) faults: AtomicU64,
    /// Requests that are being answered now.
    pub(crate) in_flight: InFlight,
    /// Connections that are open now.
    pub(crate) connections: AtomicU64,
}

/// Which slice of the window takes counts, and when each began.
struct Clock {
    current: AtomicUsize,
    began: [AtomicI64; SLICE_COUNT],
}

/// What was observed of one endpoint.
pub struct EndpointEvidence {
    subject: String,
    /// Its subject as the access log writes it, and the template that stands there for paths which hold
    /// a secret.
    pub(super) logged: Logged,
    /// What slices held that are over.
    before: Tally,
    slices: [Tally; SLICE_COUNT],
    last_at: AtomicI64,
    clock: Arc<Clock>,
}

/// Statuses and durations.
struct Tally {
    /// By hundreds: `1xx` to `5xx`.
    classes: [AtomicU64; 5],
    durations: Histogram,
}

/// How often a setting had an effect.
struct SettingEvidence {
    count: AtomicU64,
    last_at: AtomicI64,
}

impl Tally {
    fn new() -> Self {
        Self { classes: Default::default(), durations: Histogram::new() }
    }

    fn record(&self, class: usize, duration: Duration) {
        if let Some(counter) = self.classes.get(class) {
            counter.fetch_add(1, Relaxed);
        }
        self.durations.record(duration);
    }

    /// Moves everything that was counted to `other`.
    fn move_to(&self, other: &Self) {
        for (counter, theirs) in self.classes.iter().zip(&other.classes) {
            theirs.fetch_add(counter.swap(0, Relaxed), Relaxed);
        }
        self.durations.move_to(&other.durations);
    }

    fn add_to(&self, classes: &mut [u64; 5], counts: &mut Counts) {
        for (total, counter) in classes.iter_mut().zip(&self.classes) {
            *total += counter.load(Relaxed);
        }
        self.durations.add_to(counts);
    }
}

impl EndpointEvidence {
    fn new(subject: String, clock: Arc<Clock>) -> Self {
        Self {
            logged: Logged::of(&subject),
            subject,
            before: Tally::new(),
            slices: std::array::from_fn(|_| Tally::new()),
            last_at: AtomicI64::new(0),
            clock,
        }
    }

    /// `METHOD /path/{id}`, as in a statement's subject after `endpoint:`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Counts one answer.
    pub fn record(&self, status: StatusCode, duration: Duration, at: Timestamp) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(slice) = self.slices.get(self.clock.current.load(Relaxed)) {
            slice.record(class, duration);
        }
        self.last_at.store(at.as_microsecond(), Relaxed);
    }

    /// What was observed.
    pub fn snapshot(&self, now: Timestamp, since: Timestamp) -> EndpointSnapshot {
        let mut window = ([0; 5], Counts::new());
        for slice in &self.slices {
            slice.add_to(&mut window.0, &mut window.1);
        }
        let mut total = window.clone();
        self.before.add_to(&mut total.0, &mut total.1);
        EndpointSnapshot {
            subject: self.subject.clone(),
            window: Sample::new(window.0, window.1, self.clock.window_seconds(now, since)),
            since_start: Sample::new(total.0, total.1, seconds_between(since, now)),
            last_at: moment(self.last_at.load(Relaxed)),
        }
    }
}

impl Clock {
    /// How far back the oldest slice reaches.
    fn window_seconds(&self, now: Timestamp, since: Timestamp) -> u64 {
        let begins = self.began.iter().map(|began| began.load(Relaxed));
        let oldest = begins.filter(|&began| began != 0).min().and_then(moment);
        seconds_between(oldest.unwrap_or(since), now)
    }
}

impl Evidence {
    /// Nothing observed yet.
    pub fn new(now: Timestamp) -> Self {
        let clock =
            Clock { current: AtomicUsize::new(0), began: std::array::from_fn(|_| 0.into()) };
        clock.began[0].store(now.as_microsecond(), Relaxed);
        Self {
            since: now,
            endpoints: Mutex::default(),
            settings: RwLock::default(),
            caches: Mutex::default(),
            tables: ArcSwap::default(),
            proofs: ArcSwapOption::default(),
            slice: Arc::new(clock),
            log_lines_dropped: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            in_flight: InFlight::default(),
            connections: AtomicU64::new(0),
        }
    }

    /// Where answers of an endpoint are counted. Asked once when a version is prepared, never
    /// while a request is answered; the same endpoint of a later version counts on.
    pub fn endpoint(&self, method: &str, template: &str) -> Arc<EndpointEvidence> {
        let subject = format!("{method} {template}");
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = match endpoints.contains_key(&subject) || endpoints.len() < ENDPOINTS_MAX {
            true => subject,
            false => "further endpoints".to_owned(),
        };
        let evidence = endpoints.entry(subject).or_insert_with_key(|key| {
            Arc::new(EndpointEvidence::new(key.clone(), self.slice.clone()))
        });
        evidence.clone()
    }

    /// Notes that a setting had an effect: a limit refused, an account was locked, a login
    /// succeeded. `key` is the setting's key, after `setting:` in a statement's subject.
    pub fn happened(&self, key: &str, at: Timestamp) {
        let known = self.settings.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let evidence = known.or_else(|| {
            let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
            (settings.contains_key(key) || settings.len() < SETTINGS_MAX).then(|| {
                let fresh = || {
                    let (count, last_at) = (AtomicU64::new(0), AtomicI64::new(0));
                    Arc::new(SettingEvidence { count, last_at })
                };
                settings.entry(key.to_owned()).or_insert_with(fresh).clone()
            })
        });
        if let Some(evidence) = evidence {
            evidence.count.fetch_add(1, Relaxed);
            evidence.last_at.store(at.as_microsecond(), Relaxed);
        }
    }

    /// Where kept answers are counted, by what they are of. Asked once when a version is prepared.
    pub(crate) fn cache(&self, subject: &str) -> Arc<CacheEvidence> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(caches.entry(subject.to_owned()).or_default())
    }

    /// True while a request is being answered.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.count() != 0
    }

    /// Begins the next slice of the window; the oldest is forgotten. The slice is emptied before
    /// anybody counts in it.
    pub(crate) fn turn(&self, now: Timestamp) {
        let next = (self.slice.current.load(Relaxed) + 1) % SLICE_COUNT;
        {
            let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            for endpoint in endpoints.values() {
                if let Some(slice) = endpoint.slices.get(next) {
                    slice.move_to(&endpoint.before);
                }
            }
        }
        if let Some(began) = self.slice.began.get(next) {
            began.store(now.as_microsecond(), Relaxed);
        }
        self.slice.current.store(next, Relaxed);
    }

    /// Everything that was observed, at rest.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let endpoints: Vec<_> = {
            let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            endpoints.values().cloned().collect()
        };
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            at: now,
            since: self.since,
            endpoints: endpoints.iter().map(|each| each.snapshot(now, self.since)).collect(),
            tables: self.tables.load_full(),
            caches: {
                let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
                caches.iter().map(|(key, each)| (key.clone(), each.snapshot())).collect()
            },
            proofs: self.proofs.load_full(),
            settings: settings.iter().map(|(key, each)| (key.clone(), each.snapshot())).collect(),
            log_lines_dropped: self.log_lines_dropped.load(Relaxed),
            faults: self.faults.load(Relaxed),
            in_flight: self.in_flight.count(),
            connections: self.connections.load(Relaxed),
        }
    }
}

impl SettingEvidence {
    fn snapshot(&self) -> SettingSnapshot {
        SettingSnapshot {
            count: self.count.load(Relaxed),
            last_at: moment(self.last_at.load(Relaxed)),
        }
    }
}

/// The moment so many microseconds after 1970; none for zero, which stands for never.
fn moment(micros: i64) -> Option<Timestamp> {
    (micros != 0).then(|| Timestamp::from_microsecond(micros).ok()).flatten()
}

/// Whole seconds from one moment to the next.
fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a moment")
    }

    #[test]
    fn the_window_forgets_what_the_total_keeps() {
        let evidence = Evidence::new(at(0));
        let endpoint = evidence.endpoint("GET", "/x");
        endpoint.record(StatusCode::OK, Duration::from_millis(3), at(1));
        for turn in 1..=5 {
            evidence.turn(at(60 * turn));
        }
        assert_eq!(evidence.snapshot(at(301)).endpoints[0].window.count, 1);
        assert_eq!(evidence.snapshot(at(301)).endpoints[0].window.seconds, 301);
        evidence.turn(at(360));
        let seen = evidence.snapshot(at(361)).endpoints.remove(0);
        assert_eq!((seen.window.count, seen.since_start.count), (0, 1));
        assert_eq!((seen.window.seconds, seen.since_start.seconds), (301, 361));
        assert_eq!(seen.last_at, Some(at(1)));
    }

    #[test]
    fn an_endpoint_counts_on_when_it_is_asked_for_again() {
        let evidence = Evidence::new(at(0));
        evidence.endpoint("GET", "/x").record(StatusCode::OK, Duration::ZERO, at(0));
        evidence.endpoint("GET", "/x").record(StatusCode::NOT_FOUND, Duration::ZERO, at(0));
        let seen = evidence.snapshot(at(1)).endpoints.remove(0);
        assert_eq!((seen.window.count, seen.window.refused, seen.window.failed), (2, 1, 0));
    }

    #[test]
    fn endpoints_beyond_the_limit_share_a_row() {
        let evidence = Evidence::new(at(0));
        for index in 0..ENDPOINTS_MAX + 5 {
            evidence.endpoint("GET", &format!("/{index}"));
        }
        assert_eq!(evidence.snapshot(at(0)).endpoints.len(), ENDPOINTS_MAX + 1);
    }

    #[test]
    fn what_happened_is_counted_by_setting() {
        let evidence = Evidence::new(at(0));
        evidence.happened("security.lockout", at(5));
        evidence.happened("security.lockout", at(9));
        let seen = evidence.snapshot(at(10)).settings["security.lockout"];
        assert_eq!((seen.count, seen.last_at), (2, Some(at(9))));
    }
}
