//! Loads a policy from a source and an environment, or returns every reason why it cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::environment::Environment;
use crate::model::{ProviderName, date_utc};
use crate::policy::{Caps, Policy};

use super::compile::{self, Compilation, Counting};
use super::diagnostic::{Collector, Diagnostic, FilePosition, PolicyProblems, Severity};
use super::env_file::EnvFile;
use super::pipe_texts::PipeTexts;
use super::source::PolicySource;
use super::visible::first_unseen;
use super::{node, raw, structure};

/// The result of loading a policy.
#[non_exhaustive]
pub struct Loaded {
    /// The policy, or the problems because of which it cannot be used.
    pub policy: Result<Policy, PolicyProblems>,
    /// All problems, warnings included, in the order of the file.
    pub problems: Vec<Diagnostic>,
    /// The environment, with the variables of `.env` added.
    pub environment: Environment,
    /// The file from which variables were read; `None` if there was none, or it could not be read.
    pub(crate) env_file: Option<PathBuf>,
}

// Without the values of variables, some of which are keys.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Loaded");
        shown.field("policy", &self.policy).field("problems", &self.problems);
        shown.finish_non_exhaustive()
    }
}

/// A request to load a policy: its source, variables, the program's own providers and the date.
pub struct LoadRequest<'a> {
    source: &'a PolicySource,
    environment: Environment,
    env_file: Option<&'a Path>,
    own_providers: &'a [ProviderName],
    caps: Caps,
    counting: Counting,
    now: Duration,
    pipes: Option<&'a PipeTexts>,
    env_file_before: Option<&'a Path>,
}

// Without the values of variables, some of which are keys.
impl fmt::Debug for LoadRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LoadRequest");
        shown.field("source", &self.source).field("env_file", &self.env_file);
        shown.field("own_providers", &self.own_providers).field("now", &self.now);
        shown.finish_non_exhaustive()
    }
}

impl<'a> LoadRequest<'a> {
    /// Creates a request to load the policy at `source`, without variables and without providers of
    /// the program's own. `now` is the time since 1970-01-01 in UTC: it decides which models are
    /// reported as retired.
    pub fn new(source: &'a PolicySource, now: Duration) -> Self {
        let environment = Environment::empty();
        Self {
            source,
            environment,
            env_file: None,
            own_providers: &[],
            caps: Caps::new(),
            counting: Counting::InFile,
            now,
            pipes: None,
            env_file_before: None,
        }
    }

    /// Sets the variables that hold base URLs, keys, caps and switches.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// Sets the file of variables that is read in place of the `.env` beside the policy. `None`
    /// changes nothing.
    #[must_use]
    pub fn with_env_file(self, file: impl Into<Option<&'a Path>>) -> Self {
        Self { env_file: file.into().or(self.env_file), ..self }
    }

    /// Sets the providers that the embedding program brings, which targets of the policy may name.
    #[must_use]
    pub fn with_own_providers(self, providers: &'a [ProviderName]) -> Self {
        Self { own_providers: providers, ..self }
    }

    /// Sets the caps and switches that the embedding program asks for.
    #[must_use]
    pub fn with_caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// States that money is counted in no file, because the program brings a ledger or is offline.
    /// A cap then needs no place for one.
    pub(crate) fn counting_elsewhere(self) -> Self {
        Self { counting: Counting::Elsewhere, ..self }
    }

    /// Sets the texts of the pipes that were read before, which are not read again.
    pub(crate) fn with_pipes(self, pipes: &'a PipeTexts) -> Self {
        Self { pipes: Some(pipes), ..self }
    }

    /// Sets the file from which the policy before this one had variables. If it is to be read and
    /// is no longer there, that is an error: it may have held a cap.
    pub(crate) fn after_env_file(self, file: Option<&'a Path>) -> Self {
        Self { env_file_before: file, ..self }
    }
}

/// Reads, checks and compiles a policy. The source and a `.env` file are read, and nothing else is.
pub fn load(request: LoadRequest<'_>) -> Loaded {
    let LoadRequest { source, mut environment, env_file, env_file_before, .. } = request;
    let none_before = PipeTexts::default();
    let pipes = request.pipes.unwrap_or(&none_before);
    let name = source.name();
    let text = match source.read(pipes) {
        Ok(text) => text,
        Err(why) => return unreadable(&name, &why, source.hint(), environment),
    };
    let mut problems = Collector::new(&name, &text);
    source.warn_of_neighbours(&mut problems);
    let root = source.tree().unwrap_or_else(|| node::parse(&text)).map_err(|error| {
        // Indentation by what is no plain blank is an error that looks like none.
        let above = (error.place.line as usize).saturating_sub(2);
        let unseen = text.lines().skip(above).take(2).find_map(first_unseen);
        let hint = unseen.map(|unseen| format!("{unseen}: {}", error.hint));
        problems.error(error.place, error.message, hint.unwrap_or_else(|| error.hint.to_owned()));
    });
    let mut read_env_file = None;
    let compiled = root.ok().and_then(|root| {
        let schema = raw::json_schema();
        let fitting = structure::fitting(&root, &schema, &mut problems)?;
        let raw: raw::RawPolicy = serde_json::from_value(fitting)
            .map_err(|error| problems.error(FilePosition::default(), error.to_string(), ""))
            .ok()?;
        let keys = compile::key_variables(&raw);
        if let Some(file) = EnvFile::of(env_file, source.directory(), env_file_before) {
            read_env_file = file.add_to(&mut environment, &keys, pipes, &mut problems);
        }
        let compilation = Compilation {
            root: &root,
            environment: &environment,
            own_providers: request.own_providers,
            caps: &request.caps,
            counting: request.counting,
            directory: source.directory(),
            today: date_utc(request.now),
        };
        let parts = compilation.run(&raw, &mut problems);
        let absent = source.absent().map(Path::to_owned);
        Some(Policy { source: name.clone(), absent, digest: digest(&text), ..parts })
    });
    let failed = problems.has_errors();
    let problems = problems.into_sorted();
    let policy = compiled.filter(|_| !failed).ok_or_else(|| PolicyProblems::new(problems.clone()));
    Loaded { policy, problems, environment, env_file: read_env_file }
}

/// Returns the result for a policy file that cannot be read.
fn unreadable(file: &str, why: &str, hint: String, environment: Environment) -> Loaded {
    let message = format!("the policy file cannot be read: {why}");
    let problems = vec![Diagnostic::without_place(Severity::Error, file, message, hint)];
    let policy = Err(PolicyProblems::new(problems.clone()));
    Loaded { policy, problems, environment, env_file: None }
}

/// Returns the SHA-256 of a text in hex digits.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
