//! Shows the outcome of an orchestration to a person: the artifact on stdout, and on stderr whether
//! to believe it.

use std::io;

use anstyle::Style;
use llm_gateway_core::certificate::ClaimResult;
use llm_gateway_core::model::StepRole;
use llm_gateway_core::outcome::{ChecklistItem, Decision, Ending, Met, Verdict};
use llm_gateway_core::{Envelope, Failure, OrchestrationOutcome, Reply};

use crate::budget;
use crate::layout::{HANG, harmless};
use crate::render::{begun_by, price, tried};
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Terminal};

/// The largest number of characters that is shown of a reason, a requirement or a quote. `--json`
/// shows all of it.
const LONGEST_LINE: usize = 300;

pub(super) fn outcome(outcome: &Result<Reply, Failure>, terminal: &mut Terminal) -> io::Result<()> {
    match outcome {
        Ok(Reply::Orchestration(done)) => {
            terminal.answer(&done.text())?;
            show_verdict(done, terminal)?;
            show_summary(done, terminal)
        }
        Ok(reply) => terminal.answer(&reply.text()),
        Err(failure) => {
            // What was paid for is shown even if stderr cannot be written.
            let told = terminal.failure(&Envelope::from(failure));
            told.and(match failure.orchestration() {
                Some(done) => show_partial(done, terminal),
                None => budget::after_failure(failure, terminal),
            })
        }
    }
}

/// Shows the completed steps of an orchestration that failed midway.
fn show_partial(done: &OrchestrationOutcome, terminal: &mut Terminal) -> io::Result<()> {
    let attempts = done.steps.last().map(|step| step.attempts()).unwrap_or_default();
    let told = attempts.iter().try_for_each(|attempt| {
        terminal.note(&format!("{FAINT}tried  {}{FAINT:#}", tried(attempt)))
    });
    match (done.artifact(), done.plan()) {
        (Some(artifact), _) => {
            terminal.answer(artifact)?;
            show_verdict(done, terminal)?;
        }
        (None, Some(plan)) => {
            let plan = harmless(plan);
            terminal.note(&format!("{STRONG}what was planned before that{STRONG:#}\n{plan}"))?;
        }
        (None, None) => {}
    }
    if let Some(partial) = done.partial() {
        let (heading, text) = (begun_by(partial), harmless(&partial.text));
        terminal.note(&format!("{STRONG}{heading}{STRONG:#}\n{text}"))?;
    }
    told?;
    show_summary(done, terminal)
}

/// Shows whether an orchestration's artifact was accepted, why not, and what the verifier saw.
fn show_verdict(done: &OrchestrationOutcome, terminal: &mut Terminal) -> io::Result<()> {
    let (style, word, why) = verdict_line(done);
    terminal.note(&format!("{style}{word}{style:#}{}", harmless(&why)))?;
    let Some(verdict) = done.verdict() else { return Ok(()) };
    for reason in &verdict.reasons {
        terminal.note(&format!("   {style}-{style:#} {HANG}{}", one_line(reason)))?;
    }
    for item in &verdict.checklist {
        terminal.note(&checklist_line(item))?;
    }
    if verdict.injection_suspected {
        terminal.note(&format!(
            "{DOUBTFUL}careful:{DOUBTFUL:#} the artifact holds what looks like a verdict, or like \
             the lines around it"
        ))?;
    }
    show_independence(done, terminal)
}

fn verdict_line(done: &OrchestrationOutcome) -> (Style, &'static str, String) {
    let judge = done.steps.iter().rfind(|step| step.role == StepRole::Verifier);
    let judge = judge.map(|step| step.target.to_string()).unwrap_or_default();
    match (&done.ending, done.verdict()) {
        (Ending::Unverified, _) => {
            let failure = done.steps.last().and_then(|step| step.result.as_ref().err());
            let why = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
            (DOUBTFUL, "unverified", format!(", {judge} could not be had{why}"))
        }
        (Ending::Failed { .. }, None) => {
            (DOUBTFUL, "unverified", format!(", {judge} had not judged it"))
        }
        (_, None) => {
            (DOUBTFUL, "not verified", format!(": depth {} asks for no verdict", done.depth))
        }
        (_, Some(Verdict { accepted: true, .. })) => (GOOD, "accepted", format!(" by {judge}")),
        (_, Some(Verdict { decision: Decision::CannotJudge, .. })) => {
            (BAD, "not accepted", format!(", {judge} could not judge it"))
        }
        (_, Some(_)) => (BAD, "refused", format!(" by {judge}")),
    }
}

/// Returns a line about a requirement: whether it is met, and the words of the artifact that show
/// it.
fn checklist_line(item: &ChecklistItem) -> String {
    let (style, word) = match item.met {
        Met::Yes => (GOOD, "yes"),
        Met::No => (BAD, "no"),
        _ => (DOUBTFUL, "unclear"),
    };
    let quote = match one_line(&item.evidence_quote) {
        quote if quote.is_empty() => String::new(),
        quote => format!(" {FAINT}\"{quote}\"{FAINT:#}"),
    };
    format!("   {style}{word:<7}{style:#} {HANG}{}{quote}", one_line(&item.requirement))
}

/// Shows what the verifier saw, and every claim of the orchestration's certificate that does not
/// hold.
fn show_independence(done: &OrchestrationOutcome, terminal: &mut Terminal) -> io::Result<()> {
    let claims = done.certificate().claims.named();
    let (style, certified) = match done.independence_certified() {
        true => (GOOD, "certified"),
        false => (BAD, "not certified"),
    };
    let blind = match done.is_verifier_blind_to_plan() {
        Some(true) => "and nothing of a plan",
        Some(false) => "and the plan",
        None => "and nobody knows whether a plan",
    };
    let seen = done.verifier_sees.join(" and ");
    terminal.note(&format!(
        "the verifier saw {seen}, {blind}; independence {style}{certified}{style:#}"
    ))?;
    for (name, claim) in claims {
        let style = match claim.result {
            ClaimResult::Fail => BAD,
            ClaimResult::Unknown => DOUBTFUL,
            _ => continue,
        };
        let because = harmless(&claim.because);
        terminal.note(&format!("   {style}{}{style:#} {name}: {because}", claim.result))?;
    }
    Ok(())
}

/// Shows why earlier rounds were refused, and the depth, cost and duration of the orchestration.
fn show_summary(done: &OrchestrationOutcome, terminal: &mut Terminal) -> io::Result<()> {
    for (number, round) in done.other_rounds() {
        if let Some(verdict) = &round.verdict {
            let reasons: Vec<_> = verdict.reasons.iter().map(|reason| one_line(reason)).collect();
            let why = reasons.join("; ");
            terminal.note(&format!("{FAINT}round {number} was refused: {why}{FAINT:#}"))?;
        }
    }
    let (cost, left) = (price(done.total_cost()), budget::left(done.budget.as_ref()));
    let (depth, calls, rounds) = (&done.depth, done.steps.len(), done.rounds.len());
    let seconds = done.latency.as_secs_f64();
    let noun =
        |number, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let (calls, rounds) = (noun(calls, "call"), noun(rounds, "round"));
    let line = format!("depth {depth} · {calls} in {rounds} · {cost}{left} · {seconds:.1} s");
    terminal.note(&format!("{FAINT}{line}{FAINT:#}"))?;
    budget::warn(done.budget.as_ref(), terminal)
}

/// Returns the text of a model as one short, harmless line.
fn one_line(text: &str) -> String {
    let line = harmless(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => [line.get(..end).unwrap_or_default(), "…"].concat(),
        None => line,
    }
}
