//! The envelope of a cascade: the envelope of an answer, with what the gate did.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Category;
use crate::model::{ModelId, ProviderName};
use crate::outcome::{Agreement, AnsweredBy, CascadeAnswer, Escalation, PanelAnswer};
use crate::policy::{CascadePreflight, Level};

use super::Envelope;
use super::answer::{AnswerMeta, TotalFigures};
use super::panel::ReceiptReference;

/// The `data` of a cascade.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeData<'a> {
    /// The text of the cascade's answer.
    text: String,
    /// The members of the gate in the policy's order, one line each.
    gate: Vec<GateMember<'a>>,
}

/// The line about a member of a cascade's gate: who was asked, and what it answered.
#[derive(Serialize, JsonSchema)]
struct GateMember<'a> {
    /// The position of the member in the gate, from 1.
    member: usize,
    /// The provider that the gateway asked.
    provider: &'a ProviderName,
    /// The model that the gateway asked.
    model: &'a ModelId,
    /// The beginning of the member's answer; present where the member answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    gist: Option<String>,
    /// The category of the member's failure; present where the member failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Category")]
    error_category: Option<Category>,
}

/// The `meta` of a cascade: that of its answer, with latency, cost and attempts of all calls
/// together.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeMeta<'a> {
    #[serde(flatten)]
    answer: AnswerMeta<'a>,
    /// The trace of the cascade: who answered, and why.
    cascade: CascadeTrace<'a>,
}

/// The trace of a cascade: how it came to its answer, or to the failure of its strong model.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeTrace<'a> {
    /// The part of the cascade that answered; null where the cascade failed.
    answered_by: Option<AnsweredBy>,
    /// Whether the strong model was asked.
    escalated: bool,
    /// The reason why the gate's answer stands, or why it does not.
    because: &'a str,
    /// The agreement between the members of the gate.
    agreement: &'a Agreement,
    /// The certificate of the gate: what recorded bytes show of its members' independence.
    certificate: GateCertificate<'a>,
    /// The price of the cascade without and with its strong model, before anything was sent.
    preflight: &'a CascadePreflight,
}

/// The certificate of a gate, in short; the receipt holds the whole.
#[derive(Serialize, JsonSchema)]
struct GateCertificate<'a> {
    /// The level of independence that the gate reached.
    level: Level,
    /// The level of independence that a gate needs.
    required: Level,
    /// Whether a quorum of fresh answers reached the required level of independence.
    independence_certified: bool,
    /// The receipt that holds the certificate.
    receipt: ReceiptReference<'a>,
}

impl<'a> CascadeData<'a> {
    fn of(cascade: &'a CascadeAnswer) -> Self {
        let gate = &cascade.gate;
        let members = gate.targets.iter().zip(&gate.members).zip(1..);
        let members = members.map(|((target, member), position)| GateMember {
            member: position,
            provider: &target.provider,
            model: &target.model,
            gist: member.as_ref().ok().map(|answer| answer.gist()),
            error_category: member.as_ref().err().map(|failure| failure.category()),
        });
        Self { text: cascade.text(), gate: members.collect() }
    }
}

impl<'a> CascadeMeta<'a> {
    fn of(cascade: &'a CascadeAnswer) -> Self {
        let CascadeAnswer { answered_by, because, gate, preflight, .. } = cascade;
        let all = TotalFigures {
            latency: cascade.latency,
            cost: cascade.total_cost(),
            cost_basis: cascade.cost_basis(),
            attempts: cascade.attempts().collect(),
            spend_recorded: cascade.spend_recorded(),
        };
        Self {
            answer: AnswerMeta::of(&cascade.answer).of_all_calls(all),
            cascade: CascadeTrace::of(Some(*answered_by), because, gate, preflight),
        }
    }
}

impl<'a> CascadeTrace<'a> {
    /// Returns the trace of a cascade that failed: its strong model gave no answer, or its caller
    /// stopped it before that model was asked.
    pub(super) fn without_answer(gate: &'a PanelAnswer, why: &'a Escalation) -> Self {
        let trace = Self::of(None, &why.because, gate, &why.preflight);
        Self { escalated: why.is_asked, ..trace }
    }

    fn of(
        answered_by: Option<AnsweredBy>,
        because: &'a str,
        gate: &'a PanelAnswer,
        preflight: &'a CascadePreflight,
    ) -> Self {
        Self {
            answered_by,
            escalated: answered_by != Some(AnsweredBy::Gate),
            because,
            agreement: &gate.agreement,
            certificate: GateCertificate::of(gate),
            preflight,
        }
    }
}

impl<'a> GateCertificate<'a> {
    fn of(gate: &'a PanelAnswer) -> Self {
        let certificate = gate.certificate();
        Self {
            level: certificate.level,
            required: certificate.required,
            independence_certified: gate.independence_certified(),
            receipt: ReceiptReference::of(gate),
        }
    }
}

impl From<&CascadeAnswer> for Envelope {
    fn from(cascade: &CascadeAnswer) -> Self {
        Self::of(&CascadeData::of(cascade), &CascadeMeta::of(cascade))
    }
}
