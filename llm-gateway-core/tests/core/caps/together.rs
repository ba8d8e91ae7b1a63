//! Caps of the session and of the ledger together: what one of them refuses takes no room away from
//! the other, and the advice of a refusal helps against both.

use std::sync::Arc;

use llm_gateway_core::Scripted;

use super::watched::Watched;
use super::{SESSION, gateway, left, policy, usd, variables};
use crate::support::{WORST_CASE, ask, obeying};

const OPENAI_DAILY: &str = "LLM_GATEWAY_CAP_OPENAI_DAILY";

/// Replaces the provider of the class `other`, so that a cap on `openai` refuses `quick` alone.
fn two_providers() -> String {
    policy("").replace("other: {provider: openai,", "other: {provider: gemini,")
}

#[tokio::test]
async fn calls_that_the_ledger_refuses_take_no_room_of_the_session_away() {
    let all = [(SESSION, usd(10 * WORST_CASE)), (OPENAI_DAILY, usd(WORST_CASE - 1))];
    let builder = obeying(two_providers()).environment(variables(&all)).scripted(Scripted::new());
    let gateway = builder.ledger(Arc::new(Watched::default().yielding(20))).build().unwrap();
    let calls = (0..50).map(|number| {
        let (gateway, class) = (gateway.clone(), if number % 5 == 4 { "other" } else { "quick" });
        tokio::spawn(async move { (class, ask(&gateway, class).await.is_ok()) })
    });
    for call in calls.collect::<Vec<_>>() {
        let (class, is_answered) = call.await.unwrap();
        assert_eq!(is_answered, class == "other");
    }
}

#[tokio::test]
async fn a_session_without_room_is_told_beside_the_cap_that_lasts_longer() {
    for (session, is_told) in [(WORST_CASE - 1, true), (WORST_CASE, false)] {
        let all = [(SESSION, usd(session)), (OPENAI_DAILY, usd(WORST_CASE - 1))];
        let refused = ask(&gateway(&policy(""), Scripted::new(), &all), "quick").await.unwrap_err();
        assert_eq!(refused.error().cap().unwrap().per, "day");
        let hint = refused.error().hint().unwrap();
        assert_eq!(hint.contains("start a new process too"), is_told, "{hint}");
    }
}

#[tokio::test]
async fn who_is_refused_only_because_of_calls_under_way_is_told_to_wait_for_them() {
    for (variable, or) in [(SESSION, "or ask for"), (OPENAI_DAILY, "or wait until 2026-11-22")] {
        let script = Scripted::new().hang();
        let gateway = gateway(&policy(""), script.clone(), &[(variable, usd(2 * WORST_CASE - 1))]);
        let hanging = gateway.clone();
        let call = tokio::spawn(async move { ask(&hanging, "quick").await.map(drop) });
        while script.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = ask(&gateway, "quick").await.unwrap_err();
        let hint = refused.error().hint().unwrap();
        let begins = format!("wait until calls under way have ended, {or}");
        assert!(hint.starts_with(&begins), "{hint}");
        call.abort();
        // Nobody knows what it did cost, so it counts whole, and no wait for it helps any more.
        let _ = call.await;
        gateway.drain().await.unwrap();
        let refused = ask(&gateway, "quick").await.unwrap_err();
        assert!(!refused.error().hint().unwrap().contains("under way"), "{refused:?}");
        if variable == SESSION {
            assert_eq!(left(&gateway, "session").await, WORST_CASE - 1);
        }
    }
}
