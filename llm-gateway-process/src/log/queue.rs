//! The log lines that wait to be written: a queue that never makes its callers wait.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most bytes that wait to be written. A pipe holds 64 KiB, and the queue adds this much for a
/// slow reader.
const MOST_BYTES: usize = 1024 * 1024;

/// A bounded queue of log lines. A line that does not fit is left out and counted.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    /// The bytes of all `lines`.
    bytes: usize,
    /// The number of lines that were left out since the last report.
    left_out: u64,
    /// Whether a line has been taken from the queue that is not written yet.
    writing: bool,
}

impl State {
    /// Adds a line if there is room for it. A line that is larger than the queue has room while
    /// nothing else waits.
    fn add(&mut self, line: Vec<u8>) -> bool {
        let fits = self.lines.is_empty() || self.bytes.saturating_add(line.len()) <= MOST_BYTES;
        if fits {
            self.bytes += line.len();
            self.lines.push_back(line);
        }
        fits
    }

    /// Removes and returns the next line to write. The report of lines that were left out follows
    /// the lines before them.
    fn next(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.pop_front();
        let line = line.or_else(|| (self.left_out > 0).then(|| told(&mut self.left_out)))?;
        self.bytes = self.bytes.saturating_sub(line.len());
        Some(line)
    }
}

impl Queue {
    /// Adds a line, or counts it as left out, without waiting.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut state = self.state();
        // Writing works again once half of what waited is written. Until then everything is left
        // out, so that one gap is told of once.
        if state.left_out > 0 && state.bytes <= MOST_BYTES / 2 {
            let told = told(&mut state.left_out);
            state.add(told);
        }
        if state.left_out > 0 || !state.add(line) {
            state.left_out += 1;
        }
        self.changed.notify_all();
    }

    /// Writes each line to `sink`, for ever. A line that cannot be written is lost.
    pub(super) fn write_to(&self, sink: &mut impl Write) {
        loop {
            let line = self.wait_for_line();
            let _ = sink.write_all(&line).and_then(|()| sink.flush());
            self.state().writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits until every line is written, for at most `limit`.
    pub(super) fn wait_until_written(&self, limit: Duration) {
        let waits =
            |state: &mut State| state.writing || !state.lines.is_empty() || state.left_out > 0;
        let _ = self.changed.wait_timeout_while(self.state(), limit, waits);
    }

    fn wait_for_line(&self) -> Vec<u8> {
        let mut state = self.state();
        loop {
            if let Some(line) = state.next() {
                state.writing = true;
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the line that reports how many lines were left out, and resets the count.
fn told(left_out: &mut u64) -> Vec<u8> {
    let count = std::mem::take(left_out);
    format!(" WARN llm_gateway: {count} log lines were left out, because stderr was not read\n")
        .into_bytes()
}

/// The queue as the writer of one event: each write is one line.
pub(super) struct LineWriter(pub(super) Arc<Queue>);

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A fake stderr that accepts a line only when the test says so, and keeps the accepted lines.
    struct Gate {
        open: Receiver<()>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.open.recv().is_err() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let _ = self.taken.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns a queue whose stderr is blocked, the way to let lines pass, and the lines that
    /// passed.
    fn stuck() -> (Arc<Queue>, Sender<()>, Receiver<Vec<u8>>) {
        let queue = Arc::new(Queue::default());
        let ((allow, open), (taken, lines)) = (channel(), channel());
        let writer = Arc::clone(&queue);
        std::thread::spawn(move || writer.write_to(&mut Gate { open, taken }));
        (queue, allow, lines)
    }

    #[test]
    fn a_stderr_that_nobody_reads_makes_nobody_wait_and_holds_little() {
        let (queue, _allow, _lines) = stuck();
        for _ in 0..100_000 {
            queue.push(vec![b'x'; 1000]);
        }
        assert!(queue.state().bytes <= MOST_BYTES);
        assert!(queue.state().left_out > 98_000);
        queue.wait_until_written(Duration::from_millis(10));
    }

    #[test]
    fn what_was_left_out_is_told_once_when_writing_works_again() {
        let (queue, allow, lines) = stuck();
        for number in 0..3000 {
            queue.push(format!("{number} {}\n", "x".repeat(1000)).into_bytes());
        }
        for _ in 0..3000 {
            let _ = allow.send(());
        }
        queue.wait_until_written(Duration::from_secs(10));
        queue.push(b"and on\n".to_vec());
        queue.wait_until_written(Duration::from_secs(10));
        let lines: Vec<String> =
            lines.try_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        let told = |line: &String| line.contains("were left out");
        let written = lines.iter().filter(|line| !told(line) && !line.starts_with("and")).count();
        let told: Vec<&String> = lines.iter().filter(|line| told(line)).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&format!(" {} log lines", 3000 - written)), "{told:?} {written}");
        assert_eq!(lines.last().unwrap(), "and on\n");
    }

    #[test]
    fn one_line_that_is_larger_than_the_queue_is_written() {
        let (queue, allow, lines) = stuck();
        allow.send(()).unwrap();
        queue.push(vec![b'x'; 3 * MOST_BYTES]);
        queue.wait_until_written(Duration::from_secs(10));
        assert_eq!(lines.try_iter().map(|line| line.len()).sum::<usize>(), 3 * MOST_BYTES);
    }

    #[test]
    fn a_closed_stderr_ends_nothing() {
        let (queue, allow, _lines) = stuck();
        drop(allow);
        for _ in 0..10 {
            queue.push(b"lost\n".to_vec());
        }
        queue.wait_until_written(Duration::from_secs(10));
        assert!(queue.state().lines.is_empty());
    }
}
