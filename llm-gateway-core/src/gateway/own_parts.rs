//! The parts that the embedding program brings, put under the rules by which a gateway lives with
//! code that it does not know: neither a panic nor a blocked thread takes another call along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::credential::{CredentialSource, IsolatedCredentials};
use crate::isolation::caught;
use crate::ledger::Ledger;
use crate::model::ProviderName;
use crate::policy::Policy;
use crate::provider::{OwnProvider, Provider};
use crate::transport::{IsolatedTransport, Scrubber, Transport};

use super::own_ledger::OwnLedger;

/// Returns the program's providers, each under the rules of its entry in the policy.
pub(super) fn providers(
    policy: Option<&Policy>,
    own: BTreeMap<ProviderName, Arc<dyn Provider>>,
) -> BTreeMap<ProviderName, Arc<dyn Provider>> {
    let ruled = |(name, provider): (ProviderName, Arc<dyn Provider>)| {
        let endpoint = policy?.providers().get(&name)?.endpoint.clone();
        let provider: Arc<dyn Provider> = Arc::new(OwnProvider::new(provider, endpoint));
        Some((name, provider))
    };
    own.into_iter().filter_map(ruled).collect()
}

/// Isolates the program's transport, unless it needs no isolation.
pub(super) fn transport(own: Arc<dyn Transport>) -> Arc<dyn Transport> {
    match own.needs_isolation() {
        true => Arc::new(IsolatedTransport::new(own)),
        false => own,
    }
}

/// Isolates the program's ledger, unless it needs no isolation. The keys that `scrubber` knows are
/// removed from its errors.
pub(super) fn ledger(own: Arc<dyn Ledger>, scrubber: &Scrubber) -> Arc<dyn Ledger> {
    match own.needs_isolation() {
        true => Arc::new(OwnLedger::new(own, scrubber.clone())),
        false => own,
    }
}

/// Isolates the program's source of keys.
pub(super) fn credentials(own: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
    Arc::new(IsolatedCredentials::new(own))
}

/// Isolates the program's clock. While it panics, the machine's clock shows the date.
pub(super) fn clock(own: Arc<dyn Clock>) -> Arc<dyn Clock> {
    Arc::new(OwnClock(own))
}

/// A clock of the program.
struct OwnClock(Arc<dyn Clock>);

impl Clock for OwnClock {
    fn now(&self) -> Duration {
        caught(|| self.0.now()).unwrap_or_else(|how| {
            tracing::error!("the program's clock {how}, and the machine's clock is read instead");
            SystemClock.now()
        })
    }
}
