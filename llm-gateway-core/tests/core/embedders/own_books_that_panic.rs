//! A ledger, a source of keys or a clock of the program that panics takes nobody along.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::clock::Clock;
use llm_gateway_core::credential::{CredentialSource, Lease, LeaseEnd, Secret};
use llm_gateway_core::ledger::{
    Cap, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, MemoryLedger, Month,
    Period, PeriodSpend, ReserveError, Reserved, SpendBy, UnusableLedger, WriteConfirmation,
};
use llm_gateway_core::model::{ProviderName, Target};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Category, Environment, GatewayBuilder, Request, Scripted};

use super::own_parts_that_panic::{POLICY, answering, runtimes};
use crate::support::obeying;

/// A ledger that panics wherever it is asked, or where the ends of holds are booked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counts {
    Never,
    UntilTheEnd,
}

struct PanickingSlot;

impl HoldSlot for PanickingSlot {
    fn close(self: Box<Self>, _: HoldEnd, _: WriteConfirmation) {
        panic!("booked")
    }
}

#[async_trait]
impl Ledger for Counts {
    async fn reserve(
        &self,
        _: Day,
        attempts: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        assert_eq!(*self, Self::UntilTheEnd);
        let hold = |attempt: &HoldRequest| Hold::new(attempt.amount, Box::new(PanickingSlot));
        Ok(Reserved::new(attempts.iter().map(hold).collect()))
    }

    async fn spent(&self, _: Period, _: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        panic!("spent")
    }

    async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
        panic!("dropped")
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        panic!("drained")
    }
}

#[test]
fn a_panicking_ledger_cannot_be_used_and_nothing_worse() {
    let capped = Environment::empty().with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "5");
    let capped = capped.with("HOME", "/nonexistent");
    for runtime in runtimes() {
        for counts in [Counts::Never, Counts::UntilTheEnd] {
            for environment in [Environment::empty(), capped.clone()] {
                runtime.block_on(async {
                    let has_cap = environment.get("LLM_GATEWAY_CAP_TOTAL_MONTHLY").is_some();
                    let builder = obeying(POLICY).environment(environment.clone()).offline();
                    let builder = builder.ledger(Arc::new(counts));
                    let gateway = builder.provider("mine", answering()).build().unwrap();
                    let routed = gateway.route(Request::new("one", "hi")).await;
                    match routed {
                        Ok(answer) => {
                            assert!(!has_cap || counts == Counts::UntilTheEnd);
                            assert_eq!(answer.attempts[0].recorded, Some(false));
                        }
                        Err(failure) => {
                            assert!(has_cap && counts == Counts::Never, "{failure}");
                            assert_eq!(failure.category(), Category::Ledger);
                        }
                    }
                    let panel = gateway.panel(Request::new("three", "hi")).await;
                    assert_eq!(panel.is_ok(), !has_cap || counts == Counts::UntilTheEnd);
                    assert!(gateway.spent(None, SpendBy::Model).await.is_err());
                    assert!(gateway.drain().await.is_err());
                });
            }
        }
    }
}

/// A source of keys that panics at one of its methods.
struct Lends(&'static str);

impl Lends {
    fn at(&self, method: &str) {
        assert_ne!(self.0, method);
    }
}

#[async_trait]
impl CredentialSource for Lends {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        self.at("lease");
        Some(Lease::new("a", Secret::new("sk-canary-4711-canary".to_owned())))
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        self.at("has");
        true
    }

    fn known(&self) -> Vec<Secret> {
        self.at("known");
        Vec::new()
    }

    fn why_missing(&self, _: &ProviderName, _: &str) -> Option<&'static str> {
        self.at("why_missing");
        None
    }

    fn keys(&self, _: &ProviderName, _: &str) -> Vec<String> {
        self.at("keys");
        vec!["a".to_owned(), "b".to_owned()]
    }

    async fn lease_key(&self, provider: &ProviderName, variable: &str, _: &str) -> Option<Lease> {
        self.at("lease_key");
        self.lease(provider, variable).await
    }

    fn report(&self, _: &Lease, _: &Target, _: LeaseEnd<'_>) {
        self.at("report");
    }
}

/// A transport that refuses the key.
struct Refuses;

#[async_trait]
impl Transport for Refuses {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let body = Body::whole(b"{}".to_vec());
        Ok(HttpResponse::new(http::StatusCode::UNAUTHORIZED, http::HeaderMap::new(), body))
    }
}

#[test]
fn a_panicking_source_of_keys_has_no_key_and_nothing_worse() {
    for runtime in runtimes() {
        for method in ["lease", "has", "known", "why_missing", "keys", "lease_key", "report"] {
            runtime.block_on(async {
                let builder = obeying(POLICY).transport(Arc::new(Refuses));
                let builder = builder.credentials(Arc::new(Lends(method)));
                let gateway = builder.provider("mine", answering()).build().unwrap();
                let failure = gateway.panel(Request::new("three", "hi")).await.unwrap_err();
                let panel = failure.panel().unwrap();
                let answered = panel.answers().count();
                // Without a key for two of three members nobody is asked, as without a panic.
                assert_eq!(answered, usize::from(method != "has"), "{method}: {failure}");
                for member in panel.members.iter().filter_map(|member| member.as_ref().err()) {
                    let expected = [Category::Auth, Category::MissingKey, Category::Quorum];
                    assert!(expected.contains(&member.category()), "{method}: {member}");
                }
            });
        }
    }
}

/// A clock that stops after so many readings.
struct Stops(AtomicUsize);

impl Clock for Stops {
    fn now(&self) -> Duration {
        let left =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.expect("the clock stops");
        Duration::from_secs(1_795_262_400)
    }
}

#[test]
fn a_panicking_clock_stops_nobody() {
    let [runtime, _] = runtimes();
    for readings in 0..6 {
        runtime.block_on(async {
            let builder: GatewayBuilder = obeying(POLICY).scripted(Scripted::new().answer("42"));
            let builder = builder.clock(Arc::new(Stops(AtomicUsize::new(readings))));
            let builder = builder.ledger(Arc::new(MemoryLedger::new()));
            let gateway = builder.provider("mine", answering()).build().unwrap();
            assert!(gateway.route(Request::new("one", "hi")).await.is_ok());
            assert!(gateway.panel(Request::new("three", "hi")).await.is_ok());
        });
    }
}
