//! The one writer: a thread that commits together what is queued together.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Shared, checkpoint::Checkpoints, connection, fault, probe, write};
use crate::{
    StoreError,
    catalog::Catalog,
    query::{Outcome, Step},
};

/// Requests in one commit, at most.
const GROUP_MAX: usize = 256;
/// While nothing is written, snapshots that nobody reads from are let go of so often.
const IDLE_EVERY: Duration = Duration::from_millis(250);

/// What the writer is asked.
pub(super) enum Job {
    /// Steps of one request.
    Write { steps: Vec<Step>, reply: Reply<Vec<Outcome>> },
    /// Something that needs the connection for itself, outside of any transaction.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
type Request = (Vec<Step>, Reply<Vec<Outcome>>);
type Answer = Result<Vec<Outcome>, StoreError>;

/// The writer's queue and thread.
pub(super) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(mut connection: Connection, shared: Arc<Shared>) -> std::io::Result<Self> {
        let checkpoints = Checkpoints::of(&mut connection).map_err(std::io::Error::other)?;
        let (queue, waiting) = sync_channel(shared.options.queue_max.max(1));
        let thread = thread::Builder::new()
            .name("store writer".to_owned())
            .spawn(move || serve(connection, &checkpoints, &shared, &waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a job.
    pub(super) fn send(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(super::gone)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => super::gone(),
        })
    }
}

impl Drop for Writer {
    /// What is queued is still written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut connection: Connection,
    checkpoints: &Checkpoints,
    shared: &Shared,
    waiting: &Receiver<Job>,
) {
    let mut group: Vec<Request> = Vec::with_capacity(GROUP_MAX);
    loop {
        let job = match waiting.recv_timeout(IDLE_EVERY) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                shared.snapshots.let_go_of_idle();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let _writing = shared.snapshots.write();
        let mut alone = None;
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Write { steps, reply } => group.push((steps, reply)),
                Job::Alone(work) => {
                    alone = Some(work);
                    break;
                }
            }
            next = if group.len() < GROUP_MAX { waiting.try_recv().ok() } else { None };
        }
        if !group.is_empty() {
            commit_group(&connection, &shared.catalog(), std::mem::take(&mut group));
        }
        if let Some(work) = alone {
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut connection)));
            if result.is_err() {
                tracing::error!("a change of the schema panicked");
            }
            give_up(&connection);
        }
        checkpoints.after_commit(&connection);
    }
    let _writing = shared.snapshots.write();
    checkpoints.last(&connection);
}

/// Writes a group and answers after its commit. Where the group as a whole fails, each request is
/// tried alone, so that an error stays with the request that caused it.
fn commit_group(connection: &Connection, catalog: &Catalog, group: Vec<Request>) {
    match run_group(connection, catalog, &group) {
        Ok(answers) => {
            for ((_, reply), answer) in group.into_iter().zip(answers) {
                let _ = reply.send(answer);
            }
        }
        Err(GroupFault::NotBegun(error)) => {
            // Each alone would wait as long again for whoever holds the file.
            let why = error.to_string();
            let why = why.strip_prefix("the store is unavailable: ").unwrap_or(&why);
            for (_, reply) in group {
                let _ = reply.send(Err(StoreError::Unavailable(why.to_owned())));
            }
        }
        Err(GroupFault::Lost(_)) if group.len() > 1 => {
            for (steps, reply) in group {
                let alone = run_alone(connection, catalog, &steps);
                let _ = reply.send(alone);
            }
        }
        Err(GroupFault::Lost(error)) => {
            if let Some((_, reply)) = group.into_iter().next() {
                let _ = reply.send(Err(error));
            }
        }
    }
}

fn run_alone(connection: &Connection, catalog: &Catalog, steps: &[Step]) -> Answer {
    let (reply, _) = oneshot::channel();
    let group = [(steps.to_vec(), reply)];
    match run_group(connection, catalog, &group) {
        Ok(answers) => answers.into_iter().next().unwrap_or_else(|| Err(super::gone())),
        Err(GroupFault::NotBegun(error) | GroupFault::Lost(error)) => Err(error),
    }
}

/// Why nothing of a group is written.
enum GroupFault {
    /// The transaction could not begin.
    NotBegun(StoreError),
    /// The transaction was lost, by one of its requests or at the commit.
    Lost(StoreError),
}

/// All answers of a group that is committed, or the error for which nothing of it is.
fn run_group(
    connection: &Connection,
    catalog: &Catalog,
    group: &[Request],
) -> Result<Vec<Answer>, GroupFault> {
    let execute = |sql: &str| {
        connection::execute(connection, sql).map_err(|error| fault::explain(error, catalog))
    };
    execute("BEGIN IMMEDIATE").map_err(GroupFault::NotBegun)?;
    let mut answers = Vec::with_capacity(group.len());
    for (steps, _) in group {
        let answer = catch_unwind(AssertUnwindSafe(|| write::run(connection, catalog, steps)));
        match answer {
            Ok(answer) => answers.push(answer),
            Err(_) => {
                give_up(connection);
                return Err(GroupFault::Lost(StoreError::Fault("a write panicked".to_owned())));
            }
        }
        // A full disk takes the whole transaction away, not just the statement.
        if connection.is_autocommit() {
            return Err(GroupFault::Lost(lost(answers)));
        }
    }
    if let Err(mut error) = execute("COMMIT") {
        // A key that waited for the commit: alone in its group, its request can be asked which.
        if let [(steps, _)] = group {
            error = probe::deferred_key(connection, catalog, steps, error);
        }
        give_up(connection);
        return Err(GroupFault::Lost(error));
    }
    Ok(answers)
}

fn lost(answers: Vec<Answer>) -> StoreError {
    let last = answers.into_iter().next_back();
    last.and_then(Result::err)
        .unwrap_or_else(|| StoreError::Unavailable("the transaction was lost".to_owned()))
}

/// Leaves the connection without a transaction, whatever happened.
fn give_up(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction cannot be rolled back");
    }
}
