//! `info`: what `llm_routing_info` answers, for people and as JSON.

use serde_json::json;

use crate::policies::{SMALL, served_by};
use crate::program::Home;
use crate::spend::Till;

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
    assert!(ended.told().contains("policy.yaml:2:17: no provider is called `opnai`"));
    assert!(ended.stderr.contains("did you mean `openai`?"), "{}", ended.stderr);
}

#[test]
fn what_the_month_has_cost_is_told_where_it_is_counted() {
    let till = Till::closed();
    let info = |arguments: &[&str]| {
        till.run(arguments).env("LLM_GATEWAY_CAP_LOCAL_MONTHLY", "5").ends().exits(0)
    };
    let data = info(&["--json", "info"]).document()["data"]["spend"].clone();
    let expected = json!({
        "enabled": true, "month": till.spent(&[])["month"], "total_usd": 0.0, "held_usd": 0.0,
        "unsettled_usd": 0.0, "caps": { "local/month": { "cap_usd": 5.0, "left_usd": 5.0 } },
    });
    assert_eq!(data, expected);
    let shown = info(&["info"]).stdout;
    assert!(shown.contains("$0.00 spent in") && shown.contains("$5.00 for local"), "{shown}");

    let off = |arguments: &[&str]| till.run(arguments).without("LLM_GATEWAY_LEDGER").ends();
    let data = off(&["--json", "info"]).exits(0).document()["data"]["spend"].clone();
    assert_eq!(data, json!({ "enabled": false }));
    assert!(off(&["info"]).exits(0).stdout.contains("not counted"));
}

#[test]
fn a_ledger_that_cannot_be_read_hides_nothing_else() {
    let till = Till::closed();
    till.0.write("state/ledger.db", "this is no database, and long enough to be looked at");
    let data = till.run(&["--json", "info"]).ends().exits(0).document()["data"].clone();
    assert_eq!(data["spend"]["enabled"], true);
    assert!(data["spend"]["error"].as_str().unwrap().contains("state/ledger.db"), "{data}");
    assert!(data["spend"]["hint"].is_string() && data["task_classes"].is_array());
    let shown = till.run(&["info"]).ends().exits(0).stdout;
    assert!(shown.contains("state/ledger.db") && shown.contains("local/small"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_ledger_that_somebody_keeps_locked_is_not_waited_for() {
    let till = Till::closed();
    let path = till.0.write("state/ledger.db", "");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    // A database browser keeps this lock of SQLite.
    let locked = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::fcntl_lock(&file, locked).unwrap();
    let data = till.run(&["--json", "info"]).ends().exits(0).document()["data"].clone();
    assert!(data["spend"]["error"].as_str().unwrap().contains("no answer within 1 s"), "{data}");
    assert!(data["task_classes"].is_array());
}
