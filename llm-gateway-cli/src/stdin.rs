//! Finds out what stdin is, so that a command does not wait for a text that nobody will write.

#[cfg(target_os = "linux")]
use std::fs;
use std::io::{self, IsTerminal};

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
/// parent that left a pipe open. Where it cannot be found out, a writer is assumed, because a question
/// without its text is paid for in vain.
#[cfg(target_os = "linux")]
pub(crate) fn has_writer() -> bool {
    let (Ok(pipe), Ok(processes)) = (fs::read_link("/proc/self/fd/0"), fs::read_dir("/proc"))
    else {
        return true;
    };
    let own = Status::of(std::process::id());
    let relatives = with_ancestors(std::process::id());
    let mut others = numbers_in(processes).filter(|process| !relatives.contains(process));
    others.any(|process| {
        let descriptors = format!("/proc/{process}/fd");
        let Ok(held) = fs::read_dir(&descriptors) else {
            // What belongs to another user, such as `sudo cat`, cannot be looked at.
            return Status::of(process).zip(own).is_some_and(|(it, own)| it.may_be_piped_to(own));
        };
        numbers_in(held).any(|descriptor| {
            let is_the_pipe = fs::read_link(format!("{descriptors}/{descriptor}"))
                .is_ok_and(|target| target == pipe);
            is_the_pipe && is_for_writing(process, descriptor)
        })
    })
}

/// Returns `true`: what holds the pipe's other end cannot be found out on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn has_writer() -> bool {
    true
}

/// The state of a process, its parent and its group.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
struct Status {
    /// The letter of the state, such as `Z` for a process that ended and was not waited for.
    state: char,
    parent: u32,
    group: u32,
}

#[cfg(target_os = "linux")]
impl Status {
    /// Returns the status of a process; `None` if it is gone.
    fn of(process: u32) -> Option<Self> {
        let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before the status may hold blanks and brackets.
        let mut fields = line.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self {
            state,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }

    /// Returns whether the process may be a part of the pipeline of `own`: the parts share a group,
    /// and one that ended writes no more.
    fn may_be_piped_to(self, own: Self) -> bool {
        self.group == own.group && !matches!(self.state, 'Z' | 'X')
    }
}

/// Returns the ids of a process and its ancestors, nearest first.
#[cfg(target_os = "linux")]
fn with_ancestors(process: u32) -> Vec<u32> {
    let parent = |process: &u32| Some(Status::of(*process)?.parent).filter(|parent| *parent > 0);
    std::iter::successors(Some(process), parent).take(DEEPEST).collect()
}

/// The largest number of ancestors that are read, because the tree may change meanwhile.
#[cfg(target_os = "linux")]
const DEEPEST: usize = 256;

/// Returns the names in a directory that are numbers.
#[cfg(target_os = "linux")]
fn numbers_in(directory: fs::ReadDir) -> impl Iterator<Item = u32> {
    directory.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_process_that_ended_writes_no_more() {
        let own = Status::of(std::process::id()).unwrap();
        assert!(own.may_be_piped_to(own));
        let mut child = Command::new("true").spawn().unwrap();
        let has_ended = || Status::of(child.id()).is_some_and(|it| it.state == 'Z');
        for _ in 0..1_000 {
            if !has_ended() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
        let ended = has_ended();
        assert!(ended, "it ends, and nobody has waited for it");
        let status = Status::of(child.id()).unwrap();
        assert_eq!((status.parent, status.group), (std::process::id(), own.group));
        assert!(!status.may_be_piped_to(own));
        child.wait().unwrap();
        assert!(with_ancestors(std::process::id()).contains(&own.parent));
    }
}
