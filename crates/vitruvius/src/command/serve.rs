//! `serve`: makes a document true, and stays true to it: every good save is swapped in, a bad one
//! leaves the last good version serving.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use document::{Compiled, Level, render};
use engine::{
    RefusedSave, Service, Settings, StartError, SystemWorld,
    observability::AccessLogTo,
    server::{Limits, Server, Stopped},
};

use crate::{
    Failure, Outcome,
    documents::{self, Files},
    environment, exposure,
    output::{counted, print, wants_colour},
    watch::Watch,
};

/// How often a file that is gone is looked for before its absence is reported.
const READ_ATTEMPTS_MAX: u32 = 10;
/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;

/// Arguments of `serve`.
#[derive(clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    files: Files,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the database, keys and logs live.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The PostgreSQL database that holds the rows: `postgres://user:password@host:5432/name`. By
    /// default `DATABASE_URL` where the document's variables name it, else SQLite in the data
    /// directory.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A read replica of the database; may be given several times. Nobody misses a write of their
    /// own: such reads go to the primary until the replica has it.
    #[arg(long, value_name = "URL", requires = "database")]
    replica: Vec<String>,
    /// The Redis that several processes on one database share: `redis://user:password@host:6379/0`.
    /// By default `REDIS_URL` where the document names it or Redis, else each process remembers for
    /// itself.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Serve what is sound of a document with errors.
    #[arg(long)]
    partial: bool,
    /// Read the document's variables from this file too; the environment wins.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The address that clients use, for links: `https://api.example.org`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// When a write counts as done.
    #[arg(long, value_enum, default_value_t = Durability::Full)]
    durability: Durability,
    /// Memory in MiB for pages of the SQLite file, over all connections. The operating system keeps
    /// what these do not.
    #[arg(long, value_name = "MIB", default_value_t = store::PAGE_CACHE_BYTES_DEFAULT / MIB)]
    page_cache: u64,
    /// Proxies whose `X-Forwarded-For` is believed; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    trusted_proxy: Vec<std::net::IpAddr>,
    /// Where each answer is logged as a line of JSON: a file, `-` for standard output, or `off`.
    /// By default `access.jsonl` in the data directory.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// Break one enforcement on purpose, to see whether `verify` notices; `list` names them all.
    #[cfg(any(debug_assertions, feature = "sabotage"))]
    #[arg(long, value_name = "NAME", hide = true)]
    sabotage: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Durability {
    /// When it is on disk.
    Full,
    /// When the operating system has it: survives a crash of the process, not of the machine.
    Normal,
}

impl Serve {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        #[cfg(any(debug_assertions, feature = "sabotage"))]
        if self.sabotage.as_deref() == Some("list") {
            return sabotage::list();
        }
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(error.to_string()))?
            .block_on(self.serve())
    }

    async fn serve(self) -> Result<Outcome, Failure> {
        // Watching begins before reading, so that no save falls in between.
        let watch = match self.files.can_be_watched() {
            true => Some(Watch::start(&self.files.files)?),
            false => None,
        };
        let compiled = Arc::new(self.files.compile()?);
        // The address is taken before the data is touched: a second start by mistake changes nothing.
        let server = listening(Server::listen(self.listen, Limits::of_this_process()))?;
        let address = listening(server.address())?;
        let settings = self.settings(address)?;
        let world = Arc::new(SystemWorld);
        let service = match Service::start(compiled.clone(), settings, world).await {
            Ok(service) => service,
            Err(error) => return self.not_started(&compiled, error),
        };
        service.mount(Arc::new(console::Console::new()));
        // Without a link the service still serves; the log says what kept it from being made.
        let link = engine::security::admin_link(&service.inner).await.unwrap_or_default();
        print(&self.greeting(&compiled, address, &service, link.as_deref()))?;
        let follower = watch.map(|watch| {
            let follow = follow(watch, self.files.clone(), service.clone());
            tokio::spawn(follow)
        });
        let stopped = server.serve(service, stop_wanted()).await;
        if let Some(follower) = follower {
            follower.abort();
        }
        match stopped {
            Stopped::Drained => tracing::info!("stopped; everything in flight was answered"),
            Stopped::Cut(open) => {
                tracing::warn!("stopped; {} were cut", counted(open, "open connection"));
            }
        }
        Ok(Outcome::Done)
    }

    fn settings(&self, address: SocketAddr) -> Result<Settings, Failure> {
        let mut settings = Settings::new(&self.data);
        settings.listen = address;
        settings.partial = self.partial;
        settings.database = super::database(self.database.as_deref())?;
        for replica in &self.replica {
            settings.replicas.extend(super::database(Some(replica))?);
        }
        settings.page_cache_bytes = self.page_cache.saturating_mul(MIB);
        settings.redis.clone_from(&self.redis);
        settings.variables = environment::variables(self.env_file.as_deref())?;
        settings.public_url = self.public_url.clone();
        settings.trusted_proxies = self.trusted_proxy.clone();
        #[cfg(any(debug_assertions, feature = "sabotage"))]
        {
            settings.sabotage = sabotage::chosen(self.sabotage.as_deref())?;
        }
        settings.durability = match self.durability {
            Durability::Full => store::Durability::Full,
            Durability::Normal => store::Durability::Normal,
        };
        settings.access_log = match &self.access_log {
            None => AccessLogTo::File(self.data.join("access.jsonl")),
            Some(path) if path.as_os_str() == "-" => AccessLogTo::StandardOutput,
            Some(path) if path.as_os_str() == "off" => AccessLogTo::Off,
            Some(path) => AccessLogTo::File(path.clone()),
        };
        Ok(settings)
    }

    /// Says why nothing is served.
    fn not_started(&self, compiled: &Compiled, error: StartError) -> Result<Outcome, Failure> {
        let names = self.files.names();
        match error {
            StartError::Document => {
                print(&render::terminal(compiled, &compiled.diagnostics, wants_colour()))?;
                let sound = "`--partial` serves what is sound of it";
                print(&format!("{names} has errors and is not served; {sound}\n"))?;
                Ok(Outcome::Findings)
            }
            StartError::Variables { names: missing } => {
                print(&missing_variables(&missing, compiled))?;
                Ok(Outcome::Findings)
            }
            StartError::Blocked(plan) => {
                print(&super::plan::text(&plan, false))?;
                print(&format!("{names} does not fit the data in {}\n", self.data.display()))?;
                Ok(Outcome::Findings)
            }
            other => Err(Failure::new(other.to_string())),
        }
    }

    /// What is served, where, to whom, and on what.
    fn greeting(
        &self,
        compiled: &Compiled,
        address: SocketAddr,
        service: &Service,
        admin_link: Option<&str>,
    ) -> String {
        let origin = format!("http://{address}");
        let mut text = format!(
            "vitruvius {} serves {}: {}, {}\n",
            env!("CARGO_PKG_VERSION"),
            self.files.names(),
            counted(compiled.system.data.tables.len(), "table"),
            counted(compiled.system.api.endpoints.len(), "endpoint"),
        );
        text.push_str(&format!("  address  {origin}\n"));
        text.push_str(&format!("  page     {origin}/\n"));
        text.push_str(&format!(
            "  api      {origin}{}  (docs: {origin}/docs)\n",
            compiled.system.api.base
        ));
        let settings = &service.inner.settings;
        let data = match service.inner.store.place() {
            Some(place) => {
                format!("{place} (PostgreSQL), keys and logs in {}", self.data.display())
            }
            None => format!("{} (SQLite)", self.data.display()),
        };
        text.push_str(&format!("  data     {data}\n"));
        if let Some(redis) = &service.inner.shared.redis {
            let seen = redis.seen();
            let away = seen.away.iter().map(|why| format!(" is away: {why}"));
            text.push_str(&format!("  redis    {}{}\n", seen.place, away.collect::<String>()));
        }
        if settings.partial {
            let (errors, _, _) = render::counts(&compiled.diagnostics);
            let missing = engine::service::missing_variables(compiled, settings);
            text.push_str(&format!("  partial  {} left out\n", counted(errors, "error")));
            if !missing.is_empty() {
                text.push_str(&format!("  missing  variables {}\n", missing.join(", ")));
            }
        }
        for substitution in engine::observability::substitutions(compiled, settings) {
            text.push_str(&format!("  instead  {substitution}\n"));
        }
        let exposure = exposure::text(&compiled.system);
        if !exposure.is_empty() {
            text.push_str(&format!("\nwho can do what (the admin can do everything):\n{exposure}"));
        }
        let not_yet = super::check::not_enforced_yet(compiled);
        if !not_yet.is_empty() {
            text.push_str(&format!("\n{}", not_yet.trim_end()));
            text.push('\n');
        }
        if let Some(link) = admin_link {
            text.push_str(&format!(
                "\nthere is no admin yet; this link makes one, once:\n{link}\n"
            ));
        }
        text.push_str("ready\n");
        text
    }
}

/// Breaking things on purpose, so that `verify` can be tested for noticing.
#[cfg(any(debug_assertions, feature = "sabotage"))]
mod sabotage {
    use engine::sabotage::Sabotage;

    use crate::{Failure, Outcome, output::print};

    /// Prints every breakage: its chapter, its name, what is broken.
    pub(super) fn list() -> Result<Outcome, Failure> {
        for one in Sabotage::ALL {
            print(&format!("{:9}  {:28}  {}\n", one.chapter().word(), one.name(), one.words()))?;
        }
        Ok(Outcome::Done)
    }

    /// The breakage of this name, announced where nobody can miss it.
    pub(super) fn chosen(name: Option<&str>) -> Result<Option<Sabotage>, Failure> {
        let Some(name) = name else { return Ok(None) };
        let Some(chosen) = Sabotage::named(name) else {
            return Err(Failure::new(format!("no sabotage is called `{name}`; `list` names them")));
        };
        eprintln!("SABOTAGED: {name}: {}. This process is for tests.", chosen.words());
        Ok(Some(chosen))
    }
}

fn listening<T>(result: Result<T, StartError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::new(error.to_string()))
}

/// Names each variable, and where the document asks for it.
fn missing_variables(missing: &[String], compiled: &Compiled) -> String {
    let mut text = "required variables are not set:\n".to_owned();
    for variable in &compiled.system.delivery.variables {
        if missing.contains(&variable.name) {
            let place = compiled.sources.location(variable.span);
            let purpose = variable.purpose.as_deref().unwrap_or("");
            text.push_str(&format!("  {}  {place}  {purpose}\n", variable.name));
        }
    }
    text.push_str("set them in the environment, or in a file given with --env-file\n");
    text
}

/// Swaps in every good save; a bad one leaves the last good version serving and says why.
async fn follow(watch: Watch, files: Files, service: Service) {
    let mut known = texts(&service.inner.running.load().compiled);
    loop {
        watch.saved().await;
        let Some(compiled) = read_again(&files).await else { continue };
        let now = texts(&compiled);
        if now == known {
            continue;
        }
        known = now;
        let compiled = Arc::new(compiled);
        match service.replace(compiled.clone()).await {
            Ok(()) => tracing::info!(
                "{} saved and swapped in: {}, {}",
                files.names(),
                counted(compiled.system.data.tables.len(), "table"),
                counted(compiled.system.api.endpoints.len(), "endpoint"),
            ),
            Err(refused) => tracing::warn!("{}", refusal(&files, &refused)),
        }
    }
}

/// Why a save is not served, with what to mend.
fn refusal(files: &Files, refused: &RefusedSave) -> String {
    let names = files.names();
    let compiled = &refused.compiled;
    let why = match &refused.reason {
        StartError::Document => {
            let errors: Vec<_> = compiled
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.level == Level::Error)
                .cloned()
                .collect();
            render::terminal(compiled, &errors, false)
        }
        StartError::Variables { names: missing } => missing_variables(missing, compiled),
        StartError::Blocked(plan) => super::plan::text(plan, false),
        other => format!("{other}\n"),
    };
    format!("{names} was saved but is not served; the version before it serves on\n{why}")
}

/// Reads the files after a save. A file that is just being replaced is waited for.
async fn read_again(files: &Files) -> Option<Compiled> {
    for attempt in 1..=READ_ATTEMPTS_MAX {
        match files.read() {
            // Compiling takes a while for a large document; requests must not wait for it.
            Ok(sources) => {
                let compiling = tokio::task::spawn_blocking(|| documents::compile(sources));
                return compiling.await.ok();
            }
            Err(error) if attempt == READ_ATTEMPTS_MAX => {
                tracing::warn!("{error}; the version before it serves on");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    None
}

fn texts(compiled: &Compiled) -> Vec<String> {
    compiled.sources.files.iter().map(|file| file.text.clone()).collect()
}

/// Done when the process is asked to stop; asked a second time, it stops at once.
async fn stop_wanted() {
    signalled().await;
    tracing::info!("stopping: answering what is in flight");
    tokio::spawn(async {
        signalled().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the system's own take effect: the process just ends.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
