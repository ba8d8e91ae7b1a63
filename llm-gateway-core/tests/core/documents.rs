//! Documents that cannot rot: they are held against the code.

use std::collections::BTreeSet;
use std::path::Path;

use llm_gateway_core::config::json_schema;
use llm_gateway_core::{Category, Scripted};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_schema_in_the_repository_is_the_generated_one() {
    let generated = format!("{:#}\n", json_schema());
    assert!(
        read("routing.schema.json") == generated,
        "write it anew: cargo run --bin llm-gateway -- schema > routing.schema.json"
    );
}

/// The variables that a README table names in its first column.
fn table_of_variables(readme: &str) -> BTreeSet<String> {
    let section =
        readme.split("## Environment").nth(1).expect("the README has a section `Environment`");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let first = row.trim_start_matches("| ").split(" | ").next().unwrap().to_owned();
        first.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_env_example_holds_every_variable_of_the_readme_that_may_stand_in_env() {
    let readme = table_of_variables(&read("README.md"));
    let example = read(".env.example");
    let named: BTreeSet<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    // These are read from the process alone.
    let process_only =
        ["LLM_GATEWAY_ROUTING", "RUST_LOG", "NO_COLOR", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"]
            .map(str::to_owned);
    let expected: BTreeSet<String> =
        readme.into_iter().filter(|name| !process_only.contains(name)).collect();
    assert!(expected.len() >= 8, "{expected:?}");
    assert_eq!(named, expected);
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

/// Every schema below `schema` of this type.
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
fn every_policy_that_the_readme_shows_loads_without_a_word() {
    let readme = read("README.md");
    let policies: Vec<&str> = readme.split("```yaml\n").skip(1).collect();
    assert_eq!(policies.len(), 4, "classes, panels, orchestration, cascades");
    for policy in policies {
        let policy = policy.split("```").next().unwrap();
        let whole = match policy.contains("defaults:") {
            true => policy.to_owned(),
            false => {
                format!("defaults: {{ask: {{provider: openai, model: gpt-6-luna}}}}\n{policy}")
            }
        };
        let gateway = crate::obeying(&whole).scripted(Scripted::new()).build();
        let gateway = gateway.unwrap_or_else(|problems| panic!("{problems}\n{policy}"));
        let said: Vec<String> = gateway.problems().iter().map(ToString::to_string).collect();
        assert_eq!(said, Vec::<String>::new(), "{policy}");
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
fn the_error_table_of_the_readme_is_the_taxonomy() {
    let readme = read("README.md");
    let section = readme.split("\n## Errors").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for name in cells[0].split('`').skip(1).step_by(2) {
            let category = Category::ALL.iter().find(|category| category.as_str() == name);
            let category = category.unwrap_or_else(|| panic!("{name} is no category"));
            let yes = |cell: &str| cell == "yes";
            let stated = (yes(cells[2]), yes(cells[3]), yes(cells[4]));
            let meant =
                (category.retry_same(), category.next_target(), category.counts_for_breaker());
            assert_eq!(stated, meant, "{name}");
            rows += 1;
        }
    }
    assert_eq!(rows, Category::ALL.len(), "the table has every category once");
}
