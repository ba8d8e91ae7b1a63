//! The way of a cascade: a panel of cheap models, and a strong model if they do not settle the
//! question.
//!
//! The source shows the steps in the order in which they happen. Before the gate is asked, both
//! ways are priced and the bytes of the strong model's request are fixed. A cascade that a rule
//! could never let pass is thus refused before it costs anything, and nothing that the gate answers
//! can be in the other request. The gate has half of the time.
//!
//! The money for the gate and for the strong model is set aside in one step, before the first
//! request, so that a cap that has no room for both refuses the cascade whole. If the gate settles
//! the question, the strong model's part goes back.

use std::sync::Arc;

use crate::dispatch::{self, Booking, Context, PreparedCall, Refusal};
use crate::error::{BlockedBy, Error, RefusingCap};
use crate::event::Event;
use crate::model::{Blind, FinishReason, NanoUsd, Prompt, Sequence, Target};
use crate::outcome::{
    Answer, AnsweredBy, CascadeAnswer, Escalation, Failure, FailureParts, PanelAnswer, Reply,
};
use crate::panel::{Consensus, abstains};
use crate::policy::{CascadePreflight, PlannedPanel, PlannedTarget, price_hint};

use super::active::ActiveRun;
use super::panel::{is_spared, why_not_certified};

/// The strong model's call, ready to be sent, and the price of both ways.
struct PreparedCascade {
    strong: PreparedCall,
    target: Target,
    preflight: CascadePreflight,
}

impl ActiveRun<'_> {
    /// Answers a request by a cascade.
    pub(super) async fn cascade(
        &self,
        context: &Context<'_>,
        planned: &PlannedPanel,
        otherwise: &PlannedTarget,
        prompt: &Prompt<Blind>,
    ) -> Result<Reply, Failure> {
        let prepared = self.prepare_cascade(context, planned, otherwise, prompt).await?;
        // Half of the time is left for the strong model, so that a gate that hangs does not cost
        // the answer.
        let half = context.deadline.first_half(self.started);
        let halved = &Context { deadline: half, ..*context };
        let strong = Some(&prepared.strong);
        let (gate, booking) = self.ask_panel(halved, planned, prompt, strong).await?;
        if let Some(error) = self.stopped(context, &gate) {
            let (because, preflight) = (error.message().to_owned(), prepared.preflight);
            let escalation = Escalation { because, preflight, is_asked: false };
            return Err(self.failure(error).after(gate, escalation, self.started.elapsed()));
        }
        let settled = standing_answer(&gate, planned);
        let by = if settled.is_ok() { AnsweredBy::Gate } else { AnsweredBy::Else };
        self.state.lasting.escalation_counts.count(context.task_class, by);
        match settled {
            Ok((answer, because)) => {
                let answer = answer.clone();
                Ok(self.cascade_reply(answer, by, because, gate, prepared.preflight))
            }
            Err(because) => self.escalated(context, prepared, booking, gate, because).await,
        }
    }

    /// Asks the strong model the question that the gate was asked.
    async fn escalated(
        &self,
        context: &Context<'_>,
        PreparedCascade { strong, target, preflight }: PreparedCascade,
        booking: Option<Booking<'_>>,
        gate: PanelAnswer,
        because: String,
    ) -> Result<Reply, Failure> {
        tracing::debug!(%target, because, "escalates");
        context.events.send(Event::Escalating { to: target, because: because.clone() });
        let course =
            dispatch::run_alone(context, strong, booking, Arc::new(Sequence::default())).await;
        let instead = "name another strong model in the policy";
        match self.outcome(course.result, course.attempts, course.latency, instead) {
            Ok(answer) => {
                self.state.lasting.recent_answers.add(&answer.text());
                Ok(self.cascade_reply(answer, AnsweredBy::Else, because, gate, preflight))
            }
            Err(failure) => {
                let escalation = Escalation { because, preflight, is_asked: true };
                Err(failure.after(gate, escalation, self.started.elapsed()))
            }
        }
    }

    /// Creates the reply of a cascade.
    fn cascade_reply(
        &self,
        answer: Answer,
        answered_by: AnsweredBy,
        because: String,
        gate: PanelAnswer,
        preflight: CascadePreflight,
    ) -> Reply {
        let latency = self.started.elapsed();
        let cascade = CascadeAnswer { answer, answered_by, because, gate, preflight, latency };
        Reply::Cascade(Box::new(cascade))
    }

    /// Prices both ways and fixes the strong model's request.
    ///
    /// # Errors
    /// A failure if a rule could never let the strong model's call pass: it is refused before the
    /// gate is paid for.
    async fn prepare_cascade(
        &self,
        context: &Context<'_>,
        gate: &PlannedPanel,
        otherwise: &PlannedTarget,
        prompt: &Prompt<Blind>,
    ) -> Result<PreparedCascade, Failure> {
        let open = Prompt::from(prompt.clone());
        let strong = dispatch::prepare(context, otherwise, &open).map_err(|refusal| {
            let Refusal { error, preflight, .. } = refusal;
            let preflight = preflight.map(|preflight| *preflight);
            Failure::new(FailureParts { preflight, ..self.parts(error) })
        })?;
        let estimate = |member: &PlannedTarget| {
            let (rules, facts) = (context.policy.preflight(), member.facts.as_deref());
            rules.estimate(&open, member.max_tokens, facts).estimated_max_cost_usd
        };
        let cheap = NanoUsd::total(gate.members.iter().map(estimate));
        let so_far = self.state.lasting.escalation_counts.of(context.task_class);
        let expensive = strong.preflight().estimated_max_cost_usd;
        let preflight = CascadePreflight::new(cheap, expensive, so_far);
        let target = otherwise.target.clone();
        let cascade = PreparedCascade { strong, target, preflight };
        let missing_key = self.missing_key(context.policy, &otherwise.target, "strong model");
        let error = match missing_key {
            Some(error) => Some(error),
            None => can_never_pass(context, &cascade).await,
        };
        error.map_or(Ok(cascade), |error| Err(self.failure(error)))
    }
}

/// Returns the answer of the gate and why it stands.
///
/// # Errors
/// Why no answer of the gate stands.
fn standing_answer<'a>(
    gate: &'a PanelAnswer,
    planned: &PlannedPanel,
) -> Result<(&'a Answer, String), String> {
    let members = gate.members.iter().zip(&planned.members);
    let mut asked = members.filter(|(member, _)| !is_spared(member));
    if let Some(why) = asked.find_map(|(member, planned)| not_an_answer(member, planned)) {
        return Err(why);
    }
    let method = gate.agreement.method.replace('_', " ");
    match gate.agreement.outcome {
        Consensus::Unanimous => {}
        Consensus::NotComparable => {
            return Err("the gate's answers differ, and cannot be compared without a guess".into());
        }
        Consensus::Majority | Consensus::NoConsensus => {
            return Err(format!("the gate's answers differ ({method})"));
        }
    }
    if !gate.independence_certified() {
        let why = why_not_certified(gate.certificate());
        return Err(format!("the gate agrees, and its independence is not certified: {why}"));
    }
    let first = gate.answers().next().ok_or("nobody of the gate was asked")?;
    let (models, level) = (gate.members.len(), gate.certificate().level.as_str());
    let because =
        format!("all {models} models of the gate say the same ({method}), certified at {level}");
    Ok((first, because))
}

/// Returns why the answer of a gate's member does not count; `None` if it counts. An answer that
/// was cut or filtered does not count, because equal beginnings show nothing about the ends. An
/// answer that says that it does not know does not count either.
fn not_an_answer(
    member: &Result<Answer, Failure>,
    PlannedTarget { target, max_tokens, .. }: &PlannedTarget,
) -> Option<String> {
    let answer = match member {
        Ok(answer) => answer,
        Err(failure) => {
            return Some(format!("{target} of the gate gave no answer: {}", failure.category()));
        }
    };
    match answer.completion.finish_reason {
        FinishReason::Stop if !answer.completion.ended_by_itself(*max_tokens) => {
            // Where no tokens are reported, the answer is only not known to be shorter.
            let is = if answer.completion.is_counted() { "is" } else { "may be" };
            Some(format!(
                "{target} of the gate did not end by itself: its answer {is} as long as its bound \
                 of {max_tokens} tokens"
            ))
        }
        FinishReason::Stop => abstains(&answer.text())
            .then(|| format!("{target} of the gate says that it does not know or cannot tell")),
        reason => Some(format!("{target} of the gate did not end by itself: {}", reason.as_str())),
    }
}

/// Returns the error of a strong model's call that a kill switch, a missing price or a cap could
/// never let pass, if one applies.
async fn can_never_pass(context: &Context<'_>, cascade: &PreparedCascade) -> Option<Error> {
    let (class, target) = (context.task_class, &cascade.target);
    let (what, switches) = (format!("the cascade `{class}`"), context.policy.switches());
    if let Some(error) = dispatch::switched_off(what, switches, cascade.preflight.max_usd) {
        return Some(error);
    }
    let limits = || context.policy.spending().caps_on(&target.provider, class);
    let Some(worst_case) = cascade.strong.worst_case().amount else {
        let cap = limits().next()?;
        let message = format!(
            "{target}, to which `{class}` escalates, has no known price, and a {cap} is set"
        );
        let hint = price_hint(&target.provider);
        let error = Error::blocked(BlockedBy::Price, message).with_hint(hint);
        return Some(error.with_target(target.clone()));
    };
    // The caps come in the order of decision 22: the first is the one that is named.
    let cap = limits().find(|cap| worst_case > cap.limit)?;
    let left = dispatch::left_of(context, cap).await;
    let leaves = left.map(|left| format!(", which leaves {left}")).unwrap_or_default();
    let message = format!(
        "{target}, to which `{class}` escalates, may cost up to {worst_case}, more than the whole {cap}{leaves}"
    );
    let setting = context.policy.spending().setting_of(cap);
    let hint = format!("lower max_tokens, shorten the prompt, or raise {setting}");
    let cap = RefusingCap { left_usd: left, ..cap.into() };
    Some(Error::capped(cap, message).with_hint(hint).with_target(target.clone()))
}
