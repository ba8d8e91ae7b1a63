//! Compiles preflight, reliability, receipts and output: numbers, each default with its reason.

use std::time::Duration;

use crate::config::diagnostic::Collector;
use crate::config::raw::RawPolicy;
use crate::config::raw_output::{RawAuto, RawDetail, RawHandOff};
use crate::policy::{Detail, HandOff, Output, PreflightRules, Receipts, Reliability};

use super::Compilation;
use super::routes::usd;

impl Compilation<'_> {
    /// Compiles the check of prices before a call.
    pub(super) fn preflight(
        &self,
        raw: &RawPolicy,
        problems: &mut Collector<'_>,
    ) -> PreflightRules {
        let default = PreflightRules::default();
        let Some(raw) = &raw.cost_preflight else { return default };
        let (warn, block) = (raw.warn_usd.and_then(usd), raw.block_usd.and_then(usd));
        if let (Some(warn), Some(block)) = (warn, block)
            && warn > block
        {
            problems.warning(
                self.root.place_of(&["cost_preflight".into(), "warn_usd".into()]),
                format!("`warn_usd` ({warn}) is above `block_usd` ({block}) and never shows"),
                "lower it",
            );
        }
        PreflightRules {
            enabled: raw.enabled.unwrap_or(default.enabled),
            milli_chars_per_token: raw
                .chars_per_token
                .map_or(default.milli_chars_per_token, thousandths),
            warn,
            block,
        }
    }

    /// Compiles where receipts go; `None` if they are not written.
    pub(super) fn receipts(&self, raw: &RawPolicy) -> Option<Receipts> {
        let raw = raw.receipts.as_ref()?;
        Some(Receipts {
            dir: self.directory.map_or_else(|| raw.dir.clone().into(), |base| base.join(&raw.dir)),
            bundle: raw.bundle.unwrap_or(false),
            keep: raw.keep.unwrap_or(256),
        })
    }
}

/// Converts a number to thousandths. The schema bounds it to between 0.1 and 100.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn thousandths(number: f64) -> u64 {
    (number * 1_000.0).round() as u64
}

/// Compiles deadlines, retries and the circuit breaker.
pub(super) fn reliability(raw: &RawPolicy) -> Reliability {
    let raw = raw.reliability.as_ref();
    let retry = raw.and_then(|raw| raw.retry.as_ref());
    let breaker = raw.and_then(|raw| raw.breaker.as_ref());
    let seconds = |given: Option<f64>, default: u64| {
        given.map_or(Duration::from_secs(default), Duration::from_secs_f64)
    };
    Reliability {
        // Clients give up after minutes. Five minutes leave room for a slow model and one fallback.
        deadline: seconds(raw.and_then(|raw| raw.deadline_s), 300),
        // Four attempts outlast the common burst of 429. More would only spend the deadline.
        max_retries: retry.and_then(|retry| retry.max_retries).unwrap_or(3),
        base_delay: seconds(retry.and_then(|retry| retry.base_delay_s), 1),
        max_delay: seconds(retry.and_then(|retry| retry.max_delay_s), 30),
        // Five failures in a row are no coincidence at any sensible error rate.
        failure_threshold: breaker.and_then(|breaker| breaker.failure_threshold).unwrap_or(5),
        // A minute is the window of most providers' rate limits.
        cooldown: seconds(breaker.and_then(|breaker| breaker.cooldown_s), 60),
    }
}

/// Compiles what results hold, how large they are, and when a call is handed off.
pub(super) fn output(raw: &RawPolicy) -> Output {
    let default = Output::default();
    let Some(raw) = &raw.output else { return default };
    Output {
        max_chars: raw.max_chars.unwrap_or(default.max_chars),
        max_bytes_in_flight: raw
            .max_bytes_in_flight_mb
            .map_or(default.max_bytes_in_flight, |mb| (mb as usize).saturating_mul(1 << 20)),
        hand_off: match raw.handoff_after_s {
            None | Some(RawHandOff::Word(RawAuto::Auto)) => HandOff::Auto,
            Some(RawHandOff::Seconds(0.0)) => HandOff::Never,
            Some(RawHandOff::Seconds(seconds)) => HandOff::After(Duration::from_secs_f64(seconds)),
        },
        detail: match raw.detail {
            None | Some(RawDetail::Full) => Detail::Full,
            Some(RawDetail::Brief) => Detail::Brief,
        },
    }
}
