//! Which caps a result tells of: those that limit its calls, the tightest of all of them, and no
//! other.

use std::sync::Arc;

use llm_gateway_core::{Category, Gateway, Scripted};
use serde_json::json;

use super::left::{
    GEMINI_DAILY, OPENAI_DAILY, TOTAL_DAILY, TOTAL_MONTHLY, budget, envelope, key, task,
};
use super::watched::Watched;
use super::{SESSION, gateway, left, policy, usd, variables};
use crate::support::{WORST_CASE, obeying};

const ANTHROPIC_DAILY: &str = "LLM_GATEWAY_CAP_ANTHROPIC_DAILY";

/// Returns a gateway whose money is counted by a watched ledger.
pub(super) fn watched(
    policy: &str,
    script: Scripted,
    all: &[(&str, String)],
    ledger: Arc<Watched>,
) -> Gateway {
    let builder = obeying(policy).environment(variables(all)).scripted(script);
    builder.ledger(ledger).build().unwrap()
}

#[tokio::test]
async fn where_nobody_was_asked_the_providers_of_the_plan_count_and_no_others() {
    let keyed = "providers:\n  keyed: {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: NO_KEY, models: {m: {in: 1, out: 10}}}\n";
    let keyed = policy("").replace("providers:\n", keyed).replace(
        "defaults:\n",
        "defaults:\n  keyed: {provider: keyed, model: m, max_tokens: 100}\n",
    );
    let blocked = format!("cost_preflight: {{block_usd: 0.000001}}\n{}", policy(""));
    let tight = |name: &'static str| (name, usd(1));
    let total = || (TOTAL_MONTHLY, "9".to_owned());
    let disabled = || ("LLM_GATEWAY_DISABLED", "1".to_owned());
    for (policy, class, all, told) in [
        (&blocked, "quick", vec![tight(GEMINI_DAILY), total()], Some("total/month")),
        (&blocked, "quick", vec![tight(OPENAI_DAILY), total()], Some("openai/day")),
        (&blocked, "quick", vec![tight(GEMINI_DAILY)], None),
        (&blocked, "three", vec![tight(GEMINI_DAILY), total()], Some("gemini/day")),
        (&blocked, "sums", vec![tight(ANTHROPIC_DAILY), total()], Some("anthropic/day")),
        (&blocked, "sums", vec![tight(GEMINI_DAILY), total()], Some("gemini/day")),
        (&blocked, "nobody", vec![tight(GEMINI_DAILY), total()], Some("total/month")),
        (&blocked, "nobody", vec![tight(OPENAI_DAILY)], None),
        (&keyed, "keyed", vec![tight(GEMINI_DAILY), total(), disabled()], Some("total/month")),
        (&keyed, "quick", vec![tight(OPENAI_DAILY), total(), disabled()], Some("openai/day")),
    ] {
        let gateway = gateway(policy, Scripted::new(), &all);
        let refused = envelope(&gateway, class).await;
        assert!(refused.is_error(), "{class} {all:?}");
        let budget = refused.meta.get("budget").map(|_| key(&budget(&refused)));
        assert_eq!(budget.as_deref(), told, "{class} {all:?}");
    }
    // An orchestration asks `openai` and `anthropic`.
    for (name, told) in [(GEMINI_DAILY, "total/month"), (ANTHROPIC_DAILY, "anthropic/day")] {
        let all = [tight(name), total(), disabled()];
        let refused = task(&gateway(&policy(""), Scripted::new(), &all)).await;
        assert_eq!((refused.is_error(), key(&budget(&refused)).as_str()), (true, told));
    }
}

#[tokio::test]
async fn where_a_call_was_booked_a_cap_on_another_provider_or_class_is_not_told_of() {
    let all = [(GEMINI_DAILY, usd(1))];
    let answered = envelope(&gateway(&policy(""), Scripted::new(), &all), "quick").await;
    assert_eq!((answered.is_error(), answered.meta.get("budget")), (false, None));
    // The budgets of `quick` are not those of `other`, whether or not a call was made.
    for per in ["session", "day", "month"] {
        let of_quick = policy(&format!(", budget: {{usd: 0.000001, per: {per}}}"));
        for (blocks, is_error) in [("", false), ("cost_preflight: {block_usd: 0.000001}\n", true)] {
            let gateway = gateway(&format!("{blocks}{of_quick}"), Scripted::new(), &[]);
            let said = envelope(&gateway, "other").await;
            assert_eq!((said.is_error(), said.meta.get("budget")), (is_error, None), "{per}");
        }
    }
}

#[tokio::test]
async fn a_refusal_tells_of_the_tightest_of_all_caps_and_not_only_of_the_one_that_it_names() {
    let (tighter, refusing) = (usd(WORST_CASE / 2), usd(WORST_CASE - 1));
    let all = |caps: &[(&'static str, &String)]| -> Vec<(&'static str, String)> {
        caps.iter().map(|(name, limit)| (*name, (*limit).clone())).collect()
    };
    let (plenty, least) = ("9".to_owned(), usd(1));
    for (caps, budget_of_class, named, told) in [
        (all(&[(TOTAL_MONTHLY, &refusing), (OPENAI_DAILY, &tighter)]), "", "month", "openai/day"),
        (all(&[(TOTAL_MONTHLY, &refusing), (TOTAL_DAILY, &tighter)]), "", "month", "total/day"),
        (all(&[(SESSION, &refusing), (OPENAI_DAILY, &tighter)]), "", "day", "openai/day"),
        (all(&[(SESSION, &tighter), (OPENAI_DAILY, &refusing)]), "", "day", "session"),
        (all(&[(SESSION, &tighter), (OPENAI_DAILY, &plenty)]), "", "session", "session"),
        (all(&[(TOTAL_MONTHLY, &refusing)]), "day", "month", "class:quick/day"),
        (all(&[(TOTAL_MONTHLY, &refusing)]), "session", "month", "class:quick/session"),
        // The cap on another provider is tighter still.
        (all(&[(SESSION, &tighter), (GEMINI_DAILY, &least)]), "", "session", "session"),
        (all(&[(TOTAL_DAILY, &tighter), (GEMINI_DAILY, &least)]), "", "day", "total/day"),
    ] {
        let class = match budget_of_class {
            "" => String::new(),
            per => format!(", budget: {{usd: {tighter}, per: {per}}}"),
        };
        let gateway = gateway(&policy(&class), Scripted::new(), &caps);
        let refused = envelope(&gateway, "quick").await;
        assert_eq!(refused.meta["cap"]["per"], named, "{caps:?}");
        let said = budget(&refused);
        assert_eq!((key(&said).as_str(), said.2), (told, WORST_CASE / 2), "{caps:?}");
    }
}

#[tokio::test]
async fn a_refused_retry_says_what_is_left_now_and_not_what_was_left_before() {
    let retrying = policy("").replace("max_retries: 0", "max_retries: 1, base_delay_s: 0.001");
    for is_readable in [true, false] {
        // Another process spends all but half a call between the two attempts.
        let ledger = Arc::new(Watched::default().spent_before(2, 3 * WORST_CASE / 2));
        let all = [(TOTAL_DAILY, usd(2 * WORST_CASE))];
        let script = Scripted::new().status(500);
        let gateway = watched(&retrying, script, &all, Arc::clone(&ledger));
        if !is_readable {
            ledger.close();
        }
        let failed = envelope(&gateway, "quick").await;
        assert!(failed.is_error());
        assert_eq!((ledger.reservations(), budget(&failed).2), (2, WORST_CASE / 2), "{failed:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_known_and_nothing_can_be_read_nothing_is_told() {
    let ledger = Arc::new(Watched::default());
    ledger.close();
    let blocked = format!("cost_preflight: {{block_usd: 0.000001}}\n{}", policy(""));
    let gateway = watched(&blocked, Scripted::new(), &[(TOTAL_DAILY, "9".to_owned())], ledger);
    let refused = envelope(&gateway, "quick").await;
    assert_eq!(refused.meta["error_category"], json!(Category::PolicyBlocked));
    assert_eq!(refused.meta.get("budget"), None);
}

#[tokio::test]
async fn a_budget_of_nothing_is_told_and_warns_of_nothing() {
    for per in ["session", "day", "month"] {
        let budget_of = format!("free, max_tokens: 100, budget: {{usd: 0, per: {per}}}");
        let policy = policy("").replace("free, max_tokens: 100", &budget_of);
        let answered = envelope(&gateway(&policy, Scripted::new(), &[]), "free").await;
        assert_eq!((answered.is_error(), budget(&answered).2), (false, 0), "{per}");
        assert_eq!(answered.meta["preflight"]["action"], "ok", "{per}");
        assert_eq!(answered.meta["preflight"].get("warning"), None);
    }
}

#[tokio::test]
async fn an_escalated_cascade_is_reserved_once_and_says_what_both_ways_left() {
    let ledger = Arc::new(Watched::default());
    let script = Scripted::new().answer("one").answer("two").answer("three");
    let all = [(TOTAL_DAILY, usd(3 * WORST_CASE)), (SESSION, usd(3 * WORST_CASE))];
    let gateway = watched(&policy(""), script.clone(), &all, Arc::clone(&ledger));
    let said = envelope(&gateway, "sums").await;
    assert_eq!(said.meta["cascade"]["answered_by"], "else", "{said:?}");
    assert_eq!((script.requests().len(), ledger.reservations()), (3, 1));
    assert_eq!(budget(&said).2, left(&gateway, "total/day").await);
}
