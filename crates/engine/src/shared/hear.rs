//! What this process hears of the others on its database, and what it does about it. Where nothing is
//! heard, everything that is remembered of the database is looked at again every second.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use store::notice::Heard;
use tokio::sync::mpsc::Receiver;

use super::Notice;
use crate::{Service, StartError, service::Inner};

/// How long anything is remembered while nothing is heard.
const REMEMBERED_WHILE_DEAF: Duration = Duration::from_secs(1);
/// How often this process says that its keys are in use.
const KEYS_EVERY: Duration = Duration::from_secs(3_600);

/// Hears for as long as the service lives.
pub(crate) fn listen(inner: &Arc<Inner>, mark: u32) {
    let Some(receiver) = inner.store.listen(mark) else { return };
    tokio::spawn(hear(Arc::downgrade(inner), receiver));
    tokio::spawn(renew(Arc::downgrade(inner)));
}

async fn hear(inner: Weak<Inner>, mut receiver: Receiver<Heard>) {
    let mut is_listening = false;
    loop {
        let heard = match is_listening {
            true => receiver.recv().await,
            false => match tokio::time::timeout(REMEMBERED_WHILE_DEAF, receiver.recv()).await {
                Ok(heard) => heard,
                Err(_) => Some(Heard::Deaf),
            },
        };
        let (Some(heard), Some(inner)) = (heard, inner.upgrade()) else { return };
        let is_turn = match heard {
            Heard::Listening => !is_listening,
            Heard::Deaf => is_listening,
            Heard::Notice(words) => {
                let notices = inner.shared.notices.as_ref();
                if let Some(notice) = notices.and_then(|notices| notices.heard(&words)) {
                    take_note(&inner, notice);
                }
                continue;
            }
        };
        if is_turn {
            is_listening = !is_listening;
            if is_listening {
                inner.cache.was_deaf();
            }
            inner.shared.hears(is_listening);
            match is_listening {
                true => tracing::info!("other processes on the database are heard"),
                false => tracing::warn!(
                    "other processes on the database are not heard; what is remembered of it is \
                     looked at again every second"
                ),
            }
        }
        take_note(&inner, Notice::Everything);
    }
}

/// Forgets what a notice makes doubtful.
fn take_note(inner: &Arc<Inner>, notice: Notice) {
    let running = inner.running.load();
    match notice {
        Notice::User(subject) => {
            inner.store.written_elsewhere(&crate::security::tables_of_users(&running.system));
            inner.security.user_changed(&subject);
        }
        Notice::Users => {
            inner.store.written_elsewhere(&crate::security::tables_of_users(&running.system));
            inner.security.users_changed();
        }
        Notice::Table(name) => {
            inner.store.written_elsewhere(&[Arc::from(name.as_str())]);
            inner.cache.table_changed(&name);
        }
        Notice::Uncounted => inner.cache.uncounted_elsewhere(),
        Notice::Document(mark) => document_changed(inner, mark),
        Notice::Everything => {
            let resources = running.system.data.tables.iter().map(|table| table.name.as_str());
            let mut tables: Vec<Arc<str>> = resources.map(Arc::from).collect();
            tables.extend(crate::security::tables_of_users(&running.system));
            inner.store.written_elsewhere(&tables);
            inner.security.users_changed();
            inner.cache.everything_changed();
        }
    }
}

/// Another process applied a document. A save that was refused because the tables were just being
/// changed is tried again.
fn document_changed(inner: &Arc<Inner>, mark: u32) {
    take_note(inner, Notice::Everything);
    if inner.shared.mark() != mark {
        tracing::warn!(
            "another process changed the tables for another document; this process serves its own \
             until its files are saved"
        );
    }
    let refused = inner.refused.load_full();
    let is_worth_it =
        |reason: &StartError| matches!(reason, StartError::Blocked(_) | StartError::Store(_));
    if let Some(refused) = refused.filter(|refused| is_worth_it(&refused.reason)) {
        let service = Service { inner: Arc::clone(inner) };
        tokio::spawn(async move {
            if service.replace(Arc::clone(&refused.compiled)).await.is_ok() {
                tracing::info!("the save that was refused before is served now");
            }
        });
    }
}

/// Says now and then that the keys of this process are in use.
async fn renew(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(KEYS_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        let running = inner.running.load_full();
        // A failure is logged, and the next time is soon enough.
        let _ = crate::security::prepare(&inner, &running).await;
    }
}
