//! The rows of a receipt: members or steps, commitments, calls, and data about models.
//!
//! A row contains digests and the few facts that claims are decided from, never a text of a request
//! or an answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::cost::AttemptCost;
use super::digests::{self, RequestDigests};
use crate::certificate::answers::{AnswerRecord, AnsweredCall, ResponseFacts};
use crate::certificate::canonical::Salt;
use crate::certificate::commitment::may_refuse_a_stream;
use crate::certificate::effort;
use crate::certificate::evidence::{CallEvidence, RecordedExchange};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::{Kinship, LineageRow};
use crate::certificate::recorded::RecordedResponse;
use crate::model::Dialect;

/// The row of a panel member or an orchestration step that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct MemberRow {
    pub(in crate::certificate) position: u32,
    pub(in crate::certificate) provider: String,
    pub(in crate::certificate) model: String,
    pub(in crate::certificate) dialect: Dialect,
    /// Name of the variable that the provider's base URL comes from. Receipts of earlier versions
    /// never have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::certificate) base_url_variable: Option<String>,
    pub(in crate::certificate) answered: bool,
    /// Whether the run answered with another text than the last response holds. Receipts of earlier
    /// versions do not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::certificate) differs: bool,
}

/// The row of a request that was committed, that is, fixed before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct CommitmentRow {
    /// Moment at which the request was committed, by the run's counter.
    pub(in crate::certificate) sequence: u64,
    /// Position of the panel member or orchestration step that the request was for, from 1.
    pub(in crate::certificate) member: u32,
    /// Salted digest of the committed request's URL, headers and body.
    pub(in crate::certificate) request: String,
}

/// The row of one attempt of a model call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct ExchangeRow {
    /// Moment at which the attempt's request was sent, by the run's counter.
    pub(in crate::certificate) sequence: u64,
    /// Position of the panel member or orchestration step that made the attempt, from 1.
    pub(in crate::certificate) member: u32,
    /// Number of the attempt among those of its member or step, counted from 1.
    pub(in crate::certificate) attempt: u32,
    /// Salted digest of the sent request's URL, headers and body.
    pub(in crate::certificate) request: String,
    pub(in crate::certificate) requested_model: String,
    pub(in crate::certificate) response: Option<ResponseRow>,
    pub(in crate::certificate) spent: Option<AttemptCost>,
}

/// The row of the response to an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct ResponseRow {
    /// Moment at which the response was received, by the run's counter.
    pub(in crate::certificate) sequence: u64,
    /// HTTP status of the response.
    pub(in crate::certificate) status: u16,
    /// Salted digest of the response's status, headers and body.
    pub(in crate::certificate) digest: String,
    /// Whether an API key was replaced in the response's bytes before they were recorded.
    pub(in crate::certificate) redacted: bool,
    pub(in crate::certificate) returned_model: Option<String>,
    /// Further names that the response gives its model. Receipts of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::certificate) other_models: Vec<String>,
    pub(in crate::certificate) response_id: Option<String>,
    /// Salted digest of the answer's text.
    pub(in crate::certificate) answer: Option<String>,
    /// The response headers that mention a cache.
    pub(in crate::certificate) cache_headers: Vec<(String, String)>,
    /// The response headers in which proxies name the model or the deployment that they asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::certificate) routing_headers: Vec<(String, String)>,
    /// The reason why the response is not a readable answer; `None` if it is one.
    pub(in crate::certificate) unreadable: Option<String>,
}

/// The known lineages of the models that answered, and the version of the lineage data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct LineageTable {
    pub(in crate::certificate) version: String,
    pub(in crate::certificate) rows: Vec<LineageRow>,
}

/// All rows of a receipt, whether it is about a panel or an orchestration. The rows of one member
/// or step are found without searching all others.
#[derive(Debug)]
pub(in crate::certificate) struct Rows<'a> {
    pub(super) kind: ReceiptKind,
    pub(in crate::certificate) members: &'a [MemberRow],
    pub(in crate::certificate) calls: &'a [ExchangeRow],
    pub(super) lineage: &'a LineageTable,
    of_members: HashMap<u32, RowsOfMember<'a>>,
}

/// The rows of one member or step.
#[derive(Debug, Default)]
struct RowsOfMember<'a> {
    member: Option<&'a MemberRow>,
    commitments: Vec<&'a CommitmentRow>,
    calls: Vec<&'a ExchangeRow>,
    /// The number of the first attempt whose stream may have been refused.
    refused: Option<u32>,
}

impl<'a> Rows<'a> {
    /// Sorts the rows of a receipt by the member or step that they are about.
    pub(super) fn new(
        kind: ReceiptKind,
        members: &'a [MemberRow],
        commitments: &'a [CommitmentRow],
        calls: &'a [ExchangeRow],
        lineage: &'a LineageTable,
    ) -> Self {
        effort::add(members.len() + commitments.len() + calls.len());
        let mut of_members: HashMap<u32, RowsOfMember<'a>> = HashMap::new();
        for row in members {
            of_members.entry(row.position).or_default().member.get_or_insert(row);
        }
        for row in commitments {
            of_members.entry(row.member).or_default().commitments.push(row);
        }
        for row in calls {
            let of_member = of_members.entry(row.member).or_default();
            of_member.calls.push(row);
            if row.response.as_ref().is_some_and(|it| may_refuse_a_stream(it.status)) {
                let first = of_member.refused.get_or_insert(row.attempt);
                *first = row.attempt.min(*first);
            }
        }
        Self { kind, members, calls, lineage, of_members }
    }

    /// Returns the first row of a member or step.
    pub(super) fn member(&self, position: u32) -> Option<&'a MemberRow> {
        self.of_members.get(&position)?.member
    }

    /// Returns the commitments of a member or step, in their order.
    pub(in crate::certificate) fn commitments_of(&self, position: u32) -> &[&'a CommitmentRow] {
        self.of_members.get(&position).map(|it| &*it.commitments).unwrap_or_default()
    }

    /// Returns the attempts of a member or step, in their order.
    pub(in crate::certificate) fn calls_of(&self, position: u32) -> &[&'a ExchangeRow] {
        let calls = self.of_members.get(&position).map(|it| &*it.calls).unwrap_or_default();
        effort::add(calls.len());
        calls
    }

    /// Returns the answered calls, as the receipt's rows describe them.
    pub(in crate::certificate) fn answers(&self) -> Vec<AnsweredCall<'a>> {
        let record = |member: &MemberRow| {
            if member.dialect == Dialect::Own {
                return AnswerRecord::Unrecorded;
            }
            let last = self.calls_of(member.position).last();
            match last.and_then(|call| call.response.as_ref()) {
                None => AnswerRecord::Missing,
                Some(_) if member.differs => AnswerRecord::other_text(),
                Some(response) => response.record(),
            }
        };
        let answered = self.members.iter().filter(|member| member.answered);
        answered
            .map(|member| AnsweredCall {
                speaker: self.kind.speaker(member.position),
                provider: &member.provider,
                declared: &member.model,
                base_url_variable: member.base_url_variable.as_deref(),
                record: record(member),
            })
            .collect()
    }

    /// Returns the moment at which the request of a call was committed. After a refused stream, the
    /// request may be the committed one without its stream, which only the bundle shows.
    ///
    /// # Errors
    /// The member or step has no commitment or several, or committed another request.
    pub(in crate::certificate) fn committed(&self, call: &ExchangeRow) -> Result<u64, String> {
        let who = self.kind.speaker(call.member);
        match self.commitments_of(call.member) {
            [row] if row.request == call.request || self.may_be_whole(call) => Ok(row.sequence),
            [_] => Err(format!("call {} is not what {who} committed", call.sequence)),
            _ => Err(format!("{who} has not one commitment")),
        }
    }

    /// Returns whether the stream of an earlier attempt of the call's member or step may have been
    /// refused.
    fn may_be_whole(&self, call: &ExchangeRow) -> bool {
        let refused = self.of_members.get(&call.member).and_then(|it| it.refused);
        refused.is_some_and(|first| first < call.attempt)
    }

    /// Returns the lineages that the receipt's rows state for the models that answered.
    pub(in crate::certificate) fn kinship(&self) -> Kinship {
        Kinship::with_version(self.lineage.version.clone(), self.lineage.rows.iter().cloned())
    }
}

/// Creates the receipt's rows of the members or steps that were asked.
pub(super) fn members(asked: &[&CallEvidence]) -> Vec<MemberRow> {
    let row = |member: &&CallEvidence| MemberRow {
        position: member.position,
        provider: member.provider.clone(),
        model: member.model.clone(),
        dialect: member.dialect,
        base_url_variable: member.base_url_variable.clone(),
        answered: member.answered,
        differs: member.differs,
    };
    asked.iter().map(row).collect()
}

/// Creates the receipt's rows of the commitments, in the order in which they were made.
pub(super) fn commitments(
    asked: &[&CallEvidence],
    requests: &mut RequestDigests<'_>,
) -> Vec<CommitmentRow> {
    let mut committed = |member: &&CallEvidence| {
        let committed = member.committed.as_ref()?;
        Some(CommitmentRow {
            sequence: committed.sequence,
            member: member.position,
            request: requests.of(&committed.request),
        })
    };
    let mut rows: Vec<_> = asked.iter().filter_map(&mut committed).collect();
    rows.sort_by_key(|row| row.sequence);
    rows
}

/// Creates the receipt's rows of all attempts, in the order in which their requests were sent.
pub(super) fn calls(
    asked: &[&CallEvidence],
    requests: &mut RequestDigests<'_>,
    costs: &BTreeMap<u64, AttemptCost>,
) -> Vec<ExchangeRow> {
    let mut call =
        |member: &CallEvidence, (exchange, attempt): (&RecordedExchange, u32)| ExchangeRow {
            sequence: exchange.sent,
            member: member.position,
            attempt,
            request: requests.of(&exchange.request),
            requested_model: member.model.clone(),
            response: exchange
                .response
                .as_ref()
                .map(|came| ResponseRow::of(member, came, requests.salt)),
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
    /// Creates the receipt's row of a response, with the facts that are read from the response.
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
            other_models: facts.other_models,
            response_id: facts.response_id,
            answer: facts.text.map(|text| digests::answer(salt, &text)),
            cache_headers: facts.cache_headers,
            routing_headers: facts.routing_headers,
            unreadable,
        }
    }

    /// Returns the record of the answer that the row of a response contains.
    fn record(&self) -> AnswerRecord {
        match &self.unreadable {
            Some(why) => AnswerRecord::Unreadable(why.clone()),
            None => AnswerRecord::Read(ResponseFacts {
                model: self.returned_model.clone(),
                other_models: self.other_models.clone(),
                response_id: self.response_id.clone(),
                text: self.answer.clone(),
                cache_headers: self.cache_headers.clone(),
                routing_headers: self.routing_headers.clone(),
            }),
        }
    }
}

/// Creates the receipt's rows about the models that answered, one for each known model id. The
/// requested ids are included, because the answered ids are read in their light.
pub(super) fn lineage(answers: &[AnsweredCall<'_>], kinship: &Kinship) -> Vec<LineageRow> {
    let mut names = BTreeSet::new();
    for answer in answers {
        let answered = answer.names();
        let requested = Some(answer.declared).filter(|_| !answered.is_empty());
        names.extend(answered.into_iter().chain(requested).map(|id| (answer.provider, id)));
    }
    let row = |(provider, id): (&str, &str)| {
        Some(LineageRow::new(Some(provider), id, kinship.find(provider, id)?.clone()))
    };
    names.into_iter().filter_map(row).collect()
}
