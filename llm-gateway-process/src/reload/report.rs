//! Tells on stderr what is to be known of a policy that comes into force, or cannot.

use llm_gateway_core::Gateway;

/// Tells of a gateway that a program starts with.
pub(crate) fn report_start(gateway: &Gateway) {
    for line in remarks(gateway) {
        tracing::warn!("{line}");
    }
}

/// Tells of a gateway that takes the place of another: that it does, and what was not told of the
/// other.
pub(super) fn report_change(before: &Gateway, after: &Gateway) {
    if let Some(problems) = after.policy_error() {
        if before.policy_error() != Some(problems) {
            tracing::warn!("the last good policy stays in force: {problems}");
        }
        return;
    }
    let told = remarks(before);
    for line in remarks(after).iter().filter(|line| !told.contains(line)) {
        tracing::warn!("{line}");
    }
    if let Ok(policy) = after.policy() {
        tracing::info!("the policy was read anew: {}", policy.source());
    }
}

/// Returns the problems of a policy, warnings included, and the base URLs that variables set: a
/// client may hand its own down without its user knowing.
fn remarks(gateway: &Gateway) -> Vec<String> {
    let mut remarks: Vec<String> = gateway.problems().iter().map(ToString::to_string).collect();
    for provider in gateway.describe().iter().flat_map(|it| &it.providers) {
        if let Some(variable) = provider.base_url_from.variable() {
            let (name, base_url) = (&provider.name, &provider.base_url);
            remarks.push(format!("{name} is asked at {base_url} ({variable})"));
        }
    }
    remarks
}
