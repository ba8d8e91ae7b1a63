//! The ledger's thread: it takes the jobs that wait, writes them in one transaction, and answers.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::super::error::{Problem, Unusable};
use super::jobs::Job;
use super::open::OpenLedger;
use super::processes::Process;

/// The most jobs in one transaction. A commit waits for the disk, and jobs share it so that many
/// calls can start at once. The number is bounded so that other processes get their turn.
const BATCH: usize = 256;

/// The number of times that the ledger file is opened again for one batch of jobs. Files are moved
/// one after the other, and the new file may be moved like the old one.
const REOPENINGS: usize = 3;

/// The state of the ledger's thread: the open file, and the jobs that wait.
pub(super) struct LedgerThread {
    /// The open ledger file. The field stands before the inbox so that it is dropped first: once no
    /// job can be put into the queue, the process's lock is free.
    open: Option<OpenLedger>,
    /// Registrations of this process in files that are no longer at the path. The process counts as
    /// living there for as long as it holds something in them.
    former: Vec<Process>,
    inbox: Receiver<Box<dyn Job>>,
    path: PathBuf,
    patience: u32,
    /// Ends of holds that could not be written yet. The next transaction begins with them.
    unwritten: Vec<Box<dyn Job>>,
}

impl LedgerThread {
    pub(super) fn new(path: PathBuf, patience: u32, inbox: Receiver<Box<dyn Job>>) -> Self {
        Self { open: None, former: Vec::new(), inbox, path, patience, unwritten: Vec::new() }
    }

    /// Runs the ledger's thread until the ledger and all its holds are dropped.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.inbox.recv() {
            let mut batch = std::mem::take(&mut self.unwritten);
            batch.push(first);
            batch.extend(self.inbox.try_iter().take(BATCH));
            let result = self.write(&mut batch);
            self.unwritten =
                batch.into_iter().filter_map(|job| job.answer(result.clone())).collect();
            self.former.retain(Process::has_holds);
        }
        let mut unwritten = std::mem::take(&mut self.unwritten);
        let written = unwritten.is_empty() || self.write(&mut unwritten).is_ok();
        if let (true, Some(open)) = (written, self.open) {
            open.close();
        }
    }

    /// Writes all jobs of the batch or none, in the file that the ledger's path leads to.
    fn write(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Unusable> {
        for _ in 0..REOPENINGS {
            match self.write_once(batch) {
                // An error while the files are being moved comes from the move.
                Err(it) if self.abandon_if_moved() || it.problem == Problem::Moved => {}
                result => return result,
            }
        }
        self.write_once(batch)
    }

    /// Abandons the open ledger file if it is no longer at the path, and returns whether it did.
    fn abandon_if_moved(&mut self) -> bool {
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
