//! The parts of a gateway that belong to its process, and are handed on to the gateway that takes
//! its place.
//!
//! A new policy changes neither the connections and their proxies, nor the file in which money is
//! counted: two ledgers in one process would each know half of what a cap allows.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Diagnostic, PipeTexts};
use crate::credential::Secret;
use crate::ledger::Ledger;
use crate::network::Network;
use crate::provider::AnswerRoom;
use crate::transport::Transport;

/// The most keys that are remembered. Keys are changed by hand, and each costs time in every answer.
const MOST_SECRETS: usize = 256;

/// The parts that a gateway was built with.
pub(super) struct Origin {
    /// The settings of the network; `None` where the program brought a transport, or is offline.
    pub(super) network: Option<Arc<Network>>,
    pub(super) transport: Option<Arc<dyn Transport>>,
    pub(super) ledger_file: Option<LedgerFile>,
    /// The number of bytes that the room was made for, and the room.
    pub(super) room: Option<(usize, AnswerRoom)>,
    /// Every key that was ever in force, the newest last: a key that was changed can still come
    /// back in an answer.
    pub(super) secrets: Vec<Secret>,
    /// The file from which variables were read.
    pub(super) env_file: Option<PathBuf>,
    pub(super) pipes: Arc<PipeTexts>,
}

/// A ledger that was opened because the environment asked for one.
#[derive(Clone)]
pub(super) struct LedgerFile {
    pub(super) path: PathBuf,
    pub(super) ledger: Arc<dyn Ledger>,
}

impl LedgerFile {
    /// Returns a warning if the environment names another file now.
    pub(super) fn moved(&self, wanted: Option<&PathBuf>) -> Option<Diagnostic> {
        let other = wanted.filter(|wanted| **wanted != self.path)?;
        let message = format!(
            "money is still counted in {}, not in {}",
            self.path.display(),
            other.display()
        );
        let hint = "start the program anew to count in the other file";
        Some(Diagnostic::of_environment(&message, hint))
    }
}

/// Returns room for the bytes of answers: that of before if it was made for as many, so that
/// answers under way count.
pub(super) fn room(before: Option<&Origin>, bytes: usize) -> AnswerRoom {
    let same = before.and_then(|it| it.room.as_ref()).filter(|(made_for, _)| *made_for == bytes);
    same.map_or_else(|| AnswerRoom::of(bytes), |(_, room)| room.clone())
}

/// Returns the keys of before and those in force now, each once, and only the newest of too many.
pub(super) fn remembered(before: Option<&Origin>, now: Vec<Secret>) -> Vec<Secret> {
    let before = before.map(|it| it.secrets.as_slice()).unwrap_or_default();
    let is_old = |old: &&Secret| !now.iter().any(|new| new.expose() == old.expose());
    let mut all: Vec<Secret> = before.iter().filter(is_old).cloned().collect();
    all.extend(now);
    let surplus = all.len().saturating_sub(MOST_SECRETS);
    all.drain(..surplus);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(secrets: Vec<Secret>) -> Origin {
        Origin {
            network: None,
            transport: None,
            ledger_file: None,
            room: None,
            secrets,
            env_file: None,
            pipes: Arc::default(),
        }
    }

    #[test]
    fn keys_are_remembered_once_each_and_not_without_end() {
        let key = |number: usize| Secret::new(format!("sk-test-{number:08}"));
        let mut secrets = Vec::new();
        for number in 0..3 * MOST_SECRETS {
            let now = vec![key(number), key(number / 2)];
            secrets = remembered(Some(&origin(secrets)), now);
            let last = secrets.iter().rev().take(2).map(Secret::expose);
            assert!(last.eq([key(number / 2).expose(), key(number).expose()]), "{number}");
            assert!(secrets.len() <= MOST_SECRETS);
            let mut known: Vec<&str> = secrets.iter().map(Secret::expose).collect();
            known.sort_unstable();
            known.dedup();
            assert!(number == 0 || known.len() == secrets.len(), "{number}: a key twice");
        }
        assert_eq!(secrets.len(), MOST_SECRETS);
    }

    #[test]
    fn room_is_kept_while_its_size_is() {
        let room_of_8 = room(None, 8);
        let before = Origin { room: Some((8, room_of_8)), ..origin(Vec::new()) };
        assert!(room(Some(&before), 8).is_same(&before.room.as_ref().unwrap().1));
        assert!(!room(Some(&before), 9).is_same(&before.room.as_ref().unwrap().1));
    }
}
