//! An exclusion of the document as a client meets it, the same on both stores.

use std::sync::Arc;

use engine::SystemWorld;
use http::StatusCode;
use serde_json::json;

use crate::{desk::Desk, postgres};

const ROOMS: &str = "# Rooms\n\n## Data\n\n```sql\nCREATE TABLE bookings (\n    \
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),\n    room VARCHAR(20) NOT NULL,\n    \
    starts_at TIMESTAMPTZ NOT NULL,\n    ends_at TIMESTAMPTZ NOT NULL,\n    \
    status VARCHAR(20) NOT NULL DEFAULT 'open',\n    \
    EXCLUDE USING gist (room WITH =, tstzrange(starts_at, ends_at) WITH &&)\n      \
    WHERE (status <> 'cancelled')\n);\nCREATE POLICY a ON bookings FOR ALL USING (true);\n```\n\n\
    ## API\n\n- `POST /api/v1/bookings` - Public\n- `PATCH /api/v1/bookings/{id}` - Public\n";

#[tokio::test]
async fn a_room_is_booked_once_at_a_time_and_the_refusal_says_why() {
    let mut refusals = Vec::new();
    for database in [None, Some(postgres::database())] {
        let desk = Desk::with(ROOMS, database, Arc::new(SystemWorld)).await;
        let book = async |room: &str, from: &str, to: &str| {
            let moment = |clock: &str| format!("2026-03-01T{clock}:00Z");
            let body = json!({"room": room, "starts_at": moment(from), "ends_at": moment(to)});
            desk.anybody().post("/api/v1/bookings", body).await
        };
        let first = book("blue", "10:00", "12:00").await;
        assert_eq!(first.status, StatusCode::CREATED);
        assert_eq!(book("blue", "12:00", "13:00").await.status, StatusCode::CREATED);
        assert_eq!(book("red", "10:00", "12:00").await.status, StatusCode::CREATED);
        let taken = book("blue", "11:00", "11:30").await;
        assert_eq!(taken.status, StatusCode::CONFLICT);
        let backwards = book("green", "12:00", "11:00").await;
        assert_eq!(backwards.status, StatusCode::BAD_REQUEST);
        refusals
            .push((taken.body["error"]["message"].clone(), taken.body["error"]["details"].clone()));
        refusals.push((
            backwards.body["error"]["message"].clone(),
            backwards.body["error"]["details"].clone(),
        ));
        let path = format!("/api/v1/bookings/{}", first.text("id"));
        let cancelled = desk.anybody().patch(&path, json!({"status": "cancelled"})).await;
        assert_eq!(cancelled.status, StatusCode::OK);
        assert_eq!(book("blue", "11:00", "11:30").await.status, StatusCode::CREATED);
        let back = desk.anybody().patch(&path, json!({"status": "open"})).await;
        assert_eq!(back.status, StatusCode::CONFLICT);
    }
    assert_eq!(refusals[..2], refusals[2..]);
    assert_eq!(
        refusals[0].0,
        "another row of `bookings` has the same room and overlaps in starts_at, ends_at, against \
         `EXCLUDE USING gist (room WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> \
         'cancelled')`"
    );
    let before = json!([{"field": "ends_at", "message": "must not be before `starts_at`"}]);
    assert_eq!(refusals[1].1, before);
}
