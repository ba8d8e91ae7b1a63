//! One run of the program: its input and its output.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_llm-gateway");

/// An empty home directory, which is also the current directory.
pub(crate) struct Home {
    directory: Rc<TempDir>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: Rc::new(TempDir::new().expect("a temporary directory")) }
    }

    /// Creates a home with a policy in it, which [`Home::with_policy`] uses.
    pub(crate) fn holding(policy: &str) -> Self {
        let home = Self::new();
        home.write("policy.yaml", policy);
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file below the home, and creates its directories.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Prepares a run with these arguments.
    pub(crate) fn program<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        test_support::heed_signals();
        let mut command = Command::new(PROGRAM);
        command.env_clear().env("HOME", self.path()).current_dir(self.path()).args(arguments);
        Run { command, stdin: Vec::new(), home: Rc::clone(&self.directory) }
    }

    /// Prepares a run with the policy of [`Home::holding`].
    pub(crate) fn with_policy(&self, arguments: &[&str]) -> Run {
        let policy = self.path().join("policy.yaml");
        let routing = [OsStr::new("--routing"), policy.as_os_str()];
        self.program(routing.into_iter().chain(arguments.iter().map(OsStr::new)))
    }

    /// Returns the result of a run that a test started itself.
    pub(crate) fn ended(&self, output: Output) -> Ended {
        Ended::new(output, &self.directory)
    }
}

/// A run that has not started.
pub(crate) struct Run {
    command: Command,
    stdin: Vec<u8>,
    /// The home is kept until the run has ended, even if the test drops its own handle.
    home: Rc<TempDir>,
}

impl Run {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Returns the command, for a test that runs it in its own way.
    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Runs the program to its end.
    pub(crate) fn ends(mut self) -> Ended {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe to stdin");
        let bytes = std::mem::take(&mut self.stdin);
        // stdin is written in a thread of its own, because the program may answer before it has
        // read everything, and may close stdin early.
        let feeding = std::thread::spawn(move || {
            let _ = stdin.write_all(&bytes);
        });
        let output = child.wait_with_output().expect("the program ends");
        feeding.join().expect("stdin was fed");
        Ended::new(output, &self.home)
    }

    /// Runs the program with a stdout that nobody reads.
    pub(crate) fn ends_unheard(mut self) -> Ended {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        self.command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let output = self.command.output().expect("the program runs");
        Ended::new(output, &self.home)
    }
}

/// The result of a run.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    home: String,
}

impl Ended {
    fn new(output: Output, home: &TempDir) -> Self {
        Self {
            code: output.status.code().expect("the program was not killed"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            home: home.path().display().to_string(),
        }
    }

    /// Asserts on the exit code, and shows all output if it differs.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Parses stdout as exactly one JSON document.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|why| panic!("{why}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// Returns stdout without the path of the home, for snapshots.
    pub(crate) fn stdout_anywhere(&self) -> String {
        self.stdout.replace(&self.home, "[home]")
    }

    /// Returns stderr as it was before its lines were wrapped.
    pub(crate) fn told(&self) -> String {
        flowing(&self.stderr)
    }

    /// Returns stdout and stderr together.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Returns the words of a text that was wrapped, with one blank between them.
pub(crate) fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
