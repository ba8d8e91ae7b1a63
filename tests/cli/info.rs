//! `info`: what `llm_routing_info` answers, for people and as JSON.

use serde_json::json;

use crate::policies::{SMALL, served_by};
use crate::program::Home;

#[test]
fn people_see_classes_targets_and_the_names_of_keys() {
    let home = Home::holding(&served_by("http://127.0.0.1:9", "http://127.0.0.1:9"));
    let ended = home.with_policy(&["info"]).env("OPENAI_API_KEY", "k").ends().exits(0);
    for shown in [
        "policy.yaml",
        "local/small",
        "spare/smaller",
        "no: set LOCAL_API_KEY",
        "LOCAL_API_KEY is missing",
        "OPENAI_API_KEY is set",
        "not needed",
        "http://127.0.0.1:9/v1",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    assert_eq!(ended.stderr, "");
}

#[test]
fn json_is_the_description_of_the_contract() {
    let home = Home::holding(&served_by("http://127.0.0.1:9", "http://127.0.0.1:9"));
    let document = home.with_policy(&["--json", "info"]).ends().exits(0).document();
    let data = &document["data"];
    assert_eq!(
        data["task_classes"][2],
        json!({
            "name": "safe",
            "kind": "single",
            "targets": [
                {"provider": "local", "model": "small"},
                {"provider": "spare", "model": "smaller"},
            ],
            "max_tokens": 256,
            "rationale": "",
            "available": true,
            "missing_keys": ["LOCAL_API_KEY"],
        }),
        "one target that can run is enough"
    );
    let first = &data["task_classes"][0];
    assert_eq!((&first["available"], &first["rationale"]), (&json!(false), &json!("short")));
    let providers = data["providers"].as_array().unwrap();
    let local = providers.iter().find(|provider| provider["name"] == "local").unwrap();
    assert_eq!((&local["kind"], &local["key"]), (&json!("openai"), &json!("missing")));
    assert_eq!(local["models"], json!(["larger", "small"]));
    let spare = providers.iter().find(|provider| provider["name"] == "spare").unwrap();
    assert_eq!(spare["key"], "not needed");
    assert_eq!(data["policy_digest"].as_str().unwrap().len(), 64);
    assert_eq!(data["gateway_version"], env!("CARGO_PKG_VERSION"));
    for key in ["version", "panels", "visibility", "orchestration_depths", "policy_file"] {
        assert!(data.get(key).is_some(), "{key}");
    }
}

#[test]
fn a_class_of_several_models_is_listed_with_the_reason_why_it_cannot_run() {
    let document = Home::new().program(["--json", "info"]).ends().exits(0).document();
    let classes = document["data"]["task_classes"].as_array().unwrap();
    let panels: Vec<_> = classes.iter().filter(|class| class["kind"] == "panel").collect();
    assert!(!panels.is_empty());
    for panel in panels {
        assert_eq!(panel["available"], false);
        assert!(panel["unavailable_because"].is_string(), "{panel}");
    }
}

#[test]
fn offline_needs_no_key() {
    let home = Home::holding(SMALL);
    let document = home.with_policy(&["--offline", "--json", "info"]).ends().exits(0).document();
    assert_eq!(document["data"]["task_classes"][0]["available"], true);
    assert_eq!(document["data"]["offline"], true);
}

#[test]
fn a_broken_policy_is_an_error_with_its_place() {
    let home = Home::holding("defaults:\n  a: {provider: opnai, model: m}\n");
    let ended = home.with_policy(&["info"]).ends().exits(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("policy.yaml:2:17: no provider is called `opnai`"));
    assert!(ended.stderr.contains("did you mean `openai`?"), "{}", ended.stderr);
}
