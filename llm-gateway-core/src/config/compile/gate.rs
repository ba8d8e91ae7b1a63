//! Checks whether the gate of a cascade can be certified, by the declared data, and whether the
//! strong model is another than those of the gate.
//!
//! A gate whose models are not known to be distinct always escalates, so it is paid for in vain. So
//! is a strong model that has already answered in the gate.

use std::collections::BTreeSet;

use crate::config::node::PathStep;
use crate::model::Target;

use super::RouteCompiler;
use super::kinship::Shared;

impl RouteCompiler<'_, '_, '_> {
    /// Warns of a gate that is never certified. A model that it lists twice is reported by
    /// `warn_of_repeated_members`.
    pub(super) fn warn_of_uncertifiable_gate(
        &mut self,
        name: &str,
        gate: &[Target],
        path: &[PathStep<'_>],
    ) {
        let so = format!("so the gate of `{name}` is never certified and always escalates");
        let place = self.compilation.root.key_place_of(path);
        let pairs = gate.iter().enumerate().flat_map(|(position, a)| {
            gate.iter().skip(position + 1).filter(move |b| *b != a).map(move |b| (a, b))
        });
        for (a, b) in pairs {
            if matches!(self.shared(a, b), Some(Shared::Model)) {
                self.problems.warning(
                    place,
                    format!("{a} and {b} are one model, {so}"),
                    "name another model, best of another developer",
                );
                return;
            }
        }
        let members = gate.iter().collect::<BTreeSet<_>>().into_iter();
        let unknown = members.filter(|target| !self.has_declared_origin(target));
        let unknown: Vec<&Target> = unknown.collect();
        if !unknown.is_empty() {
            self.problems.warning(
                place,
                format!("neither developer nor lineage is declared of {}, {so}", joined(&unknown)),
                format!("add `developer` and `lineage` to {}", rows(&unknown)),
            );
        }
    }

    /// Warns of a strong model that the gate already asks, by the same name or by another.
    pub(super) fn warn_of_repeated_strong_model(
        &mut self,
        name: &str,
        gate: &[Target],
        otherwise: &Target,
        path: &[PathStep<'_>],
    ) {
        let is_asked = |it| matches!(self.shared(it, otherwise), Some(Shared::Model));
        if gate.iter().any(is_asked) {
            self.problems.warning(
                self.compilation.root.key_place_of(path),
                format!("`{name}` escalates to {otherwise}, which its gate has asked already"),
                "name a stronger model as `else`",
            );
        }
    }
}

/// Joins targets by "and".
fn joined(targets: &[&Target]) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Returns where in the policy the rows of `targets` belong.
fn rows(targets: &[&Target]) -> String {
    let places = targets.iter().map(|target| format!("providers.{}.models", target.provider));
    let places: Vec<_> = places.collect::<BTreeSet<_>>().into_iter().collect();
    let row = if targets.len() == 1 { "its row" } else { "their rows" };
    format!("{row} under {}", places.join(" and "))
}
