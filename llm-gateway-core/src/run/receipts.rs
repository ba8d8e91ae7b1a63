//! What every receipt says of its run, and its way to disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::archive;
use crate::certificate::{AttemptCost, Bundle, Particulars, Receipt, Salt};
use crate::policy::Policy;

use super::active::ActiveRun;

impl ActiveRun<'_> {
    /// What the evidence does not tell of this run.
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

    /// The salt of one receipt.
    pub(super) fn salt(&self) -> Salt {
        Salt::from_bytes(self.state.random.bytes())
    }

    /// Writes a receipt where the policy says so, and gives its path. An answer that was paid for
    /// is not lost because its receipt cannot be written.
    pub(super) async fn archived<S, E>(
        &self,
        policy: &Policy,
        receipt: &Receipt<S>,
        bundle: &Bundle<E>,
    ) -> Option<PathBuf>
    where
        S: Clone + Serialize + Send + 'static,
        E: Clone + Serialize + Send + 'static,
    {
        let receipts = policy.receipts().cloned()?;
        let dir = receipts.dir.display().to_string();
        let (run, receipt) = (self.run_id, receipt.clone());
        let bundle = receipts.bundle.then(|| bundle.clone());
        let written = tokio::task::spawn_blocking(move || {
            archive::write(&receipts, run, &receipt, bundle.as_ref())
        });
        match written.await {
            Ok(Ok(path)) => return Some(path),
            // The policy asks for it, so people are told whatever they have logged.
            Ok(Err(error)) => tracing::error!(dir, %error, "a receipt cannot be written"),
            Err(error) => tracing::error!(dir, %error, "writing a receipt broke off"),
        }
        None
    }
}
