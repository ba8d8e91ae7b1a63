//! Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

use serde::Deserialize;
use serde_json::{Value, json};

use super::places::Holds;
use super::{Format, Name, Reply, SCHEMA_NAME};

/// The `openai` dialect.
pub(super) struct OpenAi;

impl Format for OpenAi {
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

    type Document = Document;

    fn take(document: Document, reply: &mut Reply) -> Result<(), String> {
        document.model.settle(&mut reply.model, "model")?;
        document.id.settle(&mut reply.response_id, "response id")?;
        // A stream's last event may have none: it carries the usage.
        let choice = document.choices.ok_or("it has no `choices`")?.into_iter().next();
        let message = choice.and_then(|choice| choice.message.or(choice.delta));
        match message.and_then(|message| message.content) {
            Some(Content::Text(text)) => reply.text.push_str(&text),
            Some(Content::Parts(parts)) => {
                reply.text.extend(parts.into_iter().filter_map(|part| part.text));
            }
            None => {}
        }
        Ok(())
    }
}

#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    model: Name,
    #[serde(default)]
    id: Name,
    choices: Option<Vec<Choice>>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Message>,
    delta: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

/// Text, or (some compatible servers) a list of parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Piece>),
}

#[derive(Deserialize)]
struct Piece {
    text: Option<String>,
}
