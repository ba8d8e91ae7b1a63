//! Shows a panel in a few lines: how far its members agree, whether their independence is
//! certified, and who said what, with dissent first.
//!
//! The lines are read from the envelope, so that `route` and `tour` show the same panel in the same
//! words.

// Indexing a JSON value returns null for a missing key.
#![allow(clippy::indexing_slicing)]

use anstyle::Style;
use serde_json::Value;

use crate::layout::harmless;
use crate::terminal::{BAD, DOUBTFUL, GOOD, STRONG};

/// A panel in a few lines: a headline, and the members in groups.
pub(crate) struct Glance {
    /// The first line about a panel: the agreement, its weight, and whether it is certified.
    pub(crate) headline: String,
    /// The style of the headline, which shows whether its news is good.
    pub(crate) style: Style,
    /// The panel's members grouped by what they say, dissent first and failed members last.
    pub(crate) groups: Vec<Group>,
}

/// A group of panel members that say the same, or one member that failed.
pub(crate) struct Group {
    /// The name of the group, such as for a majority, in at most eight letters.
    pub(crate) name: &'static str,
    /// The names of the members and what they say, or why the member failed.
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Glance {
    /// Reads the envelope of a panel, whether it is an answer or an error.
    pub(crate) fn of(envelope: &Value) -> Self {
        let panel = Panel(envelope);
        Self { headline: panel.headline(), style: panel.style(), groups: panel.groups() }
    }
}

/// The envelope of a panel.
struct Panel<'a>(&'a Value);

impl<'a> Panel<'a> {
    fn members(&self) -> &'a [Value] {
        list(&self.0["data"]["members"])
    }

    fn agreement(&self) -> &'a Value {
        &self.0["data"]["agreement"]
    }

    fn outcome(&self) -> &'a str {
        self.agreement()["outcome"].as_str().unwrap_or_default()
    }

    fn is_certified(&self) -> bool {
        self.0["meta"]["visibility"]["independence_certified"] == true
    }

    /// Returns the style of the headline. Agreement is good news only if the members could have
    /// differed.
    fn style(&self) -> Style {
        match self.outcome() {
            _ if !self.is_certified() => BAD,
            "unanimous" => GOOD.bold(),
            "no_consensus" => BAD,
            _ => DOUBTFUL.bold(),
        }
    }

    fn headline(&self) -> String {
        let agreement = self.agreement();
        let answered = &self.0["meta"]["answered"];
        let largest =
            list(&agreement["clusters"]).last().map_or(&[][..], |it| list(&it["members"]));
        let (largest, worth) = (largest.len(), worth(&agreement["n_effective"]["value"]));
        let method = agreement["method"].as_str().unwrap_or_default().replace('_', " ");
        let certified = if self.is_certified() { "certified" } else { "NOT CERTIFIED" };
        let agreement = match self.outcome() {
            _ if *answered == 0 => return format!("no member answered · {certified}"),
            _ if *answered == 1 => return format!("only one member answered · {certified}"),
            "unanimous" => format!("unanimous: {answered} of {answered} agree ({method})"),
            "majority" => format!("majority: {largest} of {answered} agree ({method})"),
            "no_consensus" => format!("no consensus among {answered} ({method})"),
            _ => format!("not comparable: read the {answered} answers"),
        };
        format!("{agreement} · {worth} · {certified}")
    }

    fn groups(&self) -> Vec<Group> {
        self.clusters().chain(self.failed()).collect()
    }

    /// Returns the clusters of a panel's members in the order of the envelope: dissent first, the
    /// largest last.
    fn clusters(&self) -> impl Iterator<Item = Group> {
        let clusters = list(&self.agreement()["clusters"]);
        let after = (0..clusters.len()).rev();
        clusters.iter().zip(after).map(|(cluster, after)| {
            let (name, style) = match (self.outcome(), after) {
                ("unanimous", _) => ("all", STRONG),
                ("majority", 0) => ("majority", STRONG),
                ("majority", _) => ("dissent", DOUBTFUL),
                _ => ("camp", STRONG),
            };
            let positions = list(&cluster["members"]).iter().filter_map(Value::as_u64);
            let who: Vec<String> = positions.map(|position| self.member_name(position)).collect();
            let gist = cluster["gist"].as_str().unwrap_or_default();
            Group { name, text: harmless(&format!("{}: {gist}", who.join(", "))), style }
        })
    }

    /// Returns the panel's members that failed, each as a group.
    fn failed(&self) -> impl Iterator<Item = Group> {
        let members = self.members().iter().zip(1..);
        let failed = members.filter(|(member, _)| member["status"] == "error");
        failed.map(|(member, position)| {
            let why = member["meta"]["error_category"].as_str().unwrap_or_default();
            let text = harmless(&format!("{}: {why}", self.member_name(position)));
            Group { name: "silent", text, style: BAD }
        })
    }

    /// Returns the name of a panel's member: its position and the target that was asked.
    fn member_name(&self, position: u64) -> String {
        let at = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        let member = at.and_then(|at| self.members().get(at));
        let meta = &member.unwrap_or(&Value::Null)["meta"];
        let model = meta["model_requested"].as_str().or_else(|| meta["model"].as_str());
        match (meta["provider"].as_str(), model) {
            (Some(provider), Some(model)) => format!("{position}. {provider}/{model}"),
            _ => format!("member {position}"),
        }
    }
}

/// Returns the number of independent votes that a panel's answers are worth, in words.
fn worth(votes: &Value) -> String {
    let votes = votes.as_f64().unwrap_or_default();
    let noun = if votes > 1.0 { "votes" } else { "vote" };
    format!("worth at most {votes} independent {noun}")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
