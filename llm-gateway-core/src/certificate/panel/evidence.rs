//! The input of [`certify`](super::certify()): the texts that members of a panel may be shown, and
//! the record of each member's call.
//!
//! This is plain data. The panel fills it from its members' recorders, and a bundle stores it as
//! JSON.

use serde::{Deserialize, Serialize};

use crate::certificate::evidence::{CallEvidence, Moments};

/// The largest number of earlier answers that are searched for in the caller's texts, which is the
/// number that a process keeps.
pub(crate) const MOST_EARLIER_ANSWERS: usize = 64;

/// The evidence from which the certificate of a panel is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Evidence {
    /// The texts of the request that the caller wrote.
    pub caller: CallerTexts,
    /// Texts of the policy that a member may be shown, such as instructions.
    pub policy_texts: Vec<String>,
    /// Answers that this process returned before. They are used only to warn if the caller quotes
    /// one; a bundle keeps only the quoted ones.
    pub earlier_answers: Vec<String>,
    /// The calls to the members, in the policy's order.
    pub members: Vec<CallEvidence>,
}

/// The caller's own texts, as the gateway received them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CallerTexts {
    /// The system text above the question, if the caller wrote one.
    pub system: Option<String>,
    /// The parts of the caller's question, which is the single user turn, in order.
    pub user: Vec<String>,
}

impl CallerTexts {
    /// Creates the caller's texts from a question in one or more parts, below the text `system`.
    pub fn new(system: Option<String>, user: Vec<String>) -> Self {
        Self { system, user }
    }
}

impl Evidence {
    /// Returns the moment at which the first response of any member was received.
    pub(super) fn first_answer(&self) -> Option<u64> {
        let exchanges = self.members.iter().flat_map(|member| &member.exchanges);
        exchanges.filter_map(|exchange| Some(exchange.response.as_ref()?.sequence)).min()
    }

    /// Describes the first problem in the numbers of members and moments; `None` if they are in
    /// order.
    pub(in crate::certificate) fn disorder(&self) -> Option<String> {
        if !self.members.iter().zip(1..).all(|(member, n)| member.position == n) {
            return Some("members are not counted from 1".to_owned());
        }
        let mut moments = Moments::default();
        self.members.iter().for_each(|member| moments.add_all(member));
        moments.disorder()
    }
}
