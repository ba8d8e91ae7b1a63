//! The way to stdout and stderr: colour where it is wanted, escape sequences of others
//! nowhere.

use std::io::{self, IsTerminal, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use llm_gateway_core::Envelope;
use serde_json::json;

use crate::options::{Color, Global};

/// Something important.
pub(crate) const STRONG: Style = Style::new().bold();
/// Something good.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something bad.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to look at twice.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// Something by the way.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// stdout and stderr of one run.
pub(crate) struct Terminal {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    /// Characters of the progress line that stands on the terminal.
    progress_width: usize,
    /// Whether one JSON document is wanted in place of text.
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

    /// Whether a person watches stderr, so that progress has a reader.
    pub(crate) fn shows_progress(&self) -> bool {
        self.err.is_terminal()
    }

    /// Whether a person is there to be asked.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.err.is_terminal()
    }

    /// Asks the person. Only a clear yes is one: silence and a broken terminal are not.
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

    /// Writes what a model said: a pipe gets the bytes, a person what does no harm.
    pub(crate) fn answer(&mut self, text: &str) -> io::Result<()> {
        if self.out.is_terminal() {
            return self.line(&harmless(text));
        }
        // Not through `out`, which takes escape sequences out of anything.
        let mut stdout = io::stdout();
        ignore_closed_pipe(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// Writes a JSON document to stdout.
    pub(crate) fn document(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        ignore_closed_pipe(writeln!(self.out, "{:#}", json!(value)))
    }

    /// Writes a line to stderr: what is not the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Shows a passing line on stderr; the next one, or nothing, takes its place.
    pub(crate) fn progress(&mut self, text: &str) -> io::Result<()> {
        // Spaces wipe the line before: where colour is off, so are the sequences that would.
        let width = strip_str(text).to_string().chars().count();
        let rest = " ".repeat(self.progress_width.saturating_sub(width));
        self.progress_width = width;
        write!(self.err, "\r{text}{rest}")?;
        if width == 0 {
            write!(self.err, "\r")?;
        }
        self.err.flush()
    }

    /// Writes an error to stderr. That it cannot be written is nobody's news.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{BAD}error:{BAD:#} {}", harmless(text));
    }

    /// Shows a failed envelope: as JSON on stdout, or for people on stderr.
    pub(crate) fn failure(&mut self, envelope: &Envelope) -> io::Result<()> {
        if self.json {
            return self.document(envelope);
        }
        self.complain(envelope.error.as_deref().unwrap_or("failed"));
        match envelope.meta.get("hint").and_then(|hint| hint.as_str()) {
            Some(hint) => self.note(&format!("{FAINT}hint:{FAINT:#}  {}", harmless(hint))),
            None => Ok(()),
        }
    }
}

impl Drop for Terminal {
    /// A run that is dropped in the middle leaves no progress behind.
    fn drop(&mut self) {
        if self.progress_width > 0 {
            let _ = self.progress("");
        }
    }
}

/// A reader of stdout that went away has read what it wanted: that is no failure, and the
/// exit code still tells how things went.
fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Takes out of a stranger's text what a terminal would obey: control characters, and the
/// marks that turn the direction of writing.
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
