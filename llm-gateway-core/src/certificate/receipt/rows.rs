//! What a receipt says of members or steps, of commitments and calls: digests and the few facts that its
//! claims are made from, never a text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::digests;
use crate::certificate::answers::{AnswerRecord, AnsweredCall, ResponseFacts};
use crate::certificate::canonical::Salt;
use crate::certificate::evidence::{CallEvidence, RecordedExchange};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::{Kinship, LineageRow};
use crate::certificate::recorded::RecordedResponse;
use crate::model::{Dialect, NanoUsd, Usage};

/// A member or step that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct MemberRow {
    pub(in crate::certificate) position: u32,
    pub(in crate::certificate) provider: String,
    pub(in crate::certificate) model: String,
    pub(in crate::certificate) dialect: Dialect,
    pub(in crate::certificate) answered: bool,
}

/// A request that was fixed before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct CommitmentRow {
    pub(in crate::certificate) sequence: u64,
    pub(in crate::certificate) member: u32,
    /// Salted digest of URL, headers and body.
    pub(in crate::certificate) request: String,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct CallRow {
    /// When the request left.
    pub(in crate::certificate) sequence: u64,
    pub(in crate::certificate) member: u32,
    /// Which try of the member it is, from 1.
    pub(in crate::certificate) attempt: u32,
    pub(in crate::certificate) request: String,
    pub(in crate::certificate) requested_model: String,
    pub(in crate::certificate) response: Option<ResponseRow>,
    pub(in crate::certificate) spent: Option<AttemptCost>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct ResponseRow {
    pub(in crate::certificate) sequence: u64,
    pub(in crate::certificate) status: u16,
    /// Salted digest of status, headers and body.
    pub(in crate::certificate) digest: String,
    /// Whether a key was replaced in the bytes before they were recorded.
    pub(in crate::certificate) redacted: bool,
    pub(in crate::certificate) returned_model: Option<String>,
    pub(in crate::certificate) response_id: Option<String>,
    /// The headers that speak of a cache.
    pub(in crate::certificate) cache_headers: Vec<(String, String)>,
    /// Why it is no answer, where it is none.
    pub(in crate::certificate) unreadable: Option<String>,
}

/// What one attempt used and cost, as it was booked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptCost {
    pub(in crate::certificate) tokens: Option<Tokens>,
    cost_nanos: Option<u64>,
}

/// [`Usage`] as a receipt writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct Tokens {
    input_uncached: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

/// The models that answered, as far as they are known, and the data that knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct LineageTable {
    pub(in crate::certificate) version: String,
    pub(in crate::certificate) rows: Vec<LineageRow>,
}

/// The rows of a receipt, whatever it is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::certificate) struct Rows<'a> {
    pub(super) kind: ReceiptKind,
    pub(in crate::certificate) members: &'a [MemberRow],
    pub(in crate::certificate) commitments: &'a [CommitmentRow],
    pub(in crate::certificate) calls: &'a [CallRow],
    pub(super) lineage: &'a LineageTable,
}

impl<'a> Rows<'a> {
    /// The answers that the rows tell of.
    pub(in crate::certificate) fn answers(&self) -> Vec<AnsweredCall<'a>> {
        let record = |member: &MemberRow| {
            if member.dialect == Dialect::Own {
                return AnswerRecord::Unrecorded;
            }
            let last = self.calls.iter().rfind(|call| call.member == member.position);
            last.and_then(|call| call.response.as_ref())
                .map_or(AnswerRecord::Missing, ResponseRow::record)
        };
        let answered = self.members.iter().filter(|member| member.answered);
        answered
            .map(|member| AnsweredCall {
                speaker: self.kind.speaker(member.position),
                provider: &member.provider,
                declared: &member.model,
                record: record(member),
            })
            .collect()
    }

    /// When the request of a call was committed.
    ///
    /// # Errors
    /// Says that it was not, or another one.
    pub(in crate::certificate) fn committed(&self, call: &CallRow) -> Result<u64, String> {
        let who = self.kind.speaker(call.member);
        let mut committed = self.commitments.iter().filter(|row| row.member == call.member);
        match (committed.next(), committed.next()) {
            (Some(row), None) if row.request == call.request => Ok(row.sequence),
            (Some(_), None) => Err(format!("call {} is not what {who} committed", call.sequence)),
            _ => Err(format!("{who} has not one commitment")),
        }
    }

    /// What it knows of the models that answered.
    pub(in crate::certificate) fn kinship(&self) -> Kinship {
        Kinship::under(self.lineage.version.clone(), self.lineage.rows.iter().cloned())
    }
}

impl AttemptCost {
    /// What the provider reported, and what was booked for it; `None` where it is not known.
    pub fn new(usage: Option<Usage>, cost: Option<NanoUsd>) -> Self {
        Self { tokens: usage.map(Tokens::from), cost_nanos: cost.map(NanoUsd::as_nanos) }
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let Usage { input_uncached, cache_read, cache_write, output, reasoning } = usage;
        Self { input_uncached, cache_read, cache_write, output, reasoning }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input_uncached, cache_read, cache_write, output, reasoning } = self;
        write!(f, "{input_uncached} in, {cache_read} from and {cache_write} to a cache, ")?;
        write!(f, "{output} out, {reasoning} of them reasoning")
    }
}

pub(in crate::certificate) fn members(asked: &[&CallEvidence]) -> Vec<MemberRow> {
    let row = |member: &&CallEvidence| MemberRow {
        position: member.position,
        provider: member.provider.clone(),
        model: member.model.clone(),
        dialect: member.dialect,
        answered: member.answered,
    };
    asked.iter().map(row).collect()
}

/// The commitments, in the order in which they were made.
pub(in crate::certificate) fn commitments(
    asked: &[&CallEvidence],
    salt: &Salt,
) -> Vec<CommitmentRow> {
    let committed = |member: &&CallEvidence| {
        let committed = member.committed.as_ref()?;
        Some(CommitmentRow {
            sequence: committed.sequence,
            member: member.position,
            request: digests::request(salt, &committed.request),
        })
    };
    let mut rows: Vec<_> = asked.iter().filter_map(committed).collect();
    rows.sort_by_key(|row| row.sequence);
    rows
}

/// The attempts of all members, in the order in which they left.
pub(in crate::certificate) fn calls(
    asked: &[&CallEvidence],
    salt: &Salt,
    costs: &BTreeMap<u64, AttemptCost>,
) -> Vec<CallRow> {
    let call = |member: &CallEvidence, (exchange, attempt): (&RecordedExchange, u32)| CallRow {
        sequence: exchange.sent,
        member: member.position,
        attempt,
        request: digests::request(salt, &exchange.request),
        requested_model: member.model.clone(),
        response: exchange.response.as_ref().map(|came| ResponseRow::of(member, came, salt)),
        spent: costs.get(&exchange.sent).copied(),
    };
    let mut rows: Vec<_> = asked
        .iter()
        .flat_map(|member| member.exchanges.iter().zip(1..).map(move |tried| (member, tried)))
        .map(|(member, tried)| call(member, tried))
        .collect();
    rows.sort_by_key(|row| row.sequence);
    rows
}

impl ResponseRow {
    fn of(member: &CallEvidence, response: &RecordedResponse, salt: &Salt) -> Self {
        let (facts, unreadable) = match AnswerRecord::read(member, response) {
            AnswerRecord::Read(facts) => (facts, None),
            AnswerRecord::Unreadable(why) => (ResponseFacts::default(), Some(why)),
            AnswerRecord::Unrecorded | AnswerRecord::Missing => (ResponseFacts::default(), None),
        };
        Self {
            sequence: response.sequence,
            status: response.status,
            digest: digests::response(salt, response),
            redacted: response.redacted,
            returned_model: facts.model,
            response_id: facts.response_id,
            cache_headers: facts.cache_headers,
            unreadable,
        }
    }

    fn record(&self) -> AnswerRecord {
        match &self.unreadable {
            Some(why) => AnswerRecord::Unreadable(why.clone()),
            None => AnswerRecord::Read(ResponseFacts {
                model: self.returned_model.clone(),
                response_id: self.response_id.clone(),
                cache_headers: self.cache_headers.clone(),
            }),
        }
    }
}

/// What is known of the models that answered, one row for each name that occurs.
pub(in crate::certificate) fn lineage(
    answers: &[AnsweredCall<'_>],
    kinship: &Kinship,
) -> Vec<LineageRow> {
    let names: BTreeSet<(&str, &str)> =
        answers.iter().filter_map(|answer| Some((answer.provider, answer.id()?))).collect();
    let row = |(provider, id): (&str, &str)| {
        Some(LineageRow::new(Some(provider), id, kinship.find(provider, id)?.clone()))
    };
    names.into_iter().filter_map(row).collect()
}
