//! Reads the question of a command: an argument, the whole of stdin, or both.

use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::time::Duration;

use llm_gateway_core::{Category, Envelope, Error, Stop};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::options::USAGE;
use crate::stdin::{Stdin, has_writer};
use crate::terminal::Terminal;

/// The largest number of bytes that is read from stdin: more than the largest context window takes.
const LARGEST_PROMPT: u64 = 64 * 1024 * 1024;

/// The time within which a pipe beside a prompt argument must deliver its first byte, unless a
/// program is seen at its other end. A program that starts this one often leaves a pipe open and
/// never writes to it; without this limit, both would wait for ever.
const SILENCE: Duration = Duration::from_secs(3);

/// The time within which a program that is seen at the other end of the pipe must begin to write.
/// An orchestration whose output is piped takes no longer, unless its policy says so.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Returns the prompt: the text `argument` and behind it what is piped to stdin, or the text on
/// stdin alone if the argument is `-` or absent.
///
/// Without a text, or if it cannot be read, an error is shown and the exit code returned. `what`
/// names the argument in that error, as in the usage line: `PROMPT`. A `stop` ends the wait with an
/// error, too.
///
/// # Errors
/// Fails if the error to the user cannot be written.
pub(crate) async fn read(
    argument: Option<&str>,
    what: &'static str,
    terminal: &mut Terminal,
    stop: &Stop,
) -> anyhow::Result<Result<String, ExitCode>> {
    tokio::select! {
        read = unstopped(argument, what, terminal) => return read,
        () = stop.stopped() => {}
    }
    let message = format!("stopped before the {} was read", what.to_lowercase());
    terminal.failure(&Envelope::from(&Error::new(Category::Cancelled, message)))?;
    Ok(Err(ExitCode::FAILURE))
}

/// Reads a prompt as [`read`] does, without a stop.
async fn unstopped(
    argument: Option<&str>,
    what: &'static str,
    terminal: &mut Terminal,
) -> anyhow::Result<Result<String, ExitCode>> {
    let read = match (argument.filter(|argument| *argument != "-"), Stdin::kind()) {
        (Some(argument), Stdin::Terminal | Stdin::Nothing) => Ok(argument.to_owned()),
        (Some(argument), Stdin::File) => whole().await?.map(|text| joined(argument, &text)),
        (Some(argument), Stdin::Pipe) => {
            beside(terminal).await?.map(|text| joined(argument, &text))
        }
        (None, Stdin::Terminal) if argument.is_none() => {
            let give = format!("give a {what}, or `-` and the text on stdin");
            terminal.complain(&format!("there is nothing to ask: {give}"));
            return Ok(Err(ExitCode::from(USAGE)));
        }
        (None, _) => whole().await?,
    };
    match read {
        Ok(prompt) => Ok(Ok(prompt)),
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            Ok(Err(ExitCode::FAILURE))
        }
    }
}

/// Returns the argument, an empty line, and the text of stdin. White space alone is no text.
fn joined(argument: &str, text: &str) -> String {
    match (argument.trim().is_empty(), text.trim().is_empty()) {
        (_, true) => argument.to_owned(),
        (true, false) => text.to_owned(),
        (false, false) => format!("{argument}\n\n{text}"),
    }
}

/// Reads stdin to its end.
async fn whole() -> anyhow::Result<Result<String, Error>> {
    // The read blocks a thread that nothing waits for, so that Ctrl-C ends the program during it.
    Ok(spawn_blocking(|| prompt_from(std::io::stdin())).await?)
}

/// Reads the pipe on stdin to its end, if its first byte comes within [`SILENCE`] or a program may
/// still write to it. Otherwise returns an empty text, and says so on stderr.
async fn beside(terminal: &mut Terminal) -> anyhow::Result<Result<String, Error>> {
    let (begun, mut begins) = oneshot::channel();
    let reading = spawn_blocking(move || {
        let mut stdin = std::io::stdin().lock();
        // An error, too, ends the silence. The read below meets it again.
        let _ = stdin.fill_buf();
        let _ = begun.send(());
        prompt_from(stdin)
    });
    if timeout(SILENCE, &mut begins).await.is_err() {
        if !has_writer() {
            return Ok(Ok(nothing_came(terminal)));
        }
        // Whoever cannot read a remark is answered all the same.
        let _ = terminal.remark("waiting for the program that may still write to stdin");
        if timeout(LONGEST_SILENCE, begins).await.is_err() {
            let seconds = LONGEST_SILENCE.as_secs();
            let message = format!("nothing came on stdin within {seconds} s");
            let error = Error::new(Category::InvalidRequest, message);
            return Ok(Err(error.with_hint("to ask the argument alone, add `</dev/null`")));
        }
    }
    Ok(reading.await?)
}

/// Says that the argument alone is asked, and returns the empty text of stdin.
fn nothing_came(terminal: &mut Terminal) -> String {
    let seconds = SILENCE.as_secs();
    let _ = terminal.remark(&format!(
        "nothing came on stdin within {seconds} s, so the argument alone is asked; to wait for a \
         text, give `-` in place of the argument; to wait for none, add `</dev/null`"
    ));
    String::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_comes_first_and_white_space_is_no_text() {
        for (argument, text, expected) in [
            ("Why?", "", "Why?"),
            ("Why?", " \n", "Why?"),
            ("Why?", "a\nb\n", "Why?\n\na\nb\n"),
            ("", "a", "a"),
            (" ", "a", "a"),
            ("", "", ""),
        ] {
            assert_eq!(joined(argument, text), expected, "{argument:?} {text:?}");
        }
    }
}
