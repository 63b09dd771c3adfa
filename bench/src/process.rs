//! What processes take: time on processors and memory, as Linux counts it under `/proc`.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::Failure;

/// Ticks per second of `/proc/PID/stat` on Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// A server's process. One that the bench started ends with this value.
pub(crate) enum Process {
    /// Started here.
    Own(Child),
    /// Running already, known by its number.
    Other(u32),
}

impl Process {
    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        match self {
            Self::Own(child) => child.id(),
            Self::Other(id) => *id,
        }
    }

    /// Starts a server whose words nobody reads.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, Failure> {
        let log = fs::File::create(log)?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self::Own(child))
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let id = self.id().to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status()?;
        if let Self::Own(child) = &mut self {
            child.wait()?;
        }
        Ok(())
    }

    /// Whether it is gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self {
            Self::Own(child) => child.try_wait().is_ok_and(|status| status.is_some()),
            Self::Other(_) => false,
        }
    }

    /// Seconds on processors since its start, with all processes that it started.
    pub(crate) fn processor_seconds(&self) -> f64 {
        seconds_of_tree(self.id())
    }

    /// Memory that it holds now, and held at most, in MiB.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let [now, most] = self.status_mib(["VmRSS:", "VmHWM:"]);
        (now, most)
    }

    /// Memory of its own that it holds now, and pages of files (its program, the index of a log) that
    /// are counted as its but can be had back, in MiB.
    pub(crate) fn own_and_files_mib(&self) -> (f64, f64) {
        let [own, files, shared] = self.status_mib(["RssAnon:", "RssFile:", "RssShmem:"]);
        (own, files + shared)
    }

    /// Sizes that Linux counts, in MiB.
    fn status_mib<const N: usize>(&self, names: [&str; N]) -> [f64; N] {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next())
                .and_then(|number| number.parse::<f64>().ok())
                .unwrap_or(0.0)
                / 1024.0
        };
        names.map(field)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Own(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Seconds that all processes but this one were on processors, since the machine started.
pub(crate) fn others_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    // user, nice, system, and interrupts; idle and waiting for disks stand between.
    let busy: f64 = [0, 1, 2, 5, 6].iter().filter_map(|place| numbers.get(*place)).sum();
    busy / TICKS - seconds_of("/proc/self/stat")
}

fn seconds_of(path: &str) -> f64 {
    let stat = fs::read_to_string(path).unwrap_or_default();
    (number_of(&stat, 11) + number_of(&stat, 12)) / TICKS
}

/// A process, its children that run, and those that it has waited for.
fn seconds_of_tree(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let own: f64 = (11..=14).map(|place| number_of(&stat, place)).sum();
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let children: Vec<String> = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .collect();
    let children = children.iter().flat_map(|line| line.split_whitespace());
    own / TICKS + children.filter_map(|id| id.parse().ok()).map(seconds_of_tree).sum::<f64>()
}

/// A number of `/proc/PID/stat`, counted from the state of the process.
fn number_of(stat: &str, place: usize) -> f64 {
    // The name of the command stands in parentheses and may hold spaces.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let number = rest.split_whitespace().nth(place).and_then(|number| number.parse().ok());
    number.unwrap_or(0.0)
}
