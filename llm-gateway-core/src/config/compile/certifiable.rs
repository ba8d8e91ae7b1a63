//! Foresees, by the declared data, whether the answers of a panel or a gate can be certified.
//!
//! The rows of the models are compared before anything is paid. A panel with too many related
//! models is never certified, whatever its members answer. A model without declared developer and
//! lineage may still be named by its answer, so a panel that asks it only gets a warning.

use std::collections::BTreeSet;

use crate::config::node::PathStep;
use crate::model::Target;
use crate::policy::{Level, Visibility};

use super::RouteCompiler;
use super::kinship::ModelRelation;

/// The largest panel of which every selection of members is tried. In a larger panel, groups of
/// related models are counted instead.
const MOST_COMPARED: usize = 16;

impl RouteCompiler<'_, '_, '_> {
    /// Warns of a panel that can never be certified, and of models without declared data. Returns
    /// why the panel can never be certified; `None` if it can.
    pub(super) fn warn_of_uncertifiable_panel(
        &mut self,
        name: &str,
        members: &[Target],
        visibility: Visibility,
        path: &[PathStep<'_>],
    ) -> Option<String> {
        let impossible = self.why_never_certified(members, visibility);
        let place = self.compilation.root.key_place_of(path);
        let distinct: BTreeSet<_> = members.iter().collect();
        match &impossible {
            // A model that is named twice has its own warning.
            Some(_) if distinct.len() < members.len() => {}
            Some(why) => self.problems.warning(
                place,
                format!("{why}, so `{name}` never reaches {}", visibility.require.as_str()),
                "name models that differ more, lower the quorum, or require less",
            ),
            None => {
                let so = format!("so `{name}` is certified only if the answers name models");
                self.warn_of_undeclared(distinct, visibility.require, &so, path);
            }
        }
        impossible
    }

    /// Warns of models with too little declared data to reach a level. `targets` are distinct, and
    /// the warnings keep their order. The answers may still name models that are known.
    pub(super) fn warn_of_undeclared<'t>(
        &mut self,
        targets: impl IntoIterator<Item = &'t Target>,
        rule: Level,
        so: &str,
        path: &[PathStep<'_>],
    ) {
        let (what, is_declared): (_, fn(&Self, &Target) -> bool) = match rule {
            Level::None | Level::ContextBlind => return,
            Level::ModelDistinct => {
                ("neither developer nor lineage is declared of", Self::has_declared_origin)
            }
            Level::VendorDistinct => ("no developer is declared of", Self::has_declared_developer),
            Level::LineageDistinct => {
                ("developer and lineage are not both declared of", Self::has_whole_origin)
            }
        };
        let is_unknown = |target: &&Target| !is_declared(self, target);
        let unknown: Vec<_> = targets.into_iter().filter(is_unknown).collect();
        if !unknown.is_empty() {
            self.problems.warning(
                self.compilation.root.key_place_of(path),
                format!("{what} {}, {so} that are known", joined(&unknown)),
                format!("add `developer` and `lineage` to {}", rows(&unknown)),
            );
        }
    }

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
        let pairs = pairs(gate).filter(|(a, b)| a != b);
        let rule = Level::ModelDistinct;
        let known = pairs.filter_map(|(a, b)| self.why_not_distinct(a, b, rule)).next();
        if let Some(why) = known {
            let hint = "name another model, best of another developer";
            self.problems.warning(place, format!("{why}, {so}"), hint);
            return;
        }
        let so = format!("so the gate of `{name}` escalates unless the answers name models");
        self.warn_of_undeclared(gate.iter().collect::<BTreeSet<_>>(), rule, &so, path);
    }

    /// Warns of a strong model that the gate already asks, by the same name or by another.
    pub(super) fn warn_of_repeated_strong_model(
        &mut self,
        name: &str,
        gate: &[Target],
        otherwise: &Target,
        path: &[PathStep<'_>],
    ) {
        let is_asked = |it| matches!(self.shared(it, otherwise), Some(ModelRelation::Model));
        if gate.iter().any(is_asked) {
            self.problems.warning(
                self.compilation.root.key_place_of(path),
                format!("`{name}` escalates to {otherwise}, which its gate has asked already"),
                "name a stronger model as `else`",
            );
        }
    }

    /// Returns why no answers of a panel can be certified: its quorum is larger than any selection
    /// of members that are distinct by the declared data. `None` if a selection is large enough.
    fn why_never_certified(&self, members: &[Target], visibility: Visibility) -> Option<String> {
        let rule = visibility.require;
        let quorum = visibility.quorum_of(members.len()).max(2);
        if rule < Level::ModelDistinct {
            return None;
        }
        let conflicts: Vec<Vec<bool>> = members
            .iter()
            .map(|a| members.iter().map(|b| self.why_not_distinct(a, b, rule).is_some()).collect())
            .collect();
        let most = match members.len() > MOST_COMPARED {
            true => groups_of_kin(&conflicts),
            false => most_without_conflict(&conflicts, 0, &mut Vec::new()),
        };
        if most >= quorum {
            return None;
        }
        pairs(members).find_map(|(a, b)| self.why_not_distinct(a, b, rule))
    }

    /// Returns why two models are not distinct at a level, by the declared data; `None` if that is
    /// not known.
    fn why_not_distinct(&self, a: &Target, b: &Target, rule: Level) -> Option<String> {
        let shared = self.shared(a, b)?;
        // Where nothing is declared, the answer may name the model: many servers of one's own call
        // theirs `default`.
        let [is_known, other_is_known] = [a, b].map(|it| self.has_declared_origin(it));
        let (level, what) = match shared {
            ModelRelation::Model
                if !is_known
                    && !other_is_known
                    && a.model == b.model
                    && a.provider != b.provider =>
            {
                return None;
            }
            ModelRelation::Model => (Level::ModelDistinct, "are one model".to_owned()),
            ModelRelation::Name if !is_known || !other_is_known => return None,
            ModelRelation::Name => {
                (Level::ModelDistinct, "may be one model, as hosts write names".to_owned())
            }
            ModelRelation::Developer(name) => {
                (Level::VendorDistinct, format!("are both of {name}"))
            }
            ModelRelation::Families(names) => {
                (Level::LineageDistinct, format!("both descend from {names}"))
            }
        };
        (rule >= level).then(|| format!("{a} and {b} {what}"))
    }
}

/// Returns all pairs of targets, in order.
fn pairs(targets: &[Target]) -> impl Iterator<Item = (&Target, &Target)> {
    let rest = |at: usize| targets.iter().skip(at + 1);
    targets.iter().enumerate().flat_map(move |(at, a)| rest(at).map(move |b| (a, b)))
}

/// Returns the size of the largest selection, from position `at` on, without a conflict between its
/// members or with those that were `chosen` before.
fn most_without_conflict(conflicts: &[Vec<bool>], at: usize, chosen: &mut Vec<usize>) -> usize {
    let Some(row) = conflicts.get(at) else { return chosen.len() };
    let without = most_without_conflict(conflicts, at + 1, chosen);
    if chosen.iter().any(|other| row.get(*other) == Some(&true)) {
        return without;
    }
    chosen.push(at);
    let with = most_without_conflict(conflicts, at + 1, chosen);
    chosen.pop();
    with.max(without)
}

/// Returns the number of groups whose members all conflict with each other. No selection without
/// conflict is larger than that.
fn groups_of_kin(conflicts: &[Vec<bool>]) -> usize {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (member, row) in conflicts.iter().enumerate() {
        let is_kin =
            |group: &&mut Vec<usize>| group.iter().all(|other| row.get(*other) == Some(&true));
        match groups.iter_mut().find(is_kin) {
            Some(group) => group.push(member),
            None => groups.push(vec![member]),
        }
    }
    groups.len()
}

/// Joins targets by "and".
fn joined(targets: &[&Target]) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Returns the place in the policy where the rows of `targets` belong.
fn rows(targets: &[&Target]) -> String {
    let places = targets.iter().map(|target| format!("providers.{}.models", target.provider));
    let places: Vec<_> = places.collect::<BTreeSet<_>>().into_iter().collect();
    let row = if targets.len() == 1 { "its row" } else { "their rows" };
    format!("{row} under {}", places.join(" and "))
}
