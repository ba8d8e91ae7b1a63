//! The stable list of what an observer can hear of.

/// The names of all observations, each with the names of its own fields, in the order in which they
/// are serialized. Every observation has `name`, `run_id` and `task_class` too.
///
/// The list is stable: within a version no name and no field is renamed or removed, and new ones
/// can be added.
pub const OBSERVATIONS: &[(&str, &[&str])] = &[
    ("run_started", &[]),
    ("attempt_started", &["provider", "model", "number"]),
    ("queued", &["provider", "model"]),
    ("writing", &["provider", "model", "tokens", "characters"]),
    ("waiting", &["provider", "model", "wait_ms"]),
    (
        "attempt_ended",
        &[
            "provider",
            "model",
            "outcome",
            "http_status",
            "latency_ms",
            "waited_ms",
            "tokens_in",
            "tokens_out",
            "cost_usd",
            "cost_basis",
        ],
    ),
    ("fallback", &["from", "to"]),
    ("panel_started", &["members"]),
    ("member_ended", &["provider", "model", "member", "of", "answered"]),
    ("escalating", &["to", "because"]),
    ("step_started", &["provider", "model", "step", "round"]),
    ("step_ended", &["step", "round", "answered"]),
    ("run_ended", &["outcome", "latency_ms"]),
    ("run_dropped", &[]),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{AttemptEnd, Observation, Observed};
    use super::OBSERVATIONS;
    use crate::event::Event;
    use crate::model::{CostBasis, ModelId, ProviderName, RunId, Target};

    fn target() -> Target {
        Target::new(ProviderName::new("p").unwrap(), ModelId::new("m").unwrap())
    }

    /// Returns one event of each kind that an observer can hear of.
    fn events() -> Vec<Event> {
        let (target, step) = (target(), || "work".to_owned());
        let (one, other) = (|| target.clone(), || target.clone());
        let every = [
            Event::Attempt { target: one(), number: 1 },
            Event::Queued { target: one() },
            Event::Writing { target: one(), tokens: 1, characters: 4 },
            Event::Waiting { target: one(), wait: Duration::from_secs(1) },
            Event::Fallback { from: one(), to: other() },
            Event::Panel { members: vec![one()] },
            Event::Member { member: 1, of: 2, target: one(), answered: true },
            Event::Escalating { to: one(), because: "no".to_owned() },
            Event::Step { step: step(), round: 1, target: one() },
            Event::StepEnded { step: step(), round: 1, answered: true },
            Event::LeftOut { events: 1 },
        ];
        // A kind that is added is added above, and to the list.
        let is_heard = |event: &Event| match event {
            Event::Attempt { .. }
            | Event::Queued { .. }
            | Event::Writing { .. }
            | Event::Waiting { .. }
            | Event::Fallback { .. }
            | Event::Panel { .. }
            | Event::Member { .. }
            | Event::Escalating { .. }
            | Event::Step { .. }
            | Event::StepEnded { .. } => true,
            // The reader of a run's events makes it, so nobody observes it.
            Event::LeftOut { .. } => false,
        };
        every.into_iter().filter(is_heard).collect()
    }

    #[test]
    fn every_observation_has_the_name_and_the_fields_of_the_list() {
        let (events, target) = (events(), target());
        let end = AttemptEnd {
            target: &target,
            category: None,
            http_status: None,
            latency: Duration::ZERO,
            waited: Duration::ZERO,
            usage: None,
            cost: None,
            cost_basis: CostBasis::Unknown,
        };
        let others = [
            Observation::RunStarted,
            Observation::AttemptEnded(&end),
            Observation::RunEnded { category: None, latency: Duration::ZERO },
            Observation::RunDropped,
        ];
        let all: Vec<_> = events.iter().map(Observation::Event).chain(others).collect();
        assert_eq!(all.len(), OBSERVATIONS.len());
        for what in all {
            let observed = Observed { run_id: RunId::from_bits(7), task_class: "quick", what };
            let named: Vec<_> = observed.fields().into_iter().map(|(name, _)| name).collect();
            assert!(OBSERVATIONS.contains(&(observed.name(), named.as_slice())), "{observed:?}");
            let json = serde_json::to_value(observed).unwrap();
            let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys[..3], ["name", "run_id", "task_class"]);
            assert_eq!(keys[3..], named);
        }
    }
}
