//! A source of keys of the embedding program, whose panics and blocked threads take nobody along.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::{CredentialSource, Lease, LeaseEnd, Secret};
use crate::isolation::{Interrupted, caught, isolated};
use crate::model::{ProviderName, Target};

/// A source of keys that asks another one in isolation. A key that the other panics over is missing.
pub(crate) struct IsolatedCredentials {
    source: Arc<dyn CredentialSource>,
    /// Whether the source came to no end when it was last asked for a key.
    is_interrupted: AtomicBool,
}

impl IsolatedCredentials {
    /// Isolates a source of keys.
    pub(crate) fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self { source, is_interrupted: AtomicBool::new(false) }
    }

    /// Returns what the source lent, if it came to an end.
    fn lent(&self, lent: Result<Option<Lease>, Interrupted>) -> Option<Lease> {
        self.is_interrupted.store(lent.is_err(), Ordering::SeqCst);
        lent.ok().flatten()
    }

    /// Returns the answer of the source to a question that it answers at once.
    fn ask<T: Default>(&self, ask: impl FnOnce(&dyn CredentialSource) -> T) -> T {
        caught(|| ask(&*self.source)).unwrap_or_default()
    }
}

#[async_trait]
impl CredentialSource for IsolatedCredentials {
    async fn lease(&self, provider: &ProviderName, variable: &str) -> Option<Lease> {
        let source = Arc::clone(&self.source);
        let (provider, variable) = (provider.clone(), variable.to_owned());
        self.lent(isolated(async move { source.lease(&provider, &variable).await }).await)
    }

    fn has(&self, provider: &ProviderName, variable: &str) -> bool {
        self.ask(|source| source.has(provider, variable))
    }

    fn known(&self) -> Vec<Secret> {
        self.ask(|source| source.known())
    }

    fn why_missing(&self, provider: &ProviderName, variable: &str) -> Option<&'static str> {
        if self.is_interrupted.load(Ordering::SeqCst) {
            return Some("cannot be had, because the program's source of keys panicked");
        }
        self.ask(|source| source.why_missing(provider, variable))
    }

    fn keys(&self, provider: &ProviderName, variable: &str) -> Vec<String> {
        self.ask(|source| source.keys(provider, variable))
    }

    async fn lease_key(&self, provider: &ProviderName, variable: &str, id: &str) -> Option<Lease> {
        let source = Arc::clone(&self.source);
        let (provider, variable, id) = (provider.clone(), variable.to_owned(), id.to_owned());
        self.lent(isolated(async move { source.lease_key(&provider, &variable, &id).await }).await)
    }

    fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
        self.ask(|source| source.report(lease, target, end));
    }
}
