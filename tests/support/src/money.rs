//! Amounts in envelopes, read to the nano-dollar.

use serde_json::Value;

/// An amount of dollars in nano-dollars, by its decimals: two amounts that a float could not
/// tell apart, or a digit below the nano-dollar, would show.
///
/// # Panics
/// When it is no amount, or finer than a nano-dollar.
pub fn nanos(usd: &Value) -> u64 {
    let usd = usd.as_f64().unwrap_or_else(|| panic!("{usd} is no amount"));
    // Rust prints the shortest decimal that is this number, never as `1e-9`.
    let text = usd.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    assert!(decimals.len() <= 9, "{text} is finer than a nano-dollar");
    format!("{whole}{decimals:0<9}").parse().unwrap()
}
