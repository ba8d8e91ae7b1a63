//! An answer of Chat Completions, or a chunk of one, as OpenAI and compatible servers write it.
//!
//! Compatible servers leave out fields that they do not know, send them as `null`, or put them
//! elsewhere. So every field but the choice is optional, and a chunk may hold a whole message.

use serde::Deserialize;
use serde_json::Value;

use crate::model::NanoUsd;
use crate::provider::dialect::ErrorReport;
use crate::provider::dialect::assembly::Pieces;
use crate::provider::dialect::counts::Counts;
use crate::provider::dialect::lenient::{lenient, list, name, text, texts};

/// The highest reported cost that is believed; a higher one is taken for another unit. It is the
/// cost of ten million tokens, more than any context holds, at the highest price that a model may
/// have ($1 000 per million).
const LARGEST_COST: NanoUsd = NanoUsd::from_nanos(10_000 * 1_000_000_000);

/// A whole answer of Chat Completions, or a chunk.
#[derive(Deserialize)]
pub(super) struct Chat {
    #[serde(default, deserialize_with = "list")]
    pub(super) choices: Vec<Choice>,
    #[serde(default, deserialize_with = "name")]
    id: Option<String>,
    #[serde(default, deserialize_with = "name")]
    model: Option<String>,
    #[serde(default, deserialize_with = "name")]
    service_tier: Option<String>,
    #[serde(default)]
    usage: Value,
    // Some proxies count tokens here, beside the choices.
    #[serde(default)]
    prompt_tokens: Value,
    #[serde(default)]
    completion_tokens: Value,
    #[serde(default)]
    input_tokens: Value,
    #[serde(default)]
    output_tokens: Value,
    #[serde(default)]
    total_tokens: Value,
}

/// One choice, of several that a request can ask for. The gateway asks for one.
#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<SpokenText>,
    #[serde(default, deserialize_with = "lenient")]
    delta: Option<SpokenText>,
    /// The text of the choice, in the field of the older Completions.
    #[serde(default, deserialize_with = "texts")]
    text: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    finish_reason: Option<String>,
    /// The failure of the provider behind OpenRouter.
    #[serde(default)]
    error: Value,
    /// The token counts of the answer, in Moonshot's place.
    #[serde(default)]
    usage: Value,
}

/// The text that a model says. Reasoning and tool calls are not text for the caller.
#[derive(Deserialize)]
struct SpokenText {
    #[serde(default, deserialize_with = "texts")]
    content: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    refusal: Option<String>,
    #[serde(default)]
    error: Value,
}

impl Chat {
    /// Adds the whole answer or the chunk to the pieces of the answer.
    pub(super) fn into_pieces(self, pieces: &mut Pieces) {
        let counts = self.counts_beside_choices();
        let Self { choices, usage, .. } = self;
        pieces.name(self.model, self.id);
        pieces.service_tier = self.service_tier.or(pieces.service_tier.take());
        for choice in choices.into_iter().take(1) {
            choice.into_pieces(pieces);
        }
        count(&usage, pieces);
        pieces.count(counts);
    }

    /// Returns the token counts beside the choices.
    fn counts_beside_choices(&self) -> Counts {
        let named = [
            ("prompt_tokens", &self.prompt_tokens),
            ("completion_tokens", &self.completion_tokens),
            ("input_tokens", &self.input_tokens),
            ("output_tokens", &self.output_tokens),
            ("total_tokens", &self.total_tokens),
        ];
        let there = named.into_iter().filter(|(_, count)| !count.is_null());
        let report: serde_json::Map<String, Value> =
            there.map(|(name, count)| (name.to_owned(), count.clone())).collect();
        if report.is_empty() { Counts::default() } else { Counts::of(&Value::Object(report)) }
    }
}

impl Choice {
    fn into_pieces(self, pieces: &mut Pieces) {
        let reports = [Some(&self.error), self.message.as_ref().map(|spoken| &spoken.error)];
        let reports = reports.into_iter().chain([self.delta.as_ref().map(|spoken| &spoken.error)]);
        let error = reports.flatten().find_map(ErrorReport::standing_at);
        pieces.error = pieces.error.take().or(error);
        self.text.iter().for_each(|text| pieces.push(text));
        if let Some(delta) = self.delta {
            delta.content.iter().for_each(|text| pieces.push(text));
            delta.into_pieces(pieces);
        }
        if let Some(message) = self.message {
            pieces.push_whole(&message.content.concat());
            message.into_pieces(pieces);
        }
        pieces.stop(self.finish_reason);
        count(&self.usage, pieces);
    }
}

impl SpokenText {
    /// Adds the text and the words of a refusal to the pieces of the answer.
    fn into_pieces(self, pieces: &mut Pieces) {
        pieces.refusal.push_str(&self.refusal.unwrap_or_default());
    }
}

/// Adds a report of tokens, and of OpenRouter's charge: credits of one dollar
/// (<https://openrouter.ai/docs/use-cases/usage-accounting>).
fn count(usage: &Value, pieces: &mut Pieces) {
    pieces.count(Counts::of(usage));
    let tier = usage.get("service_tier").and_then(Value::as_str).map(str::to_owned);
    pieces.service_tier = pieces.service_tier.take().or(tier);
    pieces.reported_cost = usage.get("cost").and_then(cost).or(pieces.reported_cost);
}

/// Reads an amount, as a number or as text. An implausible amount is treated as absent.
fn cost(reported: &Value) -> Option<NanoUsd> {
    let usd = match reported {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    NanoUsd::from_usd_rounded_down(usd).filter(|amount| *amount <= LARGEST_COST)
}

#[cfg(test)]
mod tests {
    use super::super::OpenAi;
    use super::*;
    use crate::model::Usage;
    use crate::provider::dialect::WireFormat;

    #[test]
    fn a_cost_that_is_no_amount_is_absent_and_the_answer_stays() {
        let reported = |cost: &str| {
            let body = format!(
                r#"{{"choices": [{{"message": {{"content": "hi"}}}}],
                    "usage": {{"prompt_tokens": 1, "completion_tokens": 2, "cost": {cost}}}}}"#
            );
            let decoded = OpenAi::decode(body.as_bytes()).unwrap();
            let usage = decoded.usage.map(|reported| reported.usage);
            assert_eq!(usage, Some(Usage::new(1, 2)), "{cost}");
            decoded.reported_cost.map(NanoUsd::as_nanos)
        };
        assert_eq!(reported("0.95"), Some(950_000_000));
        assert_eq!(reported(r#"" 9.5e-7 ""#), Some(950));
        assert_eq!(reported("10000"), Some(10_000_000_000_000));
        let text = [r#""""#, r#""$1""#, r#""NaN""#, r#""inf""#, r#""1e400""#, r#""-1""#];
        let other = ["null", "-1e-9", "10000.01", "1e300", "true", "[0.95]"];
        for bad in text.into_iter().chain(other) {
            assert_eq!(reported(bad), None, "{bad}");
        }
    }
}
