//! The newest answers of this process, kept to notice when a caller quotes one to a panel.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::certificate::MOST_EARLIER_ANSWERS;

/// The number of characters that are kept of each answer: enough to recognize it, and a quarter of
/// a megabyte for all of them.
const LONGEST_KEPT: usize = 4096;

/// The newest answers of this process.
#[derive(Debug, Default)]
pub(crate) struct RecentAnswers(Mutex<VecDeque<String>>);

impl RecentAnswers {
    /// Keeps the beginning of an answer, and drops the oldest answers if there are too many.
    pub(super) fn add(&self, answer: &str) {
        let start = answer.chars().take(LONGEST_KEPT).collect();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == MOST_EARLIER_ANSWERS {
            answers.pop_front();
        }
        answers.push_back(start);
    }

    /// Returns the answers that are kept, the oldest first.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
