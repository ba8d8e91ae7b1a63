//! The environment variables as a value, which the library reads in place of the process's
//! environment.
//!
//! No other file of the library reads the process's environment. A variable counts as missing if it
//! is empty, if it still is a placeholder (`${NAME}`, `<your key>`), or if it still is in quotes. A
//! variable that guards money is read as it is written, so that it never counts as missing by
//! accident (docs/decisions/0012 and 0023).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::model::{StandIn, is_blank, unusable, unusable_key};

/// The prefix of the names of the gateway's own variables.
pub(crate) const OWN_PREFIX: &str = "LLM_GATEWAY_";

/// The name of the variable that holds the user's home or settings directory.
pub(crate) const HOME: &str = if cfg!(windows) { "APPDATA" } else { "HOME" };

/// The variables of the network. They hold for every program of a machine, so they count in the
/// process alone, and never from a `.env` file.
const NETWORK: [&str; 10] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A set of environment variables with their values. Some hold keys, so there is neither `Debug`
/// nor `Serialize`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The names of those that a `.env` file set.
    of_file: BTreeSet<String>,
    /// Whether the variables are those of the process.
    of_process: bool,
}

impl Environment {
    /// Creates an environment without variables.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Creates an environment from the process's variables. A variable that is not UTF-8 is left
    /// out, unless it is one of the gateway's own or of the network: a cap or a proxy must not be
    /// lost, so it is kept with a replacement character, which no amount and no host may hold.
    #[allow(clippy::disallowed_methods)] // the one place that reads the environment
    pub fn from_process() -> Self {
        let readable = |name: String, value: OsString| match value.into_string() {
            Ok(value) => Some((name, value)),
            Err(value) => (is_own(&name) || is_of_network(&name))
                .then(|| (name, value.as_os_str().to_string_lossy().into_owned())),
        };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| readable(name.into_string().ok()?, value))
            .collect();
        Self { variables, of_file: BTreeSet::new(), of_process: true }
    }

    /// Returns the environment with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Returns the value of a variable; `None` if it counts as missing, because it is absent or
    /// empty, was not filled in, or is still in quotes. Blanks around the value are removed,
    /// invisible ones included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.written(name).filter(|_| self.unusable(name).is_none())
    }

    /// Returns the reason why a variable that is set counts as missing; `None` if it counts as set,
    /// or is not set.
    pub(crate) fn unusable(&self, name: &str) -> Option<StandIn> {
        let value = self.written(name)?;
        // An address with a variable within it leads nowhere else: it is an error where it is read.
        if is_place(name) { unusable(value) } else { unusable_key(name, value) }
    }

    /// Returns why a variable that is set has no value, in words that go on after its name; `None`
    /// if it has one, or is not set.
    pub(crate) fn why_missing(&self, name: &str) -> Option<&'static str> {
        match (self.is_there(name), self.written(name)) {
            (true, None) => Some("is set to nothing"),
            _ => self.unusable(name).map(StandIn::why_missing),
        }
    }

    /// Returns the value of a variable as it was set, filled in or not; `None` if it is absent or
    /// empty. Variables that guard money are read this way, because one that was not filled in must
    /// not count as missing.
    pub(crate) fn written(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.trim_matches(is_blank);
        Some(value).filter(|value| !value.is_empty())
    }

    /// Returns whether a variable is there, with a value or without.
    pub(crate) fn is_there(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Returns the names of all variables, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Returns whether a `.env` file set a variable.
    pub(crate) fn is_of_file(&self, name: &str) -> bool {
        self.of_file.contains(name)
    }

    /// Returns whether the environment began with the process's variables.
    pub(crate) fn is_of_process(&self) -> bool {
        self.of_process
    }

    /// Sets a variable of a `.env` file.
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.of_file.insert(name.clone());
        self.variables.insert(name, value);
    }

    /// Returns whether a variable has a value that a `.env` file may not replace. A variable that
    /// guards money holds its value even in quotes, because the file's value may be weaker.
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self.unusable(name) {
            Some(StandIn::Unfilled) => false,
            Some(StandIn::Quoted) => is_own(name),
            None => self.written(name).is_some(),
        }
    }
}

/// Returns whether a variable's name begins as the gateway's own names do, in any case:
/// `llm_gateway_…` is a mistake that must be reported.
pub(crate) fn is_own(name: &str) -> bool {
    name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX))
}

/// Returns whether a variable is one of the network's.
pub(crate) fn is_of_network(name: &str) -> bool {
    NETWORK.contains(&name)
}

/// Returns whether a variable holds an address or a path, by its name.
fn is_place(name: &str) -> bool {
    let endings = ["_URL", "_PATH", "_ROUTING"];
    name == HOME || name.starts_with("XDG_") || endings.iter().any(|end| name.ends_with(end))
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
}
