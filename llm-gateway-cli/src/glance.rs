//! Whom of a panel to believe, in a few lines: how far the members agree and whether that is
//! certified, then who stands where, dissent first.
//!
//! Read from the envelope, so that `route` and `tour` say the same of the same answers.

// Indexing a JSON value gives null where there is nothing.
#![allow(clippy::indexing_slicing)]

use anstyle::Style;
use serde_json::Value;

use crate::terminal::{BAD, DOUBTFUL, GOOD, STRONG, harmless};

/// A panel at a glance. Each line stands under a name of at most eight letters.
pub(crate) struct Glance {
    /// The first line.
    pub(crate) verdict: String,
    /// How good the verdict is.
    pub(crate) style: Style,
    /// Who stands where, and how to show it.
    pub(crate) standing: Vec<Standing>,
}

/// Members who say the same, or one that said nothing.
pub(crate) struct Standing {
    /// What they are to the others.
    pub(crate) name: &'static str,
    /// Who they are, and what they say.
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Glance {
    /// Reads a panel's envelope, be it an answer or an error.
    pub(crate) fn of(envelope: &Value) -> Self {
        let agreement = &envelope["data"]["agreement"];
        let outcome = agreement["outcome"].as_str().unwrap_or_default();
        let is_certified = envelope["meta"]["visibility"]["independence_certified"] == true;
        let members = list(&envelope["data"]["members"]);
        let camps = camps(outcome, list(&agreement["clusters"]), members);
        Self {
            verdict: verdict(envelope, outcome, is_certified),
            style: trust(outcome, is_certified),
            standing: camps.into_iter().chain(silent(members)).collect(),
        }
    }
}

/// That all agree is good news only of members that could differ.
fn trust(outcome: &str, is_certified: bool) -> Style {
    match outcome {
        _ if !is_certified => BAD,
        "unanimous" => GOOD.bold(),
        "no_consensus" => BAD,
        _ => DOUBTFUL.bold(),
    }
}

fn verdict(envelope: &Value, outcome: &str, is_certified: bool) -> String {
    let agreement = &envelope["data"]["agreement"];
    let answered = &envelope["meta"]["answered"];
    let largest = list(&agreement["clusters"]).last().map_or(&[][..], |it| list(&it["members"]));
    let (largest, worth) = (largest.len(), worth(&agreement["n_effective"]["value"]));
    let method = agreement["method"].as_str().unwrap_or_default().replace('_', " ");
    let certified = if is_certified { "certified" } else { "NOT CERTIFIED" };
    let agreement = match outcome {
        _ if *answered == 0 => return format!("no member answered · {certified}"),
        _ if *answered == 1 => return format!("only one member answered · {certified}"),
        "unanimous" => format!("unanimous: {answered} of {answered} agree ({method})"),
        "majority" => format!("majority: {largest} of {answered} agree ({method})"),
        "no_consensus" => format!("no consensus among {answered} ({method})"),
        _ => format!("not comparable: read the {answered} answers"),
    };
    format!("{agreement} · {worth} · {certified}")
}

/// What so many answers weigh, as a person would say it.
fn worth(votes: &Value) -> String {
    let votes = votes.as_f64().unwrap_or_default();
    let noun = if votes > 1.0 { "votes" } else { "vote" };
    format!("worth at most {votes} independent {noun}")
}

/// The clusters in the order of the envelope: dissent first, the largest last.
fn camps(outcome: &str, clusters: &[Value], members: &[Value]) -> Vec<Standing> {
    let after = (0..clusters.len()).rev();
    let camp = |(cluster, after): (&Value, usize)| {
        let (name, style) = match (outcome, after) {
            ("unanimous", _) => ("all", STRONG),
            ("majority", 0) => ("majority", STRONG),
            ("majority", _) => ("dissent", DOUBTFUL),
            _ => ("camp", STRONG),
        };
        let positions = list(&cluster["members"]).iter().filter_map(Value::as_u64);
        let who: Vec<String> = positions.map(|position| named(members, position)).collect();
        let gist = cluster["gist"].as_str().unwrap_or_default();
        Standing { name, text: harmless(&format!("{}: {gist}", who.join(", "))), style }
    };
    clusters.iter().zip(after).map(camp).collect()
}

/// The members that gave no answer.
fn silent(members: &[Value]) -> impl Iterator<Item = Standing> {
    let failed = members.iter().zip(1..).filter(|(member, _)| member["status"] == "error");
    failed.map(|(member, position)| {
        let why = member["meta"]["error_category"].as_str().unwrap_or_default();
        let text = harmless(&format!("{}: {why}", named(members, position)));
        Standing { name: "silent", text, style: BAD }
    })
}

/// A member by its position and the target that was asked.
fn named(members: &[Value], position: u64) -> String {
    let member = usize::try_from(position).ok().and_then(|at| members.get(at.checked_sub(1)?));
    let meta = &member.unwrap_or(&Value::Null)["meta"];
    let model = meta["model_requested"].as_str().or_else(|| meta["model"].as_str());
    match (meta["provider"].as_str(), model) {
        (Some(provider), Some(model)) => format!("{position}. {provider}/{model}"),
        _ => format!("member {position}"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
