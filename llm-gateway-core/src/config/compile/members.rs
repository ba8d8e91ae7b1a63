//! Checks how many models a panel or a gate asks, and that each is a different one.

use std::collections::BTreeSet;

use crate::config::node::{NodeContent, PathStep};
use crate::model::Target;

use super::RouteCompiler;

/// The most models that a panel asks, which is also the largest quorum. With every retry that a
/// policy may allow, their calls do not exceed what `verify` reads of one run.
const MOST_MEMBERS: usize = 64;

impl RouteCompiler<'_, '_, '_> {
    /// Warns of a model that is asked twice: it adds an answer, but no independent voice.
    pub(super) fn warn_of_repeated_members(
        &mut self,
        name: &str,
        members: &[Target],
        path: &[PathStep<'_>],
    ) {
        let mut asked = BTreeSet::new();
        for member in members.iter().filter(|member| !asked.insert(*member)) {
            self.problems.warning(
                self.compilation.root.key_place_of(path),
                format!("`{name}` asks {member} twice, and is never certified"),
                "name another model, best of another developer",
            );
        }
    }

    /// Checks that there are at least two models, and no more than a receipt can hold. Returns
    /// `None` if fewer than two are valid.
    pub(super) fn check_count(
        &mut self,
        targets: &[Target],
        path: &[PathStep<'_>],
        what: &str,
    ) -> Option<()> {
        let PathStep::Key(key) = *path.last()? else { return None };
        let root = self.compilation.root;
        // Invalid members have been reported one by one.
        let written = match root.find(path).map(|node| &node.content) {
            Some(NodeContent::List(items)) => items.len(),
            _ => 0,
        };
        if written < 2 {
            self.problems.error(
                root.key_place_of(path),
                format!("`{key}` has {written} of the two models that a {what} needs at least"),
                "add another one, or name a single `provider` and `model`",
            );
        }
        if written > MOST_MEMBERS {
            self.problems.error(
                root.key_place_of(path),
                format!("`{key}` has {written} models, and a {what} asks {MOST_MEMBERS} at most"),
                "name fewer",
            );
        }
        (targets.len() >= 2).then_some(())
    }
}
