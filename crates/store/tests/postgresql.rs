//! What only a server does: it is elsewhere, it asks for a password, it goes away and comes back.
mod support;

use store::{Options, Store, StoreError};
use support::postgres::{PASSWORD, database, server};

async fn refusal(url: &str) -> String {
    match Store::open_postgres(url, Options::default()).await {
        Err(StoreError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{url} is open"),
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_from_a_server_that_is_away() {
    let own = database();
    let good = server().url_tcp(&own.name, PASSWORD);
    Store::open_postgres(&good, Options::default()).await.expect("the right password");
    let wrong = server().url_tcp(&own.name, "wrong");
    let place = format!("PostgreSQL at 127.0.0.1:{}/{}", server().port, own.name);
    assert_eq!(refusal(&wrong).await, format!("{place}: it refuses the user or the password"));
    let away = refusal("postgres://me:secret@127.0.0.1:1/shop").await;
    assert_eq!(away, "PostgreSQL at 127.0.0.1:1/shop: Connection refused (os error 111)");
    let nowhere = refusal(&server().url_tcp("nowhere", PASSWORD)).await;
    assert!(nowhere.ends_with("/nowhere: it has no database of this name"), "{nowhere}");
    let garbled = refusal("postgres://me:secret@host:port/shop").await;
    assert!(!garbled.contains("secret"), "{garbled}");
}
