//! Placeholder tour.
#![allow(missing_docs)]
mod clock;
pub mod credential;
mod error;
mod model;
pub mod provider;
pub mod transport;
pub use credential::Secret;
pub use error::{Category, Error};
pub use model::*;
