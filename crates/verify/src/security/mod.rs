//! Trials of the security chapter: the whole access matrix through every door, accounts and their
//! tokens, limits, and what every answer carries.

mod account;
mod levels;
mod limits;
mod matrix;
mod may;
mod scene;
mod shield;
mod view;
mod write;

use futures_util::StreamExt;

use crate::Stage;
use matrix::Doors;
use scene::Scene;

/// Walks through doors at a time.
const WALKS: usize = 6;

/// Tries the chapter's claims.
pub(crate) async fn probe(stage: &Stage<'_>) {
    tokio::join!(walk(stage), account::probe(stage), shield::probe(stage));
    levels::probe(stage).await;
    limits::probe(stage).await;
}

/// Everybody before every door of every table.
async fn walk(stage: &Stage<'_>) {
    let scene = Scene::set(stage).await;
    let walks = scene.tables.iter().flat_map(|shown| {
        let scene = &scene;
        stage.people.everybody().map(move |person| Doors { stage, scene, shown, person })
    });
    let walks: Vec<Doors<'_>> = walks.collect();
    futures_util::stream::iter(&walks).for_each_concurrent(WALKS, |doors| doors.read()).await;
    futures_util::stream::iter(&walks).for_each_concurrent(WALKS, |doors| doors.write()).await;
    for view in &stage.system().data.views {
        view::probe(stage, &scene, view).await;
    }
    // Whatever may go, goes last.
    for doors in &walks {
        doors.remove().await;
    }
}
