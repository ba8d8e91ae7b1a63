//! Reads a text file that a person wrote, or says in plain words why it cannot be read.

use std::path::Path;

/// The largest file that is read, in bytes. A larger policy is an accident: sensible ones have a
/// few kilobytes.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Returns the text of a file.
///
/// # Errors
/// Fails with the reason, in words for a person.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| why(&error))?.len();
    if size > LARGEST_FILE {
        return Err(format!("it is {size} bytes long, and {LARGEST_FILE} are allowed"));
    }
    std::fs::read(path)
        .map_err(|error| why(&error))
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()))
}

/// Returns why a file cannot be read, in words for a person.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        kind => kind.to_string(),
    }
}
