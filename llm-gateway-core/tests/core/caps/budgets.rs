//! Budgets in the policy file: what is no budget, and the warning of one below what is asked at
//! once.

use llm_gateway_core::config::{Loaded, PolicySource, Severity};
use llm_gateway_core::ledger::Cap;
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Environment, Request, Scripted};

use crate::support::{loaded_from, obeying};

/// Loads a policy in which `quick` has these further keys, and behind which `more` stands.
fn loaded(keys: &str, more: &str) -> Loaded {
    let environment = Environment::empty().with("HOME", "/home/a");
    loaded_from(&PolicySource::Text(text(keys, more)), environment)
}

fn text(keys: &str, more: &str) -> String {
    format!(
        "providers:
  openai: {{models: {{m: {{in: 1, out: 10}}, dear: {{in: 1, out: 100}}}}}}
  gemini: {{models: {{m: {{in: 1, out: 10}}}}}}
defaults:
  quick: {{{keys}}}
{more}"
    )
}

fn messages(loaded: &Loaded, severity: Severity) -> Vec<&str> {
    let wanted = loaded.problems.iter().filter(|problem| problem.severity == severity);
    wanted.map(|problem| problem.message.as_str()).collect()
}

/// A single model whose call may cost $0.01 or more.
const SINGLE: &str = "provider: openai, model: m, max_tokens: 1000, ";

#[test]
fn a_budget_is_an_amount_and_a_length_of_time_and_nothing_is_guessed() {
    for (budget, wrong) in [
        ("budget: 2.00", "budget"),
        ("budget: \"2 a day\"", "budget"),
        ("budget: [2, day]", "budget"),
        ("budget:", "budget"),
        ("budget: {}", "usd"),
        ("budget: {usd: 2}", "per"),
        ("budget: {per: day}", "usd"),
        ("budget: {usd: 2, per: week}", "week"),
        ("budget: {usd: 2, per: Day}", "Day"),
        ("budget: {usd: 2, per: daily}", "daily"),
        ("budget: {usd: 2, per:}", "per"),
        ("budget: {usd: -2, per: day}", "out of bounds"),
        ("budget: {usd: .nan, per: day}", "nan"),
        ("budget: {usd: 1e9, per: day}", "out of bounds"),
        ("budget: {usd: two, per: day}", "usd"),
        ("budget: {usd: \"2\", per: day}", "usd"),
        ("budget: {usd: 2, per: day, calls: 3}", "calls"),
        ("budgets: {usd: 2, per: day}", "budgets"),
        ("budget_usd: 2", "budget_usd"),
    ] {
        let loaded = loaded(&format!("{SINGLE}{budget}"), "");
        let errors = messages(&loaded, Severity::Error).join("; ");
        assert!(loaded.policy.is_err() && errors.contains(wrong), "{budget}: {errors}");
    }
}

#[test]
fn a_budget_becomes_a_cap_of_its_class_and_turns_the_ledger_on_unless_it_is_a_sessions() {
    for (usd, per, nanos, has_ledger) in [
        ("2.00", "session", 2_000_000_000, false),
        ("2", "day", 2_000_000_000, true),
        ("0.15", "month", 150_000_000, true),
        // What is finer than a nano-dollar is cut off, so that no more is let through.
        ("0.1234567899", "day", 123_456_789, true),
        ("0", "day", 0, true),
        ("-0.0", "day", 0, true),
        ("-0", "session", 0, false),
        ("0.0000000001", "month", 0, true),
    ] {
        let policy = loaded(&format!("{SINGLE}budget: {{usd: {usd}, per: {per}}}"), "").policy;
        let policy = policy.unwrap();
        let [Cap { limit, .. }] = &policy.spending().caps[..] else { panic!("{usd}") };
        assert_eq!(limit.as_nanos(), nanos);
        assert_eq!(policy.spending().caps[0].key(), format!("class:quick/{per}"));
        assert_eq!(policy.spending().ledger.is_some(), has_ledger, "{per}");
    }
}

#[test]
fn a_budget_below_what_is_asked_at_once_is_warned_of_with_models_and_figures() {
    let two = "[{provider: openai, model: m}, {provider: gemini, model: m}]";
    let panel = format!("members: {two}, max_tokens: 1000, ");
    let cascade = format!(
        "cascade: {{gate: {two}, else: {{provider: openai, model: dear}}}}, max_tokens: 1000, "
    );
    let fallback = "fallback: {quick: [{provider: openai, model: dear}]}\n";
    // The shortest prompt counts as 64 tokens and a byte, at $1 per million.
    let gate = "asking openai/m, gemini/m together may cost $0.02013 or more";
    let whole = "asking openai/m, gemini/m, openai/dear together may cost $0.120195 or more";
    for (keys, more, enough, less, told) in [
        (SINGLE, "", "0.010065", "0.01006", &["a call to openai/m may cost $0.010065 or more"][..]),
        (
            SINGLE,
            fallback,
            "0.100065",
            "0.100064999",
            &["a call to openai/dear may cost $0.100065 or more"],
        ),
        (&panel, "", "0.02013", "0.0201", &[gate]),
        (&cascade, "", "0.120195", "0.12019", &[whole]),
    ] {
        for per in ["session", "day", "month"] {
            let with = |usd| loaded(&format!("{keys}budget: {{usd: {usd}, per: {per}}}"), more);
            let of_budget = |loaded: &Loaded| -> Vec<String> {
                let all = messages(loaded, Severity::Warning).into_iter();
                all.filter(|message| message.contains("`budget`")).map(str::to_owned).collect()
            };
            assert_eq!(of_budget(&with(enough)), [""; 0], "{keys}");
            let warnings = of_budget(&with(less));
            assert_eq!(warnings.len(), told.len(), "{warnings:?}");
            for (warning, told) in warnings.iter().zip(told) {
                let begins = format!("`budget` is ${less} per {per}, and {told}");
                assert!(warning.starts_with(&begins), "{warning}");
            }
            assert!(with(less).policy.is_ok(), "fewer tokens may be asked for");
        }
    }
}

#[test]
fn a_budget_of_orchestrations_below_a_task_is_warned_of_at_each_depth() {
    let with = |usd: &str| {
        let more = format!(
            "orchestration:
  budget: {{usd: {usd}, per: day}}
  roles:
    worker: {{provider: openai, model: m, max_tokens: 100}}
    verifier: {{provider: gemini, model: m, max_tokens: 100}}
"
        );
        loaded(SINGLE.trim_end_matches(", "), &more)
    };
    let told = with("0.001129");
    let warnings: Vec<_> = messages(&told, Severity::Warning)
        .into_iter()
        .filter(|it| it.contains("`budget`"))
        .collect();
    assert_eq!(warnings.len(), 1, "trivial fits exactly: {warnings:?}");
    assert!(warnings[0].contains("a task of depth `standard` (openai/m, gemini/m) may cost"));
    assert!(!messages(&with("5"), Severity::Warning).iter().any(|it| it.contains("`budget`")));
}

#[test]
fn a_task_class_that_is_called_as_orchestrations_are_counted_is_warned_of() {
    let text = "defaults:
  orchestrate: {provider: openai, model: gpt-6-luna, max_tokens: 10, budget: {usd: 1, per: session}}
";
    let loaded = loaded_from(&PolicySource::Text(text.to_owned()), Environment::empty());
    let warnings = messages(&loaded, Severity::Warning).join("; ");
    assert!(warnings.contains("limits orchestrations too"), "{warnings}");
}

#[tokio::test]
async fn a_budget_that_is_not_warned_of_lets_the_shortest_prompt_through() {
    for (usd, is_let_in) in [("0.010065", true), ("0.010064999", false)] {
        let keys = format!("{SINGLE}budget: {{usd: {usd}, per: session}}");
        let loaded = loaded(&keys, "");
        let is_warned =
            messages(&loaded, Severity::Warning).iter().any(|it| it.contains("`budget`"));
        let gateway = obeying(text(&keys, "")).scripted(Scripted::new()).build().unwrap();
        let asked = gateway.route(Request::new("quick", "x")).await;
        assert_eq!((asked.is_ok(), is_warned), (is_let_in, !is_let_in), "{usd}");
    }
}

#[test]
fn every_guard_of_minus_zero_is_a_guard_of_zero() {
    let more = "cost_preflight: {warn_usd: -0.0, block_usd: -0.0}
orchestration:
  max_usd: -0.0
  roles:
    worker: {provider: openai, model: m, max_tokens: 100}
    verifier: {provider: gemini, model: m, max_tokens: 100}
";
    let policy = loaded(SINGLE.trim_end_matches(", "), more).policy.unwrap();
    let rules = policy.preflight();
    assert_eq!((rules.warn, rules.block), (Some(NanoUsd::ZERO), Some(NanoUsd::ZERO)));
    assert_eq!(policy.orchestration().unwrap().max_cost, Some(NanoUsd::ZERO));
}

#[test]
fn a_budget_that_orchestrations_share_is_warned_of_where_it_is_below_one() {
    let more = "orchestration:
  roles:
    worker: {provider: openai, model: m, max_tokens: 100}
    verifier: {provider: gemini, model: m, max_tokens: 100}
";
    let class = "  orchestrate: {provider: openai, model: m, max_tokens: 10, budget: {usd: 0.0005, per: day}}\n";
    let told = loaded(SINGLE.trim_end_matches(", "), &format!("{class}{more}"));
    let warnings = messages(&told, Severity::Warning);
    let has = |text: &str| warnings.iter().any(|it| it.contains("`budget`") && it.contains(text));
    assert!(has("a task of depth `standard`") && has("limits orchestrations too"), "{warnings:?}");
    assert!(!has("orchestration.budget") && !has("a call to"), "{warnings:?}");
}
