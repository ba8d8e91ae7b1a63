//! The tokens that a response counts, in one shape for all formats: each input token once, and
//! reasoning as a part of the output.
//!
//! Read apart from the answer, so that an odd count spoils none. Where a count is odd, missing or
//! beyond any model, nothing is known: the caller has to take the issuer's word.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::sse;
use crate::certificate::json;
use crate::certificate::recorded::RecordedResponse;
use crate::model::{Dialect, Usage};

/// What the documents of a response, read one by one, have told.
#[derive(Default)]
struct Tally {
    usage: Option<Usage>,
    /// Anthropic's counts, each the newest.
    counts: Map<String, Value>,
    /// Whether Gemini's counts are final.
    ended: bool,
}

/// What the response says that it used.
pub(in crate::certificate) fn usage(
    dialect: Dialect,
    response: &RecordedResponse,
) -> Option<Usage> {
    let take: fn(&mut Tally, &Value) -> ControlFlow<()> = match dialect {
        Dialect::OpenAi => openai,
        Dialect::Anthropic => anthropic,
        Dialect::Gemini => gemini,
        Dialect::Own => return None,
    };
    if !(200..300).contains(&response.status) {
        return None;
    }
    let body = response.body.as_bytes();
    let mut tally = Tally::default();
    if sse::is_stream(response) {
        let events = sse::events(body).ok()?;
        for event in events.iter().take_while(|event| !sse::is_end(&event.data)) {
            // What follows the end is none of the answer.
            if take(&mut tally, &json::parse(event.data.as_bytes()).ok()?).is_break() {
                break;
            }
        }
    } else {
        tally.ended = true;
        let _ = take(&mut tally, &json::parse(body).ok()?);
    }
    tally.usage.filter(Usage::is_plausible)
}

/// The newest complete count: some servers send one with every chunk.
fn openai(tally: &mut Tally, chunk: &Value) -> ControlFlow<()> {
    tally.usage = chunk.get("usage").and_then(openai_usage).or(tally.usage);
    ControlFlow::Continue(())
}

/// <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage>
fn openai_usage(usage: &Value) -> Option<Usage> {
    // `prompt_tokens` has the cached ones in it; DeepSeek has a name of its own for those.
    let cached = match count(usage, "/prompt_tokens_details/cached_tokens")? {
        Some(cached) => cached,
        None => or_zero(usage, "/prompt_cache_hit_tokens")?,
    };
    let written = or_zero(usage, "/prompt_tokens_details/cache_write_tokens")?;
    let prompt = count(usage, "/prompt_tokens")??;
    Some(Usage {
        input_uncached: prompt.saturating_sub(cached).saturating_sub(written),
        cache_read: cached,
        cache_write: written,
        output: count(usage, "/completion_tokens")??,
        reasoning: or_zero(usage, "/completion_tokens_details/reasoning_tokens")?,
    })
}

/// A stream counts its input at its start and its output with the reason for its end; the
/// output of the start is that of the first moment.
fn anthropic(tally: &mut Tally, event: &Value) -> ControlFlow<()> {
    let (place, is_start) = match event.get("type").and_then(Value::as_str) {
        Some("message_start") => ("/message/usage", true),
        Some("message_stop") => return ControlFlow::Break(()),
        _ => ("/usage", false),
    };
    if let Some(told) = event.pointer(place).and_then(Value::as_object) {
        let is_early = |name: &str| is_start && name == "output_tokens";
        let told = told.iter().filter(|(name, count)| !count.is_null() && !is_early(name));
        tally.counts.extend(told.map(|(name, count)| (name.clone(), count.clone())));
        tally.usage = anthropic_usage(&Value::Object(tally.counts.clone()));
    }
    ControlFlow::Continue(())
}

/// <https://platform.claude.com/docs/en/api/messages#usage>
fn anthropic_usage(usage: &Value) -> Option<Usage> {
    Some(Usage {
        // Without the cached ones.
        input_uncached: count(usage, "/input_tokens")??,
        cache_read: or_zero(usage, "/cache_read_input_tokens")?,
        cache_write: or_zero(usage, "/cache_creation_input_tokens")?,
        output: count(usage, "/output_tokens")??,
        reasoning: or_zero(usage, "/output_tokens_details/thinking_tokens")?,
    })
}

/// Before the end, the output is that of the moment.
fn gemini(tally: &mut Tally, response: &Value) -> ControlFlow<()> {
    let ends = ["/candidates/0/finishReason", "/promptFeedback/blockReason"];
    let is_there = |place: &&str| response.pointer(place).is_some_and(Value::is_string);
    tally.ended |= ends.iter().any(is_there);
    if tally.ended {
        tally.usage = response.get("usageMetadata").and_then(gemini_usage).or(tally.usage);
    }
    ControlFlow::Continue(())
}

/// A field that is zero is left out.
/// <https://ai.google.dev/api/generate-content#UsageMetadata>
fn gemini_usage(usage: &Value) -> Option<Usage> {
    // Cached tokens are in the prompt's count; the results of tools, and thoughts, are in none.
    let cached = or_zero(usage, "/cachedContentTokenCount")?;
    let prompt = count(usage, "/promptTokenCount")??.saturating_sub(cached);
    let thoughts = or_zero(usage, "/thoughtsTokenCount")?;
    Some(Usage {
        input_uncached: prompt.saturating_add(or_zero(usage, "/toolUsePromptTokenCount")?),
        cache_read: cached,
        cache_write: 0,
        output: or_zero(usage, "/candidatesTokenCount")?.saturating_add(thoughts),
        reasoning: thoughts,
    })
}

/// The count at a place: `Some(None)` where there is none, `None` where something else stands there,
/// or above it.
fn count(usage: &Value, place: &str) -> Option<Option<u64>> {
    let (above, _) = place.rsplit_once('/')?;
    if usage.pointer(above).is_some_and(|above| !above.is_object() && !above.is_null()) {
        return None;
    }
    match usage.pointer(place) {
        None | Some(Value::Null) => Some(None),
        Some(there) => there.as_u64().map(Some),
    }
}

/// The same, where no count is a count of zero.
fn or_zero(usage: &Value, place: &str) -> Option<u64> {
    count(usage, place).map(Option::unwrap_or_default)
}
