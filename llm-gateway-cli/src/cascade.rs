//! Shows the answer of a cascade to a person, with the model that gave it and what it cost.

use std::io;

use llm_gateway_core::CascadeAnswer;

use crate::budget;
use crate::layout::{harmless, path_name};
use crate::render::price;
use crate::terminal::{FAINT, Terminal};

/// Writes a cascade's answer to stdout, and a line about its origin to stderr.
pub(crate) fn show(cascade: &CascadeAnswer, terminal: &mut Terminal) -> io::Result<()> {
    terminal.answer(&cascade.text())?;
    terminal.note(&format!("{FAINT}{}{FAINT:#}", summary(cascade)))
}

fn summary(cascade: &CascadeAnswer) -> String {
    let (target, because) = (&cascade.answer.target, &cascade.because);
    let because = harmless(because);
    let who = match cascade.escalated() {
        None => format!("{target} for the gate: {because}"),
        Some(_) => format!("{target}, escalated: {because}"),
    };
    let cost = price(cascade.total_cost());
    let left = budget::left(cascade.answer.budget.as_ref());
    let path = cascade.gate.receipt_path.as_ref();
    let receipt = path.map(|path| format!("\nreceipt in {}", path_name(path)));
    let seconds = cascade.latency.as_secs_f64();
    format!("{who} · {cost}{left} · {seconds:.1} s{}", receipt.unwrap_or_default())
}
