//! Shows a tool call of the tour and its envelope to a person.

// Indexing a JSON value returns null for a missing key.
#![allow(clippy::indexing_slicing)]

use llm_gateway_core::model::NanoUsd;
use serde_json::Value;

use super::Demo;
use crate::budget::words;
use crate::glance::{Glance, Group};
use crate::layout::{HANG, harmless};
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Terminal};

/// The number of words that are shown of a page.
const FIRST_WORDS: usize = 12;

/// Shows one tool call of the tour and its envelope.
pub(super) fn demo(
    number: usize,
    demo: &Demo,
    envelope: &Value,
    terminal: &mut Terminal,
) -> std::io::Result<()> {
    terminal.line(&format!("\n{STRONG}{number}. {}{STRONG:#}", demo.title))?;
    terminal.line(&format!("   {FAINT}call{FAINT:#}    {HANG}{} {}", demo.tool, demo.arguments))?;
    if let Some(error) = envelope["error"].as_str() {
        terminal.line(&format!("   {BAD}error{BAD:#}   {HANG}{}", harmless(error)))?;
        return terminal.line(&format!(
            "   {FAINT}hint{FAINT:#}    {HANG}{}",
            harmless(envelope["meta"]["hint"].as_str().unwrap_or("-"))
        ));
    }
    if let Some(classes) = envelope["data"]["task_classes"].as_array() {
        return task_classes(classes, terminal);
    }
    if envelope["data"]["members"].is_array() {
        return panel(envelope, terminal);
    }
    if envelope["data"]["artifact"].is_string() {
        return orchestration(envelope, terminal);
    }
    let meta = &envelope["meta"];
    if meta["page"].is_number() {
        return page(envelope, terminal);
    }
    let text = harmless(envelope["data"]["text"].as_str().unwrap_or_default());
    terminal.line(&format!("   {GOOD}answer{GOOD:#}  {HANG}{text}"))?;
    terminal.line(&format!(
        "   {FAINT}cost{FAINT:#}    {HANG}{} ({}): {} tokens in, {} out; at most {} was possible{}",
        dollars(&meta["cost_usd_approx"]),
        meta["cost_basis"].as_str().unwrap_or_default(),
        meta["tokens"]["input"],
        meta["tokens"]["output"],
        dollars(&meta["preflight"]["estimated_max_cost_usd"]),
        left(meta),
    ))?;
    terminal.line(&format!("   {FAINT}why{FAINT:#}     {HANG}{}", why(meta)))
}

/// Shows the first words of a page, and how many pages there are.
fn page(envelope: &Value, terminal: &mut Terminal) -> std::io::Result<()> {
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    let words = data["text"].as_str().unwrap_or_default().split_whitespace();
    let words: Vec<&str> = words.take(FIRST_WORDS).collect();
    let text = harmless(&words.join(" "));
    terminal.line(&format!("   {GOOD}text{GOOD:#}    {HANG}{text} ..."))?;
    terminal
        .line(&format!("   {FAINT}page{FAINT:#}    {HANG}{} of {}", meta["page"], meta["pages"]))
}

fn task_classes(classes: &[Value], terminal: &mut Terminal) -> std::io::Result<()> {
    for class in classes {
        let name = class["name"].as_str().unwrap_or_default();
        let state =
            class["unavailable_because"].as_str().map(|why| format!(" {FAINT}({why}){FAINT:#}"));
        let rationale = class["rationale"].as_str().unwrap_or_default();
        let words: Vec<&str> = rationale.split_whitespace().collect();
        terminal.line(&format!(
            "   {GOOD}{name:<21}{GOOD:#} {HANG}{}{}",
            harmless(&words.join(" ")),
            state.unwrap_or_default()
        ))?;
    }
    Ok(())
}

fn panel(envelope: &Value, terminal: &mut Terminal) -> std::io::Result<()> {
    let Glance { headline, style, groups } = Glance::of(envelope);
    terminal.line(&format!("   {style}{headline}{style:#}"))?;
    for Group { name, text, style } in groups {
        terminal.line(&format!("   {style}{name:<9}{style:#} {HANG}{text}"))?;
    }
    let meta = &envelope["meta"];
    let word = |key: &str| meta["visibility"][key].as_str().unwrap_or_default();
    terminal.line(&format!(
        "   {FAINT}level{FAINT:#}     {HANG}{} reached, {} required",
        word("level"),
        word("required")
    ))?;
    total_cost(meta, "members", terminal)
}

/// Shows the steps of an orchestration, its artifact, and whether to believe it.
fn orchestration(envelope: &Value, terminal: &mut Terminal) -> std::io::Result<()> {
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    let steps = meta["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    for step in steps {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        let (name, who) = (text("step"), format!("{}/{}", text("provider"), text("model")));
        terminal.line(&format!("   {FAINT}{name:<9}{FAINT:#} {HANG}{who} {}", text("outcome")))?;
    }
    let artifact = harmless(data["artifact"].as_str().unwrap_or_default());
    terminal.line(&format!("   {GOOD}artifact{GOOD:#}  {HANG}{artifact}"))?;
    terminal.line(&format!("   {FAINT}verdict{FAINT:#}   {HANG}{}", verdict(data, meta)))?;
    total_cost(meta, "steps", terminal)
}

/// Returns a line about an orchestration's verdict and what the verifier saw.
fn verdict(data: &Value, meta: &Value) -> String {
    let (style, verdict) = match data["verdict"]["accepted"].as_bool() {
        Some(true) => (GOOD, "accepted"),
        Some(false) => (BAD, "refused"),
        None => return format!("{DOUBTFUL}none: nobody judged it{DOUBTFUL:#}"),
    };
    let visibility = &meta["visibility"];
    let sees = visibility["verifier_sees"].as_array().map(Vec::as_slice).unwrap_or_default();
    let sees: Vec<&str> = sees.iter().filter_map(Value::as_str).collect();
    let is_certified = visibility["independence_certified"] == true;
    let certified = if is_certified { "certified" } else { "NOT CERTIFIED" };
    format!("{style}{verdict}{style:#} by one who saw {} · {certified}", sees.join(" and "))
}

/// Shows the cost of all `parts` of an answer together, and what the tightest cap leaves.
fn total_cost(meta: &Value, parts: &str, terminal: &mut Terminal) -> std::io::Result<()> {
    let (cost, left) = (dollars(&meta["total_cost_usd_approx"]), left(meta));
    terminal.line(&format!("   {FAINT}cost{FAINT:#}      {HANG}{cost} for all {parts}{left}"))
}

/// Returns what the tightest cap leaves as the end of a sentence; empty without a cap.
fn left(meta: &Value) -> String {
    let budget = &meta["budget"];
    match (budget["scope"].as_str(), budget["per"].as_str()) {
        (Some(scope), Some(per)) => {
            format!("; {}", words(scope, per, &dollars(&budget["left_usd"])))
        }
        _ => String::new(),
    }
}

/// Returns a dollar amount as a person writes it. A float would print small amounts as `1.1e-6`.
fn dollars(amount: &Value) -> String {
    match amount.as_f64().and_then(|usd| NanoUsd::parse_usd(&format!("{usd:.9}")).ok()) {
        Some(amount) => amount.to_string(),
        None => "an unknown amount".to_owned(),
    }
}

/// Returns the attempts of a call in one line: who was asked, and with which outcome.
fn why(meta: &Value) -> String {
    let attempts = meta["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = attempts.iter().map(|attempt| {
        let text = |key: &str| attempt[key].as_str().unwrap_or_default();
        format!("{}/{} {}", text("provider"), text("model"), text("outcome"))
    });
    format!(
        "the policy's {}: {}",
        meta["task_class"].as_str().unwrap_or_default(),
        told.collect::<Vec<_>>().join(", then ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_cap_leaves_ends_a_sentence() {
        let meta = json!({"budget": {"scope": "total", "per": "session", "left_usd": 1.0}});
        assert_eq!(left(&meta), "; $1.00 left in this session");
        assert_eq!(left(&json!({})), "");
    }
}
