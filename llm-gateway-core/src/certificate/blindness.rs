//! Whether every member saw the question and nothing else: the claim `context_blind`.
//!
//! Each request is read on its own, then held against what was committed and against the other
//! members' system part; last comes the order of moments. Texts are compared byte for byte, so
//! a homoglyph or a zero-width space is a text that nobody wrote.

use super::claims::{Claim, Verdict};
use super::evidence::{Commitment, Evidence, MemberEvidence};
use super::readers::{self, Asked, Finding, Shown};
use super::recorded::RecordedRequest;

/// What was found so far.
#[derive(Default)]
struct Findings {
    against: Vec<String>,
    open: Vec<String>,
    /// Each member's system part.
    systems: Vec<(u32, Vec<String>)>,
    /// How many requests were read.
    requests: usize,
}

/// The claim, over all members that sent something.
pub(super) fn context_blind(evidence: &Evidence) -> Claim {
    let mut found = Findings::default();
    for member in &evidence.members {
        found.member(evidence, member);
    }
    found.systems();
    found.open.extend(evidence.disorder());
    let Findings { against, open, requests, .. } = &found;
    if *requests == 0 && against.is_empty() && open.is_empty() {
        return Claim::new(Verdict::NotApplicable, "no member sent anything");
    }
    let pass = format!(
        "all of {requests} requests is the caller's text, the policy's or the protocol; all were \
         committed before the first answer"
    );
    Claim::weigh(against, open, pass)
}

impl Findings {
    fn member(&mut self, evidence: &Evidence, member: &MemberEvidence) {
        let position = member.position;
        if !member.records() {
            self.open.push(format!("member {position}'s provider records nothing"));
            return;
        }
        if let Some(committed) = &member.committed {
            self.commitment(evidence, position, committed);
        }
        if member.exchanges.is_empty() && member.answered {
            self.open.push(format!("member {position} answered, and no request is recorded"));
        }
        for (n, exchange) in member.exchanges.iter().enumerate() {
            match &member.committed {
                None => self.against.push(format!("member {position}'s request was not committed")),
                Some(committed) if committed.sequence > exchange.sent => {
                    self.against.push(format!("member {position} sent before it had committed"));
                }
                Some(committed) => {
                    let differs = difference(&committed.request, &exchange.request);
                    self.against.extend(differs.map(|what| {
                        format!(
                            "member {position}: {what} of try {} is not the committed one",
                            n + 1
                        )
                    }));
                }
            }
            let is_new = |earlier| difference(earlier, &exchange.request).is_some();
            if member.exchanges.iter().take(n).all(|earlier| is_new(&earlier.request)) {
                self.request(evidence, member, &exchange.request);
            }
            self.requests += 1;
        }
    }

    fn commitment(&mut self, evidence: &Evidence, position: u32, committed: &Commitment) {
        let late = evidence.first_answer().filter(|answer| committed.sequence > *answer);
        self.against.extend(late.map(|answer| {
            let moment = committed.sequence;
            format!(
                "member {position}'s request was committed at moment {moment}, after the first \
                 answer at moment {answer}"
            )
        }));
    }

    fn request(&mut self, evidence: &Evidence, member: &MemberEvidence, request: &RecordedRequest) {
        let Some(Asked { mut findings, system, turns }) = readers::request(member, request) else {
            return;
        };
        findings.extend(stray_system(evidence, &system));
        findings.extend(stray_turns(evidence, &turns));
        let position = member.position;
        self.against.extend(findings.iter().map(|what| format!("member {position}: {what}")));
        let system = system.into_iter().map(|shown| shown.text).collect();
        self.systems.push((position, system));
    }

    /// The system part is the same for all.
    fn systems(&mut self) {
        let Some((first, rest)) = self.systems.split_first() else { return };
        let differs = rest.iter().filter(|(_, system)| *system != first.1);
        self.against.extend(differs.map(|(position, _)| {
            format!("member {position}'s system part is not that of member {}", first.0)
        }));
    }
}

/// Which part of a request is not as it was committed.
fn difference(committed: &RecordedRequest, sent: &RecordedRequest) -> Option<&'static str> {
    if committed.url != sent.url {
        Some("the url")
    } else if committed.headers != sent.headers {
        Some("a header")
    } else if committed.body != sent.body {
        Some("the body")
    } else {
        None
    }
}

/// What is no system text of the caller's or the policy's, and what is more than one.
fn stray_system(evidence: &Evidence, system: &[Shown]) -> Vec<Finding> {
    let is_known = |text: &String| {
        evidence.caller.system.as_ref() == Some(text) || evidence.policy_texts.contains(text)
    };
    let stray = |(n, shown): (usize, &Shown)| {
        if !is_known(&shown.text) {
            Some(Finding::new(&shown.at, "is neither the caller's system text nor the policy's"))
        } else if n > 0 {
            Some(Finding::new(&shown.at, "is a second system text"))
        } else {
            None
        }
    };
    system.iter().enumerate().filter_map(stray).collect()
}

/// What is not the one turn of the user. The caller's parts stand there in their order, and
/// texts of the policy may stand between them.
fn stray_turns(evidence: &Evidence, turns: &[Vec<Shown>]) -> Vec<Finding> {
    let turn = match turns {
        [turn] => turn,
        [] => return vec![Finding::new("the request", "has no user turn")],
        [_, second, ..] => {
            let at = second.first().map_or("the request", |shown| &shown.at);
            return vec![Finding::new(at, "is of a second user turn")];
        }
    };
    let mut expected = evidence.caller.user.iter().peekable();
    let mut findings = Vec::new();
    for Shown { at, text } in turn {
        if expected.next_if_eq(&text).is_none() && !evidence.policy_texts.contains(text) {
            findings.push(Finding::new(at, "is neither the caller's text nor the policy's"));
        }
    }
    if expected.next().is_some() && findings.is_empty() {
        findings.push(Finding::new("the user turn", "lacks a part of the caller's text"));
    }
    findings
}
