//! The ledger's thread, which takes the waiting jobs, writes them in one transaction, and answers
//! them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::super::error::{Problem, UnusableLedger};
use super::jobs::{Job, Need};
use super::open::OpenLedger;
use super::processes::Process;
use super::reader::read;

/// The most jobs in one transaction. A commit waits for the disk, and jobs share it so that many
/// calls can start at once. The number is bounded so that other processes get their turn.
const BATCH: usize = 256;

/// The number of times that the ledger file is opened again for one batch of jobs. Files are moved
/// one after the other, and the new file may be moved like the old one.
const REOPENINGS: usize = 3;

/// The number of checks of a lock that another process has, after which reports are read without
/// waiting for earlier jobs: about 40 ms. Such a report shows holds that are about to end, so it
/// may count too much, never too little.
const PATIENCE_OF_READERS: u32 = 20;

/// The time without a job after which the log is folded into the file. It is long enough that calls
/// which follow each other share the work.
const IDLE: Duration = Duration::from_secs(1);

/// The state of the ledger's thread: the open file, and the jobs that wait.
pub(super) struct LedgerThread {
    /// The open ledger file. The field stands before the inbox so that it is dropped first: once no
    /// job can be put into the queue, the process's lock is free.
    open: Option<OpenLedger>,
    /// Registrations of this process in files that are no longer at the path. The process counts as
    /// living in them for as long as it has holds there.
    former: Vec<Process>,
    inbox: Receiver<Box<dyn Job>>,
    path: PathBuf,
    patience: u32,
    /// Ends of holds that could not be written yet. The next transaction begins with them.
    unwritten: Vec<Box<dyn Job>>,
    /// Jobs that came while another process kept the file locked.
    deferred: VecDeque<Box<dyn Job>>,
}

impl LedgerThread {
    pub(super) fn new(path: PathBuf, patience: u32, inbox: Receiver<Box<dyn Job>>) -> Self {
        let (unwritten, deferred) = (Vec::new(), VecDeque::new());
        Self { open: None, former: Vec::new(), inbox, path, patience, unwritten, deferred }
    }

    /// Runs the ledger's thread until the ledger and all its holds are dropped.
    pub(super) fn run(mut self) {
        while let Some(first) = self.next_job() {
            let mut batch = vec![first];
            batch.extend(self.deferred.drain(..));
            batch.extend(self.inbox.try_iter().take(BATCH));
            let (reading, writing) = batch.into_iter().partition(|job| job.need() == Need::Reading);
            let reading = self.write_batch(writing, reading);
            self.read(reading);
            self.former.retain(Process::has_holds);
        }
        let mut unwritten = std::mem::take(&mut self.unwritten);
        let written = unwritten.is_empty() || self.write(&mut unwritten, &mut Vec::new()).is_ok();
        if let (true, Some(open)) = (written, self.open) {
            open.close();
        }
    }

    /// Returns the next job, or `None` once no job can come any more. While no job waits, the log
    /// is folded in.
    fn next_job(&mut self) -> Option<Box<dyn Job>> {
        if let Some(deferred) = self.deferred.pop_front() {
            return Some(deferred);
        }
        match self.inbox.recv_timeout(IDLE) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(open) = &mut self.open {
            open.fold_in();
        }
        self.inbox.recv().ok()
    }

    /// Writes and answers the jobs that change the tables, and those that could not be written
    /// before. Returns the jobs of `reading` that were not answered meanwhile.
    fn write_batch(
        &mut self,
        writing: Vec<Box<dyn Job>>,
        mut reading: Vec<Box<dyn Job>>,
    ) -> Vec<Box<dyn Job>> {
        let mut batch = std::mem::take(&mut self.unwritten);
        batch.extend(writing);
        if batch.is_empty() {
            return reading;
        }
        let result = self.write(&mut batch, &mut reading);
        let is_last = batch.iter().any(|job| job.need() == Need::Folding);
        if let (true, Some(open)) = (is_last, &mut self.open) {
            open.fold_in();
        }
        self.unwritten = batch.into_iter().filter_map(|job| job.answer(result.clone())).collect();
        reading
    }

    /// Runs jobs that only read, and answers them.
    fn read(&mut self, mut reading: Vec<Box<dyn Job>>) {
        if reading.is_empty() {
            return;
        }
        let read = match read(&self.path, self.patience, &mut reading) {
            // The file does not exist yet, or an older version wrote it.
            Ok(false) => self
                .write(&mut [], &mut reading)
                .and_then(|()| read(&self.path, self.patience, &mut reading).map(drop)),
            read => read.map(drop),
        };
        for job in reading {
            job.answer(read.clone());
        }
    }

    /// Writes all jobs of the batch or none, in the file that the ledger's path leads to. If
    /// another process keeps the file locked, `reading` is answered meanwhile.
    fn write(
        &mut self,
        batch: &mut [Box<dyn Job>],
        reading: &mut Vec<Box<dyn Job>>,
    ) -> Result<(), UnusableLedger> {
        for _ in 0..REOPENINGS {
            match self.write_once(batch, reading) {
                // An error while the files are being moved comes from the move.
                Err(it) if self.abandon_if_moved() || it.problem == Problem::Moved => {}
                Err(it) if it.problem == Problem::Emptied => {
                    self.former.extend(self.open.take().map(OpenLedger::abandon));
                    return Err(it);
                }
                result => return result,
            }
        }
        self.write_once(batch, reading)
    }

    /// Abandons the open ledger file if it is no longer at the path, and returns whether that
    /// happened.
    fn abandon_if_moved(&mut self) -> bool {
        let moved = self.open.take_if(|open| open.has_moved());
        let left = moved.is_some();
        self.former.extend(moved.map(OpenLedger::abandon));
        left
    }

    fn write_once(
        &mut self,
        batch: &mut [Box<dyn Job>],
        reading: &mut Vec<Box<dyn Job>>,
    ) -> Result<(), UnusableLedger> {
        let Self { open, inbox, deferred, path, patience, .. } = self;
        let mut looks = 0;
        let mut meanwhile = || {
            looks += 1;
            if looks >= PATIENCE_OF_READERS {
                for job in inbox.try_iter() {
                    match job.need() {
                        Need::Reading => reading.push(job),
                        Need::Writing | Need::Folding => deferred.push_back(job),
                    }
                }
                answer_readers(path, reading);
            }
        };
        let opened = match open.take() {
            Some(open) => open,
            None => OpenLedger::open(path, *patience, &mut meanwhile)?,
        };
        let open = open.insert(opened);
        open.write(&mut meanwhile, |books| batch.iter_mut().try_for_each(|job| job.run(books)))
    }
}

/// Answers jobs that only read, if the ledger at `path` can be read at once. Otherwise they stay in
/// `reading`.
fn answer_readers(path: &Path, reading: &mut Vec<Box<dyn Job>>) {
    if !reading.is_empty() && matches!(read(path, 0, reading), Ok(true)) {
        for job in reading.drain(..) {
            job.answer(Ok(()));
        }
    }
}
