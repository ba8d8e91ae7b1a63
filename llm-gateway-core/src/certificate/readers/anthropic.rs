//! The Messages API: <https://platform.claude.com/docs/en/api/messages>, and its stream:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use serde::Deserialize;
use serde_json::{Value, json};

use super::places::Holds;
use super::{Draft, Format, Name};

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
