//! Requests through the gateway: what is sent, what comes back, and which attempts are made.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::describe::KeyState;
use llm_gateway_core::model::{Completion, CostBasis, NanoUsd, ProviderName, Usage};
use llm_gateway_core::prompt::Message;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{
    Category, Envelope, Environment, Error, Event, Failure, Gateway, Request, Scripted, Task,
};

use crate::support::{obeying, tried};

/// A policy of one model with a fallback at another provider.
const POLICY: &str = r#"
defaults:
  quick: {provider: openai, model: gpt-6-luna, max_tokens: 100, rationale: "Short answers."}
  panel: {members: [{provider: openai, model: gpt-6-luna}, {provider: gemini, model: gemini-3.8-flash}]}
fallback: {quick: [{provider: anthropic, model: claude-haiku-5-5}]}
reliability: {retry: {max_retries: 0}}
"#;

fn gateway(policy: &str, script: Scripted) -> Gateway {
    obeying(policy).scripted(script).build().unwrap()
}

async fn fails(gateway: &Gateway, request: Request) -> Failure {
    gateway.route(request).await.expect_err("an answer where a failure was expected")
}

#[tokio::test]
async fn an_answer_carries_text_cost_and_trace() {
    let gateway = gateway(POLICY, Scripted::new().answer("Paris"));
    let answer = gateway.route(Request::new("quick", "Capital of France?")).await.unwrap();
    assert_eq!(answer.text(), "Paris");
    assert_eq!(tried(&answer.attempts), ["openai ok"]);
    assert_eq!(answer.cost.basis, CostBasis::Exact);
    // 5 tokens in at $0.10 and 2 out at $0.50 per million: 5 x 100 n$ + 2 x 500 n$.
    assert_eq!(answer.cost.amount, Some(NanoUsd::from_nanos(1_500)));
    assert_eq!((answer.offline, answer.fallback_from), (true, None));
}

#[tokio::test]
async fn the_envelope_of_an_answer() {
    let gateway = gateway(POLICY, Scripted::new().answer("Paris"));
    let answer = gateway.route(Request::new("quick", "Capital of France?")).await.unwrap();
    insta::assert_json_snapshot!(Envelope::from(&answer), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
    });
}

#[tokio::test]
async fn the_envelope_of_a_failure() {
    let gateway = gateway(POLICY, Scripted::new().status(401).status(429));
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    insta::assert_json_snapshot!(Envelope::from(&failure), {
        ".**.latency_ms" => 0,
        ".**.waited_ms" => 0,
    });
}

#[tokio::test]
async fn a_target_that_is_down_is_replaced_by_the_next() {
    let gateway = gateway(POLICY, Scripted::new().status(503).answer("from the fallback"));
    let answer = gateway.route(Request::new("quick", "hi")).await.unwrap();
    assert_eq!(answer.text(), "from the fallback");
    assert_eq!(tried(&answer.attempts), ["openai overloaded", "anthropic ok"]);
    assert_eq!(answer.fallback_from.unwrap().to_string(), "openai/gpt-6-luna");
}

#[tokio::test]
async fn a_callers_fault_is_never_sent_to_another_target() {
    let script = Scripted::new().status(400).answer("must not be asked");
    let gateway = gateway(POLICY, script);
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.category(), Category::InvalidRequest);
    assert_eq!(tried(failure.attempts()), ["openai invalid_request"]);
}

#[tokio::test]
async fn the_error_of_a_chain_is_the_one_of_a_provider_that_was_asked() {
    let environment = Environment::empty().with("OPENAI_API_KEY", "key-of-openai");
    let gateway = obeying(POLICY)
        .environment(environment)
        .transport(Arc::new(Scripted::new().status(500)))
        .build()
        .unwrap();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(tried(failure.attempts()), ["openai provider_5xx", "anthropic missing_key"]);
    assert_eq!(failure.category(), Category::Provider5xx);
}

#[tokio::test]
async fn a_key_that_two_providers_share_is_named_once() {
    let provider = "{kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: ONE_KEY, models: {m: {in: 1, out: 1}}}";
    let policy = format!(
        "providers:\n  one: {provider}\n  two: {provider}\ndefaults: {{quick: {{provider: one, model: m}}}}\n\
         fallback: {{quick: [{{provider: two, model: m}}]}}\n"
    );
    let gateway = obeying(policy).transport(Arc::new(Scripted::new())).build().unwrap();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.error().hint(), Some("one key is enough: set ONE_KEY"));
}

#[tokio::test]
async fn a_missing_key_is_named_and_nothing_is_sent() {
    let script = Scripted::new();
    let gateway = obeying(POLICY).transport(Arc::new(script.clone())).build().unwrap();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.category(), Category::MissingKey);
    assert!(failure.to_string().contains("OPENAI_API_KEY"), "{failure}");
    let hint = failure.error().hint().unwrap();
    assert_eq!(hint, "one key is enough: set OPENAI_API_KEY or ANTHROPIC_API_KEY");
    assert_eq!(script.requests().len(), 0);
    let quick = gateway.describe().unwrap().task_classes.remove(0);
    assert!(!quick.available);
    assert_eq!(quick.missing_keys, ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]);
}

#[tokio::test]
async fn a_request_above_the_threshold_is_refused_with_the_bound_that_fits() {
    let policy = format!("{POLICY}\ncost_preflight: {{block_usd: 0.00002}}");
    let script = Scripted::new();
    let gateway = gateway(&policy, script.clone());
    let failure = fails(&gateway, Request::new("quick", "hi").max_tokens(1_000)).await;
    assert_eq!(failure.category(), Category::PolicyBlocked);
    assert_eq!(script.requests().len(), 0, "nothing left");
    let hint = failure.error().hint().unwrap();
    let fits: u64 = hint.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(gateway.route(Request::new("quick", "hi").max_tokens(fits)).await.is_ok());
    assert!(gateway.route(Request::new("quick", "hi").max_tokens(fits + 1)).await.is_err());
}

#[tokio::test]
async fn a_kill_switch_ends_the_request_before_anything_leaves() {
    let unpriced = "defaults: {quick: {provider: openai, model: nobody-knows}}
cost_preflight: {enabled: false}
fallback: {quick: [{provider: anthropic, model: claude-haiku-5-5}]}";
    for (switch, policy) in
        [("LLM_GATEWAY_DISABLED", POLICY), ("LLM_GATEWAY_EXPENSIVE_DISABLED", unpriced)]
    {
        let script = Scripted::new();
        let environment = Environment::empty().with(switch, "Yes");
        let builder = obeying(policy).environment(environment).scripted(script.clone());
        let failure = fails(&builder.build().unwrap(), Request::new("quick", "hi")).await;
        assert_eq!(failure.category(), Category::PolicyBlocked);
        assert!(failure.to_string().contains(switch), "{failure}");
        assert_eq!(failure.attempts().len(), 1, "no other target is asked");
        assert_eq!(script.requests().len(), 0);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_leaves() {
    let script = Scripted::new();
    let gateway = gateway(POLICY, script.clone());
    let refused = [
        (Request::new("quick", ""), Category::InvalidRequest),
        (Request::new("quick", " \n"), Category::InvalidRequest),
        (Request::conversation("quick", Vec::new()), Category::InvalidRequest),
        (Request::new("quick", "hi").max_tokens(0), Category::InvalidRequest),
        (Request::new("quick", "hi").override_model("a b"), Category::InvalidRequest),
        (Request::new("qick", "hi"), Category::UnknownTaskClass),
        (Request::new("panel", "hi"), Category::InvalidRequest),
    ];
    for (request, category) in refused {
        let failure = fails(&gateway, request.clone()).await;
        assert_eq!(failure.category(), category, "{request:?}");
        assert!(failure.error().hint().is_some(), "{request:?} without a way out");
    }
    assert_eq!(script.requests().len(), 0);
}

#[tokio::test]
async fn an_answer_without_text_was_paid_for_all_the_same() {
    let body = r#"{"choices": [{"message": {"content": ""}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 100}}"#;
    let gateway = gateway(POLICY, Scripted::new().raw(200, body));
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.category(), Category::OutputBudgetExhausted);
    // 10 x 100 n$ + 100 x 500 n$.
    assert_eq!(failure.attempts()[0].cost, Some(NanoUsd::from_nanos(51_000)));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_provider_is_left_at_the_deadline() {
    let policy = POLICY.replace("max_tokens: 100", "max_tokens: 100, deadline_s: 2.5");
    let gateway = gateway(&policy, Scripted::new().hang());
    let began = tokio::time::Instant::now();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(began.elapsed(), Duration::from_millis(2_500));
    assert_eq!(failure.category(), Category::Timeout);
    assert_eq!(
        tried(failure.attempts()),
        ["openai timeout"],
        "no attempt begins past the deadline"
    );
}

#[tokio::test]
async fn events_tell_each_step() {
    let gateway = gateway(POLICY, Scripted::new().status(503));
    let mut run = gateway.start(Request::new("quick", "hi"));
    run.outcome.await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = run.events.next().await {
        told.push(match event {
            Event::Attempt { target, number, .. } => format!("{number} {target}"),
            Event::Fallback { from, to, .. } => format!("{from} -> {to}"),
            _ => "unknown".to_owned(),
        });
    }
    assert_eq!(
        told,
        [
            "1 openai/gpt-6-luna",
            "openai/gpt-6-luna -> anthropic/claude-haiku-5-5",
            "1 anthropic/claude-haiku-5-5",
        ]
    );
}

#[tokio::test]
async fn dropping_a_run_drops_the_request_in_flight() {
    let gateway = gateway(POLICY, Scripted::new().hang().answer("next"));
    let run = gateway.start(Request::new("quick", "hi"));
    tokio::select! {
        biased;
        _ = run.outcome => panic!("a hanging provider answered"),
        () = tokio::task::yield_now() => {}
    }
    let answer = gateway.route(Request::new("quick", "hi")).await.unwrap();
    assert_eq!(answer.text(), "next");
}

#[tokio::test]
async fn a_conversation_keeps_its_roles() {
    let script = Scripted::new();
    let gateway = gateway(POLICY, script.clone());
    let turns = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
    gateway.route(Request::conversation("quick", turns).system("be brief")).await.unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&script.requests()[0].body).unwrap();
    let roles: Vec<_> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn a_broken_policy_answers_every_request_with_what_is_wrong() {
    let builder = obeying("defaults: {quick: {provider: opnai, model: m}}").offline();
    let gateway = builder.build_always();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.category(), Category::PolicyInvalid);
    assert!(
        failure.to_string().contains("policy:1:30: no provider is called `opnai`"),
        "{failure}"
    );
    assert!(gateway.describe().is_err());
}

/// A provider of the program that counts its calls and answers in capitals.
struct Shouting(AtomicUsize);

#[async_trait]
impl Provider for Shouting {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _recorder: &Recorder) -> Result<Completion, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let asked: String = prepared.call.prompt.texts().collect();
        let mut completion = Completion::text(asked.to_uppercase());
        completion.usage = Some(Usage::new(10, 20));
        Ok(completion)
    }
}

#[tokio::test]
async fn a_provider_of_the_programs_own_looks_after_its_own_key() {
    let policy = "
providers: {mine: {api_key_env: KEY_OF_MINE, models: {loud: {in: 1, out: 2}}}}
defaults:
  quick: {provider: mine, model: loud}
  sums:
    cascade:
      gate: [{provider: mine, model: a}, {provider: mine, model: b}]
      else: {provider: mine, model: loud}
orchestration: {roles: {worker: {provider: mine, model: loud}}}";
    let own = Arc::new(Shouting(AtomicUsize::new(0)));
    let gateway = obeying(policy).provider("mine", own).build().unwrap();
    assert_eq!(gateway.route(Request::new("quick", "hi")).await.unwrap().text(), "HI");
    assert_eq!(gateway.cascade(Request::new("sums", "hi")).await.unwrap().text(), "HI");
    let done = gateway.orchestrate(Task::new("hi").depth("trivial")).await.unwrap();
    assert!(done.text().ends_with("HI"), "{}", done.text());
    let description = gateway.describe().unwrap();
    assert!(description.task_classes.iter().all(|class| class.available));
    assert!(description.orchestration.unwrap().depths.iter().all(|depth| depth.available));
    let mine = description.providers.iter().find(|it| it.name.as_str() == "mine").unwrap();
    assert_eq!((mine.key, &mine.key_variable), (KeyState::NotNeeded, &None));
}

#[tokio::test]
async fn a_program_brings_its_own_provider_and_its_prices() {
    let policy = "
providers: {mine: {models: {loud: {in: 1, out: 2}}}}
defaults: {quick: {provider: mine, model: loud}, free: {provider: mine, model: other}}";
    let own = Arc::new(Shouting(AtomicUsize::new(0)));
    let gateway = obeying(policy).provider("mine", own.clone()).build().unwrap();
    let answer = gateway.route(Request::new("quick", "hi")).await.unwrap();
    assert_eq!(answer.text(), "HI");
    // 10 x 1000 n$ + 20 x 2000 n$.
    assert_eq!(answer.cost.amount, Some(NanoUsd::from_nanos(50_000)));
    let unpriced = gateway.route(Request::new("free", "hi")).await.unwrap();
    assert_eq!((unpriced.cost.amount, unpriced.cost.basis), (None, CostBasis::Unknown));
    assert_eq!(own.0.load(Ordering::Relaxed), 2);
}

/// A vault with one key.
struct Vault;

#[async_trait]
impl CredentialSource for Vault {
    async fn lease(&self, provider: &ProviderName, _variable: &str) -> Option<Lease> {
        let secret = Secret::new("key-from-the-vault".to_owned());
        (provider.as_str() == "openai").then(|| Lease::new("vault/1", secret))
    }

    fn has(&self, provider: &ProviderName, _variable: &str) -> bool {
        provider.as_str() == "openai"
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_key_of_ones_own_vault_is_used_and_scrubbed() {
    let script = Scripted::new().echo_credential();
    let gateway = obeying("defaults: {quick: {provider: openai, model: gpt-6-luna}}")
        .credentials(Arc::new(Vault))
        .transport(Arc::new(script))
        .build()
        .unwrap();
    let failure = fails(&gateway, Request::new("quick", "hi")).await;
    assert_eq!(failure.category(), Category::Auth);
    let shown = format!("{failure:?}{}", serde_json::to_string(&Envelope::from(&failure)).unwrap());
    assert!(shown.contains("[redacted]") && !shown.contains("key-from-the-vault"), "{shown}");
}

#[tokio::test]
async fn run_ids_differ_and_a_seed_repeats_them() {
    let ids = |gateway: Gateway| async move {
        let first = gateway.route(Request::new("quick", "hi")).await.unwrap().run_id;
        (first, gateway.route(Request::new("quick", "hi")).await.unwrap().run_id)
    };
    let one = ids(gateway(POLICY, Scripted::new())).await;
    let again = ids(gateway(POLICY, Scripted::new())).await;
    assert_eq!(one, again);
    assert_ne!(one.0, one.1);
}

#[tokio::test]
async fn offline_answers_are_the_same_for_the_same_question() {
    for class in ["quick_answer", "coding", "long_context"] {
        let ask = || async {
            let gateway =
                Gateway::builder().environment(Environment::empty()).offline().build().unwrap();
            gateway.route(Request::new(class, "What is a monad?")).await.unwrap()
        };
        let (one, again) = (ask().await, ask().await);
        assert_eq!((one.text(), one.cost), (again.text(), again.cost));
        assert!(!one.text().is_empty() && one.offline);
    }
}
