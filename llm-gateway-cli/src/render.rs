//! Writes values of the gateway as lines and tables for people.

use llm_gateway_core::certificate::{Certificate, ClaimResult};
use llm_gateway_core::describe::{
    Description, KeyState, OrchestrationDescription, TaskClassDescription,
};
use llm_gateway_core::ledger::{CapLeft, PeriodSpend, Scope, SpentRow};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::outcome::{Attempt, PartialText};
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::spend::{SpendReport, SpendState};

use crate::layout::{Cell, Table, harmless, name};
use crate::terminal::{BAD, DOUBTFUL, GOOD};

/// Returns an amount in dollars for people, or words that say that the price is unknown.
pub(crate) fn price(amount: Option<NanoUsd>) -> String {
    amount.map_or_else(|| "price unknown".to_owned(), |amount| amount.to_string())
}

/// Returns an attempt in one line: its target, its outcome, and how long it took. A target that was
/// refused before anything was sent took no time.
pub(crate) fn tried(attempt: &Attempt) -> String {
    let (target, outcome) = (&attempt.target, attempt.outcome.as_str());
    let (took, waited) = (attempt.latency.as_secs_f64(), attempt.waited.as_secs_f64());
    match (attempt.was_asked(), waited < 0.05) {
        (true, true) => format!("{target}: {outcome} after {took:.1} s"),
        (true, false) => {
            format!("{target}: {outcome} after {took:.1} s, and {waited:.1} s of waiting")
        }
        (false, true) => format!("{target}: not asked, {outcome}"),
        (false, false) => format!("{target}: not asked, {outcome} after {waited:.1} s of waiting"),
    }
}

/// Returns the line above a text that is the beginning of an answer, and no answer.
pub(crate) fn begun_by(partial: &PartialText) -> String {
    format!("what {} had written by then:", partial.target)
}

/// Returns the base URLs, proxies and certificates that variables name, a line each; none where
/// they name none.
pub(crate) fn network(description: &Description) -> Vec<String> {
    let proxy = description.proxy.iter().map(|proxy| format!("proxy: {proxy}"));
    let certificates = description.certificates.iter().map(|it| format!("certificates: {it}"));
    let base_urls = description.providers.iter().filter_map(|provider| {
        let (name, url) = (&provider.name, &provider.base_url);
        Some(format!("base URL of {name}: {url} ({})", provider.base_url_from.variable()?))
    });
    base_urls.chain(proxy).chain(certificates).map(|line| harmless(&line)).collect()
}

/// Returns a table of task classes: name, kind, targets, and whether each can run.
pub(crate) fn task_classes(classes: &[TaskClassDescription], width: usize) -> String {
    let mut table = Table::new(&["task class", "answered by", "can run"]);
    for class in classes {
        let targets: Vec<String> = class.targets.iter().map(ToString::to_string).collect();
        let targets = match class.kind {
            RouteKind::Single => targets.join("\nelse "),
            RouteKind::Cascade => match targets.split_last() {
                Some((strong, gate)) => format!("{}\nelse {strong}", gate.join("\nand ")),
                None => String::new(),
            },
            _ => targets.join("\nand "),
        };
        let state = match &class.unavailable_because {
            None => Cell::new("yes").styled(GOOD),
            Some(why) => Cell::new(format!("no: {why}")).styled(DOUBTFUL),
        };
        let name = Cell::new(format!("{}\n({})", class.name, class.kind.as_str()));
        table.row([name, Cell::new(targets), state]);
    }
    table.shown(width)
}

/// Returns a table of depths: the model of each step, and whether each depth can run.
pub(crate) fn depths(orchestration: &OrchestrationDescription, width: usize) -> String {
    let mut table = Table::new(&["orchestrate", "steps", "can run"]);
    for depth in &orchestration.depths {
        let steps = depth.steps.iter().zip(&depth.roles).map(|(step, role)| {
            match orchestration.roles.role(*role) {
                Some(who) => format!("{step}: {}/{}", who.provider, who.model),
                None => step.clone(),
            }
        });
        let again =
            (depth.max_replans > 0).then(|| format!("re-plans: at most {}", depth.max_replans));
        let steps: Vec<String> = steps.chain(again).collect();
        let state = match (&depth.unavailable_because, &depth.unverified_because) {
            (Some(why), _) => Cell::new(format!("no: {why}")).styled(DOUBTFUL),
            (None, Some(why)) => Cell::new(format!("unverified: {why}")).styled(DOUBTFUL),
            (None, None) => Cell::new("yes").styled(GOOD),
        };
        table.row([Cell::new(&depth.name), Cell::new(steps.join("\n")), state]);
    }
    table.shown(width)
}

/// Returns a table of providers: name, wire format, key and base URL. Offline, keys do not matter.
pub(crate) fn providers(description: &Description, width: usize) -> String {
    let header = ["provider", "speaks", "key", "base URL"];
    let is_shown = |header: &&str| !(description.offline && *header == "key");
    let mut table = Table::new(&header.into_iter().filter(is_shown).collect::<Vec<_>>());
    for provider in &description.providers {
        let variable = provider.key_variable.as_deref().unwrap_or_default();
        let key = match provider.key {
            KeyState::Set => Cell::new(format!("{variable} is set")).styled(GOOD),
            KeyState::Missing => Cell::new(format!("{variable} is missing")).styled(DOUBTFUL),
            _ => Cell::new("not needed"),
        };
        let (provider_name, kind) = (Cell::new(&provider.name), Cell::new(provider.kind.as_str()));
        let url = Cell::new(name(&provider.base_url));
        match description.offline {
            true => table.row([provider_name, kind, url]),
            false => table.row([provider_name, kind, key, url]),
        }
    }
    table.shown(width)
}

/// Returns a table of the claims of a certificate: name, result and reason.
pub(crate) fn claims(certificate: &Certificate, width: usize) -> String {
    let mut table = Table::new(&["claim", "result", "because"]);
    for (name, claim) in certificate.claims.named() {
        let result = Cell::new(claim.result.to_string().replace('_', " "));
        let result = match claim.result {
            ClaimResult::Pass => result.styled(GOOD),
            ClaimResult::Fail => result.styled(BAD),
            ClaimResult::Unknown => result.styled(DOUBTFUL),
            _ => result,
        };
        table.row([Cell::new(name), result, Cell::new(harmless(&claim.because))]);
    }
    table.shown(width)
}

/// Returns a table of spending, one row for each provider, model or task class.
pub(crate) fn spent_rows(report: &SpendReport, width: usize) -> String {
    let mut table = Table::new(&[&report.by.as_str().replace('_', " "), "calls", "cost"]);
    for row in &report.spent.rows {
        table.row([Cell::new(harmless(&row.key)), Cell::new(calls(row)), money(row.cost)]);
    }
    table.shown(width)
}

/// Returns the number of calls in a row of spending, and how many of them have no exact cost.
fn calls(row: &SpentRow) -> String {
    let doubtful = [(row.estimated, "estimated"), (row.unknown, "without a price")];
    let doubtful = doubtful.iter().filter(|(count, _)| *count > 0);
    let doubtful: Vec<_> = doubtful.map(|(count, what)| format!("{count} {what}")).collect();
    match doubtful.is_empty() {
        true => row.calls.to_string(),
        false => format!("{} ({})", row.calls, doubtful.join(", ")),
    }
}

/// Returns a table of a month's totals: settled, held and unsettled money.
pub(crate) fn spent_totals(spent: &PeriodSpend, width: usize) -> String {
    let mut table = Table::new(&["together", "amount", "what it is"]);
    let unsettled = match spent.unsettled {
        NanoUsd::ZERO => money(NanoUsd::ZERO),
        amount => money(amount).styled(DOUBTFUL),
    };
    for (name, amount, meaning) in [
        ("settled", money(spent.settled), "the sum of the calls above"),
        ("held", money(spent.held), "set aside for calls under way"),
        ("unsettled", unsettled, "held by processes that died"),
    ] {
        table.row([Cell::new(name), amount, Cell::new(meaning)]);
    }
    table.shown(width)
}

/// Returns a table of caps and what is left of each.
pub(crate) fn caps(caps: &[CapLeft], width: usize) -> String {
    let mut table = Table::new(&["cap on", "per", "cap", "left"]);
    for CapLeft { cap, left, .. } in caps {
        let color = if *left == NanoUsd::ZERO { BAD } else { GOOD };
        table.row([
            Cell::new(scope_name(&cap.scope)),
            Cell::new(cap.per.as_str()),
            money(cap.limit),
            money(*left).styled(color),
        ]);
    }
    table.shown(width)
}

/// Returns the current month's spending in a line, followed by a line for each cap.
pub(crate) fn spend_state(state: &SpendState) -> String {
    match state {
        SpendState::Known(report) => {
            let spent = format!("{} spent in {}", report.spent.settled, report.spent.period);
            spent + &caps_left(&report.caps)
        }
        SpendState::Unknown { error, hint, caps, .. } => {
            let hint = hint.iter().map(|hint| format!("; {hint}")).collect::<String>();
            harmless(&format!("what is spent is unknown: {error}{hint}")) + &caps_left(caps)
        }
        SpendState::Off { caps, .. } => NOT_COUNTED.to_owned() + &caps_left(caps),
        _ => NOT_COUNTED.to_owned(),
    }
}

/// The line of a gateway without a ledger.
const NOT_COUNTED: &str = "what is spent is not counted: set LLM_GATEWAY_LEDGER=1, or a cap";

/// Returns a line for each cap, which begins with a line break.
fn caps_left(caps: &[CapLeft]) -> String {
    let line = |CapLeft { cap, left, .. }: &CapLeft| {
        let (limit, scope, per) = (cap.limit, scope_name(&cap.scope), cap.per.as_str());
        format!("\n{left} left of {limit} for {scope} per {per}")
    };
    caps.iter().map(line).collect()
}

fn scope_name(scope: &Scope) -> String {
    match scope {
        Scope::Provider(name) => name.to_string(),
        Scope::Class(name) => format!("task class {name}"),
        _ => "everything".to_owned(),
    }
}

fn money(amount: NanoUsd) -> Cell {
    Cell::new(amount).number()
}
