//! The Messages API: <https://platform.claude.com/docs/en/api/messages>, and its stream:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::places::Holds;
use super::usage::{Tally, count, or_zero};
use super::{Draft, Format, Name};
use crate::model::Usage;

/// The `anthropic` dialect.
pub(super) struct Anthropic;

impl Format for Anthropic {
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

    type Whole = Message;

    type Event = Event;

    const END: Option<&'static str> = None;

    fn whole(whole: Message, draft: &mut Draft) -> Result<(), String> {
        whole.names(draft)?;
        let blocks = whole.content.ok_or("it has no `content`")?;
        draft.reply.text.extend(blocks.into_iter().filter_map(Block::text));
        Ok(())
    }

    fn event(event: Event, draft: &mut Draft) -> Result<(), String> {
        match event {
            // Its content is empty as yet.
            Event::MessageStart { message } => message.names(draft)?,
            Event::ContentBlockStart { content_block } => {
                draft.reply.text.extend(content_block.text());
            }
            Event::ContentBlockDelta { delta } => draft.reply.text.extend(delta.text()),
            Event::MessageStop => draft.done = true,
            Event::Other => {}
        }
        Ok(())
    }

    fn is_ended(draft: &Draft) -> bool {
        draft.done
    }

    /// A stream counts its input at its start and its output with the reason for its end; the
    /// output of the start is that of the first moment.
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

/// The end of a block, the reason why the model stopped, `ping` and whatever comes next add no
/// text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

/// A whole response, or the beginning of one.
#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    model: Name,
    #[serde(default)]
    id: Name,
    content: Option<Vec<Block>>,
}

impl Message {
    fn names(&self, draft: &mut Draft) -> Result<(), String> {
        self.model.settle(&mut draft.reply.model, "model")?;
        draft.identify(&self.id)
    }
}

#[derive(Deserialize)]
pub(super) struct Block {
    r#type: Option<String>,
    text: Option<String>,
}

impl Block {
    /// Thinking, tool use and whatever comes next are no text.
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.r#type.as_deref() == Some("text"))
    }
}

#[derive(Deserialize)]
pub(super) struct Delta {
    r#type: Option<String>,
    text: Option<String>,
}

impl Delta {
    /// Thinking, signatures and a tool's input are no text.
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.r#type.as_deref() == Some("text_delta"))
    }
}

/// <https://platform.claude.com/docs/en/api/messages#usage>
fn usage_from(usage: &Value) -> Option<Usage> {
    Some(Usage {
        // Without the cached ones.
        input_uncached: count(usage, "/input_tokens")??,
        cache_read: or_zero(usage, "/cache_read_input_tokens")?,
        cache_write: or_zero(usage, "/cache_creation_input_tokens")?,
        output: count(usage, "/output_tokens")??,
        reasoning: or_zero(usage, "/output_tokens_details/thinking_tokens")?,
    })
}
