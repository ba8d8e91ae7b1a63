//! Checks, as case 18, artifacts that pass on what an earlier verdict said was wrong.

use serde_json::{Value, json};

use super::cases::{Case, HISTORY, case};
use super::run::{ARTIFACTS, CRITIQUE, Round, Run, TASK, replanned};
use crate::certificate::ClaimResult::{Fail, Pass};
use crate::certificate::tests::panel::kinship;
use crate::certificate::{ClaimResult, OrchestrationEvidence, certify_orchestration};

/// A fault that a verifier names, in 28 words.
const FAULT: &str = "quokka the crane is missing from the first line, and the second line has nine \
                     syllables where seven are allowed, so rewrite both of them before anything \
                     else";

/// Returns the evidence of an orchestration whose first artifact gets this verdict, and whose
/// second artifact is accepted.
fn revised(verdict: &str, artifact: &str) -> OrchestrationEvidence {
    revision(verdict, artifact).evidence()
}

fn revision(verdict: &str, artifact: &str) -> Run {
    let mut run = replanned();
    run.rounds[0].verdicts = vec![verdict.to_owned()];
    run.rounds[1].artifact = artifact.to_owned();
    run
}

/// Returns an artifact that ends with a text.
fn ending(text: &str) -> String {
    format!("{}\n\nChanged, as the reviewer had said: {text}", ARTIFACTS[1])
}

fn fault(what: &str, fix: &str) -> Value {
    json!({"what": what, "where": "line 1", "fix": fix})
}

/// Returns a structured refusal with these faults.
fn refusal(blocking: &[Value], requirement: &str, quote: &str) -> String {
    let item = json!({"requirement": requirement, "evidence_quote": quote, "met": "no"});
    json!({"checklist": [item], "blocking": blocking, "verdict": "REVISE", "nonce": "0"})
        .to_string()
}

pub(super) fn repeated() -> Vec<Case> {
    let plain = format!("REVISE: {FAULT}");
    let fails = |about: &str, evidence| case(18, about, evidence).fails(HISTORY);
    let passes = |about: &str, evidence| case(18, about, evidence);
    let both = [fault("a short one", ""), fault(FAULT, "write it anew")];
    let three_rounds = |artifact: &str| {
        let mut run = revision(&plain, ARTIFACTS[1]);
        run.rounds[1].verdicts = vec!["REVISE: not yet".to_owned()];
        let (plan, verdicts) = (run.rounds[1].plan.clone(), vec!["ACCEPT".to_owned()]);
        run.rounds.push(Round { plan, artifact: artifact.to_owned(), verdicts });
        run.evidence()
    };
    let words =
        |text: &str, count: usize| text.split(' ').take(count).collect::<Vec<_>>().join(" ");
    vec![
        fails("the reason in the artifact", revised(&plain, &ending(FAULT))).because(&[(
            "verifier_history_blind",
            "round 2: the artifact repeats 21 of the step 3 verdict's 21 runs of 8 words (100 %)",
        )]),
        fails("the critique alone", revised(CRITIQUE, CRITIQUE)),
        fails("a fault of a structured verdict", {
            revised(&refusal(&both, "has a crane", "a name"), &ending(FAULT))
        }),
        fails("a requirement that is not met, where no fault is named", {
            revised(&refusal(&[], FAULT, "a name"), &ending(FAULT))
        }),
        fails("a reply that was no verdict", {
            let mut run = revision(FAULT, &ending(FAULT));
            run.rounds[0].verdicts.push("REVISE: too long".to_owned());
            run.evidence()
        }),
        fails("the first reason in the third artifact", three_rounds(&ending(FAULT))),
        fails("half of a short reason", {
            revised(
                "REVISE: one two three four five six seven eight nine ten",
                &ending("one two three four five six seven eight nine"),
            )
        }),
        fails("short reasons, one after the other", {
            revised(
                "REVISE:\n- no title here\n- nine syllables are two more\n- the crane is late",
                &ending("no title here, nine syllables are two more, the crane is late"),
            )
        }),
        fails("a reason in quotes as a whole", {
            revised(&format!("REVISE: \"{FAULT}\""), &ending(FAULT))
        }),
        passes("a new artifact", revised(&plain, ARTIFACTS[1])),
        passes("seven words of the reason", revised(&plain, &ending(&words(FAULT, 7)))),
        passes("a reason of seven words", {
            let short = "the crane is missing from line one";
            revised(&format!("REVISE: {short}"), &ending(short))
        }),
        passes("what is to be written", {
            let fix = fault("the second line is too long", FAULT);
            revised(&refusal(&[fix], "has a crane", "a name"), &ending(FAULT))
        }),
        passes("a quote in a fault", {
            let what = format!("line two should read \"{FAULT}\"");
            revised(&refusal(&[fault(&what, "")], "has a crane", "a name"), &ending(FAULT))
        }),
        passes("lines in a fence", {
            revised(&format!("REVISE: put this in its place:\n```\n{FAULT}\n```"), &ending(FAULT))
        }),
        passes("what the task says", {
            revised(&format!("REVISE: not met: {TASK}"), &ending(&TASK[..80]))
        }),
        passes("what the earlier artifact says", {
            revised(&format!("REVISE: too vague is {}", ARTIFACTS[0]), ARTIFACTS[0])
        }),
        passes("one number changed", {
            let number = "the login-timeout example is from 2023, and last month was asked for";
            let revision = ARTIFACTS[0].replace("a year", "2 years");
            revised(&format!("REVISE: {number}"), &revision)
        })
        .because(&[(
            "verifier_history_blind",
            "; round 2: the artifact repeats 17 of the 26 runs of 8 words of the one before it \
             (65 %), as a revision may",
        )]),
        passes("the same artifact again", revised(&plain, ARTIFACTS[0]))
            .because(&[("verifier_history_blind", "(100 %), as a revision may")]),
    ]
}

/// Returns the result of the claim that verifiers were blind to the past.
fn history(evidence: &OrchestrationEvidence) -> (ClaimResult, String) {
    let claim = certify_orchestration(evidence, &kinship()).claims.verifier_history_blind;
    (claim.result, claim.because)
}

#[test]
fn a_reason_is_seen_however_the_artifact_writes_it() {
    let every = |mark: &str| {
        FAULT.split("").collect::<Vec<_>>().join(mark).replace(&format!(" {mark}"), " ")
    };
    for text in [
        every("\u{ad}"),
        every("\u{200b}"),
        every("\u{336}"),
        every("&shy;"),
        every("<b></b>"),
        FAULT.to_uppercase().replace(' ', "\n> "),
        FAULT.replace(' ', "<br>"),
        FAULT.replace('a', "&#97;").replace('e', "е"),
        format!("<!-- {FAULT} -->"),
    ] {
        let (result, because) = history(&revised(&format!("REVISE: {FAULT}"), &ending(&text)));
        assert_eq!(result, Fail, "{because}\n{text}");
    }
}

/// Checks that work which is revised as the verifier asks keeps its certificate, whatever kind of
/// work it is.
#[test]
fn an_honest_revision_keeps_its_certificate() {
    let code = "fn mean(values: &[f64]) -> f64 {\n    let sum: f64 = values.iter().sum();\n    \
                sum / values.len() as f64\n}\n";
    let prose = "The harbour opened in 1847 and has handled two million containers a year since \
                 the new cranes arrived. Its pilots still come from four families of the old town.";
    for (artifact, revised, verdict) in [
        (prose, prose.replace("1847", "1874"), "REVISE: the harbour opened in 1874, not in 1847"),
        (
            prose,
            prose.replace("two", "three"),
            "REVISE:\n1. two million is last year's figure; it is three now",
        ),
        (
            code,
            code.replace(
                "    sum /",
                "    if values.is_empty() {\n        return 0.0;\n    }\n    sum /",
            ),
            "REVISE: an empty slice gives NaN because the sum is divided by a length of zero",
        ),
        (
            code,
            code.replace("mean", "average"),
            "REVISE: the function is called `mean`, and the task calls it average",
        ),
        (
            prose,
            format!("{prose}\nSources: harbour office, 2024."),
            "REVISE: the text gives no source for any of its figures",
        ),
        (
            prose,
            format!("Our harbour\n\n{prose}"),
            "REVISE: there is no title above the text, and the task asks for a short one",
        ),
    ] {
        let mut run = revision(verdict, &revised);
        run.rounds[0].artifact = artifact.to_owned();
        let certificate = certify_orchestration(&run.evidence(), &kinship());
        let claim = &certificate.claims.verifier_history_blind;
        assert_eq!(claim.result, Pass, "{}", claim.because);
        assert!(certificate.independence_certified());
    }
}
