//! The parts of a gateway that belong to its process, and are handed on to the gateway that takes
//! its place.
//!
//! A new policy changes neither the connections and their proxies, nor the file in which money is
//! counted: two ledgers in one process would each know half of what a cap allows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Diagnostic, PipeTexts};
use crate::ledger::Ledger;
use crate::model::ProviderName;
use crate::network::Network;
use crate::policy::{Policy, Spending};
use crate::provider::AnswerRoom;
use crate::reliability::Limiter;
use crate::transport::{KnownSecrets, Transport};

/// The parts that a gateway was built with.
pub(super) struct Origin {
    /// The settings of the network; `None` where the program brought a transport, or is offline.
    pub(super) network: Option<Arc<Network>>,
    pub(super) transport: Option<Arc<dyn Transport>>,
    pub(super) ledger_file: Option<LedgerFile>,
    pub(super) room: Option<SizedRoom>,
    /// Every key that was ever in force, in one list for all gateways that follow each other: a key
    /// that was changed can still come back in an answer, and a new one in an answer under way.
    pub(super) secrets: Arc<KnownSecrets>,
    /// The file from which variables were read.
    pub(super) env_file: Option<PathBuf>,
    pub(super) pipes: Arc<PipeTexts>,
}

/// A ledger that was opened because the environment asked for one.
#[derive(Clone)]
pub(super) struct LedgerFile {
    /// The path of the file; `None` if nothing is written, because the gateway is offline.
    pub(super) path: Option<PathBuf>,
    pub(super) ledger: Arc<dyn Ledger>,
}

impl LedgerFile {
    /// Returns a warning if the environment names another file now.
    pub(super) fn moved(&self, wanted: &Spending) -> Option<Diagnostic> {
        let path = self.path.as_ref()?;
        let other = wanted.ledger.as_ref().filter(|wanted| *wanted != path)?;
        let message =
            format!("money is still counted in {}, not in {}", path.display(), other.display());
        let hint = "start the program anew to count in the other file";
        Some(Diagnostic::of_environment(&message, hint))
    }
}

/// The room for the bytes of answers, and the number of bytes that it was made for.
#[derive(Clone)]
pub(super) struct SizedRoom {
    bytes: usize,
    pub(super) room: AnswerRoom,
}

impl SizedRoom {
    /// Returns room for this many bytes. If the gateway `before` has room for as many, it is
    /// shared, so that the answers under way there count.
    pub(super) fn of(before: Option<&Origin>, bytes: usize) -> Self {
        let same = before.and_then(|it| it.room.clone()).filter(|room| room.bytes == bytes);
        same.unwrap_or_else(|| Self { bytes, room: AnswerRoom::of(bytes) })
    }
}

/// Returns a limiter for each provider of the policy. A limiter that is there `before` goes on
/// under the new limits.
pub(super) fn limiters_for(
    policy: &Policy,
    before: Option<&BTreeMap<ProviderName, Arc<Limiter>>>,
) -> BTreeMap<ProviderName, Arc<Limiter>> {
    let limiters = policy.providers().iter().map(|(name, spec)| {
        let limiter = match before.and_then(|before| before.get(name)) {
            Some(limiter) => Arc::clone(limiter),
            None => Arc::new(Limiter::new(spec.limits)),
        };
        limiter.change(spec.limits);
        (name.clone(), limiter)
    });
    limiters.collect()
}

/// Returns the list of secrets that all gateways of one origin share, with the passwords of the
/// network in it. Without a gateway `before`, the list is new.
pub(super) fn remembered(before: Option<&Origin>, network: Option<&Network>) -> Arc<KnownSecrets> {
    let secrets = before.map(|it| Arc::clone(&it.secrets)).unwrap_or_default();
    secrets.learn(&network.map(Network::secrets).unwrap_or_default());
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            network: None,
            transport: None,
            ledger_file: None,
            room: None,
            secrets: Arc::default(),
            env_file: None,
            pipes: Arc::default(),
        }
    }

    #[test]
    fn room_is_kept_while_its_size_is() {
        let kept = SizedRoom::of(None, 8);
        let before = Origin { room: Some(kept.clone()), ..origin() };
        assert!(SizedRoom::of(Some(&before), 8).room.is_same(&kept.room));
        assert!(!SizedRoom::of(Some(&before), 9).room.is_same(&kept.room));
    }
}
