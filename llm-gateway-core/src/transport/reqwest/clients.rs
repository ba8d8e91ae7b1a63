//! The HTTP clients of a transport, each with its pool of connections.
//!
//! A connection is driven by the runtime that opened it, and stands still or ends with it. So each
//! runtime has clients of its own, and no connection is used from two. The connections of a runtime
//! that ends are closed by its end, so that tokio may give its id to another one; what is left of
//! its clients is forgotten as others come.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::reqwest::Client;
use tokio::runtime::Id;

use super::Lane;

/// The most clients that are kept: those of 64 runtimes. Programs have one runtime, a few, or one
/// for each core, and a suite of tests has one after the other. A client that is forgotten while a
/// call uses it lives on until the call ends; only connections that are idle are lost.
const MOST_CLIENTS: usize = 3 * 64;

/// The clients of a transport by their runtime and lane, the most recently used last.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<VecDeque<(Id, Lane, Client)>>);

impl Clients {
    /// Returns the client of a lane on a runtime.
    pub(super) fn get(&self, runtime: Id, lane: Lane) -> Option<Client> {
        found(&mut self.lock(), runtime, lane)
    }

    /// Keeps a client, and returns it. Of two that were built at the same time the first is kept.
    pub(super) fn keep(&self, runtime: Id, lane: Lane, client: Client) -> Client {
        let mut kept = self.lock();
        if let Some(first) = found(&mut kept, runtime, lane) {
            return first;
        }
        kept.push_back((runtime, lane, client.clone()));
        // Dropped after the lock: a client closes its idle connections.
        let oldest = if kept.len() > MOST_CLIENTS { kept.pop_front() } else { None };
        drop(kept);
        drop(oldest);
        client
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Id, Lane, Client)>> {
        // Entries are moved whole, so a panic leaves the list sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the client of a lane on a runtime, which becomes the most recently used.
fn found(kept: &mut VecDeque<(Id, Lane, Client)>, runtime: Id, lane: Lane) -> Option<Client> {
    let at = kept.iter().rposition(|(id, of, _)| (*id, *of) == (runtime, lane))?;
    let found = kept.remove(at)?;
    let client = found.2.clone();
    kept.push_back(found);
    Some(client)
}
