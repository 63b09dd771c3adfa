//! The writers: each commits together what is queued together. Where one request of a group
//! fails, the group is rolled back, those before it are written again, and the rest follows.

use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, oneshot};

use super::{
    Shared, fault,
    many::{self, Many},
    pool::Link,
    write::{self, Failure, Prepared},
};
use crate::{
    StoreError,
    catalog::Catalog,
    query::{Outcome, Step},
};

/// Requests in one commit, at most.
const GROUP_MAX: usize = 256;
/// Writers. One waits for its commit while the other writes.
const LANES: usize = 2;
/// Requests that wait for one writer from which on rows go through the other. Groups of fewer cost more
/// for each row than waiting for their turn does.
const CROWD_MIN: usize = 24;
/// Statements for many rows that a writer keeps.
const KEPT_MAX: usize = 16;
/// How often a group that met a deadlock or a stale plan is tried.
const ATTEMPTS_MAX: usize = 4;

type Answer = Result<Vec<Outcome>, StoreError>;

struct Request {
    steps: Vec<Step>,
    reply: oneshot::Sender<Answer>,
}

/// The writers' queues.
pub(super) struct Writers {
    lanes: Vec<mpsc::Sender<Request>>,
}

impl Writers {
    /// Starts the writers; they end when this is dropped and their queues are empty.
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let lanes = (0..LANES).map(|_| {
            let (lane, waiting) = mpsc::channel(shared.options.queue_max.max(1));
            let lane_task = Lane { shared: Arc::downgrade(shared), link: None, many: Vec::new() };
            tokio::spawn(lane_task.serve(waiting));
            lane
        });
        Self { lanes: lanes.collect() }
    }

    /// Queues a request and waits for its commit.
    pub(super) async fn write(&self, catalog: &Catalog, steps: Vec<Step>) -> Answer {
        let (reply, answer) = oneshot::channel();
        let lane = self.lanes.get(self.lane_of(catalog, &steps)).ok_or_else(super::gone)?;
        lane.try_send(Request { steps, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => super::gone(),
        })?;
        answer.await.map_err(|_| super::gone())?
    }

    /// Which of the writers takes it. What may meet in the same rows goes through one of them: two
    /// would wait for each other, for a second where they do so crosswise. A row that is only added
    /// and stands against no other goes through either: where many wait for one writer already, they
    /// are a group of their own. One that refers to another row goes where that table is written,
    /// since PostgreSQL has to keep a list of those who hold one row together.
    fn lane_of(&self, catalog: &Catalog, steps: &[Step]) -> usize {
        let writes = steps.iter().find(|step| !matches!(step, Step::Require { .. }));
        let Some(step) = writes.or_else(|| steps.first()) else { return 0 };
        let (Step::Insert { table, .. }
        | Step::Update { table, .. }
        | Step::Delete { table, .. }
        | Step::Require { table, .. }) = step;
        let is_alone = matches!(step, Step::Insert { .. }) && steps.len() == 1;
        let entry = catalog.table(table).filter(|entry| is_alone && !entry.rows_compete);
        let is_free = entry.is_some_and(|entry| entry.foreign_keys.is_empty());
        let table = match entry.and_then(|entry| entry.foreign_keys.first()) {
            Some(key) => key.table.as_str(),
            None => &**table,
        };
        let hash = table
            .bytes()
            .fold(7, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let lane = hash % LANES;
        let waiting = |lane: &mpsc::Sender<Request>| lane.max_capacity() - lane.capacity();
        let is_crowded = self.lanes.get(lane).is_some_and(|lane| CROWD_MIN <= waiting(lane));
        if is_free && is_crowded { (lane + 1) % LANES } else { lane }
    }
}

/// One writer and its connection.
struct Lane {
    shared: Weak<Shared>,
    link: Option<Link>,
    /// Statements of this connection for rows of many requests, the one that was used last behind.
    many: Vec<Many>,
}

/// Why a group was not written.
enum GroupFault {
    /// One of its requests failed; those before it did not.
    Request { at: usize, error: StoreError },
    /// The commit failed, or rows that were merged did: nobody knows for which request.
    Somebody(StoreError),
    /// Others stood in the way, and no longer do.
    Passing(StoreError),
    /// The connection was lost before the commit was sent.
    Lost(StoreError),
    /// The connection was lost at the commit: whether it was written is not known.
    Unknown(StoreError),
}

impl Lane {
    async fn serve(mut self, mut waiting: mpsc::Receiver<Request>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            self.commit(&shared, std::mem::take(&mut group)).await;
        }
    }

    /// Writes a group and answers each of its requests.
    async fn commit(&mut self, shared: &Shared, group: Vec<Request>) {
        let places = shared.served().places;
        let _writing = places.write();
        let mut waiting = std::collections::VecDeque::from([group]);
        let (mut attempts, mut merges) = (0, true);
        while let Some(mut group) = waiting.pop_front() {
            let result = self.run(shared, &group, merges).await;
            attempts += 1;
            match result {
                Ok(answers) => {
                    attempts = 0;
                    for (request, answer) in group.into_iter().zip(answers) {
                        // Whoever asked may have gone away; then nobody wants the answer.
                        let _ = request.reply.send(Ok(answer));
                    }
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
                Err(GroupFault::Somebody(error)) if group.len() == 1 && !merges => {
                    answer_all(group, &error);
                }
                Err(GroupFault::Somebody(_)) => {
                    // Each alone, so that the error stays with its request.
                    merges = false;
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
    async fn link(&mut self, shared: &Shared, number: u64) -> Result<&Link, StoreError> {
        if self.link.as_ref().is_some_and(|link| link.is_closed() || link.number != number) {
            self.forget();
        }
        let link = match self.link.take() {
            Some(link) => link,
            None => shared.pool.link(number).await?,
        };
        Ok(self.link.insert(link))
    }

    /// Runs a group in one transaction.
    async fn run(
        &mut self,
        shared: &Shared,
        group: &[Request],
        merges: bool,
    ) -> Result<Vec<Vec<Outcome>>, GroupFault> {
        let served = shared.served();
        let catalog = &*served.catalog;
        if merges && let Some(done) = self.merged(shared, served.number, catalog, group).await {
            return done;
        }
        let link = self.link(shared, served.number).await.map_err(GroupFault::Unknown)?;
        let mut requests = Vec::with_capacity(group.len());
        for (at, request) in group.iter().enumerate() {
            match write::prepared(link, catalog, &request.steps).await {
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
        let done = sent(link, catalog, &requests).await;
        if matches!(done, Err(GroupFault::Passing(_))) {
            self.forget();
        }
        done
    }

    /// Runs a group whose requests add one row each to the same columns, as one statement; none where
    /// they do not.
    async fn merged(
        &mut self,
        shared: &Shared,
        number: u64,
        catalog: &Catalog,
        group: &[Request],
    ) -> Option<Result<Vec<Vec<Outcome>>, GroupFault>> {
        let [first, _, ..] = group else {
            return None;
        };
        let rows = many::new_rows(group.iter().map(|request| &*request.steps))?;
        if let Err(error) = self.link(shared, number).await {
            return Some(Err(GroupFault::Unknown(error)));
        }
        let link = self.link.as_ref()?;
        let mut kept = None;
        if let Some(place) = self.many.iter().position(|many| many.takes(&first.steps)) {
            let mut many = self.many.swap_remove(place);
            if many.holds(link).await.ok()? {
                kept = Some(many);
            }
        }
        let many = match kept {
            Some(many) => many,
            // What is wrong with a statement is told by the request whose it is.
            None => Many::of(link, catalog, &first.steps).await.ok()??,
        };
        if self.many.len() >= KEPT_MAX {
            self.many.remove(0);
        }
        self.many.push(many);
        let many = self.many.last()?;
        if !group.iter().skip(1).all(|request| many.takes(&request.steps)) {
            return None;
        }
        let outcome = |rows| vec![Outcome { affected: 1, rows }];
        Some(match many.run(link, &rows).await {
            Ok(Some(written)) => Ok(written.into_iter().map(outcome).collect()),
            Ok(None) => Err(GroupFault::Unknown(StoreError::Fault(
                "a trigger or a rule of the database keeps rows away that are added".to_owned(),
            ))),
            Err(error) if link.is_closed() || fault::is_lost(&error) => {
                Err(GroupFault::Unknown(fault::explain(&error, catalog)))
            }
            Err(error) => Err(GroupFault::Somebody(fault::explain(&error, catalog))),
        })
    }

    /// Leaves the connection and what was prepared on it.
    fn forget(&mut self) {
        self.link = None;
        self.many.clear();
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
        schema::{Column, ForeignKey, ReferentialAction, Schema, Table, UniqueKey},
    };

    fn table(name: &str) -> Table {
        Table::sample(name, vec![Column::sample("id", Kind::Uuid)], &["id"])
    }

    /// Where a row goes, and where while many wait for that writer.
    fn lanes(catalog: &Catalog, table: &str) -> [usize; 2] {
        let (lanes, _queues): (Vec<_>, Vec<_>) = (0..LANES).map(|_| mpsc::channel(64)).unzip();
        let writers = Writers { lanes };
        let steps = || {
            let values = Vec::new();
            vec![Step::Insert { table: table.into(), values, returning: Arc::from([]) }]
        };
        let first = writers.lane_of(catalog, &steps());
        for _ in 0..CROWD_MIN {
            let (reply, _) = oneshot::channel();
            let queued = writers.lanes[first].try_send(Request { steps: steps(), reply });
            assert!(queued.is_ok());
        }
        [first, writers.lane_of(catalog, &steps())]
    }

    #[test]
    fn only_rows_that_meet_no_other_go_through_either_writer() {
        let key = ForeignKey {
            columns: vec!["id".to_owned()],
            table: "people".to_owned(),
            referred: vec!["id".to_owned()],
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
        };
        let name = UniqueKey {
            name: "people_key".to_owned(),
            columns: vec!["id".to_owned()],
            condition: None,
            origin: String::new(),
        };
        let tables = vec![
            Table { unique_keys: vec![name], ..table("people") },
            Table { foreign_keys: vec![key.clone()], ..table("notes") },
            Table { foreign_keys: vec![key], ..table("likes") },
            table("messages"),
        ];
        let catalog = Catalog::of(&Schema { tables, ..Schema::default() });
        let [messages, crowded] = lanes(&catalog, "messages");
        assert_ne!(messages, crowded);
        let [people, again] = lanes(&catalog, "people");
        assert_eq!(people, again);
        assert_eq!(lanes(&catalog, "notes"), [people; 2]);
        assert_eq!(lanes(&catalog, "likes"), [people; 2]);
    }
}
