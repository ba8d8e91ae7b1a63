//! `llm-gateway` is one function: a task class and a prompt in, an [`Envelope`] out, obeying
//! a policy file. This crate is that function; the front ends (MCP on stdio, a terminal,
//! another Rust program) only reach it.
//!
//! ```
//! use llm_gateway_core::{Envelope, Gateway, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `offline` answers from a script; without it, keys come from the environment.
//! let gateway = Gateway::builder().offline().build()?;
//! let answer = gateway.route(Request::new("quick_answer", "What is a monad?")).await?;
//! println!("{}", answer.text());
//! println!("{}", serde_json::to_string_pretty(&Envelope::from(&answer))?);
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a request
//!
//! ```text
//!  stdio · cli · your Rust program      wire JSON <-> core types, nothing else
//!     | Request
//!  Gateway         the only door: route · panel · cascade · orchestrate · describe    gateway
//!     | 1 resolve  Policy x Request -> Plan (targets, token bound, deadline)  policy
//!     | 2 prepare  price check, then the bytes are fixed; a panel's all at once  dispatch, panel
//!     | 3 run      per attempt: hold -> send -> classify -> settle -> log      dispatch
//!     | 4 provider encode · transport sends and records · decode              provider
//!     | 5 certify  recorded bytes of several models -> certificate and receipt  certificate
//!     v Envelope   built once, from the outcome and the attempt log           envelope
//! ```
//!
//! A task that is planned, executed and verified goes this way once for each step.
//!
//! # The rooms
//!
//! | room | decides |
//! |---|---|
//! | `gateway` | which adapters meet which ports; nothing else |
//! | `run` | what happens between a request and its reply |
//! | [`config`] | what the user wrote: file, environment, model data, every problem with its place |
//! | [`policy`] | what the gateway obeys: routes, plans, prices; pure |
//! | `reliability` | what each failure leads to; pure |
//! | `dispatch` | the order of things for one chain of targets |
//! | [`provider`] | the port, and the wire formats behind it: pure encode and decode |
//! | [`transport`] | the port, the network, the script, the recorder of exact bytes |
//! | [`ledger`] | whether the month still has the money; the port, in memory and in SQLite |
//! | `orchestrate` | plan, execute, verify: steps with declared sight |
//! | `panel` | several models that cannot see each other, asked at the same time; how far they agree |
//! | [`certificate`] | what recorded bytes show of a panel's or a verifier's independence; pure |
//! | `evidence` | how recorded calls are handed to the certificate |
//! | `archive` | where receipts go on disk |
//! | `private` | files and folders that are this user's alone |
//! | `credential`, `clock`, `environment` | where keys, the date and variables come from |
//! | `stop` | how a caller ends work and takes what there is |
//! | `model`, `error` | the words that all of them speak |
//! | `envelope`, `outcome`, `event`, `describe`, `spend` | what a caller gets |

mod archive;
pub mod certificate;
mod clock;
pub mod config;
mod credential;
mod describe;
mod dispatch;
mod envelope;
mod environment;
mod error;
mod event;
mod evidence;
mod gateway;
pub mod ledger;
mod model;
mod orchestrate;
mod outcome;
mod panel;
pub mod policy;
mod private;
pub mod provider;
mod random;
mod reliability;
mod run;
mod spend;
mod stop;
pub mod transport;

pub use clock::{Clock, FixedClock, SystemClock};
pub use config::{Diagnostic, PolicyProblems, PolicySource, Severity};
pub use credential::{CredentialSource, EnvironmentCredentials, Lease, Secret};
pub use describe::{
    BreakerDescription, DepthDescription, Description, KeyState, OrchestrationDescription,
    ProviderDescription, RoleDescription, RolesDescription, TaskClassDescription,
    VisibilityDescription,
};
pub use dispatch::{Attempt, AttemptOutcome, Cost};
pub use envelope::{Envelope, Status};
pub use environment::Environment;
pub use error::{Category, Error};
pub use event::{Event, Events};
pub use gateway::{Gateway, GatewayBuilder};
pub use model::{
    AnswerSchema, Blind, CallerText, Capability, Completion, ContentPart, CostBasis, Delivery,
    Dialect, Endpoint, FinishReason, FrameText, Grant, InvalidAmount, InvalidName, Limits, Message,
    ModelFacts, ModelId, ModelText, NanoUsd, Open, OutputPart, Part, PolicyText, Prices, Prompt,
    ProviderName, Rate, Role, RunId, StepRole, Target, TaskClass, Tier, Turn, Usage, closest_name,
};
pub use orchestrate::{ChecklistItem, Decision, Met, Round, Verdict};
pub use outcome::{
    Answer, AnsweredBy, CascadeAnswer, Ending, Failure, Orchestrated, PanelAnswer, Reply,
    StepOutcome,
};
pub use panel::{Agreement, Cluster, Consensus, EffectiveVoices};
pub use policy::{Policy, RouteKind};
pub use private::write as write_private;
pub use provider::{Call, Prepared, Provider};
pub use run::{Outcome, Request, Run, Task};
pub use spend::{CapLeft, SpendReport, SpendState};
pub use stop::Stop;
pub use transport::Scripted;
