//! Tests of documents, which are compared with the code so that they stay true.

mod absent;
mod counts;
mod envelope;
mod links;
mod page;
mod paths;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use llm_gateway_core::config::json_schema;
use llm_gateway_core::observe::OBSERVATIONS;
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Category, Environment, Gateway, Scripted};

use page::{Page, named, pages, read, rows};

/// Compares a file of the repository with its generated content, or writes it if the variable
/// `UPDATE_DOCUMENTS` is set.
#[allow(clippy::disallowed_methods)] // a wish of whoever runs the tests, not of the gateway
fn generated(name: &str, content: &str) {
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(page::root().join(name), content).unwrap();
    }
    assert!(
        read(name) == content,
        "{name} is out of date; write it anew: \
         UPDATE_DOCUMENTS=1 cargo test -p llm-gateway-core --test core documents"
    );
}

#[test]
fn the_schema_in_the_repository_is_the_generated_one() {
    generated("routing.schema.json", &format!("{:#}\n", json_schema()));
}

/// Checks the copies that the crate carries, so that it builds from its own folder alone.
#[test]
fn the_copies_in_the_crate_are_those_of_the_repository() {
    generated("llm-gateway-core/data/routing.yaml", &read("routing.yaml"));
    generated("llm-gateway-core/LICENSE", &read("LICENSE"));
}

/// Returns the cells in the column of this number, over all tables of a page.
fn column(page: &str, number: usize) -> String {
    let page = Page::at(page);
    rows(&page.text)
        .iter()
        .filter_map(|row| row.get(number))
        .flat_map(|cell| [cell, "\n"])
        .collect()
}

#[test]
fn the_env_example_holds_every_variable_of_the_manual_that_may_stand_in_env() {
    let manual = column("docs/environment.md", 0);
    let manual: BTreeSet<&str> = named(&manual).collect();
    let example = read(".env.example");
    let example_names: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    // These are read from the process alone.
    let process_only = [
        "LLM_GATEWAY_ROUTING",
        "RUST_LOG",
        "NO_COLOR",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    let expected: BTreeSet<&str> =
        manual.into_iter().filter(|name| !process_only.contains(name)).collect();
    assert!(expected.len() >= 8, "{expected:?}");
    assert_eq!(example_names, expected);
    assert!(example.lines().all(|line| !line.contains("sk-")), "an example holds no key");
}

#[test]
fn the_repositorys_policy_fits_the_schema_that_editors_use() {
    let schema: serde_json::Value = serde_json::from_str(&read("routing.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let own: serde_json::Value = serde_yaml::from_str(&read("routing.yaml")).unwrap();
    assert!(validator.is_valid(&own), "{:?}", validator.iter_errors(&own).next());
    let policy = serde_json::json!({
        "version": "1.0.0",
        "defaults": {"a": {"provider": "openai", "model": "m", "max_tokens": 1}},
        "providers": {"local": {"kind": "openai", "base_url": "http://127.0.0.1/v1", "api_key_env": null}},
    });
    assert!(validator.is_valid(&policy), "{:?}", validator.iter_errors(&policy).next());
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({"defaults": {"a": {"provder": "openai"}}}),
        serde_json::json!({"defaults": {"a": {"max_tokens": 0}}}),
        serde_json::json!({"defaults": {}, "visibility": {"a": {"mode": "open"}}}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

/// Returns every schema of this type below `schema`.
fn schemas_of_type<'a>(schema: &'a serde_json::Value, wanted: &str) -> Vec<&'a serde_json::Value> {
    let types = &schema["type"];
    let is_wanted = types == wanted
        || types.as_array().is_some_and(|types| types.iter().any(|kind| kind == wanted));
    let below = match schema {
        serde_json::Value::Object(fields) => fields.values().collect(),
        serde_json::Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let below = below.into_iter().flat_map(|schema| schemas_of_type(schema, wanted));
    is_wanted.then_some(schema).into_iter().chain(below).collect()
}

#[test]
fn every_policy_that_a_page_shows_loads_without_a_word() {
    let mut shown = BTreeMap::new();
    for page in pages() {
        for policy in page.blocks("yaml") {
            let whole = match policy.contains("defaults:") {
                true => policy,
                false => {
                    format!("defaults: {{ask: {{provider: openai, model: gpt-6-luna}}}}\n{policy}")
                }
            };
            let gateway = crate::support::obeying(&whole).scripted(Scripted::new()).build();
            let gateway = gateway.unwrap_or_else(|problems| panic!("{}: {problems}", page.name));
            let said: Vec<String> = gateway.problems().iter().map(ToString::to_string).collect();
            assert_eq!(said, Vec::<String>::new(), "{}: {whole}", page.name);
            *shown.entry(page.name.clone()).or_insert(0) += 1;
        }
    }
    let expected = [
        ("README.md", 2),
        ("docs/cascades.md", 1),
        ("docs/orchestration.md", 1),
        ("docs/panels.md", 1),
        ("docs/policy.md", 3),
    ];
    assert_eq!(shown, expected.map(|(page, policies)| (page.to_owned(), policies)).into());
}

/// Returns the names of all properties below a schema.
fn properties(schema: &serde_json::Value) -> BTreeSet<String> {
    let own = schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned());
    let below = match schema {
        serde_json::Value::Object(fields) => fields.values().collect(),
        serde_json::Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    own.chain(below.into_iter().flat_map(properties)).collect()
}

#[test]
fn the_tables_of_the_policy_page_have_every_key() {
    let page = Page::at("docs/policy.md");
    let section = page.section("## Every key").unwrap();
    let words: BTreeSet<&str> = named(section).flat_map(|span| span.split('.')).collect();
    let keys = properties(&json_schema());
    assert!(keys.len() > 40, "{keys:?}");
    for key in &keys {
        assert!(words.contains(key.as_str()), "docs/policy.md does not explain `{key}`");
    }
    for row in rows(section) {
        for name in named(row[0]).flat_map(|span| span.split('.')) {
            let is_placeholder = name.chars().all(|c| c.is_ascii_uppercase());
            assert!(is_placeholder || keys.contains(name), "`{name}` is no key of the policy");
        }
    }
}

#[test]
fn one_key_runs_the_classes_that_the_policy_page_says() {
    const RUNNING: usize = 0;
    const NOT: usize = 1;
    let classes_with = |key: &str| {
        let environment = Environment::empty().with(key, "a-key");
        // A transport that is never used: this build may have none.
        let gateway =
            Gateway::builder().environment(environment).transport(Arc::new(Scripted::new()));
        let gateway = gateway.build().unwrap();
        let classes = gateway.describe().unwrap().task_classes;
        let singles = classes.into_iter().filter(|class| class.kind == RouteKind::Single);
        let (running, not): (Vec<_>, Vec<_>) = singles.partition(|class| class.available);
        [running, not].map(|classes| classes.into_iter().map(|class| class.name).collect())
    };
    let page = Page::at("docs/policy.md");
    let table = rows(page.section("## Task classes").unwrap());
    // Which classes a row names: those that run, or those that do not.
    for (row, key, names_which) in [
        (0, "ANTHROPIC_API_KEY", NOT),
        (1, "OPENAI_API_KEY", NOT),
        (2, "GEMINI_API_KEY", NOT),
        (3, "DEEPSEEK_API_KEY", RUNNING),
    ] {
        let classes: [Vec<String>; 2] = classes_with(key);
        assert_eq!(named(table[row][1]).collect::<Vec<_>>(), classes[names_which], "{key}");
    }
}

#[test]
fn the_readme_is_short_and_shows_the_code_of_an_example_that_runs() {
    let readme = Page::at("README.md");
    assert!(readme.text.lines().count() <= 200, "{} lines", readme.text.lines().count());
    let example = read("examples/src/bin/ask.rs");
    for page in [readme, Page::at("docs/embedding.md")] {
        let code = page.blocks("rust").swap_remove(0);
        assert!(example.ends_with(&code), "{} shows other code than ask.rs", page.name);
    }
}

#[test]
fn every_number_of_a_policy_has_both_bounds() {
    let schema = json_schema();
    let numbers =
        [schemas_of_type(&schema, "integer"), schemas_of_type(&schema, "number")].concat();
    assert!(numbers.len() > 20);
    for number in numbers {
        let bounded = number.get("maximum").is_some() && number.get("minimum").is_some();
        assert!(bounded, "{number:#} would overflow with serde's words instead of ours");
    }
}

#[test]
fn the_error_table_of_the_manual_is_the_taxonomy() {
    let page = Page::at("docs/failures.md");
    let mut seen = 0;
    for cells in rows(page.section("## Errors").unwrap()) {
        for name in named(cells[0]) {
            let category = Category::ALL.iter().find(|category| category.as_str() == name);
            let category = category.unwrap_or_else(|| panic!("{name} is no category"));
            let yes = |cell: &str| cell == "yes";
            let stated = (yes(cells[2]), yes(cells[3]), yes(cells[4]));
            let meant =
                (category.retry_same(), category.next_target(), category.counts_for_breaker());
            assert_eq!(stated, meant, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, Category::ALL.len(), "the table has every category once");
}

#[test]
fn the_page_on_embedding_lists_every_observation_with_its_fields() {
    let page = Page::at("docs/embedding.md");
    let table = rows(page.section("## How do I observe a gateway?").unwrap());
    let listed: Vec<(String, Vec<&str>)> =
        table.iter().map(|row| (row[0].replace('`', ""), named(row[1]).collect())).collect();
    let known: Vec<(String, Vec<&str>)> =
        OBSERVATIONS.iter().map(|(name, fields)| ((*name).to_owned(), fields.to_vec())).collect();
    assert_eq!(listed, known);
}
