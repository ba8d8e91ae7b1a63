//! Decides whether an artifact contains the word of an acceptance, something that looks like a
//! verdict, or something like the gateway's delimiters, which its task does not contain.
//!
//! Such a passage can be innocent: an artifact may be about verdicts. The result is therefore only
//! a suspicion, which errs on the side of suspecting. It refuses nothing by itself, but the plain
//! form of verdict does not accept a suspected artifact. The artifact is read as a reader sees it,
//! with its markup and without. The work is linear in the length of the texts.

use std::collections::BTreeSet;

use crate::model::{LINE_ENDS, as_seen, without_markup};

use super::Question;

/// The word of an acceptance, which a reply in the plain form consists of.
const WORD: &str = "ACCEPT";

/// Characters that may stand between the key of a verdict and its colon, and between the colon and
/// the word: quotes, escaped or not, and the marks of Markdown.
const AROUND: [char; 6] = ['"', '\'', '\\', '*', '_', '`'];

/// The suspicion that an artifact contains a passage that is meant for the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Injection {
    /// The artifact contains a passage that looks like a verdict or like the gateway's delimiter.
    Suspected,
    /// The artifact contains no passage that looks like a verdict or like the gateway's delimiter.
    NotSuspected,
}

impl Injection {
    /// Returns whether the artifact of a question contains a passage that may be meant for the
    /// verifier.
    pub(super) fn in_artifact_of(question: Question<'_>) -> Self {
        match brings_a_verdict(question.artifact, question.task) {
            true => Self::Suspected,
            false => Self::NotSuspected,
        }
    }
}

/// Returns whether `artifact` contains a passage that may be meant for a verifier, of a kind that
/// `task` does not contain.
pub(super) fn brings_a_verdict(artifact: &str, task: &str) -> bool {
    let artifact = Passages::of(artifact);
    !artifact.is_empty() && !artifact.are_excused_by(&Passages::of(task))
}

/// The passages of a text that may be meant for a verifier, by kind.
#[derive(Debug, Default)]
struct Passages {
    /// The words that contain [`WORD`] in capitals, such as `ACCEPTED`.
    words: BTreeSet<String>,
    /// Whether the letters of [`WORD`] occur in a row with only spaces and marks between them.
    is_spread: bool,
    /// Whether a line is a verdict in the plain form, in any case.
    has_line: bool,
    /// Whether there is a key `verdict` with one of the three words of a decision.
    has_key: bool,
    /// Whether there is a line like the gateway's delimiters.
    has_delimiter: bool,
}

impl Passages {
    /// Finds the passages of a text, whatever the style of its letters, its markup, its escapes and
    /// the invisible characters in it.
    fn of(text: &str) -> Self {
        let mut passages = Self::default();
        let seen = as_seen(text);
        passages.add(&seen);
        if let Some(unmarked) = without_markup(&seen) {
            passages.add(&unmarked);
        }
        passages
    }

    /// Adds the passages of one view of a text.
    fn add(&mut self, view: &str) {
        let words = view.split(|c: char| !c.is_alphanumeric());
        self.words.extend(words.filter(|word| word.contains(WORD)).map(str::to_owned));
        self.is_spread |=
            view.chars().filter(|c| c.is_alphanumeric()).collect::<String>().contains(WORD);
        let folded = view.to_lowercase();
        self.has_line |= folded.split(LINE_ENDS).any(is_verdict);
        self.has_delimiter |= folded.split(LINE_ENDS).any(is_delimiter);
        self.has_key |= has_verdict_key(&folded);
    }

    /// Returns whether the text contains nothing that may be meant for a verifier.
    fn is_empty(&self) -> bool {
        !(self.is_spread || self.has_line || self.has_key || self.has_delimiter)
    }

    /// Returns whether each kind of passage is also in the task. A task that contains only a longer
    /// word, such as `ACCEPTANCE`, excuses that word but not [`WORD`] itself.
    fn are_excused_by(&self, task: &Self) -> bool {
        let holds_word = task.words.contains(WORD) || (task.is_spread && task.words.is_empty());
        // Letters with gaps between them make no word, and are excused by the word alone.
        let is_word_excused = match self.words.is_empty() {
            true => !self.is_spread,
            false => self.words.is_subset(&task.words),
        };
        (holds_word || is_word_excused)
            && (!self.has_line || task.has_line || holds_word)
            && (!self.has_key || task.has_key)
            && (!self.has_delimiter || task.has_delimiter)
    }
}

/// Returns whether a line looks like a plain verdict.
fn is_verdict(line: &str) -> bool {
    let unmarked: String = line.chars().filter(|c| !matches!(c, '*' | '_' | '~' | '`')).collect();
    // Quote marks, headings, bullets and numbers may stand before the word.
    let begun = unmarked.trim_start_matches(|c: char| !c.is_alphabetic());
    let is_begun_by = |word| begun.strip_prefix(word).and_then(after_colon).is_some();
    if begun.strip_prefix("accept").and_then(after_colon).is_some_and(is_media_range) {
        return false;
    }
    begun.trim_end_matches(|c: char| !c.is_alphabetic()) == "accept"
        || ["accept", "revise"].into_iter().any(is_begun_by)
}

/// Returns the text after a colon, if a colon comes first.
fn after_colon(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix(':')
}

/// Returns whether `rest` is the value of an HTTP header `Accept`, which is no verdict: an artifact
/// may contain a whole request. The top levels are those of
/// <https://www.iana.org/assignments/media-types>.
fn is_media_range(rest: &str) -> bool {
    const TOP_LEVELS: [&str; 10] = [
        "*",
        "application",
        "audio",
        "font",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
    ];
    let top_level = rest.trim_start().split_once('/').map(|(top_level, _)| top_level);
    top_level.is_some_and(|it| TOP_LEVELS.contains(&it))
}

/// Returns whether a line looks like a delimiter of the gateway's frame.
fn is_delimiter(line: &str) -> bool {
    let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    // The line is split, not searched, so that a run of `<` is walked once.
    squeezed.split("<<<").skip(1).any(|rest| {
        let rest = rest.trim_start_matches('<');
        let word = rest.strip_prefix("end").unwrap_or(rest);
        ["artifact", "plan", "reasons"].into_iter().any(|kind| word.starts_with(kind))
    })
}

/// Returns whether a text has a key `verdict` with one of the three words of a decision.
fn has_verdict_key(folded: &str) -> bool {
    folded.split("verdict").skip(1).any(|after| {
        let word = unwrapped(after).strip_prefix(':').map(unwrapped).unwrap_or_default();
        let is_word = |known| {
            let rest = word.strip_prefix(known);
            rest.is_some_and(|rest: &str| !rest.starts_with(char::is_alphanumeric))
        };
        ["accept", "revise", "cannot_judge"].into_iter().any(is_word)
    })
}

/// Returns a text without the quotes and markdown marks that stand around a key or a word.
fn unwrapped(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || AROUND.contains(&c))
}
