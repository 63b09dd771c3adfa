//! Rows in and out: writes, reads, and what a refused write says.
mod support;

use store::{Expression, Operator, StoreError, Value, query::Nested, schema::ReferentialAction};
use support::*;

async fn refusal(steps: Vec<store::query::Step>) -> StoreError {
    let fixture = with(&library()).await;
    write(
        &fixture.store,
        vec![
            insert("shelves", &[("name", text("low"))], &[]),
            insert(
                "books",
                &[("title", text("One")), ("isbn", text("1")), ("shelf_id", Value::Integer(1))],
                &[],
            ),
        ],
    )
    .await
    .expect("two rows");
    write(&fixture.store, steps).await.expect_err("a refusal")
}

async fn a_row_is_written_and_read_back() {
    let fixture = with(&library()).await;
    let outputs = [output("id", SERIAL), output("title", varchar(20))];
    let step = insert("books", &[("title", text("A \"quoted\" title"))], &outputs);
    let outcome = fixture.store.write(vec![step]).await.expect("written");
    let row = br#"{"id":1,"title":"A \"quoted\" title"}"#;
    assert_eq!(outcome[0].rows.json, row);
    let key = Expression::column("id").equals(Value::Integer(1));
    let read = fixture.store.select(&select("books", &outputs, key)).await.expect("read");
    assert_eq!(read.row(0), Some(&row[..]));
    assert_eq!(fixture.store.count("books", &Expression::Always(true)).await.expect("count"), 1);
}

async fn a_duplicate_names_its_columns() {
    let error =
        refusal(vec![insert("books", &[("title", text("Two")), ("isbn", text("1"))], &[])]).await;
    assert!(
        matches!(&error, StoreError::Unique { table, columns } if table == "books" && columns == &["isbn"]),
        "{error:?}"
    );
}

async fn a_missing_value_names_its_column() {
    let error = refusal(vec![insert("books", &[("isbn", text("2"))], &[])]).await;
    assert!(matches!(&error, StoreError::NotNull { column, .. } if column == "title"), "{error:?}");
}

async fn a_broken_check_is_named() {
    let values = [("title", text("Two")), ("copies", Value::Integer(-1))];
    let error = refusal(vec![insert("books", &values, &[])]).await;
    assert!(
        matches!(&error, StoreError::Check { table, constraint } if table == "books" && constraint == "copies_not_negative"),
        "{error:?}"
    );
}

async fn a_value_too_long_names_its_column() {
    let error = refusal(vec![insert("books", &[("title", text(&"x".repeat(21)))], &[])]).await;
    assert!(
        matches!(&error, StoreError::Value { column: Some(column), .. } if column == "title"),
        "{error:?}"
    );
}

async fn a_missing_parent_names_the_referring_column() {
    let values = [("title", text("Two")), ("shelf_id", Value::Integer(9))];
    let error = refusal(vec![insert("books", &values, &[])]).await;
    assert!(
        matches!(&error, StoreError::ForeignKey { table, columns, missing: true } if table == "books" && columns == &["shelf_id"]),
        "{error:?}"
    );
}

async fn a_row_still_referred_to_names_who_refers() {
    let error = refusal(vec![delete("shelves", Expression::Always(true))]).await;
    assert!(
        matches!(&error, StoreError::ForeignKey { table, columns, missing: false } if table == "books" && columns == &["shelf_id"]),
        "{error:?}"
    );
}

async fn a_refused_step_undoes_the_steps_before_it() {
    let fixture = with(&library()).await;
    let steps = vec![
        insert("books", &[("title", text("kept?"))], &[]),
        insert("books", &[("isbn", text("no title"))], &[]),
    ];
    write(&fixture.store, steps).await.expect_err("no title");
    assert_eq!(fixture.store.count("books", &Expression::Always(true)).await.expect("count"), 0);
}

async fn a_requirement_that_is_not_met_refuses_the_write() {
    let require = store::query::Step::Require {
        table: "shelves".into(),
        condition: Expression::column("id").equals(Value::Integer(7)),
        exists: true,
        refusal: 42,
    };
    let error = refusal(vec![require, insert("books", &[("title", text("Two"))], &[])]).await;
    assert!(matches!(error, StoreError::Refused { refusal: 42 }), "{error:?}");
}

async fn nested_rows_come_inside_their_row() {
    let fixture = with(&library()).await;
    write(
        &fixture.store,
        vec![
            insert("shelves", &[("name", text("low"))], &[]),
            insert("shelves", &[("name", text("high"))], &[]),
            insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(1))], &[]),
            insert("books", &[("title", text("B")), ("shelf_id", Value::Integer(1))], &[]),
            insert("books", &[("title", text("C"))], &[]),
        ],
    )
    .await
    .expect("rows");
    let title = [output("title", TEXT)];
    let name = [output("name", TEXT)];
    let always = Expression::Always(true);
    let mut shelves = select("shelves", &name, always.clone());
    let mut books = select("books", &title, always.clone());
    books.order = vec![(Expression::column("title"), true)];
    shelves.nested = vec![Nested {
        name: "books".into(),
        outer_column: "id".into(),
        inner_column: "shelf_id".into(),
        many: true,
        select: books,
    }];
    assert_eq!(
        json(&fixture.store, &shelves).await,
        r#"[{"name":"low","books":[{"title":"B"},{"title":"A"}]},{"name":"high","books":[]}]"#
    );
    let mut books = select("books", &title, always.clone());
    books.nested = vec![Nested {
        name: "shelf".into(),
        outer_column: "shelf_id".into(),
        inner_column: "id".into(),
        many: false,
        select: select("shelves", &name, always),
    }];
    books.order = vec![(Expression::column("id"), false)];
    books.offset = 1;
    books.limit = Some(5);
    assert_eq!(
        json(&fixture.store, &books).await,
        r#"[{"title":"B","shelf":{"name":"low"}},{"title":"C","shelf":null}]"#
    );
}

async fn nulls_come_last_ascending_and_first_descending() {
    let fixture = with(&library()).await;
    let book = |title: &str, isbn: Option<&str>| {
        let isbn = isbn.map_or(Value::Null, text);
        insert("books", &[("title", text(title)), ("isbn", isbn)], &[])
    };
    write(&fixture.store, vec![book("N", None), book("B", Some("2")), book("A", Some("1"))])
        .await
        .expect("rows");
    let mut books = select("books", &[output("title", TEXT)], Expression::Always(true));
    books.order = vec![(Expression::column("isbn"), false)];
    assert_eq!(
        json(&fixture.store, &books).await,
        r#"[{"title":"A"},{"title":"B"},{"title":"N"}]"#
    );
    books.order = vec![(Expression::column("isbn"), true)];
    assert_eq!(
        json(&fixture.store, &books).await,
        r#"[{"title":"N"},{"title":"B"},{"title":"A"}]"#
    );
}

async fn an_exists_rule_looks_at_the_row_around_it() {
    let fixture = with(&library()).await;
    write(
        &fixture.store,
        vec![
            insert("shelves", &[("name", text("low"))], &[]),
            insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(1))], &[]),
            insert("books", &[("title", text("B"))], &[]),
        ],
    )
    .await
    .expect("rows");
    let rule = Expression::Exists {
        table: "shelves".to_owned(),
        condition: Box::new(
            Expression::column("id")
                .equals(Expression::Outer("shelf_id".to_owned()))
                .and(Expression::column("name").binary(Operator::ILike, text("LO%").into())),
        ),
    };
    let seen = select("books", &[output("title", TEXT)], rule);
    assert_eq!(json(&fixture.store, &seen).await, r#"[{"title":"A"}]"#);
}

async fn removing_a_parent_follows_its_action() {
    for (action, left) in
        [(ReferentialAction::Cascade, "[]"), (ReferentialAction::SetNull, r#"[{"shelf_id":null}]"#)]
    {
        let mut wished = library();
        wished.tables[1].foreign_keys[0].on_delete = action;
        let fixture = with(&wished).await;
        write(
            &fixture.store,
            vec![
                insert("shelves", &[("name", text("low"))], &[]),
                insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(1))], &[]),
                delete("shelves", Expression::Always(true)),
            ],
        )
        .await
        .expect("written");
        let outputs = [output("shelf_id", INTEGER)];
        let books = select("books", &outputs, Expression::Always(true));
        assert_eq!(json(&fixture.store, &books).await, left);
    }
}

async fn a_key_to_columns_that_are_not_unique_is_reported_and_the_table_served() {
    let mut wished = library();
    wished.tables[1].foreign_keys[0].referred = vec!["name".to_owned()];
    let fixture = empty().await;
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(plan.steps[0].needs.as_deref(), Some("shelves(name) is not unique"));
    let values = [("title", text("A")), ("shelf_id", Value::Integer(9))];
    write(&fixture.store, vec![insert("books", &values, &[])]).await.expect("nothing refuses it");
}

async fn a_page_far_behind_has_the_rows_that_are_there() {
    let fixture = with(&library()).await;
    // Seven books of each number of copies: ties that pages cut through.
    let book = |number: i64| {
        let copies = Value::Integer(number * 37 % 1000 / 7);
        insert("books", &[("title", text(&number.to_string())), ("copies", copies)], &[])
    };
    write(&fixture.store, (0..1000).map(book).collect()).await.expect("rows");
    let key = || Expression::column("id");
    let some = key().binary(Operator::NotEqual, Value::Integer(500).into());
    for (condition, descends) in [(Expression::Always(true), true), (some, false)] {
        let mut books = select("books", &[output("id", SERIAL)], condition);
        books.order = vec![(Expression::column("copies"), descends), (key(), !descends)];
        books.limit = Some(2000);
        let all = fixture.store.select(&books).await.expect("all");
        for (offset, limit) in [(199, 5), (200, 5), (203, 20), (640, 200), (990, 20), (5000, 20)] {
            (books.offset, books.limit) = (offset, Some(limit));
            let page = fixture.store.select(&books).await.expect("a page");
            let wanted = (offset..offset + limit).map_while(|row| all.row(row as usize));
            let wanted: Vec<_> = wanted.collect();
            let found: Vec<_> = (0..page.len()).map_while(|row| page.row(row)).collect();
            assert_eq!(found, wanted, "{limit} after {offset}");
        }
    }
}

async fn rows_of_different_shapes_are_written_beside_each_other() {
    let fixture = with(&library()).await;
    let step = |number: i64| {
        let title = ("title", text(&number.to_string()));
        let isbn = ("isbn", if number % 3 == 0 { Value::Null } else { text(&number.to_string()) });
        match number % 5 {
            0 => insert("books", &[title, ("id", Value::Null)], &[]),
            1 => insert("books", &[title, ("id", Value::Integer(10_000 * number))], &[]),
            2 => insert("books", &[title, isbn, ("copies", Value::Integer(-1))], &[]),
            _ => insert("books", &[title, isbn], &[]),
        }
    };
    let writes = (0..100).map(|number| write(&fixture.store, vec![step(number)]));
    for (number, written) in futures_util::future::join_all(writes).await.iter().enumerate() {
        assert_eq!(written.is_ok(), number % 5 != 2, "{number}: {written:?}");
    }
    assert_eq!(fixture.store.count("books", &Expression::Always(true)).await.expect("count"), 80);
}

async fn reads_that_meet_are_answered_as_each_would_be_alone() {
    let fixture = with(&library()).await;
    let book = |number: i64| {
        let copies = Value::Integer(number % 4);
        insert("books", &[("title", text(&format!("{} $1", number % 50))), ("copies", copies)], &[])
    };
    write(&fixture.store, (0..100).map(book).collect()).await.expect("rows");
    let outputs = [output("id", SERIAL), output("title", varchar(20))];
    let shape = select("books", &outputs, Expression::Always(true));
    let read = |number: i64| {
        let mut read = shape.clone();
        read.limit = Some(1);
        let column = Expression::column;
        let title = || column("title").equals(text(&format!("{} $1", number % 60)));
        read.condition = match number % 6 {
            0 => column("id").equals(Value::Integer(number)),
            1 => title(),
            // Some of these divide by zero.
            2 => column("id").binary(
                Operator::Equal,
                Expression::Value(Value::Integer(90))
                    .binary(Operator::Divide, Value::Integer(number % 5).into()),
            ),
            _ => Expression::Always(true),
        };
        if number % 6 > 2 {
            read.order = vec![(column("copies"), true), (column("id"), number % 2 == 0)];
            read.limit = [Some(3), Some(7), None][(number % 3) as usize];
            read.offset = (number % 4 / 3) as u64;
        } else if number % 6 == 1 {
            read.order = vec![(column("id"), true)];
            read.limit = Some(2);
        }
        read
    };
    let reads: Vec<_> = (0..300).map(read).collect();
    let mut alone = Vec::new();
    for read in &reads {
        alone.push(format!("{:?}", fixture.store.select(read).await));
    }
    for _ in 0..3 {
        let met = reads.iter().map(|read| fixture.store.select(read));
        let met = futures_util::future::join_all(met).await;
        for ((read, met), alone) in reads.iter().zip(met).zip(&alone) {
            assert_eq!(&format!("{met:?}"), alone, "{:?} {:?}", read.condition, read.order);
        }
    }
}

both_stores! {
    reads_that_meet_are_answered_as_each_would_be_alone,
    a_page_far_behind_has_the_rows_that_are_there,
    rows_of_different_shapes_are_written_beside_each_other,
    a_row_is_written_and_read_back,
    a_duplicate_names_its_columns,
    a_missing_value_names_its_column,
    a_broken_check_is_named,
    a_value_too_long_names_its_column,
    a_missing_parent_names_the_referring_column,
    a_row_still_referred_to_names_who_refers,
    a_refused_step_undoes_the_steps_before_it,
    a_requirement_that_is_not_met_refuses_the_write,
    nested_rows_come_inside_their_row,
    nulls_come_last_ascending_and_first_descending,
    an_exists_rule_looks_at_the_row_around_it,
    removing_a_parent_follows_its_action,
    a_key_to_columns_that_are_not_unique_is_reported_and_the_table_served,
}
