//! The calls that an orchestration may make, and the least that its hold can be.

use crate::model::{NanoUsd, Prompt, StepRole};

use super::{PlannedOrchestration, PlannedStep, Policy, Sight};

/// A call that an orchestration may make.
#[derive(Clone, Copy)]
pub(crate) struct ForeseenCall<'a> {
    /// The number of the call's round, from 1.
    pub(crate) round: u32,
    /// The step that the call is for.
    pub(crate) step: &'a PlannedStep,
    /// Whether the call asks again for a verdict that could not be read.
    pub(crate) again: bool,
}

impl PlannedOrchestration {
    /// Returns every call that the orchestration may make: each step in each round, and one repair
    /// of each verdict.
    pub(crate) fn foreseen_calls(&self) -> impl Iterator<Item = ForeseenCall<'_>> {
        let rounds = 1..=self.max_replans.saturating_add(1);
        let steps = rounds.flat_map(|round| self.steps.iter().map(move |step| (round, step)));
        steps.flat_map(|(round, step)| {
            let is_judge = step.role() == StepRole::Verifier;
            let times = if is_judge { &[false, true][..] } else { &[false] };
            times.iter().map(move |again| ForeseenCall { round, step, again: *again })
        })
    }

    /// Returns the most tokens that the outputs of earlier steps will add to a call's prompt. Those
    /// outputs do not exist yet, so each counts as one and a half times its bound, because another
    /// model's tokenizer may make more tokens of a text than the one that wrote it.
    pub(crate) fn tokens_of_earlier_outputs(&self, call: ForeseenCall<'_>) -> u64 {
        let bound = |is: &dyn Fn(&PlannedStep) -> bool| {
            let seen = self.steps.iter().find(|step| is(step));
            seen.map_or(0, |seen| seen.planned.max_tokens.saturating_mul(3).div_ceil(2))
        };
        let of = |sight: &Sight| match sight {
            Sight::Task => 0,
            Sight::Output(name) => bound(&|step| step.name() == name),
            Sight::Reasons if call.round > 1 => bound(&|step| step.role() == StepRole::Verifier),
            Sight::Reasons => 0,
        };
        call.step.step.sees.iter().map(of).fold(0, u64::saturating_add)
    }

    /// Returns the least that is held for an orchestration of any task: the worst case of all
    /// calls, without the words of the task and the instructions. `None` = a price is unknown.
    pub(crate) fn least_cost(&self) -> Option<NanoUsd> {
        // Each call has an instruction and a turn.
        let least = <Prompt>::least_token_bound(2);
        NanoUsd::total(self.foreseen_calls().map(|call| {
            let input = self.tokens_of_earlier_outputs(call).saturating_add(least);
            call.step.planned.worst_case(input)
        }))
    }
}

impl Policy {
    /// Returns an orchestration of each depth that can run, with the least that is held for it. A
    /// depth with an unknown price is left out.
    pub(crate) fn least_costs_of_depths(
        &self,
    ) -> impl Iterator<Item = (PlannedOrchestration, NanoUsd)> {
        let depths = self.orchestration.iter().flat_map(|orchestration| &orchestration.depths);
        depths.filter_map(|depth| {
            let plan = self.plan_orchestration(Some(&depth.name)).ok()?;
            let cost = plan.least_cost()?;
            Some((plan, cost))
        })
    }
}
