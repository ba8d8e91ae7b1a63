//! What a command asks about: an argument, or the whole of stdin.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use llm_gateway_core::{Category, Envelope, Error};
use tokio::task::spawn_blocking;

use crate::options::USAGE;
use crate::terminal::Terminal;

/// The largest prompt that is read from stdin: what the largest context takes, and more.
const LARGEST_PROMPT: u64 = 64 * 1024 * 1024;

/// Gives `argument`, or what stdin holds where that is `-` or absent. Where there is nothing, or
/// it cannot be read, the person is told and the exit code given. `what` it is called: `PROMPT`.
///
/// # Errors
/// That nobody can be told.
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
    // On a thread that nothing waits for, so that Ctrl-C ends also this.
    match spawn_blocking(|| prompt_from(std::io::stdin())).await? {
        Ok(prompt) => Ok(Ok(prompt)),
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            Ok(Err(ExitCode::FAILURE))
        }
    }
}

/// The whole of a reader, never a part of it: half a prompt would be billed and answered.
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
