//! Tests of what a brief envelope leaves out, and of what it never leaves out.

use serde_json::json;

use super::*;

fn attempt(outcome: &str) -> Value {
    json!({ "provider": "openai", "model": "m", "outcome": outcome, "latency_ms": 5, "waited_ms": 0 })
}

/// Returns the `meta` of an answer that went as expected.
fn good() -> Value {
    json!({
        "task_class": "ask", "provider": "openai", "model": "m", "latency_ms": 5,
        "tokens": { "input": 1, "output": 2, "total": 3 }, "cost_usd_approx": 0.1,
        "cost_basis": "exact", "finish_reason": "stop", "retries": 0,
        "attempts": [attempt("ok")], "preflight": { "action": "ok" }, "run_id": "1",
    })
}

fn envelope(meta: Value) -> Envelope {
    let mut envelope = Envelope::success(json!({ "text": "hi" }));
    envelope.meta = meta.as_object().cloned().unwrap();
    envelope
}

fn keys(meta: Value) -> Vec<String> {
    envelope(meta).brief().meta.keys().cloned().collect()
}

#[test]
fn an_answer_as_expected_says_what_it_is_and_costs() {
    assert_eq!(
        keys(good()),
        ["task_class", "provider", "model", "latency_ms", "tokens", "cost_usd_approx", "run_id"]
    );
}

#[test]
fn whatever_is_not_as_expected_stays() {
    let kept = [
        ("cost_basis", json!("estimated")),
        ("cost_basis", json!("free")),
        ("finish_reason", json!("length")),
        ("retries", json!(1)),
        ("attempts", json!([attempt("timeout"), attempt("ok")])),
        ("attempts", json!([{ "outcome": "ok", "reserved_usd": 1 }])),
        ("preflight", json!({ "action": "warn", "warning": "dear" })),
        ("preflight", json!({ "action": "off" })),
        ("fallback_from", json!({ "provider": "openai", "model": "m" })),
        ("spend_recorded", json!(false)),
        ("offline", json!(true)),
        ("budget", json!({ "left_usd": 1 })),
        ("something_new", json!(null)),
    ];
    for (key, value) in kept {
        let mut meta = good();
        meta[key] = value.clone();
        assert_eq!(envelope(meta).brief().meta[key], value, "{key}");
    }
}

#[test]
fn a_panel_keeps_answers_agreement_and_what_is_certified() {
    let claims = json!({
        "context_blind": { "result": "pass", "because": "long" },
        "model_distinct": { "result": "unknown", "because": "why" },
    });
    let mut panel = envelope(json!({
        "task_class": "three", "run_id": "1", "answered": 3,
        "visibility": { "mode": "blind", "members_see": "original_prompt_only", "enforce": "soft",
            "independence_certified": false, "level": "context_blind", "required": "model_distinct" },
        "certificate": { "level": "context_blind", "required": "model_distinct", "claims": claims,
            "not_proven": ["a", "b"], "warnings": [], "receipt": { "digest": "d" } },
    }));
    let mut member = good();
    member["member"] = json!(1);
    let failed = json!({ "status": "error", "error": "late", "meta": { "attempts": [] } });
    panel.data = Some(json!({
        "members": [{ "status": "success", "data": { "text": "one" }, "meta": member }, failed],
        "agreement": { "outcome": "majority" },
    }));
    let brief = panel.brief();
    assert_eq!(
        json!(brief.meta["visibility"]),
        json!({ "enforce": "soft", "independence_certified": false, "level": "context_blind",
            "required": "model_distinct" })
    );
    assert_eq!(
        json!(brief.meta["certificate"]),
        json!({ "claims": { "context_blind": { "result": "pass" },
                    "model_distinct": { "result": "unknown", "because": "why" } },
                "receipt": { "digest": "d" } })
    );
    let data = brief.data.unwrap();
    assert_eq!(data["agreement"]["outcome"], "majority");
    assert_eq!(data["members"][0]["data"]["text"], "one");
    assert_eq!(data["members"][0]["meta"].get("attempts"), None);
    assert_eq!(data["members"][1], failed, "all of a failure stays");
}

#[test]
fn warnings_of_a_certificate_stay() {
    let meta = json!({ "certificate": { "warnings": ["w"], "level": "none", "not_proven": [] } });
    let brief = envelope(meta).brief();
    assert_eq!(json!(brief.meta["certificate"]), json!({ "warnings": ["w"], "level": "none" }));
}

#[test]
fn a_step_keeps_who_was_asked_and_how_it_went() {
    let mut step = good();
    step["step"] = json!("execute");
    step["outcome"] = json!("ok");
    let brief = envelope(json!({ "steps": [step] })).brief();
    let step = &brief.meta["steps"][0];
    assert_eq!((&step["step"], &step["outcome"]), (&json!("execute"), &json!("ok")));
    assert_eq!((step.get("attempts"), step.get("finish_reason")), (None, None));
}

#[test]
fn all_of_an_error_stays() {
    let mut failed = envelope(good());
    failed.status = Status::Error;
    assert_eq!(failed.clone().brief(), failed);
}

/// Odd values where others belong change nothing and break nothing.
#[test]
fn odd_shapes_are_left_alone() {
    for odd in [json!(null), json!(5), json!("x"), json!([]), json!([1, null, "x"]), json!({})] {
        let meta = json!({ "attempts": odd, "preflight": odd, "steps": odd, "visibility": odd,
            "certificate": odd, "retries": odd });
        let mut brief = envelope(meta);
        brief.data = Some(json!({ "members": odd }));
        assert_eq!(brief.clone().brief().data, brief.data, "{odd}");
    }
}
