//! The service: the store, the version that is served, identity and evidence. Starts, answers
//! requests, and swaps in a new version without dropping one.

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use document::Compiled;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::{
    Store,
    plan::{Class, Plan},
};
use tokio::sync::{Mutex, Notify, watch};

use crate::{
    Running, Settings, World,
    data::cache::{Cache, Together, WatchedStore},
    observability::{AccessLog, Evidence, Readiness, watch_proofs, watch_tables},
    pages::Pages,
    shared::{
        Notice, Shared, listen,
        order::{self, Fingerprint},
    },
};

/// Longest time that a change of tables waits for requests in flight, in milliseconds.
const QUIET_MS_MAX: u64 = 5_000;
/// What helps where the data directory cannot be written.
const ELSEWHERE: &str = "let this user write there, or give another with `--data`";
/// The file in a data directory that a service holds for as long as it runs.
pub const LOCK_FILE: &str = "lock";
/// How often a document is planned at the start where another process stands in the way.
const APPLY_ATTEMPTS_MAX: u32 = 4;
const APPLY_PAUSE: Duration = Duration::from_millis(300);
/// How often the lock on the data is tried, and how long each time is waited.
const LOCK_ATTEMPTS_MAX: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// Why a service does not start, or a new version is not swapped in.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The document has errors and `--partial` was not asked for.
    #[error("the document has errors")]
    Document,
    /// A variable that the document requires is missing.
    #[error("required variables are missing: {}", names.join(", "))]
    Variables {
        /// Their names.
        names: Vec<String>,
    },
    /// The plan has steps that need a sentence in the document.
    #[error("the data does not fit the document yet")]
    Blocked(Plan),
    /// The document was applied before and replaced since, and others serve its successor.
    #[error(
        "the tables of this document were applied at {applied} and have been replaced since; \
         {others} other processes on the database serve their successor. Serving it would take \
         those changes back: give this process the later document, or stop the others first"
    )]
    Older {
        /// When it was applied last, in words.
        applied: String,
        /// Processes that serve something else.
        others: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Files or sockets.
    #[error("{0}")]
    Machine(String),
}

/// A running service. A handle: cloning it is cheap.
#[derive(Clone)]
pub struct Service {
    /// Shared by all clones.
    pub inner: Arc<Inner>,
}

/// What all parts of the engine share.
pub struct Inner {
    /// The operator's settings.
    pub settings: Settings,
    /// Time and randomness.
    pub world: Arc<dyn World>,
    /// Rows, with every write noticed by what is kept.
    pub store: WatchedStore,
    /// What is kept of answers is told of writes by this.
    pub(crate) cache: Arc<Cache>,
    /// The version that is served.
    pub running: ArcSwap<Running>,
    /// Keys, tokens, limits.
    pub security: crate::security::State,
    /// Ways to the other processes on the database.
    pub shared: Shared,
    /// What was observed.
    pub evidence: Evidence,
    /// Whether the store answered when it was last asked for a probe.
    pub(crate) readiness: Readiness,
    /// One line per answer, where it is wanted.
    pub access_log: Option<AccessLog>,
    /// The last save that could not be served, until a good one follows.
    pub refused: ArcSwapOption<RefusedSave>,
    /// Counts swaps and refused saves; pages wait on it to push news.
    pub changes: watch::Sender<u64>,
    /// What answers at `/` and below `/_/`, once mounted.
    pub pages: OnceLock<Arc<dyn Pages>>,
    /// Holds requests back while tables change under them.
    gate: Gate,
    /// One replacement at a time.
    replacing: Mutex<()>,
    /// Held for as long as the service lives.
    _lock: File,
}

/// Holds new requests back while a plan runs that changes more than it adds, so that every request
/// meets the tables of its own version. Open, it costs one load.
#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    opened: Notify,
}

impl Gate {
    /// Waits until the gate is open.
    async fn wait(&self) {
        let opened = self.opened.notified();
        if self.closed.load(SeqCst) {
            opened.await;
        }
    }
}

/// A request that is being answered, until dropped.
pub(crate) struct InFlight<'a> {
    inner: &'a Inner,
    place: usize,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.inner.evidence.in_flight.leave(self.place);
    }
}

/// Opens the gate when dropped, whatever happened in between.
struct Closed<'a>(&'a Gate);

impl<'a> Closed<'a> {
    fn of(gate: &'a Gate) -> Self {
        gate.closed.store(true, SeqCst);
        Self(gate)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.closed.store(false, SeqCst);
        self.0.opened.notify_waiters();
    }
}

/// A save that could not be served: the version before it serves on.
#[derive(Debug)]
pub struct RefusedSave {
    /// When it was tried.
    pub at: Timestamp,
    /// Why it was refused.
    pub reason: StartError,
    /// What it said; its diagnostics and text are shown on the page.
    pub compiled: Arc<Compiled>,
}

impl Service {
    /// Opens the store, applies what is safe of the plan and prepares the document.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        compiled: Arc<Compiled>,
        settings: Settings,
        world: Arc<dyn World>,
    ) -> Result<Self, StartError> {
        #[cfg(any(debug_assertions, feature = "sabotage"))]
        settings.sabotage.into_iter().for_each(crate::sabotage::choose);
        may_be_served(&compiled, &settings)?;
        let lock = take(&settings.data_directory).await?;
        let store = crate::database::open(&settings, &compiled).await?;
        let (own, has_changed) = apply(&store, &compiled, &*world).await?;
        let shared = Shared::open(&settings, &compiled, &store, &world).await?;
        shared.set_mark(own.mark());
        let evidence = Evidence::new(world.now());
        let access_log = AccessLog::open(&settings.access_log)
            .map_err(|error| StartError::Machine(format!("cannot open the access log: {error}")))?;
        let cache = Arc::new(Cache::default());
        if let (Some(redis), Some(_)) = (&shared.redis, store.place()) {
            let (redis, name) = (Arc::clone(redis), world.uuid().to_string());
            cache.join(Together::new(redis, name, !settings.replicas.is_empty()));
        }
        let running = Running::prepare(compiled, &settings, &evidence, &cache, world.now());
        cache.install(Arc::clone(&running.cached.reach));
        let store = WatchedStore::new(store, Arc::clone(&cache), shared.notices.clone());
        let inner = Arc::new(Inner {
            settings,
            world,
            store,
            cache,
            running: ArcSwap::from_pointee(running),
            security: crate::security::State::default(),
            shared,
            evidence,
            readiness: Readiness::default(),
            access_log,
            refused: ArcSwapOption::empty(),
            changes: watch::Sender::new(0),
            pages: OnceLock::new(),
            gate: Gate::default(),
            replacing: Mutex::new(()),
            _lock: lock,
        });
        prepare_security(&inner, &inner.running.load_full()).await?;
        listen(&inner, own.mark());
        if has_changed {
            inner.shared.tell(Notice::Document(own.mark())).await;
        }
        watch_window(Arc::downgrade(&inner));
        watch_tables(Arc::downgrade(&inner));
        watch_proofs(Arc::downgrade(&inner));
        crate::data::cache::warm(Arc::downgrade(&inner));
        Ok(Self { inner })
    }

    /// Plans the new version, applies what is safe and swaps it in. Requests in flight finish on
    /// the version that they began with.
    ///
    /// # Errors
    /// What was refused and why; the version before it serves on.
    pub async fn replace(&self, compiled: Arc<Compiled>) -> Result<(), Arc<RefusedSave>> {
        let inner = &*self.inner;
        let _one_at_a_time = inner.replacing.lock().await;
        let result = match self.try_replace(&compiled).await {
            Ok(()) => {
                inner.refused.store(None);
                crate::data::cache::warm(Arc::downgrade(&self.inner));
                Ok(())
            }
            Err(reason) => {
                let at = inner.world.now();
                let refused = Arc::new(RefusedSave { at, reason, compiled });
                inner.refused.store(Some(refused.clone()));
                Err(refused)
            }
        };
        inner.changes.send_modify(|count| *count += 1);
        result
    }

    async fn try_replace(&self, compiled: &Arc<Compiled>) -> Result<(), StartError> {
        let inner = &*self.inner;
        may_be_served(compiled, &inner.settings)?;
        let schema = crate::data::schema(compiled);
        let plan = inner.store.plan(&schema).await?;
        if plan.is_blocked() {
            return Err(StartError::Blocked(plan));
        }
        let (settings, evidence, cache) = (&inner.settings, &inner.evidence, &*inner.cache);
        let running =
            Running::prepare(compiled.clone(), settings, evidence, cache, inner.world.now());
        prepare_security(inner, &running).await?;
        // What only adds cannot disturb the old version. Anything else waits until nobody uses it.
        let only_adds =
            plan.steps.iter().all(|step| matches!(step.class, Class::Safe | Class::NotServed));
        let _closed = (!only_adds).then(|| Closed::of(&inner.gate));
        if !only_adds {
            inner.quiet().await;
        }
        inner.store.apply(&plan, &schema, &hash_of(compiled)).await?;
        // Writes of either version reach what the new one keeps before anything is kept.
        cache.install(Arc::clone(&running.cached.reach));
        inner.running.store(Arc::new(running));
        self.tell_others(&plan, &Fingerprint::of(&schema)).await;
        Ok(())
    }

    /// Says to the other processes what this one serves now. What fails of that is no fault of the
    /// document: it is served already.
    async fn tell_others(&self, plan: &Plan, own: &Fingerprint) {
        let inner = &*self.inner;
        inner.shared.set_mark(own.mark());
        if let Err(error) = order::remember(&inner.store, own, &*inner.world).await {
            tracing::warn!(%error, "it could not be written down which document was applied");
        }
        if let Err(error) = inner.store.mark(own.mark()).await {
            tracing::warn!(%error, "the other processes do not see yet what this one serves");
        }
        if !plan.is_empty() {
            inner.shared.tell(Notice::Document(own.mark())).await;
        }
    }

    /// Lets `pages` answer at `/` and below `/_/`. The first mount counts.
    pub fn mount(&self, pages: Arc<dyn Pages>) {
        let _ = self.inner.pages.set(pages);
    }
}

impl Inner {
    /// Counts a request as being answered, once the gate is open. It counts before it looks at the
    /// gate: whoever closes the gate and then sees no request may be sure that none slipped in.
    pub(crate) async fn enter(&self) -> InFlight<'_> {
        loop {
            let in_flight = InFlight { inner: self, place: self.evidence.in_flight.enter() };
            if !self.gate.closed.load(SeqCst) {
                return in_flight;
            }
            drop(in_flight);
            self.gate.wait().await;
        }
    }

    /// Waits until no request is being answered, for a while.
    async fn quiet(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(QUIET_MS_MAX);
        while self.evidence.is_busy() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Plans and applies a document at the start. Another process may just be doing the same, or something
/// else: then it is planned again. Says what was applied, and whether that changed anything.
async fn apply(
    store: &Store,
    compiled: &Compiled,
    world: &dyn World,
) -> Result<(Fingerprint, bool), StartError> {
    let schema = crate::data::schema(compiled);
    let own = Fingerprint::of(&schema);
    let mut attempt = 1;
    loop {
        // Who is alone has nobody to wait for.
        let is_last = attempt == APPLY_ATTEMPTS_MAX || store.place().is_none();
        let plan = store.plan(&schema).await?;
        if plan.is_blocked() && is_last {
            return Err(StartError::Blocked(plan));
        }
        order::refuse_older(store, &plan, &own).await?;
        if !plan.is_blocked() {
            match store.apply(&plan, &schema, &hash_of(compiled)).await {
                Ok(()) => {
                    order::remember(store, &own, world).await?;
                    return Ok((own, !plan.is_empty()));
                }
                Err(error) if is_last => return Err(error.into()),
                Err(error) => tracing::info!(%error, "planning again"),
            }
        }
        tokio::time::sleep(APPLY_PAUSE).await;
        attempt += 1;
    }
}

/// What would have to be done to the store for a document.
///
/// # Errors
/// [`StartError::Store`].
pub async fn plan_of(store: &Store, compiled: &Compiled) -> Result<Plan, StartError> {
    Ok(store.plan(&crate::data::schema(compiled)).await?)
}

/// Makes the key for tokens before the first request needs it.
async fn prepare_security(inner: &Inner, running: &Running) -> Result<(), StartError> {
    crate::security::prepare(inner, running)
        .await
        .map_err(|problem| StartError::Machine(format!("the key for tokens: {}", problem.message)))
}

/// Errors and missing variables stop a document, unless its sound part is asked for.
fn may_be_served(compiled: &Compiled, settings: &Settings) -> Result<(), StartError> {
    if settings.partial {
        return Ok(());
    }
    if !compiled.is_sound() {
        return Err(StartError::Document);
    }
    match missing_variables(compiled, settings) {
        names if names.is_empty() => Ok(()),
        names => Err(StartError::Variables { names }),
    }
}

/// Variables that the document requires, has no default for, and that nobody set.
pub fn missing_variables(compiled: &Compiled, settings: &Settings) -> Vec<String> {
    let variables = compiled.system.delivery.variables.iter();
    let missing = variables.filter(|variable| {
        variable.required
            && variable.default.is_none()
            && settings.variables.get(&variable.name).is_none_or(String::is_empty)
    });
    missing.map(|variable| variable.name.clone()).collect()
}

/// Rows, keys and logs are nobody else's business.
fn create_private_directory(path: &Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| {
        let path = path.display();
        StartError::Machine(format!("cannot create the directory {path}: {error}; {ELSEWHERE}"))
    })
}

/// Takes a data directory for oneself until the file is dropped; makes it where it is not there.
///
/// # Errors
/// [`StartError::Machine`] where it cannot be made, or another process has it.
pub async fn take(directory: &Path) -> Result<File, StartError> {
    create_private_directory(directory)?;
    lock(directory).await
}

/// Two services on the same rows would each plan and cache as if they were alone.
async fn lock(directory: &Path) -> Result<File, StartError> {
    let path = directory.join(LOCK_FILE);
    let file = File::create(&path).map_err(|error| {
        StartError::Machine(format!("cannot write {}: {error}; {ELSEWHERE}", path.display()))
    })?;
    // A service that is just stopping may hold it for another moment.
    for _ in 0..LOCK_ATTEMPTS_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_WAIT).await,
            // A file system that knows no locks must not stop the service.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    let shown = directory.display();
    Err(StartError::Machine(format!("another service is using the data in {shown}")))
}

/// Identifies the text of a document, in the history of the store and to people.
pub fn hash_of(compiled: &Compiled) -> String {
    let mut hash = Sha256::new();
    for file in &compiled.sources.files {
        hash.update(file.text.len().to_be_bytes());
        hash.update(file.text.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Turns the sliding window of evidence for as long as the service lives.
fn watch_window(inner: Weak<Inner>) {
    tokio::spawn(async move {
        let slice = Duration::from_secs(crate::observability::SLICE_SECONDS);
        loop {
            tokio::time::sleep(slice).await;
            let Some(inner) = inner.upgrade() else { break };
            inner.evidence.turn(inner.world.now());
        }
    });
}
