// The constructors' names are the project's to choose; what counts is that an own ledger can
// refuse, and can tell what is left.
//! A ledger that a program brings can refuse, and can tell what is left.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use llm_gateway_core::ledger::{
    Cap, CapRefusal, Day, DroppedHolds, Hold, HoldEnd, HoldRequest, HoldSlot, Ledger, Month,
    Period, PeriodSpend, ReserveError, Reserved, Scope, ScopeTotal, SpendBy, UnusableLedger,
    WriteConfirmation,
};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Category, Environment, Gateway, Request};

/// A ledger in a team's own database, as far as a test needs it.
#[derive(Default)]
struct Team(Arc<Mutex<NanoUsd>>);

struct Place(Arc<Mutex<NanoUsd>>);

impl HoldSlot for Place {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        if let HoldEnd::Settled { cost, .. } = end {
            let mut settled = self.0.lock().unwrap();
            *settled = settled.saturating_add(cost);
        }
        confirmation.send(Ok(()));
    }
}

#[async_trait]
impl Ledger for Team {
    async fn reserve(
        &self,
        day: Day,
        calls: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Reserved, ReserveError> {
        let settled = *self.0.lock().unwrap();
        let asked = calls.iter().fold(NanoUsd::ZERO, |sum, call| sum.saturating_add(call.amount));
        for cap in caps.iter().filter(|cap| cap.scope == Scope::Total) {
            if settled.saturating_add(asked) > cap.limit {
                let total =
                    ScopeTotal::new(day.month().into(), Scope::Total, settled, NanoUsd::ZERO);
                return Err(CapRefusal::new(cap.clone(), &total, asked).into());
            }
        }
        let hold = |call: &HoldRequest| Hold::new(call.amount, Box::new(Place(self.0.clone())));
        Ok(Reserved::new(calls.iter().map(hold).collect()))
    }
    async fn spent(&self, period: Period, _: SpendBy) -> Result<PeriodSpend, UnusableLedger> {
        let mut spent = PeriodSpend::new(period);
        spent.settled = *self.0.lock().unwrap();
        spent.scopes = vec![ScopeTotal::new(period, Scope::Total, spent.settled, NanoUsd::ZERO)];
        Ok(spent)
    }
    async fn drop_unsettled(&self, _: Month) -> Result<DroppedHolds, UnusableLedger> {
        Ok(DroppedHolds::default())
    }
    async fn drain(&self) -> Result<(), UnusableLedger> {
        Ok(())
    }
}

#[tokio::test]
async fn it_can_refuse_and_tell_what_is_left() {
    let environment = Environment::empty()
        .with("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.0001")
        .with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
    let policy = "defaults: {q: {provider: openai, model: gpt-6-luna, max_tokens: 100000}}";
    let builder = Gateway::builder()
        .policy_yaml(policy)
        .environment(environment)
        .ledger(Arc::new(Team::default()));
    let gateway = builder.offline().build().unwrap();
    let failure = gateway.route(Request::new("q", "hello")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyBlocked, "{failure}");
    assert!(failure.to_string().contains("monthly cap of $0.0001"), "{failure}");
}
