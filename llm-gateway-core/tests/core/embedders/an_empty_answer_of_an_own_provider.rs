//! An empty answer of an own provider is no answer.

use std::sync::Arc;

use llm_gateway_core::model::{Completion, CostBasis, FinishReason, NanoUsd, Usage};
use llm_gateway_core::outcome::AttemptOutcome;
use llm_gateway_core::provider::Provider;
use llm_gateway_core::{Answer, Category, Environment, Failure, Gateway, Request};

use crate::support::{ask, obeying, own_provider};

fn saying(text: &'static str) -> Arc<dyn Provider> {
    own_provider(move |_| {
        let mut completion = Completion::text(text);
        if text.is_empty() {
            completion.parts.clear();
        }
        Ok(completion)
    })
}

#[tokio::test]
async fn nothing_is_no_answer() {
    let policy = "
defaults: {s: {provider: mine, model: m, max_tokens: 100}}
fallback: {s: [{provider: openai, model: gpt-6-luna}]}
providers: {mine: {models: {m: {in: 1, out: 2}}}}
reliability: {retry: {max_retries: 0}}
";
    for text in ["", "  \n", "\u{200b}"] {
        let gateway = Gateway::builder()
            .policy_yaml(policy)
            .environment(Environment::empty())
            .offline()
            .provider("mine", saying(text))
            .build()
            .unwrap();
        let answer = gateway.route(Request::new("s", "hello")).await.unwrap();
        assert_eq!(
            answer.target.to_string(),
            "openai/gpt-6-luna",
            "{text:?} was taken for an answer"
        );
        assert_eq!(answer.attempts[0].outcome, AttemptOutcome::Failed(Category::EmptyOutput));
    }
}

/// Asks a provider that returns `text` for this reason.
async fn asked(text: &str, reason: FinishReason, usage: Option<Usage>) -> Result<Answer, Failure> {
    let mut completion = Completion::text(text);
    (completion.finish_reason, completion.usage) = (reason, usage);
    let row = "{in: 1, out: 10, capabilities: [think_tags]}";
    let policy = format!(
        "defaults: {{q: {{provider: mine, model: m, max_tokens: 100}}}}\n\
         providers: {{mine: {{models: {{m: {row}}}}}}}\n\
         reliability: {{retry: {{max_retries: 0}}}}"
    );
    let builder = obeying(policy).provider("mine", own_provider(move |_| Ok(completion.clone())));
    ask(&builder.build().unwrap(), "q").await
}

#[tokio::test]
async fn an_answer_is_one_by_the_rule_of_built_in_providers() {
    let blanks =
        ["", " ", "\n\t\r", "\u{a0}", "\u{3000}", "\u{200b}\u{feff}", "\u{2060}\u{ad}", "\u{0}"];
    let thoughts = ["<think>hm</think>", "<think>hm", " <think></think>\u{200b}"];
    for text in blanks.into_iter().chain(thoughts) {
        for (reason, category) in [
            (FinishReason::Stop, Category::EmptyOutput),
            (FinishReason::Other, Category::EmptyOutput),
            (FinishReason::ToolCalls, Category::EmptyOutput),
            (FinishReason::Length, Category::OutputBudgetExhausted),
            (FinishReason::ContentFilter, Category::ContentFilter),
        ] {
            let failure = asked(text, reason, None).await.unwrap_err();
            assert_eq!(failure.category(), category, "{text:?} {reason:?}");
            assert!(failure.to_string().starts_with("mine "), "{failure}");
        }
    }
    for (text, seen) in [
        ("0", "0"),
        (".", "."),
        ("\u{200b}a", "\u{200b}a"),
        ("<think>hm</think> 42", "42"),
        ("the tag <think> is one", "the tag <think> is one"),
    ] {
        for reason in [FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter] {
            assert_eq!(asked(text, reason, None).await.unwrap().text(), seen);
        }
    }
}

#[tokio::test]
async fn an_empty_answer_costs_what_its_usage_says() {
    let failure = asked("", FinishReason::Stop, Some(Usage::new(10, 5))).await.unwrap_err();
    // $1 and $10 per million tokens.
    assert_eq!(failure.attempts()[0].cost, Some(NanoUsd::from_nanos(60_000)));
    assert_eq!(failure.attempts()[0].cost_basis, CostBasis::Exact);
}

#[tokio::test]
async fn an_empty_answer_without_usage_is_never_free_for_certain() {
    for reason in [FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter] {
        let failure = asked("", reason, None).await.unwrap_err();
        let attempt = &failure.attempts()[0];
        assert_eq!((attempt.cost, attempt.cost_basis), (None, CostBasis::Unknown), "{reason:?}");
    }
}

#[tokio::test]
async fn no_quorum_counts_an_empty_answer() {
    let policy = "
defaults: {two: {members: [{provider: mine, model: m}, {provider: openai, model: gpt-6-luna}], max_tokens: 100}}
visibility: {two: {enforce: soft}}
providers: {mine: {models: {m: {in: 1, out: 2}}}}
reliability: {retry: {max_retries: 0}}
";
    let builder = obeying(policy).offline().provider("mine", saying(" "));
    let failure = builder.build().unwrap().panel(Request::new("two", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::Quorum);
    assert_eq!(failure.panel().unwrap().answers().count(), 1);
}
