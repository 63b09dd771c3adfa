use document::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let mode = args.next().unwrap_or_default();
    for path in args {
        let bytes = std::fs::read(&path).expect("file");
        let name = path.rsplit('/').next().unwrap_or("").to_owned();
        let start = std::time::Instant::now();
        let c = compile(Sources { files: vec![Source::new(name.clone(), &bytes)] });
        let took = start.elapsed().as_millis();
        let t = c.tally();
        println!(
            "== {name} {took}ms bound {} ph {} prose {} nu {}",
            t.bound, t.placeholder, t.prose, t.not_understood
        );
        if mode.contains('s') {
            for s in &c.ledger.statements {
                if (mode.contains('b') && s.class == Class::Bound)
                    || (mode.contains('n') && s.class == Class::NotUnderstood)
                    || (mode.contains('h') && s.class == Class::Placeholder)
                    || (mode.contains('p') && s.class == Class::Prose)
                {
                    let text: String =
                        c.sources.text(s.span).replace('\n', "⏎").chars().take(110).collect();
                    println!(
                        "  {:5} {:?} {} :: {text}",
                        c.sources.place(s.span).line,
                        s.kind.map(|k| format!("{k:?}")).unwrap_or(format!("{:?}", s.class)),
                        s.meaning
                    );
                }
            }
        }
        if mode.contains('d') {
            print!("{}", render::concise(&c, &c.diagnostics));
        }
        if mode.contains('t') {
            let d: Vec<_> = c
                .diagnostics
                .iter()
                .filter(|d| {
                    d.code.code.starts_with('T') && !matches!(d.code.code, "T030" | "T010" | "T007")
                })
                .cloned()
                .collect();
            print!("{}", render::concise(&c, &d));
        }
    }
}
