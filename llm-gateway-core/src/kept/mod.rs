//! Keeps the results of runs for callers that come back for them: because their call was answered
//! before the run was done, because they left before the answer came, or to read more of a long
//! text.
//!
//! A front end owns a [`KeptRuns`] and tells it of each run that it starts; the library itself
//! keeps none. The list is here and not in one front, so that whatever starts runs (MCP, HTTP,
//! another program) bounds and finds them in one way. What is kept is bounded in number and in
//! bytes, and is gone with the process. All who ask for a result share the one [`Envelope`] that is
//! held.
//!
//! ```
//! use llm_gateway_core::kept::{KeptRuns, RunState};
//! use llm_gateway_core::{Envelope, Gateway, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder().offline().build()?;
//! let kept = KeptRuns::default();
//! let run = gateway.start(Request::new("quick_answer", "What is a monad?"));
//! let id = run.id;
//! let ticket = kept.begin(id, "quick_answer", tokio::time::Instant::now());
//! tokio::spawn(async move { ticket.finish(Envelope::from(&run.await)) });
//!
//! let found = kept.find(id).unwrap();
//! let envelope = found.done().await;
//! assert!(envelope.whole_text().contains("What is a monad?"));
//! assert_eq!(kept.newest().unwrap().state(), RunState::Done);
//! # Ok(())
//! # }
//! ```

mod result;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::envelope::Envelope;
use crate::error::{Category, Error};
use crate::model::RunId;
use crate::outcome::{Failure, FailureParts};

use result::KeptResult;

/// The most runs that are kept.
const MOST_RUNS: usize = 256;

/// The most bytes that the kept results have together.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The bytes of a result from which on showing it takes noticeable time.
const LARGE: usize = 64 * 1024;

/// The most bytes that a character takes in UTF-8.
const WIDEST_IN_UTF8: usize = 4;

/// The most characters that are kept of a task class: those of the longest name that one can have.
/// A caller may ask for anything.
const LONGEST_TASK_CLASS: usize = 64;

/// The newest runs of a process, each under way or with its result. Clones are one list.
///
/// By default, at most 256 runs are kept, with results of at most 64 MiB together;
/// [`within`](Self::within) sets other bounds. The run whose result came first gives way first. If
/// all are under way, the newest gives way: the others may have been promised to a caller that
/// comes back for them. A result counts with the bytes that its [`Envelope`] takes in memory.
#[derive(Clone, Default)]
pub struct KeptRuns(Arc<Store>);

/// The list behind all clones, and its bounds.
struct Store {
    most_runs: usize,
    most_bytes: usize,
    runs: Mutex<List>,
}

#[derive(Default)]
struct List {
    /// The runs in the order in which they were started.
    runs: Vec<Entry>,
    /// The number of results so far, by which each knows how old it is.
    results: u64,
}

struct Entry {
    run: KeptRun,
    /// The number of the result, and its bytes; `None` while the run is under way.
    result: Option<(u64, usize)>,
}

/// A run that is kept. It stays whole for those who hold it, also when it is no longer kept.
#[derive(Clone)]
pub struct KeptRun {
    id: RunId,
    task_class: Arc<str>,
    started: Instant,
    result: watch::Receiver<Option<Arc<KeptResult>>>,
}

/// The state of a kept run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunState {
    /// The run is under way.
    Running,
    /// The run has ended, and its result is kept.
    Done,
}

/// The description of a kept run, as the tool `llm_routing_info` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunDescription {
    /// The id of the run.
    pub run_id: RunId,
    /// The task class that was asked for.
    pub task_class: String,
    /// The state of the run.
    pub state: RunState,
    /// The time since the start of the run, in whole seconds.
    pub age_s: u64,
}

/// The duty to hand in the result of a run that has begun. If it is dropped, the run is kept as
/// cancelled. The work itself goes on: whoever owns it ends it.
#[must_use = "dropping it keeps the run as cancelled"]
pub struct RunTicket {
    store: Arc<Store>,
    run: KeptRun,
    sender: watch::Sender<Option<Arc<KeptResult>>>,
}

impl KeptRuns {
    /// Creates an empty list that keeps at most `most_runs` runs, whose results have at most
    /// `most_bytes` bytes together.
    pub fn within(most_runs: usize, most_bytes: usize) -> Self {
        Self(Arc::new(Store { most_runs, most_bytes, runs: Mutex::default() }))
    }

    /// Keeps a run that began at `started`. Its result is handed in with the ticket.
    pub fn begin(&self, id: RunId, task_class: &str, started: Instant) -> RunTicket {
        let (sender, result) = watch::channel(None);
        let task_class: String = task_class.chars().take(LONGEST_TASK_CLASS).collect();
        let run = KeptRun { id, task_class: task_class.into(), started, result };
        let mut list = self.0.list();
        list.runs.push(Entry { run: run.clone(), result: None });
        list.shrink(self.0.most_runs, self.0.most_bytes);
        RunTicket { store: Arc::clone(&self.0), run, sender }
    }

    /// Returns the run with this id, if it is kept.
    pub fn find(&self, id: RunId) -> Option<KeptRun> {
        self.0.list().runs.iter().map(|entry| &entry.run).find(|run| run.id == id).cloned()
    }

    /// Returns the run that was started last, if any is kept.
    pub fn newest(&self) -> Option<KeptRun> {
        self.0.list().runs.last().map(|entry| entry.run.clone())
    }

    /// Describes at most `most` runs, those that were started last first.
    pub fn describe(&self, most: usize, now: Instant) -> Vec<RunDescription> {
        let list = self.0.list();
        list.runs.iter().rev().take(most).map(|entry| entry.run.describe(now)).collect()
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { most_runs: MOST_RUNS, most_bytes: MOST_BYTES, runs: Mutex::default() }
    }
}

impl Store {
    fn list(&self) -> MutexGuard<'_, List> {
        // The list is whole between any two of its statements that can panic.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the result of a run, unless the run has given way to others.
    fn put(&self, id: RunId, bytes: usize) {
        let mut list = self.list();
        list.results += 1;
        let number = list.results;
        if let Some(entry) = list.runs.iter_mut().find(|entry| entry.run.id == id) {
            entry.result = Some((number, bytes));
        }
        list.shrink(self.most_runs, self.most_bytes);
    }
}

impl List {
    /// Removes runs until the list is within its bounds.
    fn shrink(&mut self, most_runs: usize, most_bytes: usize) {
        while self.runs.len() > most_runs || self.bytes() > most_bytes {
            let oldest_result = self.runs.iter().enumerate().filter_map(|(at, entry)| {
                let (number, _) = entry.result?;
                Some((number, at))
            });
            let newest = self.runs.len().saturating_sub(1);
            let at = oldest_result.min().map_or(newest, |(_, at)| at);
            self.runs.remove(at);
        }
    }

    fn bytes(&self) -> usize {
        self.runs.iter().filter_map(|entry| entry.result).map(|(_, bytes)| bytes).sum()
    }
}

impl KeptRun {
    /// Returns the id of the run.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Returns the task class that was asked for.
    pub fn task_class(&self) -> &str {
        &self.task_class
    }

    /// Returns the time since the start of the run.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Returns the state of the run.
    pub fn state(&self) -> RunState {
        match *self.result.borrow() {
            Some(_) => RunState::Done,
            None => RunState::Running,
        }
    }

    /// Returns the result of the run, if it has ended.
    pub fn envelope(&self) -> Option<Arc<Envelope>> {
        Some(self.kept()?.envelope())
    }

    /// Returns the result of the run in at most `max_chars` characters of JSON, as
    /// [`Envelope::bounded_in_pages`] shortens it, if the run has ended. If it is shortened for the
    /// first time, its pages are counted by this bound from then on.
    ///
    /// This takes time in proportion to the result, so an asynchronous program calls it for a
    /// [large](Self::is_large) one on a thread that may block.
    pub fn shown(&self, max_chars: usize) -> Option<Envelope> {
        Some(self.kept()?.shown(false, max_chars))
    }

    /// Returns the result of the run as [`shown`](Self::shown) does, without what
    /// [`Envelope::brief`] leaves out.
    pub fn shown_briefly(&self, max_chars: usize) -> Option<Envelope> {
        Some(self.kept()?.shown(true, max_chars))
    }

    /// Returns a page of the result as [`Envelope::page`] does, if the run has ended.
    ///
    /// The pages belong to the run: their size is that of the first bound by which they were
    /// counted, as long as a page of that size fits `max_chars`. When it does not, page 1 is the
    /// first of a new count. As with [`shown`](Self::shown), a [large](Self::is_large) result takes
    /// time.
    ///
    /// # Errors
    /// [`Category::InvalidRequest`] if there is no such page, or if another page than the first is
    /// asked for where the pages have to be counted anew; the error's text says which there are.
    pub fn page(&self, number: u64, max_chars: usize) -> Option<Result<Envelope, Error>> {
        Some(self.kept()?.page(number, max_chars))
    }

    /// Returns the number of [pages](Self::page) of the result, if the run has ended.
    pub fn page_count(&self, max_chars: usize) -> Option<u64> {
        Some(self.kept()?.page_count(max_chars))
    }

    /// Returns whether the result is so large that showing it takes noticeable time.
    pub fn is_large(&self) -> bool {
        self.kept().is_some_and(|kept| kept.bytes() > LARGE)
    }

    fn kept(&self) -> Option<Arc<KeptResult>> {
        self.result.borrow().clone()
    }

    /// Waits for the result of the run.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn done(&self) -> Arc<Envelope> {
        let mut result = self.result.clone();
        // A ticket hands in a result also when it is dropped, so waiting does not fail.
        let _ = result.wait_for(Option::is_some).await;
        self.envelope().unwrap_or_else(|| {
            let message = "the result of the run was lost: it was never handed in";
            Arc::new(self.failed(Error::new(Category::Internal, message), Duration::ZERO))
        })
    }

    fn describe(&self, now: Instant) -> RunDescription {
        RunDescription {
            run_id: self.id,
            task_class: self.task_class.to_string(),
            state: self.state(),
            age_s: self.age(now).as_secs(),
        }
    }

    fn failed(&self, error: Error, latency: Duration) -> Envelope {
        let task_class = self.task_class.to_string();
        let parts = FailureParts { task_class, latency, ..FailureParts::before(error, self.id) };
        Envelope::from(&Failure::new(parts))
    }
}

impl RunTicket {
    /// Returns the run, for those who wait for its result.
    pub fn run(&self) -> &KeptRun {
        &self.run
    }

    /// Keeps the result of the run, and returns it as it is kept: shortened to its beginning and
    /// its end if it is larger than all results together may be.
    pub fn finish(self, envelope: Envelope) -> Arc<Envelope> {
        let most = self.store.most_bytes;
        let result = KeptResult::new(envelope);
        if result.bytes() <= most {
            return self.keep(result);
        }
        let shortened = Envelope::clone(&result.envelope()).bounded(most / WIDEST_IN_UTF8);
        self.keep(KeptResult::new(shortened))
    }

    /// Hands the result to those who wait for it, and keeps the run no longer: nobody was asked,
    /// and a refusal must not take the place of a result that was paid for.
    pub fn finish_unkept(self, envelope: Envelope) -> Arc<Envelope> {
        self.store.list().runs.retain(|entry| entry.run.id != self.run.id);
        self.tell(KeptResult::new(envelope))
    }

    /// Keeps the failure of a run that has no result, and returns its envelope.
    pub fn fail(self, error: Error) -> Arc<Envelope> {
        let envelope = self.run.failed(error, self.run.started.elapsed());
        self.finish(envelope)
    }

    fn keep(&self, result: KeptResult) -> Arc<Envelope> {
        // There is room for the result before it is there.
        self.store.put(self.run.id, result.bytes());
        self.tell(result)
    }

    /// Hands the result to those who wait for it.
    fn tell(&self, result: KeptResult) -> Arc<Envelope> {
        let envelope = result.envelope();
        self.sender.send_replace(Some(Arc::new(result)));
        envelope
    }
}

impl Drop for RunTicket {
    fn drop(&mut self) {
        if self.run.state() == RunState::Running {
            let error = Error::new(Category::Cancelled, "the run was ended before it was done");
            let envelope = self.run.failed(error, self.run.started.elapsed());
            let _ = self.keep(KeptResult::new(envelope));
        }
    }
}

/// Shows how many runs are kept, and nothing that they hold.
impl fmt::Debug for KeptRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0.list();
        let (runs, bytes) = (list.runs.len(), list.bytes());
        f.debug_struct("KeptRuns").field("runs", &runs).field("bytes", &bytes).finish()
    }
}

/// Shows which run it is, and nothing of its result.
impl fmt::Debug for KeptRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRun").field("id", &self.id).field("state", &self.state()).finish()
    }
}

/// Shows which run it is for.
impl fmt::Debug for RunTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunTicket").field("run", &self.run).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
