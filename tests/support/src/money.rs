//! Reads the amounts of envelopes exactly.

use serde_json::Value;

/// Returns an amount of US dollars in nano-dollars.
///
/// The function reads the decimals, so that it distinguishes two amounts that are equal as floats.
///
/// # Panics
/// Panics if the value is no amount, or finer than a nano-dollar.
pub fn nanos(usd: &Value) -> u64 {
    let usd = usd.as_f64().unwrap_or_else(|| panic!("{usd} is no amount"));
    // Rust prints the shortest decimal that is this number, and never `1e-9`.
    let text = usd.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    assert!(decimals.len() <= 9, "{text} is finer than a nano-dollar");
    format!("{whole}{decimals:0<9}").parse().unwrap()
}
