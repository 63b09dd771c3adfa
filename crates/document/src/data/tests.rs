//! Tests of the data chapter on documents written for them.

use super::*;
use crate::{Compiled, Sources, compile, expression::Literal};

fn compiled(text: &str) -> Compiled {
    compile(Sources::single("a.md", text))
}

fn sql(statements: &str) -> Compiled {
    compiled(&format!("# A\n\n## Database\n\n```sql\n{statements}\n```\n"))
}

/// The codes that a script gives, with the text at each place.
fn found(compiled: &Compiled) -> Vec<String> {
    let text = |span| compiled.sources.text(span).lines().next().unwrap_or("").to_owned();
    let own = compiled.diagnostics.iter().filter(|d| d.code.code.starts_with('D'));
    own.map(|d| format!("{} {}", d.code.code, text(d.span))).collect()
}

fn check(statements: &str, expected: &[&str]) {
    assert_eq!(found(&sql(statements)), expected, "{statements}");
}

fn column(compiled: &Compiled, table: &str, name: &str) -> Column {
    let table = compiled.system.data.table(table).expect("the table");
    table.column(name).expect("the column").clone()
}

#[test]
fn a_table_has_its_columns_keys_and_defaults() {
    let compiled = sql(
        "CREATE TABLE ships (\n  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),\n  name VARCHAR(80) \
         NOT NULL UNIQUE,\n  tons NUMERIC(10, 2) DEFAULT 0,\n  afloat BOOLEAN DEFAULT 1,\n  \
         updated_at TIMESTAMPTZ DEFAULT NOW(),\n  built TIMESTAMP WITH TIME ZONE\n);",
    );
    assert_eq!(found(&compiled), [""; 0]);
    let table = compiled.system.data.table("ships").expect("ships");
    assert_eq!(table.primary_key, ["id"]);
    assert_eq!(table.unique_keys[0].columns, ["name"]);
    assert_eq!(column(&compiled, "ships", "id").default, Some(DefaultValue::RandomUuid));
    assert_eq!(column(&compiled, "ships", "name").kind, ColumnType::Text { length_max: Some(80) });
    assert_eq!(
        column(&compiled, "ships", "afloat").default,
        Some(DefaultValue::Literal { literal: Literal::Boolean(true) })
    );
    assert!(column(&compiled, "ships", "updated_at").touched_on_update);
    assert_eq!(column(&compiled, "ships", "built").kind, ColumnType::Timestamp { zoned: true });
}

#[test]
fn columns_may_be_named_like_keywords() {
    let compiled = sql(
        "CREATE TABLE logs (id BIGSERIAL PRIMARY KEY, timestamp TIMESTAMPTZ, date DATE, level \
         TEXT, position INT, key TEXT, comment TEXT, index INTEGER, year INT, check_in DATE);",
    );
    assert_eq!(found(&compiled), [""; 0]);
    assert_eq!(compiled.system.data.tables[0].columns.len(), 10);
}

#[test]
fn idioms_of_other_systems_are_read() {
    let compiled =
        sql("CREATE TABLE `a` (\n  `id` INT UNSIGNED NOT NULL AUTO_INCREMENT,\n  `state` \
         ENUM('on','off') DEFAULT 'on' COMMENT 'the, state',\n  at DATETIME DEFAULT \
         CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,\n  flag TINYINT(1) DEFAULT 0,\n  PRIMARY \
         KEY (`id`),\n  KEY idx_at (at DESC),\n  FULLTEXT INDEX ft (state),\n) ENGINE=InnoDB \
         DEFAULT CHARSET=utf8mb4;\nCREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT \
         DEFAULT (datetime('now')));");
    assert_eq!(found(&compiled), [""; 0]);
    assert_eq!(column(&compiled, "a", "id").kind, ColumnType::Serial { bits: 64 });
    assert_eq!(column(&compiled, "a", "state").kind, ColumnType::Enum { name: "a_state".into() });
    assert!(column(&compiled, "a", "at").touched_on_update);
    assert_eq!(compiled.system.data.table("a").expect("a").indexes.len(), 2);
    assert_eq!(column(&compiled, "b", "at").default, Some(DefaultValue::Now));
    assert_eq!(column(&compiled, "b", "id").kind, ColumnType::Serial { bits: 32 });
}

#[test]
fn one_bad_statement_or_column_never_takes_the_rest_along() {
    let compiled = sql(
        "CREATE TABEL a (id INT PRIMARY KEY);\nCREATE TABLE b (id INT PRIMARY KEY, , name TEXT \
         NOT NUL, at DATE);\nCREATE TABLE c (id INT PRIMARY KEY",
    );
    assert_eq!(found(&compiled), ["D004 TABEL", "D002 ,", "D002 NUL", "D001 c"]);
    assert_eq!(compiled.system.data.table("b").expect("b").columns.len(), 3);
    assert!(compiled.system.data.table("c").is_some());
}

#[test]
fn a_missing_comma_is_one_diagnostic_and_both_columns_stand() {
    let compiled = sql("CREATE TABLE a (\n  id INT PRIMARY KEY\n  name TEXT NOT NULL\n);");
    assert_eq!(found(&compiled), ["D002 name"]);
    assert_eq!(compiled.system.data.tables[0].columns.len(), 2);
}

#[test]
fn order_means_nothing() {
    check(
        "CREATE INDEX i ON crews (ship_id);\nCREATE TABLE crews (id UUID PRIMARY KEY, ship_id UUID \
         REFERENCES ships(id), state crew_state);\nCREATE TABLE ships (id UUID PRIMARY KEY);\n\
         CREATE TYPE crew_state AS ENUM ('ready', 'away');",
        &[],
    );
}

#[test]
fn unknown_names_are_found_where_they_stand() {
    check(
        "CREATE TABLE a (id INT PRIMARY KEY, kind a_kind, UNIQUE (title), b_id INT REFERENCES \
         zebras(id));\nCREATE INDEX i ON a (colour);\nCREATE INDEX j ON elsewhere (x);",
        &["D007 a_kind", "D006 title", "D010 zebras", "D006 colour", "D005 elsewhere"],
    );
}

#[test]
fn a_column_without_type_is_reported_once_for_its_table() {
    check("CREATE TABLE a (id, name, at DATE, PRIMARY KEY (id));", &["D003 id"]);
}

#[test]
fn keys_are_compared_with_what_they_refer_to() {
    check(
        "CREATE TABLE a (id UUID PRIMARY KEY);\nCREATE TABLE b (id INT PRIMARY KEY, a_id INT \
         REFERENCES a(id));\nCREATE TABLE c (x TEXT);",
        &["D011 REFERENCES a(id)", "D012 c"],
    );
}

#[test]
fn a_repeated_table_is_an_error_only_where_it_disagrees() {
    check(
        "CREATE TABLE a (id INT PRIMARY KEY, x TEXT);\nCREATE TABLE a (id INT PRIMARY KEY, y TEXT);",
        &["D008 a"],
    );
    let excerpt =
        sql("CREATE TABLE a (id INT PRIMARY KEY, x TEXT);\nCREATE TABLE a (id INT PRIMARY KEY);");
    let level = excerpt.diagnostics.iter().find(|d| d.code.code == "D008").map(|d| d.level);
    assert_eq!(level, Some(crate::Level::Info));
    assert_eq!(excerpt.system.data.tables[0].columns.len(), 2);
    check("CREATE TABLE a (id INT PRIMARY KEY, x TEXT, x INT);", &["D009 x"]);
}

#[test]
fn an_index_that_a_unique_key_makes_is_redundant() {
    check(
        "CREATE TABLE a (id INT PRIMARY KEY, x TEXT UNIQUE);\nCREATE INDEX i ON a (x);\nCREATE \
         INDEX j ON a (x) WHERE x IS NOT NULL;",
        &["D013 i"],
    );
}

#[test]
fn values_come_from_checks_and_from_closed_comments() {
    let compiled = sql(
        "CREATE TABLE a (\n  id INT PRIMARY KEY,\n  state TEXT DEFAULT 'on', -- on, off\n  role \
         TEXT, -- e.g. admin, clerk\n  size TEXT CHECK (size IN ('s', 'l'))\n);",
    );
    assert_eq!(found(&compiled), ["D015 -- on, off"]);
    let data = &compiled.system.data;
    assert_eq!(data.enumeration("a_state").expect("a_state").values, ["on", "off"]);
    assert_eq!(data.enumeration("a_size").expect("a_size").values, ["s", "l"]);
    assert_eq!(data.table("a").expect("a").checks.len(), 2);
}

#[test]
fn rows_that_may_not_be_together_are_understood() {
    let compiled = sql("CREATE TABLE stays (\n  id INT PRIMARY KEY,\n  room INT,\n  \
         during TSTZRANGE,\n  CONSTRAINT once EXCLUDE USING gist (room WITH =, during WITH &&)\n);\n\
         CREATE TABLE trips (\n  id INT PRIMARY KEY,\n  begins DATE,\n  ends DATE,\n  open \
         BOOLEAN\n);\nALTER TABLE trips ADD CONSTRAINT alone EXCLUDE USING gist \
         (daterange(begins, ends, '[]') WITH &&) WHERE (open);\nALTER TABLE trips RENAME COLUMN \
         ends TO until;");
    assert_eq!(found(&compiled), [""; 0]);
    let data = &compiled.system.data;
    let stays = &data.table("stays").expect("stays").exclusions[0];
    assert_eq!(stays.equal, ["room"]);
    assert_eq!(stays.overlapping, [Range::Column { column: "during".to_owned() }]);
    let trips = &data.table("trips").expect("trips").exclusions[0];
    assert_eq!(trips.range_columns().collect::<Vec<_>>(), ["begins", "until"]);
    assert!(trips.condition.is_some());
    check(
        "CREATE TABLE a (id INT PRIMARY KEY, EXCLUDE USING gist (rooom WITH =));",
        &["D006 rooom"],
    );
    check(
        "CREATE TABLE a (id INT PRIMARY KEY, c CIRCLE, EXCLUDE USING gist (c WITH -|-));",
        &["D026 CIRCLE", "D017 EXCLUDE USING gist (c WITH -|-)"],
    );
}

#[test]
fn sentences_beside_the_ddl_permit_renames_and_drops() {
    let compiled =
        sql("-- renamed from boats\nCREATE TABLE ships (\n  id INT PRIMARY KEY,\n  name TEXT, -- \
         renamed from title\n  -- dropped colour 2026-11-20: nobody used it\n  at DATE\n);\n-- \
         dropped table rafts 2026-11-20: sold");
    assert_eq!(found(&compiled), [""; 0]);
    let data = &compiled.system.data;
    let ships = data.table("ships").expect("ships");
    assert_eq!(ships.renamed_from.as_deref(), Some("boats"));
    assert_eq!(ships.column("name").expect("name").renamed_from.as_deref(), Some("title"));
    let drops: Vec<_> =
        data.drops.iter().map(|d| (d.table.as_str(), d.column.as_deref())).collect();
    assert_eq!(drops, [("ships", Some("colour")), ("rafts", None)]);
}

#[test]
fn what_a_template_leaves_unfilled_is_not_declared() {
    let compiled =
        sql("CREATE TABLE [table_name] (\n  id UUID PRIMARY KEY,\n  [field_name] [data_type] \
         [constraints]\n);\nCREATE INDEX idx_[table]_[field] ON [table_name] ([field_name]);");
    assert_eq!(found(&compiled), ["D018 [table_name]"]);
    assert!(compiled.system.data.tables.is_empty());
}

#[test]
fn changes_are_applied() {
    let compiled = sql(
        "ALTER TABLE a ADD COLUMN x INT NOT NULL DEFAULT 1, ADD CONSTRAINT u UNIQUE (x);\nALTER \
         TABLE a RENAME COLUMN y TO z;\nCREATE TABLE a (id INT PRIMARY KEY, y TEXT);\nALTER TABLE a \
         ALTER COLUMN z TYPE VARCHAR(9) USING z::text;\nCOMMENT ON COLUMN a.x IS 'it''s x';",
    );
    assert_eq!(found(&compiled), [""; 0]);
    assert_eq!(column(&compiled, "a", "x").comment.as_deref(), Some("it's x"));
    assert_eq!(column(&compiled, "a", "z").kind, ColumnType::Text { length_max: Some(9) });
    assert_eq!(compiled.system.data.tables[0].unique_keys[0].columns, ["x"]);
}

#[test]
fn procedural_code_is_reported_once_and_hides_nothing() {
    let compiled = sql(
        "CREATE FUNCTION f() RETURNS trigger AS $ BEGIN x; RETURN NEW; END; $ LANGUAGE plpgsql;\n\
         CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW BEGIN UPDATE a SET x = 1; END;\nCREATE \
         TABLE a (id INT PRIMARY KEY);",
    );
    assert_eq!(
        found(&compiled),
        [
            "D016 CREATE FUNCTION f() RETURNS trigger AS $ BEGIN x; RETURN NEW; END; $ LANGUAGE plpgsql"
        ]
    );
    assert!(compiled.system.data.table("a").is_some());
}

#[test]
fn a_trigger_that_keeps_updated_at_moving_is_understood() {
    check(
        "CREATE FUNCTION touch() RETURNS trigger AS $$\nBEGIN NEW.updated_at = NOW(); RETURN NEW; \
         END;\n$$ LANGUAGE plpgsql;\nCREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION \
         touch();\nCREATE TABLE a (id INT PRIMARY KEY, updated_at TIMESTAMPTZ);",
        &[],
    );
}

#[test]
fn words_of_rarer_systems_give_no_errors() {
    check(
        "CREATE TABLE a (id uuid, day date, tags set<text>, n counter, PRIMARY KEY ((id, day), \
         tags));\nCREATE TABLE b (id UInt64, kind Enum8('x' = 1, 'y' = 2), v LowCardinality(String), \
         INDEX i v TYPE minmax GRANULARITY 4, PRIMARY KEY (id)) ENGINE = MergeTree ORDER BY \
         id;\nCREATE TABLE d (id NUMBER(10) PRIMARY KEY, n VARCHAR2(50 \
         CHAR), at DATE DEFAULT SYSDATE);\nCREATE TABLE e (id INTEGER PRIMARY KEY, s TEXT DEFAULT \
         \"on\" CHECK (s IN (\"on\", \"off\")));",
        &[],
    );
    check(
        "CREATE TABLE [dbo].[c] ([Id] INT IDENTITY(1,1) PRIMARY KEY, [Name] NVARCHAR(MAX) NULL, \
         At DATETIME2 DEFAULT GETDATE());",
        &[],
    );
}

#[test]
fn sql_is_found_in_fences_of_any_label_and_in_lists() {
    let compiled = compiled(
        "# A\n\n- item:\n  ```\n  some words\n  CREATE TABLE a (\n    id INT PRIMARY KEY, b TXT\n  \
         );\n  ```\n",
    );
    assert_eq!(found(&compiled), ["D007 TXT"]);
}

#[test]
fn other_forms_declare_tables_where_no_sql_does() {
    let compiled = compiled(
        "# A\n\n## Data Model\n\n```mermaid\nerDiagram\n  SHIP ||--o{ CREW_MEMBER : carries\n  SHIP {\n    \
         string id PK\n    string name \"required\"\n    timestamp createdAt\n  }\n  CREW_MEMBER {\n    \
         int id PK\n    string ship_id FK\n  }\n```\n\n### `ports`\n\n| Column | Type | Constraints |\n\
         |---|---|---|\n| id | UUID | PK |\n| name | VARCHAR(80) | NOT NULL, unique |\n| state | enum \
         `open, shut` | default open |\n\n### Cargo\n\n- **id**: uuid\n- **label**: string, required\n- \
         **shipId**: uuid\n",
    );
    assert_eq!(found(&compiled), [""; 0]);
    let data = &compiled.system.data;
    let names: Vec<&str> = data.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["ships", "crew_members", "ports", "cargos"]);
    assert_eq!(column(&compiled, "ships", "id").default, Some(DefaultValue::RandomUuid));
    assert_eq!(column(&compiled, "ships", "created_at").default, Some(DefaultValue::Now));
    assert!(!column(&compiled, "ships", "name").nullable);
    assert_eq!(column(&compiled, "crew_members", "ship_id").kind, ColumnType::Uuid);
    assert_eq!(data.table("crew_members").expect("crew").foreign_keys[0].table, "ships");
    assert_eq!(data.table("ports").expect("ports").unique_keys[0].columns, ["name"]);
    assert_eq!(
        column(&compiled, "ports", "state").kind,
        ColumnType::Enum { name: "ports_state".to_owned() }
    );
}

#[test]
fn an_interface_declares_what_is_stored_and_no_message() {
    let compiled = compiled(
        "# A\n\n## Data Models\n\n```typescript\ntype Rank = 'mate' | 'captain';\n\ninterface Sailor {\n  \
         id: string; // UUID\n  rank: Rank;\n  nickName?: string;\n  address: {\n    street: string;\n  };\n  \
         ships: Ship[];\n  createdAt: Date;\n}\n\ninterface CreateSailorRequest {\n  id: string;\n  name: \
         string;\n}\n```\n",
    );
    assert_eq!(found(&compiled), [""; 0]);
    let data = &compiled.system.data;
    assert_eq!(data.tables.len(), 1);
    let names: Vec<&str> = data.tables[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["id", "rank", "nick_name", "address", "created_at"]);
    assert_eq!(data.enumeration("sailors_rank").expect("rank").values, ["mate", "captain"]);
    assert_eq!(column(&compiled, "sailors", "address").kind, ColumnType::Json);
    assert!(column(&compiled, "sailors", "nick_name").nullable);
}

#[test]
fn a_json_sketch_declares_a_table_under_its_name() {
    let compiled = compiled(
        "# A\n\n## Data Model\n\n**Ship**\n\n```json\n{\n  \"id\": \"uuid\",\n  \"name\": \"string, \
         unique\",\n  \"tons\": \"number\"\n}\n```\n",
    );
    assert_eq!(found(&compiled), [""; 0]);
    assert_eq!(compiled.system.data.tables[0].name, "ships");
    assert_eq!(compiled.system.data.tables[0].unique_keys.len(), 1);
}

#[test]
fn other_forms_are_checked_against_sql() {
    let compiled = compiled(
        "# A\n\n## Data Model\n\n```mermaid\nerDiagram\n  USERS ||--o{ POSTS : writes\n  USERS {\n    uuid id \
         PK\n    string password\n    boolean email\n    timestamp createdAt\n  }\n  TAGS {\n    uuid id \
         PK\n  }\n  a b c d\n```\n\n```sql\nCREATE TABLE users (id UUID PRIMARY KEY, email TEXT, \
         password_hash TEXT, created_at TIMESTAMPTZ);\n```\n\n- Index on (email)\n- Composite index on \
         (email, colour)\n\n### Relationships\n\n- User → Team: belongs to one\n- Data → insight: as \
         usual\n",
    );
    assert_eq!(
        found(&compiled),
        [
            "D023 POSTS",
            "D021 password",
            "D022 boolean",
            "D020 TAGS",
            "D024 a b c d",
            "D006 colour",
            "D023 Team"
        ]
    );
    assert_eq!(compiled.system.data.table("users").expect("users").indexes.len(), 1);
}

#[test]
fn hostile_scripts_end_soon() {
    for piece in ["(", "CREATE TABLE a(b int);", "'", "[", "$", "a+", "-- x\n", "CHECK ((", "\"\n"]
    {
        let text = piece.repeat(4_000);
        let _ = sql(&format!("CREATE TABLE t (id INT CHECK ({text}"));
        let _ = sql(&text);
    }
}
