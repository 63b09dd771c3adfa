//! `verify`: proves a document's claims from outside, on a system that it starts on an empty
//! store, or on one that runs already.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::Duration,
};

use ::verify::{AdminAccess, Options, Report, Start, Target};
use document::Compiled;

use crate::{
    Failure, Outcome,
    documents::Files,
    output::{StatusLine, print, wants_colour},
};

/// Longest wait until the system is ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// Longest wait until the system has ended.
const END_MAX: Duration = Duration::from_secs(5);

/// Arguments of `verify`.
#[derive(clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    files: Files,
    /// A system that runs already; without it one is started on an empty store.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// The admin's name at login, for `--target`; the password stands in `VITRUVIUS_ADMIN_PASSWORD`.
    #[arg(long, value_name = "NAME", requires = "target")]
    admin: Option<String>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Write the report to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave the verdicts for the page of the service whose `--data` this is.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Start the system on this empty PostgreSQL database instead of a file.
    #[arg(long, value_name = "URL", conflicts_with = "target")]
    database: Option<String>,
    /// Fail where an enforced claim was not tested.
    #[arg(long)]
    strict: bool,
    /// Measure the targets under load for so many seconds.
    #[arg(long, value_name = "SECONDS")]
    load: Option<u64>,
    /// Arguments for the system that is started, such as `--sabotage=NAME`.
    #[arg(long, value_name = "ARGUMENT", hide = true, allow_hyphen_values = true)]
    serve_with: Vec<String>,
    /// Break one enforcement of the system after the other, and say which of them are caught; some
    /// by name: `--sabotage=forget-unique,admin-open`.
    #[cfg(any(debug_assertions, feature = "sabotage"))]
    #[arg(
        long, value_name = "NAMES", num_args = 0..=1, require_equals = true,
        default_missing_value = "all", conflicts_with = "target", hide = true
    )]
    sabotage: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Terminal,
    /// JSON.
    Json,
    /// JUnit's XML.
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
    /// Markdown that can be committed.
    Markdown,
}

impl Verify {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let compiled = self.files.compile()?;
        #[cfg(any(debug_assertions, feature = "sabotage"))]
        if let Some(names) = &self.sabotage {
            let as_json = self.format == Format::Json;
            return super::sabotage::run(&self.files, &compiled, names, as_json);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let (target, own) = match &self.target {
            Some(origin) => (Target { origin: origin.clone(), admin: self.access()? }, None),
            None => {
                let mut own = Own::start(&self.files, &compiled, &self.arguments())?;
                own.start_behind_https(&self.files, &compiled, &self.serve_with);
                (own.target.clone(), Some(own))
            }
        };
        let options = Options {
            starts: own.as_ref().map(|own: &Own| own.starts.clone()).unwrap_or_default(),
            behind_https: own.as_ref().and_then(|own: &Own| own.behind_https.clone()),
            load_seconds: self.load,
            ..Options::default()
        };
        let status = match self.format {
            Format::Terminal => StatusLine::new(),
            _ => StatusLine::hidden(),
        };
        let progress = |what: &str| status.show(&format!("verifying {what} …"));
        let report = runtime.block_on(::verify::verify(&compiled, target, options, &progress));
        status.clear();
        drop(own);
        let report = report.map_err(|error| Failure::new(error.to_string()))?;
        self.show(&report)?;
        if let Some(directory) = &self.record {
            record(&report, directory)?;
        }
        let tally = report.tally();
        Ok(match (tally.refuted, tally.not_tested) {
            (0, not_tested) if self.strict && not_tested > 0 => Outcome::Untested,
            (0, _) => Outcome::Done,
            _ => Outcome::Findings,
        })
    }

    /// What the system is started with.
    fn arguments(&self) -> Vec<String> {
        let database = self.database.iter().map(|url| format!("--database={url}"));
        self.serve_with.iter().cloned().chain(database).collect()
    }

    /// How an admin of a running system is had.
    fn access(&self) -> Result<AdminAccess, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(token) = variable("VITRUVIUS_ADMIN_TOKEN") {
            return Ok(AdminAccess::Token(token));
        }
        match (&self.admin, variable("VITRUVIUS_ADMIN_PASSWORD")) {
            (Some(login), Some(password)) => {
                Ok(AdminAccess::Login { login: login.clone(), password })
            }
            (Some(_), None) => {
                Err(Failure::new("`--admin` needs the password in VITRUVIUS_ADMIN_PASSWORD"))
            }
            (None, _) => Err(Failure::new(
                "`--target` needs `--admin` and VITRUVIUS_ADMIN_PASSWORD, or VITRUVIUS_ADMIN_TOKEN",
            )),
        }
    }

    fn show(&self, report: &Report) -> Result<(), Failure> {
        let has_colour = self.output.is_none() && wants_colour();
        let text = report.write(match self.format {
            Format::Terminal => ::verify::Format::Terminal(has_colour),
            Format::Json => ::verify::Format::Json,
            Format::Junit => ::verify::Format::Junit,
            Format::Github => ::verify::Format::Github,
            Format::Markdown => ::verify::Format::Markdown,
        });
        match &self.output {
            Some(path) => std::fs::write(path, text)
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display()))),
            None => print(&text),
        }
    }
}

/// Leaves the report where a running service looks for it: whole, or not at all.
fn record(report: &Report, directory: &Path) -> Result<(), Failure> {
    let path = directory.join(engine::observability::PROOFS_FILE);
    let aside = path.with_extension("new");
    std::fs::write(&aside, report.write(::verify::Format::Json))
        .and_then(|()| std::fs::rename(&aside, &path))
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// A system of this run: started on an empty store, and gone with it.
pub(super) struct Own {
    child: Child,
    directory: PathBuf,
    /// Where it is.
    pub(super) target: Target,
    starts: Vec<Start>,
    /// Where it is as clients meet it over HTTPS.
    pub(super) behind_https: Option<String>,
    beside: Option<Child>,
}

impl Own {
    /// Starts it, with further arguments for `serve`.
    pub(super) fn start(
        files: &Files,
        compiled: &Compiled,
        arguments: &[String],
    ) -> Result<Self, Failure> {
        let directory = empty_directory()?;
        let needed = needed(compiled);
        let started = Self::spawn(files, compiled, arguments, &directory, &needed);
        let mut child = match started {
            Ok(child) => child,
            Err(failure) => {
                let _ = std::fs::remove_dir_all(&directory);
                return Err(failure);
            }
        };
        // From here on the child and its directory go with `own`, whatever happens.
        let stdout = child.stdout.take();
        let target = Target { origin: String::new(), admin: AdminAccess::Nobody };
        let (starts, behind_https, beside) = (Vec::new(), None, None);
        let mut own = Self { child, directory, target, starts, behind_https, beside };
        let greeting = greeting(stdout)?;
        let origin = address(&greeting).ok_or_else(|| Failure::new("it names no address"))?;
        let link = greeting.lines().find(|line| line.contains("?token=")).map(str::trim);
        let admin = link.map_or(AdminAccess::Nobody, |link| AdminAccess::Link(link.to_owned()));
        own.target = Target { origin: origin.to_owned(), admin };
        own.starts = own.starts_without(files, compiled, &needed);
        Ok(own)
    }

    /// Starts the same system once more, as it is behind a proxy that clients reach over HTTPS: what
    /// it promises such clients is seen there alone. Where it does not start, nothing is said of it.
    pub(super) fn start_behind_https(
        &mut self,
        files: &Files,
        compiled: &Compiled,
        arguments: &[String],
    ) {
        let directory = self.directory.join("https");
        let mut arguments = arguments.to_vec();
        arguments.push("--public-url=https://verify.example".to_owned());
        let made = std::fs::create_dir(&directory).ok();
        let needed = needed(compiled);
        let started =
            made.and_then(|()| Self::spawn(files, compiled, &arguments, &directory, &needed).ok());
        let Some(mut child) = started else { return };
        let stdout = child.stdout.take();
        self.beside = Some(child);
        self.behind_https =
            greeting(stdout).ok().and_then(|text| address(&text).map(str::to_owned));
    }

    /// What a start shows without each of the document's variables: this one had none of those
    /// that nobody set and that are not needed; another is tried without any.
    fn starts_without(
        &self,
        files: &Files,
        compiled: &Compiled,
        needed: &[(String, String)],
    ) -> Vec<Start> {
        let is_set = |name: &str| std::env::var_os(name).is_some();
        let is_needed = |name: &str| needed.iter().any(|(needed, _)| needed == name);
        let variables = compiled.system.delivery.variables.iter().map(|variable| &variable.name);
        let mut starts: Vec<Start> = variables
            .filter(|name| !is_set(name) && !is_needed(name))
            .map(|name| Start { variable: name.clone(), was_asked_for: false })
            .collect();
        if needed.is_empty() {
            return starts;
        }
        let directory = self.directory.join("bare");
        let made = std::fs::create_dir(&directory).ok();
        let bare = made.and_then(|()| Self::spawn(files, compiled, &[], &directory, &[]).ok());
        let Some(mut bare) = bare else { return starts };
        let (sender, receiver) = mpsc::channel();
        let Some(stdout) = bare.stdout.take() else { return starts };
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut said = Vec::new();
        while let Ok(line) = receiver.recv_timeout(READY_MAX) {
            let is_ready = line == "ready";
            said.push(line);
            if is_ready {
                break;
            }
        }
        let has_started = said.iter().any(|line| line == "ready");
        let _ = bare.kill();
        let _ = bare.wait();
        starts.extend(needed.iter().map(|(name, _)| Start {
            variable: name.clone(),
            was_asked_for: !has_started && said.iter().any(|line| line.contains(name)),
        }));
        starts
    }

    fn spawn(
        files: &Files,
        compiled: &Compiled,
        arguments: &[String],
        directory: &Path,
        variables: &[(String, String)],
    ) -> Result<Child, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("cannot start: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("serve");
        for (place, path) in files.files.iter().enumerate() {
            if path.as_os_str() == "-" {
                // The document was read from there already; the system gets a copy.
                let copy = directory.join(format!("document-{place}.md"));
                let text = compiled.sources.files.get(place).map_or("", |file| &file.text);
                std::fs::write(&copy, text).map_err(failed)?;
                command.arg(copy);
            } else {
                command.arg(path);
            }
        }
        command.args(["--listen", "127.0.0.1:0", "--durability", "normal", "--access-log", "off"]);
        command.arg("--data").arg(directory.join("data")).args(arguments);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        if std::env::var_os("VITRUVIUS_LOG").is_none() {
            command.env("VITRUVIUS_LOG", "error");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command.spawn().map_err(failed)
    }

    /// Waits for the child's end for a while.
    fn ended(&mut self) -> Option<ExitStatus> {
        let started = std::time::Instant::now();
        while started.elapsed() < END_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(beside) = &mut self.beside {
            let _ = beside.kill();
            let _ = beside.wait();
        }
        let _ = self.child.kill();
        let _ = self.ended();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// What the system says until it is ready.
fn greeting(stdout: Option<ChildStdout>) -> Result<String, Failure> {
    let stdout = stdout.ok_or_else(|| Failure::new("the system has no standard output"))?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut greeting = String::new();
    loop {
        match receiver.recv_timeout(READY_MAX) {
            Ok(line) if line == "ready" => return Ok(greeting),
            Ok(line) => greeting = greeting + &line + "\n",
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(Failure::new("the system is not ready in time"));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                eprint!("{greeting}");
                return Err(Failure::new("the document is not served, so nothing is verified"));
            }
        }
    }
}

/// Where a system says that it is.
fn address(greeting: &str) -> Option<&str> {
    greeting.lines().find_map(|line| line.trim().strip_prefix("address")).map(str::trim)
}

/// Variables that the document needs and nobody set, with a value for each: what the document asks
/// of its surroundings is nothing that is tried here.
fn needed(compiled: &Compiled) -> Vec<(String, String)> {
    let variables = compiled.system.delivery.variables.iter();
    variables
        .filter(|variable| variable.required && variable.default.is_none())
        .filter(|variable| std::env::var_os(&variable.name).is_none())
        .map(|variable| {
            let value = variable.example.as_deref().filter(|value| !value.is_empty());
            (variable.name.clone(), value.unwrap_or("verify").to_owned())
        })
        .collect()
}

fn empty_directory() -> Result<PathBuf, Failure> {
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = moment.map_or(0, |since| since.subsec_nanos());
    let name = format!("vitruvius-verify-{}-{nanos}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", directory.display())))?;
    Ok(directory)
}
