//! Writes to stdout and stderr, in colour where it is wanted.
//!
//! Text of a model or a provider passes through [`harmless`] first, so that a terminal obeys none
//! of its escape sequences.

use std::io::{self, IsTerminal, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use llm_gateway_core::Envelope;
use serde_json::json;

use crate::options::{Color, Global};

/// The text style of something important.
pub(crate) const STRONG: Style = Style::new().bold();
/// The text style of good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The text style of bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The text style of something to look at twice.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// The text style of something less important.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The terminal of one run of the program: its stdout and stderr.
pub(crate) struct Terminal {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    /// The width of the progress line that is on the terminal, in characters.
    progress_width: usize,
    /// Whether stdout gets one JSON document in place of text.
    pub(crate) json: bool,
}

impl Terminal {
    pub(crate) fn new(flags: &Global) -> Self {
        let choice = match flags.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: AutoStream::new(io::stdout(), choice),
            err: AutoStream::new(io::stderr(), choice),
            progress_width: 0,
            json: flags.json,
        }
    }

    /// Returns whether a person watches stderr and can see progress.
    pub(crate) fn shows_progress(&self) -> bool {
        self.err.is_terminal()
    }

    /// Returns whether a person is there to answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.err.is_terminal()
    }

    /// Asks the person a question. Returns true only for a clear yes, not for silence or a broken
    /// terminal.
    pub(crate) fn confirms(&mut self, question: &str) -> bool {
        let mut answer = String::new();
        let asked = write!(self.err, "{question} [y/N] ").and_then(|()| self.err.flush());
        let heard = asked.and_then(|()| io::stdin().read_line(&mut answer));
        heard.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Writes a line to stdout.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        ignore_closed_pipe(writeln!(self.out, "{text}"))
    }

    /// Writes the text of a model to stdout: as it is to a pipe, and harmless to a terminal.
    pub(crate) fn answer(&mut self, text: &str) -> io::Result<()> {
        if self.out.is_terminal() {
            return self.line(&harmless(text));
        }
        // `out` would remove escape sequences, and a pipe gets every byte.
        let mut stdout = io::stdout();
        ignore_closed_pipe(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// Writes a JSON document to stdout.
    pub(crate) fn document(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        ignore_closed_pipe(writeln!(self.out, "{:#}", json!(value)))
    }

    /// Writes a line to stderr, for everything that is not the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Shows a progress line on stderr that the next one replaces. An empty text removes the line.
    pub(crate) fn progress(&mut self, text: &str) -> io::Result<()> {
        // Spaces overwrite the line before, because without colour no escape sequence may do so.
        let width = strip_str(text).to_string().chars().count();
        let rest = " ".repeat(self.progress_width.saturating_sub(width));
        self.progress_width = width;
        write!(self.err, "\r{text}{rest}")?;
        if width == 0 {
            write!(self.err, "\r")?;
        }
        self.err.flush()
    }

    /// Writes an error to stderr. A failure to write it is ignored.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{BAD}error:{BAD:#} {}", harmless(text));
    }

    /// Shows the envelope of a failure: as JSON on stdout, or for people on stderr.
    pub(crate) fn failure(&mut self, envelope: &Envelope) -> io::Result<()> {
        if self.json {
            return self.document(envelope);
        }
        self.complain(envelope.error.as_deref().unwrap_or("failed"));
        // Whoever stopped it knows what to do.
        let is_cancelled = envelope.meta.get("error_category").is_some_and(|it| it == "cancelled");
        match envelope.meta.get("hint").and_then(|hint| hint.as_str()).filter(|_| !is_cancelled) {
            Some(hint) => self.note(&format!("{FAINT}hint:{FAINT:#}  {}", harmless(hint))),
            None => Ok(()),
        }
    }
}

impl Drop for Terminal {
    /// Removes the progress line of a command that is dropped midway.
    fn drop(&mut self) {
        if self.progress_width > 0 {
            let _ = self.progress("");
        }
    }
}

/// Turns a closed pipe into a success: the reader of stdout has read all it wanted, and the exit
/// code still says how the run went.
fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Removes from a text what a terminal would obey: control characters except line feed and tab, and
/// the marks that change the direction of writing.
pub(crate) fn harmless(text: &str) -> String {
    let obeyed = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().filter(|c| !obeyed(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_escape_sequences_do_nothing() {
        assert_eq!(harmless("a\x1b[31mred\x1b]0;title\x07\r\nb\tc"), "a[31mred]0;title\nb\tc");
        assert_eq!(harmless("abc\u{202e}def\u{9b}2J"), "abcdef2J");
    }
}
