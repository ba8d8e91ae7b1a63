//! A table of events in an orchestration, and the exact set of claims that do not pass because of
//! each. The numbers of the cases are those of the design.

use std::sync::LazyLock;

use serde_json::json;

use super::history::repeated;
use super::leaks::leaks;
use super::run::{Run, call, not_passed, replanned, retry};
use super::shown::shown;
use crate::certificate::ClaimResult::{Fail, NotApplicable, Unknown};
use crate::certificate::tests::panel::{answer, kinship, response};
use crate::certificate::{
    Claim, ClaimResult, Kinship, ORCHESTRATION_NOT_PROVEN, OrchestrationCertificate,
    OrchestrationClaims, OrchestrationEvidence, certify_orchestration,
};
use crate::model::Dialect;

type Certifier = fn(&OrchestrationEvidence, &Kinship) -> OrchestrationCertificate;
type Expected = &'static [(&'static str, ClaimResult)];

pub(super) const PLAN: Expected = &[("verifier_plan_blind", Fail)];
pub(super) const HISTORY: Expected = &[("verifier_history_blind", Fail)];
pub(super) const BOTH: Expected =
    &[("verifier_plan_blind", Fail), ("verifier_history_blind", Fail)];
const NONE: Expected = &[
    ("verifier_plan_blind", NotApplicable),
    ("verifier_history_blind", NotApplicable),
    ("verifier_worker_distinct", NotApplicable),
    ("plan_leak", NotApplicable),
];

/// One test case: what happened in an orchestration, and what its certificate must say.
pub(in crate::certificate::tests) struct Case {
    number: u32,
    pub(in crate::certificate::tests) about: String,
    pub(in crate::certificate::tests) evidence: OrchestrationEvidence,
    expected: Expected,
    because: &'static [(&'static str, &'static str)],
    warnings: usize,
}

pub(super) fn case(number: u32, about: impl Into<String>, evidence: OrchestrationEvidence) -> Case {
    let about = about.into();
    Case { number, about, evidence, expected: &[], because: &[], warnings: 0 }
}

/// The evidence of an orchestration of two rounds in which everything went well, for each wire
/// dialect.
static GOOD: LazyLock<Vec<(Dialect, OrchestrationEvidence)>> = LazyLock::new(|| {
    let good = |dialect| (dialect, replanned().speaking(dialect).evidence());
    Dialect::SPOKEN.map(good).to_vec()
});

/// Returns a test case that changes an orchestration of two rounds in which everything went well.
pub(super) fn changed(
    number: u32,
    about: impl Into<String>,
    dialect: Dialect,
    change: impl FnOnce(&mut OrchestrationEvidence),
) -> Case {
    let good = GOOD.iter().find(|(spoken, _)| *spoken == dialect);
    let mut evidence = good.unwrap().1.clone();
    change(&mut evidence);
    let about = format!("{}: {}", dialect.as_str(), about.into());
    case(number, about, evidence)
}

impl Case {
    pub(super) fn fails(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    pub(super) fn because(self, because: &'static [(&'static str, &'static str)]) -> Self {
        Self { because, ..self }
    }
}

fn one_round(verdicts: &[&str]) -> Run {
    let mut run = replanned();
    run.rounds.truncate(1);
    run.rounds[0].verdicts = verdicts.iter().map(|&text| text.to_owned()).collect();
    run
}

/// Returns test cases about whether an artifact was judged, and whether the record shows it.
fn courses() -> Vec<Case> {
    let no_history: Expected = &[("verifier_history_blind", NotApplicable)];
    let unplanned = |mut run: Run| {
        run.rounds.iter_mut().for_each(|round| round.plan = None);
        run
    };
    let gone = |mut evidence: OrchestrationEvidence, position: usize| {
        call(&mut evidence, position).answered = false;
        evidence
    };
    let strange = |mut evidence: OrchestrationEvidence, position: usize| {
        let call = call(&mut evidence, position);
        (call.dialect, call.committed) = (Dialect::Own, None);
        call.exchanges.clear();
        let mut moment = 0;
        for step in &mut evidence.steps {
            for exchange in &mut step.call.exchanges {
                step.call.committed.as_mut().unwrap().sequence = moment + 1;
                exchange.sent = moment + 2;
                exchange.response.as_mut().unwrap().sequence = moment + 3;
                moment += 3;
            }
        }
        evidence
    };
    let unreadable = |mut evidence: OrchestrationEvidence, position: usize| {
        response(call(&mut evidence, position)).body = b"<html>".to_vec().into();
        evidence
    };
    // This is what the engine records of a step that was refused before it had any bytes.
    let unsent = |run: Run, position: usize| {
        let mut evidence = run.evidence();
        let step = evidence.steps.get_mut(position - 1).unwrap();
        (step.judged, step.instruction) = (None, String::new());
        (step.call.answered, step.call.committed) = (false, None);
        step.call.exchanges.clear();
        evidence
    };
    let good = || replanned().evidence();
    vec![
        case(0, "two rounds, three dialects, all went well", good()),
        case(0, "one round", one_round(&["ACCEPT"]).evidence()).fails(no_history),
        case(0, "one round with a repair", one_round(&["Well...", "ACCEPT"]).evidence()),
        case(
            0,
            "a repair that could not be paid for",
            unsent(one_round(&["Well...", "never asked"]), 4),
        )
        .fails(no_history),
        case(0, "no plan, two rounds", unplanned(replanned()).evidence())
            .fails(&[("verifier_plan_blind", NotApplicable), ("plan_leak", NotApplicable)])
            .because(&[("verifier_plan_blind", "no plan was made")]),
        case(0, "no verifier", one_round(&[]).evidence())
            .fails(NONE)
            .because(&[("plan_leak", "no verifier answered in round 1")]),
        case(0, "the only verifier failed", gone(one_round(&["ACCEPT"]).evidence(), 3)).fails(NONE),
        case(0, "the second verifier failed", gone(good(), 6))
            .fails(NONE)
            .because(&[("plan_leak", "no verifier answered in round 2")]),
        case(0, "nothing ran", OrchestrationEvidence::default()).fails(NONE),
        case(0, "a verifier that records nothing", strange(good(), 6)).fails(&[
            ("verifier_plan_blind", Unknown),
            ("verifier_history_blind", Unknown),
            ("verifier_worker_distinct", Unknown),
        ]),
        case(0, "a worker that records nothing", strange(good(), 5))
            .fails(&[
                ("verifier_plan_blind", Unknown),
                ("verifier_history_blind", Unknown),
                ("verifier_worker_distinct", Unknown),
                ("plan_leak", Unknown),
            ])
            .because(&[("verifier_plan_blind", "step 5's provider records nothing")]),
        case(0, "a planner that records nothing", strange(good(), 4))
            .fails(&[("plan_leak", Unknown)]),
        case(0, "an artifact that cannot be read", unreadable(good(), 5)).fails(&[
            ("verifier_plan_blind", Unknown),
            ("verifier_history_blind", Unknown),
            ("verifier_worker_distinct", Unknown),
            ("plan_leak", Unknown),
        ]),
        disordered("a moment is missing", |evidence| response(call(evidence, 6)).sequence = 99),
        disordered("a verifier began before the worker ended", |evidence| {
            let came = std::mem::replace(&mut response(call(evidence, 5)).sequence, 16);
            call(evidence, 6).committed.as_mut().unwrap().sequence = came;
        })
        .because(&[("verifier_plan_blind", "step 6 began at moment 15, step 5 ended at 16")]),
        disordered("a round is left out", |evidence| {
            evidence.steps[3..].iter_mut().for_each(|step| step.round = 3);
        })
        .because(&[("verifier_plan_blind", "step 4 of round 3 follows round 1")]),
    ]
}

fn disordered(about: &str, change: fn(&mut OrchestrationEvidence)) -> Case {
    let mut evidence = replanned().evidence();
    change(&mut evidence);
    let expected: Expected =
        &[("verifier_plan_blind", Unknown), ("verifier_history_blind", Unknown)];
    case(0, about, evidence).fails(expected)
}

/// Returns test cases about which model judged the answer of which model.
fn identities(dialect: Dialect) -> Vec<Case> {
    let key = if dialect == Dialect::Gemini { "modelVersion" } else { "model" };
    let returned = |number, about: &str, worker: &'static str, verifier: &'static str| {
        changed(number, about, dialect, |evidence| {
            answer(call(evidence, 5), |body| body[key] = worker.into());
            answer(call(evidence, 6), |body| body[key] = verifier.into());
        })
    };
    let not_distinct: Expected = &[("verifier_worker_distinct", Fail)];
    vec![
        returned(17, "one model under two names", "gpt-4o", "gpt-4o-2024-08-06")
            .fails(not_distinct)
            .because(&[("verifier_worker_distinct", "round 2: step 6 and step 5 are gpt-4o (")]),
        returned(17, "one vendor", "gpt-4o", "o3")
            .fails(not_distinct)
            .because(&[("verifier_worker_distinct", "step 6 and step 5 are both of openai (o3")]),
        returned(17, "lineages that meet", "qwen-2.5", "r1-distill-qwen")
            .fails(not_distinct)
            .because(&[("verifier_worker_distinct", "both descend from qwen")]),
        returned(10, "an unknown model", "gpt-4o", "who")
            .fails(&[("verifier_worker_distinct", Unknown)])
            .because(&[("verifier_worker_distinct", "nothing is known of step 6's model who")]),
        changed(11, "no model is named", dialect, |evidence| {
            answer(call(evidence, 6), |body| drop(body.as_object_mut().unwrap().remove(key)));
        })
        .because(&[("verifier_worker_distinct", "; step 6 is tuned/gemini-2.5:pro as declared")]),
    ]
}

/// All test cases of orchestrations. The tests share them because creating them takes longer than
/// certifying them.
pub(in crate::certificate::tests) static TABLE: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let each =
        Dialect::SPOKEN.into_iter().flat_map(|dialect| [shown(dialect), identities(dialect)]);
    let warned = changed(4, "a worker's retry with other bytes", Dialect::OpenAi, |evidence| {
        retry(evidence, 5).request.headers.pop();
    });
    let warned = Case { warnings: 1, ..warned };
    each.flatten().chain(courses()).chain(leaks()).chain(repeated()).chain([warned]).collect()
});

/// Returns the mistakes of a certifier in one test case, one sentence each.
fn mistakes(certifier: Certifier, case: &Case) -> Vec<String> {
    let certificate = certifier(&case.evidence, &kinship());
    let mut mistakes = Vec::new();
    let mut same = |is_same: bool, what: String| {
        if !is_same {
            mistakes.push(format!("case {}, {}: {what}", case.number, case.about));
        }
    };
    let found = not_passed(&certificate);
    same(found == case.expected, format!("{found:?}: {:#?}", certificate.claims));
    same(certificate.warnings.len() == case.warnings, format!("{:?}", certificate.warnings));
    for (name, part) in case.because {
        let claims = certificate.claims.named();
        let (_, claim) = claims.into_iter().find(|(claim, _)| claim == name).unwrap();
        same(claim.because.contains(part), format!("{name} because {}", claim.because));
    }
    // Neither a failed nor an unknown claim certifies anything.
    let stands = case.expected.iter().all(|(_, result)| *result == NotApplicable);
    let certified = stands && case.expected != NONE;
    same(certificate.independence_certified() == certified, format!("certified: {certified}"));
    mistakes
}

#[test]
fn every_case_flips_exactly_its_claims() {
    let mistakes: Vec<String> =
        TABLE.iter().flat_map(|case| mistakes(certify_orchestration, case)).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Checks, as case 21, that the table of cases notices a certifier that does nothing.
#[test]
fn a_certifier_that_passes_everything_turns_the_table_red() {
    fn everything_passes(_: &OrchestrationEvidence, _: &Kinship) -> OrchestrationCertificate {
        let pass = || Claim::new(ClaimResult::Pass, "true");
        let claims = OrchestrationClaims {
            verifier_plan_blind: pass(),
            verifier_history_blind: pass(),
            verifier_worker_distinct: pass(),
            plan_leak: pass(),
        };
        OrchestrationCertificate::of(claims, Vec::new())
    }
    for case in TABLE.iter() {
        let is_red = !mistakes(everything_passes, case).is_empty();
        let has_something_to_find =
            !case.expected.is_empty() || !case.because.is_empty() || case.warnings > 0;
        assert_eq!(is_red, has_something_to_find, "case {}: {}", case.number, case.about);
    }
}

#[test]
fn every_case_of_the_design_has_a_row() {
    let numbers: std::collections::BTreeSet<u32> = TABLE.iter().map(|case| case.number).collect();
    // 19 is about receipts, 21 and 22 are tests of their own.
    for number in 16..=18 {
        assert!(numbers.contains(&number), "case {number} has no row");
    }
}

#[test]
fn a_certificate_has_the_shape_of_the_contract() {
    let certificate = json!(certify_orchestration(&replanned().evidence(), &kinship()));
    let keys = |value: &serde_json::Value| {
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&certificate), "claims not_proven warnings");
    assert_eq!(
        keys(&certificate["claims"]),
        "verifier_plan_blind verifier_history_blind verifier_worker_distinct plan_leak"
    );
    for claim in certificate["claims"].as_object().unwrap().values() {
        assert_eq!(keys(claim), "result because");
    }
    assert_eq!(certificate["not_proven"], json!(ORCHESTRATION_NOT_PROVEN));
}

#[test]
fn evidence_is_read_strictly() {
    let evidence = replanned().evidence();
    let written = json!(evidence);
    let read = |value| serde_json::from_value::<OrchestrationEvidence>(value);
    assert_eq!(read(written.clone()).unwrap(), evidence);
    assert_eq!(written["steps"][2]["judged"]["ask"], "plain");
    for place in ["", "/steps/0", "/steps/2/judged"] {
        let mut more = written.clone();
        more.pointer_mut(place).unwrap()["more"] = 1.into();
        assert!(read(more).is_err(), "{place}");
    }
}
