//! The ledger's thread: takes what waits, writes it in one transaction, answers.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::super::error::Unusable;
use super::jobs::Job;
use super::open::OpenLedger;

/// The most jobs in one transaction. A commit waits for the disk; sharing it is what lets many
/// calls start at once. Bounded, so that other processes get their turn.
const BATCH: usize = 256;

/// What the thread owns.
pub(super) struct Clerk {
    /// Before the inbox: when a job can no longer be put, the process's lock is free.
    open: Option<OpenLedger>,
    inbox: Receiver<Box<dyn Job>>,
    path: PathBuf,
    patience: u32,
    /// Ends of holds that could not be written yet: they go first, next time.
    owed: Vec<Box<dyn Job>>,
}

impl Clerk {
    pub(super) fn new(path: PathBuf, patience: u32, inbox: Receiver<Box<dyn Job>>) -> Self {
        Self { open: None, inbox, path, patience, owed: Vec::new() }
    }

    /// Works until the ledger and all its holds are gone.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.inbox.recv() {
            let mut batch = std::mem::take(&mut self.owed);
            batch.push(first);
            batch.extend(self.inbox.try_iter().take(BATCH));
            let result = self.write(&mut batch);
            self.owed = batch.into_iter().filter_map(|job| job.answer(result.clone())).collect();
        }
        let mut owed = std::mem::take(&mut self.owed);
        let written = owed.is_empty() || self.write(&mut owed).is_ok();
        if let (true, Some(open)) = (written, self.open) {
            open.close();
        }
    }

    /// All of the batch or nothing.
    fn write(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Unusable> {
        let open = match self.open.take() {
            Some(open) => open,
            None => OpenLedger::open(&self.path, self.patience)?,
        };
        let open = self.open.insert(open);
        open.write(|books| batch.iter_mut().try_for_each(|job| job.write(books)))
    }
}
