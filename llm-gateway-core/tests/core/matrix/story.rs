//! Words in which the expected and the actual course of a request can be compared.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Delivery, Wait};

/// The story of a request: everything that the contract says about it, in words.
pub(super) struct Story {
    pub(super) end: String,
    pub(super) tries: Vec<String>,
    pub(super) sent: Vec<String>,
    /// The consecutive failures of each provider's breaker.
    pub(super) failures: BTreeMap<&'static str, u32>,
    /// The spending of each provider in the ledger, in nano-dollars.
    pub(super) spent: BTreeMap<&'static str, u64>,
    pub(super) held: u64,
    /// Whether the request took as long as its tries and waits together.
    pub(super) time_adds_up: bool,
}

impl Story {
    /// Returns the differences between this story and the one that was `seen`.
    pub(super) fn against(&self, seen: &Self) -> Vec<String> {
        let pairs = self.facts().into_iter().zip(seen.facts());
        pairs
            .filter(|(expected, seen)| expected != seen)
            .map(|(expected, seen)| format!("  expected {expected}\n  seen     {seen}"))
            .collect()
    }

    fn facts(&self) -> [String; 7] {
        [
            self.end.clone(),
            format!("tries {:?}", self.tries),
            format!("sent {:?}", self.sent),
            format!("failures in a row {:?}", self.failures),
            format!("spent {:?}", self.spent),
            format!("held {}", self.held),
            format!("time adds up: {}", self.time_adds_up),
        ]
    }
}

pub(super) fn answered(text: &str, by: &str, retries: usize, instead_of: Option<&str>) -> String {
    format!("`{text}` by {by} after {retries} retries, instead of {instead_of:?}")
}

pub(super) fn failed(category: &str, retry_after: Option<Duration>) -> String {
    format!("failed: {category}, back in {retry_after:?}")
}

pub(super) fn tried(
    provider: &str,
    outcome: &str,
    wait: Wait,
    took_s: u64,
    cost: Option<u64>,
) -> String {
    format!("{provider} {outcome}, waited {wait:?}, took {took_s} s, cost {cost:?}")
}

/// The relation of a request's bytes to those of the request before.
pub(super) enum Bytes {
    /// The bytes differ.
    New,
    /// The bytes are the same.
    Again,
}

/// Returns a request in words.
pub(super) fn sent(bytes: Bytes, delivery: Delivery) -> String {
    let bytes = match bytes {
        Bytes::New => "new",
        Bytes::Again => "again",
    };
    format!("{bytes}, {}", delivery.as_str())
}
