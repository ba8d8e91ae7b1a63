//! The text of a file that a person wrote, or in their words why there is none.

use std::path::Path;

/// A policy of this size is an accident. The largest sensible one is a few kilobytes.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The text of a file, or why there is none.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| why(&error))?.len();
    if size > LARGEST_FILE {
        return Err(format!("it is {size} bytes long, and {LARGEST_FILE} are allowed"));
    }
    std::fs::read(path)
        .map_err(|error| why(&error))
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()))
}

/// Why a file cannot be read, in words that a person uses.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        kind => kind.to_string(),
    }
}
