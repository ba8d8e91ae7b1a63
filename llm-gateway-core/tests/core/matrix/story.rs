//! The words in which what should happen and what did can be compared.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Wait;

/// Everything about a request that the contract speaks of, in words.
pub(super) struct Story {
    pub(super) end: String,
    pub(super) tries: Vec<String>,
    pub(super) sent: Vec<String>,
    /// Per provider: its breaker's failures in a row.
    pub(super) failures: BTreeMap<&'static str, u32>,
    /// Per provider: what the ledger has, in nano-dollars.
    pub(super) spent: BTreeMap<&'static str, u64>,
    pub(super) held: u64,
    /// Whether the request took as long as its tries and waits say.
    pub(super) time_adds_up: bool,
}

impl Story {
    /// Where this and what was `seen` differ.
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

/// `again`: byte for byte what was sent before it.
pub(super) fn sent(again: bool, for_a_stream: bool) -> String {
    let (what, delivery) =
        (if again { "again" } else { "new" }, if for_a_stream { "streamed" } else { "whole" });
    format!("{what}, {delivery}")
}
