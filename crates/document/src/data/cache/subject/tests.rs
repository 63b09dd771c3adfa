//! What labels mean.

use super::*;
use crate::{Sources, compile};

const DOCUMENT: &str = "# Shop\n\n```sql\n\
    CREATE TABLE users (id INT PRIMARY KEY, email TEXT);\n\
    CREATE TABLE user_profiles (id INT PRIMARY KEY);\n\
    CREATE TABLE products (id INT PRIMARY KEY, name TEXT);\n\
    CREATE TABLE order_items (id INT PRIMARY KEY);\n\
    CREATE TABLE categories (id INT PRIMARY KEY);\n\
    CREATE VIEW best_sellers AS SELECT id FROM products;\n```\n\n\
    ## API\n\n\
    - GET /api/v1/products — Public\n\
    - GET /api/v1/products/{id} — Public\n\
    - POST /api/v1/products — Admin\n\
    - GET /api/v1/orders/{id}/order-items — Admin\n\n\
    ### GET /api/v1/reports/daily-sales\n\nAdmin only.\n\n\
    ```sql\nSELECT count(*) AS n FROM order_items\n```\n";

#[track_caller]
fn check(label: &str, expected: &str) {
    let compiled = compile(Sources::single("a.md", DOCUMENT));
    let served = Served::of(&compiled.system.data, &compiled.system.api);
    let found = match served.meaning(label) {
        Meaning::Subjects(subjects) => {
            subjects.iter().map(CacheSubject::words).collect::<Vec<_>>().join(", ")
        }
        other => format!("{other:?}").to_lowercase(),
    };
    assert_eq!(found, expected, "{label}");
}

#[test]
fn names_of_tables_are_known_in_all_spellings() {
    check("Products", "products");
    check("product", "products");
    check("OrderItems", "order_items");
    check("Order item", "order_items");
    check("Order items", "order_items");
    check("User profiles", "user_profiles");
    check("Product list", "products lists");
    check("Product details", "products rows");
    check("List of products", "products lists");
    check("Popular product catalog", "products lists");
    check("Categories (all)", "categories");
    check("Best sellers", "best_sellers");
    check("Categories and products", "categories, products");
    check("`products` table", "products");
}

#[test]
fn other_things_of_a_table_are_not_its_rows() {
    for label in ["User sessions", "User permissions", "Product images", "Product search results"] {
        check(label, "unserved");
    }
    check("Static assets", "unserved");
}

#[test]
fn paths_are_endpoints() {
    check("GET /api/v1/products", "GET /api/v1/products");
    check("`/api/v1/products/:id`", "GET /api/v1/products/{id}");
    check("/products", "GET /api/v1/products");
    check("/products/*", "GET /api/v1/products, GET /api/v1/products/{id}");
    check("GET /categories", "categories lists");
    check("GET /categories/{id}", "categories rows");
    check("POST /api/v1/products", "unserved");
    check("/nowhere", "unserved");
    check("Daily sales report", "GET /api/v1/reports/daily-sales");
}

#[test]
fn keys_are_read_by_their_words() {
    check("product:{id}", "products rows");
    check("cache:product:list", "products lists");
    check("user:{user_id}:session", "unserved");
    check("session:{token}", "unserved");
}

#[test]
fn words_that_name_nothing_mean_everything_or_nothing() {
    check("API responses", "everything");
    check("Query results", "everything");
    check("Cache TTL", "nothing");
    check("TTL", "nothing");
}
