//! Detects failures that this process causes itself, because it has no descriptors or no memory
//! left.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// The error codes by which systems say that this process, or the machine, has no descriptor, no
/// memory or no buffer left. The standard library has an error kind for memory only.
const WANTS: &[i32] = if cfg!(windows) {
    // ERROR_TOO_MANY_OPEN_FILES, ERROR_NOT_ENOUGH_MEMORY, WSAEMFILE, WSAENOBUFS.
    &[4, 8, 10024, 10055]
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    // ENOMEM, ENFILE, EMFILE, ENOBUFS.
    &[12, 23, 24, 105]
} else {
    // The same, by the numbers of BSD and macOS.
    &[12, 23, 24, 55]
};

/// Returns whether an error of the system says that this process has no descriptor or no memory
/// left. An error may wrap another one.
pub(crate) fn is_own_want(error: &io::Error) -> bool {
    let is_inner = || error.get_ref()?.downcast_ref().map(is_own_want);
    error.kind() == io::ErrorKind::OutOfMemory
        || error.raw_os_error().is_some_and(|code| WANTS.contains(&code))
        || is_inner().unwrap_or(false)
}

/// Returns whether this process can open nothing at this moment. The function is called after a
/// failure that does not say why something could not be opened.
pub(crate) fn has_no_descriptor() -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_err_and(|error| is_own_want(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_is_known_by_its_code_also_inside_another_error() {
        for code in WANTS {
            let want = io::Error::from_raw_os_error(*code);
            assert!(is_own_want(&want), "{want}");
            assert!(is_own_want(&io::Error::other(want)));
        }
        assert!(is_own_want(&io::ErrorKind::OutOfMemory.into()));
        assert!(!is_own_want(&io::ErrorKind::ConnectionRefused.into()));
        assert!(!is_own_want(&io::Error::other("too many open files")), "words are not read");
        assert!(!has_no_descriptor());
    }
}
