//! The `.env` file: which file is read, which of its variables are accepted, and what is wrong with
//! it. A file that cannot be read is an error, because it may hold a cap.

use std::path::{Path, PathBuf};

use crate::environment::{Environment, MalformedLine, is_own};

use super::compile::base_url_variables;
use super::diagnostic::{Collector, Severity};
use super::text::read_text;

/// A file of variables.
pub(super) enum EnvFile {
    /// The user named the file.
    Named(PathBuf),
    /// The file lies beside the policy.
    Beside(PathBuf),
}

impl EnvFile {
    /// Returns the file that was named, else the `.env` in the policy's directory if there is one.
    pub(super) fn of(named: Option<&Path>, directory: Option<&Path>) -> Option<Self> {
        let beside = || directory.map(|directory| directory.join(".env"));
        match named {
            Some(path) => Some(Self::Named(path.to_owned())),
            None => beside().filter(|path| may_be_file(path)).map(Self::Beside),
        }
    }

    /// Adds the file's variables to the environment. `keys` are the key variables that the policy
    /// names.
    pub(super) fn add_to(
        &self,
        environment: &mut Environment,
        keys: &[String],
        problems: &mut Collector<'_>,
    ) {
        let allowed = |name: &str| {
            // The place of the policy was known before this file was looked for.
            (is_own(name) && name != "LLM_GATEWAY_ROUTING")
                || base_url_variables().any(|variable| variable == name)
                || keys.iter().any(|key| key == name)
        };
        match self.text() {
            Ok(text) => self.report(&environment.add_lines(&text, allowed), problems),
            Err(why) => {
                let message = format!("{} cannot be read: {why}", self.path().display());
                problems.variable(Severity::Error, message, self.hint());
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Beside(path) => path,
        }
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// Fails with the reason, in words for a person.
    fn text(&self) -> Result<String, String> {
        match self {
            // Reading a pipe that lies there could take for ever. A user who names a pipe writes
            // to it.
            Self::Beside(path) if path.metadata().is_ok_and(|file| !file.is_file()) => {
                return Err("it is not a regular file".to_owned());
            }
            Self::Named(_) | Self::Beside(_) => {}
        }
        let text = read_text(self.path())?;
        // UTF-16 without a byte order mark is valid UTF-8 full of zeros.
        if text.contains('\0') { Err("it is not UTF-8 text".to_owned()) } else { Ok(text) }
    }

    /// Returns the advice for a file that cannot be read.
    fn hint(&self) -> &'static str {
        match self {
            Self::Named(_) => "name another file with --env-file, or leave it out",
            Self::Beside(_) => "make it a readable file of UTF-8 text, or take it away",
        }
    }

    /// Reports malformed lines: each that is about a variable of the gateway, and the first of the
    /// others.
    fn report(&self, malformed: &[MalformedLine], problems: &mut Collector<'_>) {
        let file = self.path().display();
        for MalformedLine { number, variable } in malformed {
            let Some(variable) = variable else { continue };
            let message = format!("{file}:{number}: the line of {variable} is not NAME=value");
            let hint = "write NAME=value alone, such as LLM_GATEWAY_CAP_TOTAL_MONTHLY=25";
            problems.variable(Severity::Error, message, hint);
        }
        if let Some(first) = malformed.iter().find(|line| line.variable.is_none()) {
            let message = format!("{file}:{}: the line is not NAME=value", first.number);
            problems.variable(Severity::Warning, message, "write one NAME=value a line");
        }
    }
}

/// Returns whether there is anything but a directory at `path`: some users keep a Python
/// environment in `.env`.
fn may_be_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok() && !path.is_dir()
}
