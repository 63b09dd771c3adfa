use std::time::Instant;
fn main() {
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10_000_000);
    for piece in [
        ">",
        "> ",
        "- ",
        "+ ",
        "> - ",
        "1. a\n   > ",
        "[",
        "*",
        "`",
        "**a ",
        "_a ",
        "](",
        "![",
        "<",
        "<a ",
        "<!--",
        "&",
        "#",
        "|",
        "| a ",
        "|-|\n",
        "1. ",
        "a\n",
        "\\",
        "~~",
        "```\n",
        "(",
        "{",
        "$",
        "    ",
        "\t",
        "- a\n",
        "* *\n",
        "[a]: ",
        "[a](",
        "a**b_c",
        "```sql\nCREATE TABLE (((\n",
        "## x\n",
        "x: y\n",
        "**a:** b\n",
        "- x: 5ms\n",
        "| a | b |\n",
        "[x](#y)\n",
        "TBD\n",
        "[^1]:",
        "- [ ] ",
        "a  \n",
        "{\"a\":",
        "[Foo]\n",
        "vitruvius-ignore",
        "<!-- vitruvius-ignore T008: x -->\n",
        "---\n",
        "&#1;",
        "\r",
        "\0",
        "é",
        ">\n",
        "-\n\n",
        "\n- a\n\n  b\n",
    ] {
        let mut text = piece.repeat(n / piece.len());
        if std::env::args().nth(2).is_some() {
            text = format!("| a | b |\n|---|---|\n{text}");
        }
        let start = Instant::now();
        let compiled = document::compile(document::Sources::single("a", &text));
        let took = start.elapsed().as_secs_f64();
        println!(
            "{took:7.2}s {:?} nodes {} diags {}",
            piece,
            compiled.outline.nodes.len(),
            compiled.diagnostics.len()
        );
    }
}
