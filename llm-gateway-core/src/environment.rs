//! The environment variables, as a value that the library reads in place of the process's.
//!
//! No other file of the library reads the process's environment. A variable counts as missing if it
//! is empty, or if it is still `${NAME}` or `$NAME` because a client did not expand it. A variable
//! that guards money is read as it is written, so that it never counts as missing by accident
//! (docs/decisions/0012).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The prefix of the names of the gateway's own variables.
pub(crate) const OWN_PREFIX: &str = "LLM_GATEWAY_";

/// The name of the variable that holds the user's home or settings directory.
pub(crate) const HOME: &str = if cfg!(windows) { "APPDATA" } else { "HOME" };

/// A set of environment variables with their values. Some hold keys, so there is neither `Debug`
/// nor `Serialize`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Creates an environment without variables.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Creates an environment from the process's variables. A variable that is not UTF-8 is left
    /// out, unless it is one of the gateway's own: a cap must not be lost, so it is kept with a
    /// replacement character, which no amount may hold.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub fn from_process() -> Self {
        let readable = |name: String, value: OsString| match value.into_string() {
            Ok(value) => Some((name, value)),
            Err(value) => {
                is_own(&name).then(|| (name, value.as_os_str().to_string_lossy().into_owned()))
            }
        };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| readable(name.into_string().ok()?, value))
            .collect();
        Self { variables }
    }

    /// Returns the environment with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Returns the value of a variable; `None` if it counts as missing, because it is absent, empty
    /// or was not expanded.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.written(name).filter(|value| !is_unexpanded(value))
    }

    /// Returns the value of a variable as it was set, expanded or not; `None` if it is absent or
    /// empty. It is for variables that guard money: one that was not expanded must not count as
    /// missing.
    pub(crate) fn written(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns the names of all variables, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Adds those variables of a `.env` file's text whose names are `allowed`. A variable that is
    /// set already keeps its value. Returns the lines that are not assignments; all others are
    /// read.
    pub(crate) fn add_lines(
        &mut self,
        text: &str,
        allowed: impl Fn(&str) -> bool,
    ) -> Vec<MalformedLine> {
        let mut malformed = Vec::new();
        // Windows editors begin a file with a byte order mark.
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            for item in dotenvy::from_read_iter(without_substitution(line).as_bytes()) {
                match item {
                    Ok((name, value)) if allowed(&name) && !self.holds(&name) => {
                        self.variables.insert(name, value);
                    }
                    Ok(_) => {}
                    Err(_) => malformed.push(MalformedLine::new(index + 1, line)),
                }
            }
        }
        malformed
    }

    /// Returns whether a variable has a value that a `.env` file may not replace. A guard of money
    /// that was not expanded has one, because the file's value may be weaker.
    fn holds(&self, name: &str) -> bool {
        if is_own(name) { self.written(name).is_some() } else { self.get(name).is_some() }
    }
}

/// A line of a `.env` file that is not an assignment. Its content is not kept, because it may hold
/// a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedLine {
    /// The number of the line, counted from 1.
    pub(crate) number: usize,
    /// The gateway's variable that the line is about, or the beginning of its name.
    pub(crate) variable: Option<String>,
}

impl MalformedLine {
    fn new(number: usize, line: &str) -> Self {
        let variable = line.to_ascii_uppercase().find(OWN_PREFIX).and_then(|at| {
            let (before, rest) = line.split_at_checked(at)?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            // Behind a `=` the name is part of a value, and values are not shown.
            let end = if before.contains('=') { OWN_PREFIX.len() } else { end };
            rest.get(..end).map(str::to_owned)
        });
        Self { number, variable }
    }
}

/// Returns whether a variable's name begins as the gateway's own do, in any case: `llm_gateway_…`
/// is a mistake that must be reported.
pub(crate) fn is_own(name: &str) -> bool {
    name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX))
}

/// Returns a directory of the user: the one that the variable `xdg` holds, else the one that is
/// customary on the system. On a system without such a custom it is `below_home` in the home
/// directory.
pub(crate) fn user_directory(
    environment: &Environment,
    xdg: &str,
    below_home: &[&str],
) -> Option<PathBuf> {
    // A relative path would lead into the current directory. The XDG specification has it
    // ignored: <https://specifications.freedesktop.org/basedir-spec/latest/>.
    let directory =
        |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    directory(xdg).or_else(|| {
        let home = directory(HOME)?;
        Some(if cfg!(windows) {
            home
        } else if cfg!(target_os = "macos") {
            home.join("Library").join("Application Support")
        } else {
            home.join(below_home.iter().collect::<PathBuf>())
        })
    })
}

/// Returns a line of a `.env` file with every `$` escaped. The reader would otherwise substitute
/// variables of the process, and a key may hold a `$`. A value in single quotes needs no escape.
fn without_substitution(line: &str) -> String {
    let quoted =
        line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('\''));
    if quoted { line.to_owned() } else { line.replace("\\$", "$").replace('$', "\\$") }
}

/// Returns whether a variable's value is a name that should have been expanded: `${NAME}`,
/// `${env:NAME}` or `$NAME`.
pub(crate) fn is_unexpanded(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    // A name does not begin with a digit: `$25` is an amount.
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_name || (name.starts_with('{') && name.ends_with('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_unexpanded_variable_counts_as_missing() {
        let environment = Environment::empty()
            .with("EMPTY", " ")
            .with("UNEXPANDED", "${OPENAI_API_KEY}")
            .with("BARE", "$OPENAI_API_KEY")
            .with("PRICED", "$ecret-key")
            .with("AMOUNT", "$25")
            .with("SET", " key\n");
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("UNEXPANDED"), None);
        assert_eq!(environment.get("BARE"), None);
        assert_eq!(environment.get("PRICED"), Some("$ecret-key"));
        assert_eq!(environment.get("AMOUNT"), Some("$25"));
        assert_eq!(environment.get("ABSENT"), None);
        assert_eq!(environment.get("SET"), Some("key"));
    }

    #[test]
    fn the_process_wins_over_the_file_and_strangers_stay_out() {
        let mut environment = Environment::empty().with("A", "process");
        let text = "A=file\nexport B='quoted # value'\n# c\nLD_PRELOAD=x\n\
                    C=ab$HOME$$x\nD=\"$HOME\"\nE='$HOME'\nF=${HOME}x\nG=${OPENAI_API_KEY}\n";
        assert_eq!(environment.add_lines(text, |name| name != "LD_PRELOAD"), []);
        assert_eq!(environment.get("A"), Some("process"));
        assert_eq!(environment.get("B"), Some("quoted # value"));
        assert_eq!(environment.get("LD_PRELOAD"), None);
        // A key may hold a `$`, and nothing of the process is put into it.
        assert_eq!(environment.get("C"), Some("ab$HOME$$x"));
        assert_eq!(environment.get("F"), Some("${HOME}x"));
        for unexpanded in ["D", "E", "G"] {
            assert_eq!(environment.get(unexpanded), None);
        }
    }

    #[test]
    fn a_malformed_line_is_named_by_number_and_the_rest_is_read() {
        let mut environment = Environment::empty();
        let text = "A=1\nsk-secret-without-a-name oops\nB=2\n";
        let malformed = [MalformedLine { number: 2, variable: None }];
        assert_eq!(environment.add_lines(text, |_| true), malformed);
        assert_eq!(environment.get("B"), Some("2"));
    }
}
