//! The texts of pipes, which can be read only once.
//!
//! A policy that is read anew must not ask a pipe again: its writer may have gone, so that every
//! key and every cap would be missing, or may be a password manager, which asks a person each time.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::user_file::read_text;

/// The texts of the pipes that were read. They may hold keys, so there is no `Debug`.
#[derive(Default)]
pub(crate) struct PipeTexts(Mutex<BTreeMap<PathBuf, (PipeIdentity, String)>>);

/// What tells a pipe from another one that took its place.
type PipeIdentity = (u64, u64);

impl PipeTexts {
    /// Returns the text of a file, which is read, or of a pipe, which is read if it was not before.
    ///
    /// # Errors
    /// Fails with the reason, in words for a person.
    pub(super) fn read(&self, path: &Path) -> Result<String, String> {
        let pipe = path.metadata().ok().filter(|it| !it.is_file() && !it.is_dir());
        let Some(pipe) = pipe.map(|pipe| identity(&pipe)) else { return read_text(path) };
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = texts.get(path).filter(|(read, _)| *read == pipe) {
            return Ok(text.clone());
        }
        let text = read_text(path)?;
        texts.insert(path.to_owned(), (pipe, text.clone()));
        Ok(text)
    }
}

#[cfg(unix)]
fn identity(pipe: &Metadata) -> PipeIdentity {
    use std::os::unix::fs::MetadataExt;
    (pipe.dev(), pipe.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> PipeIdentity {
    (0, 0)
}
