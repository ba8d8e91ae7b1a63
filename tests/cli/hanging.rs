//! A provider that never answers, and programs that wait for it.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use test_support::FakeSocket;
use tokio::runtime::Runtime;

use crate::program::{Ended, Home};
use crate::spend::Till;

pub(crate) struct Hanging {
    runtime: Runtime,
    socket: FakeSocket,
}

/// A program that waits for an answer. Dropping it kills it.
pub(crate) struct Waiting(pub(crate) Child);

impl Hanging {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let socket = runtime.block_on(FakeSocket::hanging());
        Self { runtime, socket }
    }

    /// Creates a provider that sends the first half of a stream, and then nothing.
    pub(crate) fn half_way(stream: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let socket = runtime.block_on(FakeSocket::stalling(stream));
        Self { runtime, socket }
    }

    /// Returns the scheme, host and port, which [`served_by`](crate::policies::served_by) takes.
    pub(crate) fn address(&self) -> String {
        self.socket.address()
    }

    /// Lets the provider and those who ask it go on for some time.
    pub(crate) fn goes_on_for(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Asks a question, and returns once it has arrived.
    pub(crate) fn asks(&self, till: &Till) -> Waiting {
        self.is_asked_by(till.run(&["route", "quick_answer", "Why?"]).command())
    }

    /// Starts a program that asks, and returns once the question has arrived.
    pub(crate) fn is_asked_by(&self, program: &mut Command) -> Waiting {
        let piped = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let before = self.socket.asked_so_far();
        let child = piped.spawn().expect("the program starts");
        self.runtime.block_on(self.socket.asked(before + 1));
        Waiting(child)
    }

    /// Asks a question, and kills the program while it waits.
    pub(crate) fn asks_and_dies(&self, till: &Till) {
        drop(self.asks(till));
    }
}

impl Waiting {
    /// Waits for the end, and returns everything that the program wrote.
    pub(crate) fn ends_saying(mut self, home: &Home) -> Ended {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        // One stream is read after the other, which works because stderr fits into its pipe.
        self.0.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("stdout");
        self.0.stderr.take().expect("a pipe").read_to_end(&mut stderr).expect("stderr");
        let status = self.0.wait().expect("the program ends");
        home.ended(Output { status, stdout, stderr })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A program that cannot be killed has exited, and the test notices.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
