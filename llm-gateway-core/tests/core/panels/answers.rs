//! Tests of how unusual answers of real providers affect agreement and certificate.

use super::*;

/// Returns the policy without streams, so that a body is exactly what the script says.
fn whole() -> String {
    POLICY.replace(": {models", ": {stream: false, models")
}

/// Returns the consensus of three equal answers, of which the first stopped for this reason.
async fn agreed(finish_reason: &str) -> Consensus {
    let first = json!({
        "choices": [{"message": {"content": "42"}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1}
    });
    let script = Scripted::new().raw(200, first.to_string()).answer("42").answer("42");
    let panel = ask(&whole(), script).await.unwrap();
    assert_eq!(panel.answers().count(), 3, "{finish_reason}");
    panel.agreement.outcome
}

/// Checks answers that stopped for unknown reasons, which do not agree. A reason that names a
/// failure, such as DeepSeek's `insufficient_system_resource`, makes no answer at all.
#[tokio::test]
async fn answers_that_did_not_come_to_their_own_end_do_not_agree() {
    assert_eq!(agreed("stop").await, Consensus::Unanimous);
    for reason in ["pause_turn", "tool_calls", "no such reason"] {
        assert_eq!(agreed(reason).await, Consensus::NotComparable, "{reason}");
    }
}

/// Checks a policy that compares numbers by their values.
#[tokio::test]
async fn answers_are_compared_as_the_class_says() {
    let says = || Scripted::new().answer("2.50").answer("2.5").answer("2.500000");
    let panel = ask(POLICY, says()).await.unwrap();
    assert_eq!(panel.agreement.outcome, Consensus::NotComparable);
    let by_value = POLICY.replace("    members:", "    agree: by_value\n    members:");
    let panel = ask(&by_value, says()).await.unwrap();
    assert_eq!((panel.agreement.outcome, panel.agreement.method), (Consensus::Unanimous, "number"));
}

/// Checks an answer that a server has cut although it says `stop`.
#[tokio::test]
async fn answers_as_long_as_their_bound_do_not_agree() {
    for (tokens, outcome) in [(99, Consensus::Unanimous), (100, Consensus::NotComparable)] {
        let first = json!({
            "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": tokens}
        });
        let script = Scripted::new().raw(200, first.to_string()).answer("42").answer("42");
        let panel = ask(&whole(), script).await.unwrap();
        assert_eq!(panel.agreement.outcome, outcome, "{tokens}");
    }
}

/// Checks models that are named as resources, as Google names some.
#[tokio::test]
async fn a_model_that_is_named_as_a_resource_is_the_model() {
    let said = json!({"role": "model", "parts": [{"text": "42"}]});
    let third = json!({
        "candidates": [{"content": said, "finishReason": "STOP"}],
        "modelVersion": "models/gemini-3.8-flash", "responseId": "one",
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1}
    });
    let event = format!("data: {third}\n\n");
    let script = || Scripted::new().answer("42").answer("42");
    for (policy, script) in [
        (whole(), script().raw(200, third.to_string())),
        (POLICY.to_owned(), script().events(event)),
    ] {
        let panel = ask(&policy, script).await.unwrap();
        let model = panel.answers().last().unwrap().completion.model.as_deref();
        assert_eq!(model, Some("gemini-3.8-flash"));
        assert_eq!(panel.certificate().level, Level::LineageDistinct);
        assert_eq!(panel.agreement.n_effective.value, 1.5);
    }
}

/// Checks empty names: Azure's asynchronous filter ends a stream with chunks whose id and model are
/// empty.
#[tokio::test]
async fn an_empty_name_takes_no_models_place() {
    let chunk = |model: &str, choice: serde_json::Value| {
        format!("data: {}\n\n", json!({"id": model, "model": model, "choices": [choice]}))
    };
    let said = json!({"index": 0, "delta": {"content": "42"}, "finish_reason": "stop"});
    let filtered = json!({"index": 0, "finish_reason": null, "content_filter_results": {}});
    let stream = chunk("gpt-6-luna", said.clone()) + &chunk("", filtered) + "data: [DONE]\n\n";
    let whole_body = json!({"id": "", "model": "", "choices": [{"message": {"content": "42"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 1}});
    let ends = |script: Scripted| script.answer("42").answer("42");
    for (policy, script, named) in [
        (POLICY.to_owned(), Scripted::new().events(stream), Some("gpt-6-luna")),
        (whole(), Scripted::new().raw(200, whole_body.to_string()), None),
    ] {
        let panel = ask(&policy, ends(script)).await.unwrap();
        let first = panel.answers().next().unwrap();
        assert_eq!(first.completion.model.as_deref(), named);
        assert_eq!(panel.agreement.n_effective.value, 1.5, "{named:?}");
        assert_eq!(Envelope::from(first).meta["model"], "gpt-6-luna");
    }
}
