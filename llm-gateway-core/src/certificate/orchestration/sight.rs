//! Decides the claims `verifier_plan_blind` and `verifier_history_blind`: what verifiers were
//! shown.
//!
//! Every part of a verifier's request is known: the instruction of the step, the task, the
//! gateway's words around the artifact, rebuilt from the nonce, and the artifact as it was
//! received. Texts are compared byte for byte, and the rest is a stray text. [`attribution`]
//! decides which of the two claims a stray contradicts, and [`history`] detects passages of an
//! earlier verdict in an artifact.

use serde_json::Value;

use super::attribution::{self, Suspect};
use super::evidence::{OrchestrationEvidence, StepEvidence};
use super::expected::{ExpectedTurn, Fit};
use super::history;
use super::step_answer::StepAnswer;
use crate::certificate::claims::{Claim, ClaimResult, sentence};
use crate::certificate::commitment::deviations;
use crate::certificate::evidence::SeenRequests;
use crate::certificate::readers::{self, Finding, MOST_REQUEST_FINDINGS, ReadRequest, ShownText};
use crate::certificate::recorded::RecordedRequest;
use crate::model::{StepRole, VERDICT_SCHEMA};

/// The two claims about the requests to verifiers: that they show no plan, and nothing of the past.
pub(super) struct BlindnessClaims {
    pub(super) plan_blind: Claim,
    pub(super) history_blind: Claim,
}

/// Returns whether the blindness claims cover a step: a verifier's step that may have sent a
/// request.
pub(super) fn is_asked_verifier(step: &StepEvidence) -> bool {
    let call = &step.call;
    let is_unsent = call.records() && call.exchanges.is_empty() && !call.answered;
    step.role == StepRole::Verifier && !is_unsent
}

/// Decides both blindness claims over every request to a verifier: first attempts, retries and
/// repairs of all rounds.
pub(super) fn blindness_claims(
    evidence: &OrchestrationEvidence,
    said: &[StepAnswer<'_>],
) -> BlindnessClaims {
    let mut suspects = Vec::new();
    let mut open: Vec<String> = evidence.disorder().into_iter().collect();
    let mut requests = 0;
    let mut first: Option<&StepEvidence> = None;
    for step in evidence.steps.iter().filter(|step| is_asked_verifier(step)) {
        let first = first.get_or_insert(step);
        let mut check = RequestCheck::new(evidence, said, step, first);
        check.requests();
        requests += step.call.exchanges.len();
        open.append(&mut check.open);
        suspects.push(check.suspect);
    }
    let [plan, mut history] = attribution::attribute(&evidence.task, said, &suspects).claims();
    let repeated = history::repeated(&evidence.task, said);
    history.extend(repeated.against);
    let open_of_history = [&open[..], &repeated.open].concat();
    let is_pure = suspects.iter().all(|suspect| suspect.strays.is_empty());
    let pass = |what: &str| match is_pure {
        true => format!(
            "each of {requests} requests to verifiers holds the instruction, the task, the \
             artifact as it was received and the gateway's words around it, nothing else"
        ),
        false => format!("what is strange in {requests} requests to verifiers repeats {what}"),
    };
    let planned = said.iter().any(|said| said.is_of(StepRole::Planner));
    let is_none = plan.is_empty() && !planned;
    let plan_blind = match is_none {
        true => Claim::new(ClaimResult::NotApplicable, "no plan was made"),
        false => Claim::weigh(&plan, &open, pass("no plan")),
    };
    let is_none = history.is_empty() && !has_history(evidence);
    let mut history_blind = match is_none {
        true => Claim::new(ClaimResult::NotApplicable, "nothing was judged before"),
        false => Claim::weigh(&history, &open_of_history, pass("no earlier verdict or artifact")),
    };
    if !(is_none || repeated.likeness.is_empty()) {
        history_blind.because.push_str(&format!("; {}", sentence(&repeated.likeness)));
    }
    BlindnessClaims { plan_blind, history_blind }
}

/// Returns whether some verifier has a past: an earlier verdict, or an earlier round.
fn has_history(evidence: &OrchestrationEvidence) -> bool {
    let verifiers = evidence.steps.iter().filter(|step| is_asked_verifier(step));
    verifiers.clone().count() > 1 || verifiers.clone().any(|step| step.round > 1)
}

/// A check of all requests to one verifier for stray texts.
struct RequestCheck<'a> {
    step: &'a StepEvidence,
    suspect: Suspect<'a>,
    open: Vec<String>,
}

impl<'a> RequestCheck<'a> {
    /// Starts the check of one verifier's requests. All verifiers of a run must have the
    /// instruction of the `first` one, because a policy does not distinguish rounds.
    fn new(
        evidence: &'a OrchestrationEvidence,
        said: &'a [StepAnswer<'_>],
        step: &'a StepEvidence,
        first: &'a StepEvidence,
    ) -> Self {
        let mut suspect = Suspect::new(step, &first.instruction);
        match ExpectedTurn::of(evidence, said, step) {
            Ok(expected) => suspect.turn = Some(expected),
            Err(what) => suspect.strays.push(Finding::new("it", what)),
        }
        if step.instruction != first.instruction {
            let what = format!("is not that of step {}", first.call.position);
            let stray = Finding::new("the instruction", what).holding(&step.instruction);
            suspect.strays.push(stray);
        }
        Self { step, suspect, open: Vec::new() }
    }

    /// Checks all requests to the verifier for stray texts.
    fn requests(&mut self) {
        let call = &self.step.call;
        let position = call.position;
        if !call.records() {
            self.open.push(format!("step {position}'s provider records nothing"));
            return;
        }
        if call.exchanges.is_empty() && call.answered {
            self.open.push(format!("step {position} answered, and no request is recorded"));
        }
        // Equal retries are read once.
        let mut read = SeenRequests::default();
        for ((exchange, deviates), n) in call.exchanges.iter().zip(deviations(call)).zip(1..) {
            let stray = deviates.map(|what| Finding::new(format!("try {n}"), what));
            self.suspect.strays.extend(stray);
            if call.exchanges.len() == 1 || read.is_new(&exchange.request) {
                self.request(&exchange.request);
            }
        }
    }

    /// Reads one request to the verifier, and collects its stray texts.
    fn request(&mut self, request: &RecordedRequest) {
        let is_structured = self.step.judged.as_ref().is_some_and(|judged| judged.structured);
        let schema: Option<Value> =
            is_structured.then(|| serde_json::from_str(VERDICT_SCHEMA).ok()).flatten();
        let asked = readers::request(&self.step.call, request, schema.as_ref());
        let Some(asked) = asked else { return };
        let ReadRequest { findings, system, turns } = asked;
        self.suspect.strays.extend(findings);
        self.system(&system);
        self.turns(&turns);
        // The others would not be examined anyway, and count as not recognised.
        self.suspect.strays.truncate(MOST_REQUEST_FINDINGS);
    }

    /// Collects what a request's system part contains besides the instruction, which must be there
    /// once.
    fn system(&mut self, system: &[ShownText]) {
        let instruction = &self.step.instruction;
        let own = system.iter().position(|shown| shown.text == *instruction);
        if own.is_none() && !instruction.trim().is_empty() {
            let stray = Finding::new("the system part", "is not the step's instruction");
            self.suspect.strays.push(stray);
        }
        let others = system.iter().enumerate().filter(|(n, _)| Some(*n) != own);
        let stray = |shown: &ShownText| {
            Finding::new(&shown.at, "is no instruction of the step").holding(&shown.text)
        };
        self.suspect.strays.extend(others.map(|(_, shown)| stray(shown)));
    }

    /// Collects all turns of a request except the one expected user turn, which must be there.
    fn turns(&mut self, turns: &[Vec<ShownText>]) {
        let Some(expected) = &self.suspect.turn else { return };
        let mut is_found = false;
        let mut strays = Vec::new();
        for turn in turns {
            let text: String = turn.iter().map(|shown| shown.text.as_str()).collect();
            match expected.fit(&text) {
                Fit::Exact if !is_found => is_found = true,
                Fit::Unknown(why) if !is_found => {
                    is_found = true;
                    self.open.push(why);
                }
                _ if turns.len() == 1 => {
                    let left_over = expected.left_over(&text);
                    let at = standing_at(turn, left_over.start);
                    let text = text.get(left_over).unwrap_or_default();
                    strays.push(Finding::new(at, "is not task, artifact and ask").holding(text));
                    is_found = true;
                }
                _ => {
                    let at = standing_at(turn, 0);
                    strays.push(Finding::new(at, "is of a further user turn").holding(text));
                }
            }
        }
        if !is_found {
            strays.push(Finding::new("no user turn", "is task, artifact and ask"));
        }
        self.suspect.strays.append(&mut strays);
    }
}

/// Returns the place in the request of the text that contains, or would contain, a byte of a turn.
fn standing_at(turn: &[ShownText], byte: usize) -> &str {
    let mut before = 0;
    let standing = turn.iter().find(|shown| {
        before += shown.text.len();
        byte < before
    });
    standing.or(turn.last()).map_or("a user turn", |shown| &shown.at)
}
