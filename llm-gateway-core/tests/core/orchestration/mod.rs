//! Orchestrations through the gateway: what each step is asked, and what follows from its answer.

mod cases;
mod certificate;
mod money;
mod overbilled;
mod properties;
mod rounds;
mod stop;
mod verdicts;

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::clock::FixedClock;
use llm_gateway_core::ledger::{Ledger, MemoryLedger};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{
    Environment, Failure, Gateway, GatewayBuilder, OrchestrationOutcome, Scripted, Task,
};
use serde_json::Value;

use crate::support::NOW;

/// A policy of three roles of three developers at $1 per million tokens in and $10 out. Nothing is
/// retried.
const POLICY: &str = "
providers:
  openai: {stream: false, models: {gpt-6-luna: {in: 1, out: 10}}}
  anthropic: {stream: false, models: {claude-haiku-5-5: {in: 1, out: 10}}}
  gemini: {stream: false, models: {gemini-3.8-flash: {in: 1, out: 10}}}
defaults:
  single: {provider: openai, model: gpt-6-luna, max_tokens: 100}
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-3.8-flash, max_tokens: 100}
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 100}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  depth:
    trivial: {plan: false, verify: false}
    standard: {plan: false, verify: true, replan_on_fail: true, max_replans: 1}
    complex: {plan: true, verify: true, replan_on_fail: true, max_replans: 1}
  verdict: plain
reliability: {retry: {max_retries: 0}}
";

const TASK: &str = "Name the capital of France in one sentence.";

/// A structured verdict that accepts. `@nonce@` stands for the nonce of the request.
const ACCEPTS: &str = r#"{"checklist": [{"requirement": "names the capital", "met": "yes",
    "evidence_quote": "Paris"}], "blocking": [], "verdict": "ACCEPT", "nonce": "@nonce@"}"#;

fn structured() -> String {
    POLICY.replace("verdict: plain", "verdict: structured")
}

fn builder(policy: &str, script: &Scripted, ledger: &Arc<MemoryLedger>) -> GatewayBuilder {
    let ledger: Arc<dyn Ledger> = Arc::clone(ledger) as _;
    Gateway::builder()
        .policy_yaml(policy)
        .environment(keys())
        .transport(Arc::new(Echo(script.clone())))
        .ledger(ledger)
        .clock(Arc::new(FixedClock::new(NOW)))
        .seed(7)
}

/// Returns an environment with a key for each provider.
fn keys() -> Environment {
    keys_of(&["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"])
}

fn keys_of(names: &[&str]) -> Environment {
    let with_key = |keys: Environment, name: &&str| keys.with(*name, "sk-test-key-of-a-provider");
    // A cap requires a path for a ledger. The ledger that the tests pass is used.
    let environment = Environment::empty().with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    names.iter().fold(environment, with_key)
}

async fn work(
    policy: &str,
    depth: &str,
    script: &Scripted,
) -> Result<OrchestrationOutcome, Failure> {
    let gateway = builder(policy, script, &Arc::default()).build().unwrap();
    gateway.orchestrate(Task::new(TASK).depth(depth)).await
}

/// Returns every text that a request shows to its model, system text first, in order.
fn texts(request: &HttpRequest) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Value::Object(fields) => {
                let shown = [
                    "system",
                    "systemInstruction",
                    "messages",
                    "contents",
                    "content",
                    "parts",
                    "text",
                ];
                let fields = shown.iter().filter_map(|key| fields.get(*key));
                fields.for_each(|field| collect(field, texts));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut texts = Vec::new();
    collect(&serde_json::from_slice(&request.body).unwrap(), &mut texts);
    texts
}

/// Returns the texts of one request as one text.
fn shown(script: &Scripted, index: usize) -> String {
    texts(&script.requests()[index]).concat()
}

/// A transport whose scripted answers may say `@nonce@` for the nonce in a verifier's request.
struct Echo(Scripted);

#[async_trait]
impl Transport for Echo {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let nonce = nonce(&texts(request).concat()).unwrap_or_default();
        let response = self.0.send(request, credential).await?;
        let body = Body::unfold((response.body, nonce), |(mut body, nonce)| async move {
            let chunk = body.next().await?.map(|chunk| {
                let text = String::from_utf8(chunk.to_vec()).unwrap();
                text.replace("@nonce@", &nonce).into()
            });
            Some((chunk, (body, nonce)))
        });
        Ok(HttpResponse::new(response.status, response.headers, body))
    }
}

/// Returns the nonce of the lines around an artifact.
fn nonce(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<<<ARTIFACT ")?;
    Some(rest.split_once(">>>")?.0.to_owned())
}
