//! An own provider that hangs leaves its time to the fallback.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Environment, Error, Gateway, Request};

use crate::support::{ask, attempts, obeying, tried};

#[tokio::test(start_paused = true)]
async fn timeout_s_holds_for_every_provider() {
    let policy = "
defaults: {s: {provider: mine, model: m, max_tokens: 100}}
fallback: {s: [{provider: openai, model: gpt-6-luna}]}
providers: {mine: {timeout_s: 2, models: {m: {in: 1, out: 2}}}}
reliability: {deadline_s: 60, retry: {max_retries: 0}}
";
    let gateway = Gateway::builder()
        .policy_yaml(policy)
        .environment(Environment::empty())
        .offline()
        .provider("mine", Arc::new(Steps(vec![Step::Hangs])))
        .build()
        .unwrap();
    let answer = gateway.route(Request::new("s", "hello")).await.unwrap();
    assert_eq!(answer.target.to_string(), "openai/gpt-6-luna");
    assert!(answer.latency < Duration::from_secs(3), "{:?}", answer.latency);
}

/// What an own provider does, a step after the other.
#[derive(Clone)]
enum Step {
    /// Waits so many seconds without a word.
    Waits(u64),
    Says(&'static str),
    Hangs,
}

struct Steps(Vec<Step>);

#[async_trait]
impl Provider for Steps {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }

    async fn send_with(
        &self,
        _: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        for step in &self.0 {
            match step {
                Step::Waits(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                Step::Says(text) => context.heard(text).await,
                Step::Hangs => std::future::pending().await,
            }
        }
        Ok(Completion::text("at last"))
    }
}

/// Asks an own provider with these lines in its entry, and `class`; returns its attempts, and how
/// many seconds the request took.
async fn asked(lines: &str, class: &str, steps: &[Step]) -> (Vec<String>, u64) {
    let policy = format!(
        "
defaults:
  alone: {{provider: mine, model: m, max_tokens: 100}}
  backed: {{provider: mine, model: m, max_tokens: 100}}
fallback: {{backed: [{{provider: openai, model: gpt-6-luna}}]}}
providers: {{mine: {{{lines}models: {{m: {{in: 1, out: 2}}}}}}}}
reliability: {{deadline_s: 60, retry: {{max_retries: 0}}}}
"
    );
    let builder = obeying(policy).offline().provider("mine", Arc::new(Steps(steps.to_vec())));
    let gateway = builder.build().unwrap();
    assert!(gateway.problems().is_empty(), "{:?}", gateway.problems());
    let began = tokio::time::Instant::now();
    let outcome = ask(&gateway, class).await;
    (tried(attempts(&outcome)), began.elapsed().as_secs())
}

/// The lines of the entry, the class, what the provider does, the attempts and the seconds.
type Case<'a> = (&'a str, &'a str, Vec<Step>, &'a [&'a str], u64);

#[tokio::test(start_paused = true)]
async fn every_bound_of_the_policy_holds_for_an_own_provider() {
    let fell_back = ["mine timeout", "openai ok"];
    let talks: Vec<Step> = (0..20).flat_map(|_| [Step::Waits(1), Step::Says("a ")]).collect();
    let hums: Vec<Step> = (0..20).flat_map(|_| [Step::Waits(1), Step::Says("")]).collect();
    let with_hanging = |steps: &[Step]| [steps, &[Step::Hangs]].concat();
    let cases: [Case<'_>; 17] = [
        // The whole of a try.
        ("timeout_s: 2, ", "backed", vec![Step::Hangs], &fell_back, 2),
        ("timeout_s: 2, ", "alone", vec![Step::Hangs], &["mine timeout"], 2),
        ("timeout_s: 2, ", "backed", talks.clone(), &fell_back, 2),
        ("timeout_s: 21, ", "backed", talks.clone(), &["mine ok"], 20),
        // Silence, the first one included where it is bounded.
        ("idle_timeout_s: 3, ", "backed", vec![Step::Hangs], &fell_back, 3),
        ("idle_timeout_s: 3, ", "alone", vec![Step::Waits(2)], &["mine ok"], 2),
        ("idle_timeout_s: 3, ", "backed", talks.clone(), &["mine ok"], 20),
        ("idle_timeout_s: 3, ", "backed", hums, &["mine ok"], 20),
        ("idle_timeout_s: 3, ", "backed", with_hanging(&talks), &fell_back, 23),
        (
            "idle_timeout_s: 3, ",
            "alone",
            vec![Step::Waits(1), Step::Says("a"), Step::Waits(4)],
            &["mine timeout"],
            4,
        ),
        ("timeout_s: 2, idle_timeout_s: 9, ", "backed", vec![Step::Hangs], &fell_back, 2),
        // The share of the fallback.
        ("", "backed", vec![Step::Hangs], &fell_back, 30),
        ("", "backed", vec![Step::Waits(29)], &["mine ok"], 29),
        ("", "backed", vec![Step::Waits(1), Step::Says("a"), Step::Waits(50)], &["mine ok"], 51),
        ("", "alone", vec![Step::Waits(59)], &["mine ok"], 59),
        ("", "alone", vec![Step::Hangs], &["mine timeout"], 60),
        ("", "alone", vec![], &["mine ok"], 0),
    ];
    for (at, (lines, class, steps, expected, seconds)) in cases.into_iter().enumerate() {
        let (attempts, took) = asked(lines, class, &steps).await;
        assert_eq!(attempts, expected, "case {at}: {lines}");
        assert_eq!(took, seconds, "case {at}: {lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_hangs_leaves_the_others_their_answers() {
    let policy = "
defaults:
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: mine, model: m}
      - {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
visibility: {three: {quorum: 2, enforce: soft}}
providers: {mine: {timeout_s: 2, models: {m: {in: 1, out: 2, developer: us, lineage: [us]}}}}
reliability: {retry: {max_retries: 0}}
";
    let builder = obeying(policy).offline().provider("mine", Arc::new(Steps(vec![Step::Hangs])));
    let gateway = builder.build().unwrap();
    let panel = gateway.panel(Request::new("three", "hi")).await.unwrap();
    assert_eq!(panel.answers().count(), 2);
    let failure = panel.members[1].as_ref().unwrap_err();
    assert_eq!(failure.to_string(), "mine did not finish within 2s (timeout_s)");
    assert!(panel.latency < Duration::from_secs(3));
}
