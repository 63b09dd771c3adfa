//! Several processes on one database agree whose document comes later: one that was replaced is not
//! applied again while others serve its successor.

use jiff::Timestamp;
use store::{Store, StoreError, plan::Plan, schema::Schema};

use crate::{StartError, World, security};

/// Begins the names of schemas that were applied, among what the engine remembers.
const APPLIED: &str = "schema applied ";
/// The name of the one that was applied last.
const LAST: &str = "schema applied last";

/// A schema, wherever its statements stand in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a schema.
    pub(crate) fn of(schema: &Schema) -> Self {
        Self(schema.fingerprint())
    }

    /// Its beginning, as processes show it to each other.
    pub(crate) fn mark(&self) -> u32 {
        let start = self.0.get(..8).unwrap_or_default();
        u32::from_str_radix(start, 16).unwrap_or_default()
    }

    fn name(&self) -> String {
        format!("{APPLIED}{}", self.0)
    }
}

/// Makes sure that a plan does not take back what a later document did while others serve that.
///
/// # Errors
/// [`StartError::Older`].
pub(crate) async fn refuse_older(
    store: &Store,
    plan: &Plan,
    own: &Fingerprint,
) -> Result<(), StartError> {
    if store.place().is_none() || plan.is_empty() {
        return Ok(());
    }
    let others = store.present_now().await?;
    let others: u64 =
        others.iter().filter(|(mark, _)| **mark != own.mark()).map(|(_, count)| *count).sum();
    if others == 0 {
        return Ok(());
    }
    // Another process may just have applied the same.
    match applied_before(store, own).await? {
        Some(applied) => Err(StartError::Older { applied, others }),
        None => Ok(()),
    }
}

/// When a schema was applied that has been replaced since.
async fn applied_before(store: &Store, own: &Fingerprint) -> Result<Option<String>, StoreError> {
    let applied = security::remembered(store, &own.name()).await?;
    let is_last = security::remembered(store, LAST).await?.is_some_and(|last| last == own.0);
    Ok(applied.filter(|_| !is_last))
}

/// Remembers that a schema was applied, and when last. What was applied before and is applied again
/// is said: nobody goes back without noticing.
pub(crate) async fn remember(
    store: &Store,
    own: &Fingerprint,
    world: &dyn World,
) -> Result<(), StartError> {
    if store.place().is_none() {
        return Ok(());
    }
    if security::remembered(store, LAST).await?.is_some_and(|last| last == own.0) {
        return Ok(());
    }
    if let Some(before) = applied_before(store, own).await? {
        tracing::warn!(
            "the tables are those of a document again that was applied before, at {before}"
        );
    }
    let now = world.now();
    let (name, at) = (own.name(), shown(now));
    match security::remember(store, &[(LAST, &own.0), (&name, &at)], now).await {
        // Another process says the same at the same time.
        Ok(()) | Err(StoreError::Unique { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(text: &str) -> Fingerprint {
        let compiled = document::compile(document::Sources::single("x.md", text));
        Fingerprint::of(&crate::data::schema(&compiled))
    }

    #[test]
    fn words_around_the_tables_leave_the_fingerprint_as_it_is() {
        let table = "```sql\nCREATE TABLE a (id UUID PRIMARY KEY, n INTEGER);\n```\n";
        let own = fingerprint(&format!("# X\n\n{table}"));
        assert_eq!(own, fingerprint(&format!("# X\n\nSome more words.\n\n{table}")));
        let other = table.replace("INTEGER", "BIGINT");
        assert_ne!(own.mark(), fingerprint(&format!("# X\n\n{other}")).mark());
    }
}
