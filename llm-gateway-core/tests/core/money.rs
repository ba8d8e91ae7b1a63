//! Caps hold: what is set aside, settled, released and refused.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::clock::Clock;
use llm_gateway_core::ledger::{Day, Ledger, MemoryLedger, Period, PeriodSpend, SpendBy};
use llm_gateway_core::model::{CostBasis, NanoUsd};
use llm_gateway_core::{Category, Envelope, Environment, Failure, Gateway, Request, Scripted};

use crate::support::{WORST_CASE, obeying, spent, tried};

/// A policy at $1 per million tokens in and $10 out, with a fallback at another provider for the
/// same.
const POLICY: &str = "
providers:
  openai: {models: {m: {in: 1, out: 10}, m-without-a-price: {context: 1000}, dear: {in: 2, out: 20}}}
  anthropic: {models: {m: {in: 1, out: 10}}}
defaults:
  quick: {provider: openai, model: m, max_tokens: 100}
  unpriced: {provider: openai, model: nobody-knows}
fallback: {quick: [{provider: anthropic, model: m}]}
reliability: {retry: {max_retries: 0}}
";

struct Till {
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
    script: Scripted,
}

fn till(script: Scripted, variables: &[(&str, String)]) -> Till {
    let ledger = Arc::new(MemoryLedger::new());
    let environment = variables
        .iter()
        .fold(Environment::empty(), |environment, (name, value)| environment.with(*name, value));
    let gateway = obeying(POLICY)
        .environment(environment.with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db"))
        .scripted(script.clone())
        .ledger(ledger.clone())
        .build()
        .unwrap();
    Till { gateway, ledger, script }
}

/// Returns a cap that fits this many worst cases, and not one nano-dollar more.
fn cap_of(calls: u64) -> String {
    NanoUsd::from_nanos(calls * WORST_CASE).to_string().trim_start_matches('$').to_owned()
}

impl Till {
    async fn asks(&self) -> Result<llm_gateway_core::Answer, Failure> {
        self.gateway.route(Request::new("quick", "hi")).await
    }

    async fn spent(&self) -> PeriodSpend {
        self.gateway.drain().await.unwrap();
        spent(&self.ledger, SpendBy::Provider).await
    }
}

const TOTAL: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";

#[tokio::test]
async fn however_many_calls_run_at_once_no_more_leave_than_the_cap_pays_for() {
    let hanging = (0..50).fold(Scripted::new(), |script, _| script.hang());
    let till = till(hanging, &[(TOTAL, cap_of(3))]);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let gateway = till.gateway.clone();
            tokio::spawn(async move { gateway.route(Request::new("quick", "hi")).await })
        })
        .collect();
    let (mut refused, mut open) = (0, Vec::new());
    for call in calls {
        tokio::task::yield_now().await;
        if till.script.requests().len() == 3 && call.is_finished() {
            let failure = call.await.unwrap().unwrap_err();
            assert_eq!(failure.category(), Category::PolicyBlocked);
            assert_eq!(failure.attempts().len(), 1, "the total cap ends the request");
            refused += 1;
        } else {
            open.push(call);
        }
    }
    assert_eq!(till.script.requests().len(), 3);
    assert!(refused > 0);
    assert_eq!(till.spent().await.held.as_nanos(), 3 * WORST_CASE);
    open.iter().for_each(|call| call.abort());
    for call in open {
        let _ = call.await;
    }
    // The cost of a cancelled call is unknown, so its whole hold counts.
    let spent = till.spent().await;
    assert_eq!((spent.settled.as_nanos(), spent.held), (3 * WORST_CASE, NanoUsd::ZERO));
    assert!(till.asks().await.is_err());
}

#[tokio::test]
async fn a_cap_that_fits_exactly_lets_the_call_through_and_settles_what_it_cost() {
    let till = till(Scripted::new().answer("hello"), &[(TOTAL, cap_of(1))]);
    let answer = till.asks().await.unwrap();
    assert_eq!(answer.spend_recorded(), Some(true));
    let spent = till.spent().await;
    assert_eq!(Some(spent.settled), answer.cost.amount);
    assert_eq!(spent.held, NanoUsd::ZERO);
    let refused = till.asks().await.unwrap_err();
    assert!(refused.to_string().contains("the monthly cap of"), "{refused}");
}

#[tokio::test]
async fn the_sum_of_the_ledger_is_the_sum_of_the_envelopes() {
    let missing = r#"{"choices": [{"message": {"content": "no usage"}, "finish_reason": "stop"}]}"#;
    let script = Scripted::new()
        .answer("one")
        .status(503)
        .answer("two")
        .raw(200, missing)
        .cut()
        .answer("three");
    let till = till(script, &[("LLM_GATEWAY_LEDGER", "1".to_owned())]);
    let mut sum = 0;
    for _ in 0..4 {
        let answer = till.asks().await.unwrap();
        let costs = answer.attempts.iter().filter_map(|attempt| attempt.cost);
        sum += costs.map(NanoUsd::as_nanos).sum::<u64>();
    }
    assert_eq!(till.spent().await.settled.as_nanos(), sum);
}

#[tokio::test]
async fn an_answer_without_reported_tokens_counts_at_its_whole_hold() {
    let body = r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}"#;
    let till = till(Scripted::new().raw(200, body), &[(TOTAL, cap_of(5))]);
    let answer = till.asks().await.unwrap();
    assert_eq!(answer.cost.basis, CostBasis::Estimated);
    assert_eq!(answer.cost.amount.unwrap().as_nanos(), WORST_CASE);
    assert_eq!(till.spent().await.settled.as_nanos(), WORST_CASE);
}

#[tokio::test]
async fn an_answer_of_a_model_without_a_price_costs_what_was_asked_for() {
    let body = r#"{"model": "m-without-a-price", "choices": [{"message": {"content": "hi"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}"#;
    let till = till(Scripted::new().raw(200, body), &[(TOTAL, cap_of(5))]);
    let answer = till.asks().await.unwrap();
    // The asked model's prices may not be those of the one that answered.
    assert_eq!(answer.cost.basis, CostBasis::Estimated);
    // 10 x 1000 n$ + 5 x 10000 n$.
    assert_eq!(answer.cost.amount.unwrap().as_nanos(), 60_000);
    assert_eq!(till.spent().await.settled.as_nanos(), 60_000);
}

#[tokio::test]
async fn a_call_without_a_price_is_counted_and_costs_what_is_known_of_it() {
    let body = |model: &str| {
        format!(
            r#"{{"model": "{model}", "choices": [{{"message": {{"content": "hi"}},
            "finish_reason": "stop"}}], "usage": {{"prompt_tokens": 10, "completion_tokens": 5}}}}"#
        )
    };
    let script = Scripted::new().raw(200, body("nobody-knows")).raw(200, body("m"));
    let till = till(script, &[("LLM_GATEWAY_LEDGER", "1".to_owned())]);
    let ask = || till.gateway.route(Request::new("unpriced", "hi"));
    assert_eq!(ask().await.unwrap().cost.basis, CostBasis::Unknown);
    let row = till.spent().await.rows.remove(0);
    assert_eq!((row.calls, row.unknown, row.cost), (1, 1, NanoUsd::ZERO));
    let known = ask().await.unwrap();
    assert_eq!(known.cost.amount.unwrap().as_nanos(), 60_000);
    let row = till.spent().await.rows.remove(0);
    assert_eq!((row.calls, row.unknown, row.cost.as_nanos()), (2, 1, 60_000));
}

#[tokio::test]
async fn an_answer_of_no_use_is_priced_by_the_model_that_gave_it() {
    let body = r#"{"model": "dear", "choices": [{"message": {"content": ""},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}"#;
    let till = till(Scripted::new().raw(200, body), &[(TOTAL, cap_of(9))]);
    let failing = till.asks().await.unwrap();
    // 10 x 2000 n$ + 5 x 20000 n$.
    assert_eq!(failing.attempts[0].cost.unwrap().as_nanos(), 120_000);
}

#[tokio::test]
async fn a_count_that_no_model_reaches_does_not_use_up_the_month() {
    let body = r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9223372036854775808, "completion_tokens": 5}}"#;
    let till = till(Scripted::new().raw(200, body), &[(TOTAL, cap_of(2))]);
    let answer = till.asks().await.unwrap();
    assert_eq!(answer.cost.basis, CostBasis::Estimated);
    assert_eq!(till.spent().await.settled.as_nanos(), WORST_CASE);
}

#[tokio::test]
async fn a_cost_above_the_hold_is_booked_and_told() {
    let body = r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2000, "completion_tokens": 100}}"#;
    let till = till(Scripted::new().raw(200, body).answer("hi"), &[(TOTAL, cap_of(9))]);
    let answer = till.asks().await.unwrap();
    // 2000 x 1000 n$ + 100 x 10000 n$.
    assert_eq!(till.spent().await.settled.as_nanos(), 3_000_000);
    let attempt = &Envelope::from(&answer).meta["attempts"][0];
    assert_eq!(attempt["reserved_usd"], NanoUsd::from_nanos(WORST_CASE).as_usd());
    let usual = Envelope::from(&till.asks().await.unwrap());
    assert_eq!(usual.meta["attempts"][0].get("reserved_usd"), None);
}

/// A clock that follows tokio's, and begins one second before December.
struct YearEnd(tokio::time::Instant);

impl Clock for YearEnd {
    fn now(&self) -> Duration {
        // 2026-11-30T23:59:59 UTC.
        Duration::from_secs(1_796_083_199) + self.0.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_belongs_to_the_day_and_the_month_in_which_it_is_made() {
    let ledger = Arc::new(MemoryLedger::new());
    let script = Scripted::new().delay(Duration::from_secs(2)).cut().answer("in December");
    let retrying = POLICY.replace("max_retries: 0", "max_retries: 1");
    let gateway = obeying(retrying)
        .scripted(script)
        .clock(Arc::new(YearEnd(tokio::time::Instant::now())))
        .ledger(ledger.clone())
        .build()
        .unwrap();
    let answer = gateway.route(Request::new("quick", "hi")).await.unwrap();
    assert_eq!(answer.attempts.len(), 2);
    for (day, attempt) in ["2026-11-30", "2026-12-01"].into_iter().zip(&answer.attempts) {
        for period in Period::all_of(Day::parse(day).unwrap()) {
            let spent = ledger.spent(period, SpendBy::Model).await.unwrap();
            assert_eq!(Some(spent.settled), attempt.cost, "{period}");
        }
    }
}

#[tokio::test]
async fn an_error_status_and_a_refused_connection_give_the_money_back() {
    let till = till(Scripted::new().status(500).refuse(), &[(TOTAL, cap_of(1))]);
    assert!(till.asks().await.is_err());
    let spent = till.spent().await;
    assert_eq!((spent.settled, spent.held), (NanoUsd::ZERO, NanoUsd::ZERO));
}

#[tokio::test]
async fn a_providers_cap_sends_the_call_to_the_next_provider() {
    let cap = ("LLM_GATEWAY_CAP_OPENAI_MONTHLY", cap_of(1).replace('6', "5"));
    let till = till(Scripted::new(), &[cap]);
    let answer = till.asks().await.unwrap();
    assert_eq!(answer.target.provider.as_str(), "anthropic");
    assert_eq!(tried(&answer.attempts), ["openai policy_blocked", "anthropic ok"]);
    assert_eq!(till.script.requests().len(), 1);
}

#[tokio::test]
async fn an_unknown_price_is_refused_under_a_cap_and_only_there() {
    let ask = |till: Till| async move { till.gateway.route(Request::new("unpriced", "hi")).await };
    let capped = ask(till(Scripted::new(), &[(TOTAL, "100".to_owned())])).await.unwrap_err();
    assert_eq!(capped.category(), Category::PolicyBlocked);
    assert!(capped.error().hint().unwrap().contains("providers.openai.models"));
    let other = [("LLM_GATEWAY_CAP_GEMINI_MONTHLY", "100".to_owned())];
    assert_eq!(ask(till(Scripted::new(), &other)).await.unwrap().cost.basis, CostBasis::Unknown);
}

#[test]
fn a_cap_that_cannot_be_obeyed_is_an_error_that_names_the_variable() {
    for (name, value) in [
        (TOTAL, "ten"),
        (TOTAL, "-1"),
        (TOTAL, "NaN"),
        ("LLM_GATEWAY_CAP_OPNAI_MONTHLY", "5"),
        ("LLM_GATEWAY_CAP_OPENAI", "5"),
    ] {
        let environment = Environment::empty().with("HOME", "/home/a").with(name, value);
        let problems = obeying(POLICY).environment(environment).build().err().unwrap();
        assert!(problems.to_string().contains(name), "{name}={value}: {problems}");
    }
    let none = Environment::empty().with("HOME", "/home/a").with(TOTAL, "0");
    let gateway = obeying(POLICY).environment(none).offline().build().unwrap();
    assert_eq!(gateway.policy().unwrap().spending().ledger, None, "0 is no cap");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_ledger_that_cannot_be_used_stops_calls_under_a_cap_and_only_there() {
    let directory = tempfile::tempdir().unwrap();
    for (cap, expected) in [(Some("10"), Category::Ledger), (None, Category::Internal)] {
        let environment = Environment::empty()
            .with("LLM_GATEWAY_LEDGER", "yes")
            .with("LLM_GATEWAY_LEDGER_PATH", directory.path().display().to_string())
            .with("OPENAI_API_KEY", "key-of-openai-1");
        let environment = match cap {
            Some(cap) => environment.with(TOTAL, cap),
            None => environment,
        };
        // The second answer is unusable, and paid for.
        let script = Scripted::new().answer("hi").empty();
        let builder = obeying(POLICY).environment(environment);
        let gateway = builder.transport(Arc::new(script.clone())).build().unwrap();
        match (gateway.route(Request::new("quick", "hi")).await, expected) {
            (Err(failure), Category::Ledger) => {
                assert_eq!(failure.category(), Category::Ledger);
                assert_eq!(script.requests().len(), 0);
            }
            (Ok(answer), _) => {
                assert_eq!(answer.spend_recorded(), Some(false));
                assert_eq!(Envelope::from(&answer).meta["spend_recorded"], false);
                let failure = gateway.route(Request::new("quick", "hi")).await.unwrap_err();
                assert_eq!(Envelope::from(&failure).meta["spend_recorded"], false);
            }
            (Err(failure), _) => panic!("{failure}"),
        }
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn two_gateways_share_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state").join("ledger.db");
    let gateway = |script: Scripted| {
        let environment = Environment::empty()
            .with(TOTAL, cap_of(1))
            .with("LLM_GATEWAY_LEDGER_PATH", path.display().to_string())
            .with("OPENAI_API_KEY", "key-of-openai-1");
        let builder = obeying(POLICY).environment(environment);
        builder.transport(Arc::new(script)).build().unwrap()
    };
    let (first, second) = (gateway(Scripted::new()), gateway(Scripted::new()));
    assert_eq!(
        first.route(Request::new("quick", "hi")).await.unwrap().spend_recorded(),
        Some(true)
    );
    let refused = second.route(Request::new("quick", "hi")).await.unwrap_err();
    assert_eq!(refused.category(), Category::PolicyBlocked);
}
