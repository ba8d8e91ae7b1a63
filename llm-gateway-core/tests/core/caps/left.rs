//! What every envelope says of the tightest cap, and the warning before it refuses anything.

use std::sync::Arc;

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::ledger::{Cap, Day, HoldRequest, Ledger, MemoryLedger};
use llm_gateway_core::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};
use llm_gateway_core::{Envelope, Gateway, Reply, Request, Scripted, Task};
use serde_json::json;
use test_support::nanos;

use super::{SESSION, gateway, left, policy, usd, variables};
use crate::support::{WORST_CASE, ask, obeying};

pub(super) const TOTAL_DAILY: &str = "LLM_GATEWAY_CAP_TOTAL_DAILY";
pub(super) const TOTAL_MONTHLY: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";
pub(super) const OPENAI_DAILY: &str = "LLM_GATEWAY_CAP_OPENAI_DAILY";
pub(super) const GEMINI_DAILY: &str = "LLM_GATEWAY_CAP_GEMINI_DAILY";

/// Asks a task class of any kind, and returns the envelope.
pub(super) async fn envelope(gateway: &Gateway, class: &str) -> Envelope {
    Envelope::from(&gateway.start(Request::new(class, "hi")).await)
}

/// Has a task done, and returns the envelope.
pub(super) async fn task(gateway: &Gateway) -> Envelope {
    Envelope::from(
        &gateway.orchestrate(Task::new("hi")).await.map(Box::new).map(Reply::Orchestration),
    )
}

/// Returns scope, length of time and the amount that is left, in nano-dollars.
pub(super) fn budget(envelope: &Envelope) -> (String, String, u64) {
    let budget = &envelope.meta["budget"];
    let text = |key: &str| budget[key].as_str().unwrap().to_owned();
    let is_warned = budget.get("warning").is_some();
    assert_eq!(budget.as_object().unwrap().len(), 3 + usize::from(is_warned));
    // The warning stands once: in the price check, or where there is none.
    let preflight = &envelope.meta.get("preflight").and_then(|it| it.get("warning"));
    let has_said = preflight.is_some_and(|it| it.as_str().unwrap().contains("leaves"));
    assert!(!(is_warned && has_said), "{envelope:?}");
    (text("scope"), text("per"), nanos(&budget["left_usd"]))
}

/// Returns the key of a budget as reports of the spending show it.
pub(super) fn key((scope, per, _): &(String, String, u64)) -> String {
    match (&**scope, &**per) {
        ("total", "session") => "session".to_owned(),
        _ => format!("{scope}/{per}"),
    }
}

#[tokio::test]
async fn without_a_cap_no_envelope_speaks_of_a_budget() {
    let ledger = [("LLM_GATEWAY_LEDGER", "1".to_owned())];
    for all in [&[][..], &ledger] {
        let gateway = gateway(&policy(""), Scripted::new().status(401), all);
        for class in ["quick", "quick", "three", "sums", "nobody"] {
            assert_eq!(envelope(&gateway, class).await.meta.get("budget"), None);
        }
        assert_eq!(task(&gateway).await.meta.get("budget"), None);
        let description = Envelope::from(&gateway.describe_with_spend().await.unwrap());
        assert!(description.meta.is_empty());
    }
}

#[tokio::test]
async fn every_kind_of_envelope_says_what_the_tightest_cap_leaves() {
    // Each cap in turn is the tightest one.
    let lengths =
        [("", SESSION), ("", TOTAL_DAILY), ("", TOTAL_MONTHLY), ("day", ""), ("session", "")];
    for (per, variable) in lengths {
        let per = if per.is_empty() {
            String::new()
        } else {
            format!(", budget: {{usd: 1, per: {per}}}")
        };
        let mut all = vec![(OPENAI_DAILY, "900".to_owned())];
        all.extend((!variable.is_empty()).then(|| (variable, "1".to_owned())));
        let script = Scripted::new();
        let gateway = gateway(&policy(&per), script, &all);
        for class in ["quick", "three", "sums", "quick"] {
            let said = budget(&envelope(&gateway, class).await);
            gateway.drain().await.unwrap();
            assert_eq!(said.2, left(&gateway, &key(&said)).await, "{class} {variable} {said:?}");
            if class == "quick" || !variable.is_empty() {
                assert!(said.2 < 1_000_000_000, "{class} {variable} {said:?}");
            }
        }
        let said = budget(&task(&gateway).await);
        assert_eq!(said.2, left(&gateway, &key(&said)).await);
        let described = Envelope::from(&gateway.describe_with_spend().await.unwrap());
        let said = budget(&described);
        assert!(said.2 < 1_000_000_000 && said.2 == left(&gateway, &key(&said)).await);
    }
}

#[tokio::test]
async fn a_failure_says_what_is_left_too() {
    let unanswered =
        || [Scripted::new().status(500), Scripted::new().status(401), Scripted::new().cut()];
    for variable in [SESSION, TOTAL_DAILY, OPENAI_DAILY] {
        for script in unanswered() {
            let gateway = gateway(&policy(""), script, &[(variable, "1".to_owned())]);
            let failed = envelope(&gateway, "quick").await;
            assert!(failed.is_error());
            gateway.drain().await.unwrap();
            let said = budget(&failed);
            assert_eq!(said.2, left(&gateway, &key(&said)).await, "{failed:?}");
        }
        // Nothing was booked, because nobody could be asked, and so no provider either.
        let gateway = gateway(&policy(""), Scripted::new(), &[(variable, "1".to_owned())]);
        let unknown = envelope(&gateway, "nobody").await;
        let is_told = unknown.is_error() && unknown.meta.contains_key("budget");
        assert_eq!(is_told, variable != OPENAI_DAILY, "{variable}");
        if is_told {
            assert_eq!(budget(&unknown).2, 1_000_000_000);
        }
    }
    // Failures of a panel and of an orchestration that had begun.
    let down = (0..4).fold(Scripted::new(), |script, _| script.status(401));
    let gateway = gateway(&policy(""), down, &[(SESSION, "1".to_owned())]);
    let panel = envelope(&gateway, "three").await;
    assert_eq!((panel.is_error(), budget(&panel).2), (true, left(&gateway, "session").await));
    let task = task(&gateway).await;
    assert_eq!((task.is_error(), budget(&task).2), (true, left(&gateway, "session").await));
}

#[tokio::test]
async fn a_refusal_names_the_cap_that_refused() {
    for (variable, cap) in
        [(TOTAL_DAILY, "total/day"), (OPENAI_DAILY, "openai/day"), (SESSION, "session")]
    {
        let all = [(variable, usd(WORST_CASE - 1)), (TOTAL_MONTHLY, "9".to_owned())];
        let refused = envelope(&gateway(&policy(""), Scripted::new(), &all), "quick").await;
        let said = budget(&refused);
        assert_eq!((key(&said), said.2), (cap.to_owned(), WORST_CASE - 1));
        assert_eq!(refused.meta["cap"]["left_usd"], refused.meta["budget"]["left_usd"]);
    }
}

#[tokio::test]
async fn a_cap_on_another_provider_or_class_is_no_budget_of_a_call() {
    let with = "fallback: {quick: [{provider: gemini, model: m}]}\nreliability:";
    let policy = policy(", budget: {usd: 7, per: day}").replace("reliability:", with);
    let all = [(GEMINI_DAILY, "0.5".to_owned()), (TOTAL_MONTHLY, "9".to_owned())];
    let script = Scripted::new().answer("one").answer("two").status(401).answer("three");
    let gateway = gateway(&policy, script, &all);
    let keys = |envelope: &Envelope| key(&budget(envelope));
    assert_eq!(keys(&envelope(&gateway, "quick").await), "class:quick/day");
    assert_eq!(keys(&envelope(&gateway, "other").await), "total/month");
    // The fallback answers, so its provider's cap counts.
    let fell_back = envelope(&gateway, "quick").await;
    assert_eq!(fell_back.meta["provider"], "gemini");
    assert_eq!(keys(&fell_back), "gemini/day");
}

#[tokio::test]
async fn what_other_processes_spent_before_is_in_what_is_left() {
    let ledger = Arc::new(MemoryLedger::new());
    let model = ModelId::new("m").unwrap();
    let target = Target::new(ProviderName::new("openai").unwrap(), model);
    let usd = |cents: u64| NanoUsd::from_nanos(cents * 10_000_000);
    let request = HoldRequest::new(target, TaskClass::new("other").unwrap(), usd(60));
    let caps: [Cap; 0] = [];
    let day = Day::parse("2026-11-21").unwrap();
    let hold = ledger.reserve_one(day, request, &caps).await.unwrap();
    hold.settle(usd(60), CostBasis::Exact).await.unwrap();
    let all = [(TOTAL_DAILY, "1".to_owned())];
    let builder = obeying(policy("")).environment(variables(&all)).scripted(Scripted::new());
    let gateway = builder.ledger(ledger).build().unwrap();
    let answer = ask(&gateway, "quick").await.unwrap();
    let spent = answer.cost.amount.unwrap();
    assert_eq!(answer.budget.unwrap().left_usd, usd(40).saturating_sub(spent));
}

#[tokio::test]
async fn from_four_fifths_on_the_price_check_warns() {
    for preflight in ["{enabled: false}", "{enabled: true}"] {
        let policy = format!("cost_preflight: {preflight}\n{}", policy(""));
        let action = if preflight.contains("false") { "off" } else { "ok" };
        let unlimited = gateway(&policy, Scripted::new(), &[]);
        let cost = ask(&unlimited, "quick").await.unwrap().cost.amount.unwrap().as_nanos();
        // The whole cap is five times what is left when exactly four fifths are used.
        let limit = 5 * WORST_CASE;
        for (variable, when) in [
            (SESSION, "with a new process"),
            (TOTAL_DAILY, "on 2026-11-22 at 00:00 UTC"),
            (TOTAL_MONTHLY, "on 2026-12-01 at 00:00 UTC"),
        ] {
            let gateway = gateway(&policy, Scripted::new(), &[(variable, usd(limit))]);
            let mut warnings = 0;
            for spent in
                (cost..).step_by(cost as usize).take_while(|sum| sum - cost + WORST_CASE <= limit)
            {
                let envelope = envelope(&gateway, "quick").await;
                let preflight = &envelope.meta["preflight"];
                assert_eq!(budget(&envelope).2, limit - spent);
                if (limit - spent) * 5 <= limit {
                    assert_eq!(preflight["action"], "warn", "{spent} of {limit}");
                    let warning = preflight["warning"].as_str().unwrap();
                    let leaves = format!("leaves {}", NanoUsd::from_nanos(limit - spent));
                    assert!(warning.contains(&leaves) && warning.ends_with(when), "{warning}");
                    warnings += 1;
                } else {
                    assert_eq!(
                        (&preflight["action"], preflight.get("warning")),
                        (&json!(action), None)
                    );
                }
            }
            assert!(warnings > 0);
        }
    }
}

#[tokio::test]
async fn a_warning_stands_beside_that_of_the_policy() {
    let warns = format!("cost_preflight: {{warn_usd: 0.000001}}\n{}", policy(""));
    let gateway = gateway(&warns, Scripted::new(), &[(SESSION, usd(WORST_CASE))]);
    let envelope = envelope(&gateway, "quick").await;
    let warning = envelope.meta["preflight"]["warning"].as_str().unwrap();
    assert!(warning.contains("warn_usd") && !warning.contains("leaves"), "{warning}");
    let gateway = super::gateway(&warns, Scripted::new().cut(), &[(SESSION, usd(WORST_CASE))]);
    let failed = self::envelope(&gateway, "quick").await;
    assert_eq!((failed.meta["error_category"].as_str(), budget(&failed).2), (Some("truncated"), 0));
    let warning = failed.meta["preflight"]["warning"].as_str().unwrap();
    assert!(warning.contains("warn_usd") && warning.contains("leaves $0"), "{warning}");
}

#[tokio::test]
async fn a_panel_warns_in_every_member_and_says_once_what_is_left() {
    let gateway = gateway(&policy(""), Scripted::new(), &[(SESSION, usd(5 * 3 * WORST_CASE))]);
    let mut warned = 0;
    loop {
        let panel = envelope(&gateway, "three").await;
        if panel.is_error() {
            break;
        }
        let left = budget(&panel).2;
        let expected = if left <= 3 * WORST_CASE { "warn" } else { "ok" };
        let members = panel.data.as_ref().unwrap()["members"].as_array().unwrap();
        assert_eq!(members.len(), 3);
        for member in members {
            assert_eq!(member["meta"]["preflight"]["action"], expected, "{left}");
            assert_eq!(member["meta"].get("budget"), None, "the panel's own says it");
        }
        let is_told = panel.meta["budget"].get("warning").is_some();
        assert_eq!(is_told, expected == "warn", "also where no member answered");
        warned += u32::from(expected == "warn");
    }
    assert!(warned > 0);
}

#[tokio::test]
async fn where_no_price_check_warns_the_budget_does() {
    // One call is billed nine tenths of the cap: 1 000 nano-dollars for each token.
    let limit = 1_000 * WORST_CASE;
    let billed = format!(
        r#"{{"choices": [{{"message": {{"content": "hi"}}, "finish_reason": "stop"}}],
            "usage": {{"prompt_tokens": {}, "completion_tokens": 1}}}}"#,
        limit / 1_000 * 9 / 10
    );
    let blocked = format!("cost_preflight: {{block_usd: 0.000001}}\n{}", policy(""));
    let dear = || Scripted::new().raw(200, billed.clone());
    for variable in [SESSION, TOTAL_DAILY, TOTAL_MONTHLY] {
        for (kind, script, has_preflight) in [
            ("task", dear(), false),
            ("task", dear().status(500), false),
            ("three", dear(), false),
            ("three", dear().status(401).status(401).status(401), false),
            ("nobody", dear(), false),
            ("quick", dear(), true),
            ("quick", dear().status(500), true),
            ("sums", dear(), true),
        ] {
            let gateway = gateway(&policy(""), script, &[(variable, usd(limit))]);
            ask(&gateway, "quick").await.unwrap();
            let said = match kind {
                "task" => task(&gateway).await,
                class => envelope(&gateway, class).await,
            };
            let place = if has_preflight { "preflight" } else { "budget" };
            let leaves = format!("leaves {}", NanoUsd::from_nanos(budget(&said).2));
            let warning = said.meta[place]["warning"].as_str();
            assert!(warning.is_some_and(|it| it.contains(&leaves)), "{kind}: {said:?}");
            // The price check of a call that it refuses warns of nothing.
            let blocked = gateway.with_policy(PolicySource::Text(blocked.clone()));
            let refused = envelope(&blocked, "quick").await;
            let warning = refused.meta["budget"]["warning"].as_str();
            assert!(warning.is_some_and(|it| it.contains(&leaves)), "{refused:?}");
        }
    }
}
