//! Reads the Messages API: <https://platform.claude.com/docs/en/api/messages>, and its stream:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::places::Holds;
use super::usage::{Tally, count, or_zero};
use super::{Format, PartialResponse, ReportedName};
use crate::model::Usage;

/// The reader of the dialect `anthropic`.
pub(super) struct AnthropicReader;

impl Format for AnthropicReader {
    const PLACES: &'static [(&'static str, Holds)] = &[
        ("/model", Holds::Model),
        ("/system", Holds::System),
        ("/messages/*/role", Holds::Speaker { user: "user", system: None }),
        ("/messages/*/content", Holds::Said),
        ("/messages/*/content/*/type", Holds::Word("text")),
        ("/messages/*/content/*/text", Holds::Said),
        ("/max_tokens", Holds::Whole),
        ("/stream", Holds::Truth),
    ];

    fn schema(schema: &Value) -> Vec<(&'static str, Value)> {
        let format = json!({"type": "json_schema", "schema": schema});
        vec![("/output_config", json!({"format": format}))]
    }

    fn paths(_model: &str) -> Vec<String> {
        vec!["/v1/messages".to_owned()]
    }

    type Whole = AnthropicDocument;

    type Event = AnthropicEvent;

    const END: Option<&'static str> = None;

    fn whole(whole: AnthropicDocument, partial: &mut PartialResponse) -> Result<(), String> {
        whole.names(partial)?;
        let blocks = whole.content.ok_or("it has no `content`")?;
        partial.reply.text.extend(blocks.into_iter().filter_map(ContentBlock::text));
        Ok(())
    }

    fn event(event: AnthropicEvent, partial: &mut PartialResponse) -> Result<(), String> {
        match event {
            // Its content is still empty.
            AnthropicEvent::MessageStart { message } => message.names(partial)?,
            AnthropicEvent::ContentBlockStart { content_block } => {
                partial.reply.text.extend(content_block.text());
            }
            AnthropicEvent::ContentBlockDelta { delta } => partial.reply.text.extend(delta.text()),
            AnthropicEvent::MessageStop => partial.done = true,
            AnthropicEvent::Other => {}
        }
        Ok(())
    }

    fn is_ended(partial: &PartialResponse) -> bool {
        partial.done
    }

    /// A stream states its input at its start, and its output together with the reason for its end.
    /// The output at its start is not final.
    fn usage(event: &Value, tally: &mut Tally) -> ControlFlow<()> {
        let (place, is_start) = match event.get("type").and_then(Value::as_str) {
            Some("message_start") => ("/message/usage", true),
            Some("message_stop") => return ControlFlow::Break(()),
            _ => ("/usage", false),
        };
        if let Some(told) = event.pointer(place).and_then(Value::as_object) {
            let is_early = |name: &str| is_start && name == "output_tokens";
            let told = told.iter().filter(|(name, count)| !count.is_null() && !is_early(name));
            tally.counts.extend(told.map(|(name, count)| (name.clone(), count.clone())));
            tally.usage = usage_from(&Value::Object(tally.counts.clone()));
        }
        ControlFlow::Continue(())
    }
}

/// An event of a stream. The end of a block, the reason why the model stopped, `ping` and event
/// types to come add no text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum AnthropicEvent {
    MessageStart {
        message: AnthropicDocument,
    },
    ContentBlockStart {
        content_block: ContentBlock,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

/// A response that is not a stream, or the beginning of a stream.
#[derive(Deserialize)]
pub(super) struct AnthropicDocument {
    #[serde(default)]
    model: ReportedName,
    #[serde(default)]
    id: ReportedName,
    content: Option<Vec<ContentBlock>>,
}

impl AnthropicDocument {
    /// Takes the model's id and the id of the response.
    fn names(&self, partial: &mut PartialResponse) -> Result<(), String> {
        self.model.settle(&mut partial.reply.model, "model")?;
        partial.identify(&self.id)
    }
}

#[derive(Deserialize)]
pub(super) struct ContentBlock {
    r#type: Option<String>,
    text: Option<String>,
}

impl ContentBlock {
    /// Returns the text of a text block. Thinking, tool use and block types to come have none.
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.r#type.as_deref() == Some("text"))
    }
}

#[derive(Deserialize)]
pub(super) struct BlockDelta {
    r#type: Option<String>,
    text: Option<String>,
}

impl BlockDelta {
    /// Returns the text of a text delta. Thinking, signatures and a tool's input have none.
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.r#type.as_deref() == Some("text_delta"))
    }
}

/// Reads the counts, as documented at <https://platform.claude.com/docs/en/api/messages#usage>.
fn usage_from(usage: &Value) -> Option<Usage> {
    Some(Usage {
        // Cached tokens are not included in this count.
        input_uncached: count(usage, "/input_tokens")??,
        cache_read: or_zero(usage, "/cache_read_input_tokens")?,
        cache_write: or_zero(usage, "/cache_creation_input_tokens")?,
        output: count(usage, "/output_tokens")??,
        reasoning: or_zero(usage, "/output_tokens_details/thinking_tokens")?,
    })
}
