//! A panic in code of the program is the failure of one member or target, and takes nobody along.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::ledger::{Ledger, MemoryLedger, SpendBy};
use llm_gateway_core::model::{Completion, NanoUsd, SharedBytes};
use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use llm_gateway_core::{Category, Error, Gateway, Request, Stop};
use tokio::runtime::{Builder, Runtime};

use crate::support::{obeying, own_provider, spent};

/// Where a part panics.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Prepare,
    Call,
    FirstPoll,
    LaterPoll,
    AfterText,
    Drop,
    DropAfterPanic,
    WithABomb,
}

const EVERYWHERE: [At; 8] = [
    At::Prepare,
    At::Call,
    At::FirstPoll,
    At::LaterPoll,
    At::AfterText,
    At::Drop,
    At::DropAfterPanic,
    At::WithABomb,
];

/// A value whose drop panics, unless a panic is under way.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

/// A provider that panics.
struct Panics(At);

#[async_trait]
impl Provider for Panics {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        assert_ne!(self.0, At::Prepare);
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, _: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        unreachable!()
    }

    fn send_with<'a, 'b, 'c, 'd, 'e>(
        &'a self,
        _: &'b Prepared,
        context: &'c SendContext<'d>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Completion, Error>> + Send + 'e>>
    where
        'a: 'e,
        'b: 'e,
        'c: 'e,
        'd: 'e,
        Self: 'e,
    {
        assert_ne!(self.0, At::Call);
        let at = self.0;
        Box::pin(async move {
            match at {
                At::FirstPoll => panic!("at once"),
                At::LaterPoll => {
                    tokio::task::yield_now().await;
                    panic!("later")
                }
                At::AfterText => {
                    context.heard("half an ans").await;
                    panic!("in the middle")
                }
                At::Drop => {
                    let _bomb = Bomb;
                    std::future::pending::<()>().await;
                }
                At::DropAfterPanic => {
                    let _bomb = Bomb;
                    panic!("twice")
                }
                At::WithABomb => std::panic::panic_any(Bomb),
                At::Prepare | At::Call => {}
            }
            Ok(Completion::text("never"))
        })
    }
}

pub(super) const POLICY: &str = "
defaults:
  one: {provider: mine, model: m, max_tokens: 100}
  backed: {provider: mine, model: m, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: mine, model: m}
      - {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
fallback: {backed: [{provider: openai, model: gpt-6-luna}]}
visibility: {three: {quorum: 2, enforce: soft}}
providers: {mine: {timeout_s: 50, limits: {concurrent: 1}, models: {m: {in: 1, out: 2}}}}
reliability: {deadline_s: 60, retry: {max_retries: 1}}
";

/// Returns a runtime of one thread, with paused time, and one of two workers.
pub(super) fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

/// Builds a gateway whose own provider panics at `at`, and is soon given up if it hangs before.
fn gateway(at: At, ledger: &Arc<MemoryLedger>) -> Gateway {
    let policy = match at {
        At::Drop => POLICY.replace("timeout_s: 50", "timeout_s: 0.2"),
        _ => POLICY.to_owned(),
    };
    gateway_with(policy, at, ledger)
}

fn gateway_with(policy: String, at: At, ledger: &Arc<MemoryLedger>) -> Gateway {
    let builder = obeying(policy).offline().ledger(Arc::clone(ledger) as Arc<dyn Ledger>);
    builder.provider("mine", Arc::new(Panics(at))).build().unwrap()
}

#[test]
fn a_panicking_provider_fails_alone() {
    for runtime in runtimes() {
        for at in EVERYWHERE {
            runtime.block_on(async {
                let ledger = Arc::new(MemoryLedger::new());
                let gateway = gateway(at, &ledger);
                let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
                // What panics when it is dropped has hung before.
                let expected = if at == At::Drop { Category::Timeout } else { Category::Internal };
                assert_eq!(failure.category(), expected, "{at:?}: {failure}");
                assert!(failure.to_string().contains("mine"), "{at:?}: {failure}");
                let answer = gateway.route(Request::new("backed", "hi")).await.unwrap();
                assert_eq!(answer.target.provider.as_str(), "openai", "{at:?}");
                let panel = gateway.panel(Request::new("three", "hi")).await.unwrap();
                assert_eq!(panel.answers().count(), 2, "{at:?}");
                // No place of the limiter is lost, so that a further call is not kept waiting.
                assert!(gateway.route(Request::new("one", "hi")).await.is_err());
                gateway.drain().await.unwrap();
                let spent = spent(&ledger, SpendBy::Provider).await;
                assert_eq!(spent.held, NanoUsd::ZERO, "{at:?}: a hold is left");
            });
        }
    }
}

#[test]
fn a_panic_before_anything_was_sent_costs_nothing() {
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = gateway(At::Prepare, &ledger);
        gateway.route(Request::new("one", "hi")).await.unwrap_err();
        assert_eq!(spent(&ledger, SpendBy::Provider).await.settled, NanoUsd::ZERO);
    });
}

#[test]
fn callers_who_leave_or_stop_meet_no_panic() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let ledger = Arc::new(MemoryLedger::new());
            // Nobody waits for its time limit, which no slow machine should meet.
            let gateway = gateway_with(POLICY.to_owned(), At::Drop, &ledger);
            let left = gateway.route(Request::new("one", "hi"));
            assert!(tokio::time::timeout(Duration::from_millis(20), left).await.is_err());
            let stop = Stop::new();
            let stopped = gateway.route(Request::new("one", "hi").stopped_by(&stop));
            let (stopped, ()) = tokio::join!(stopped, async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stop.stop();
            });
            assert_eq!(stopped.unwrap_err().category(), Category::Cancelled);
            gateway.drain().await.unwrap();
            assert_eq!(spent(&ledger, SpendBy::Provider).await.held, NanoUsd::ZERO);
        });
    }
}

/// A transport that panics, in its request or in its body.
#[derive(Debug, Clone, Copy)]
enum Carries {
    Panics,
    PanicsLater,
    BreaksInItsBody,
    BreaksInTheDropOfItsBody,
}

#[async_trait]
impl Transport for Carries {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let body = match self {
            Self::Panics => panic!("at once"),
            Self::PanicsLater => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                panic!("later")
            }
            Self::BreaksInItsBody => Body::unfold(0, |chunk| async move {
                assert!(chunk < 1, "in the body");
                Some((Ok(SharedBytes::from(b": ping\n\n".to_vec())), chunk + 1))
            }),
            Self::BreaksInTheDropOfItsBody => Body::unfold(Bomb, |bomb| async move {
                let _bomb = bomb;
                std::future::pending().await
            }),
        };
        Ok(HttpResponse::new(http::StatusCode::OK, http::HeaderMap::new(), body))
    }
}

#[test]
fn a_panicking_transport_fails_its_call_alone() {
    let policy = "
defaults:
  q: {provider: far, model: m, max_tokens: 100}
  two:
    members: [{provider: far, model: m}, {provider: mine, model: m}]
    max_tokens: 100
providers:
  far: {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, timeout_s: 0.2, models: {m: {in: 1, out: 2}}}
  mine: {models: {m: {in: 1, out: 2}}}
visibility: {two: {enforce: soft}}
reliability: {deadline_s: 60, retry: {max_retries: 0}}
";
    for runtime in runtimes() {
        for carries in [
            Carries::Panics,
            Carries::PanicsLater,
            Carries::BreaksInItsBody,
            Carries::BreaksInTheDropOfItsBody,
        ] {
            runtime.block_on(async {
                let ledger = Arc::new(MemoryLedger::new());
                let builder = obeying(policy).transport(Arc::new(carries));
                let builder = builder.ledger(Arc::clone(&ledger) as Arc<dyn Ledger>);
                let gateway = builder.provider("mine", answering()).build().unwrap();
                let failure = gateway.route(Request::new("q", "hi")).await.unwrap_err();
                let expected = match carries {
                    Carries::BreaksInTheDropOfItsBody => Category::Timeout,
                    _ => Category::Internal,
                };
                assert_eq!(failure.category(), expected, "{carries:?}: {failure}");
                assert!(failure.to_string().contains("far"), "{carries:?}: {failure}");
                let failure = gateway.panel(Request::new("two", "hi")).await.unwrap_err();
                assert_eq!(failure.panel().unwrap().answers().count(), 1, "{carries:?}");
                gateway.drain().await.unwrap();
                assert_eq!(spent(&ledger, SpendBy::Provider).await.held, NanoUsd::ZERO);
            });
        }
    }
}

/// Returns a provider that answers.
pub(super) fn answering() -> Arc<dyn Provider> {
    own_provider(|_| Ok(Completion::text("42")))
}

/// An error whose code panics, in one of its methods.
#[derive(Clone, Copy)]
enum Unspeakable {
    Display,
    Debug,
    Source,
}

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert!(!matches!(self, Self::Display), "display");
        f.write_str("shown")
    }
}

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert!(!matches!(self, Self::Debug), "debug");
        f.write_str("Shown")
    }
}

impl std::error::Error for Unspeakable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        assert!(!matches!(self, Self::Source), "source");
        None
    }
}

#[test]
fn a_cause_that_panics_when_it_is_read_is_replaced() {
    for runtime in runtimes() {
        for cause in [Unspeakable::Display, Unspeakable::Debug, Unspeakable::Source] {
            runtime.block_on(async {
                let error = Error::new(Category::InvalidRequest, "no").with_source(cause);
                let own = own_provider(move |_| Err(error.clone()));
                let builder = obeying(POLICY).offline().provider("mine", own);
                let gateway = builder.build().unwrap();
                let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
                assert_eq!(failure.category(), Category::InvalidRequest);
                // Whoever prints the chain meets no panic.
                let printed = format!("{:#}", anyhow::Error::from(failure));
                let expected = match cause {
                    Unspeakable::Display => {
                        "no: a cause that panicked when it was asked for its text"
                    }
                    Unspeakable::Debug | Unspeakable::Source => "no: shown",
                };
                assert_eq!(printed, expected);
            });
        }
    }
}
