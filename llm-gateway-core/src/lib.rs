//! `llm-gateway` is one function: a task class and a prompt in, an [`Envelope`] out, obeying
//! a policy file. This crate is that function; the front ends (MCP on stdio, a terminal,
//! another Rust program) only call it.
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
//! # Where to start
//!
//! [`Gateway::builder`] configures a [`Gateway`]. A [`Request`] asks a task class of the policy a
//! question: of one model ([`Gateway::route`]), of several that cannot see each other
//! ([`Gateway::panel`]), or of cheap ones first ([`Gateway::cascade`]). A [`Task`] is planned, done
//! and verified ([`Gateway::orchestrate`]). Each call returns an answer or a [`Failure`], and both
//! convert into an [`Envelope`]. [`Gateway::start`] returns a [`Run`], whose [`Events`] can be read
//! while it works. [`Scripted`] answers without a network, for tests.
//!
//! What else there is, by what it is for:
//!
//! | module | holds |
//! |---|---|
//! | [`outcome`] | the parts of answers and failures: attempts, costs, agreement, verdicts |
//! | [`model`] | names of providers and models, tokens, money, prices |
//! | [`prompt`] | messages of a conversation, and prompts whose parts know who wrote them |
//! | [`describe`], [`spend`] | what a gateway reports about itself, and about a day's or a month's money |
//! | [`kept`] | results of runs, kept for callers that come back for them |
//! | [`config`] | loading and checking a policy file; its problems by line and column |
//! | [`policy`] | the compiled policy: routes, limits, the plan for a request, its price; caps in code |
//! | [`certificate`] | what recorded bytes show of independence; receipts and their verification |
//! | [`stream`] | the text of an answer while it arrives |
//! | [`observe`] | what an observer hears of all runs, for metrics and logs |
//! | [`provider`], [`transport`] | ports for a program's own provider, and for its own HTTP |
//! | [`credential`], [`ledger`], [`clock`] | ports for keys, for counting money, for the time |
//! | [`testing`] | what a program's own tests can use |
//!
//! # The way of a request
//!
//! ```text
//!  stdio · cli · your Rust program      wire JSON <-> core types, nothing else
//!     | Request
//!  Gateway         the only door: route · panel · cascade · orchestrate · describe
//!     | Run
//!     | 1 resolve  Policy x Request -> Plan (targets, token bound, deadline)
//!     | 2 prepare  price check, then the bytes are fixed; a panel's all at once
//!     | 3 send     per attempt: hold -> send -> classify -> settle -> log
//!     | 4 provider encode · transport sends and records · decode
//!     | 5 certify  recorded bytes of several models -> certificate and receipt
//!     v Envelope   built once, from the outcome and the attempt log
//! ```
//!
//! A task that is planned, executed and verified goes this way once for each step. The parts that a
//! program can use alone or replace are the modules [`policy`] (1), [`ledger`] (3), [`provider`]
//! and [`transport`] (4), and [`certificate`] (5).
//!
//! # Cargo features
//!
//! Both are on by default. Without one its adapter is missing, and [`GatewayBuilder::build`]
//! says so where a policy needs it; nothing else changes. Without both, no C compiler is needed.
//!
//! | feature | adapter | to bring in its place |
//! |---|---|---|
//! | `reqwest` | `transport::ReqwestTransport`, the network | [`GatewayBuilder::transport`], [`GatewayBuilder::provider`] |
//! | `sqlite` | `ledger::SqliteLedger`, one file for all processes of a user | [`GatewayBuilder::ledger`] |

mod archive;
mod cache;
pub mod certificate;
pub mod clock;
pub mod config;
pub mod credential;
pub mod describe;
mod dispatch;
mod envelope;
mod environment;
mod error;
mod event;
mod evidence;
mod gateway;
mod isolation;
pub mod kept;
pub mod ledger;
pub mod model;
// Without the network, its settings are read and nobody asks for them.
#[cfg_attr(not(feature = "reqwest"), allow(dead_code))]
mod network;
pub mod observe;
mod orchestrate;
pub mod outcome;
mod panel;
pub mod policy;
mod private;
mod progress;
pub mod provider;
mod random;
mod reliability;
mod run;
mod runtime;
pub mod spend;
mod stop;
pub mod stream;
pub mod testing;
pub mod transport;
mod user_file;

// The crates whose names stand in signatures of traits that a program implements.
pub use async_trait;
pub use bytes;
pub use http;

// The first page: what a program names to ask and to read what comes back. Some of it is met in a
// signature only (`RunFuture`), or late (`Environment`, `Stop`), and has no module to belong to.
pub use envelope::{Envelope, Status};
pub use environment::Environment;
pub use error::{Category, Error};
pub use event::{Event, Events};
pub use gateway::{Gateway, GatewayBuilder};
#[doc(inline)]
pub use model::prompt;
#[doc(inline)]
pub use outcome::{Answer, CascadeAnswer, Failure, OrchestrationOutcome, PanelAnswer, Reply};
pub use run::{Request, Run, RunFuture, Task};
pub use stop::Stop;
#[doc(inline)]
pub use transport::Scripted;

/// Functions that this workspace's own front ends share with the library. They are no part of the
/// public interface, and change without notice.
#[doc(hidden)]
pub mod front {
    pub use super::model::closest::closest_name;
    pub use super::policy::{GivenQuestion, empty_prompt, empty_task, question_faults};
    pub use super::private::{write as write_private, write_place};
    pub use super::progress::Progress;
}
