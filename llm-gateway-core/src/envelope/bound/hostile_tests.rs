//! Tests of what stays of any envelope: what somebody needs to go on.

use serde_json::Value;

use super::*;

/// The bounds of the default, of Codex and of the smallest policy.
const BOUNDS: [usize; 5] = [2_000, 2_500, 4_000, 8_800, 30_000];

fn sized(envelope: &Envelope) -> usize {
    serde_json::to_string(envelope).unwrap().chars().count()
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

/// Calls `see` with every string below a value and its key.
fn strings(key: &str, value: &Value, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(key, text),
        Value::Array(items) => items.iter().for_each(|item| strings(key, item, see)),
        Value::Object(fields) => fields.iter().for_each(|(key, it)| strings(key, it, see)),
        _ => {}
    }
}

/// Checks that what is shown fits, that no name in it is cut, and that each marker is whole.
fn checked(envelope: &Envelope, max_chars: usize) -> Value {
    let bounded = envelope.clone().bounded(max_chars);
    assert!(sized(&bounded) <= max_chars, "{} of {max_chars}", sized(&bounded));
    let mut names = std::collections::BTreeSet::new();
    strings("", &json!(envelope), &mut |key, text| {
        names.insert((key.to_owned(), text.to_owned()));
    });
    let shown = json!(bounded);
    strings("", &shown, &mut |key, text| {
        if ["run_id", "provider", "model", "error_category", "name", "missing_keys", "path"]
            .contains(&key)
            && !text.starts_with("… and ")
        {
            assert!(
                names.contains(&(key.to_owned(), text.to_owned())),
                "{max_chars} {key}: {text}"
            );
        }
        assert!(!text.contains("[...") || text.contains("left out"), "{key}: {text}");
    });
    assert_eq!(shown["meta"]["run_id"], envelope.meta.get("run_id").cloned().unwrap_or_default());
    shown
}

/// Returns the number of whole entries of a list, and of all that it says it had.
fn counted(list: &Value) -> (usize, usize) {
    let items = list.as_array().unwrap();
    let whole = items.iter().filter(|item| !item.is_string()).count();
    let more = items
        .last()
        .and_then(Value::as_str)
        .map_or(0, |text| text.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap());
    (whole, whole + more)
}

fn description(classes: usize) -> Envelope {
    let class = |n: usize| {
        let targets = [json!({ "provider": "anthropic", "model": "claude-opus-4-5" })];
        json!({ "name": format!("class_{n}"), "kind": "panel", "targets": targets, "max_tokens": 10,
                "rationale": "Because of this. ".repeat(10), "available": false,
                "missing_keys": ["ANTHROPIC_API_KEY_OF_A_LONG_NAME"] })
    };
    let provider = |n: usize| {
        json!({ "name": format!("provider_{n}"), "kind": "openai", "key": "missing",
                "base_url": "https://example.test/v1",
                "models": vec!["a-model-of-a-long-name-4711"; 30] })
    };
    let run =
        |n: usize| json!({ "run_id": id(n), "task_class": "ask", "state": "done", "age_s": n });
    Envelope::success(json!({
        "version": "1.0.0",
        "task_classes": (0..classes).map(class).collect::<Vec<_>>(),
        "providers": (0..classes / 5 + 1).map(provider).collect::<Vec<_>>(),
        "circuit_breakers": (0..classes).map(|n| (format!("p/m{n}"), json!({ "state": "open" })))
            .collect::<serde_json::Map<_, _>>(),
        "policy_file": "/home/somebody of two names/.config/llm-gateway/routing.yaml",
        "policy_error": { "file": "/home/a b/routing.yaml", "line": 7, "column": 3,
                          "message": "there is no such thing as this. ".repeat(15) },
        "runs": (0..16).map(run).collect::<Vec<_>>(),
    }))
}

#[test]
fn a_description_says_how_to_go_on() {
    for classes in [0, 5, 20, 60, 1_000] {
        let envelope = description(classes);
        for max_chars in BOUNDS {
            let shown = checked(&envelope, max_chars);
            let data = &shown["data"];
            assert_eq!(data["policy_error"], envelope.data.as_ref().unwrap()["policy_error"]);
            assert_eq!(data["runs"][0]["run_id"], id(0), "{classes} {max_chars}");
            assert_eq!(data["runs"][0]["task_class"], "ask");
            let (runs, all) = counted(&data["runs"]);
            assert!(runs >= 1 && all == 16, "{runs} of {all}");
            assert_eq!(counted(&data["task_classes"]).1, classes);
        }
    }
}

fn panel(members: usize, length: usize, failed: bool) -> Envelope {
    let tries =
        [json!({ "provider": "openai", "model": "gpt-5-mini", "outcome": "ok", "latency_ms": 1 })];
    let member = |n: usize| {
        let mut meta = json!({
            "task_class": "crowd", "provider": "openai", "model": "gpt-5-mini", "latency_ms": 1234,
            "tokens": { "input": 1, "output": 2, "total": 3, "cached_input": 0, "reasoning": 0 },
            "cost_usd_approx": 0.1, "cost_basis": "exact", "finish_reason": "stop", "retries": 0,
            "attempts": tries, "preflight": { "action": "ok", "estimated_max_cost_usd": 0.1 },
            "run_id": id(0), "member": n,
        });
        if failed {
            meta["error_category"] = json!("missing_key");
            meta["hint"] = json!("set the variable to the key ".repeat(20));
            return json!({ "status": "error", "error": "it is \"missing\" ".repeat(30), "meta": meta });
        }
        let text = format!("HEAD{} TAIL", " \"x\u{1}".repeat(length));
        json!({ "status": "success", "data": { "text": text }, "meta": meta })
    };
    let claim = json!({ "result": "pass", "because": "every one of them was alone ".repeat(8) });
    let mut envelope = Envelope::success(json!({
        "members": (0..members).map(member).collect::<Vec<_>>(),
        "agreement": { "level": "unknown", "because": "it was not asked for" },
    }));
    envelope.meta = json!({
        "task_class": "crowd", "run_id": id(0), "answered": members, "asked": members,
        "visibility": { "mode": "blind", "independence_certified": true, "level": "lineage", "required": "model" },
        "certificate": { "level": "lineage", "claims": { "a": claim, "b": claim, "c": claim },
                         "not_proven": vec!["that they were not told ".repeat(4); 6],
                         "receipt": { "digest": id(1), "path": "/home/a b/receipts/1.json" } },
    }).as_object().unwrap().clone();
    envelope
}

#[test]
fn a_panel_shows_every_member_that_there_is_room_for() {
    for (members, length) in [
        (1, 9_000),
        (2, 9_000),
        (3, 9_000),
        (5, 9_000),
        (8, 9_000),
        (12, 9_000),
        (64, 900),
        (5, 60),
        (9, 0),
    ] {
        for (failed, max_chars) in BOUNDS.iter().flat_map(|max| [(false, *max), (true, *max)]) {
            let shown = checked(&panel(members, length, failed), max_chars);
            let (whole, all) = counted(&shown["data"]["members"]);
            let what = format!("{members} {length} {failed} {max_chars}: {whole} of {all}");
            assert_eq!(all, members, "{what}");
            assert!(whole >= members.min(max_chars / if failed { 400 } else { 250 }), "{what}");
            for member in shown["data"]["members"].as_array().unwrap().iter().take(whole) {
                let meta = &member["meta"];
                assert_eq!(
                    (&meta["provider"], &meta["model"]),
                    (&json!("openai"), &json!("gpt-5-mini"))
                );
                assert_eq!((&meta["run_id"], failed), (&json!(id(0)), member["status"] == "error"));
                let text = member["data"]["text"].as_str().unwrap_or("HEAD");
                assert!(text.starts_with('H') || text.starts_with("[..."), "{what}: {text}");
            }
        }
    }
}

#[test]
fn a_failure_keeps_its_category_and_its_hint() {
    for length in [10, 1_000, 10_000] {
        let mut envelope = panel(3, length, true);
        envelope.status = crate::Status::Error;
        envelope.error = Some("E é\u{1}".repeat(length));
        envelope.meta.insert("error_category".to_owned(), json!("quorum"));
        envelope.meta.insert("hint".to_owned(), json!("set ANTHROPIC_API_KEY to the key"));
        for max_chars in BOUNDS {
            let shown = checked(&envelope, max_chars);
            assert_eq!(shown["meta"]["error_category"], "quorum");
            assert_eq!(shown["meta"]["hint"], "set ANTHROPIC_API_KEY to the key");
            assert!(shown["error"].as_str().unwrap().starts_with("E é"));
        }
    }
}

/// Whatever an envelope holds, it fits and says which run it is.
#[test]
fn odd_envelopes_fit() {
    let long = "x".repeat(20_000);
    let many: serde_json::Map<String, Value> =
        (0..1_000).map(|n| (format!("key{n}"), json!("a b"))).collect();
    for data in [
        json!(long),
        json!("a b ".repeat(5_000)),
        json!([long, long]),
        json!(vec![vec!["a b"; 50]; 50]),
        json!({ "members": 5, "runs": long }),
        json!({ "members": vec![json!({ "text": long }); 300] }),
        json!({ "text": 5, "artifact": null, "plan": ["text"], "raw": { "text": long } }),
        json!({ "text": "0", "plan": "1", "artifact": long }),
        json!({ "deep": { "er": many } }),
        Value::Object(many.clone()),
    ] {
        let mut envelope = Envelope::success(data);
        envelope.meta.insert("run_id".to_owned(), json!(id(5)));
        for key in ["task_class", "provider", "model", "hint"] {
            let _ = checked_size(&envelope, 2_000);
            envelope.meta.insert(key.to_owned(), json!(long));
        }
        let shown = checked_size(&envelope, 2_000);
        assert_eq!(shown.meta["run_id"], id(5));
        assert_eq!(shown.meta["truncated"], true);
    }
}

fn checked_size(envelope: &Envelope, max_chars: usize) -> Envelope {
    let bounded = envelope.clone().bounded(max_chars);
    assert!(sized(&bounded) <= max_chars);
    bounded
}
