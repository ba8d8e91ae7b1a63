//! The names and fields by which events are observed.

use serde_json::{Value, json};

use crate::event::Event;
use crate::model::Target;

use super::millis;

/// Returns the name of an event as observers hear it, such as `attempt_started`.
pub(super) fn name(event: &Event) -> &'static str {
    match event {
        Event::Attempt { .. } => "attempt_started",
        Event::Queued { .. } => "queued",
        Event::Writing { .. } => "writing",
        Event::Waiting { .. } => "waiting",
        Event::Panel { .. } => "panel_started",
        Event::Member { .. } => "member_ended",
        Event::Step { .. } => "step_started",
        Event::StepEnded { .. } => "step_ended",
        Event::Escalating { .. } => "escalating",
        Event::Fallback { .. } => "fallback",
        Event::LeftOut { .. } => "left_out",
    }
}

/// Returns the fields of an event, each with its name.
pub(super) fn fields(event: &Event) -> Vec<(&'static str, Value)> {
    match event {
        Event::Attempt { target, number } => and(target, [("number", json!(number))]),
        Event::Queued { target } => and(target, []),
        Event::Writing { target, tokens, characters } => {
            and(target, [("tokens", json!(tokens)), ("characters", json!(characters))])
        }
        Event::Waiting { target, wait } => and(target, [("wait_ms", millis(*wait))]),
        Event::Panel { members } => {
            let members: Vec<String> = members.iter().map(Target::to_string).collect();
            vec![("members", json!(members))]
        }
        Event::Member { member, of, target, answered } => {
            let place = [("member", json!(member)), ("of", json!(of))];
            and(target, place.into_iter().chain([("answered", json!(answered))]))
        }
        Event::Step { step, round, target } => {
            and(target, [("step", json!(step)), ("round", json!(round))])
        }
        Event::StepEnded { step, round, answered } => {
            vec![("step", json!(step)), ("round", json!(round)), ("answered", json!(answered))]
        }
        Event::Escalating { to, because } => {
            vec![("to", json!(to.to_string())), ("because", json!(because))]
        }
        Event::Fallback { from, to } => {
            vec![("from", json!(from.to_string())), ("to", json!(to.to_string()))]
        }
        Event::LeftOut { events } => vec![("events", json!(events))],
    }
}

/// Returns the fields of a target and what follows them.
fn and(
    target: &Target,
    others: impl IntoIterator<Item = (&'static str, Value)>,
) -> Vec<(&'static str, Value)> {
    let target = [("provider", json!(target.provider)), ("model", json!(target.model))];
    target.into_iter().chain(others).collect()
}
