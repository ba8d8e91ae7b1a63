//! Writes the replies of the offline model: a verdict if an artifact is shown to be judged, a plan
//! if one is asked for, else a few words about the prompt.
//!
//! The gateway's own words in the request show the role, as they do to a real model. Whitespace is
//! ignored, because each dialect may join the parts of a turn in its own way.

use serde_json::json;

use crate::model::{Ask, Frame, Framed, PLANNER_ASK};

use super::request::ParsedRequest;

/// The number of characters of a text that the offline model quotes: enough to recognise the text.
const QUOTED_CHARS: usize = 80;

impl ParsedRequest {
    /// Returns what the offline model says without a script, whatever the bound on output.
    pub(super) fn default_text(&self) -> String {
        let asked = &self.last_user_text;
        if let Some(shown) = ShownArtifact::read(asked) {
            return shown.verdict(None);
        }
        let quote = quoted(task(asked));
        if asked.trim_end().ends_with(PLANNER_ASK.trim()) {
            return plan(&quote);
        }
        let model = &self.model;
        format!("This is an offline answer in the name of {model}. You said: {quote}")
    }

    /// Returns a verifier's refusal for `reason`, in the form that the request asks for.
    pub(super) fn revision(&self, reason: &str) -> String {
        match ShownArtifact::read(&self.last_user_text) {
            Some(shown) => shown.verdict(Some(reason)),
            None => plain(Some(reason)),
        }
    }
}

/// An artifact that a request shows to be judged.
struct ShownArtifact<'a> {
    frame: Frame,
    artifact: &'a str,
    ask: Ask,
}

impl<'a> ShownArtifact<'a> {
    /// Finds an artifact that is followed by a question for a verdict. An artifact may itself hold
    /// lines like those of its frame, but the question at the end of the text follows the real
    /// frame.
    fn read(text: &'a str) -> Option<Self> {
        nonces(text, Framed::Artifact).find_map(|nonce| {
            let frame = Frame::known(Framed::Artifact, nonce)?;
            let (_, shown) = text.split_once(&frame.first_line())?;
            let (artifact, asked) = shown.split_once(&frame.last_line())?;
            let is_asked = |ask: &Ask| frame.ask(*ask).as_str().trim() == asked.trim();
            let ask = Ask::ALL.into_iter().find(is_asked)?;
            Some(Self { frame, artifact: artifact.trim(), ask })
        })
    }

    /// Returns a verdict on the artifact in the form that is asked for: a refusal if there is a
    /// reason, else an acceptance.
    fn verdict(&self, refused: Option<&str>) -> String {
        match self.ask {
            Ask::Plain | Ask::PlainAgain => plain(refused),
            Ask::Structured | Ask::StructuredAgain => {
                let quote: String = self.artifact.chars().take(QUOTED_CHARS).collect();
                let item = json!({
                    "requirement": "The artifact answers the task.",
                    "evidence_quote": quote,
                    "met": if refused.is_some() { "no" } else { "yes" },
                });
                let fault = |what: &str| json!({ "what": what, "where": "", "fix": "" });
                json!({
                    "checklist": [item],
                    "blocking": refused.map(fault).into_iter().collect::<Vec<_>>(),
                    "verdict": if refused.is_some() { "REVISE" } else { "ACCEPT" },
                    "nonce": self.frame.nonce(),
                })
                .to_string()
            }
        }
    }
}

/// Returns a verdict in the plain form: a refusal if there is a reason, else an acceptance.
fn plain(refused: Option<&str>) -> String {
    refused.map_or_else(|| "ACCEPT".to_owned(), |reason| format!("REVISE: {reason}"))
}

/// Returns the nonces in a text: the words in the nonce's place of each first line of a frame of
/// this kind.
fn nonces(text: &str, kind: Framed) -> impl Iterator<Item = &str> {
    let begun = format!("<<<{} ", kind.word());
    text.lines().filter_map(move |line| line.trim().strip_prefix(&begun)?.strip_suffix(">>>"))
}

/// Returns the caller's task in a prompt's text: the part before the first frame and before the
/// planner's question.
fn task(text: &str) -> &str {
    let framed = [Framed::Artifact, Framed::Plan, Framed::Reasons].into_iter().flat_map(|kind| {
        nonces(text, kind).filter_map(move |nonce| Frame::known(kind, nonce)).collect::<Vec<_>>()
    });
    let starts = framed.filter_map(|frame| text.find(frame.opening().as_str().trim()));
    let before = starts.min().and_then(|start| text.get(..start)).unwrap_or(text).trim_end();
    before.strip_suffix(PLANNER_ASK.trim()).unwrap_or(before).trim_end()
}

/// Returns the beginning of a text, as the offline model quotes it.
fn quoted(text: &str) -> String {
    let mut quote: String = text.chars().take(QUOTED_CHARS).collect();
    if quote.len() < text.len() {
        quote.push('…');
    }
    quote
}

/// Returns the offline planner's plan for a task.
fn plan(task: &str) -> String {
    format!(
        "Plan for: {task}\n\n\
         Assumptions:\n\
         - The task is complete as it stands; where it leaves something open, the plainest \
         reading holds.\n\n\
         Steps:\n\
         1. List what the task asks for, each point on its own.\n\
         2. Draft the product so that every point has its place.\n\
         3. Read the draft against the list and mend what is missing.\n\n\
         Risks:\n\
         - A point that is only implied is easily left out; look for one before finishing.\n\n\
         Verification checklist:\n\
         - Every point of the task is met.\n\
         - Nothing stands in the product that was not asked for."
    )
}
