//! The ledger's thread: takes what waits, writes it in one transaction, answers.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::super::error::{Problem, Unusable};
use super::jobs::Job;
use super::open::OpenLedger;
use super::processes::Process;

/// The most jobs in one transaction. A commit waits for the disk; sharing it is what lets many
/// calls start at once. Bounded, so that other processes get their turn.
const BATCH: usize = 256;

/// How often to open the file again for one batch: files are moved one after the other, and a
/// new one may go the way of the old.
const REOPENINGS: usize = 3;

/// What the thread owns.
pub(super) struct LedgerThread {
    /// Before the inbox: when a job can no longer be put, the process's lock is free.
    open: Option<OpenLedger>,
    /// What this process is called in files that are no longer in their place. It lives there
    /// too, as long as it holds something in them.
    former: Vec<Process>,
    inbox: Receiver<Box<dyn Job>>,
    path: PathBuf,
    patience: u32,
    /// Ends of holds that could not be written yet: they go first, next time.
    owed: Vec<Box<dyn Job>>,
}

impl LedgerThread {
    pub(super) fn new(path: PathBuf, patience: u32, inbox: Receiver<Box<dyn Job>>) -> Self {
        Self { open: None, former: Vec::new(), inbox, path, patience, owed: Vec::new() }
    }

    /// Works until the ledger and all its holds are gone.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.inbox.recv() {
            let mut batch = std::mem::take(&mut self.owed);
            batch.push(first);
            batch.extend(self.inbox.try_iter().take(BATCH));
            let result = self.write(&mut batch);
            self.owed = batch.into_iter().filter_map(|job| job.answer(result.clone())).collect();
            self.former.retain(Process::is_named);
        }
        let mut owed = std::mem::take(&mut self.owed);
        let written = owed.is_empty() || self.write(&mut owed).is_ok();
        if let (true, Some(open)) = (written, self.open) {
            open.close();
        }
    }

    /// All of the batch or nothing, in the file that the path leads to.
    fn write(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Unusable> {
        for _ in 0..REOPENINGS {
            match self.write_once(batch) {
                // Whatever fails while the files are moved fails for that.
                Err(it) if self.leave_moved() || it.problem == Problem::Moved => {}
                result => return result,
            }
        }
        self.write_once(batch)
    }

    /// Leaves the open ledger if its files are no longer in their place. Gives whether it did.
    fn leave_moved(&mut self) -> bool {
        let moved = self.open.take_if(|open| open.has_moved());
        let left = moved.is_some();
        self.former.extend(moved.map(OpenLedger::abandon));
        left
    }

    fn write_once(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Unusable> {
        let open = match self.open.take() {
            Some(open) => open,
            None => OpenLedger::open(&self.path, self.patience)?,
        };
        let open = self.open.insert(open);
        open.write(|books| batch.iter_mut().try_for_each(|job| job.write(books)))
    }
}
