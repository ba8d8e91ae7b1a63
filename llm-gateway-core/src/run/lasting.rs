//! The state that outlives a policy: what is remembered between requests, whatever policy they
//! obey.
//!
//! A gateway that takes the place of another shares this state with it, so that a new policy
//! forgets nothing: not which targets fail, what the session has cost, or which answers were given.
//! Rate limiters belong to providers, which a policy names, and are handed on one by one.

use crate::dispatch::Session;
use crate::random::Random;
use crate::reliability::Targets;

use super::escalation_counts::EscalationCounts;
use super::recent_answers::RecentAnswers;
use super::under_way::RunsUnderWay;

/// The state that a gateway shares with those that take its place.
pub(crate) struct LastingState {
    /// What the calls under a cap per session have cost and hold.
    pub(crate) session: Session,
    /// Circuit breakers and retry budgets of the targets.
    pub(crate) targets: Targets,
    pub(crate) random: Random,
    pub(crate) recent_answers: RecentAnswers,
    pub(crate) escalation_counts: EscalationCounts,
    pub(crate) runs: RunsUnderWay,
}

impl LastingState {
    /// Creates the state of a gateway that takes nobody's place.
    pub(crate) fn new(random: Random) -> Self {
        Self {
            session: Session::default(),
            targets: Targets::default(),
            random,
            recent_answers: RecentAnswers::default(),
            escalation_counts: EscalationCounts::default(),
            runs: RunsUnderWay::default(),
        }
    }
}
