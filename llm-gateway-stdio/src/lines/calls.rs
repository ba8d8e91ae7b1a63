//! The requests under way, each with the id that rmcp knows it by and the client that waits for it.
//!
//! rmcp gets ids that this module assigns, each of which is used once. A client that reuses an id,
//! such as right after a cancellation, then cannot mix up two answers.

use std::collections::HashMap;

use super::id::Id;
use super::told::{Token, ToldRequests};

/// The most bytes of answers that wait for the others of their batch. From there on a batch is
/// answered in several lists, so that memory has a bound.
const MOST_HELD: usize = 4 * 1024 * 1024;

/// The name under which a message carries the id of the request for a stream, before rmcp's id.
const STREAM_OF: &str = r#""io.modelcontextprotocol/subscriptionId":"#;

/// The requests under way, and the batches that are not completely answered.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// The last id that was assigned for rmcp.
    last: i64,
    calls: HashMap<i64, Call>,
    /// The ids of rmcp by the keys of the clients' ids.
    known: HashMap<String, i64>,
    batches: HashMap<BatchNumber, Batch>,
    /// The number of bytes that the answers in all batches have.
    held: usize,
    last_batch: u64,
    /// The requests whose progress is told.
    told: ToldRequests,
}

/// The number of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BatchNumber(u64);

#[derive(Debug)]
struct Call {
    id: Id,
    batch: Option<BatchNumber>,
}

/// A batch, which is answered by one list once all of its requests are answered, or by several if
/// its answers are large.
#[derive(Debug, Default)]
struct Batch {
    /// Whether all messages of the batch were read.
    read: bool,
    under_way: usize,
    answers: Vec<String>,
}

impl Calls {
    /// Returns no calls yet. Those whose progress is wanted are put into `told`.
    pub(crate) fn telling(told: ToldRequests) -> Self {
        Self { told, ..Self::default() }
    }

    /// Returns how many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.calls.len()
    }

    /// Begins a request whose id no other request under way has. Returns its id for rmcp.
    pub(crate) fn begin(
        &mut self,
        id: Id,
        batch: Option<BatchNumber>,
        token: Option<Token>,
    ) -> i64 {
        self.last += 1;
        if let Some(token) = token {
            self.told.begin(self.last, token);
        }
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

    /// Returns a message in which the client's id stands for rmcp's, where the message names the
    /// stream that it belongs to; `None` if that stream has ended.
    pub(crate) fn addressed(&self, line: String) -> Option<String> {
        let Some((before, after)) = line.split_once(STREAM_OF) else { return Some(line) };
        let end = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        let call = self.calls.get(&number.parse().ok()?)?;
        Some(format!("{before}{STREAM_OF}{}{after}", call.id.written()))
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
    /// no batch; the answers of its batch, if they are complete; or those of the largest batch, if
    /// all together are too large to be held.
    pub(crate) fn collect(&mut self, line: String, batch: Option<BatchNumber>) -> Option<String> {
        let Some(number) = batch else { return Some(line) };
        let batch = self.batches.get_mut(&number)?;
        self.held += line.len();
        batch.answers.push(line);
        self.whole(number).or_else(|| (self.held >= MOST_HELD).then(|| self.largest())?)
    }

    /// Returns the answers of the batch that holds most, so that a small batch is still answered by
    /// one list beside a large one.
    fn largest(&mut self) -> Option<String> {
        let batch = self.batches.values_mut().max_by_key(|batch| length(&batch.answers))?;
        let answers = std::mem::take(&mut batch.answers);
        self.list(&answers)
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
        batches.filter_map(|batch| self.list(&batch.answers)).collect()
    }

    fn end(&mut self, number: i64) -> Option<Call> {
        let call = self.calls.remove(&number)?;
        self.told.end(number);
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
        let batch = self.batches.remove(&number)?;
        self.list(&batch.answers)
    }

    /// Returns answers that were held as one message. A batch of notifications gets none.
    fn list(&mut self, answers: &[String]) -> Option<String> {
        self.held = self.held.saturating_sub(length(answers));
        (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
    }
}

/// Returns the number of bytes of these answers.
fn length(answers: &[String]) -> usize {
    answers.iter().map(String::len).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Begins a batch of two calls. Returns their numbers.
    fn two(calls: &mut Calls, first: u64) -> [i64; 2] {
        let batch = calls.begin_batch();
        let numbers = [first, first + 1].map(|id| {
            let id = Id::read(&json!(id), || None).ok().flatten();
            calls.begin(id.unwrap(), Some(batch), None)
        });
        assert_eq!(calls.end_batch(batch), None);
        numbers
    }

    #[test]
    fn a_small_batch_is_one_list_beside_a_large_one() {
        let mut calls = Calls::default();
        let [large, slow] = two(&mut calls, 0);
        let small = two(&mut calls, 2);
        let text = "x".repeat(MOST_HELD - 10);
        assert_eq!(calls.answer(large, |_| text.clone()), None);
        // The answer by which all together are too large is one of the small batch.
        assert_eq!(
            calls.answer(small[0], |id| format!("[{id}]        ")),
            Some(format!("[{text}]"))
        );
        let list = calls.answer(small[1], |id| format!("[{id}]"));
        assert_eq!(list.as_deref(), Some("[[2]        ,[3]]"));
        assert_eq!(calls.answer(slow, str::to_owned).as_deref(), Some("[1]"));
    }

    /// Checks that the answers which wait in all batches together have a bound, and that each is
    /// written once.
    #[test]
    fn answers_that_wait_for_their_batch_have_a_bound() {
        let mut calls = Calls::default();
        let (batches, of_each) = (10, 30);
        let mut numbers = Vec::new();
        for batch in 0..batches {
            let number = calls.begin_batch();
            for n in 0..of_each {
                let id = Id::read(&json!(batch * of_each + n), || None).ok().flatten();
                numbers.push(calls.begin(id.unwrap(), Some(number), None));
            }
            assert_eq!(calls.end_batch(number), None);
        }
        let filler = "x".repeat(MOST_HELD / 50);
        let mut written = Vec::new();
        // The batches are answered side by side.
        for n in 0..of_each {
            for batch in 0..batches {
                let number = numbers[batch * of_each + n];
                let line = calls.answer(number, |id| format!(r#"{{"id":{id},"x":"{filler}"}}"#));
                written.extend(line);
                assert!(calls.held < MOST_HELD, "{}", calls.held);
            }
        }
        let mut ids = Vec::new();
        for line in &written {
            let answers: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
            ids.extend(answers.iter().map(|answer| answer["id"].as_u64().unwrap()));
        }
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..(batches * of_each) as u64));
        assert_eq!((calls.held, calls.batches.len(), calls.under_way()), (0, 0, 0));
    }
}
