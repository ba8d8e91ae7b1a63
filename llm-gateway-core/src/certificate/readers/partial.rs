//! The state of a response while its documents are read one by one.

use serde_json::Value;

use super::ReadResponse;
use super::name::ReportedName;
use super::reasons::{self, AnswerEnd};
use super::usage::TokenCounts;
use crate::certificate::effort;
use crate::model::Usage;

/// The largest number of names that a response may give its model beside the first. Comparing a
/// stream of names would take the square of its length.
const MOST_OTHER_MODELS: usize = 7;

/// A response of which a part has been read.
#[derive(Debug, Default)]
pub(super) struct PartialResponse {
    pub(super) reply: ReadResponse,
    /// The ending of the answer, if the response states one.
    pub(super) ending: Option<AnswerEnd>,
    /// Whether the last document was read. Nothing after it belongs to the answer.
    pub(super) done: bool,
    /// Whether the answer contains an error.
    pub(super) has_error: bool,
    /// The reason why the response is not an answer, although it can be read on.
    pub(super) fault: Option<String>,
    /// Whether the events have ids of their own.
    is_numbered: bool,
    counts: TokenCounts,
    /// Whether output was counted with or after the last text.
    is_counted: bool,
}

impl PartialResponse {
    /// Adds text to the answer.
    pub(super) fn say(&mut self, text: &str) {
        effort::add(text.len());
        self.is_counted &= text.is_empty();
        self.reply.text.push_str(text);
    }

    /// Adds the new part of a text that repeats the whole answer so far.
    pub(super) fn say_whole(&mut self, text: &str) {
        effort::add(text.len());
        let more = text.strip_prefix(self.reply.text.as_str()).map(str::to_owned);
        self.say(&more.unwrap_or_default());
    }

    /// Restores an earlier state of the answer: the first `length` bytes of its text, and its
    /// ending then. Token counts so far no longer count, because they include more than this
    /// answer.
    pub(super) fn take_back(&mut self, length: usize, ending: Option<AnswerEnd>) {
        self.reply.text.truncate(length);
        self.ending = ending;
        self.is_counted = false;
    }

    /// Sets the reason why the model stopped. An empty reason is ignored.
    pub(super) fn stop(&mut self, reason: Option<String>) {
        self.ending = reason.as_deref().and_then(reasons::ending).or(self.ending);
    }

    /// Adds a report of tokens, after the text of the same document.
    pub(super) fn count(&mut self, report: Option<&Value>) {
        let counts = TokenCounts::of(report);
        self.is_counted |= counts.has_output();
        self.counts.add(counts);
    }

    /// Adds a report from the beginning of an answer, whose output is not final.
    pub(super) fn count_input(&mut self, report: Option<&Value>) {
        self.counts.add(TokenCounts::of(report).without_output());
    }

    /// Adds a name of the model that answers. All distinct names are kept in their order, whether
    /// or not they name one model.
    pub(super) fn name_model(&mut self, name: &ReportedName) {
        let ReadResponse { model, other_models, .. } = &mut self.reply;
        let Some(name) = name.kept() else { return };
        let Some(first) = model else {
            *model = Some(name.into_owned());
            return;
        };
        if *first == name || other_models.iter().any(|known| *known == name) {
            return;
        }
        if other_models.len() < MOST_OTHER_MODELS {
            other_models.push(name.into_owned());
        } else {
            self.fault.get_or_insert_with(|| {
                format!("it names more than {} models", MOST_OTHER_MODELS + 1)
            });
        }
    }

    /// Sets the id of the response. Some servers give each event of a stream an id of its own
    /// (<https://github.com/microsoft/foundry-local/issues/144>); the whole response then has no
    /// id.
    pub(super) fn identify(&mut self, id: &ReportedName) {
        let Some(id) = id.kept() else { return };
        match &self.reply.response_id {
            Some(known) => self.is_numbered |= *known != id,
            None => self.reply.response_id = Some(id.into_owned()),
        }
    }

    /// Returns the tokens that the response says it used, if it ended and counted them at its end.
    /// An earlier count is not that of the answer.
    pub(super) fn usage(&self) -> Option<Usage> {
        let has_ended = self.done || self.ending.is_some();
        let is_final = self.is_counted || self.reply.text.is_empty();
        let has_text = !self.reply.text.trim().is_empty();
        let usage = self
            .counts
            .usage()
            .filter(|usage| !has_text || (usage.input() > 0 && usage.output > 0));
        usage.filter(|usage| has_ended && is_final && usage.is_plausible())
    }

    /// Returns the answer, after all of its documents were read.
    ///
    /// # Errors
    /// The response is not an answer; the text says why.
    pub(super) fn into_answer(self) -> Result<ReadResponse, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.ending == Some(AnswerEnd::Failed) {
            return Err("it ended with a failure".to_owned());
        }
        if self.reply.text.trim().is_empty() {
            return Err("there is no text in it".to_owned());
        }
        let response_id = self.reply.response_id.filter(|_| !self.is_numbered);
        Ok(ReadResponse { response_id, ..self.reply })
    }
}
