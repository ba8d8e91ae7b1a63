//! The environment as a value.
//!
//! Nothing else in the library reads the process's environment. A variable that is empty,
//! or still reads `${NAME}` or `$NAME` because a client did not expand it, counts as missing.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables, some of which hold keys: no `Debug`, no `Serialize`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// No variables at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A copy of the process's variables. Those that are not UTF-8 are left out.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// The same with one variable more, or another value for it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The value of a variable, unless it counts as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.trim();
        (!value.is_empty() && !is_unexpanded(value)).then_some(value)
    }

    /// The names of all variables, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Adds the variables of a `.env` file's text that `allowed` lets in. A variable that is
    /// there already wins.
    ///
    /// # Errors
    /// The number of the first line that is no assignment; the others are read. Never its
    /// content: that line may hold a key.
    pub(crate) fn add_lines(
        &mut self,
        text: &str,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<(), usize> {
        let mut malformed = None;
        for (index, line) in text.lines().enumerate() {
            for item in dotenvy::from_read_iter(without_substitution(line).as_bytes()) {
                match item {
                    Ok((name, value)) if allowed(&name) && self.get(&name).is_none() => {
                        self.variables.insert(name, value);
                    }
                    Ok(_) => {}
                    Err(_) => malformed = malformed.or(Some(index + 1)),
                }
            }
        }
        malformed.map_or(Ok(()), Err)
    }
}

/// Whether a switch is on: `1`, `true` or `yes` in any case.
pub(crate) fn is_on(environment: &Environment, name: &str) -> bool {
    let value = environment.get(name).map(str::to_ascii_lowercase);
    matches!(value.as_deref(), Some("1" | "true" | "yes"))
}

/// A directory of the user: the one that `xdg` names, else the system's custom, which on
/// systems without one of their own is `below_home`.
pub(crate) fn user_directory(
    environment: &Environment,
    xdg: &str,
    below_home: &[&str],
) -> Option<PathBuf> {
    // A relative path would lead into the current directory; the XDG specification has it
    // ignored: <https://specifications.freedesktop.org/basedir-spec/latest/>.
    let named = environment.get(xdg).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || environment.get("HOME").map(PathBuf::from);
    named.or_else(|| {
        if cfg!(windows) {
            environment.get("APPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library").join("Application Support"))
        } else {
            home().map(|home| home.join(below_home.iter().collect::<PathBuf>()))
        }
    })
}

/// The line with every `$` escaped. The reader would put variables of the process in their
/// place, and a key may hold a `$`. In single quotes it is taken as it is.
fn without_substitution(line: &str) -> String {
    let quoted =
        line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('\''));
    if quoted { line.to_owned() } else { line.replace("\\$", "$").replace('$', "\\$") }
}

/// Whether a value is the name of a variable that somebody was to put in its place:
/// `${NAME}`, `${env:NAME}`, `$NAME`.
fn is_unexpanded(value: &str) -> bool {
    let Some(name) = value.strip_prefix('$') else { return false };
    let is_name = !name.is_empty()
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
            .with("SET", " key\n");
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("UNEXPANDED"), None);
        assert_eq!(environment.get("BARE"), None);
        assert_eq!(environment.get("PRICED"), Some("$ecret-key"));
        assert_eq!(environment.get("ABSENT"), None);
        assert_eq!(environment.get("SET"), Some("key"));
    }

    #[test]
    fn the_process_wins_over_the_file_and_strangers_stay_out() {
        let mut environment = Environment::empty().with("A", "process");
        let text = "A=file\nexport B='quoted # value'\n# c\nLD_PRELOAD=x\n\
                    C=ab$HOME$$x\nD=\"$HOME\"\nE='$HOME'\nF=${HOME}x\nG=${OPENAI_API_KEY}\n";
        environment.add_lines(text, |name| name != "LD_PRELOAD").unwrap();
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
        assert_eq!(environment.add_lines(text, |_| true), Err(2));
        assert_eq!(environment.get("B"), Some("2"));
    }
}
