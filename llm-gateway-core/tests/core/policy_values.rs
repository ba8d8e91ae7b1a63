//! Checks that a value that was left empty, is in another unit, or was never filled in is an error
//! with its place.

use llm_gateway_core::Environment;
use llm_gateway_core::config::{Loaded, PolicySource, Severity, json_schema};
use serde_json::Value;

use crate::support::loaded_from;

const SOUND: &str = "defaults:\n  quick: {provider: openai, model: gpt-4o-mini}\n";

fn loaded(yaml: &str) -> Loaded {
    loaded_from(&PolicySource::Text(yaml.to_owned()), Environment::empty())
}

/// Returns the errors of a policy, with their places.
#[track_caller]
fn errors(yaml: &str) -> Vec<(u32, u32, String)> {
    let problems = loaded(yaml).policy.expect_err(yaml);
    let errors = problems.diagnostics().iter().filter(|it| it.severity == Severity::Error);
    errors.map(|it| (it.line, it.column, format!("{} = {}", it.message, it.hint))).collect()
}

#[track_caller]
fn error(yaml: &str) -> (u32, u32, String) {
    errors(yaml).remove(0)
}

#[test]
fn a_value_that_was_left_empty_is_an_error_at_its_place() {
    for (yaml, key) in [
        ("  slow:\n    provider: openai\n    model:\n", "defaults.slow.model"),
        ("  slow:\n    provider:\n    model: gpt-4o\n", "defaults.slow.provider"),
        ("  slow:\n    members:\n    max_tokens: 100\n", "defaults.slow.members"),
        ("  slow:\n    cascade:\n", "defaults.slow.cascade"),
        (
            "  slow:\n    members:\n      # - {provider: openai, model: gpt-4o}\n",
            "defaults.slow.members",
        ),
        ("  slow: {provider: openai, model: gpt-4o, max_tokens: ~}\n", "defaults.slow.max_tokens"),
        (
            "  slow: {provider: openai, model: gpt-4o, deadline_s: null}\n",
            "defaults.slow.deadline_s",
        ),
        (
            "providers: {openai: {models: {gpt-4o-mini: {in: , out: 500}}}}\n",
            "providers.openai.models.gpt-4o-mini.in",
        ),
        (
            "providers: {openai: {models: {gpt-4o-mini: {in: 500, out: }}}}\n",
            "providers.openai.models.gpt-4o-mini.out",
        ),
        ("providers: {openai: {base_url: }}\n", "providers.openai.base_url"),
        ("providers: {openai: }\n", "providers.openai"),
        ("providers:\n", "providers"),
        ("cost_preflight: {block_usd: }\n", "cost_preflight.block_usd"),
        ("cost_preflight:\n  # block_usd: 1\n", "cost_preflight"),
        ("visibility:\n  slow:\n", "visibility.slow"),
        ("fallback:\n  quick:\n", "fallback.quick"),
        ("orchestration: {max_usd: }\n", "orchestration.max_usd"),
        ("receipts: {dir: receipts, keep: }\n", "receipts.keep"),
        ("version:\n", "version"),
    ] {
        let errors = errors(&format!("{SOUND}{yaml}"));
        let said = format!("`{key}` is empty");
        let found = errors.iter().find(|(_, _, message)| message.starts_with(&said));
        assert!(found.is_some_and(|(line, _, _)| *line >= 3), "{yaml}: {errors:?}");
    }
    let place = error(&format!("{SOUND}  slow:\n    provider: openai\n    model:\n"));
    assert_eq!((place.0, place.1 > 4), (5, true), "{place:?}");
}

/// Calls `see` with the path of each key that the schema knows.
fn keys(schema: &Value, root: &Value, path: &str, see: &mut dyn FnMut(&str, &Value)) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let schema = match reference.and_then(|it| it.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    };
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        see(&format!("{path}.{key}"), below);
        keys(below, root, &format!("{path}.{key}"), see);
    }
    for inner in ["additionalProperties", "items"] {
        if schema[inner].is_object() {
            see(&format!("{path}.*"), &schema[inner]);
            keys(&schema[inner], root, &format!("{path}.*"), see);
        }
    }
}

#[test]
fn null_has_a_meaning_in_one_place_only() {
    let schema = json_schema();
    let (mut nullable, mut seen) = (Vec::new(), 0);
    keys(&schema, &schema, "", &mut |path, below| {
        seen += 1;
        if below.to_string().contains("\"null\"") {
            nullable.push(path.to_owned());
        }
    });
    assert_eq!(nullable, [".providers.*.api_key_env"]);
    assert!(seen > 80, "{seen} keys were seen");
    let local = "providers: {lab: {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, models: {m: {in: 0, out: 0}}}}\n";
    assert!(loaded(&format!("{SOUND}{local}")).policy.is_ok());
}

#[test]
fn a_price_of_another_unit_is_an_error_that_says_which_is_right() {
    let row = |prices: &str| {
        format!("{SOUND}providers: {{openai: {{models: {{gpt-4o-mini: {{{prices}}}}}}}}}\n")
    };
    for prices in [
        "in: 1.5e-07, out: 6e-07",
        "in: 0.00000015, out: 0.0000006",
        "in: 0.00015, out: 0.0006",
        "in: 0.15, out: 6e-07",
        "in: 0.15, out: 0.6, cache_read: 0.00001",
        "in: 0.15, out: 0.6, cache_write: 0.0009999",
        "in: 0.15, out: 0.6, tiers: {flex: {in: 0.000075, out: 0.3}}",
        "in: 1e-320, out: 1",
        "in: 150000, out: 600000",
    ] {
        let (_, _, message) = error(&row(prices));
        assert!(message.contains("per 1 000 000 tokens"), "{prices}: {message}");
    }
    for prices in
        ["in: 0, out: 0", "in: 0.005, out: 0.001", "in: 0.0, out: 1000", "in: -0.0, out: 1"]
    {
        assert!(loaded(&row(prices)).policy.is_ok(), "{prices}");
    }
}

#[test]
fn an_address_that_no_variable_fills_in_is_an_error_at_its_place() {
    for host in ["${HOST}", "${TENANT}.example.com", "$HOST", "", "%HOST%", "{host}", "<host>"] {
        let yaml = format!(
            "{SOUND}providers:\n  lab:\n    kind: openai\n    base_url: \"https://{host}/v1\"\n"
        );
        let (line, _, message) = error(&yaml);
        assert!(line == 6 && message.starts_with("`base_url`: "), "{host}: {line} {message}");
    }
}

#[test]
fn blanks_that_cannot_be_seen_are_named() {
    for (yaml, said) in [
        ("  slow: {provider: \"openai\u{a0}\", model: m}\n", "<U+00A0>"),
        ("  slow: {provider: openai, model: \"m\u{200b}x\"}\n", "U+200B"),
        ("  slow: {provider: openai, model: m, \u{2003}max_tokens: 1}\n", "U+2003"),
        ("  slow:\n\u{a0}   provider: openai\n", "U+00A0"),
        ("  slow:\n\tprovider: openai\n", "a tab (U+0009)"),
        ("providers: {lab: {kind: openai, base_url: \"https://h\u{a0}x/v1\"}}\n", "U+00A0"),
    ] {
        let errors = errors(&format!("{SOUND}{yaml}"));
        let is_said = errors.iter().any(|(_, _, message)| message.contains(said));
        assert!(is_said, "{yaml:?}: {errors:?}");
    }
}

#[test]
fn a_policy_of_five_thousand_models_loads() {
    let rows: String = (1..=5_000)
        .map(|n| format!("      m{n}: {{in: 1, out: 2, developer: d, lineage: [l]}}\n"))
        .collect();
    let yaml = format!("{SOUND}providers:\n  openai:\n    models:\n{rows}");
    let policy = loaded(&yaml).policy.unwrap();
    assert!(policy.providers().get("openai").unwrap().model_ids().count() >= 5_000);
}

#[test]
fn a_bound_that_is_hit_is_named_with_what_to_do() {
    let deep = format!("{SOUND}output: {}{}\n", "[".repeat(100), "]".repeat(100));
    assert!(error(&deep).2.contains("24 deep"), "{:?}", error(&deep));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..8 {
        let copies = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{copies}]\n"));
    }
    let (_, _, message) = error(&bomb);
    assert!(message.contains("aliases") || message.contains("anchors"), "{message}");
}
