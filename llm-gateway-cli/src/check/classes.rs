//! Shows a line for each task class and each depth: what it is, who answers first, and whether it
//! can run.

use llm_gateway_core::describe::{DepthDescription, Description, TaskClassDescription};
use llm_gateway_core::policy::RouteKind;

use crate::layout::{Cell, Table, harmless};
use crate::terminal::{BAD, DOUBTFUL, GOOD};

/// Returns a table of task classes and depths. A missing key is not named here: it may be the same
/// for many of them, and has been named before.
pub(super) fn table(description: &Description, width: usize) -> String {
    let mut table = Table::new(&["task class", "runs", "kind", "answered by"]);
    let is_off = description.switches.disabled;
    for class in &description.task_classes {
        let (name, kind) = (Cell::new(&class.name), Cell::new(class.kind.as_str()));
        let runs = runs(class.available, class.lacks_keys, is_off);
        table.row([name, runs, kind, Cell::new(answered_by(class, is_off))]);
    }
    for depth in description.orchestration.iter().flat_map(|it| &it.depths) {
        let name = Cell::new(format!("orchestrate {}", depth.name));
        let runs = runs(depth.available, !is_off, is_off);
        table.row([name, runs, Cell::new("steps"), Cell::new(steps(depth))]);
    }
    table.shown(width)
}

/// Returns whether something can run, and in a word why not.
fn runs(is_available: bool, lacks_keys: bool, is_off: bool) -> Cell {
    match (is_available, is_off, lacks_keys) {
        (true, ..) => Cell::new("yes").styled(GOOD),
        (_, true, _) => Cell::new("off").styled(BAD),
        (.., true) => Cell::new("no key").styled(DOUBTFUL),
        _ => Cell::new("no").styled(BAD),
    }
}

/// Returns who answers: the first model, or all that are asked together. A reason that no word
/// tells comes behind it.
fn answered_by(class: &TaskClassDescription, is_off: bool) -> String {
    let targets: Vec<String> = class.targets.iter().map(ToString::to_string).collect();
    let who = match (class.kind, targets.as_slice()) {
        (RouteKind::Single, [only]) => only.clone(),
        (RouteKind::Single, [first, others @ ..]) => format!("{first}, else {} more", others.len()),
        (RouteKind::Cascade, [gate @ .., strong]) => {
            format!("{}, else {strong}", gate.join(" and "))
        }
        _ => targets.join(" and "),
    };
    let is_told = class.lacks_keys || is_off;
    match class.unavailable_because.as_deref().filter(|_| !is_told) {
        Some(why) => format!("{who}\n{}", harmless(why)),
        None => who,
    }
}

/// Returns the steps of a depth.
fn steps(depth: &DepthDescription) -> String {
    let again = match depth.max_replans {
        0 => String::new(),
        1 => "; at most 1 re-plan".to_owned(),
        most => format!("; at most {most} re-plans"),
    };
    let unverified = depth.unverified_because.as_ref().filter(|_| depth.available);
    let unverified =
        unverified.map(|_| "; unverified, because a key is missing").unwrap_or_default();
    format!("{}{again}{unverified}", depth.steps.join(", "))
}
