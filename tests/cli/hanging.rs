//! A provider that never answers, and programs that wait for it.

use std::process::{Child, Command, Stdio};

use test_support::FakeSocket;
use tokio::runtime::Runtime;

use crate::spend::Till;

pub(crate) struct Hanging {
    runtime: Runtime,
    socket: FakeSocket,
}

/// A program that waits; killed when dropped.
pub(crate) struct Waiting(pub(crate) Child);

impl Hanging {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let socket = runtime.block_on(FakeSocket::hanging());
        Self { runtime, socket }
    }

    /// What [`served_by`](crate::policies::served_by) takes.
    pub(crate) fn url(&self) -> String {
        self.socket.base_url().trim_end_matches("/v1").to_owned()
    }

    /// Starts to ask, and returns when the question has arrived.
    pub(crate) fn asks(&self, till: &Till) -> Waiting {
        self.is_asked_by(till.run(&["route", "quick_answer", "Why?"]).command())
    }

    /// Starts a program that asks, and returns when the question has arrived.
    pub(crate) fn is_asked_by(&self, program: &mut Command) -> Waiting {
        let silent = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let before = self.socket.asked_so_far();
        let child = silent.spawn().expect("the program starts");
        self.runtime.block_on(self.socket.asked(before + 1));
        Waiting(child)
    }

    /// Asks, and is killed while it waits.
    pub(crate) fn asks_and_dies(&self, till: &Till) {
        drop(self.asks(till));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // What cannot be killed has ended, and the test shows that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
