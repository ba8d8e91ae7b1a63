//! Shows the outcome of a panel to a person.
//!
//! stdout gets, from the decision to its reasons: how far the members agree and whether that is
//! certified, with dissent first; the answer of each member; the claims of the certificate. stderr
//! gets the cost and the receipt, as for a single answer.

use std::io;

use llm_gateway_core::{Answer, Envelope, Failure, PanelAnswer};
use serde_json::json;

use crate::glance::{Glance, Group};
use crate::layout::{HANG, harmless, path_name};
use crate::render::{begun_by, price, tried};
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Terminal};
use crate::{budget, render};

/// Shows the outcome of a panel, whether it was accepted as an answer or refused.
pub(crate) fn show(panel: &PanelAnswer, terminal: &mut Terminal) -> io::Result<()> {
    let Glance { headline, style, groups } = Glance::of(&json!(Envelope::from(panel)));
    terminal.line(&format!("{style}{headline}{style:#}"))?;
    for Group { name, text, style } in groups {
        terminal.line(&format!("   {style}{name:<9}{style:#} {HANG}{text}"))?;
    }
    for ((target, member), position) in panel.targets.iter().zip(&panel.members).zip(1..) {
        terminal.line(&format!("\n{STRONG}{position}. {target}{STRONG:#}"))?;
        match member {
            Ok(answer) => show_answer(answer, terminal)?,
            Err(failure) => show_failure(failure, terminal)?,
        }
    }
    show_certificate(panel, terminal)?;
    terminal.note(&format!("{FAINT}{}{FAINT:#}", summary(panel)))
}

fn show_answer(answer: &Answer, terminal: &mut Terminal) -> io::Result<()> {
    if let Some(model) = &answer.completion.model
        && model != answer.target.model.as_str()
    {
        let told = harmless(&format!("answered as {model}"));
        terminal.line(&format!("{DOUBTFUL}{told}{DOUBTFUL:#}"))?;
    }
    terminal.answer(&answer.text())
}

fn show_failure(failure: &Failure, terminal: &mut Terminal) -> io::Result<()> {
    terminal.line(&format!("{BAD}no answer:{BAD:#} {}", harmless(&failure.to_string())))?;
    for attempt in failure.attempts() {
        terminal.line(&format!("{FAINT}tried  {}{FAINT:#}", tried(attempt)))?;
    }
    let Some(partial) = failure.partial() else { return Ok(()) };
    terminal.line(&format!("{DOUBTFUL}{}{DOUBTFUL:#}", begun_by(partial)))?;
    terminal.answer(&partial.text)
}

/// Shows the claims of a panel's certificate, the level that they reach, and what they do not
/// prove.
fn show_certificate(panel: &PanelAnswer, terminal: &mut Terminal) -> io::Result<()> {
    let certificate = panel.certificate();
    terminal.laid_out(&format!("\n{}", render::claims(certificate, terminal.width())))?;
    for warning in &certificate.warnings {
        terminal.line(&format!("{DOUBTFUL}warning:{DOUBTFUL:#} {HANG}{}", harmless(warning)))?;
    }
    let (style, certified) = match panel.independence_certified() {
        true => (GOOD, "certified"),
        false => (BAD, "not certified"),
    };
    let (reached, required) = (certificate.level.as_str(), certificate.required.as_str());
    terminal.line(&format!(
        "{style}{certified}{style:#}: level {reached} reached, {required} required"
    ))?;
    // The first half of each line says what is not proven, the second half why.
    let unproven = certificate.not_proven.iter().filter_map(|it| it.split(':').next());
    let unproven = unproven.collect::<Vec<_>>().join("; ");
    terminal.line(&format!("{FAINT}not proven: {}{FAINT:#}", harmless(&unproven)))
}

/// Returns a summary of a panel: how many members answered, their cost and time, and the receipt.
fn summary(panel: &PanelAnswer) -> String {
    let (answered, asked) = (panel.answers().count(), panel.members.len());
    let cost = price(panel.total_cost());
    let above = match (panel.cap_exceeded(), panel.cost_cap) {
        (Some(true), Some(cap)) => format!(", above its cap of {cap}"),
        _ => String::new(),
    };
    let left = budget::left(panel.budget.as_ref());
    let path = panel.receipt_path.as_ref();
    let path = path.map(|path| format!(" in {}", path_name(path)));
    format!(
        "{answered} of {asked} answered · {cost}{above}{left} · {:.1} s\nreceipt {}{}",
        panel.latency.as_secs_f64(),
        panel.receipt.digest(),
        path.unwrap_or_default(),
    )
}
