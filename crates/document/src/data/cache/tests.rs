//! What lines about caching are read as.

use crate::{Compiled, Sources, compile, data::CacheStrategy};

const TABLES: &str = "# Shop\n\n```sql\n\
    CREATE TABLE users (id INT PRIMARY KEY, email TEXT);\n\
    CREATE TABLE products (id INT PRIMARY KEY, name TEXT);\n\
    CREATE TABLE categories (id INT PRIMARY KEY);\n```\n\n\
    ## API\n\n- GET /api/v1/products — Public\n- GET /api/v1/products/{id} — Public\n\n";

fn read(text: &str) -> Compiled {
    compile(Sources::single("a.md", &format!("{TABLES}{text}")))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let compiled = read(text);
    let rules: Vec<String> = compiled
        .system
        .data
        .cache
        .rules
        .iter()
        .map(|rule| {
            let how = match rule.strategy {
                CacheStrategy::CacheAside => "",
                other => other.word(),
            };
            let warm = if rule.warm { " warm" } else { "" };
            let text = format!("{} {} {how}{warm}", rule.subject.words(), rule.ttl_seconds);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(rules.join("; "), expected, "{text}");
    let errors: Vec<_> =
        compiled.diagnostics.iter().filter(|one| one.code.code.starts_with('D')).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
}

#[test]
fn bullets_name_what_is_kept_and_for_how_long() {
    check(
        "## Caching\n\n- User profiles: 1 hour\n- Product list: 5 min\n",
        "users rows 3600; products lists 300",
    );
    check("## Cache\n\n- **Products**: TTL 10 minutes, invalidated on update\n", "products 600");
    check("## Caching\n\n- Products (TTL: 60s)\n", "products 60");
    check("## Caching\n\nProduct lists are cached for 5 minutes.\n", "products lists 300");
    check("## Caching\n\n- Cache categories for 1 day\n", "categories 86400");
    check("## Caching\n\n- `product:{id}` → JSON, 24h TTL\n", "products rows 86400");
    check("## Caching\n\n- Products cache TTL: 90 seconds\n", "products 90");
    check("## Caching\n\n- **5 minutes**: products, categories\n", "products 300; categories 300");
}

#[test]
fn rows_name_what_is_kept_and_how() {
    check(
        "## Caching\n\n| Data | Strategy | TTL | Invalidation |\n|---|---|---|---|\n\
         | Product details | Write-through | 30 min | on update |\n\
         | Categories | Cache-aside | 1 day | on write |\n",
        "products rows 1800 write-through; categories 86400",
    );
    check(
        "## Limits\n\n| Method | Path | Cache |\n|---|---|---|\n\
         | GET | /api/v1/products | 60 s |\n| GET | /api/v1/products/{id} | No |\n",
        "GET /api/v1/products 60; GET /api/v1/products/{id} 0",
    );
}

#[test]
fn endpoints_say_it_themselves() {
    check("## Caching\n\n- `GET /api/v1/products`: 30 seconds\n", "GET /api/v1/products 30");
    check("## Notes\n\n- GET /api/v1/products is cached for 30 s\n", "GET /api/v1/products 30");
}

#[test]
fn strategies_hold_for_what_they_name() {
    check(
        "## Caching\n\n- **Cache-Aside**: product lists (TTL 5 min), categories\n\
         - **Write-Through**: user profiles\n- **TTL Strategy**: 10 minutes\n",
        "products lists 300; categories 600; users rows 600 write-through",
    );
}

#[test]
fn what_stands_under_a_name_is_about_it() {
    check(
        "## Caching\n\n### Products\n\n- TTL: 2 minutes\n- Strategy: write-through\n",
        "products 120 write-through",
    );
    check("## Caching\n\n- **Products**\n  - TTL: 2 minutes\n", "products 120");
}

#[test]
fn a_time_that_stands_alone_is_for_all_that_is_read() {
    check("## Caching\n\n- Cache TTL: 300 s\n", "users 300; products 300; categories 300");
    check(
        "## Caching Strategy\n\n**Approach**: Cache-aside pattern with 24-hour TTL.\n",
        "users 86400; products 86400; categories 86400",
    );
    check("## Caching\n\n- Cache TTL: 300 s\n- Products: 60 s\n", "products 60");
}

#[test]
fn warming_names_lists() {
    check(
        "## Caching\n\n- Products: 60 s\n- Cache warming: popular products at startup\n",
        "products 60 warm",
    );
    check("## Caching\n\n- Pre-load categories on start\n", "categories 300 warm");
}

#[test]
fn caches_of_other_things_are_understood_and_keep_no_rows() {
    check("## Caching\n\n- User sessions: 24 hours\n- Static assets (CDN): 30 days\n", "");
    check("## CDN\n\n- Cache TTL: 1 day\n", "");
    check("## Browser caching\n\n- Products: 1 hour\n", "");
    check("## Tokens\n\n- Access token TTL: 15 minutes\n", "");
    check("## Targets\n\n- Cache hit rate: > 90%\n", "");
    check("## Backup\n\n- Products: 30 days\n", "");
    check("## Caching\n\n- Products are popular\n- Redis 7 for caching\n", "");
    let compiled = read("## Caching\n\n- Exchange rates: 1 hour\n");
    let statement = compiled
        .ledger
        .statements
        .iter()
        .find(|one| one.kind == Some(crate::ClaimKind::Cache))
        .expect("the claim");
    assert_eq!(statement.enforcement, Some(crate::Enforcement::NotEnforceable));
    assert!(statement.meaning.contains("Exchange rates"), "{}", statement.meaning);
}

#[test]
fn two_times_for_one_thing_are_told() {
    let compiled = read("## Caching\n\n- Products: 5 minutes\n- Products: 1 hour\n");
    let codes: Vec<&str> = compiled.diagnostics.iter().map(|one| one.code.code).collect();
    assert!(codes.contains(&"D025"), "{codes:?}");
    assert_eq!(compiled.system.data.cache.rules[0].ttl_seconds, 300, "the first holds");
}

#[test]
fn a_size_bounds_what_is_kept() {
    let compiled = read("## Caching\n\n- Products: 5 minutes\n- Cache size: 16 MB\n");
    assert_eq!(compiled.system.data.cache.bytes_max, Some(16 * 1024 * 1024));
}
