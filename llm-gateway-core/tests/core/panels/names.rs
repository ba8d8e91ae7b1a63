//! Tests of panels and gates whose models may be one under two names: a known identity is reported
//! before anything is paid, and a possible one settles nothing.

use llm_gateway_core::outcome::AnsweredBy;

use super::*;

/// Returns a policy of two hosts with these models.
fn hosts(one: &str, two: &str, enforce: &str) -> String {
    format!(
        "
providers:
  pa:
    kind: openai
    base_url: http://127.0.0.1:9/v1
    api_key_env: null
    models: {{\"{one}\": {{in: 1, out: 1, developer: devone, lineage: [famone]}}}}
  pb:
    kind: openai
    base_url: http://127.0.0.1:8/v1
    api_key_env: null
    models: {{\"{two}\": {{in: 1, out: 1, developer: devone, lineage: [famone]}}}}
defaults:
  three: {{members: [{{provider: pa, model: \"{one}\"}}, {{provider: pb, model: \"{two}\"}}], max_tokens: 50}}
  exam:
    cascade:
      gate: [{{provider: pa, model: \"{one}\"}}, {{provider: pb, model: \"{two}\"}}]
      else: {{provider: openai, model: gpt-6-luna}}
    max_tokens: 50
visibility: {{three: {{mode: blind, enforce: {enforce}}}}}
reliability: {{retry: {{max_retries: 0}}}}
"
    )
}

/// Names of one model, as hosts write them.
const ONE_MODEL: &[(&str, &str)] = &[
    ("llama-3.3-70b", "meta-llama/llama-3.3-70b"),
    ("qwen3-32b", "Qwen3-32B"),
    ("claude-x-1", "claude-x-1@20250929"),
    ("claude-x-1", "claude-x-1-20250929"),
    ("claude-x-1", "us.anthropic.claude-x-1-20250929-v1:0"),
    ("claude-x-1-latest", "claude-x-1-05-06"),
    ("deepseek-r9", "deepseek/deepseek-r9:free"),
];

#[tokio::test]
async fn one_model_under_two_names_is_no_certified_panel() {
    for (one, two) in ONE_MODEL {
        let panel = ask(&hosts(one, two, "soft"), Scripted::new()).await.unwrap();
        let claim = &panel.certificate().claims.model_distinct;
        assert_ne!(claim.result, ClaimResult::Pass, "{one} {two}: {}", claim.because);
        assert!(!panel.independence_certified(), "{one} {two}");
    }
}

#[tokio::test]
async fn one_model_under_two_names_settles_no_gate() {
    for (one, two) in ONE_MODEL {
        let script = Scripted::new().answer("B").answer("B").answer("C");
        let gateway = gateway(&hosts(one, two, "soft"), script, Arc::default());
        let cascade = gateway.cascade(Request::new("exam", "A, B or C?")).await.unwrap();
        assert_eq!(cascade.answered_by, AnsweredBy::Else, "{one} {two}: {}", cascade.because);
    }
}

#[tokio::test]
async fn a_hard_panel_that_can_never_be_certified_asks_nobody() {
    for (one, two) in ONE_MODEL {
        let script = Scripted::new();
        let policy = hosts(one, two, "hard");
        let failure = ask(&policy, script.clone()).await.unwrap_err();
        assert_eq!(failure.category(), Category::Independence);
        assert_eq!(script.requests().len(), 0, "{one} {two}");
        assert_eq!(failure.attempts().len(), 0);
        let said = failure.to_string();
        assert!(said.contains("nobody was asked") && said.contains(one), "{said}");
        let hint = failure.error().hint().unwrap_or_default();
        assert!(hint.contains("visibility.three"), "{hint}");
        // Nor does the description promise that it can run.
        let classes = gateway(&policy, script, Arc::default()).describe().unwrap().task_classes;
        let three = classes.iter().find(|class| class.name == "three").unwrap();
        let because = three.unavailable_because.as_deref().unwrap_or_default();
        assert!(!three.available && because.contains(one), "{because}");
    }
}

/// Checks a dated answer to an undated request, which is usual with OpenAI's API.
#[tokio::test]
async fn a_dated_answer_to_an_undated_request_is_the_requested_model() {
    let dated = |wire: test_support::Wire, model: &str, text: &str| wire.stream(model, text);
    use test_support::Wire::{Anthropic, Gemini, OpenAi};
    let script = Scripted::new()
        .events(dated(OpenAi, "gpt-6-luna-2026-08-01", "yes"))
        .events(dated(Anthropic, "claude-haiku-5-5-20260801", "yes"))
        .events(dated(Gemini, "gemini-3.8-flash-001", "yes"));
    let panel = ask(&promising("enforce: hard, require: lineage_distinct"), script).await.unwrap();
    assert!(panel.independence_certified());
    assert_eq!(panel.agreement.n_effective.value, 1.5, "the three are known to differ");
    let because = &panel.certificate().claims.model_distinct.because;
    let rule = "answered as gpt-6-luna-2026-08-01, the requested gpt-6-luna with its date";
    assert!(because.contains(rule), "{because}");
    let bundle = panel.bundle.to_bytes();
    let verified = verify(&panel.receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{:?}", verified.findings);
}
