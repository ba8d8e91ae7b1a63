//! Collects what every receipt says about its run, and writes receipts to disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::archive;
use crate::certificate::{AttemptCost, Bundle, Particulars, Receipt, Salt};
use crate::policy::Policy;

use super::active::ActiveRun;

impl ActiveRun<'_> {
    /// Returns the particulars of this run, which a receipt states beside the evidence.
    pub(super) fn particulars(
        &self,
        policy: &Policy,
        spent: BTreeMap<u64, AttemptCost>,
    ) -> Particulars {
        Particulars {
            run_id: self.run_id.to_string(),
            task_class: self.task_class.clone(),
            policy_digest: policy.digest().to_owned(),
            gateway_version: env!("CARGO_PKG_VERSION").to_owned(),
            costs: spent,
        }
    }

    /// Draws the salt of one receipt.
    pub(super) fn salt(&self) -> Salt {
        Salt::from_bytes(self.random.bytes())
    }

    /// Writes a receipt to the directory that the policy names, if any, and returns its path. If it
    /// cannot be written, that is logged, and the answer that was paid for is not lost. A gateway
    /// for tests writes nothing.
    pub(super) async fn archive<S, E>(
        &self,
        policy: &Policy,
        receipt: &Receipt<S>,
        bundle: &Bundle<E>,
    ) -> Option<PathBuf>
    where
        S: Clone + Serialize + Send + 'static,
        E: Clone + Serialize + Send + 'static,
    {
        let receipts = policy.receipts().filter(|_| !self.state.is_hermetic).cloned()?;
        let dir = receipts.dir.display().to_string();
        let (run, receipt) = (self.run_id, receipt.clone());
        let bundle = receipts.bundle.then(|| bundle.clone());
        let written = tokio::task::spawn_blocking(move || {
            archive::write(&receipts, run, &receipt, bundle.as_ref())
        });
        match written.await {
            Ok(Ok(path)) => return Some(path),
            // The policy asks for receipts, so this is logged at the level that is always shown.
            Ok(Err(error)) => tracing::error!(dir, %error, "a receipt cannot be written"),
            Err(error) => tracing::error!(dir, %error, "writing a receipt broke off"),
        }
        None
    }
}
