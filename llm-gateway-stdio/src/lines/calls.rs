//! The requests under way, each with the id that rmcp knows it by and the client that waits for it.
//!
//! rmcp gets ids that this module assigns, each of which is used once. A client that reuses an id,
//! such as right after a cancellation, then cannot mix up two answers.

use std::collections::HashMap;

use super::id::Id;

/// The requests under way, and the batches that are not completely answered.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// The last id that was assigned for rmcp.
    last: i64,
    calls: HashMap<i64, Call>,
    /// The ids of rmcp by the keys of the clients' ids.
    known: HashMap<String, i64>,
    batches: HashMap<BatchNumber, Batch>,
    last_batch: u64,
}

/// The number of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BatchNumber(u64);

#[derive(Debug)]
struct Call {
    id: Id,
    batch: Option<BatchNumber>,
}

/// A batch, which is answered by one list once all of its requests are answered.
#[derive(Debug, Default)]
struct Batch {
    /// Whether all messages of the batch were read.
    read: bool,
    under_way: usize,
    answers: Vec<String>,
}

impl Calls {
    /// Returns how many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.calls.len()
    }

    /// Begins a request whose id no other request under way has. Returns its id for rmcp.
    pub(crate) fn begin(&mut self, id: Id, batch: Option<BatchNumber>) -> i64 {
        self.last += 1;
        self.known.insert(id.key().to_owned(), self.last);
        if let Some(batch) = batch.and_then(|batch| self.batches.get_mut(&batch)) {
            batch.under_way += 1;
        }
        self.calls.insert(self.last, Call { id, batch });
        self.last
    }

    /// Returns rmcp's id of the request that a client calls `key`.
    pub(crate) fn of(&self, key: &str) -> Option<i64> {
        self.known.get(key).copied()
    }

    /// Ends a request by an answer that `line` makes from the client's id. Returns the message to
    /// write now.
    pub(crate) fn answer(
        &mut self,
        number: i64,
        line: impl FnOnce(&str) -> String,
    ) -> Option<String> {
        let call = self.end(number)?;
        self.collect(line(call.id.written()), call.batch)
    }

    /// Ends a request that gets no answer. Returns the message to write now: the answers of its
    /// batch, if it was the last request of that batch.
    pub(crate) fn cancel(&mut self, number: i64) -> Option<String> {
        let batch = self.end(number)?.batch?;
        self.whole(batch)
    }

    /// Adds an answer to its batch. Returns the message to write now: the answer, if it belongs to
    /// no batch.
    pub(crate) fn collect(&mut self, line: String, batch: Option<BatchNumber>) -> Option<String> {
        let Some(number) = batch else { return Some(line) };
        self.batches.get_mut(&number)?.answers.push(line);
        self.whole(number)
    }

    /// Begins a batch.
    pub(crate) fn begin_batch(&mut self) -> BatchNumber {
        self.last_batch += 1;
        let number = BatchNumber(self.last_batch);
        self.batches.insert(number, Batch::default());
        number
    }

    /// Records that all messages of a batch were read. Returns its answers if all are there.
    pub(crate) fn end_batch(&mut self, number: BatchNumber) -> Option<String> {
        self.batches.get_mut(&number)?.read = true;
        self.whole(number)
    }

    /// Ends all batches, and returns the answers that they have so far.
    pub(crate) fn break_off(&mut self) -> Vec<String> {
        let batches = std::mem::take(&mut self.batches).into_values();
        batches.filter_map(|batch| list(&batch.answers)).collect()
    }

    fn end(&mut self, number: i64) -> Option<Call> {
        let call = self.calls.remove(&number)?;
        self.known.remove(call.id.key());
        if let Some(batch) = call.batch.and_then(|batch| self.batches.get_mut(&batch)) {
            batch.under_way = batch.under_way.saturating_sub(1);
        }
        Some(call)
    }

    fn whole(&mut self, number: BatchNumber) -> Option<String> {
        let batch = self.batches.get(&number)?;
        if !batch.read || batch.under_way > 0 {
            return None;
        }
        list(&self.batches.remove(&number)?.answers)
    }
}

/// Returns the answers of a batch as one message. A batch of notifications gets none.
fn list(answers: &[String]) -> Option<String> {
    (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
}
