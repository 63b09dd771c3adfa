//! The writers: each commits together what is queued together. Where one request of a group
//! fails, the group is rolled back, those before it are written again, and the rest follows. Groups
//! that add rows to the same columns are one statement each, and follow one another without
//! waiting for the answer.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Shared, fault,
    many::{self, Many},
    pool::Link,
    write::{self, Failure, Prepared},
};
use crate::{
    Durability, StoreError,
    catalog::Catalog,
    query::{Outcome, Rows, Step},
};

/// Requests in one commit, at most.
const GROUP_MAX: usize = 256;
/// Writers, each for tables of its own.
const LANES: usize = 2;
/// Statements for many rows that a writer keeps.
const KEPT_MAX: usize = 16;
/// How long it holds what a table looked like: somebody else may give it a trigger.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a group that met a deadlock or a stale plan is tried.
const ATTEMPTS_MAX: usize = 4;

type Answer = Result<Vec<Outcome>, StoreError>;

struct Request {
    steps: Vec<Step>,
    reply: oneshot::Sender<Answer>,
}

/// When a group is sent while others are on their way.
#[derive(Clone, Copy)]
struct Pace {
    /// Groups on their way at the same time.
    on_way_max: usize,
    /// Requests that have to wait: groups of fewer cost more for each row than waiting for their turn.
    crowd_min: usize,
}

impl Pace {
    /// While PostgreSQL waits for the disk there is time to read the next groups. Where it does not
    /// wait, larger ones cost less.
    const fn of(durability: Durability) -> Self {
        match durability {
            Durability::Full => Self { on_way_max: 3, crowd_min: 8 },
            Durability::Normal => Self { on_way_max: 2, crowd_min: 24 },
        }
    }
}

/// The writers' queues.
pub(super) struct Writers {
    queues: Vec<Queue>,
    pace: Pace,
}

/// What waits for one writer.
struct Queue {
    requests: mpsc::Sender<Request>,
    /// Told where so many wait that they need not wait for the group before them.
    crowd: Arc<Notify>,
}

impl Writers {
    /// Starts the writers; they end when this is dropped and their queues are empty.
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let pace = Pace::of(shared.options.durability);
        let queues = (0..LANES).map(|_| {
            let (requests, waiting) = mpsc::channel(shared.options.queue_max.max(1));
            let crowd = Arc::new(Notify::new());
            let lane = Lane {
                shared: Arc::downgrade(shared),
                waiting,
                crowd: Arc::clone(&crowd),
                pace,
                link: None,
                kept: Vec::new(),
            };
            tokio::spawn(lane.serve());
            Queue { requests, crowd }
        });
        Self { queues: queues.collect(), pace }
    }

    /// Queues a request and waits for its commit.
    pub(super) async fn write(&self, catalog: &Catalog, steps: Vec<Step>) -> Answer {
        let (reply, answer) = oneshot::channel();
        let lane = lane_of(catalog, &steps);
        let Queue { requests, crowd } = self.queues.get(lane).ok_or_else(super::gone)?;
        requests.try_send(Request { steps, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => super::gone(),
        })?;
        if self.pace.crowd_min <= requests.max_capacity() - requests.capacity() {
            crowd.notify_one();
        }
        answer.await.map_err(|_| super::gone())?
    }
}

/// Which of the writers takes it. What may meet in the same rows goes through one of them: two would
/// wait for each other, for a second where they do so crosswise. A row that refers to another goes
/// where that table is written, since PostgreSQL has to keep a list of those who hold one row together.
fn lane_of(catalog: &Catalog, steps: &[Step]) -> usize {
    let writes = steps.iter().find(|step| !matches!(step, Step::Require { .. }));
    let Some(step) = writes.or_else(|| steps.first()) else { return 0 };
    let (Step::Insert { table, .. }
    | Step::Update { table, .. }
    | Step::Delete { table, .. }
    | Step::Require { table, .. }) = step;
    let is_alone = matches!(step, Step::Insert { .. }) && steps.len() == 1;
    let entry = catalog.table(table).filter(|_| is_alone);
    let table = match entry.and_then(|entry| entry.foreign_keys.first()) {
        Some(key) => key.table.as_str(),
        None => &**table,
    };
    let hash = table
        .bytes()
        .fold(7, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    hash % LANES
}

/// One writer and its connection.
struct Lane {
    shared: Weak<Shared>,
    waiting: mpsc::Receiver<Request>,
    crowd: Arc<Notify>,
    pace: Pace,
    link: Option<Arc<Link>>,
    /// Statements of this connection for rows of many requests, the one that was used last behind.
    kept: Vec<Kept>,
}

/// A statement for rows of many requests, and when its table was looked at last.
struct Kept {
    many: Arc<Many>,
    looked_at: Instant,
}

/// Why a group was not written.
enum GroupFault {
    /// One of its requests failed; those before it did not.
    Request { at: usize, error: StoreError },
    /// The commit failed: nobody knows for which request.
    Somebody(StoreError),
    /// Others stood in the way, and no longer do.
    Passing(StoreError),
    /// The connection was lost before the commit was sent.
    Lost(StoreError),
    /// The connection was lost at the commit: whether it was written is not known.
    Unknown(StoreError),
}

impl Lane {
    async fn serve(mut self) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while !group.is_empty() || self.waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            let places = shared.served().places;
            let _writing = places.write();
            let whole = std::mem::take(&mut group);
            match self.statement_for(&shared, &whole).await {
                Ok(Some((link, many))) => group = self.stream(&shared, &link, &many, whole).await,
                Ok(None) => self.commit(&shared, VecDeque::from([whole])).await,
                Err(error) => answer_all(whole, &error),
            }
        }
    }

    /// Writes groups and answers each of their requests.
    async fn commit(&mut self, shared: &Shared, mut waiting: VecDeque<Vec<Request>>) {
        let mut attempts = 0;
        while let Some(mut group) = waiting.pop_front() {
            let result = self.run(shared, &group).await;
            attempts += 1;
            match result {
                Ok(answers) => {
                    attempts = 0;
                    answer_each(group, answers);
                }
                Err(GroupFault::Request { at, error }) => {
                    attempts = 0;
                    let rest = group.split_off((at + 1).min(group.len()));
                    if let Some(request) = group.pop() {
                        let _ = request.reply.send(Err(error));
                    }
                    for part in [rest, group] {
                        if !part.is_empty() {
                            waiting.push_front(part);
                        }
                    }
                }
                Err(GroupFault::Somebody(error)) if group.len() == 1 => answer_all(group, &error),
                Err(GroupFault::Somebody(_)) => {
                    // Each alone, so that the error stays with its request.
                    for request in group.into_iter().rev() {
                        waiting.push_front(vec![request]);
                    }
                }
                Err(GroupFault::Passing(_) | GroupFault::Lost(_)) if attempts < ATTEMPTS_MAX => {
                    waiting.push_front(group);
                }
                Err(
                    GroupFault::Passing(error)
                    | GroupFault::Lost(error)
                    | GroupFault::Unknown(error),
                ) => answer_all(group, &error),
            }
        }
    }

    /// The connection, with statements for the schema at hand.
    async fn link(&mut self, shared: &Shared, number: u64) -> Result<Arc<Link>, StoreError> {
        if self.link.as_ref().is_some_and(|link| link.is_closed() || link.number != number) {
            self.forget();
        }
        let link = match &self.link {
            Some(link) => Arc::clone(link),
            None => Arc::new(shared.pool.link(number).await?),
        };
        Ok(Arc::clone(self.link.insert(link)))
    }

    /// Runs a group in one transaction.
    async fn run(
        &mut self,
        shared: &Shared,
        group: &[Request],
    ) -> Result<Vec<Vec<Outcome>>, GroupFault> {
        let served = shared.served();
        let catalog = &*served.catalog;
        let link = self.link(shared, served.number).await.map_err(GroupFault::Unknown)?;
        let mut requests = Vec::with_capacity(group.len());
        for (at, request) in group.iter().enumerate() {
            match write::prepared(&link, catalog, &request.steps).await {
                Ok(statements) => requests.push(statements),
                Err(Failure::Told(error)) => return Err(GroupFault::Request { at, error }),
                Err(Failure::Reported(error)) if fault::is_lost(&error) => {
                    return Err(GroupFault::Lost(fault::explain(&error, catalog)));
                }
                Err(Failure::Reported(error)) => {
                    return Err(GroupFault::Request { at, error: fault::explain(&error, catalog) });
                }
            }
        }
        let done = sent(&link, catalog, &requests).await;
        if matches!(done, Err(GroupFault::Passing(_))) {
            self.forget();
        }
        done
    }

    /// The statement for a group whose requests add one row each to the same columns, and the
    /// connection on which it is prepared; none where they do not, or where anything else is in its
    /// way: what is wrong with a statement is told by the request whose it is.
    async fn statement_for(
        &mut self,
        shared: &Shared,
        group: &[Request],
    ) -> Result<Option<(Arc<Link>, Arc<Many>)>, StoreError> {
        let [first, _, ..] = group else { return Ok(None) };
        if many::new_row(&first.steps).is_none() {
            return Ok(None);
        }
        let served = shared.served();
        let link = self.link(shared, served.number).await?;
        let place = self.kept.iter().position(|kept| kept.many.takes(&first.steps));
        let mut kept = place.map(|place| self.kept.remove(place));
        if let Some(known) = &mut kept
            && known.looked_at.elapsed() >= LOOK_EVERY
        {
            known.looked_at = Instant::now();
            if !known.many.holds(&link).await.unwrap_or(false) {
                kept = None;
            }
        }
        let kept = match kept {
            Some(kept) => kept,
            None => {
                let looked_at = Instant::now();
                match Many::of(&link, &served.catalog, &first.steps).await {
                    Ok(Some(many)) => Kept { many: Arc::new(many), looked_at },
                    Ok(None) | Err(_) => return Ok(None),
                }
            }
        };
        let many = Arc::clone(&kept.many);
        if self.kept.len() >= KEPT_MAX {
            self.kept.remove(0);
        }
        self.kept.push(kept);
        let is_alike = group.iter().all(|request| many.takes(&request.steps));
        Ok(is_alike.then_some((link, many)))
    }

    /// Sends a group as one statement, and further ones for the same columns while it is on its way.
    /// Each is committed by itself, in the order in which they were sent. Gives back a group that
    /// was taken from the queue and has to be written otherwise.
    async fn stream(
        &mut self,
        shared: &Shared,
        link: &Arc<Link>,
        many: &Arc<Many>,
        group: Vec<Request>,
    ) -> Vec<Request> {
        let began = Instant::now();
        let catalog = shared.served().catalog;
        let mut on_way = FuturesUnordered::from_iter([written(link, many, group)]);
        let mut failed = VecDeque::new();
        let mut other = Vec::new();
        while !on_way.is_empty() {
            let may_send = on_way.len() < self.pace.on_way_max
                && failed.is_empty()
                && other.is_empty()
                && began.elapsed() < LOOK_EVERY;
            if may_send && self.waiting.len() >= self.pace.crowd_min {
                let mut group = Vec::with_capacity(GROUP_MAX);
                // They are there: nobody is waited for.
                self.waiting.recv_many(&mut group, GROUP_MAX).await;
                let is_alike = shared.served().number == link.number
                    && group.iter().all(|request| many.takes(&request.steps));
                match is_alike {
                    true => on_way.push(written(link, many, group)),
                    false => other = group,
                }
            }
            let done = tokio::select! {
                biased;
                done = on_way.next() => done,
                () = self.crowd.notified(), if may_send => None,
            };
            match done {
                Some((group, Ok(rows))) => {
                    let outcome = |rows| vec![Outcome { affected: 1, rows }];
                    answer_each(group, rows.into_iter().map(outcome));
                }
                Some((group, Err(many::Fault::KeptAway))) => {
                    let words =
                        "a trigger or a rule of the database keeps rows away that are added";
                    answer_all(group, &StoreError::Fault(words.to_owned()));
                }
                Some((group, Err(many::Fault::Reported(error))))
                    if link.is_closed() || fault::is_lost(&error) =>
                {
                    answer_all(group, &fault::explain(&error, &catalog));
                }
                // Each alone, so that the error stays with its request.
                Some((group, Err(many::Fault::Reported(_)))) => {
                    failed.extend(group.into_iter().map(|request| vec![request]));
                }
                None => {}
            }
        }
        self.commit(shared, failed).await;
        other
    }

    /// Leaves the connection and what was prepared on it.
    fn forget(&mut self) {
        self.link = None;
        self.kept.clear();
    }
}

/// Writes the rows of a group as one statement.
async fn written(
    link: &Arc<Link>,
    many: &Arc<Many>,
    group: Vec<Request>,
) -> (Vec<Request>, Result<Vec<Rows>, many::Fault>) {
    let rows: Vec<_> = group.iter().filter_map(|request| many::new_row(&request.steps)).collect();
    let done = many.run(link, &rows).await;
    drop(rows);
    (group, done)
}

/// Answers each request of a group with its own. Whoever asked may have gone away; then nobody wants it.
fn answer_each(group: Vec<Request>, answers: impl IntoIterator<Item = Vec<Outcome>>) {
    for (request, answer) in group.into_iter().zip(answers) {
        let _ = request.reply.send(Ok(answer));
    }
}

fn answer_all(group: Vec<Request>, error: &StoreError) {
    for request in group {
        let _ = request.reply.send(Err(copy(error)));
    }
}

/// The same error for another request. Only errors of the store as a whole are told to many.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        StoreError::Busy => StoreError::Busy,
        StoreError::Unique { table, columns } => {
            StoreError::Unique { table: table.clone(), columns: columns.clone() }
        }
        StoreError::ForeignKey { table, columns, missing } => StoreError::ForeignKey {
            table: table.clone(),
            columns: columns.clone(),
            missing: *missing,
        },
        other => StoreError::Fault(other.to_string()),
    }
}

/// All statements and the commit on their way at once. After an error PostgreSQL refuses the rest
/// and takes the commit for a rollback.
async fn sent(
    link: &Link,
    catalog: &Catalog,
    requests: &[Vec<Prepared<'_>>],
) -> Result<Vec<Vec<Outcome>>, GroupFault> {
    let is_single = requests.len() == 1 && requests.iter().all(|request| request.len() == 1);
    let all = async {
        futures_util::future::join_all(requests.iter().map(|request| write::run(link, request)))
            .await
    };
    let (begun, done, ended) = if is_single {
        (Ok(()), all.await, Ok(()))
    } else {
        // Polled in this order, and so sent in this order.
        let (begun, (done, ended)) = futures_util::future::join(
            link.batch_execute("BEGIN"),
            futures_util::future::join(all, link.batch_execute("COMMIT")),
        )
        .await;
        (begun, done, ended)
    };
    let explained = |error: &tokio_postgres::Error| fault::explain(error, catalog);
    if let Err(error) = &begun {
        return Err(GroupFault::Unknown(explained(error)));
    }
    let mut answers = Vec::with_capacity(requests.len());
    for (at, (request, done)) in requests.iter().zip(done).enumerate() {
        let mut outcomes = Vec::with_capacity(done.len());
        for (statement, done) in request.iter().zip(done) {
            match done {
                Ok(outcome) if statement.is_asked() => outcomes.push(outcome),
                Ok(_) => {}
                Err(error) if fault::is_lost(&error) || link.is_closed() => {
                    return Err(GroupFault::Unknown(explained(&error)));
                }
                Err(error) if fault::is_passing(&error) => {
                    return Err(GroupFault::Passing(explained(&error)));
                }
                Err(error) => {
                    let error = statement.explained(&error, catalog);
                    return Err(GroupFault::Request { at, error });
                }
            }
        }
        answers.push(outcomes);
    }
    match ended {
        Ok(()) => Ok(answers),
        Err(error) if fault::is_lost(&error) || link.is_closed() => {
            Err(GroupFault::Unknown(explained(&error)))
        }
        Err(error) if fault::is_passing(&error) => Err(GroupFault::Passing(explained(&error))),
        Err(error) => Err(GroupFault::Somebody(explained(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Kind,
        schema::{Column, ForeignKey, ReferentialAction, Schema, Table},
    };

    fn table(name: &str) -> Table {
        Table::sample(name, vec![Column::sample("id", Kind::Uuid)], &["id"])
    }

    #[test]
    fn rows_that_refer_to_a_table_are_written_where_that_table_is() {
        let key = ForeignKey {
            columns: vec!["id".to_owned()],
            table: "people".to_owned(),
            referred: vec!["id".to_owned()],
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
        };
        let tables = vec![
            table("people"),
            Table { foreign_keys: vec![key.clone()], ..table("notes") },
            Table { foreign_keys: vec![key], ..table("likes") },
            table("messages"),
        ];
        let catalog = Catalog::of(&Schema { tables, ..Schema::default() });
        let lane = |table: &str| {
            let values = Vec::new();
            lane_of(
                &catalog,
                &[Step::Insert { table: table.into(), values, returning: Arc::from([]) }],
            )
        };
        assert_eq!(lane("notes"), lane("people"));
        assert_eq!(lane("likes"), lane("people"));
        assert_ne!(lane("messages"), lane("people"));
    }
}
