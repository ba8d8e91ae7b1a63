//! Checks, as case 22 for orchestrations, that whatever the plans, artifacts and verdicts are, in
//! any number of rounds, verifiers count as blind if and only if no verifier was shown a forbidden
//! text.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::run::{Round, Run, TASK, call, model_text};
use crate::certificate::tests::panel::{SEATS, Seat, ask, kinship, rewrite};
use crate::certificate::{
    ClaimResult, OrchestrationCertificate, OrchestrationEvidence, StepEvidence,
    certify_orchestration,
};
use crate::model::{Dialect, Grant, Prompt, StepRole};

/// A planted leak: from the answer of a step to a verifier that must not see that answer.
#[derive(Debug, Clone)]
struct Edge {
    which: Index,
    /// The number of words of the answer that leak; a shorter answer leaks as a whole.
    words: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// A leak as a part of the prompt, as a faulty engine would add it.
    Part,
    Turn,
    Metadata,
    /// A leak in the verifier's instruction, in the evidence as well as in the request.
    Instruction,
}

/// Generates texts of words that no other text contains; some words occur twice.
fn text(name: &'static str) -> impl Strategy<Value = String> {
    (12usize..60, any::<u16>()).prop_map(move |(count, salt)| {
        let word = |n: usize| format!("{name}{salt}x{}", n % 50);
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    })
}

fn round(plans: bool) -> impl Strategy<Value = Round> {
    let verdicts = prop::collection::vec(text("verdict"), 1..=2);
    (text("plan"), text("artifact"), verdicts, any::<bool>()).prop_map(
        move |(plan, artifact, verdicts, leaks)| {
            // The verifier may see what the artifact repeats of the plan.
            let artifact = if leaks && plans { format!("{artifact} {plan}") } else { artifact };
            Round { plan: plans.then_some(plan), artifact, verdicts }
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    let dialect = select(Dialect::SPOKEN.to_vec());
    let rounds = any::<bool>().prop_flat_map(|plans| prop::collection::vec(round(plans), 1..=3));
    (prop::collection::vec(dialect, 3), any::<bool>(), rounds).prop_map(|it| {
        let (dialects, structured, rounds) = it;
        let seat = |n: usize| Seat { dialect: dialects[n], ..SEATS[n] };
        Run { task: TASK.to_owned(), seats: [seat(0), seat(1), seat(2)], structured, rounds }
    })
}

fn edge() -> impl Strategy<Value = Edge> {
    let place = select(vec![Place::Part, Place::Turn, Place::Metadata, Place::Instruction]);
    (any::<Index>(), 8usize..80, place).prop_map(|(which, words, place)| Edge {
        which,
        words,
        place,
    })
}

/// Returns the positions of all pairs of steps of which the second must not see the first one's
/// answer.
fn forbidden(evidence: &OrchestrationEvidence) -> Vec<(u32, u32)> {
    let verifiers = evidence.steps.iter().filter(|step| step.role == StepRole::Verifier);
    let pairs = verifiers.flat_map(|to| {
        let is_forbidden = move |from: &&StepEvidence| match from.role {
            StepRole::Planner => from.call.position < to.call.position,
            StepRole::Worker => from.round < to.round,
            StepRole::Verifier => from.call.position < to.call.position,
        };
        let from = evidence.steps.iter().filter(is_forbidden);
        from.map(|from| (from.call.position, to.call.position))
    });
    pairs.collect()
}

/// Returns the answer of the step at a position.
fn said(run: &Run, position: u32) -> String {
    let texts = run.rounds.iter().flat_map(|round| {
        round.plan.iter().chain([&round.artifact]).chain(&round.verdicts).cloned()
    });
    texts.into_iter().nth(position as usize - 1).unwrap()
}

fn with_edge(run: &Run, edge: &Edge, to: u32, text: &str) -> OrchestrationEvidence {
    if matches!(edge.place, Place::Part) {
        return run.leaking(|_, position, prompt: Prompt| {
            let shown = model_text(&format!("\n\n{text}"));
            if position == to { prompt.show(shown, &Grant::for_test()) } else { prompt }
        });
    }
    let mut evidence = run.evidence();
    let call = call(&mut evidence, to as usize);
    let dialect = call.dialect;
    ask(call, |request| {
        rewrite(request, |body| match edge.place {
            Place::Turn if dialect == Dialect::Gemini => {
                let turn = json!({"role": "user", "parts": [{"text": text}]});
                body["contents"].as_array_mut().unwrap().insert(0, turn);
            }
            Place::Turn => {
                let turn = json!({"role": "user", "content": text});
                body["messages"].as_array_mut().unwrap().insert(0, turn);
            }
            Place::Instruction => {
                let system = match dialect {
                    Dialect::OpenAi => &mut body["messages"][0]["content"],
                    Dialect::Anthropic => &mut body["system"],
                    _ => &mut body["systemInstruction"]["parts"][0]["text"],
                };
                *system = format!("{} {text}", system.as_str().unwrap()).into();
            }
            Place::Part | Place::Metadata => body["metadata"] = json!({"note": text}),
        });
    });
    if matches!(edge.place, Place::Instruction) {
        let instruction = &mut evidence.steps[to as usize - 1].instruction;
        *instruction = format!("{instruction} {text}");
    }
    evidence
}

fn failed(certificate: &OrchestrationCertificate) -> [bool; 2] {
    let claims = &certificate.claims;
    [&claims.verifier_plan_blind, &claims.verifier_history_blind]
        .map(|claim| claim.result == ClaimResult::Fail)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn verifiers_are_blind_if_and_only_if_no_forbidden_edge_is_there(
        run in run(),
        edge in edge(),
    ) {
        let evidence = run.evidence();
        prop_assert_eq!(failed(&certify_orchestration(&evidence, &kinship())), [false, false]);
        let edges = forbidden(&evidence);
        if edges.is_empty() {
            return Ok(());
        }
        let (from, to) = edges[edge.which.index(edges.len())];
        let text = said(&run, from);
        let handed_on: Vec<&str> = text.split(' ').take(edge.words).collect();
        let evidence = with_edge(&run, &edge, to, &handed_on.join(" "));
        let certificate = certify_orchestration(&evidence, &kinship());
        let [plan, history] = failed(&certificate);
        let is_plan = evidence.steps[from as usize - 1].role == StepRole::Planner;
        let right = if is_plan { plan } else { history };
        prop_assert!(right, "{from} -> {to}: {:#?}", certificate.claims);
        prop_assert!(!certificate.independence_certified());
        // If the artifact repeats the plan, the two cannot be told apart.
        let carried = run.rounds.iter().any(|round| {
            round.plan.as_ref().is_some_and(|plan| round.artifact.contains(plan.as_str()))
        });
        // Nor can two steps that by chance said the same.
        let steps = 1..=evidence.steps.len() as u32;
        let is_one = steps.filter(|step| said(&run, *step) == text).count() == 1;
        // With two different instructions it is not known which one is the policy's.
        let is_plain = !carried && is_one && !matches!(edge.place, Place::Instruction);
        prop_assert!(!is_plain || plan != history, "{from} -> {to}: {:#?}", certificate.claims);
    }
}
