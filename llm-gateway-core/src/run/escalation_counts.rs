//! Counts how often the gates of cascades have escalated in this process. The expected price of the
//! next request follows from the counts, and descriptions show them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::TaskClass;
use crate::outcome::AnsweredBy;
use crate::policy::Escalations;

/// The most task classes that are counted. No policy has as many; the bound keeps the map small if
/// a policy is replaced again and again.
const MOST_CLASSES: usize = 1024;

/// Counts of gates and escalations, by task class.
#[derive(Debug, Default)]
pub(crate) struct EscalationCounts(Mutex<BTreeMap<TaskClass, Escalations>>);

impl EscalationCounts {
    /// Counts a gate of `class`, and whether the strong model was asked after it. A gate that was
    /// not asked, because it could not settle the question, counts as an escalation: it shows too
    /// how often the strong model is needed.
    pub(super) fn count(&self, class: &TaskClass, by: AnsweredBy) {
        let mut counters = self.lock();
        if !counters.contains_key(class) && counters.len() >= MOST_CLASSES {
            return;
        }
        let counter = counters.entry(class.clone()).or_default();
        counter.asked = counter.asked.saturating_add(1);
        if by == AnsweredBy::Else {
            counter.escalated = counter.escalated.saturating_add(1);
        }
    }

    /// Returns the counts of a task class.
    pub(crate) fn of(&self, class: &TaskClass) -> Escalations {
        self.lock().get(class).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskClass, Escalations>> {
        // A panic cannot leave the numbers half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_bounded_and_go_on_counting() {
        let realised = EscalationCounts::default();
        let class = |number: usize| TaskClass::new(&format!("class_{number}")).unwrap();
        for number in 0..MOST_CLASSES + 5 {
            realised.count(&class(number), AnsweredBy::Else);
        }
        assert_eq!(realised.lock().len(), MOST_CLASSES);
        realised.count(&class(0), AnsweredBy::Gate);
        let counted = realised.of(&class(0));
        assert_eq!((counted.asked, counted.escalated), (2, 1));
        assert_eq!(realised.of(&class(MOST_CLASSES)), Escalations::default());
    }
}
