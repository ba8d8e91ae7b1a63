//! Tests of envelopes that are too large, and of what stays of them.

use super::*;
use serde_json::Value;

fn sized(envelope: &Envelope) -> usize {
    serde_json::to_string(envelope).unwrap().chars().count()
}

#[test]
fn a_short_envelope_stays_as_it_is() {
    let envelope = Envelope::success(json!({ "text": "hi" }));
    assert_eq!(envelope.clone().bounded(2_000), envelope);
}

#[test]
fn a_long_text_keeps_head_and_tail() {
    let text = format!("first {} last", "x".repeat(100_000));
    let bounded = Envelope::success(json!({ "text": text })).bounded(3_000);
    let text = bounded.data.as_ref().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("first ") && text.ends_with(" last"), "{text}");
    assert!(text.contains("characters left out"));
    assert_eq!(bounded.meta["truncated"], true);
    assert!(sized(&bounded) <= 3_000);
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let classes: Vec<Value> = (0..5_000).map(|n| json!({ "name": format!("class_{n}") })).collect();
    let bounded = Envelope::success(json!({ "task_classes": classes })).bounded(5_000);
    assert!(sized(&bounded) <= 5_000);
    let list = bounded.data.as_ref().unwrap()["task_classes"].as_array().unwrap().clone();
    assert!(list.last().unwrap().as_str().unwrap().starts_with("… and "));
}

/// Returns the envelope of an orchestration of three rounds in the shape of
/// `envelope/orchestration.rs`, larger than any that fits: `length` is that of each text.
fn orchestration(length: usize) -> Envelope {
    let text = |what: &str| format!("{what} begins {} ends", "\"\\n".repeat(length));
    let item = json!({
        "requirement": "r".repeat(1_000), "met": "yes", "evidence_quote": "q".repeat(1_000),
    });
    let round = |number: usize| {
        json!({
            "artifact": text("artifact"), "plan": text("plan"), "round": number,
            "verdict": {
                "accepted": false, "reasons": vec!["w".repeat(1_000); 32],
                "checklist": vec![item.clone(); 64], "raw": text("raw"),
            },
        })
    };
    let tries = vec![json!({ "provider": "openai", "model": "m", "outcome": "timeout" }); 4];
    let step = json!({
        "step": "execute", "role": "worker", "round": 1, "provider": "openai",
        "model": "a-model-of-a-long-name-4711", "outcome": "ok", "error": "e".repeat(300),
        "tokens": { "input": 1, "output": 2, "total": 3 }, "attempts": tries,
    });
    let mut data = round(3);
    data["other_rounds"] = json!([round(1), round(2)]);
    let mut envelope = Envelope::success(data);
    envelope.meta.insert("steps".to_owned(), json!(vec![step; 8]));
    let claim = json!({ "result": "unknown", "because": "b".repeat(200) });
    let certificate = json!({ "claims": vec![claim; 4], "not_proven": vec!["n".repeat(90); 6] });
    envelope.meta.insert("certificate".to_owned(), certificate);
    envelope.meta.insert("run_id".to_owned(), json!("0123456789abcdef0123456789abcdef"));
    envelope
}

#[test]
fn an_orchestration_keeps_head_and_tail_of_what_models_wrote() {
    for (max_chars, length) in [(2_000, 10_000), (5_000, 10_000), (30_000, 20_000)] {
        let bounded = orchestration(length).bounded(max_chars);
        assert!(sized(&bounded) <= max_chars, "{} of {max_chars}", sized(&bounded));
        let data = bounded.data.as_ref().unwrap();
        let shown = |pointer: &str| data.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let artifact = shown("/artifact");
        assert!(artifact.starts_with("artifact begins "), "{max_chars}: {artifact}");
        assert!(artifact.ends_with(" ends"), "{max_chars}: {artifact}");
        assert!(json!(artifact).to_string().len() > max_chars / 10, "{max_chars}: {artifact}");
        for pointer in ["/artifact", "/plan", "/verdict/raw", "/other_rounds/1/artifact"] {
            let text = shown(pointer);
            assert!(text.contains("characters left out"), "{max_chars} {pointer}: {text}");
            assert!(text.len() <= artifact.len(), "the artifact is what was asked for");
        }
        assert_eq!(bounded.meta["run_id"], "0123456789abcdef0123456789abcdef");
        assert_eq!(data["verdict"]["accepted"], false);
    }
}

#[test]
fn an_artifact_does_not_give_way_to_many_rounds_that_came_to_nothing() {
    let mut envelope = orchestration(10_000);
    let rounds = &mut envelope.data.as_mut().unwrap()["other_rounds"];
    *rounds = json!(vec![rounds[0].clone(); 10]);
    for max_chars in [10_000, 30_000] {
        let bounded = envelope.clone().bounded(max_chars);
        assert!(sized(&bounded) <= max_chars);
        let data = bounded.data.unwrap();
        let length = |text: &Value| text.to_string().chars().count();
        let past = data["other_rounds"].as_array().unwrap().iter().take(10);
        let past =
            past.flat_map(|round| [&round["artifact"], &round["plan"], &round["verdict"]["raw"]]);
        let past: usize = past.map(length).sum();
        let artifact = length(&data["artifact"]);
        assert!(artifact > past, "{artifact} of the artifact and {past} of others in {max_chars}");
    }
}

#[test]
fn what_explains_an_artifact_gives_way_to_it() {
    let mut envelope = orchestration(1);
    envelope.data.as_mut().unwrap()["artifact"] = json!("x".repeat(12_000));
    let bounded = envelope.bounded(30_000);
    assert_eq!(bounded.data.unwrap()["artifact"].as_str().unwrap().len(), 12_000);
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_bound_or_the_json(text in "[\\PC\u{0}-\u{1f}\"\\\\]{0,4000}", max in 2_000usize..6_000) {
        let mut envelope = Envelope::success(json!({ "text": text }));
        envelope.error = Some(text);
        let bounded = envelope.bounded(max);
        let written = serde_json::to_string(&bounded).unwrap();
        proptest::prop_assert!(written.chars().count() <= max);
        let read: Value = serde_json::from_str(&written).unwrap();
        proptest::prop_assert_eq!(&read["status"], "success");
    }
}
