//! The Messages API: <https://platform.claude.com/docs/en/api/messages>, and its stream:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use serde::Deserialize;
use serde_json::{Value, json};

use super::places::Holds;
use super::{Format, Name, Reply};

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

    type Document = Document;

    fn is_last(document: &Document) -> bool {
        document.r#type.as_deref() == Some("message_stop")
    }

    fn take(document: Document, reply: &mut Reply) -> Result<(), String> {
        match document.r#type.as_deref() {
            Some("message_start") => {
                let Message { model, id, content } =
                    document.message.ok_or("its start has no `message`")?;
                whole(model, id, content, reply)
            }
            Some("content_block_delta") => {
                let delta = document.delta.unwrap_or_default();
                reply.text.extend(delta.text);
                Ok(())
            }
            Some("content_block_start") => {
                reply.text.extend(document.content_block.and_then(Block::text));
                Ok(())
            }
            Some("content_block_stop" | "message_delta" | "message_stop" | "ping") => Ok(()),
            Some("error") => Err("it is an error".to_owned()),
            // A whole response says `message`; servers that only speak like Anthropic may not.
            _ => whole(document.model, document.id, document.content, reply),
        }
    }
}

/// A message, or the one that a stream begins with.
fn whole(
    model: Name,
    id: Name,
    content: Option<Vec<Block>>,
    reply: &mut Reply,
) -> Result<(), String> {
    model.settle(&mut reply.model, "model")?;
    id.settle(&mut reply.response_id, "response id")?;
    let blocks = content.ok_or("it has no `content`")?;
    reply.text.extend(blocks.into_iter().filter_map(Block::text));
    Ok(())
}

/// A whole response, or one event of a stream; each kind has its own fields.
#[derive(Deserialize)]
pub(super) struct Document {
    r#type: Option<String>,
    message: Option<Message>,
    delta: Option<Delta>,
    content_block: Option<Block>,
    #[serde(default)]
    model: Name,
    #[serde(default)]
    id: Name,
    content: Option<Vec<Block>>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    model: Name,
    #[serde(default)]
    id: Name,
    content: Option<Vec<Block>>,
}

#[derive(Deserialize)]
struct Block {
    r#type: Option<String>,
    text: Option<String>,
}

impl Block {
    /// Thinking, tool use and whatever comes next are no text.
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.r#type.as_deref() == Some("text"))
    }
}

/// Only a `text_delta` has a `text`.
#[derive(Default, Deserialize)]
struct Delta {
    text: Option<String>,
}
