//! The problems of a policy, each with its position, its line and advice.
//!
//! Every step of loading adds to one [`Collector`]. Keys that somebody pasted into the policy are
//! masked here, so that showing a problem never shows a key.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Category, Error};

use super::visible::visible;

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The policy cannot be used.
    Error,
    /// The policy can be used, but probably does not mean what its author intended.
    Warning,
}

/// A position in a file. Line and column are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FilePosition {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Default for FilePosition {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// One problem of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The severity of the problem.
    pub severity: Severity,
    /// The name of the file; `environment` for a problem of a variable, `build` for a problem of
    /// the program.
    pub file: String,
    /// The line, counted from 1; 0 for a problem that has no position in a file.
    pub line: u32,
    /// The column, counted from 1; 0 for a problem that has no position in a file.
    pub column: u32,
    /// The message that says what is wrong.
    pub message: String,
    /// The advice on how to correct the problem; empty if there is none.
    pub hint: String,
    /// The text of the line, with anything that looks like a key masked.
    #[serde(skip)]
    pub(crate) snippet: Option<String>,
}

impl Diagnostic {
    /// Returns the text of the line, with anything that looks like a key masked; `None` for a
    /// problem that has no position in a file, or whose line must not be shown.
    pub fn snippet(&self) -> Option<&str> {
        self.snippet.as_deref()
    }

    /// Creates a problem of `file`, or of what is named in its place, without a position in it.
    pub(crate) fn without_place(
        severity: Severity,
        file: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: hint.into(),
            snippet: None,
        }
    }

    /// Describes what the program that builds the gateway has to change.
    pub(crate) fn of_build(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::without_place(Severity::Error, "build", message, hint)
    }

    /// Warns of a variable.
    pub(crate) fn of_environment(message: &str, hint: &str) -> Self {
        let message = visible(&mask_keys(message));
        Self::without_place(Severity::Warning, "environment", message, hint)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {}", self.message)?;
        let width = self.line.to_string().len();
        match self.line {
            0 => writeln!(f, "{:width$}--> {}", "", self.file)?,
            line => writeln!(f, "{:width$}--> {}:{line}:{}", "", self.file, self.column)?,
        }
        if let Some(snippet) = &self.snippet {
            let (shown, indent) = window(snippet, (self.column as usize).saturating_sub(1));
            writeln!(f, "{:width$} |", "")?;
            writeln!(f, "{} | {shown}", self.line)?;
            writeln!(f, "{:width$} | {:indent$}^", "", "")?;
        }
        if !self.hint.is_empty() {
            writeln!(f, "{:width$} = {}", "", self.hint)?;
        }
        Ok(())
    }
}

/// The largest number of characters of a line that are shown.
const WINDOW: usize = 120;

/// Returns the part of a line around the character at `position`, and the position of that
/// character in the part.
fn window(line: &str, position: usize) -> (String, usize) {
    let start = position.saturating_sub(WINDOW / 2);
    if line.chars().count() <= WINDOW || start == 0 {
        return (line.chars().take(WINDOW).collect(), position);
    }
    let part = line.chars().skip(start).take(WINDOW);
    (['…'].into_iter().chain(part).collect(), position - start + 1)
}

/// The problems because of which a policy cannot be used. At least one of them is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblems(Vec<Diagnostic>);

impl PolicyProblems {
    /// Wraps the problems of a policy.
    pub(crate) fn new(problems: Vec<Diagnostic>) -> Self {
        Self(problems)
    }

    /// Returns the problems, in the order of the file.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    /// Returns the advice to look at all problems.
    fn hint(&self) -> String {
        let file = self.0.iter().find(|d| d.line > 0).map(|d| d.file.as_str());
        // The names of text in memory and of the built-in policy are not paths.
        let is_path =
            |file: &str| file.ends_with(".yaml") || file.contains(std::path::MAIN_SEPARATOR);
        match file.filter(|file| is_path(file)) {
            Some(file) => format!("run `llm-gateway check --routing {file}` to see every problem"),
            None => "run `llm-gateway check` to see every problem".to_owned(),
        }
    }

    /// Returns the first error in one line, as `file:line:column: what is wrong`.
    pub fn summary(&self) -> String {
        let Some(first) = self.0.iter().find(|d| d.severity == Severity::Error) else {
            return "the policy cannot be used".to_owned();
        };
        let place = match first.line {
            0 => first.file.clone(),
            line => format!("{}:{line}:{}", first.file, first.column),
        };
        let errors = self.0.iter().filter(|d| d.severity == Severity::Error).count();
        let more = if errors > 1 { format!(" (and {} more)", errors - 1) } else { String::new() };
        format!("{place}: {}{more}", first.message)
    }
}

impl fmt::Display for PolicyProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblems {}

impl From<&PolicyProblems> for Error {
    /// Converts the first error and its advice, and adds how to see the other problems.
    fn from(problems: &PolicyProblems) -> Self {
        let message = format!("the policy is invalid: {}", problems.summary());
        let first = problems.0.iter().find(|problem| problem.severity == Severity::Error);
        let own = first.map(|problem| problem.hint.as_str()).filter(|hint| !hint.is_empty());
        let hint =
            own.map_or_else(|| problems.hint(), |own| format!("{own} ({})", problems.hint()));
        Self::new(Category::PolicyInvalid, message).with_hint(hint)
    }
}

/// Collects the problems of one file and its environment.
pub(crate) struct Collector<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Diagnostic>,
}

/// The most problems that are reported. A reader of that many learns nothing from more.
const MOST_PROBLEMS: usize = 100;

impl<'a> Collector<'a> {
    /// Creates a collector for the file with this name and text.
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// Adds an error.
    pub(crate) fn error(
        &mut self,
        place: FilePosition,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Severity::Error, place, message.into(), hint.into());
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        place: FilePosition,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Severity::Warning, place, message.into(), hint.into());
    }

    /// Adds an error whose line is not shown, because it may hold a key.
    pub(crate) fn error_hidden(&mut self, place: FilePosition, message: &str, hint: &str) {
        self.push(Severity::Error, place, message.to_owned(), hint.to_owned());
        if let Some(problem) = self.problems.last_mut() {
            problem.snippet = None;
        }
    }

    /// Adds a problem of a variable, which has no position in a file.
    pub(crate) fn variable(
        &mut self,
        severity: Severity,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Diagnostic::without_place(severity, "environment", message, hint));
    }

    /// Adds an error of what the embedding program asks for.
    pub(crate) fn program(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Diagnostic::of_build(message, hint));
    }

    /// Adds a problem at a place of the file.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        place: FilePosition,
        message: String,
        hint: String,
    ) {
        self.problems.push(Diagnostic {
            severity,
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            message: visible(&mask_keys(&message)),
            hint: visible(&mask_keys(&hint)),
            // The line itself is looked up once it is known which problems are reported.
            snippet: Some(String::new()),
        });
    }

    /// Returns whether any problem is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Returns the problems in the order of the file, those of variables last.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.problems.sort_by_key(|p| (p.line == 0, p.line, p.column, p.severity));
        self.problems.dedup();
        // A warning is dropped before an error is.
        if self.problems.len() > MOST_PROBLEMS {
            self.problems.sort_by_key(|p| p.severity);
            self.problems.truncate(MOST_PROBLEMS);
        }
        for problem in self.problems.iter_mut().filter(|problem| problem.snippet.is_some()) {
            let line = self.text.lines().nth(problem.line as usize - 1);
            problem.snippet = line.map(mask_keys);
        }
        self.problems
    }
}

/// Masks what looks like a key that somebody pasted into the policy, so that showing the line does
/// not show the key.
pub(crate) fn mask_keys(line: &str) -> String {
    let is_word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=');
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        masked.push_str(if looks_like_key(word) { "[masked]" } else { word });
        let next = after.chars().next().map_or(0, char::len_utf8);
        let (separator, after) = after.split_at(next);
        masked.push_str(separator);
        rest = after;
    }
    mask_urls(&masked)
}

/// Returns whether a word looks like a key: it begins with the prefix of a provider's keys, or it
/// is a long word of mixed letters and digits that is neither a model id (ids have dashes between
/// short parts) nor a path.
pub(crate) fn looks_like_key(word: &str) -> bool {
    const KEY_PREFIXES: [&str; 8] = ["sk-", "sk_", "AIza", "gsk_", "xai-", "ghp_", "hf_", "AKIA"];
    let known = word.len() >= 12 && KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    let longest_part = word.split(['-', '/', '.', '_']).map(str::len).max().unwrap_or(0);
    let mixed =
        word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(|c| c.is_ascii_alphabetic());
    known || (longest_part >= 24 && mixed)
}

/// Masks `user:password@`, the query and the fragment of each URL in a line.
fn mask_urls(line: &str) -> String {
    let Some((before, after)) = line.split_once("://") else { return line.to_owned() };
    let end = after.find([' ', '"', '\'', ',', '}']).unwrap_or(after.len());
    let (url, rest) = after.split_at(end);
    let (url, query) = match url.find(['?', '#']) {
        Some(at) => (url.get(..at).unwrap_or_default(), "?[masked]"),
        None => (url, ""),
    };
    let authority_end = url.find('/').unwrap_or(url.len());
    let (authority, path) = url.split_at(authority_end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((_, host)) => ("[masked]@", host),
        None => ("", authority),
    };
    format!("{before}://{user}{host}{path}{query}{}", mask_urls(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pasted_into_the_policy_is_not_shown() {
        for key in [
            "sk-proj-abcdefghijklmnop",
            "sk-ant-api03-AbCdEf0123456789",
            "AIzaSyA0123456789abcdefghijklmnopqrstu",
            "0123456789abcdef0123456789abcdef",
        ] {
            let masked = mask_keys(&format!("  api_key_env: \"{key}\"  # mine"));
            assert_eq!(masked, "  api_key_env: \"[masked]\"  # mine");
        }
        let masked = mask_keys("base_url: \"https://user:pass@example.com/v1?key=short\"  # mine");
        assert_eq!(masked, "base_url: \"https://[masked]@example.com/v1?[masked]\"  # mine");
        assert_eq!(
            mask_keys("url: https://example.com/#short"),
            "url: https://example.com/?[masked]"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_problem() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let (shown, position) = window(&line, 300);
        assert_eq!(shown.chars().nth(position), Some('X'));
        assert_eq!(shown.chars().count(), WINDOW + 1);
        assert_eq!(window("short", 2), ("short".to_owned(), 2));
    }

    #[test]
    fn ordinary_policy_lines_are_shown_as_they_are() {
        for line in [
            "model: claude-haiku-4-5-20251001",
            "base_url: https://generativelanguage.googleapis.com",
            "rationale: \"Cheap, fast — short factual answers.\"",
            "model: meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ] {
            assert_eq!(mask_keys(line), line);
        }
    }
}
