//! The data types of the gateway: names, targets, tokens, money, prices, and what a model answered.
//!
//! Nothing here does I/O or decides anything. A [`Target`] is a model at a provider; a [`Usage`]
//! counts tokens in one shape for all wire formats; a [`NanoUsd`] is an exact amount of money;
//! [`ModelFacts`] is what the data know about a model; a [`Completion`] is a decoded answer. What
//! a model is asked is in the module [`prompt`].
//!
//! ```
//! use llm_gateway_core::model::{ModelId, NanoUsd, ProviderName, Target};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let target = Target::new(ProviderName::new("openai")?, ModelId::new("gpt-6-luna")?);
//! assert_eq!(target.to_string(), "openai/gpt-6-luna");
//! assert!(ModelId::new("../models").is_err());
//! assert_eq!(NanoUsd::parse_usd("0.25")?.as_nanos(), 250_000_000);
//! # Ok(())
//! # }
//! ```

// Rank 1: this room imports nothing of ours but `error`, so every other room can speak in its
// words.

mod authority;
pub(crate) mod closest;
mod completion;
mod cost_basis;
mod date;
mod endpoint;
mod facts;
mod header;
mod ids;
mod key_kind;
mod limits;
mod money;
pub(crate) mod naming;
mod plain_text;
#[doc(hidden)]
pub mod prompt;
pub(crate) mod seen;
pub(crate) mod sequence;
mod shared_bytes;
mod step_role;
mod unfilled;
mod usage;

pub(crate) use authority::{has_variable, host_fault};
pub(crate) use closest::{closest_name, did_you_mean};
pub(crate) use date::date_utc;
pub(crate) use ids::LONGEST_RECEIPT_NAME;
pub(crate) use key_kind::KeyKind;
pub(crate) use plain_text::{origin_name, printable, single_spaced};
pub(crate) use prompt::{
    AnswerSchema, Ask, Blind, ContentPart, Frame, Framed, Grant, Message, ModelText, PLANNER_ASK,
    Part, PolicyText, Prompt, Role, Turn, VERDICT_SCHEMA, planner_ask,
};
pub(crate) use seen::{LINE_ENDS, as_seen, is_blank, without_markup};
pub(crate) use sequence::Sequence;
pub(crate) use unfilled::{StandIn, is_unfilled, unusable, unusable_key};

pub use completion::{Completion, FinishReason, OutputPart};
pub use cost_basis::CostBasis;
pub(crate) use endpoint::is_loopback;
pub use endpoint::{Delivery, Dialect, Endpoint};
pub use facts::{Capability, ModelFacts, Prices, Tier};
pub use header::{HeaderPart, ProviderHeader};
pub use ids::{InvalidName, ModelId, ProviderName, RunId, Target, TaskClass};
pub use limits::Limits;
pub use money::{InvalidAmount, NanoUsd, Rate};
pub use shared_bytes::SharedBytes;
pub use step_role::StepRole;
pub use usage::Usage;
