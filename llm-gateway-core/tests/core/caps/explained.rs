//! What a refusal says: which cap, what is left, when it goes on, and what to change.

use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Answer, Failure, Gateway, Scripted};
use serde_json::json;

use super::{SESSION, gateway, meta, policy, usd};
use crate::support::{WORST_CASE, ask};

/// A refusal that every kind of cap must explain.
struct Explained {
    budget: &'static str,
    variable: Option<&'static str>,
    scope: &'static str,
    per: &'static str,
    resets_at: Option<&'static str>,
    setting: &'static str,
    sentence: &'static str,
}

const TOMORROW: Option<&str> = Some("2026-11-22T00:00:00Z");
const NEXT_MONTH: Option<&str> = Some("2026-12-01T00:00:00Z");

const EXPLAINED: [Explained; 8] = [
    Explained {
        budget: "",
        variable: Some(SESSION),
        scope: "total",
        per: "session",
        resets_at: None,
        setting: SESSION,
        sentence: "it begins anew with a new process",
    },
    Explained {
        budget: "",
        variable: Some("LLM_GATEWAY_CAP_TOTAL_DAILY"),
        scope: "total",
        per: "day",
        resets_at: TOMORROW,
        setting: "LLM_GATEWAY_CAP_TOTAL_DAILY",
        sentence: "it begins anew on 2026-11-22 at 00:00 UTC",
    },
    Explained {
        budget: "",
        variable: Some("LLM_GATEWAY_CAP_OPENAI_DAILY"),
        scope: "openai",
        per: "day",
        resets_at: TOMORROW,
        setting: "LLM_GATEWAY_CAP_OPENAI_DAILY",
        sentence: "it begins anew on 2026-11-22 at 00:00 UTC",
    },
    Explained {
        budget: "",
        variable: Some("LLM_GATEWAY_CAP_TOTAL_MONTHLY"),
        scope: "total",
        per: "month",
        resets_at: NEXT_MONTH,
        setting: "LLM_GATEWAY_CAP_TOTAL_MONTHLY",
        sentence: "it begins anew on 2026-12-01 at 00:00 UTC",
    },
    Explained {
        budget: "",
        variable: Some("LLM_GATEWAY_CAP_OPENAI_MONTHLY"),
        scope: "openai",
        per: "month",
        resets_at: NEXT_MONTH,
        setting: "LLM_GATEWAY_CAP_OPENAI_MONTHLY",
        sentence: "it begins anew on 2026-12-01 at 00:00 UTC",
    },
    Explained {
        budget: "session",
        variable: None,
        scope: "class:quick",
        per: "session",
        resets_at: None,
        setting: "defaults.quick.budget",
        sentence: "it begins anew with a new process",
    },
    Explained {
        budget: "day",
        variable: None,
        scope: "class:quick",
        per: "day",
        resets_at: TOMORROW,
        setting: "defaults.quick.budget",
        sentence: "it begins anew on 2026-11-22 at 00:00 UTC",
    },
    Explained {
        budget: "month",
        variable: None,
        scope: "class:quick",
        per: "month",
        resets_at: NEXT_MONTH,
        setting: "defaults.quick.budget",
        sentence: "it begins anew on 2026-12-01 at 00:00 UTC",
    },
];

/// Asks `quick` once more than the cap of `case` allows, whose limit is `limit` nano-dollars.
async fn refused_by(case: &Explained, limit: u64) -> (Vec<Answer>, Failure, Gateway) {
    let budget = match case.budget {
        "" => String::new(),
        per => format!(", budget: {{usd: {}, per: {per}}}", usd(limit)),
    };
    let all: Vec<_> = case.variable.into_iter().map(|name| (name, usd(limit))).collect();
    let gateway = gateway(&policy(&budget), Scripted::new(), &all);
    let mut answers = Vec::new();
    loop {
        match ask(&gateway, "quick").await {
            Ok(answer) if answers.len() < 1_000 => answers.push(answer),
            Ok(_) => panic!("{} refuses nothing", case.setting),
            Err(refused) => return (answers, refused, gateway),
        }
    }
}

#[tokio::test]
async fn every_refusal_says_which_cap_what_is_left_when_it_goes_on_and_what_to_change() {
    for case in &EXPLAINED {
        let limit = 2 * WORST_CASE;
        let (answers, refused, gateway) = refused_by(case, limit).await;
        let spent: u64 = answers.iter().map(|it| it.cost.amount.unwrap().as_nanos()).sum();
        assert!(spent > 0, "{}", case.setting);
        let meta = meta(&refused);
        let mut cap = json!({
            "scope": case.scope, "per": case.per,
            "cap_usd": NanoUsd::from_nanos(limit),
            "left_usd": NanoUsd::from_nanos(limit - spent),
        });
        if let Some(moment) = case.resets_at {
            cap["resets_at"] = json!(moment);
        }
        assert_eq!((&meta["cap"], &meta["blocked_by"]), (&cap, &json!("cap")), "{}", case.setting);
        let (said, hint) = (refused.to_string(), meta["hint"].as_str().unwrap());
        let left = NanoUsd::from_nanos(limit - spent).to_string();
        assert!(said.contains(case.sentence) && said.contains(&left), "{said}");
        assert!(hint.contains(case.setting), "{}: {hint}", case.setting);
        assert!(hint.contains(case.resets_at.unwrap_or("start a new process")), "{hint}");
        // The cap of a class leaves the others alone; any other cap holds for them too.
        let is_of_class = case.scope.starts_with("class:");
        assert_eq!(ask(&gateway, "other").await.is_ok(), is_of_class, "{}", case.setting);
    }
}

#[tokio::test]
async fn a_call_above_the_whole_cap_is_told_that_no_wait_helps() {
    for case in &EXPLAINED {
        let (answers, refused, _) = refused_by(case, WORST_CASE - 1).await;
        assert_eq!(answers.len(), 0);
        let (meta, said) = (meta(&refused), refused.to_string());
        assert!(said.ends_with("that is more than the whole cap, so no wait helps"), "{said}");
        let hint = meta["hint"].as_str().unwrap();
        assert!(hint.contains(case.setting) && !hint.contains("wait"), "{hint}");
        assert!(!hint.contains("new process") && meta["cap"].get("resets_at").is_none(), "{hint}");
        assert_eq!(meta["cap"]["left_usd"], json!(NanoUsd::from_nanos(WORST_CASE - 1)));
    }
}

#[tokio::test]
async fn of_several_caps_that_refuse_the_one_that_lasts_longest_is_named() {
    let (session, day, month) =
        (SESSION, "LLM_GATEWAY_CAP_TOTAL_DAILY", "LLM_GATEWAY_CAP_OPENAI_MONTHLY");
    let enough = 100 * WORST_CASE;
    for (limits, budget, named) in [
        ([(session, 1), (day, 1), (month, 1)], "", "openai/month"),
        ([(session, 1), (day, 1), (month, enough)], "", "total/day"),
        ([(session, 1), (day, enough), (month, 1)], "", "openai/month"),
        ([(session, 1), (day, enough), (month, enough)], "", "total/session"),
        ([(session, enough), (day, 1), (month, enough)], "", "total/day"),
        ([(session, 1), (day, enough), (month, enough)], "month", "class:quick/month"),
        ([(session, enough), (day, enough), (month, 1)], "session", "openai/month"),
        ([(session, enough), (day, enough), (month, enough)], "session", "class:quick/session"),
    ] {
        let budget = match budget {
            "" => String::new(),
            per => format!(", budget: {{usd: {}, per: {per}}}", usd(1)),
        };
        let all = limits.map(|(name, limit)| (name, usd(limit)));
        let gateway = gateway(&policy(&budget), Scripted::new(), &all);
        let cap = meta(&ask(&gateway, "quick").await.unwrap_err())["cap"].clone();
        let told = format!("{}/{}", cap["scope"].as_str().unwrap(), cap["per"].as_str().unwrap());
        assert_eq!(told, named);
    }
}
