//! Reads Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

use serde_json::{Value, json};

use super::name::ReportedName;
use super::partial::PartialResponse;
use super::places::Holds;
use super::reasons::AnswerEnd;
use super::{Format, SCHEMA_NAME, complaint, fields};

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

    const STREAM_FIELDS: &'static [&'static str] = &["stream", "stream_options"];

    type Progress = ChoiceLog;

    const END: Option<&'static str> = Some("[DONE]");

    fn is_error(document: &Value) -> bool {
        complaint::is_one(document) || complaint::is_sentence(document)
    }

    fn whole(document: &Value, partial: &mut PartialResponse) -> Result<(), String> {
        names(document, partial);
        let choices = fields::objects(document.get("choices"));
        let first = choices.first().ok_or("it has no `choices`");
        let is_answer = first.map(|choice| take(choice, partial));
        count(document, partial);
        is_answer.map_err(str::to_owned)
    }

    /// Reads an event. The last event may have no choice, only the usage.
    fn event(_: &str, document: &Value, log: &mut ChoiceLog, partial: &mut PartialResponse) {
        names(document, partial);
        let choices = fields::objects(document.get("choices"));
        let are_several = choices.len() > 1;
        let mut own = Vec::new();
        for choice in choices {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            if log.belongs(index, are_several, partial) {
                own.push(choice);
            }
        }
        own.first().into_iter().for_each(|choice| take(choice, partial));
        count(document, partial);
    }

    /// Returns whether the answer is complete. A proxy writes `[DONE]` even after an answer that
    /// broke off, so the model's own reason for stopping is required as well.
    fn is_ended(partial: &PartialResponse) -> bool {
        partial.done && partial.ending.is_some()
    }
}

/// Adds the counts in `usage`, and those beside the choices, which some proxies write.
fn count(document: &Value, partial: &mut PartialResponse) {
    partial.count(document.get("usage"));
    let counted = |name: &&str| Some(((*name).to_owned(), document.get(name)?.clone()));
    let beside: serde_json::Map<String, Value> = COUNT_NAMES.iter().filter_map(counted).collect();
    if !beside.is_empty() {
        partial.count(Some(&Value::Object(beside)));
    }
}

/// The names of counts beside the choices.
const COUNT_NAMES: [&str; 5] =
    ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"];

/// Adds the model's id and the id of the response.
fn names(document: &Value, partial: &mut PartialResponse) {
    partial.name_model(&ReportedName::at(document.get("model")));
    partial.identify(&ReportedName::at(document.get("id")));
}

/// Adds the text of a choice, which is in a delta or, from some servers, in a whole message or in a
/// field of the older Completions.
fn take(choice: &Value, partial: &mut PartialResponse) {
    let at = |place: &str| choice.pointer(place);
    let errors = ["/error", "/message/error", "/delta/error"];
    partial.has_error |= errors.into_iter().filter_map(at).any(complaint::says_something);
    partial.say(&fields::texts(at("/text")));
    partial.say(&fields::texts(at("/delta/content")));
    partial.say_whole(&fields::texts(at("/message/content")));
    partial.stop(fields::text(at("/finish_reason")));
    // Moonshot counts tokens here.
    partial.count(at("/usage"));
}

/// The choices that a stream has had so far.
///
/// One answer is requested, and some servers count events by `index`. A new index is therefore
/// another answer only if the stream shows that there are several: one event has two choices, an
/// index comes back, or a new index follows an answer that has ended. The first answer then counts.
#[derive(Default)]
pub(super) struct ChoiceLog {
    /// The index that came first.
    first: Option<u64>,
    /// The index that came last.
    latest: u64,
    /// The state of the answer before an index other than the first came: the length of its text,
    /// and its ending.
    before_others: Option<(usize, Option<AnswerEnd>)>,
    are_several: bool,
}

impl ChoiceLog {
    /// Records the next choice, and returns whether it belongs to the answer.
    fn belongs(&mut self, index: u64, beside_another: bool, partial: &mut PartialResponse) -> bool {
        let first = *self.first.get_or_insert(index);
        let mut shows_several = beside_another || index < self.latest;
        if index != first && self.before_others.is_none() {
            shows_several |= partial.ending.is_some();
            self.before_others = Some((partial.reply.text.len(), partial.ending));
        }
        if shows_several && !self.are_several {
            self.are_several = true;
            if let Some((length, ending)) = self.before_others {
                partial.take_back(length, ending);
            }
        }
        self.latest = index;
        index == first || !self.are_several
    }
}
