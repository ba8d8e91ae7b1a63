//! The envelope of a panel.

use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;

use crate::certificate::Claims;
use crate::model::{NanoUsd, RunId};
use crate::outcome::{Agreement, Budget, PanelAnswer};
use crate::policy::{Enforce, Level};

use super::{Envelope, millis, unless_recorded};

/// The `data` of a panel.
#[derive(Serialize, JsonSchema)]
pub(super) struct PanelData<'a> {
    /// The envelopes of the panel's members, in the policy's order. Its `meta.member` is the
    /// position of the member, from 1.
    #[schemars(schema_with = "envelopes")]
    members: Vec<Envelope>,
    /// The agreement between the members that answered.
    agreement: &'a Agreement,
}

/// Returns the JSON schema of a list of envelopes, by reference to the document's root.
fn envelopes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "$ref": "#" } })
}

/// The `meta` of a panel.
#[derive(Serialize, JsonSchema)]
pub(super) struct PanelMeta<'a> {
    /// The task class that the caller asked for.
    task_class: &'a str,
    /// The visibility of the panel: what the policy promises of its members' independence, and what
    /// was reached.
    visibility: PanelVisibility,
    /// The certificate of the panel: what recorded bytes show of its members' independence.
    certificate: PanelCertificate<'a>,
    /// The cost of all attempts of all members in US dollars; null where the cost of one is
    /// unknown.
    total_cost_usd_approx: Option<NanoUsd>,
    /// The most that the panel may cost, in US dollars; null where the policy sets no cap.
    cost_cap_usd: Option<NanoUsd>,
    /// Whether the panel cost more than its cap; null where that is unknown.
    cap_exceeded: Option<bool>,
    /// What the tightest cap on the calls leaves; present where a cap limits them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Budget")]
    budget: Option<&'a Budget>,
    /// The number of members that answered.
    answered: usize,
    /// The number of members that the panel has.
    asked: usize,
    /// Time from the request to the last answer, in milliseconds.
    latency_ms: u64,
    /// Present and false where the ledger could not record the cost of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    spend_recorded: Option<bool>,
    /// Present and true where answers are scripted and nothing left the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    /// The id of the run.
    run_id: RunId,
}

/// The visibility of a panel: what the policy promises of its members' independence, and what was
/// reached.
#[derive(Serialize, JsonSchema)]
struct PanelVisibility {
    /// The way in which members are asked: always `blind`.
    mode: &'static str,
    /// The texts that members are shown: always `original_prompt_only`.
    members_see: &'static str,
    /// The consequence of a panel that cannot be certified.
    enforce: Enforce,
    /// Whether a quorum of fresh answers reached the required level of independence.
    independence_certified: bool,
    /// The level of independence that the panel reached.
    level: Level,
    /// The level of independence that the policy requires.
    required: Level,
}

/// The certificate of a panel.
#[derive(Serialize, JsonSchema)]
struct PanelCertificate<'a> {
    /// The level of independence that the panel reached.
    level: Level,
    /// The level of independence that the policy requires.
    required: Level,
    /// The claims of the certificate, each with its result and the evidence that decided it.
    claims: &'a Claims,
    /// The limits of the certificate: what no certificate of a panel shows.
    not_proven: &'a [String],
    /// The warnings of the certificate, which a reader should know although no claim fails by them.
    warnings: &'a [String],
    /// The receipt that holds this certificate.
    receipt: ReceiptReference<'a>,
}

/// The reference to a receipt: its digest and its file.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReceiptReference<'a> {
    /// The SHA-256 digest of the receipt, in hex, which is its name.
    digest: &'a str,
    /// The file that the receipt was written to; present where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    path: Option<&'a Path>,
}

impl<'a> ReceiptReference<'a> {
    pub(super) fn new(digest: &'a str, path: Option<&'a Path>) -> Self {
        Self { digest, path }
    }

    pub(super) fn of(panel: &'a PanelAnswer) -> Self {
        Self::new(panel.receipt.digest().as_str(), panel.receipt_path.as_deref())
    }
}

impl<'a> PanelData<'a> {
    pub(super) fn of(panel: &'a PanelAnswer) -> Self {
        let members = panel.members.iter().zip(1..).map(|(member, position)| {
            let mut envelope = Envelope::from(member);
            envelope.meta.insert("member".to_owned(), json!(position));
            envelope
        });
        Self { members: members.collect(), agreement: &panel.agreement }
    }
}

impl<'a> PanelMeta<'a> {
    fn of(panel: &'a PanelAnswer) -> Self {
        Self {
            task_class: &panel.task_class,
            visibility: PanelVisibility::of(panel),
            certificate: PanelCertificate::of(panel),
            total_cost_usd_approx: panel.total_cost(),
            cost_cap_usd: panel.cost_cap,
            cap_exceeded: panel.cap_exceeded(),
            budget: panel.budget.as_ref(),
            answered: panel.answers().count(),
            asked: panel.members.len(),
            latency_ms: millis(panel.latency),
            spend_recorded: unless_recorded(panel.spend_recorded()),
            offline: panel.offline,
            run_id: panel.run_id,
        }
    }
}

impl PanelVisibility {
    fn of(panel: &PanelAnswer) -> Self {
        Self {
            mode: "blind",
            members_see: "original_prompt_only",
            enforce: panel.visibility.enforce,
            independence_certified: panel.independence_certified(),
            level: panel.certificate().level,
            required: panel.visibility.require,
        }
    }
}

impl<'a> PanelCertificate<'a> {
    fn of(panel: &'a PanelAnswer) -> Self {
        let certificate = panel.certificate();
        Self {
            level: certificate.level,
            required: certificate.required,
            claims: &certificate.claims,
            not_proven: &certificate.not_proven,
            warnings: &certificate.warnings,
            receipt: ReceiptReference::of(panel),
        }
    }
}

impl From<&PanelAnswer> for Envelope {
    fn from(panel: &PanelAnswer) -> Self {
        Self::of(&PanelData::of(panel), &PanelMeta::of(panel))
    }
}
