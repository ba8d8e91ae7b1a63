//! The form in which a bundle stores a model call: each request once.
//!
//! A request that the call committed or sent before is replaced by the moment of its first copy.
//! Bundles of version 1 contain every request in full, and are read by the same rule.

use std::collections::HashMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::evidence::{CallEvidence, Commitment, RecordedExchange};
use super::recorded::{RecordedRequest, RecordedResponse};
use super::shared_request::SharedRequest;
use crate::model::Dialect;

impl Serialize for CallEvidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenCall::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CallEvidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredCall::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

/// A call as it is read from a bundle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCall {
    position: u32,
    provider: String,
    model: String,
    dialect: Dialect,
    base_url: String,
    /// The variable that the base URL comes from. Bundles of earlier versions name none.
    base_url_variable: Option<String>,
    think_tags: bool,
    committed: Option<Commitment>,
    exchanges: Vec<StoredExchange>,
    answered: bool,
    /// Bundles of earlier versions do not say it.
    #[serde(default)]
    differs: bool,
}

/// An attempt as it is read from a bundle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredExchange {
    sent: u64,
    request: StoredRequest,
    response: Option<RecordedResponse>,
}

/// A request as it is read from a bundle.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredRequest {
    /// The request is the one of this earlier moment.
    Of(u64),
    Whole(RecordedRequest),
}

/// The error of a call that refers to the request of a moment without one.
#[derive(Debug, thiserror::Error)]
#[error("the request of moment {sent} is that of moment {of}, which has none")]
struct NoSuchRequest {
    sent: u64,
    of: u64,
}

impl TryFrom<StoredCall> for CallEvidence {
    type Error = NoSuchRequest;

    fn try_from(stored: StoredCall) -> Result<Self, NoSuchRequest> {
        let StoredCall { position, provider, model, dialect, base_url, .. } = stored;
        let mut known: HashMap<u64, SharedRequest> = HashMap::new();
        if let Some(Commitment { sequence, request }) = &stored.committed {
            known.insert(*sequence, request.clone());
        }
        let exchanges =
            stored.exchanges.into_iter().map(|StoredExchange { sent, request, response }| {
                let request = match request {
                    StoredRequest::Of(of) => {
                        known.get(&of).ok_or(NoSuchRequest { sent, of })?.clone()
                    }
                    StoredRequest::Whole(request) => {
                        let request = SharedRequest::from(request);
                        known.entry(sent).or_insert_with(|| request.clone());
                        request
                    }
                };
                Ok(RecordedExchange { sent, request, response })
            });
        let exchanges = exchanges.collect::<Result<_, NoSuchRequest>>()?;
        Ok(Self {
            base_url_variable: stored.base_url_variable,
            think_tags: stored.think_tags,
            committed: stored.committed,
            exchanges,
            answered: stored.answered,
            differs: stored.differs,
            ..Self::new(position, provider, model, dialect, base_url)
        })
    }
}

/// A call as it is written into a bundle.
#[derive(Serialize)]
struct WrittenCall<'a> {
    position: u32,
    provider: &'a str,
    model: &'a str,
    dialect: Dialect,
    base_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url_variable: Option<&'a str>,
    think_tags: bool,
    committed: &'a Option<Commitment>,
    exchanges: Vec<WrittenExchange<'a>>,
    answered: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    differs: bool,
}

/// An attempt as it is written into a bundle.
#[derive(Serialize)]
struct WrittenExchange<'a> {
    sent: u64,
    request: WrittenRequest<'a>,
    response: &'a Option<RecordedResponse>,
}

/// A request as it is written into a bundle.
#[derive(Serialize)]
#[serde(untagged)]
enum WrittenRequest<'a> {
    Of(u64),
    Whole(&'a RecordedRequest),
}

impl<'a> WrittenCall<'a> {
    /// Converts a call for writing. Every field is named, so that a new one cannot be left out.
    fn of(call: &'a CallEvidence) -> Self {
        let CallEvidence {
            position,
            provider,
            model,
            dialect,
            base_url,
            base_url_variable,
            think_tags,
            committed,
            exchanges,
            answered,
            differs,
        } = call;
        let mut written = WrittenRequests::default();
        if let Some(Commitment { sequence, request }) = committed {
            written.write(*sequence, request);
        }
        let exchange = |exchange: &'a RecordedExchange| {
            let RecordedExchange { sent, request, response } = exchange;
            WrittenExchange { sent: *sent, request: written.write(*sent, request), response }
        };
        Self {
            position: *position,
            provider,
            model,
            dialect: *dialect,
            base_url,
            base_url_variable: base_url_variable.as_deref(),
            think_tags: *think_tags,
            committed,
            exchanges: exchanges.iter().map(exchange).collect(),
            answered: *answered,
            differs: *differs,
        }
    }
}

/// The requests of a call that were written in full, with their moments.
#[derive(Default)]
struct WrittenRequests {
    by_address: HashMap<usize, u64>,
    moments: HashMap<u64, usize>,
}

impl WrittenRequests {
    /// Writes the request of a moment. If two requests have one moment, the moment refers to the
    /// first, and the second is always written in full.
    fn write<'a>(&mut self, moment: u64, request: &'a SharedRequest) -> WrittenRequest<'a> {
        let address = request.address();
        if let Some(moment) = self.by_address.get(&address) {
            return WrittenRequest::Of(*moment);
        }
        if *self.moments.entry(moment).or_insert(address) == address {
            self.by_address.insert(address, moment);
        }
        WrittenRequest::Whole(request)
    }
}
