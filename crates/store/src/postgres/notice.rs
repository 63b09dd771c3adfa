//! What processes on one database tell each other: one connection that listens, that tells, and that
//! holds a mark for as long as the process lives, so that the others can count it.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{AsyncMessage, Client, Connection, Error, tls::TlsStream};

use super::Shared;
use crate::{StoreError, notice::Heard};

/// Notices that wait to be taken note of; beyond, the server keeps them.
const WAITING_MAX: usize = 1_000;
/// Between two looks at who else is there, which is also how soon a dead connection is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two attempts to listen.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);
/// Longest notice, in bytes; the server takes less than 8000.
const NOTICE_BYTES_MAX: usize = 7_000;

/// All processes on one schema meet under this name.
const CHANNEL: &str = "'vitruvius_' || md5(current_schema())";
/// Marks stand beside each other under this number.
const MARKS: &str = "hashtext('vitruvius serves ' || current_schema())";
const PRESENT: &str = "
    SELECT objid::bigint, count(*) FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted
      AND classid = (hashtext('vitruvius serves ' || current_schema())::bigint & 4294967295)::oid
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    GROUP BY objid";

/// The connection, while there is one.
#[derive(Default)]
pub(super) struct Notices {
    client: Mutex<Option<Arc<Client>>>,
    mark: AtomicU32,
    present: Mutex<BTreeMap<u32, u64>>,
}

impl Notices {
    fn client(&self) -> Option<Arc<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, client: Option<Arc<Client>>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// Processes by what they said that they serve, as seen a moment ago.
    pub(super) fn present(&self) -> BTreeMap<u32, u64> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Listens until the store is gone; the receiver's end is the end of listening.
    pub(super) fn listen(shared: &Arc<Shared>, mark: u32) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        shared.notices.mark.store(mark, SeqCst);
        tokio::spawn(keep(Arc::downgrade(shared), sender));
        receiver
    }

    /// What this process serves from now on.
    pub(super) async fn mark(&self, mark: u32) -> Result<(), StoreError> {
        let was = self.mark.swap(mark, SeqCst);
        let Some(client) = self.client() else { return Ok(()) };
        if was == mark {
            return Ok(());
        }
        hold(&client, mark).await.map_err(|error| lost(&error))?;
        let sql = format!("SELECT pg_advisory_unlock_shared({MARKS}, {})", signed(was));
        client.batch_execute(&sql).await.map_err(|error| lost(&error))
    }
}

/// Tells all processes on the database, this one included.
pub(super) async fn tell(shared: &Shared, notices: &[String]) -> Result<(), StoreError> {
    let sql = format!("SELECT pg_notify({CHANNEL}, notice) FROM unnest($1::text[]) AS notice");
    if notices.iter().any(|notice| notice.len() > NOTICE_BYTES_MAX) {
        return Err(StoreError::Fault("a notice is too long".to_owned()));
    }
    if let Some(client) = shared.notices.client()
        && client.execute(&sql, &[&notices]).await.is_ok()
    {
        return Ok(());
    }
    let session = shared.pool.session().await?;
    session.execute(&sql, &[&notices]).await.map_err(|error| lost(&error))?;
    Ok(())
}

/// Processes by what they say that they serve, as of now.
pub(super) async fn present(shared: &Shared) -> Result<BTreeMap<u32, u64>, StoreError> {
    let session = shared.pool.session().await?;
    look(&session).await.map_err(|error| lost(&error))
}

async fn look(client: &Client) -> Result<BTreeMap<u32, u64>, Error> {
    let rows = client.query(PRESENT, &[]).await?;
    let counted = rows.iter().filter_map(|row| {
        let (mark, count): (i64, i64) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        Some((u32::try_from(mark).ok()?, u64::try_from(count).ok()?))
    });
    Ok(counted.collect())
}

fn lost(error: &Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// The lock's number has a sign; a mark has none.
fn signed(mark: u32) -> i32 {
    i32::from_ne_bytes(mark.to_ne_bytes())
}

async fn hold(client: &Client, mark: u32) -> Result<(), Error> {
    let sql = format!("SELECT pg_advisory_lock_shared({MARKS}, {})", signed(mark));
    client.batch_execute(&sql).await
}

/// Listens again whenever the connection is lost.
async fn keep(shared: Weak<Shared>, sender: mpsc::Sender<Heard>) {
    loop {
        let Some(held) = shared.upgrade() else { return };
        match begin(&held, &sender).await {
            Ok((client, moved)) => {
                held.notices.set(Some(client.clone()));
                // What was told before is lost.
                if sender.send(Heard::Listening).await.is_err() {
                    return;
                }
                drop(held);
                watch(&shared, &client, moved).await;
                let Some(held) = shared.upgrade() else { return };
                held.notices.set(None);
                if sender.send(Heard::Deaf).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::debug!(%error, "nothing is heard of other processes"),
        }
        tokio::time::sleep(ATTEMPT_PAUSE).await;
    }
}

/// Connects, listens and leaves this process's mark.
async fn begin(
    shared: &Shared,
    sender: &mpsc::Sender<Heard>,
) -> Result<(Arc<Client>, JoinHandle<()>), Error> {
    let (client, moved) = shared.pool.listening(sender.clone()).await?;
    client.batch_execute("SET lock_timeout = 5000; SET statement_timeout = 5000").await?;
    let channel: String = client.query_one(&format!("SELECT {CHANNEL}"), &[]).await?.try_get(0)?;
    client.batch_execute(&format!("LISTEN \"{channel}\"")).await?;
    hold(&client, shared.notices.mark.load(SeqCst)).await?;
    Ok((Arc::new(client), moved))
}

/// Looks who is there, until the connection is lost.
async fn watch(shared: &Weak<Shared>, client: &Client, mut moved: JoinHandle<()>) {
    loop {
        let looked = tokio::time::timeout(LOOK_EVERY * 2, look(client)).await;
        let Some(shared) = shared.upgrade() else { return };
        let Ok(Ok(present)) = looked else { return };
        *shared.notices.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
        drop(shared);
        if tokio::time::timeout(LOOK_EVERY, &mut moved).await.is_ok() {
            return;
        }
    }
}

/// Moves a connection's bytes and hands on what is heard on it.
pub(super) async fn heard<S, T>(mut connection: Connection<S, T>, sender: mpsc::Sender<Heard>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: TlsStream + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(told))) => {
                if sender.send(Heard::Notice(told.payload().to_owned())).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "the connection that listens ended");
                return;
            }
            None => return,
        }
    }
}
