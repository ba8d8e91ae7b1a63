//! The adapters that Cargo features bring, and the problems of policies that need a missing one.
//!
//! Without a feature its adapter is missing and nothing else changes: the builder refuses a
//! policy that needs the adapter, by a problem that names the feature and the way around it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Diagnostic;
use crate::ledger::Ledger;
use crate::model::{ProviderName, Target};
use crate::network::{Network, NetworkRemark};
use crate::policy::Policy;
use crate::transport::Transport;

/// Returns the transport over a network with these settings; `None` without the feature `reqwest`.
pub(super) fn network(settings: &Arc<Network>) -> Option<Arc<dyn Transport>> {
    #[cfg(feature = "reqwest")]
    return Some(Arc::new(crate::transport::ReqwestTransport::within(Arc::clone(settings))));
    #[cfg(not(feature = "reqwest"))]
    {
        let _ = settings;
        None
    }
}

/// Returns what is wrong with the certificates that the settings of the network name. Their files
/// are read for that.
pub(super) fn certificate_problems(settings: &Network) -> Vec<Diagnostic> {
    #[cfg(feature = "reqwest")]
    let remarks = crate::transport::certificate_remarks(settings);
    #[cfg(not(feature = "reqwest"))]
    let remarks = {
        let _ = settings;
        Vec::new()
    };
    network_problems(&remarks)
}

/// Returns remarks about the network as problems. They are warnings: what needs no network, or
/// stays on this machine, works.
pub(super) fn network_problems(remarks: &[NetworkRemark]) -> Vec<Diagnostic> {
    let problem = |it: &NetworkRemark| Diagnostic::of_environment(&it.message, it.hint);
    remarks.iter().map(problem).collect()
}

/// Returns the ledger in the file at `path`; `None` without the feature `sqlite`.
pub(super) fn file_ledger(path: PathBuf) -> Option<Arc<dyn Ledger>> {
    #[cfg(feature = "sqlite")]
    return Some(Arc::new(crate::ledger::SqliteLedger::at(path)));
    #[cfg(not(feature = "sqlite"))]
    {
        drop(path);
        None
    }
}

/// Returns the problem of a policy that needs the network, which this build lacks. Targets of the
/// program's `own` providers need no transport.
pub(super) fn missing_network<'a>(
    policy: &Policy,
    own: impl Iterator<Item = &'a ProviderName>,
) -> Option<Diagnostic> {
    let own: BTreeSet<&ProviderName> = own.collect();
    let routed = policy.routes().iter().flat_map(|route| route.targets());
    let roles = policy.orchestration().into_iter().flat_map(|orchestration| {
        [&orchestration.planner, &orchestration.worker, &orchestration.verifier]
    });
    let roles = roles.flatten().map(|role| &role.target);
    let needy: Option<&Target> = routed.chain(roles).find(|target| !own.contains(&target.provider));
    needy.map(|target| {
        Diagnostic::of_build(
            format!("provider `{}` needs a transport, and this build has none", target.provider),
            "enable the feature `reqwest` of llm-gateway-core, or bring a transport with \
             `GatewayBuilder::transport`",
        )
    })
}

/// Returns the problem of an environment that asks for a ledger file, which this build lacks.
pub(super) fn missing_file_ledger() -> Diagnostic {
    Diagnostic::of_build(
        "the environment asks for a ledger file, and this build cannot open one",
        "enable the feature `sqlite` of llm-gateway-core, or bring a ledger with \
         `GatewayBuilder::ledger`",
    )
}
