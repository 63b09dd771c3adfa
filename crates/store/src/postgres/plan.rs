//! What would have to be done to reach a schema: compared, tried and probed in one transaction
//! that leaves nothing behind.

use super::{Postgres, ground::OnServer, ledger, script::Script, talk::Talk, there::There, trial};
use crate::{
    StoreError,
    change::{self, Draft, Wish, drift, ledger::wish_fingerprint},
    plan::Plan,
    schema::Schema,
};

/// Longest time that one look at the rows may take, in milliseconds.
pub(super) const PROBE_MS_MAX: u64 = 600_000;
/// Longest time that a plan waits for a table that somebody holds, in milliseconds.
const LOCK_MS_MAX: u64 = 5_000;

impl Postgres {
    /// Compares `schema` with what was applied last and with what is there, and probes the rows.
    pub(crate) async fn plan(&self, schema: &Schema) -> Result<Plan, StoreError> {
        let schema = schema.clone();
        self.talk(move |talk| {
            let settings = format!(
                "SET LOCAL statement_timeout = {PROBE_MS_MAX}; \
                 SET LOCAL lock_timeout = {LOCK_MS_MAX}"
            );
            talk.transaction(&settings, || {
                let plan = drafted(talk, &schema, |draft| Ok(draft.plan.clone()))?;
                Ok((plan, false))
            })
        })
        .await
    }
}

/// Makes a draft and hands it to `work`, inside the transaction at hand.
pub(super) fn drafted<T>(
    talk: &Talk,
    wished: &Schema,
    work: impl FnOnce(&mut Draft<Script<'_>>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let place = talk.rows("SELECT current_schema() IS NOT NULL", &[])?;
    if !place.first().is_some_and(|row| row.get(0)) {
        let message = "the database has no schema that tables can be made in";
        return Err(StoreError::Unavailable(message.to_owned()));
    }
    let mut snapshot = ledger::read(talk)?;
    let there = There::read(talk)?;
    let fingerprint = wish_fingerprint(wished);
    let (refined, refused) = match snapshot.accepted(wished, &fingerprint) {
        Some(accepted) => (accepted, Vec::new()),
        None => trial::refined(talk, wished)?,
    };
    let left = snapshot.objects.clone();
    let ground = OnServer { talk, there: &there, left: &left };
    let objects = there.objects();
    let drifted = drift::look(&ground, &mut snapshot, &refined, &objects)?;
    let state = state_of(&objects);
    let wish = Wish { fingerprint, refined, refused, drifted, snapshot, state };
    let mut draft = change::draft(&ground, Script::on(&ground), wish)?;
    work(&mut draft)
}

/// Changes with whatever changes in the schema.
fn state_of(objects: &std::collections::BTreeMap<String, String>) -> String {
    let hash = objects.iter().flat_map(|(name, text)| [name, text]).fold(
        0xcbf2_9ce4_8422_2325_u64,
        |hash, text| {
            text.bytes().chain([0]).fold(hash, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        },
    );
    format!("{hash:016x}")
}
