//! A panel for people: whom to believe, at a glance.
//!
//! The result goes to stdout, from what decides to what explains: how far the members agree and
//! whether that is certified, dissent first; what each said; the claims, one by one. What it
//! cost and where its receipt is goes to stderr, as for a single answer.

use std::io;

use anstyle::Style;
use llm_gateway_core::{Agreement, Answer, Cluster, Consensus, Failure, PanelAnswer};

use crate::render;
use crate::route::tried;
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Terminal, harmless};

/// Shows what a panel said, whether it is an answer or was refused as one.
pub(crate) fn show(panel: &PanelAnswer, terminal: &mut Terminal) -> io::Result<()> {
    let style = trust(panel);
    terminal.line(&format!("{style}{}{style:#}", verdict(panel)))?;
    for (line, style) in standing(panel) {
        terminal.line(&format!("   {style}{}{style:#}", harmless(&line)))?;
    }
    for (position, member) in (1..).zip(&panel.members) {
        terminal.line(&format!("\n{STRONG}{}{STRONG:#}", named(panel, position)))?;
        match member {
            Ok(answer) => said(answer, terminal)?,
            Err(failure) => unsaid(failure, terminal)?,
        }
    }
    certificate(panel, terminal)?;
    terminal.note(&format!("{FAINT}{}{FAINT:#}", summary(panel)))
}

/// How much the verdict is worth: that all agree is good news only of those that could differ.
fn trust(panel: &PanelAnswer) -> Style {
    match panel.agreement.outcome {
        _ if !panel.independence_certified() => BAD,
        Consensus::Unanimous => GOOD.bold(),
        Consensus::NoConsensus => BAD,
        _ => DOUBTFUL.bold(),
    }
}

/// How far the members agree, in one line.
fn verdict(panel: &PanelAnswer) -> String {
    let Agreement { outcome, method, clusters, n_effective, .. } = &panel.agreement;
    let answered = panel.answers().count();
    let largest = clusters.last().map_or(0, |cluster| cluster.members.len());
    let method = method.replace('_', " ");
    let agreement = match outcome {
        Consensus::Unanimous => format!("unanimous: {answered} of {answered} agree ({method})"),
        Consensus::Majority => format!("majority: {largest} of {answered} agree ({method})"),
        Consensus::NoConsensus => format!("no consensus among {answered} ({method})"),
        _ => format!("not comparable: read the {answered} answers"),
    };
    let certified = match panel.independence_certified() {
        true => "certified",
        false => "NOT CERTIFIED",
    };
    format!("{agreement} · worth {} independent votes · {certified}", n_effective.value)
}

/// Who stands where: dissent first, and who said nothing at last.
fn standing(panel: &PanelAnswer) -> Vec<(String, Style)> {
    let Agreement { outcome, clusters, .. } = &panel.agreement;
    let mut lines = Vec::new();
    for (left, cluster) in (0..clusters.len()).rev().zip(clusters) {
        let (name, style) = match (outcome, left) {
            (Consensus::Unanimous, _) => ("all", STRONG),
            (Consensus::Majority, 0) => ("majority", STRONG),
            (Consensus::Majority, _) => ("dissent", DOUBTFUL),
            _ => ("camp", STRONG),
        };
        let Cluster { members, gist, .. } = cluster;
        let members: Vec<String> = members.iter().map(|member| named(panel, *member)).collect();
        lines.push((format!("{name:<9} {}: {gist}", members.join(", ")), style));
    }
    for (position, member) in (1..).zip(&panel.members) {
        if let Err(failure) = member {
            let category = failure.category();
            lines.push((format!("{:<9} {}: {category}", "silent", named(panel, position)), BAD));
        }
    }
    lines
}

/// A member by its position and its target.
fn named(panel: &PanelAnswer, position: usize) -> String {
    match panel.targets.get(position.saturating_sub(1)) {
        Some(target) => format!("{position}. {target}"),
        None => format!("{position}."),
    }
}

fn said(answer: &Answer, terminal: &mut Terminal) -> io::Result<()> {
    if let Some(model) = &answer.completion.model
        && model != answer.target.model.as_str()
    {
        let told = harmless(&format!("answered as {model}"));
        terminal.line(&format!("{DOUBTFUL}{told}{DOUBTFUL:#}"))?;
    }
    terminal.answer(&answer.text())
}

fn unsaid(failure: &Failure, terminal: &mut Terminal) -> io::Result<()> {
    terminal.line(&format!("{BAD}no answer:{BAD:#} {}", harmless(&failure.to_string())))?;
    for attempt in failure.attempts() {
        terminal.line(&format!("{FAINT}tried  {}{FAINT:#}", tried(attempt)))?;
    }
    Ok(())
}

/// The claims, the level that they reach, and what they do not show.
fn certificate(panel: &PanelAnswer, terminal: &mut Terminal) -> io::Result<()> {
    let certificate = panel.certificate();
    terminal.line(&format!("\n{}", render::claims(certificate)))?;
    for warning in &certificate.warnings {
        terminal.line(&format!("{DOUBTFUL}warning:{DOUBTFUL:#} {}", harmless(warning)))?;
    }
    let (style, certified) = match panel.independence_certified() {
        true => (GOOD, "certified"),
        false => (BAD, "not certified"),
    };
    let (reached, required) = (certificate.level.as_str(), certificate.required.as_str());
    terminal.line(&format!(
        "{style}{certified}{style:#}: level {reached} reached, {required} required"
    ))?;
    // Their first half says what, the second why.
    let unproven = certificate.not_proven.iter().filter_map(|it| it.split(':').next());
    let unproven = unproven.collect::<Vec<_>>().join("; ");
    terminal.line(&format!("{FAINT}not proven: {}{FAINT:#}", harmless(&unproven)))
}

/// How many answered, for how much, how fast, and the receipt.
fn summary(panel: &PanelAnswer) -> String {
    let (answered, asked) = (panel.answers().count(), panel.members.len());
    let cost = match panel.total_cost() {
        Some(amount) => amount.to_string(),
        None => "price unknown".to_owned(),
    };
    let above = match (panel.cap_exceeded(), panel.cost_cap) {
        (true, Some(cap)) => format!(", above its cap of {cap}"),
        _ => String::new(),
    };
    let path = panel.receipt_path.as_ref().map(|path| format!(" in {}", path.display()));
    harmless(&format!(
        "{answered} of {asked} answered · {cost}{above} · {:.1} s\nreceipt {}{}",
        panel.latency.as_secs_f64(),
        panel.receipt.digest(),
        path.unwrap_or_default(),
    ))
}
