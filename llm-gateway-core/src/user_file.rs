//! Reads a file that a person wrote or named, and explains why a file cannot be read.
//!
//! A named pipe is read like a file, because password managers mount `.env` as a pipe. The wait for
//! its writer is bounded, because a server has to start.

use std::fs::File;
use std::io::Read;
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// The largest file that is read, in bytes. A larger policy is an accident, because policies have a
/// few kilobytes.
pub(crate) const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The longest wait for the content of a file that is not a regular one. Clients give a server ten
/// seconds to start.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// Returns the text of a file.
///
/// # Errors
/// Fails with the reason, in words for a person.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read_file(path)?).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Returns the bytes of a file.
///
/// # Errors
/// Fails with the reason, in words for a person.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let kind = std::fs::metadata(path).map_err(|error| why(&error))?;
    if kind.len() > LARGEST_FILE {
        return Err(format!("it is {} bytes long, and {LARGEST_FILE} are allowed", kind.len()));
    }
    match kind.file_type() {
        kind if kind.is_file() || kind.is_dir() => read_bytes(path),
        #[cfg(unix)]
        kind if kind.is_fifo() => read_pipe(path),
        _ => read_in_time(path),
    }
}

/// Returns what is written into a named pipe. The pipe is opened without waiting for a writer,
/// because a reader that waited would outlive the time limit and consume the content of the next
/// reader.
#[cfg(unix)]
fn read_pipe(path: &Path) -> Result<Vec<u8>, String> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;

    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let options = File::options().read(true).custom_flags(at_once).open(path);
    let mut pipe = options.map_err(|error| why(&error))?;
    let patience = Timespec::try_from(LONGEST_READ).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    loop {
        let mut waiting = [PollFd::new(&pipe, PollFlags::IN)];
        match poll(&mut waiting, Some(&patience)) {
            Ok(0) => return Err(nobody_wrote()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(why(&error.into())),
        }
        let mut chunk = [0; 8 * 1024];
        match pipe.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(why(&error)),
        }
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(endless());
        }
    }
}

/// Returns the bytes of a file that may never end, such as a terminal. The thread that waits for it
/// ends with the process.
fn read_in_time(path: &Path) -> Result<Vec<u8>, String> {
    let (sender, receiver) = mpsc::channel();
    let owned = path.to_owned();
    let read = move || drop(sender.send(read_bytes(&owned)));
    let started = std::thread::Builder::new().name("read a pipe".to_owned()).spawn(read);
    started.map_err(|error| why(&error))?;
    receiver.recv_timeout(LONGEST_READ).unwrap_or_else(|_| Err(nobody_wrote()))
}

/// Returns the reason why a read failed: nobody wrote to the pipe.
fn nobody_wrote() -> String {
    format!("it is a pipe, and nobody wrote into it for {} s", LONGEST_READ.as_secs())
}

/// Returns the reason why a read was given up: the file is too large.
fn endless() -> String {
    format!("it has no end, or more than the {LARGEST_FILE} bytes allowed")
}

/// Returns the bytes of a file, at most [`LARGEST_FILE`] of them.
fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| why(&error))?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| why(&error))?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(endless()),
        false => Ok(bytes),
    }
}

/// Returns why a file cannot be read, in words for a person.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        kind => kind.to_string(),
    }
}
