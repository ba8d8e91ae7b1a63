//! The envelope of a cascade: that of an answer, with what the gate did beside it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Category;
use crate::model::{ModelId, ProviderName};
use crate::outcome::{Agreement, AnsweredBy, CascadeAnswer, Escalation, PanelAnswer};
use crate::policy::{CascadePreflight, Level};

use super::Envelope;
use super::answer::{AnswerMeta, OfAllCalls};
use super::panel::ReceiptReference;

/// `data` of a cascade.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeData<'a> {
    /// The text of the answer.
    text: String,
    /// One line per member of the gate, in the policy's order.
    gate: Vec<GateMember<'a>>,
}

/// What a member of a gate said, in one line.
#[derive(Serialize, JsonSchema)]
struct GateMember<'a> {
    /// The position of the member, from 1.
    member: usize,
    /// The provider that was asked.
    provider: &'a ProviderName,
    /// The model that was asked.
    model: &'a ModelId,
    /// The beginning of the answer; present where the member answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    gist: Option<String>,
    /// The kind of failure; present where the member failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Category")]
    error_category: Option<Category>,
}

/// `meta` of a cascade: of the answer, with latency, cost and attempts of all calls together.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeMeta<'a> {
    #[serde(flatten)]
    answer: AnswerMeta<'a>,
    /// Who answered, and why.
    cascade: CascadeTrace<'a>,
}

/// How a cascade came to its answer, or to the failure of its strong model.
#[derive(Serialize, JsonSchema)]
pub(super) struct CascadeTrace<'a> {
    /// Who answered; null where the strong model failed.
    answered_by: Option<AnsweredBy>,
    /// Whether the strong model was asked.
    escalated: bool,
    /// Why the gate's answer stands, or why it does not.
    because: &'a str,
    /// How far the members of the gate agree.
    agreement: &'a Agreement,
    /// What recorded bytes show of the independence of the gate's members.
    certificate: GateCertificate<'a>,
    /// The price of the cascade without and with its strong model, before anything was sent.
    preflight: &'a CascadePreflight,
}

/// The certificate of a gate, in short; the receipt holds the whole.
#[derive(Serialize, JsonSchema)]
struct GateCertificate<'a> {
    /// The level that was reached.
    level: Level,
    /// The level that a gate needs.
    required: Level,
    /// Whether the required level was reached by a quorum of fresh answers.
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
        let all = OfAllCalls {
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
    /// The trace of a cascade whose strong model gave no answer.
    pub(super) fn without_answer(gate: &'a PanelAnswer, why: &'a Escalation) -> Self {
        Self::of(None, &why.because, gate, &why.preflight)
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
