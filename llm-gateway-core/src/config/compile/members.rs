//! How many models a panel or a gate asks, and whether each is another one.

use std::collections::BTreeSet;

use crate::config::node::{NodeContent, PathStep};
use crate::model::Target;

use super::RouteCompiler;

/// The most models that a panel asks, as many as a quorum may name: with every retry that a policy
/// may allow, their calls are no more than `verify` reads of one run.
const MOST_MEMBERS: usize = 64;

impl RouteCompiler<'_, '_, '_> {
    /// A model that is asked twice adds an answer and no voice.
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

    /// At least two, and no more than a receipt can tell of.
    pub(super) fn check_count(
        &mut self,
        targets: &[Target],
        path: &[PathStep<'_>],
        what: &str,
    ) -> Option<()> {
        let PathStep::Key(key) = *path.last()? else { return None };
        let root = self.compilation.root;
        // Members that were refused have been reported one by one.
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
