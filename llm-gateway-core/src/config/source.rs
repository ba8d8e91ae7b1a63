//! The sources that a policy can be read from, and the reports about a source that cannot be read.
//!
//! A user's own policy that exists but cannot be read is never ignored, because it may hold caps,
//! and its `.env` may switch everything off.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::diagnostic::{Collector, Severity};
use super::json_policy::JsonPolicy;
use super::node::{Node, SyntaxError};
use super::pipe_texts::PipeTexts;
use crate::environment::{Environment, user_directory};
use crate::model::is_unfilled;

/// The documented default policy, which the library carries.
pub const EMBEDDED_POLICY: &str = include_str!("../../data/routing.yaml");

/// File names under which some users keep a policy, although the gateway does not look for them.
const OTHER_NAMES: [&str; 4] =
    ["routing.yml", "routing.yaml.txt", "routing.yml.txt", "routing.json"];

/// The source of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicySource {
    /// The policy is in a file.
    File(PathBuf),
    /// The policy is [`EMBEDDED_POLICY`], the default that the library carries.
    Embedded,
    /// The policy is [`EMBEDDED_POLICY`], because nothing exists at the path of the user's own
    /// policy.
    EmbeddedInPlaceOf(PathBuf),
    /// The policy is this YAML text.
    Text(String),
    /// The policy is this JSON value.
    Value(JsonPolicy),
}

impl PolicySource {
    /// Returns the source that a front end uses if it is not told one: the file that
    /// `LLM_GATEWAY_ROUTING` names, else `llm-gateway/routing.yaml` in the user's configuration
    /// directory, else the embedded policy.
    ///
    /// The embedded policy is used only if nothing is at that path: a link to nowhere, a directory
    /// or a file that may not be read is a [`File`](Self::File), which then cannot be loaded. The
    /// current directory is never searched: a client starts the server inside whatever project is
    /// open, and a stranger's policy could send keys to a stranger's host.
    pub fn discover(environment: &Environment) -> Self {
        // A path in quotes is not passed over: somebody meant a policy.
        let named = environment.written("LLM_GATEWAY_ROUTING").filter(|path| !is_unfilled(path));
        if let Some(path) = named {
            return Self::File(path.into());
        }
        let Some(directory) = user_directory(environment, "XDG_CONFIG_HOME", &[".config"]) else {
            return Self::Embedded;
        };
        let path = directory.join("llm-gateway").join("routing.yaml");
        match is_absent(&path) {
            true => Self::EmbeddedInPlaceOf(path),
            false => Self::File(path),
        }
    }

    /// Returns the paths whose files decide what is loaded, whether or not anything is there: that
    /// of the policy, and that of the variables, which is `env_file` or the `.env` beside the
    /// policy. A program that reads a policy anew after a change watches them.
    pub fn watched_paths(&self, env_file: Option<&Path>) -> Vec<PathBuf> {
        let policy = match self {
            Self::File(path) | Self::EmbeddedInPlaceOf(path) => Some(path.clone()),
            Self::Embedded | Self::Text(_) | Self::Value(_) => None,
        };
        let beside = policy.as_ref().map(|path| path.with_file_name(".env"));
        policy.into_iter().chain(env_file.map(Path::to_owned).or(beside)).collect()
    }

    /// Returns the name of the source, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Embedded | Self::EmbeddedInPlaceOf(_) => "routing.yaml (built in)".to_owned(),
            Self::Text(_) | Self::Value(_) => "policy".to_owned(),
        }
    }

    /// Returns the path of the user's own policy, if nothing exists there.
    pub(super) fn absent(&self) -> Option<&Path> {
        match self {
            Self::EmbeddedInPlaceOf(path) => Some(path),
            Self::File(_) | Self::Embedded | Self::Text(_) | Self::Value(_) => None,
        }
    }

    /// Returns the directory where relative paths start; `None` if the source is not a file.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::File(path) => path.parent(),
            Self::Embedded | Self::EmbeddedInPlaceOf(_) | Self::Text(_) | Self::Value(_) => None,
        }
    }

    /// Returns the text of the policy.
    ///
    /// # Errors
    /// Fails with the reason, in words for a person.
    pub(super) fn read(&self, pipes: &PipeTexts) -> Result<String, String> {
        match self {
            Self::Embedded | Self::EmbeddedInPlaceOf(_) => Ok(EMBEDDED_POLICY.to_owned()),
            Self::Text(text) => Ok(text.clone()),
            Self::Value(policy) => Ok(policy.text().to_owned()),
            Self::File(path) => pipes.read(path),
        }
    }

    /// Returns the tree of a policy that is no text that must be read for it.
    pub(super) fn tree(&self) -> Option<Result<Node, SyntaxError>> {
        match self {
            Self::Value(policy) => Some(policy.root()),
            Self::File(_) | Self::Embedded | Self::EmbeddedInPlaceOf(_) | Self::Text(_) => None,
        }
    }

    /// Returns the advice for a policy that cannot be read.
    pub(super) fn hint(&self) -> String {
        let hint = "name another one with --routing or LLM_GATEWAY_ROUTING";
        let Self::File(path) = self else { return hint.to_owned() };
        match neighbours(path).find(|other| other != path) {
            Some(other) => format!("{} is there: rename it, or {hint}", other.display()),
            None => hint.to_owned(),
        }
    }

    /// Warns of files beside the user's own policy that look like policies but are not read.
    pub(super) fn warn_of_neighbours(&self, problems: &mut Collector<'_>) {
        let Self::EmbeddedInPlaceOf(path) = self else { return };
        let at = path.display();
        for other in neighbours(path) {
            let message =
                format!("{} is not read: the policy is looked for at {at}", other.display());
            let hint = "rename it, or name it with --routing or LLM_GATEWAY_ROUTING";
            problems.variable(Severity::Warning, message, hint);
        }
        let env_file = path.with_file_name(".env");
        if env_file.is_file() {
            let message =
                format!("{} is not read, because no policy is at {at}", env_file.display());
            let hint = "name it with --env-file, or copy routing.yaml there";
            problems.variable(Severity::Warning, message, hint);
        }
    }
}

/// Returns the files beside a policy's path whose names are not looked for.
fn neighbours(path: &Path) -> impl Iterator<Item = PathBuf> {
    let others = OTHER_NAMES.map(|name| path.with_file_name(name)).into_iter();
    others.filter(|other| other.symlink_metadata().is_ok())
}

/// Returns whether nothing exists at a path, not even a broken link.
fn is_absent(path: &Path) -> bool {
    let is_dead_link =
        |it: &Path| it.symlink_metadata().is_ok_and(|it| it.is_symlink()) && it.metadata().is_err();
    match path.metadata().map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => !path.ancestors().any(is_dead_link),
        // Somewhere above it is a file. That is nothing of ours unless it has our name: some users
        // have no home, and `/dev/null` for its path.
        Err(ErrorKind::NotADirectory) => {
            path.parent().is_none_or(|parent| parent.symlink_metadata().is_err())
        }
        Ok(_) | Err(_) => false,
    }
}
