//! Finds out what stdin is, so that a command does not wait for a text that nobody will write.

#[cfg(target_os = "linux")]
use std::fs;
use std::io::{self, IsTerminal};
#[cfg(target_os = "linux")]
use std::path::Path;

/// What stdin is, as far as it matters to a command that can do without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdin {
    /// Somebody's keyboard.
    Terminal,
    /// A file, whose end is known.
    File,
    /// A pipe or a socket: somebody may write to it, now, later or never.
    Pipe,
    /// Nothing that holds a text, such as `/dev/null` or a directory.
    Nothing,
}

impl Stdin {
    /// Returns what the stdin of this process is.
    pub(crate) fn kind() -> Self {
        match io::stdin().is_terminal() {
            true => Self::Terminal,
            false => kind_of_file(),
        }
    }
}

#[cfg(unix)]
fn kind_of_file() -> Stdin {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let file = io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
    match file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_file() => Stdin::File,
        Ok(kind) if kind.is_fifo() || kind.is_socket() => Stdin::Pipe,
        _ => Stdin::Nothing,
    }
}

#[cfg(not(unix))]
fn kind_of_file() -> Stdin {
    // A file is told from a pipe by its first byte, which comes at once.
    Stdin::Pipe
}

/// Returns whether a program is running that may still write to the pipe on stdin: it holds the pipe's
/// other end and is no ancestor of this process. This distinguishes the first part of `a | b` from a
/// parent that left a pipe open.
#[cfg(target_os = "linux")]
pub(crate) fn has_writer() -> bool {
    let Ok(pipe) = fs::read_link("/proc/self/fd/0") else { return false };
    let relatives = with_ancestors(std::process::id());
    let mut others = numbers_in(Path::new("/proc")).filter(|process| !relatives.contains(process));
    let group = group_of(std::process::id());
    others.any(|process| {
        let descriptors = format!("/proc/{process}/fd");
        // What belongs to another user, such as `sudo cat`, cannot be looked at.
        if fs::read_dir(&descriptors).is_err() {
            return group.is_some() && group_of(process) == group;
        }
        let mut held = numbers_in(Path::new(&descriptors));
        held.any(|descriptor| {
            let is_the_pipe = fs::read_link(format!("{descriptors}/{descriptor}"))
                .is_ok_and(|target| target == pipe);
            is_the_pipe && is_for_writing(process, descriptor)
        })
    })
}

/// Returns the group of a process, which the parts of `a | b` share.
#[cfg(target_os = "linux")]
fn group_of(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold blanks and brackets: state, parent and group follow the last one.
    status.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

/// Returns `true`: a text that may still come is waited for, because a question without it is paid
/// for in vain.
#[cfg(not(target_os = "linux"))]
pub(crate) fn has_writer() -> bool {
    true
}

/// Returns a process and those that started it, the nearest first.
#[cfg(target_os = "linux")]
fn with_ancestors(process: u32) -> Vec<u32> {
    let parent = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        line.trim().parse().ok().filter(|parent| *parent > 0)
    };
    std::iter::successors(Some(process), parent).take(DEEPEST).collect()
}

/// The largest number of ancestors that are read, because the tree may change meanwhile.
#[cfg(target_os = "linux")]
const DEEPEST: usize = 256;

/// Returns the names in a directory that are numbers.
#[cfg(target_os = "linux")]
fn numbers_in(directory: &Path) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns whether a process may write to one of its descriptors.
#[cfg(target_os = "linux")]
fn is_for_writing(process: u32, descriptor: u32) -> bool {
    let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}"));
    let info = info.unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    // The last octal digit is the access mode: 0 reads, 1 writes, 2 does both.
    flags.is_some_and(|flags| flags.trim().ends_with(['1', '2', '5', '6']))
}
