use pulldown_cmark::*;
use std::time::Instant;
fn main() {
    for (piece, n) in [
        ("[a](", 25000usize),
        ("[a](", 50000),
        ("+ ", 1000000),
        ("> ", 1000000),
        ("1. ", 1000000),
        (">", 3000000),
        ("[", 3000000),
        ("](", 1000000),
        ("**a ", 1000000),
        ("`a``", 500000),
        ("*a_ ", 1000000),
        ("<a ", 1000000),
        ("[a]: ", 1000000),
        ("| a ", 1000000),
        ("a|b\n", 1000000),
        ("[a](<", 20000),
        ("[a](\"", 20000),
        ("[a](b \"", 20000),
        ("![a](b", 20000),
        ("<!--", 500000),
        ("<![CDATA[", 300000),
        ("<?", 1000000),
        ("<a b='", 200000),
        ("- [ ](", 20000),
        ("\\[a](", 20000),
        ("[a][", 50000),
        ("[^a](", 20000),
    ] {
        let text = piece.repeat(n);
        let start = Instant::now();
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let count = Parser::new_ext(&text, options).into_offset_iter().count();
        println!("{:7.2}s {piece:?} {n} events {count}", start.elapsed().as_secs_f64());
    }
}
