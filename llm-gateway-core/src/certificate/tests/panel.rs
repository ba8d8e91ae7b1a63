//! A panel for tests, whose requests were written by the real adapters and answered by a script. If
//! an adapter writes something that the readers do not know, the tests fail.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;

use crate::certificate::{
    CallEvidence, CallerTexts, Certificate, ClaimResult, Commitment, Evidence, Kinship, Lineage,
    LineageRow, RecordedExchange, RecordedRequest, RecordedResponse, Rules,
};
use crate::clock::SystemClock;
use crate::credential::{CredentialSource, Lease, Secret};
use crate::error::Error;
use crate::model::{
    Capability, ContentPart, Delivery, Dialect, Endpoint, Message, ModelId, Prompt, ProviderName,
    Role,
};
use crate::policy::Level;
use crate::provider::{AnswerRoom, Call, Prepared, Provider, ProviderParts, for_endpoint};
use crate::transport::{HttpRequest, Recorder, Scripted, Scrubber};

pub(super) const SYSTEM: &str = "Answer in one word.";
pub(super) const QUESTION: &str = "Is a tomato a fruit? \u{1f345} \"quoted\"\n\tand indented";

/// A seat: one member of a panel in the tests, in short form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) dialect: Dialect,
    pub(super) provider: &'static str,
    pub(super) model: &'static str,
    /// Whether the request limits the output by the field that reasoning models need.
    pub(super) reasoning: bool,
    /// The delivery that the request asks for: a whole answer or a stream.
    pub(super) delivery: Delivery,
}

/// The seats of a panel of three members, one for each wire dialect.
pub(super) const SEATS: [Seat; 3] = [
    Seat {
        dialect: Dialect::OpenAi,
        provider: "openai",
        model: "gpt-4o",
        reasoning: true,
        delivery: Delivery::Whole,
    },
    Seat {
        dialect: Dialect::Anthropic,
        provider: "anthropic",
        model: "claude-haiku-4-5",
        reasoning: false,
        delivery: Delivery::Whole,
    },
    Seat {
        dialect: Dialect::Gemini,
        provider: "gemini",
        model: "tuned/gemini-2.5:pro",
        reasoning: false,
        delivery: Delivery::Whole,
    },
];

/// Returns the seats of a panel of three members of one wire dialect, from three vendors.
pub(super) fn seats_of(dialect: Dialect) -> [Seat; 3] {
    SEATS.map(|seat| Seat { dialect, ..seat })
}

struct OneKey;

#[async_trait]
impl CredentialSource for OneKey {
    async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
        Some(Lease::new(variable, Secret::new("sk-never-recorded".to_owned())))
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

fn base_url(seat: &Seat) -> String {
    format!("https://{}.test/base", seat.provider)
}

fn endpoint(seat: &Seat) -> Endpoint {
    Endpoint {
        provider: ProviderName::new(seat.provider).unwrap(),
        dialect: seat.dialect,
        base_url: base_url(seat),
        api_key_env: Some("A_KEY".to_owned()),
        headers: Vec::new(),
        timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        delivery: seat.delivery,
    }
}

fn taken(request: &HttpRequest) -> RecordedRequest {
    RecordedRequest::new(request.url.as_str(), &request.headers, request.body.clone())
}

fn provider(seat: &Seat, answer: &str) -> Arc<dyn Provider> {
    let script = Arc::new(Scripted::new().answer(answer));
    let parts = ProviderParts::new(
        script,
        Arc::new(OneKey),
        Scrubber::default(),
        Arc::new(SystemClock),
        AnswerRoom::of(1 << 27),
    );
    for_endpoint(endpoint(seat), parts).unwrap()
}

/// Prepares a prompt with the adapter of `seat`, for a model with these capabilities in addition to
/// those of the seat.
pub(super) fn prepared(
    seat: &Seat,
    prompt: Prompt,
    mut capabilities: Vec<Capability>,
) -> Result<Prepared, Error> {
    capabilities.extend(seat.reasoning.then_some(Capability::MaxCompletionTokens));
    let model = ModelId::new(seat.model).unwrap();
    provider(seat, "").prepare(Call { model, prompt, max_tokens: 64, capabilities })
}

/// Returns the request that the adapter of `seat` would send for a prompt.
pub(super) fn written(
    seat: &Seat,
    prompt: Prompt,
    capabilities: Vec<Capability>,
) -> RecordedRequest {
    taken(&prepared(seat, prompt, capabilities).unwrap().request.unwrap())
}

/// Returns the request that the adapter of `seat` writes for the question, and the script's
/// response.
fn exchange(seat: &Seat, caller: &CallerTexts) -> (RecordedRequest, RecordedResponse) {
    let parts = caller.user.iter().cloned().map(ContentPart::Text).collect();
    let question = Message { role: Role::User, parts };
    let prompt = Prompt::from_caller(caller.system.clone(), vec![question]).into();
    let prepared = prepared(seat, prompt, Vec::new()).unwrap();
    answered(seat, &prepared, &format!("Yes, says {}.", seat.model))
}

/// Sends a prepared request to a script that says `answer`, and returns what was recorded.
pub(super) fn answered(
    seat: &Seat,
    prepared: &Prepared,
    answer: &str,
) -> (RecordedRequest, RecordedResponse) {
    let recorder = Recorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(provider(seat, answer).send(prepared, &recorder)).unwrap();
    let recorded = recorder.exchanges().remove(0);
    let came = recorded.response.unwrap();
    assert!(!came.redacted, "the script repeats no key");
    let response = RecordedResponse::new(0, came.status.as_u16(), &came.headers, came.body);
    (taken(&recorded.request), response)
}

/// Returns the evidence of a call to `seat` of which no bytes are recorded yet.
pub(super) fn unsent(position: u32, seat: &Seat) -> CallEvidence {
    CallEvidence::new(position, seat.provider, seat.model, seat.dialect, base_url(seat))
}

/// Returns the evidence of a panel in which everything went well: all members commit, are sent
/// their requests, and answer.
pub(super) fn panel(seats: &[Seat]) -> Evidence {
    panel_asked(seats, CallerTexts::new(Some(SYSTEM.to_owned()), vec![QUESTION.to_owned()]))
}

/// Returns the evidence of a panel in which everything went well, with another question.
pub(super) fn panel_asked(seats: &[Seat], caller: CallerTexts) -> Evidence {
    let n = seats.len() as u64;
    let member = |(at, seat): (u64, &Seat)| {
        let (request, mut response) = exchange(seat, &caller);
        response.sequence = 2 * n + at;
        let position = u32::try_from(at).unwrap();
        let mut member = unsent(position, seat);
        member.committed = Some(Commitment::new(at, request.clone()));
        member.exchanges = vec![RecordedExchange::new(n + at, request, Some(response))];
        member.answered = true;
        member
    };
    let members = (1..).zip(seats).map(member).collect();
    Evidence { caller, members, ..Evidence::default() }
}

/// Returns the lineage data of the models in these tests.
pub(super) fn kinship() -> Kinship {
    let row = |id: &str, canonical: &str, developer: &str, lineage: &[&str]| {
        LineageRow::new(None, id, Lineage::new(canonical, Some(developer), lineage.iter().copied()))
    };
    Kinship::new([
        row("gpt-4o", "gpt-4o", "OpenAI", &["gpt"]),
        row("o3", "o3", "openai", &["o-series"]),
        row("gpt-4o-2024-08-06", "gpt-4o", "openai", &["gpt"]),
        row("claude-haiku-4-5", "claude-haiku-4-5", "anthropic", &["claude"]),
        row("tuned/gemini-2.5:pro", "gemini-2.5-pro", "google", &["gemini"]),
        row("llama3.3", "llama-3.3-70b", "meta", &["llama"]),
        row("meta-llama/Llama-3.3", "llama-3.3-70b", "meta", &["llama"]),
        row("qwen-2.5", "qwen-2.5", "alibaba", &["qwen"]),
        row("r1-distill-qwen", "r1-distill-qwen", "deepseek", &["deepseek-r1", "qwen"]),
    ])
}

pub(super) fn rules() -> Rules {
    Rules::new(Level::ModelDistinct, None)
}

/// Returns the claims of a panel that did not pass, with their names.
pub(super) fn not_passed(certificate: &Certificate) -> Vec<(&'static str, ClaimResult)> {
    let claims = certificate.claims.named().into_iter();
    claims
        .map(|(name, claim)| (name, claim.result))
        .filter(|(_, r)| *r != ClaimResult::Pass)
        .collect()
}

/// Changes the body of a request as JSON.
pub(super) fn rewrite(request: &mut RecordedRequest, change: impl FnOnce(&mut serde_json::Value)) {
    let mut body = serde_json::from_slice(request.body.as_bytes()).unwrap();
    change(&mut body);
    request.body = serde_json::to_vec(&body).unwrap().into();
}

/// Changes the request that a member committed and the requests that it sent, in the same way.
pub(super) fn ask(member: &mut CallEvidence, change: impl Fn(&mut RecordedRequest)) {
    change(&mut member.committed.as_mut().unwrap().request);
    member.exchanges.iter_mut().for_each(|exchange| change(&mut exchange.request));
}

/// Changes the body of a member's answer as JSON.
pub(super) fn answer(member: &mut CallEvidence, change: impl FnOnce(&mut serde_json::Value)) {
    let response = response(member);
    let mut body = serde_json::from_slice(response.body.as_bytes()).unwrap();
    change(&mut body);
    response.body = serde_json::to_vec(&body).unwrap().into();
}

pub(super) fn response(member: &mut CallEvidence) -> &mut RecordedResponse {
    member.exchanges.last_mut().unwrap().response.as_mut().unwrap()
}

/// Returns a recorded response that is one whole body, not a stream.
pub(super) fn whole(sequence: u64, content_type: &'static str, body: &str) -> RecordedResponse {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    RecordedResponse::new(sequence, 200, &headers, body.as_bytes().to_vec())
}
