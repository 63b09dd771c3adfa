//! Pages far behind, which both stores find by the index of the first sort key and remember.
mod support;

use store::{Durability, Expression, Kind, Options, Value, query::Select};
use support::*;

/// Page by page through rows of which many have the same key, and once more after each write.
async fn far_pages_begin_where_they_did_until_somebody_writes() {
    let fixture = open(Options { durability: Durability::Normal, ..Options::default() }).await;
    let store = fixture.store;
    let rank = Kind::Integer { bits: 64 };
    let ranked = schema(vec![table(
        "ranked",
        vec![required("id", Kind::Integer { bits: 64 }), required("rank", rank.clone())],
    )]);
    migrate(&store, &ranked).await;
    let row = |id: i64, rank: i64| {
        insert("ranked", &[("id", Value::Integer(id)), ("rank", Value::Integer(rank))], &[])
    };
    // Ranks of three rows each, then one that two hundred rows share.
    let mut rows: Vec<(i64, i64)> = (0..1_800).map(|id| (id * 7919 % 1_801, id / 3)).collect();
    rows.extend((2_000..2_200).map(|id| (id, 300)));
    store.write(rows.iter().map(|(id, rank)| row(*id, *rank)).collect()).await.expect("written");
    let page = |offset: u64, is_by_index: bool| {
        let outputs = [output("id", Kind::Integer { bits: 64 })];
        let order = ["rank", "id"].map(|name| (Expression::column(name), true));
        let all = Expression::Always(true);
        let order = order.to_vec();
        Select { order, limit: Some(20), offset, is_by_index, ..select("ranked", &outputs, all) }
    };
    for round in 0..3 {
        let mut expected: Vec<_> = rows.iter().map(|(id, rank)| (*rank, *id)).collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        for offset in (0..expected.len() as u64 + 40).step_by(20).chain((507..1_600).step_by(211)) {
            // Found out, then known: for whom a read goes its own way, and for whom it shares one.
            for is_by_index in [false, false, true] {
                let seen = json(&store, &page(offset, is_by_index)).await;
                let ids = expected.iter().skip(offset as usize).take(20);
                let ids: Vec<_> = ids.map(|(_, id)| format!("{{\"id\":{id}}}")).collect();
                assert_eq!(seen, format!("[{}]", ids.join(",")), "{offset}, round {round}");
            }
        }
        rows.push((5_000 + round, 700));
        store.write(vec![row(5_000 + round, 700)]).await.expect("written");
    }
}

both_stores! {
    far_pages_begin_where_they_did_until_somebody_writes,
}
