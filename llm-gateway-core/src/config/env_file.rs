//! The `.env` file: which file is read, which of its variables are accepted, and what is wrong with
//! it. A file that cannot be read is an error, because it may hold a cap.
//!
//! If two lines assign one name, the last counts, as in shells. Two lines with different values for
//! a variable of the gateway are an error, because a variable that guards money is never guessed.

use std::path::{Path, PathBuf};

use crate::environment::{Environment, is_of_network, is_own};

use super::compile::base_url_variables;
use super::diagnostic::{Collector, Severity, mask_keys};
use super::dotenv::{Assignment, FaultKind, FaultyLine, LooseQuote, Statement, statements};
use super::pipe_texts::PipeTexts;

/// A file of variables.
pub(super) enum EnvFile {
    /// The user named the file.
    Named(PathBuf),
    /// The file lies beside the policy.
    Beside(PathBuf),
    /// The file lay beside the policy when it was read last, and is gone.
    Gone(PathBuf),
}

impl EnvFile {
    /// Returns the file that was named, else the `.env` in the policy's directory if there is one,
    /// or was one `before`.
    pub(super) fn of(
        named: Option<&Path>,
        directory: Option<&Path>,
        before: Option<&Path>,
    ) -> Option<Self> {
        if let Some(path) = named {
            return Some(Self::Named(path.to_owned()));
        }
        let path = directory?.join(".env");
        let was_there = before == Some(path.as_path());
        match is_there(&path) {
            true if was_there && path.is_dir() => Some(Self::Gone(path)),
            true => Some(Self::Beside(path)),
            false => was_there.then_some(Self::Gone(path)),
        }
    }

    /// Adds the file's variables to the environment, and returns the file's path if it could be
    /// read. `keys` are the key variables that the policy names.
    pub(super) fn add_to(
        &self,
        environment: &mut Environment,
        keys: &[String],
        pipes: &PipeTexts,
        problems: &mut Collector<'_>,
    ) -> Option<PathBuf> {
        let allowed = |name: &str| {
            // The place of the policy was known before this file was looked for.
            (is_own(name) && name != "LLM_GATEWAY_ROUTING")
                || base_url_variables().any(|variable| variable == name)
                || keys.iter().any(|key| key == name)
        };
        if let Self::Beside(path) = self
            && path.is_dir()
        {
            // A directory can hold no cap.
            let message =
                format!("{} is a directory, so no variable is read from it", path.display());
            let hint = "put a file in its place: Docker makes a directory where the file to mount \
                        is not there";
            problems.variable(Severity::Warning, message, hint);
            return None;
        }
        match self.text(pipes) {
            Ok(text) => {
                let Parted { assignments, faults, loose } = parted(&text);
                self.add(&assignments, environment, &allowed, problems);
                self.report(&faults, &allowed, problems);
                let of_assignments =
                    assignments.iter().map(|it| (it.line, Some(&it.name), &it.within));
                let of_faults = faults.iter().map(|it| (it.line, it.name.as_ref(), &it.within));
                for (line, name, within) in of_assignments.chain(of_faults) {
                    self.warn_of_lines_within(line, name, within, &allowed, problems);
                }
                self.report_loose(&loose, &allowed, problems);
                Some(self.path().to_owned())
            }
            Err(why) => {
                let message = format!("{} cannot be read: {why}", self.path().display());
                problems.variable(Severity::Error, message, self.hint());
                None
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Beside(path) | Self::Gone(path) => path,
        }
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// Fails with the reason, in words for a person.
    fn text(&self, pipes: &PipeTexts) -> Result<String, String> {
        let text = pipes.read(self.path())?;
        // UTF-16 without a byte order mark is valid UTF-8 full of zeros.
        if text.contains('\0') { Err("it is not UTF-8 text".to_owned()) } else { Ok(text) }
    }

    /// Returns the advice for a file that cannot be read.
    fn hint(&self) -> &'static str {
        match self {
            Self::Named(_) => "name another file with --env-file, or leave it out",
            Self::Beside(_) => "make it a readable file of UTF-8 text, or take it away",
            Self::Gone(_) => "put it back, or start the program anew to go on without it",
        }
    }

    /// Adds to the environment the assignments whose names are `allowed` and that the process does
    /// not have, and reports those that may not mean what their author intended.
    fn add(
        &self,
        assignments: &[Assignment],
        environment: &mut Environment,
        allowed: &impl Fn(&str) -> bool,
        problems: &mut Collector<'_>,
    ) {
        let file = self.path().display();
        let before = environment.clone();
        let wanted = |it: &&Assignment| allowed(&it.name) && !before.holds(&it.name);
        for it in assignments.iter().filter(wanted) {
            // An empty line does not take the place of a guard that nobody filled in.
            let is_unfilled = is_own(&it.name) && before.unusable(&it.name).is_some();
            if !(is_unfilled && it.value.trim().is_empty()) {
                environment.set(it.name.clone(), it.value.clone());
            }
            let others = assignments.iter().take_while(|other| other.line < it.line);
            let other = others.filter(|other| other.name == it.name).last();
            if let Some(other) = other.filter(|other| other.value.trim() != it.value.trim()) {
                let (severity, hint) = match is_own(&it.name) {
                    true => (Severity::Error, "keep the line that is meant, and delete the other"),
                    false => (Severity::Warning, "the last one counts: delete the other"),
                };
                let (name, first, last) = (&it.name, other.line, it.line);
                let message =
                    format!("{file}: {name} has one value in line {first} and another in {last}");
                problems.variable(severity, message, hint);
            }
        }
        self.warn_of_replaced(environment, &before, problems);
        self.warn_of_network(assignments, &before, problems);
    }

    /// Warns of each variable that guards money whose value is the file's, because the process has
    /// a placeholder.
    fn warn_of_replaced(
        &self,
        environment: &Environment,
        process: &Environment,
        problems: &mut Collector<'_>,
    ) {
        let is_replaced = |name: &&str| is_own(name) && environment.is_of_file(name);
        for name in environment.names().filter(is_replaced) {
            let Some(why) = process.unusable(name) else { continue };
            let file = self.path().display();
            let message = format!("{name} {} where it is set, so {file} counts", why.what());
            problems.variable(Severity::Warning, message, why.advice());
        }
    }

    /// Warns of each line within a value of several lines that would set a variable if it stood
    /// alone.
    fn warn_of_lines_within(
        &self,
        line: usize,
        name: Option<&String>,
        within: &[String],
        allowed: &impl Fn(&str) -> bool,
        problems: &mut Collector<'_>,
    ) {
        let file = self.path().display();
        let of = name.map(|name| format!(" of {}", mask_keys(name))).unwrap_or_default();
        for inner in within.iter().filter(|inner| allowed(inner)) {
            let message = format!(
                "{file}:{line}: the value{of} runs over several lines, and one of them sets \
                 {inner}, which does not count"
            );
            problems.variable(Severity::Warning, message, "close the quotes before that line");
        }
    }

    /// Reports each quote that makes it doubtful whether the lines behind it set a variable: an
    /// error if the line that closes it can mean nothing else, else a warning.
    fn report_loose(
        &self,
        loose: &[LooseQuote],
        allowed: &impl Fn(&str) -> bool,
        problems: &mut Collector<'_>,
    ) {
        let file = self.path().display();
        for LooseQuote { line, name, within, is_certain } in loose {
            let Some(inner) = within.iter().find(|inner| allowed(inner)) else { continue };
            let of = name.as_deref().map(|name| format!(" of {}", mask_keys(name)));
            let of = of.unwrap_or_default();
            let message = format!(
                "{file}:{line}: a quote in the line{of} is not closed, and a line behind it, \
                 which sets {inner}, may be a part of the value"
            );
            let severity = if *is_certain { Severity::Error } else { Severity::Warning };
            problems.variable(severity, message, "put the whole value into quotes of one kind");
        }
    }

    /// Warns of each variable of the network: such a line does not count, and its writer may think
    /// that it does.
    fn warn_of_network(
        &self,
        assignments: &[Assignment],
        process: &Environment,
        problems: &mut Collector<'_>,
    ) {
        let file = self.path().display();
        let differs = |it: &&Assignment| {
            let value = it.value.trim();
            !value.is_empty() && process.written(&it.name) != Some(value)
        };
        for it in assignments.iter().filter(|it| is_of_network(&it.name)).filter(differs) {
            let message = format!("{file}:{}: {} is not read from here", it.line, it.name);
            let hint = "set it in the environment of the process, where every program reads it";
            problems.variable(Severity::Warning, message, hint);
        }
    }

    /// Reports lines that cannot be read: quotes that are not closed, each line about a variable of
    /// the gateway, and the first of the other lines. A line about a name that would not count is
    /// skipped, because other programs may read it.
    fn report(
        &self,
        faults: &[FaultyLine],
        allowed: &impl Fn(&str) -> bool,
        problems: &mut Collector<'_>,
    ) {
        let file = self.path().display();
        for FaultyLine { line, name, own, kind, .. } in faults {
            let named = name.as_deref().map(mask_keys).or_else(|| own.clone());
            let (message, hint) = match (kind, own) {
                (FaultKind::OpenQuote, _) => {
                    let of = named.map(|name| format!(" of {name}")).unwrap_or_default();
                    let message = format!("a quote in the line{of} is not closed");
                    (message, "close it: what stands behind it cannot be read")
                }
                (FaultKind::NoAssignment, Some(own)) => (
                    format!("the line of {own} is not NAME=value"),
                    "write NAME=value alone, such as LLM_GATEWAY_CAP_TOTAL_MONTHLY=25",
                ),
                (FaultKind::NoAssignment, None) => continue,
            };
            problems.variable(Severity::Error, format!("{file}:{line}: {message}"), hint);
        }
        let counts = |fault: &&FaultyLine| match (&fault.kind, &fault.own, &fault.name) {
            (FaultKind::OpenQuote, _, _) | (_, Some(_), _) => false,
            (FaultKind::NoAssignment, None, name) => name.as_deref().is_none_or(allowed),
        };
        let mut others = faults.iter().filter(counts).peekable();
        let nameless = others.peek().map(|fault| fault.line);
        for fault in others.filter(|it| it.name.is_some() || Some(it.line) == nameless) {
            let of = fault.name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
            let message = format!("{file}:{}: the line{of} is not NAME=value", fault.line);
            let hint = match of.is_empty() {
                true => "write one NAME=value a line",
                false => "put a value that has blanks or quotes in it into quotes",
            };
            problems.variable(Severity::Warning, message, hint);
        }
    }
}

/// The statements of a file by their kind.
#[derive(Default)]
struct Parted {
    assignments: Vec<Assignment>,
    faults: Vec<FaultyLine>,
    loose: Vec<LooseQuote>,
}

/// Returns the statements of a text by their kind.
fn parted(text: &str) -> Parted {
    let mut parted = Parted::default();
    for statement in statements(text) {
        match statement {
            Statement::Assignment(it) => parted.assignments.push(it),
            Statement::Fault(it) => parted.faults.push(it),
            Statement::Loose(it) => parted.loose.push(it),
        }
    }
    parted
}

/// Returns whether anything is at `path`, even a broken link, but an environment of Python, which
/// some users keep in `.env`.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok() && !path.join("pyvenv.cfg").exists()
}
