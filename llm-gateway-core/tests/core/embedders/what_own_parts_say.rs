//! What a ledger and a request of the program's own say of themselves.

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::ledger::{
    Cap, CapRefusal, Day, DroppedHolds, HoldRequest, Ledger, Month, Per, Period, PeriodSpend,
    Problem, ReserveError, Reserved, Scope, ScopeTotal, SpendBy, UnusableLedger,
};
use llm_gateway_core::model::{ModelId, NanoUsd, ProviderName};
use llm_gateway_core::policy::Caps;
use llm_gateway_core::prompt::{Message, Prompt};
use llm_gateway_core::provider::{Call, Prepared};
use llm_gateway_core::transport::{Body, HttpRequest, HttpResponse};
use llm_gateway_core::{Category, Gateway, Request};

use super::own_parts_that_panic::{POLICY, answering};
use crate::support::obeying;

const PASSWORD: &str = "pw-canary-4711-canary";

/// A ledger in a database that is out of reach, or that has a cap of its own.
enum Team {
    OutOfReach,
    Capped,
}

fn unusable() -> UnusableLedger {
    let place = format!("postgres://team:{PASSWORD}@db");
    UnusableLedger::new(Problem::Locked, place, format!("refused {PASSWORD}"))
}

#[async_trait]
impl Ledger for Team {
    async fn reserve(
        &self,
        day: Day,
        _: &[HoldRequest],
        _: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let (limit, asked) = (NanoUsd::from_nanos(10), NanoUsd::from_nanos(5));
        let total = ScopeTotal::new(day.month().into(), Scope::Total, limit, NanoUsd::ZERO);
        match self {
            Self::OutOfReach => Err(unusable().into()),
            Self::Capped => {
                let cap = Cap::new(Scope::Total, Per::Month, limit);
                Err(CapRefusal::new(cap, &total, asked).into())
            }
        }
    }

    async fn spent(&self, _: Period, _: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        Err(unusable())
    }

    async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
        Err(unusable())
    }

    async fn drain(&self) -> Result<(), UnusableLedger> {
        Err(unusable())
    }
}

/// Names the password of the database.
struct Names;

#[async_trait]
impl CredentialSource for Names {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        None
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        vec![Secret::new(PASSWORD.to_owned())]
    }
}

fn gateway(team: Team) -> Gateway {
    let caps = Caps::new().everything(Per::Day, NanoUsd::from_nanos(u64::MAX));
    let builder = obeying(POLICY).offline().caps(caps).credentials(Arc::new(Names));
    builder.ledger(Arc::new(team)).provider("mine", answering()).build().unwrap()
}

#[tokio::test]
async fn the_errors_of_an_own_ledger_hold_no_known_key() {
    let gateway = gateway(Team::OutOfReach);
    let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::Ledger, "{failure}");
    let said = format!(
        "{failure:?}{failure}{:?}{:?}{:?}{:?}",
        gateway.spent(None, SpendBy::Model).await,
        gateway.drop_unsettled(None).await,
        gateway.drain().await,
        gateway.describe_with_spend().await,
    );
    assert!(said.contains("postgres://team:[redacted]@db"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[tokio::test]
async fn a_cap_of_an_own_ledger_has_a_whole_hint() {
    let failure = gateway(Team::Capped).route(Request::new("one", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked, "{failure}");
    let hint = failure.error().hint().unwrap();
    assert!(hint.ends_with("raise the cap of the ledger"), "{hint}");
}

#[test]
fn debug_shows_no_credential_of_a_request_or_a_response() {
    let mut headers = http::HeaderMap::new();
    for name in ["authorization", "x-api-key", "cookie", "set-cookie"] {
        headers.insert(name, PASSWORD.parse().unwrap());
    }
    let url = format!("http://me:{PASSWORD}@127.0.0.1/v1?key={PASSWORD}&page=2");
    let request = HttpRequest::post(url, headers.clone(), "{}".to_owned());
    let prompt = Prompt::from_messages([Message::user("hi")]);
    let call = Call::new(ModelId::new("m").unwrap(), prompt, 5);
    let response = HttpResponse::new(http::StatusCode::OK, headers, Body::whole("x"));
    let prepared = Prepared::recorded(call, request.clone());
    for shown in [format!("{request:?}"), format!("{prepared:?}"), format!("{response:?}")] {
        assert!(!shown.contains(PASSWORD) && shown.contains("[redacted]"), "{shown}");
    }
}
