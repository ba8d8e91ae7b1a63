//! `tour`: the first thing that a newcomer runs.

use std::sync::LazyLock;

use test_support::BlockingProvider;

use crate::policies::SMALL;
use crate::program::{Ended, Home, flowing};

/// The tools that this version serves.
const TOOLS: [&str; 4] = ["llm_route", "llm_orchestrate", "llm_routing_info", "llm_result"];

/// The output of the tour in an empty home. It is the same each time, so the tour runs once.
static TOUR: LazyLock<Ended> = LazyLock::new(|| Home::new().program(["tour"]).ends().exits(0));

#[test]
fn it_shows_every_tool_with_its_call_its_answer_its_cost_and_why() {
    let said = &TOUR.stdout;
    for tool in TOOLS {
        assert!(said.lines().any(|line| line.contains("call") && line.contains(tool)), "{said}");
    }
    for shown in ["answer", "cost", "$", "why", "quick_answer", "error", "hint"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    assert!(said.contains("nothing leaves\nyour machine"), "{said}");
    assert!(flowing(said).contains(", then "), "a fallback is shown: {said}");
    assert_eq!(TOUR.stderr, "");
}

#[test]
fn a_panel_is_shown_at_a_glance_and_the_documents_show_the_same() {
    let said = &TOUR.stdout;
    let panel = &said[said.find("majority: 2 of 3 agree").expect("a panel that splits")..];
    // The first line is wrapped.
    let panel: Vec<&str> = panel.lines().take(6).collect();
    let dissent = "   dissent   2. anthropic/claude-sonnet-5-5: **C**";
    assert_eq!(panel[2], dissent, "dissent comes first: {panel:#?}");
    assert!(panel[1].ends_with("· certified"), "{panel:#?}");
    for page in [include_str!("../../README.md"), include_str!("../../docs/panels.md")] {
        for line in &panel {
            assert!(page.contains(line), "a page shows another panel than: {line}");
        }
    }
}

#[test]
fn work_is_shown_with_every_step_and_whom_to_believe() {
    let said = &TOUR.stdout;
    for line in [
        "   plan      gemini/gemini-4-argon ok\n   execute   openai/gpt-6.1-sol ok\n   verify    ",
        "   artifact  A room gets messy",
        "   verdict   accepted by one who saw task and artifact · certified\n   cost      $0.0",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let worker_alone = "defaults: {ask: {provider: openai, model: gpt-6-luna}}\n\
        orchestration: {roles: {worker: {provider: openai, model: gpt-6-luna}}}\n";
    let said = Home::holding(worker_alone).with_policy(&["tour"]).ends().exits(0).stdout;
    assert!(said.contains("   artifact  A room gets messy"), "{said}");
    assert!(said.contains("   verdict   none: nobody judged it\n"), "{said}");
    let nobody = Home::holding(SMALL).with_policy(&["tour"]).ends().exits(0).stdout;
    assert!(nobody.contains("hint    add `orchestration.roles`"), "{nobody}");
}

#[test]
fn it_ends_with_what_to_do_next() {
    let said = &TOUR.stdout;
    let next = said.split("Next").nth(1).expect("a last section");
    for command in ["llm-gateway check", "llm-gateway client-config", "llm-gateway route"] {
        assert!(next.contains(command), "{command}: {next}");
    }
}

#[test]
fn money_is_written_as_people_write_it() {
    let said = &TOUR.stdout;
    let costs: Vec<&str> = said.lines().filter(|line| line.contains(" tokens in, ")).collect();
    assert_eq!(costs.len(), 2, "{said}");
    for cost in costs {
        let amount = cost.split('$').nth(1).and_then(|rest| rest.split(' ').next());
        let amount = amount.expect("an amount");
        assert!(amount.chars().all(|c| c.is_ascii_digit() || c == '.'), "{amount}");
    }
}

#[test]
fn it_works_without_a_home_and_without_any_variable() {
    Home::new().program(["tour"]).without("HOME").ends().exits(0);
}

#[test]
fn it_asks_no_provider_whatever_the_environment_says() {
    let provider = BlockingProvider::answering("small", "never");
    let run = Home::new()
        .program(["tour"])
        .env("OPENAI_API_KEY", "k")
        .env("HTTPS_PROXY", provider.address());
    let run = run.env("OPENAI_BASE_URL", format!("{}/v1", provider.address()));
    run.env("ALL_PROXY", provider.address()).ends().exits(0);
    assert_eq!(provider.requests().len(), 0);
}

#[test]
fn it_is_the_same_each_time() {
    let home = Home::new();
    let tour = || home.program(["tour"]).ends().exits(0).stdout;
    let (first, second) = (tour(), tour());
    assert!(first.len() > 1000);
    assert_eq!(first, second);
}

#[test]
fn a_broken_policy_in_the_configuration_directory_does_not_stop_it() {
    let home = Home::new();
    home.write(".config/llm-gateway/routing.yaml", "defaults: {}\n");
    home.program(["tour"]).env("LLM_GATEWAY_ROUTING", "absent.yaml").ends().exits(0);
}

#[test]
fn it_can_show_a_policy_of_ones_own() {
    let ended = Home::holding(SMALL).with_policy(&["tour"]).ends().exits(0);
    assert!(ended.stdout.contains("openai/gpt-6-luna"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("deep_audit"), "{}", ended.stdout);
}

#[test]
fn json_holds_every_call_with_its_whole_envelope() {
    let document = Home::new().program(["tour", "--json"]).ends().exits(0).document();
    let calls = document["data"]["calls"].as_array().expect("calls");
    for tool in TOOLS {
        assert!(calls.iter().any(|call| call["tool"] == tool), "{tool}");
    }
    for call in calls {
        assert!(call["arguments"].is_object(), "{call}");
        assert!(call["envelope"]["status"].is_string(), "{call}");
        assert!(call["envelope"]["meta"].is_object(), "every envelope has meta: {call}");
    }
    let answered = calls.iter().filter(|call| call["envelope"]["data"]["text"].is_string());
    for call in answered {
        assert_eq!(call["envelope"]["meta"]["offline"], true, "{call}");
    }
}

#[test]
fn the_cost_lines_say_what_the_tightest_cap_leaves() {
    let said = flowing(&TOUR.stdout);
    for line in ["was possible; $4.9", "for all members; $4.9", "for all steps; $4.9"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(said.matches(" left in this session").count(), 4, "{said}");
    // A policy of one's own may have models without a price, which no cap lets through.
    let own = Home::holding(SMALL).with_policy(&["tour"]).ends().exits(0);
    assert!(!own.stdout.contains(" left "), "{}", own.stdout);
}
