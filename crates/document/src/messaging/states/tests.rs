//! Tests of state machines over documents with hand-built tables.

use crate::{
    Ledger,
    compile::Reading,
    data::{ColumnType, Data, DefaultValue, EnumType, Form, Table},
    expression::Literal,
    messaging::{StateMachine, read},
    outline::Outline,
    source::Sources,
    system::System,
};

fn table(name: &str, column: &str, kind: ColumnType, default: Option<&str>) -> Table {
    let mut found: Table = crate::security::tests::table(name, "");
    let mut state = crate::security::tests::column(column, kind);
    state.default =
        default.map(|text| DefaultValue::Literal { literal: Literal::Text(text.to_owned()) });
    found.columns.push(state);
    found.form = Form::Sql;
    found
}

/// `orders.status` takes these values, starting with the first one.
fn orders(values: &[&str]) -> Data {
    let kind = ColumnType::Enum { name: "order_status".to_owned() };
    Data {
        tables: vec![table("orders", "status", kind, values.first().copied())],
        enums: vec![EnumType {
            name: "order_status".to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
            declared: true,
            span: crate::Span::default(),
        }],
        ..Data::default()
    }
}

fn machines(text: &str, data: Data) -> (Vec<StateMachine>, Vec<&'static str>) {
    let sources = Sources::single("a.md", text);
    let outline = Outline::of(&sources);
    let mut reading = Reading {
        sources: &sources,
        outline: &outline,
        ledger: Ledger::default(),
        diagnostics: Vec::new(),
    };
    let mut system = System { data, ..System::default() };
    read(&mut reading, &mut system);
    let codes = reading.diagnostics.iter().map(|diagnostic| diagnostic.code.code).collect();
    (system.messaging.machines, codes)
}

fn moves(machine: &StateMachine) -> Vec<String> {
    machine.transitions.iter().map(|found| format!("{}>{}", found.from, found.to)).collect()
}

const DIAGRAM: &str = "\
## Order lifecycle

```mermaid
stateDiagram-v2
    [*] --> PENDING: order placed
    PENDING --> PAID: Payment Confirmed
    PENDING --> CANCELLED: Customer Cancels
    PAID --> SHIPPED: ship()
    note right of PAID
        --> this is a note
    end note
    SHIPPED --> [*]
```
";

#[test]
fn a_diagram_becomes_the_machine_of_its_column() {
    let (machines, codes) = machines(DIAGRAM, orders(&["pending", "paid", "shipped", "cancelled"]));
    assert_eq!(codes, [] as [&str; 0]);
    let machine = &machines[0];
    assert_eq!(moves(machine), ["pending>paid", "pending>cancelled", "paid>shipped"]);
    assert_eq!(machine.initial.as_deref(), Some("pending"));
    assert_eq!(machine.terminal, ["shipped", "cancelled"]);
    let actions: Vec<_> =
        machine.transitions.iter().filter_map(|found| found.action.as_deref()).collect();
    assert_eq!(actions, ["pay", "cancel", "ship"]);
}

#[test]
fn a_word_of_a_path_finds_its_move() {
    let (machines, _) = machines(DIAGRAM, orders(&["pending", "paid", "shipped", "cancelled"]));
    for (word, to) in
        [("cancel", "cancelled"), ("pay", "paid"), ("ship", "shipped"), ("confirm", "paid")]
    {
        let found = machines[0].transition_for(word).map(|found| found.to.as_str());
        assert_eq!(found, Some(to), "{word}");
    }
    assert!(machines[0].transition_for("refund").is_none());
}

#[test]
fn a_value_list_is_a_machine_without_moves() {
    let (machines, codes) = machines("", orders(&["open", "closed"]));
    assert_eq!((machines[0].states.len(), machines[0].transitions.len()), (2, 0));
    assert_eq!(codes, [] as [&str; 0]);
}

#[test]
fn a_table_of_moves_names_who() {
    let text = "\
## Status transitions

| From | To | Trigger | Who |
| --- | --- | --- | --- |
| (new) | draft | | |
| draft | review, dropped | submit | Author |
| review | published | publish | Editor |
";
    let (machines, codes) = machines(text, orders(&["draft", "review", "published", "dropped"]));
    assert_eq!(codes, [] as [&str; 0]);
    assert_eq!(moves(&machines[0]), ["draft>review", "draft>dropped", "review>published"]);
    assert_eq!(machines[0].transitions[2].roles, ["Editor"]);
}

#[test]
fn allowed_next_states_may_be_terminal() {
    let text = "\
| Current State | Allowed Next States |
| --- | --- |
| `OPEN` | `DONE`, `LOST` |
| `DONE` | *(terminal)* |
";
    let (machines, _) = machines(text, orders(&["OPEN", "DONE", "LOST"]));
    assert_eq!(moves(&machines[0]), ["OPEN>DONE", "OPEN>LOST"]);
}

#[test]
fn arrows_in_bullets_and_fences_are_chains() {
    let values = ["open", "busy", "done", "failed"];
    for text in [
        "- Order: `open → busy → done | failed`\n",
        "```\nopen -> busy -> done\nbusy -> failed\n```\n",
        "- `open` => `busy`: taken by somebody\n- `busy` => `done`\n- `busy` => `failed`\n",
    ] {
        let (machines, codes) = machines(text, orders(&values));
        assert_eq!(moves(&machines[0]), ["open>busy", "busy>done", "busy>failed"], "{text}");
        assert_eq!(codes, [] as [&str; 0], "{text}");
    }
}

#[test]
fn triples_name_their_action() {
    let text = "\
### State Machines

```
Initial State → Action → New State
Open → Finish → Done
     → Give up → Failed
```
";
    let (machines, _) = machines(text, orders(&["open", "done", "failed"]));
    assert_eq!(moves(&machines[0]), ["open>done", "open>failed"]);
    assert_eq!(machines[0].transitions[0].action.as_deref(), Some("finish"));
    assert_eq!(machines[0].transitions[1].action.as_deref(), Some("give_up"));
}

#[test]
fn a_line_whose_middle_is_no_state_is_a_triple() {
    let (machines, _) = machines("- open → finish → done\n", orders(&["open", "done"]));
    assert_eq!(moves(&machines[0]), ["open>done"]);
    assert_eq!(machines[0].transitions[0].action.as_deref(), Some("finish"));
}

#[test]
fn arrows_between_other_things_are_prose() {
    let text = "Browser → Gateway → Service → Database\n\n- open → the door\n";
    let (machines, codes) = machines(text, orders(&["open", "closed"]));
    assert!(machines[0].transitions.is_empty());
    assert_eq!(codes, [] as [&str; 0]);
}

#[test]
fn a_forbidden_move_is_taken_out() {
    let text = "- `open` → `busy` → `done`\n- ❌ `done` → `open`\n";
    let (machines, _) = machines(text, orders(&["open", "busy", "done"]));
    assert_eq!(moves(&machines[0]), ["open>busy", "busy>done"]);
}

#[test]
fn plain_text_columns_are_tied_by_the_heading() {
    let data = Data {
        tables: vec![
            table("tickets", "status", ColumnType::Text { length_max: None }, Some("open")),
            table("invoices", "status", ColumnType::Text { length_max: None }, None),
        ],
        ..Data::default()
    };
    let text = "## Ticket states\n\n```mermaid\nstateDiagram\n[*] --> Open\nOpen --> Closed\n```\n";
    let (machines, codes) = machines(text, data);
    assert_eq!(codes, [] as [&str; 0]);
    assert_eq!(machines.len(), 1);
    assert_eq!(
        (machines[0].table.as_str(), moves(&machines[0])),
        ("tickets", vec!["open>closed".to_owned()])
    );
}

#[test]
fn a_drawing_without_a_column_is_told() {
    let text = "```mermaid\nstateDiagram\n[*] --> Idle\nIdle --> Running\n```\n";
    let (_, codes) = machines(text, orders(&["open", "closed"]));
    assert_eq!(codes, ["M001"]);
}

#[test]
fn states_that_differ_are_told_at_both_places() {
    let text =
        "## Order\n\n```mermaid\nstateDiagram\n[*] --> open\nopen --> busy\nbusy --> gone\n```\n";
    let (_, codes) = machines(text, orders(&["open", "busy", "done"]));
    assert_eq!(codes, ["M002", "M003"]);
}

#[test]
fn states_that_nothing_reaches_are_told() {
    let text = "```mermaid\nstateDiagram\n[*] --> open\nopen --> busy\ndone --> busy\n```\n";
    let (_, codes) = machines(text, orders(&["open", "busy", "done"]));
    assert_eq!(codes, ["M004"]);
}

#[test]
fn a_start_that_differs_from_the_default_is_told() {
    let text = "```mermaid\nstateDiagram\n[*] --> busy\nbusy --> open\n```\n";
    let (_, codes) = machines(text, orders(&["open", "busy"]));
    assert_eq!(codes, ["M005"]);
}

#[test]
fn two_drawings_that_disagree_are_told() {
    let text = "\
```mermaid
stateDiagram
[*] --> open
open --> busy
busy --> done
```

| State | Next states |
| --- | --- |
| open | busy, done |
| busy | done |
";
    let (machines, codes) = machines(text, orders(&["open", "busy", "done"]));
    assert_eq!(codes, ["M006"]);
    assert_eq!(machines[0].transitions.len(), 3);
}
