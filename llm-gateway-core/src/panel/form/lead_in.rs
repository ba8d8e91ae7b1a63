//! Recognises the words that lead to a short answer, such as "the answer is".

use super::bare;

/// Sentences that lead to an answer of any kind.
const LEADING_SENTENCES: [&str; 5] = [
    "the final answer is",
    "the correct answer is",
    "the right answer is",
    "the answer is",
    "answer is",
];

/// Words that lead to an option.
const OF_OPTIONS: [&str; 4] =
    ["the correct option is", "the correct choice is", "option", "choice"];

/// Words that stand before a colon and an answer.
const ANSWER_LABELS: [&str; 14] = [
    "final answer",
    "correct answer",
    "the answer",
    "answer",
    "antwort",
    "réponse",
    "respuesta",
    "resposta",
    "risposta",
    "antwoord",
    "odpowiedź",
    "ответ",
    "答案",
    "回答",
];

/// The kind of words that lead to a short answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadIn {
    /// Nothing leads to the answer.
    None,
    /// A sentence leads to the answer, such as "the answer is".
    Sentence,
    /// A label leads to the answer, such as "answer:".
    Label,
    /// A word leads to the answer that names it an option.
    Option,
}

/// A short answer, and the words that lead to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LedAnswer<'a> {
    /// The kind of words that lead to the answer.
    pub(super) by: LeadIn,
    /// The answer without its lead-in, without emphasis and a closing full stop.
    pub(super) said: &'a str,
}

impl<'a> LedAnswer<'a> {
    /// Splits a line into its lead-in, in any case of its letters, and the answer.
    pub(super) fn of(line: &'a str) -> Self {
        let line = bare::short(line);
        let led = labelled(line).map(|said| (LeadIn::Label, said));
        let (by, said) = led
            .or_else(|| Some((LeadIn::Sentence, after_words(line, &LEADING_SENTENCES)?)))
            .or_else(|| Some((LeadIn::Option, after_words(line, &OF_OPTIONS)?)))
            .unwrap_or((LeadIn::None, line));
        let (by, said) = match after_words(said, &OF_OPTIONS) {
            Some(option) if by != LeadIn::None => (LeadIn::Option, option),
            _ => (by, said),
        };
        Self { by, said: bare::short(said) }
    }

    /// Returns whether the answer may be of any kind. An answer that is called an option can only
    /// be a letter, because "option 2" is another answer than 2.
    pub(super) fn is_plain(&self) -> bool {
        self.by != LeadIn::Option
    }
}

/// Returns the text after a label and its colon. The label may be emphasised, with its colon or
/// without.
fn labelled(line: &str) -> Option<&str> {
    let (label, mark) = match line.strip_prefix("**") {
        Some(label) => (label, "**"),
        None => (line, ""),
    };
    let rest = ANSWER_LABELS.iter().find_map(|words| without_prefix(label, words))?;
    let colon_first = after_colon(rest).and_then(|rest| rest.strip_prefix(mark));
    let mark_first = || after_colon(rest.strip_prefix(mark)?);
    colon_first.or_else(mark_first).map(str::trim_start)
}

/// Returns the text after a colon.
fn after_colon(line: &str) -> Option<&str> {
    line.strip_prefix([':', '：'])
}

/// Returns the text after words that are followed by a space, or by a colon and a space.
fn after_words<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    let rest = words.iter().find_map(|words| without_prefix(line, words))?;
    let after = after_colon(rest).unwrap_or(rest);
    // A word that only begins like one of these is another word.
    after.starts_with(' ').then(|| after.trim_start())
}

/// Returns a line without the words at its beginning, in any case of their letters.
fn without_prefix<'a>(line: &'a str, words: &str) -> Option<&'a str> {
    let (begin, rest) = line.split_at_checked(words.len())?;
    (begin.to_lowercase() == words).then_some(rest)
}
