//! Makes one provider for each entry of the policy, and sees to those that a program brings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::credential::CredentialSource;
use crate::model::ProviderName;
use crate::policy::{Policy, ProviderSpec};
use crate::provider::{Provider, ProviderParts, ScrubbedProvider, for_endpoint};
use crate::transport::{KnownSecrets, Scripted, Scrubber};

use super::origin::Origin;

/// Creates a provider for each entry of the policy whose dialect the gateway knows. Without a
/// transport there is none: the policy names providers of the program only. A `script` answers each
/// provider in its own name, and no key is needed.
pub(super) fn http_providers(
    policy: &Policy,
    credentials: &Arc<dyn CredentialSource>,
    clock: &Arc<dyn Clock>,
    script: Option<&Scripted>,
    parts: &Origin,
) -> BTreeMap<ProviderName, Arc<dyn Provider>> {
    let (Some(transport), Some(room)) = (&parts.transport, &parts.room) else {
        return BTreeMap::new();
    };
    let scrubber = Scrubber::sharing(Arc::clone(&parts.secrets));
    let parts = ProviderParts::new(
        Arc::clone(transport),
        Arc::clone(credentials),
        scrubber,
        Arc::clone(clock),
        room.room.clone(),
    );
    let http = |(name, spec): (&ProviderName, &ProviderSpec)| {
        let mut endpoint = spec.endpoint.clone();
        let mut parts = parts.clone();
        if let Some(script) = script {
            parts.transport = Arc::new(script.for_provider(name.clone()));
            endpoint.api_key_env = None;
            endpoint.headers.clear();
        }
        let provider = for_endpoint(endpoint, parts)?;
        Some((name.clone(), provider))
    };
    policy.providers().iter().filter_map(http).collect()
}

/// Returns the program's own providers, with known keys removed from their texts.
pub(super) fn own_providers(
    own: BTreeMap<ProviderName, Arc<dyn Provider>>,
    secrets: &Arc<KnownSecrets>,
) -> BTreeMap<ProviderName, Arc<dyn Provider>> {
    let scrubber = Scrubber::sharing(Arc::clone(secrets));
    let scrubbed = |provider| Arc::new(ScrubbedProvider::new(provider, scrubber.clone())) as _;
    own.into_iter().map(|(name, provider)| (name, scrubbed(provider))).collect()
}
