//! Code of the program that blocks its thread keeps nobody else waiting, where the runtime has
//! other threads. What it says after its attempt has ended reaches nobody.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::model::{Completion, ProviderName, SharedBytes};
use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use llm_gateway_core::{Category, Environment, Error, Gateway, Request};
use tokio::runtime::{Builder, Runtime};

use crate::support::{obeying, tried};

const POLICY: &str = "
defaults:
  one: {provider: blocks, model: m, max_tokens: 100, deadline_s: 0.5}
  backed: {provider: blocks, model: m, max_tokens: 100}
  two:
    members: [{provider: openai, model: gpt-6-luna}, {provider: anthropic, model: claude-haiku-5-5}]
    max_tokens: 100
  five:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: blocks, model: m}
      - {provider: blocks, model: n}
      - {provider: blocks, model: o}
      - {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
fallback: {backed: [{provider: openai, model: gpt-6-luna}]}
visibility: {five: {quorum: 2, enforce: soft}}
providers: {blocks: {timeout_s: 0.5, models: {m: {in: 1, out: 2}, n: {in: 1, out: 2}, o: {in: 1, out: 2}}}}
reliability: {deadline_s: 60, retry: {max_retries: 0}}
";

/// Code that blocks its thread until the sender is dropped.
#[derive(Clone)]
struct Gate(Arc<Mutex<Receiver<()>>>);

impl Gate {
    fn new() -> (Sender<()>, Self) {
        let (release, gate) = channel();
        (release, Self(Arc::new(Mutex::new(gate))))
    }

    fn pass(&self) {
        self.0.lock().unwrap().recv().unwrap_err();
    }
}

/// A provider that blocks its thread, and then says and records more.
struct Blocks {
    gate: Gate,
    /// Told when all was said.
    done: Sender<()>,
}

#[async_trait]
impl Provider for Blocks {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, _: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        unreachable!()
    }

    async fn send_with(
        &self,
        _: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        self.gate.pass();
        let request = HttpRequest::post(String::new(), http::HeaderMap::new(), "late");
        context.recorder().sent(&request);
        context.recorder().received(http::StatusCode::OK, http::HeaderMap::new(), "late");
        self.done.send(()).ok();
        context.heard("late").await;
        Ok(Completion::text("late"))
    }
}

/// Runs a check on a runtime of one worker and on one of two, at the same time.
fn on_runtimes(check: impl Fn(&Runtime) + Sync) {
    std::thread::scope(|threads| {
        for workers in [1, 2] {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(workers).enable_all().build().unwrap();
            let check = &check;
            threads.spawn(move || check(&runtime));
        }
    });
}

#[test]
fn a_blocked_thread_is_the_failure_of_its_member_alone() {
    on_runtimes(|runtime| {
        let (release, gate) = Gate::new();
        let (done, all_said) = channel();
        let builder = obeying(POLICY).offline();
        let gateway: Gateway =
            builder.provider("blocks", Arc::new(Blocks { gate, done })).build().unwrap();
        runtime.block_on(async {
            let panel = gateway.panel(Request::new("five", "hi")).await.unwrap();
            assert_eq!(panel.answers().count(), 2);
            let answer = gateway.route(Request::new("backed", "hi")).await.unwrap();
            assert_eq!(tried(&answer.attempts), ["blocks timeout", "openai ok"]);
            let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
            assert_eq!(failure.category(), Category::Timeout);
            let spawned = gateway.clone();
            let other = tokio::spawn(async move { spawned.panel(Request::new("two", "hi")).await });
            assert_eq!(other.await.unwrap().unwrap().answers().count(), 2);
            drop(release);
        });
        // All of them go on at last, and end.
        (0..5).for_each(|_| all_said.recv().unwrap());
    });
}

/// A transport that blocks its thread in a request or in a body.
struct Stuck {
    gate: Gate,
    in_body: bool,
}

#[async_trait]
impl Transport for Stuck {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        if !self.in_body {
            self.gate.pass();
        }
        let body = Body::unfold(self.gate.clone(), |gate| async move {
            gate.pass();
            Some((Ok(SharedBytes::from(b"{}".to_vec())), gate))
        });
        Ok(HttpResponse::new(http::StatusCode::OK, http::HeaderMap::new(), body))
    }
}

/// A source of keys that blocks its thread.
struct Vault(Gate);

#[async_trait]
impl CredentialSource for Vault {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        self.0.pass();
        None
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

#[test]
fn a_deadline_passes_whatever_blocks() {
    let policy = "
defaults: {q: {provider: openai, model: gpt-6-luna, max_tokens: 100}}
reliability: {deadline_s: 0.5, retry: {max_retries: 0}}
";
    on_runtimes(|runtime| {
        for case in ["request", "body", "keys"] {
            let (release, gate) = Gate::new();
            let stuck = Stuck { gate: gate.clone(), in_body: case != "request" };
            let keys = Environment::empty().with("OPENAI_API_KEY", "k");
            let builder = obeying(policy).transport(Arc::new(stuck)).environment(keys);
            let builder = match case {
                "keys" => builder.credentials(Arc::new(Vault(gate))),
                _ => builder,
            };
            let gateway = builder.build().unwrap();
            runtime.block_on(async {
                let failure = gateway.route(Request::new("q", "hi")).await.unwrap_err();
                assert_eq!(failure.category(), Category::Timeout, "{case}: {failure}");
                drop(release);
            });
        }
    });
}
