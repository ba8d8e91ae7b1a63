//! Reads the Messages API: <https://platform.claude.com/docs/en/api/messages>, and its stream:
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use serde_json::{Value, json};

use super::name::ReportedName;
use super::partial::PartialResponse;
use super::places::Holds;
use super::{Format, complaint, fields};

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

    const STREAM_FIELDS: &'static [&'static str] = &["stream"];

    type Progress = ();

    const END: Option<&'static str> = None;

    fn whole(document: &Value, partial: &mut PartialResponse) -> Result<(), String> {
        begin(document, partial);
        partial.count(document.get("usage"));
        match is_message(document) {
            true => Ok(()),
            false => Err("it has no `content`".to_owned()),
        }
    }

    /// Reads an event. Its type is in its data, or only in its name. The end of a block, `ping` and
    /// unknown types add nothing.
    fn event(name: &str, document: &Value, (): &mut (), partial: &mut PartialResponse) {
        let at = |place: &str| document.pointer(place);
        let kind = fields::text(at("/type")).filter(|kind| !kind.is_empty());
        match kind.as_deref().unwrap_or(name) {
            "message_start" => {
                at("/message").into_iter().for_each(|message| begin(message, partial));
            }
            "content_block_start" => block(at("/content_block"), partial),
            "content_block_delta" => block(at("/delta"), partial),
            // Its counts are totals, and come with the reason for the end.
            "message_delta" => {
                partial.stop(fields::text(at("/delta/stop_reason")));
                partial.count(at("/usage"));
            }
            "message_stop" => partial.done = true,
            // A server that cannot stream sends the whole message as one event.
            "" | "message" if is_message(document) => {
                begin(document, partial);
                partial.count(at("/usage"));
                partial.done = true;
            }
            _ => {}
        }
    }

    /// Returns whether the answer is complete. A proxy writes the last event even after an answer
    /// that broke off, so the model's own reason for stopping is required as well.
    fn is_ended(partial: &PartialResponse) -> bool {
        partial.done && partial.ending.is_some()
    }
}

/// Returns whether a document is a message. A content that is null is treated as absent.
fn is_message(document: &Value) -> bool {
    let is_there = |name: &str| document.get(name).is_some_and(|value| !value.is_null());
    let is_named = document.get("type").is_some_and(|kind| kind == "message");
    is_named || is_there("stop_reason") || is_there("content")
}

/// Adds the message at the beginning of a stream. Its count of output is that of this moment.
fn begin(message: &Value, partial: &mut PartialResponse) {
    partial.has_error |= message.get("error").is_some_and(complaint::says_something);
    partial.name_model(&ReportedName::at(message.get("model")));
    partial.identify(&ReportedName::at(message.get("id")));
    let content = match message.get("content") {
        Some(Value::Array(blocks)) => blocks.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    for part in content {
        match part {
            // Some servers write a text instead of a block.
            Value::String(text) => partial.say(text),
            other => block(Some(other), partial),
        }
    }
    partial.stop(fields::text(message.get("stop_reason")));
    partial.count_input(message.get("usage"));
}

/// Adds the text of a block, or of a change of one. Thinking, tool use and unknown types have no
/// text.
fn block(block: Option<&Value>, partial: &mut PartialResponse) {
    let Some(block) = block.filter(|block| block.is_object()) else { return };
    let kind = fields::text(block.get("type")).unwrap_or_default();
    if ["", "text", "text_delta"].contains(&kind.as_str()) {
        partial.say(&fields::texts(block.get("text")));
    }
}
