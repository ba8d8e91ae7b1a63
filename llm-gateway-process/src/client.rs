//! Detects that the other end of stdin or stdout is closed.

/// Waits until the other end of stdin or stdout is closed, even while nothing is read or written.
///
/// A server that has stopped reading, because its client does not read its answers, would not
/// notice this from its reads. Files have no other end, and some platforms cannot detect the end;
/// the future then waits for ever.
#[cfg(unix)]
pub async fn client_left() {
    let (tell, told) = tokio::sync::oneshot::channel();
    // The system is asked by a thread that sleeps until there is something to tell, so that a
    // server without work is never woken.
    let named = std::thread::Builder::new().name("client".to_owned());
    let asked = named.spawn(move || {
        if wait_for_hangup() {
            let _ = tell.send(());
        }
    });
    if asked.is_err() || told.await.is_err() {
        std::future::pending().await
    }
}

/// Waits for ever, because this platform cannot detect the end.
#[cfg(not(unix))]
pub async fn client_left() {
    std::future::pending().await
}

/// Blocks until the other end of stdin or stdout is closed. Returns false if the system cannot
/// detect that.
#[cfg(unix)]
fn wait_for_hangup() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    // Sockets, which Node.js uses for pipes, tell of one closed direction only if they are asked.
    #[cfg(target_os = "linux")]
    let wanted = PollFlags::RDHUP;
    #[cfg(not(target_os = "linux"))]
    let wanted = PollFlags::empty();
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let mut ends = [PollFd::new(&stdin, wanted), PollFd::new(&stdout, PollFlags::empty())];
    loop {
        match poll(&mut ends, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return false,
        }
        let invalid = |end: &PollFd<'_>| end.revents().contains(PollFlags::NVAL);
        return !ends.iter().any(invalid);
    }
}
