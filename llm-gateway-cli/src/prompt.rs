//! Reads the question of a command from an argument or from the whole of stdin.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use llm_gateway_core::{Category, Envelope, Error};
use tokio::task::spawn_blocking;

use crate::options::USAGE;
use crate::terminal::Terminal;

/// The largest number of bytes that is read from stdin: more than the largest context window takes.
const LARGEST_PROMPT: u64 = 64 * 1024 * 1024;

/// Returns the prompt: the text `argument`, or the text on stdin if the argument is `-` or absent.
///
/// Without a text, or if it cannot be read, an error is shown and the exit code returned. `what`
/// names the argument in that error, as in the usage line: `PROMPT`.
///
/// # Errors
/// Fails if the error to the user cannot be written.
pub(crate) async fn read(
    argument: Option<&str>,
    what: &'static str,
    terminal: &mut Terminal,
) -> anyhow::Result<Result<String, ExitCode>> {
    if let Some(argument) = argument.filter(|argument| *argument != "-") {
        return Ok(Ok(argument.to_owned()));
    }
    if argument.is_none() && std::io::stdin().is_terminal() {
        let give = format!("give a {what}, or `-` and the text on stdin");
        terminal.complain(&format!("there is nothing to ask: {give}"));
        return Ok(Err(ExitCode::from(USAGE)));
    }
    // The read blocks a thread that nothing waits for, so that Ctrl-C ends the program during it.
    match spawn_blocking(|| prompt_from(std::io::stdin())).await? {
        Ok(prompt) => Ok(Ok(prompt)),
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            Ok(Err(ExitCode::FAILURE))
        }
    }
}

/// Reads a prompt to the end of its reader. A part is never returned, because half a prompt would
/// be billed and answered.
fn prompt_from(reader: impl Read) -> Result<String, Error> {
    let invalid = |message: String| Error::new(Category::InvalidRequest, message);
    let mut bytes = Vec::new();
    reader
        .take(LARGEST_PROMPT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| invalid(format!("the prompt cannot be read from stdin: {error}")))?;
    if bytes.len() as u64 > LARGEST_PROMPT {
        return Err(invalid(format!("the prompt on stdin is longer than {LARGEST_PROMPT} bytes"))
            .with_hint("no model takes so much; send a part of it"));
    }
    String::from_utf8(bytes).map_err(|error| {
        invalid("the prompt on stdin is not UTF-8 text".to_owned())
            .with_hint("convert it to UTF-8")
            .with_source(error)
    })
}
