//! What a panel hands to [`certify`](super::certify()): what its members might be shown, and what
//! is recorded of each.
//!
//! Plain data. The panel fills it from its members' recorders; a bundle holds it as JSON.

use serde::{Deserialize, Serialize};

use crate::certificate::evidence::{CallEvidence, Moments};

/// All that a certificate is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Evidence {
    /// What the caller wrote.
    pub caller: CallerTexts,
    /// Texts of the policy that a member may be shown, such as instructions.
    pub policy_texts: Vec<String>,
    /// Answers that this process gave before; used only to warn when the caller quotes one.
    /// A bundle keeps those that are quoted.
    pub earlier_answers: Vec<String>,
    /// The members, in the policy's order.
    pub members: Vec<CallEvidence>,
}

/// The caller's own words, as they entered at the door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CallerTexts {
    /// Instructions above the question.
    pub system: Option<String>,
    /// The parts of the one user turn, in order.
    pub user: Vec<String>,
}

impl CallerTexts {
    /// A question in one or more parts, under `system`.
    pub fn new(system: Option<String>, user: Vec<String>) -> Self {
        Self { system, user }
    }
}

impl Evidence {
    /// When the first response of any member had come.
    pub(super) fn first_answer(&self) -> Option<u64> {
        let exchanges = self.members.iter().flat_map(|member| &member.exchanges);
        exchanges.filter_map(|exchange| Some(exchange.response.as_ref()?.sequence)).min()
    }

    /// What is wrong with the counting of moments, if anything is.
    pub(in crate::certificate) fn disorder(&self) -> Option<String> {
        if !self.members.iter().zip(1..).all(|(member, n)| member.position == n) {
            return Some("members are not counted from 1".to_owned());
        }
        let mut moments = Moments::default();
        self.members.iter().for_each(|member| moments.add_all(member));
        moments.disorder()
    }
}
