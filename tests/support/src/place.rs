//! A temporary place on disk: a policy with its `.env`, and the project that a client has open.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Temporary directories: `policy/` holds `routing.yaml` and `.env`, `project/` is the server's
/// current directory, `home/` is the user's home. Dropping the place deletes them.
pub struct Place {
    root: TempDir,
}

impl Place {
    /// Creates a place without a policy.
    ///
    /// # Panics
    /// Panics if no temporary directory can be created.
    pub fn empty() -> Self {
        let root = TempDir::new().unwrap();
        for directory in ["policy", "project", "home"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        Self { root }
    }

    /// Creates a place whose policy file holds `yaml`.
    pub fn with_policy(yaml: impl AsRef<[u8]>) -> Self {
        Self::empty().file("policy/routing.yaml", yaml)
    }

    /// Writes `text` into `.env` beside the policy.
    #[must_use]
    pub fn dotenv(self, text: &str) -> Self {
        self.file("policy/.env", text)
    }

    /// Writes a file below the root, and creates its directories.
    ///
    /// # Panics
    /// Panics if the file cannot be written.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Returns the absolute path of something below the root.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Returns the path of the policy file.
    pub fn policy(&self) -> PathBuf {
        self.path("policy/routing.yaml")
    }

    /// Returns every file of the place except `.env`, with its content.
    ///
    /// # Panics
    /// Panics if a file cannot be read.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.root.path(), &mut files);
        files
    }
}

fn collect(directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.file_name().unwrap() != ".env" {
            let content = fs::read(&path).unwrap();
            files.push((path, content));
        }
    }
}
