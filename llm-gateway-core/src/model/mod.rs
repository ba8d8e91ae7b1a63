//! The nouns of the gateway, without any I/O.
//!
//! Everything here is rank 1: it imports nothing of ours but its neighbours and
//! [`crate::error`], so every other room can speak in these words.

mod closest;
mod completion;
mod cost_basis;
mod date;
mod endpoint;
mod facts;
mod ids;
mod limits;
mod money;
mod prompt;
mod step_role;
mod usage;

pub use closest::closest_name;
pub(crate) use closest::did_you_mean;
pub use completion::{Completion, FinishReason, OutputPart};
pub use cost_basis::CostBasis;
pub(crate) use date::date_utc;
pub use endpoint::{Delivery, Dialect, Endpoint};
pub use facts::{Capability, ModelFacts, Prices, Tier};
pub use ids::{InvalidName, ModelId, ProviderName, RunId, Target, TaskClass};
pub use limits::Limits;
pub use money::{InvalidAmount, NanoUsd, Rate};
pub use prompt::{
    AnswerSchema, Ask, Blind, CallerText, ContentPart, FrameText, Grant, Message, ModelText, Open,
    Part, PolicyText, Prompt, Role, Turn,
};
pub(crate) use prompt::{Frame, Framed, PLANNER_ASK, VERDICT_SCHEMA, planner_ask};
pub use step_role::StepRole;
pub use usage::Usage;
