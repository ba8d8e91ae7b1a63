//! Answers of this process, remembered to notice when a caller quotes one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Answers that are remembered, the newest.
const MOST: usize = 64;

/// Characters of each. Enough to recognise it; a quarter of a megabyte bounds them all.
const LONGEST: usize = 4096;

/// The newest answers.
#[derive(Debug, Default)]
pub(crate) struct RecentAnswers(Mutex<VecDeque<String>>);

impl RecentAnswers {
    /// Remembers an answer, as far as it is not too long.
    pub(super) fn add(&self, answer: &str) {
        let start = answer.chars().take(LONGEST).collect();
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == MOST {
            answers.pop_front();
        }
        answers.push_back(start);
    }

    /// Every answer that is remembered, oldest first.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
