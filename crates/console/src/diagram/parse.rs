//! Reads the part of Mermaid that documents use: flow charts, state diagrams, entity diagrams.
//! Line by line; a line that is not understood is left out.

use super::{Box, Diagram, Edge, Group, Shape};

/// The diagram in a Mermaid fence; none for kinds that are not drawn.
pub fn parse(text: &str) -> Option<Diagram> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("%%") && *line != "---");
    let head = lines.next()?;
    let mut words = head.split_whitespace();
    let diagram = match words.next()? {
        "graph" | "flowchart" => {
            let direction = words.next().unwrap_or("TB").trim_end_matches(';');
            flow(lines, matches!(direction, "LR" | "RL"))
        }
        "stateDiagram" | "stateDiagram-v2" => states(lines),
        "erDiagram" => entities(lines),
        _ => return None,
    };
    (!diagram.boxes.is_empty() && !diagram.is_too_large()).then_some(diagram)
}

fn flow<'a>(lines: impl Iterator<Item = &'a str>, sideways: bool) -> Diagram {
    let mut diagram = Diagram { sideways, ..Diagram::default() };
    let mut open = Vec::new();
    for line in lines {
        for statement in line.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            flow_statement(&mut diagram, &mut open, statement);
        }
        if diagram.is_too_large() {
            break;
        }
    }
    diagram
}

fn flow_statement(diagram: &mut Diagram, open: &mut Vec<usize>, statement: &str) {
    let first = statement.split_whitespace().next().unwrap_or("");
    match first {
        "subgraph" => {
            let rest = statement["subgraph".len()..].trim();
            let title = rest.split_once('[').map_or(rest, |(_, title)| title.trim_end_matches(']'));
            diagram.groups.push(Group { title: clean(title) });
            open.push(diagram.groups.len() - 1);
        }
        "end" => {
            open.pop();
        }
        "style" | "classDef" | "class" | "click" | "linkStyle" | "direction" => {}
        _ => flow_chain(diagram, open.last().copied(), statement),
    }
}

/// `A[Text] -->|label| B & C --> D`.
fn flow_chain(diagram: &mut Diagram, group: Option<usize>, statement: &str) {
    let mut rest = statement;
    let Some((mut from, after)) = flow_boxes(diagram, group, rest) else { return };
    rest = after;
    while let Some((link, after)) = flow_link(rest) {
        let Some((to, after)) = flow_boxes(diagram, group, after) else { return };
        for &start in &from {
            for &end in &to {
                diagram.edges.push(Edge {
                    from: start,
                    to: end,
                    label: link.label.clone(),
                    dashed: link.dashed,
                    arrow: link.arrow,
                });
            }
        }
        from = to;
        rest = after;
    }
}

fn flow_boxes<'a>(
    diagram: &mut Diagram,
    group: Option<usize>,
    text: &'a str,
) -> Option<(Vec<usize>, &'a str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let (index, after) = flow_box(diagram, group, rest)?;
        found.push(index);
        let after = after.trim_start();
        match after.strip_prefix('&') {
            Some(more) => rest = more,
            None => return Some((found, after)),
        }
    }
}

fn flow_box<'a>(
    diagram: &mut Diagram,
    group: Option<usize>,
    text: &'a str,
) -> Option<(usize, &'a str)> {
    let text = text.trim_start();
    let length = text
        .char_indices()
        .take_while(|&(at, c)| {
            c.is_alphanumeric()
                || c == '_'
                || c == '.'
                || (c == '-' && text[at + 1..].starts_with(char::is_alphanumeric))
        })
        .last()
        .map(|(at, c)| at + c.len_utf8())?;
    let (name, rest) = text.split_at(length);
    let index = diagram.place(name, group);
    const SHAPES: &[(&str, &str, Shape)] = &[
        ("[(", ")]", Shape::Cylinder),
        ("([", "])", Shape::Rounded),
        ("[[", "]]", Shape::Rectangle),
        ("((", "))", Shape::Rounded),
        ("{{", "}}", Shape::Diamond),
        ("[/", "/]", Shape::Rectangle),
        ("[", "]", Shape::Rectangle),
        ("(", ")", Shape::Rounded),
        ("{", "}", Shape::Diamond),
        (">", "]", Shape::Rectangle),
    ];
    for &(open, close, shape) in SHAPES {
        if let Some((title, after)) =
            rest.strip_prefix(open).and_then(|inner| inner.split_once(close))
        {
            if let Some(found) = diagram.boxes.get_mut(index) {
                found.title = clean(title);
                found.shape = shape;
            }
            return Some((index, after));
        }
    }
    let after = rest.split_once(":::").map_or(rest, |(before, class)| {
        if before.is_empty() {
            class.trim_start_matches(|c: char| c.is_alphanumeric())
        } else {
            rest
        }
    });
    Some((index, after))
}

struct Link {
    label: String,
    dashed: bool,
    arrow: bool,
}

/// `-->`, `---`, `-.->`, `==>`, `<-->`, each with `|label|` after it or `-- label` before its end.
fn flow_link(text: &str) -> Option<(Link, &str)> {
    let text = text.trim_start();
    let body = text.trim_start_matches(['<', 'o', 'x']);
    let marks = body.find(|c| !matches!(c, '-' | '=' | '.')).unwrap_or(body.len());
    if marks < 2 {
        return None;
    }
    let (line, rest) = body.split_at(marks);
    let dashed = line.contains('.');
    if let Some(after) = rest.strip_prefix(['>', 'o', 'x']).filter(|_| rest.starts_with('>')) {
        return Some(labelled(after, dashed, true));
    }
    // `-- label -->`
    let close = if line.contains('=') {
        "=="
    } else if dashed {
        ".-"
    } else {
        "--"
    };
    if line.len() == 2
        && let Some((label, after)) = rest.split_once(close)
    {
        let after = after.trim_start_matches(['-', '=', '.']);
        let arrow = after.starts_with('>');
        let link = Link { label: clean(label), dashed, arrow };
        return Some((link, after.trim_start_matches('>')));
    }
    Some(labelled(rest, dashed, false))
}

fn labelled(text: &str, dashed: bool, arrow: bool) -> (Link, &str) {
    match text.trim_start().strip_prefix('|').and_then(|inner| inner.split_once('|')) {
        Some((label, after)) => (Link { label: clean(label), dashed, arrow }, after),
        None => (Link { label: String::new(), dashed, arrow }, text),
    }
}

fn states<'a>(lines: impl Iterator<Item = &'a str>) -> Diagram {
    let mut diagram = Diagram::default();
    let mut in_note = false;
    for line in lines {
        if in_note {
            in_note = line != "end note";
            continue;
        }
        if line.starts_with("note ") {
            in_note = !line.contains(':');
        } else if let Some((from, rest)) = line.split_once("-->") {
            let (to, label) = rest.split_once(':').unwrap_or((rest, ""));
            let from = state(&mut diagram, from.trim(), "[*]>");
            let to = state(&mut diagram, to.trim(), ">[*]");
            diagram.edges.push(Edge { from, to, label: clean(label), dashed: false, arrow: true });
        } else if let Some(("state", rest)) = line.split_once(' ')
            && let Some((title, name)) = rest.split_once(" as ")
        {
            let index = state(&mut diagram, name.trim().trim_end_matches('{').trim(), "");
            if let Some(found) = diagram.boxes.get_mut(index) {
                found.title = clean(title);
            }
        }
        if diagram.is_too_large() {
            break;
        }
    }
    diagram
}

fn state(diagram: &mut Diagram, name: &str, dot: &str) -> usize {
    if name == "[*]" {
        let index = diagram.place(dot, None);
        if let Some(found) = diagram.boxes.get_mut(index) {
            found.title.clear();
            found.shape = Shape::Dot;
        }
        return index;
    }
    let index = diagram.place(name, None);
    if let Some(found) = diagram.boxes.get_mut(index) {
        found.shape = Shape::Rounded;
    }
    index
}

fn entities<'a>(lines: impl Iterator<Item = &'a str>) -> Diagram {
    let mut diagram = Diagram { sideways: true, ..Diagram::default() };
    let mut open: Option<usize> = None;
    for line in lines {
        if let Some(index) = open {
            if line.starts_with('}') {
                open = None;
            } else if let Some(found) = diagram.boxes.get_mut(index) {
                found.lines.push(clean(line));
            }
        } else if let Some((from, to, label)) = relation(line) {
            let from = entity(&mut diagram, &from);
            let to = entity(&mut diagram, &to);
            diagram.edges.push(Edge { from, to, label, dashed: line.contains(".."), arrow: false });
        } else if let Some(name) = line.strip_suffix('{') {
            open = Some(entity(&mut diagram, name.trim()));
        }
        if diagram.is_too_large() {
            break;
        }
    }
    diagram
}

/// `ORDER ||--o{ LINE : contains`.
fn relation(line: &str) -> Option<(String, String, String)> {
    let (ends, label) = line.split_once(':').unwrap_or((line, ""));
    let mut words = ends.split_whitespace();
    let (from, link, to) = (words.next()?, words.next()?, words.next()?);
    let drawn = link.contains("--") || link.contains("..");
    (drawn && words.next().is_none()).then(|| {
        let counts: String = [link.get(..2), link.get(link.len().saturating_sub(2)..)]
            .into_iter()
            .flatten()
            .map(cardinality)
            .collect::<Vec<_>>()
            .join(":");
        let label = clean(label);
        let label = if label.is_empty() { counts } else { format!("{label} {counts}") };
        (from.to_owned(), to.to_owned(), label)
    })
}

fn cardinality(mark: &str) -> &'static str {
    match mark {
        "||" => "1",
        "|o" | "o|" => "0..1",
        "}|" | "|{" => "1..n",
        _ => "0..n",
    }
}

fn entity(diagram: &mut Diagram, name: &str) -> usize {
    let index = diagram.place(name.trim_matches('"'), None);
    if let Some(Box { shape, .. }) = diagram.boxes.get_mut(index) {
        *shape = Shape::Entity;
    }
    index
}

/// Text without quotes and line-break tags.
fn clean(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    let text = text.replace("<br/>", " ").replace("<br>", " ").replace("<br />", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(text: &str) -> Vec<(String, String, String)> {
        let diagram = parse(text).expect("a diagram");
        diagram
            .edges
            .iter()
            .map(|edge| {
                let title = |index: usize| diagram.boxes[index].title.clone();
                (title(edge.from), title(edge.to), edge.label.clone())
            })
            .collect()
    }

    #[test]
    fn a_flow_chart_has_chains_labels_and_shapes() {
        let text = "graph LR\n  A[User] -->|asks| B[(Store)] --> C\n  A -- tells --> C & D";
        let expected = [
            ("User", "Store", "asks"),
            ("Store", "C", ""),
            ("User", "C", "tells"),
            ("User", "D", "tells"),
        ];
        let found = edges(text);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.0.as_str(), found.1.as_str(), found.2.as_str()), expected);
        }
    }

    #[test]
    fn states_and_entities_are_drawn_too() {
        assert_eq!(edges("stateDiagram-v2\n[*] --> Open: made\nOpen --> [*]").len(), 2);
        let found = edges("erDiagram\n  A ||--o{ B : has\n  A {\n    uuid id PK\n  }");
        assert_eq!(found, [("A".into(), "B".into(), "has 1:0..n".into())]);
    }

    #[test]
    fn other_kinds_are_left_as_text() {
        assert_eq!(parse("sequenceDiagram\n A->>B: hello"), None);
        assert_eq!(parse(""), None);
    }
}
