//! Reads Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::places::Holds;
use super::usage::{Tally, count, or_zero};
use super::{Format, PartialResponse, ReportedName, SCHEMA_NAME, complaint, sse};
use crate::model::Usage;

/// The reader of the dialect `openai`.
pub(super) struct OpenAiReader;

impl Format for OpenAiReader {
    const PLACES: &'static [(&'static str, Holds)] = &[
        ("/model", Holds::Model),
        ("/messages/*/role", Holds::Speaker { user: "user", system: Some("system") }),
        ("/messages/*/content", Holds::Said),
        ("/messages/*/content/*/type", Holds::Word("text")),
        ("/messages/*/content/*/text", Holds::Said),
        ("/max_tokens", Holds::Whole),
        ("/max_completion_tokens", Holds::Whole),
        ("/stream", Holds::Truth),
        ("/stream_options/include_usage", Holds::Truth),
    ];

    fn schema(schema: &Value) -> Vec<(&'static str, Value)> {
        let json_schema = json!({"name": SCHEMA_NAME, "strict": true, "schema": schema});
        let format = json!({"type": "json_schema", "json_schema": json_schema});
        vec![("/response_format", format)]
    }

    fn paths(_model: &str) -> Vec<String> {
        vec!["/chat/completions".to_owned()]
    }

    type Whole = OpenAiDocument;

    type Event = OpenAiDocument;

    const END: Option<&'static str> = Some(sse::END);

    fn whole(document: OpenAiDocument, partial: &mut PartialResponse) -> Result<(), String> {
        document.names(partial)?;
        let choice = document.choices.ok_or("it has no `choices`")?.into_iter().next();
        partial.reply.text.extend(choice.and_then(|choice| choice.message).map(ChatMessage::text));
        Ok(())
    }

    fn event(document: OpenAiDocument, partial: &mut PartialResponse) -> Result<(), String> {
        document.names(partial)?;
        if document.choices.is_none() && document.usage.is_none() {
            complaint::check_sentence(document.message.as_ref())?;
        }
        // The last event may have no choice, only the usage. Only one answer is requested.
        let choices = document.choices.into_iter().flatten();
        for choice in choices.filter(ChatChoice::is_first) {
            partial.reply.text.extend(choice.delta.map(ChatMessage::text));
            partial.stopped |= choice.finish_reason.is_some();
        }
        Ok(())
    }

    /// A proxy writes `[DONE]` even after an answer that broke off, so the model's own reason for
    /// stopping is required as well.
    fn is_ended(partial: &PartialResponse) -> bool {
        partial.done && partial.stopped
    }

    /// The last complete count is taken: some servers send one with every chunk.
    fn usage(chunk: &Value, tally: &mut Tally) -> ControlFlow<()> {
        tally.usage = chunk.get("usage").and_then(usage_from).or(tally.usage);
        ControlFlow::Continue(())
    }
}

#[derive(Deserialize)]
pub(super) struct OpenAiDocument {
    #[serde(default)]
    model: ReportedName,
    #[serde(default)]
    id: ReportedName,
    choices: Option<Vec<ChatChoice>>,
    usage: Option<IgnoredAny>,
    /// The message of an error that has no object around it.
    message: Option<Value>,
}

impl OpenAiDocument {
    /// Takes the model's id and the id of the response.
    fn names(&self, partial: &mut PartialResponse) -> Result<(), String> {
        self.model.settle(&mut partial.reply.model, "model")?;
        partial.identify(&self.id)
    }
}

#[derive(Deserialize)]
struct ChatChoice {
    index: Option<Value>,
    message: Option<ChatMessage>,
    delta: Option<ChatMessage>,
    finish_reason: Option<String>,
}

impl ChatChoice {
    /// Returns whether this is the first answer. A server that supports only one answer may leave
    /// out its index.
    fn is_first(&self) -> bool {
        self.index.as_ref().and_then(Value::as_u64).unwrap_or(0) == 0
    }
}

#[derive(Deserialize)]
struct ChatMessage {
    content: Option<ChatContent>,
}

impl ChatMessage {
    fn text(self) -> String {
        match self.content {
            Some(ChatContent::Text(text)) => text,
            Some(ChatContent::Parts(parts)) => {
                parts.iter().filter_map(|part| part.text.as_ref()?.as_str()).collect()
            }
            None => String::new(),
        }
    }
}

/// A text, or, from some compatible servers, a list of parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum ChatContent {
    Text(String),
    Parts(Vec<ChatPart>),
}

#[derive(Deserialize)]
struct ChatPart {
    text: Option<Value>,
}

/// Reads the counts, as documented at
/// <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage>.
fn usage_from(usage: &Value) -> Option<Usage> {
    // `prompt_tokens` includes the cached tokens, for which DeepSeek has a name of its own.
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
