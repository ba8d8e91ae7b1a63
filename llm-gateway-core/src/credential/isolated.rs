//! A source of keys of the embedding program, whose panics and blocked threads take nobody along.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{CredentialSource, Lease, LeaseEnd, Secret};
use crate::isolation::{Interrupted, caught, isolated};
use crate::model::{ProviderName, Target};

/// A source of keys that asks another one in isolation. A key that the other panics over is
/// missing.
pub(crate) struct IsolatedCredentials {
    source: Arc<dyn CredentialSource>,
    /// The variables whose newest lease came to no end. There are no more than the policy names.
    interrupted: Mutex<BTreeSet<String>>,
}

impl IsolatedCredentials {
    /// Isolates a source of keys.
    pub(crate) fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self { source, interrupted: Mutex::default() }
    }

    /// Returns what the source lent for `variable`, if it came to an end.
    fn lent(&self, variable: &str, lent: Result<Option<Lease>, Interrupted>) -> Option<Lease> {
        match &lent {
            Ok(_) => drop(self.interrupted().remove(variable)),
            Err(how) => {
                tracing::error!(variable, "the program's source of keys {how}");
                self.interrupted().insert(variable.to_owned());
            }
        }
        lent.ok().flatten()
    }

    fn interrupted(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // Every write is a single insertion or removal.
        self.interrupted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the answer of the source to a question that it answers at once.
    fn ask<T: Default>(&self, ask: impl FnOnce(&dyn CredentialSource) -> T) -> T {
        caught(|| ask(&*self.source)).unwrap_or_default()
    }
}

/// A lease that was lent in a task of its own. If its caller has left meanwhile, the source hears
/// that the attempt was dropped.
struct UnclaimedLease {
    lease: Option<Lease>,
    source: Arc<dyn CredentialSource>,
    target: Target,
}

impl UnclaimedLease {
    /// Returns the lease, whose end is reported by whoever claimed it.
    fn claim(mut self) -> Option<Lease> {
        self.lease.take()
    }
}

impl Drop for UnclaimedLease {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            caught(|| self.source.report(&lease, &self.target, LeaseEnd::Dropped)).ok();
        }
    }
}

#[async_trait]
impl CredentialSource for IsolatedCredentials {
    async fn lease(&self, provider: &ProviderName, variable: &str) -> Option<Lease> {
        let source = Arc::clone(&self.source);
        let (provider, asked) = (provider.clone(), variable.to_owned());
        let lent = isolated(async move { source.lease(&provider, &asked).await }).await;
        self.lent(variable, lent)
    }

    async fn lease_for(&self, target: &Target, variable: &str, id: Option<&str>) -> Option<Lease> {
        let source = Arc::clone(&self.source);
        let (target, asked, id) = (target.clone(), variable.to_owned(), id.map(str::to_owned));
        let lending = async move {
            let lease = source.lease_for(&target, &asked, id.as_deref()).await;
            UnclaimedLease { lease, source, target }
        };
        let lent = isolated(lending).await;
        self.lent(variable, lent.map(UnclaimedLease::claim))
    }

    fn has(&self, provider: &ProviderName, variable: &str) -> bool {
        self.ask(|source| source.has(provider, variable))
    }

    fn known(&self) -> Vec<Secret> {
        self.ask(|source| source.known())
    }

    fn why_missing(&self, provider: &ProviderName, variable: &str) -> Option<&'static str> {
        if self.interrupted().contains(variable) {
            return Some("cannot be had, because the program's source of keys panicked");
        }
        self.ask(|source| source.why_missing(provider, variable))
    }

    fn keys(&self, provider: &ProviderName, variable: &str) -> Vec<String> {
        self.ask(|source| source.keys(provider, variable))
    }

    async fn lease_key(&self, provider: &ProviderName, variable: &str, id: &str) -> Option<Lease> {
        let source = Arc::clone(&self.source);
        let (provider, asked, id) = (provider.clone(), variable.to_owned(), id.to_owned());
        let lent = isolated(async move { source.lease_key(&provider, &asked, &id).await }).await;
        self.lent(variable, lent)
    }

    fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
        self.ask(|source| source.report(lease, target, end));
    }
}
