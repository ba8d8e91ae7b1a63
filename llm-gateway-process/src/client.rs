//! Notices when the other end of stdin or stdout has gone.

/// Waits until the other end of stdin or stdout is closed, even while nothing is read or written.
///
/// A server that reads no more, because its answers are not taken, would not learn of it from its
/// reads. Files have no other end, and on some platforms this cannot be known: it then waits for
/// ever.
///
/// # Panics
/// Panics when it is called outside a tokio runtime.
#[cfg(unix)]
pub async fn client_left() {
    use tokio::io::Interest;
    tokio::select! {
        () = closed(std::io::stdin(), Interest::READABLE) => {}
        () = closed(std::io::stdout(), Interest::WRITABLE) => {}
    }
}

/// Waits for ever: this platform does not tell.
#[cfg(not(unix))]
pub async fn client_left() {
    std::future::pending().await
}

/// Waits until the other end of a stream is closed.
#[cfg(unix)]
async fn closed(stream: impl std::os::fd::AsRawFd, interest: tokio::io::Interest) {
    // Only readiness is asked for, so the stream may go on blocking its own readers and writers.
    let Ok(stream) = tokio::io::unix::AsyncFd::with_interest(stream, interest) else {
        return std::future::pending().await;
    };
    loop {
        let Ok(mut ready) = stream.ready(interest).await else {
            return std::future::pending().await;
        };
        let seen = ready.ready();
        if seen.is_read_closed() || seen.is_write_closed() {
            return;
        }
        ready.clear_ready();
    }
}
