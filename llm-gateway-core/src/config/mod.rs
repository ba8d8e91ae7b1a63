//! Loads what the user wrote: from a YAML file to a [`Policy`].
//!
//! A file goes through these steps. `node` reads YAML into a tree that knows every position;
//! `json_policy` makes such a tree of a JSON value.
//! `structure` checks the tree against the JSON Schema that `raw` generates, and leaves out what
//! does not fit. The rest becomes the serde mirror in `raw`. `env_file` adds the variables of
//! `.env`. `compile` checks what a schema cannot express and builds the policy. Every step adds to
//! one list of problems, so that a person sees all of them at once, each with its position:
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_gateway_core::config::{LoadRequest, PolicySource, load};
//!
//! let source = PolicySource::Text("defaults: {ask: {provider: opnai, model: m}}".to_owned());
//! let loaded = load(LoadRequest::new(&source, Duration::ZERO));
//! assert!(loaded.policy.is_err());
//! let problem = &loaded.problems[0];
//! assert_eq!(problem.message, "no provider is called `opnai`");
//! assert_eq!(problem.hint, "did you mean `openai`?");
//! assert_eq!((problem.line, problem.column), (1, 28));
//! ```

mod catalog;
mod compile;
mod diagnostic;
mod dotenv;
mod env_file;
mod json_policy;
mod load;
mod node;
mod pipe_texts;
mod raw;
mod raw_budget;
mod raw_model;
mod raw_orchestration;
mod raw_output;
mod raw_provider;
mod source;
mod structure;
mod visible;

pub use catalog::built_in_models;
pub use compile::{base_url_variables, guard_variables};
pub use diagnostic::{Diagnostic, PolicyProblems, Severity};
pub use json_policy::JsonPolicy;
pub use load::{LoadRequest, Loaded, load};
pub(crate) use pipe_texts::PipeTexts;
pub use raw::json_schema;
pub use source::{EMBEDDED_POLICY, PolicySource};

#[cfg(doc)]
use crate::policy::Policy;
