//! What the hint of a refusal advises: only what is there, and only what helps.

use std::sync::Arc;

use llm_gateway_core::ledger::{HoldRequest, Ledger, MemoryLedger};
use llm_gateway_core::model::{ModelId, NanoUsd, ProviderName, Target, TaskClass};
use llm_gateway_core::{Envelope, Failure, Request, Scripted, Task};
use serde_json::json;

use super::left::{OPENAI_DAILY, TOTAL_DAILY, TOTAL_MONTHLY};
use super::{SESSION, gateway, meta, policy, usd, variables};
use crate::support::{NOW, WORST_CASE, ask, obeying};

const ANTHROPIC_MONTHLY: &str = "LLM_GATEWAY_CAP_ANTHROPIC_MONTHLY";
const ANTHROPIC_DAILY: &str = "LLM_GATEWAY_CAP_ANTHROPIC_DAILY";

fn hint(failure: &Failure) -> &str {
    failure.error().hint().unwrap()
}

#[tokio::test]
async fn a_look_at_what_is_held_is_advised_only_while_calls_hold_something() {
    for (variable, look) in [
        (TOTAL_DAILY, "see `llm-gateway spend --day` for what is held"),
        (TOTAL_MONTHLY, "see `llm-gateway spend` for what is held"),
    ] {
        let all = [(variable, usd(WORST_CASE))];
        let script = Scripted::new().hang().answer("hi");
        let holding = gateway(&policy(""), script.clone(), &all);
        let first = tokio::spawn({
            let gateway = holding.clone();
            async move { ask(&gateway, "quick").await.map(drop) }
        });
        while script.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = ask(&holding, "quick").await.unwrap_err();
        assert!(hint(&refused).ends_with(look), "{}", hint(&refused));
        first.abort();
        let _ = first.await;
        // What was held is spent now.
        let refused = ask(&holding, "quick").await.unwrap_err();
        let setting = format!("ask for fewer tokens, or raise the cap {variable}");
        assert!(hint(&refused).ends_with(&setting), "{}", hint(&refused));
        assert!(refused.to_string().contains("held $0.00"), "{refused}");
    }
}

/// Returns a ledger in which a dead process holds `nanos` for a call to `openai`.
async fn with_dead_money(nanos: u64) -> Arc<MemoryLedger> {
    let ledger = Arc::new(MemoryLedger::new());
    let dead = ledger.another_process();
    let target = Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap());
    let class = TaskClass::new("other").unwrap();
    let request = HoldRequest::new(target, class, NanoUsd::from_nanos(nanos));
    let day = llm_gateway_core::ledger::Day::of(NOW);
    let mut hold = dead.reserve_one(day, request, &[]).await.unwrap();
    dead.crash();
    hold.sent();
    drop(hold);
    ledger
}

#[tokio::test]
async fn money_of_dead_processes_is_told_of_by_every_refusal_that_counts_it_and_no_other() {
    let (full, low) = (usd(2 * WORST_CASE), usd(1));
    let dead = 2 * WORST_CASE - 5;
    for (caps, told) in [
        (vec![(TOTAL_DAILY, full.clone())], true),
        (vec![(OPENAI_DAILY, full.clone())], true),
        (vec![(TOTAL_MONTHLY, full.clone())], true),
        // The session refuses first, and the day is named because it lasts longer.
        (vec![(TOTAL_DAILY, full.clone()), (SESSION, usd(WORST_CASE - 1))], true),
        (vec![(OPENAI_DAILY, full.clone()), (SESSION, low.clone())], true),
        (vec![(TOTAL_MONTHLY, full.clone()), (SESSION, low.clone())], true),
        // The session alone refuses: nothing that is dropped gives it room.
        (vec![(TOTAL_DAILY, "9".to_owned()), (SESSION, low.clone())], false),
        // The whole cap is too small, so that nothing that is dropped gives it room either.
        (vec![(TOTAL_DAILY, low.clone())], false),
        (vec![(TOTAL_DAILY, low.clone()), (SESSION, low.clone())], false),
    ] {
        let script = Scripted::new();
        let builder = obeying(policy("")).environment(variables(&caps)).scripted(script);
        let gateway = builder.ledger(with_dead_money(dead).await).build().unwrap();
        let refused = ask(&gateway, "quick").await.unwrap_err();
        let held = NanoUsd::from_nanos(dead);
        let drops = format!("`llm-gateway spend --drop-unsettled` gives back {held}");
        assert_eq!(hint(&refused).contains(&drops), told, "{caps:?}: {}", hint(&refused));
        if told {
            let of_which = format!("of which {held} is held by a process that ended");
            assert!(refused.to_string().contains(&of_which), "{caps:?}: {refused}");
        }
        assert!(!hint(&refused).contains("for what is held"), "no call is under way");
    }
}

#[tokio::test]
async fn a_cap_on_orchestrations_is_named_by_the_key_that_sets_it() {
    let class = "  orchestrate: {provider: openai, model: m, max_tokens: 100BUDGET}\n";
    let named = "defaults.orchestrate.budget";
    let tasks = "orchestration.budget";
    let budget = |usd: &str| format!("{{usd: {usd}, per: day}}");
    for (of_class, of_tasks, keys) in [
        (Some("0.000001"), None, named),
        (None, Some("0.000001"), tasks),
        (Some("0.000001"), Some("0.000002"), named),
        (Some("0.000002"), Some("0.000001"), tasks),
        (
            Some("0.000001"),
            Some("0.000001"),
            "defaults.orchestrate.budget and orchestration.budget",
        ),
    ] {
        let of_class = of_class.map(|usd| format!(", budget: {}", budget(usd)));
        let class = class.replace("BUDGET", &of_class.unwrap_or_default());
        let mut text = policy("").replace("defaults:\n", &format!("defaults:\n{class}"));
        if let Some(usd) = of_tasks {
            let with = format!("orchestration:\n  budget: {}\n", budget(usd));
            text = text.replace("orchestration:\n", &with);
        }
        let gateway = gateway(&text, Scripted::new(), &[]);
        let asked = ask(&gateway, "orchestrate").await.unwrap_err();
        let done = gateway.orchestrate(Task::new("hi")).await.unwrap_err();
        for refused in [asked, done] {
            let raise = format!("raise the cap {keys}");
            assert!(hint(&refused).contains(&raise), "{keys}: {}", hint(&refused));
            assert_eq!(meta(&refused)["cap"]["scope"], "class:orchestrate");
        }
    }
}

#[tokio::test]
async fn of_several_whole_caps_that_a_strong_model_exceeds_the_one_that_lasts_longest_is_named() {
    let dear = policy("").replace(
        "else: {provider: anthropic, model: m}",
        "else: {provider: anthropic, model: dear}",
    );
    let dear = dear.replace(
        "anthropic: {models: {m: {in: 1, out: 10}}}",
        "anthropic: {models: {m: {in: 1, out: 10}, dear: {in: 100, out: 1000}}}",
    );
    let limit = |tenths: u64| usd(tenths * WORST_CASE);
    for (caps, named, on) in [
        (vec![(TOTAL_MONTHLY, limit(9)), (SESSION, limit(8))], TOTAL_MONTHLY, "everything"),
        (vec![(TOTAL_MONTHLY, limit(8)), (SESSION, limit(9))], TOTAL_MONTHLY, "everything"),
        (vec![(TOTAL_DAILY, limit(9)), (SESSION, limit(8))], TOTAL_DAILY, "everything"),
        (
            vec![(ANTHROPIC_MONTHLY, limit(9)), (TOTAL_DAILY, limit(7))],
            ANTHROPIC_MONTHLY,
            "provider `anthropic`",
        ),
        (vec![(ANTHROPIC_DAILY, limit(7)), (TOTAL_DAILY, limit(9))], TOTAL_DAILY, "everything"),
        (
            vec![(ANTHROPIC_DAILY, limit(7)), (TOTAL_DAILY, limit(900))],
            ANTHROPIC_DAILY,
            "provider `anthropic`",
        ),
        (vec![(SESSION, limit(7))], SESSION, "everything"),
        // A cap on a provider that the strong model does not ask is not in its way.
        (vec![(OPENAI_DAILY, limit(7)), (SESSION, limit(9))], SESSION, "everything"),
    ] {
        let gateway = gateway(&dear, Scripted::new(), &caps);
        let refused = gateway.cascade(Request::new("sums", "hi")).await.unwrap_err();
        let said = refused.to_string();
        assert!(hint(&refused).ends_with(&format!("raise {named}")), "{}", hint(&refused));
        let cap = Envelope::from(&refused).meta["cap"].clone();
        let whole = caps.iter().find(|(name, _)| *name == named).unwrap().1.clone();
        assert_eq!(cap["left_usd"], cap["cap_usd"]);
        assert_eq!(cap["cap_usd"], json!(NanoUsd::parse_usd(&whole).unwrap()));
        let sentence = format!("cap of ${whole} on {on}, which leaves ${whole}");
        assert!(said.contains("more than the whole") && said.ends_with(&sentence), "{said}");
    }
}
