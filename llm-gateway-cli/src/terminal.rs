//! Writes to stdout and stderr, in colour where it is wanted.
//!
//! Every line for a person is wrapped to the width of its stream. Text of a model or a provider
//! passes through [`harmless`] first, so that a terminal obeys none of its escape sequences.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use llm_gateway_core::{Envelope, Environment};
use llm_gateway_process::GatewayFlags;
use serde_json::json;

use crate::layout::{
    HANG, columns, harmless, harmless_json, prose, shortened, width_of, with_names, wrapped,
};
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
    /// The width of stdout's lines.
    out_width: usize,
    /// The width of stderr's lines.
    err_width: usize,
    /// Whether stderr is a terminal that can go back to the beginning of a line.
    shows_progress: bool,
    /// The paths with blanks that a message may contain.
    paths: Vec<String>,
    /// The width of the progress line that is on the terminal, in columns.
    progress_width: usize,
    /// Whether stdout gets one JSON document in place of text.
    pub(crate) json: bool,
}

impl Terminal {
    pub(crate) fn new(flags: &Global, environment: &Environment) -> Self {
        let choice = match flags.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: AutoStream::new(io::stdout(), choice),
            err: AutoStream::new(io::stderr(), choice),
            out_width: width_of(io::stdout(), environment),
            err_width: width_of(io::stderr(), environment),
            shows_progress: io::stderr().is_terminal() && environment.get("TERM") != Some("dumb"),
            paths: paths_with_blanks(flags, environment),
            progress_width: 0,
            json: flags.json,
        }
    }

    /// Returns whether a person watches stderr and can see progress.
    pub(crate) fn shows_progress(&self) -> bool {
        self.shows_progress
    }

    /// Returns the number of columns of a line on stdout, for what is more than sentences.
    pub(crate) fn width(&self) -> usize {
        self.out_width
    }

    /// Returns whether a person is there to answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.err.is_terminal()
    }

    /// Asks the person a question. Returns true only for a clear yes, not for silence or a broken
    /// terminal.
    pub(crate) fn confirms(&mut self, question: &str) -> bool {
        let mut answer = String::new();
        let question = wrapped(&format!("{question} [y/N]"), self.err_width.saturating_sub(1));
        let asked = write!(self.err, "{question} ").and_then(|()| self.err.flush());
        let heard = asked.and_then(|()| io::stdin().read_line(&mut answer));
        heard.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Writes a line to stdout, wrapped to its width.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        let text = wrapped(text, self.out_width);
        ignore_closed_pipe(writeln!(self.out, "{text}"))
    }

    /// Writes lines to stdout that were laid out for its width.
    pub(crate) fn laid_out(&mut self, text: &str) -> io::Result<()> {
        ignore_closed_pipe(writeln!(self.out, "{text}"))
    }

    /// Writes the text of a model to stdout: as it is to a pipe, and harmless to a terminal.
    pub(crate) fn answer(&mut self, text: &str) -> io::Result<()> {
        if self.out.is_terminal() {
            return self.laid_out(&prose(&harmless(text), self.out_width));
        }
        write_bytes(text)
    }

    /// Writes a JSON document to stdout: as it is to a pipe, and harmless to a terminal.
    pub(crate) fn document(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let document = format!("{:#}", json!(value));
        match self.out.is_terminal() {
            true => write_bytes(&harmless_json(&document)),
            false => write_bytes(&document),
        }
    }

    /// Writes lines to stderr, for everything that is not the result.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        let text = wrapped(text, self.err_width);
        ignore_closed_pipe(writeln!(self.err, "{text}"))
    }

    /// Writes a remark to stderr: something that the user may not expect. A script that asks for
    /// JSON reads it there, too.
    pub(crate) fn remark(&mut self, text: &str) -> io::Result<()> {
        self.note(&format!("{FAINT}note:{FAINT:#}  {HANG}{text}"))
    }

    /// Shows a progress line on stderr that the next one replaces: a step, which is shortened where
    /// it does not fit, and a part that is always shown. Two empty texts remove the line.
    pub(crate) fn progress(&mut self, step: &str, always: &str) -> io::Result<()> {
        // The last column stays free: on some terminals the cursor is on the next line behind it.
        let room = self.err_width.saturating_sub(1 + columns(always));
        let text = format!("{}{always}", shortened(step, room));
        // Spaces overwrite the line before, because without colour no escape sequence may do so.
        let width = columns(&text);
        let rest = " ".repeat(self.progress_width.saturating_sub(width));
        self.progress_width = width;
        write!(self.err, "\r{FAINT}{text}{FAINT:#}{rest}")?;
        if width == 0 {
            write!(self.err, "\r")?;
        }
        self.err.flush()
    }

    /// Writes an error to stderr. A failure to write it is ignored.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = self.note(&format!("{BAD}error:{BAD:#} {HANG}{}", with_names(text, &self.paths)));
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
            Some(hint) => self.hint(hint),
            None => Ok(()),
        }
    }

    /// Shows on stderr what can be done.
    pub(crate) fn hint(&mut self, hint: &str) -> io::Result<()> {
        self.note(&format!("{FAINT}hint:{FAINT:#}  {HANG}{}", with_names(hint, &self.paths)))
    }
}

impl Drop for Terminal {
    /// Removes the progress line of a command that is dropped midway.
    fn drop(&mut self) {
        if self.progress_width > 0 {
            let _ = self.progress("", "");
        }
    }
}

/// Returns the paths of the flags and of the environment that hold a blank. A message names files
/// below them, and nothing else in it shows where such a name ends.
fn paths_with_blanks(flags: &Global, environment: &Environment) -> Vec<String> {
    let GatewayFlags { routing, env_file, .. } = &flags.gateway;
    let flags = [routing, env_file].into_iter().flatten().map(|path| path.display().to_string());
    let variables = [
        "LLM_GATEWAY_ROUTING",
        "LLM_GATEWAY_LEDGER_PATH",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "HOME",
        "APPDATA",
        "LOCALAPPDATA",
    ];
    let variables = variables.into_iter().filter_map(|name| environment.get(name));
    // The folder of macOS for settings and state.
    let known = variables.chain(["/Library/Application Support"]).map(str::to_owned);
    flags.chain(known).filter(|path| path.contains(' ')).map(|path| harmless(&path)).collect()
}

/// Turns a closed pipe into a success: the reader of stdout has read all it wanted, and the exit
/// code still says how the run went.
fn ignore_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a text to stdout byte by byte. A stream that removes colours would also remove what a
/// text of somebody else holds.
fn write_bytes(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    ignore_closed_pipe(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}
