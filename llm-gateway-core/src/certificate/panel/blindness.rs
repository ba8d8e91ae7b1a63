//! Decides the claim `context_blind`: every member saw the question and nothing else.
//!
//! Each request is read on its own, then compared with the committed request and with the system
//! part of the other members; last, the order of moments is checked. Texts are compared byte for
//! byte, so a homoglyph or a zero-width space makes a text that nobody wrote.

use std::collections::HashSet;

use super::evidence::Evidence;
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::commitment::deviations;
use crate::certificate::effort;
use crate::certificate::evidence::{CallEvidence, Commitment, SeenRequests};
use crate::certificate::readers::{self, Finding, MOST_REQUEST_FINDINGS, ReadRequest, ShownText};
use crate::certificate::recorded::RecordedRequest;
use crate::model::Dialect;

/// A check of the claim `context_blind`, member by member.
struct BlindnessCheck<'a> {
    evidence: &'a Evidence,
    policy_texts: HashSet<&'a str>,
    /// The moment at which the first response of any member was received.
    first_answer: Option<u64>,
    /// The findings that contradict the claim `context_blind`, one sentence each.
    against: Vec<String>,
    /// The findings that leave the claim `context_blind` undecided, one sentence each.
    open: Vec<String>,
    /// The member's position and system part, for each request that was read.
    systems: Vec<(u32, Vec<String>)>,
    /// The number of requests that were sent to members.
    requests: usize,
    /// The number of bytes of the caller's question.
    question_bytes: usize,
}

/// Decides the claim `context_blind` over all members that were sent a request.
pub(super) fn context_blind(evidence: &Evidence) -> Claim {
    let mut check = BlindnessCheck {
        evidence,
        policy_texts: evidence.policy_texts.iter().map(String::as_str).collect(),
        first_answer: evidence.first_answer(),
        against: Vec::new(),
        open: Vec::new(),
        systems: Vec::new(),
        requests: 0,
        question_bytes: evidence.caller.user.iter().map(String::len).sum(),
    };
    evidence.members.iter().for_each(|member| check.member(member));
    check.systems();
    check.open.extend(evidence.disorder());
    let BlindnessCheck { against, open, requests, .. } = check;
    if requests == 0 && against.is_empty() && open.is_empty() {
        return Claim::new(ClaimResult::NotApplicable, "no member sent anything");
    }
    let pass = format!(
        "every text of {requests} requests is the caller's, the policy's or the protocol's; all \
         were committed before the first answer"
    );
    Claim::weigh(&against, &open, pass)
}

impl BlindnessCheck<'_> {
    /// Checks the requests to one member, and whether they were committed before.
    fn member(&mut self, member: &CallEvidence) {
        let position = member.position;
        if !member.records() {
            self.open.push(format!("member {position}'s provider records nothing"));
            return;
        }
        if member.exchanges.is_empty() && member.answered {
            self.open.push(format!("member {position} answered, and no request is recorded"));
        }
        if let Some(committed) = &member.committed {
            self.commitment(position, committed);
        }
        // Equal attempts are read once.
        let mut read = SeenRequests::default();
        for (exchange, deviates) in member.exchanges.iter().zip(deviations(member)) {
            self.requests += 1;
            self.against.extend(deviates.map(|what| format!("member {position}{what}")));
            if member.exchanges.len() == 1 || read.is_new(&exchange.request) {
                self.request(member, &exchange.request);
            }
        }
    }

    /// Reports a request that was committed after the first answer of any member.
    fn commitment(&mut self, position: u32, committed: &Commitment) {
        let late = self.first_answer.filter(|answer| committed.sequence > *answer);
        self.against.extend(late.map(|answer| {
            let moment = committed.sequence;
            format!(
                "member {position}'s request was committed at moment {moment}, after the first \
                 answer at moment {answer}"
            )
        }));
    }

    /// Reads one request to a member, and compares its texts with the caller's and the policy's.
    fn request(&mut self, member: &CallEvidence, request: &RecordedRequest) {
        // A member is asked for free text, so its request may not contain a schema.
        let Some(asked) = readers::request(member, request, None) else { return };
        let ReadRequest { mut findings, system, turns } = asked;
        findings.extend(self.stray_system(&system));
        findings.extend(self.stray_turns(member.dialect, &turns));
        findings.truncate(MOST_REQUEST_FINDINGS);
        let position = member.position;
        self.against.extend(findings.iter().map(|what| format!("member {position}: {what}")));
        let system = system.into_iter().map(|shown| shown.text).collect();
        self.systems.push((position, system));
    }

    /// Finds system texts that are neither the caller's nor the policy's, and any second system
    /// text.
    fn stray_system(&self, system: &[ShownText]) -> Vec<Finding> {
        let caller = self.evidence.caller.system.as_deref();
        let is_known = |text: &str| caller == Some(text) || self.policy_texts.contains(text);
        let stray = |(n, shown): (usize, &ShownText)| {
            let what = match (is_known(&shown.text), n) {
                (true, 0) => return None,
                (true, _) => "is a second system text",
                (false, _) => "is neither the caller's system text nor the policy's",
            };
            Some(Finding::new(&shown.at, what))
        };
        system.iter().enumerate().filter_map(stray).collect()
    }

    /// Finds texts that do not belong to a request's single user turn. The turn contains the
    /// caller's parts in their order, and texts of the policy may stand between them. In a format
    /// that has one string for a turn, the string may be the caller's parts joined.
    fn stray_turns(&self, dialect: Dialect, turns: &[Vec<ShownText>]) -> Vec<Finding> {
        let turn = match turns {
            [turn] => turn,
            [] => return vec![Finding::new("the request", "has no user turn")],
            [_, second, ..] => {
                let at = second.first().map_or("the request", |shown| &shown.at);
                return vec![Finding::new(at, "is of a second user turn")];
            }
        };
        let user = &self.evidence.caller.user;
        let mut expected = user.iter().peekable();
        let mut findings = Vec::new();
        for ShownText { at, text } in turn {
            let is_next = expected.next_if_eq(&text).is_some();
            if !is_next && !self.policy_texts.contains(text.as_str()) {
                findings.push(Finding::new(at, "is neither the caller's text nor the policy's"));
            }
        }
        if expected.next().is_some() && findings.is_empty() {
            findings.push(Finding::new("the user turn", "lacks a part of the caller's text"));
        }
        let is_joined = || dialect == Dialect::OpenAi && self.is_the_question(turn);
        if findings.is_empty() || is_joined() { Vec::new() } else { findings }
    }

    /// Returns whether the texts of a turn, joined, are the caller's parts, joined.
    fn is_the_question(&self, turn: &[ShownText]) -> bool {
        let said: String = turn.iter().map(|shown| shown.text.as_str()).collect();
        effort::add(said.len());
        // A turn of another length cannot be the question, and the parts are not joined for it.
        said.len() == self.question_bytes && said == self.evidence.caller.user.concat()
    }

    /// Reports members whose system part differs from that of the first member.
    fn systems(&mut self) {
        let Some((first, rest)) = self.systems.split_first() else { return };
        let differs = rest.iter().filter(|(_, system)| *system != first.1);
        self.against.extend(differs.map(|(position, _)| {
            format!("member {position}'s system part is not that of member {}", first.0)
        }));
    }
}
