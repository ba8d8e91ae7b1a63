//! Sends the call of every file in `tests/fixtures` through the same adapter as a real call.
//!
//! `tests/fixtures/README.md` describes the files. A file that this module does not understand in
//! full fails, because a fixture that checks nothing is worse than none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{AnswerRoom, Call, Prepared, Provider, ProviderParts, for_endpoint};
use crate::clock::FixedClock;
use crate::credential::{CredentialSource, Lease, Secret};
use crate::error::Error;
use crate::model::{
    AnswerSchema, Capability, Completion, Delivery, Dialect, Endpoint, Message, ModelId, Prompt,
    ProviderName, Usage,
};
use crate::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Scrubber, Transport, TransportError,
};

/// The time at which every fixture is answered: Wednesday, 21 October 2026, 07:28:00 UTC.
const NOW: Duration = Duration::from_secs(1_792_567_680);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(rename = "about")]
    _about: String,
    call: Asked,
    request: Option<Sent>,
    response: Came,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    model: String,
    reasoning: bool,
    #[serde(default)]
    json_schema: bool,
    #[serde(default)]
    stream: bool,
    system: Option<String>,
    schema: Option<Value>,
    prompt: String,
    max_tokens: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Came {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    body_text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Failure(Failure),
    Success(Success),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    error: String,
    retry_after_ms: Option<u64>,
    hint_contains: Option<String>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Success {
    text: String,
    model: Option<String>,
    response_id: Option<String>,
    finish_reason: Value,
    usage: Option<Tokens>,
    #[serde(default)]
    reported_cost_usd: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    input_uncached: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

/// The way in which a body is cut into the chunks that the network delivers.
#[derive(Clone, Copy)]
enum Cut {
    /// The body is one chunk.
    Nowhere,
    /// The body is two chunks, cut behind this many bytes.
    Behind(usize),
    /// Each byte is a chunk.
    Everywhere,
}

impl Cut {
    fn chunks(self, body: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Nowhere => vec![body],
            Self::Behind(bytes) => vec![&body[..bytes], &body[bytes..]],
            Self::Everywhere => body.chunks(1).collect(),
        }
    }
}

/// A transport that answers every request with one fixture's response.
struct Canned(Came, Cut);

#[async_trait]
impl Transport for Canned {
    async fn send(
        &self,
        _request: &HttpRequest,
        _credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let Came { status, headers, body, body_text } = &self.0;
        let body = match (body, body_text) {
            (Some(json), None) => json.to_string(),
            (None, Some(text)) => text.clone(),
            _ => panic!("a response has either `body` or `body_text`"),
        };
        Ok(HttpResponse {
            status: StatusCode::from_u16(*status).unwrap(),
            headers: header_map(headers),
            body: Body::from_stream(stream::iter(
                self.1
                    .chunks(body.as_bytes())
                    .into_iter()
                    .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                    .collect::<Vec<_>>(),
            )),
        })
    }
}

struct OneKey;

#[async_trait]
impl CredentialSource for OneKey {
    async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
        Some(Lease::new(variable, Secret::new("sk-fixture-key".to_owned())))
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

#[tokio::test]
async fn every_fixture_holds() {
    let mut broken = Vec::new();
    for dialect in Dialect::SPOKEN {
        let files = fixtures_of(dialect);
        assert!(!files.is_empty(), "{} has no fixture", dialect.as_str());
        for file in files {
            println!("{}", file.display());
            let fixture = fixture(&file);
            let encodes = file.file_name().unwrap().to_string_lossy().starts_with("encode-");
            assert_eq!(encodes, fixture.request.is_some(), "`request` belongs to encode-* files");
            let streams = fixture.call.stream;
            let whole = std::panic::AssertUnwindSafe(check(dialect, fixture, Cut::Nowhere));
            if futures_util::FutureExt::catch_unwind(whole).await.is_err() {
                broken.push(file);
            } else if streams {
                check(dialect, self::fixture(&file), Cut::Everywhere).await;
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Checks that a stream means the same wherever the network cuts it. Its fixture has characters of
/// several bytes, line ends of two, comments, and events to skip.
#[tokio::test]
async fn a_stream_means_the_same_wherever_the_network_cuts_it() {
    for dialect in Dialect::SPOKEN {
        let file = root().join(dialect.as_str()).join("stream-crlf-comments.json");
        let length = fixture(&file).response.body_text.unwrap().len();
        for bytes in 0..length {
            check(dialect, fixture(&file), Cut::Behind(bytes)).await;
        }
    }
}

/// Checks that every dialect has fixtures, and that a test reads every folder of fixtures.
#[test]
fn every_folder_is_a_dialect() {
    let folders: BTreeSet<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, Dialect::SPOKEN.map(|dialect| dialect.as_str().to_owned()).into());
}

/// Returns the result of a dialect's adapter for a response that is written as in a fixture and cut
/// behind `cut` bytes.
pub(crate) async fn completed(
    dialect: Dialect,
    delivery: Delivery,
    response: Value,
    cut: usize,
) -> Result<Completion, Error> {
    let response = serde_json::from_value(response).unwrap();
    let provider = provider(dialect, delivery, Canned(response, Cut::Behind(cut)));
    let model = ModelId::new("gpt-4o").unwrap();
    let prompt = Prompt::from_caller(None, vec![Message::user("hi")]).into();
    let call = Call { model, prompt, max_tokens: 64, capabilities: Vec::new() };
    provider.send(&provider.prepare(call).unwrap(), &Recorder::new()).await
}

fn provider(dialect: Dialect, delivery: Delivery, canned: Canned) -> Arc<dyn Provider> {
    let parts = ProviderParts::new(
        Arc::new(canned),
        Arc::new(OneKey),
        Scrubber::default(),
        Arc::new(FixedClock::new(NOW)),
        AnswerRoom::of(1 << 27),
    );
    for_endpoint(endpoint(dialect, delivery), parts).unwrap()
}

async fn check(dialect: Dialect, fixture: Fixture, cut: Cut) {
    let Fixture { call, request, response, expect, .. } = fixture;
    let status = response.status;
    let delivery = if call.stream { Delivery::Stream } else { Delivery::Whole };
    let provider = provider(dialect, delivery, Canned(response, cut));
    let prepared = provider.prepare(call.into()).unwrap();
    if let Some(sent) = request {
        check_request(&prepared, &sent);
    }
    let outcome = provider.send(&prepared, &Recorder::new()).await;
    match (expect, outcome) {
        (Expect::Success(expected), Ok(answer)) => check_success(&expected, &answer),
        (Expect::Failure(expected), Err(error)) => {
            check_failure(&expected, &error, status);
            if delivery == Delivery::Stream {
                let usage = expected.usage.as_ref().map(Usage::from);
                assert_eq!(error.usage(), usage.as_ref(), "{error:?}");
            }
        }
        (Expect::Success(_), Err(error)) => panic!("failed: {error:?}"),
        (Expect::Failure(expected), Ok(answer)) => panic!("no {}: {answer:?}", expected.error),
    }
}

fn check_request(prepared: &Prepared, expected: &Sent) {
    let sent = prepared.request.as_ref().unwrap();
    assert_eq!(sent.url, format!("https://api.test{}", expected.path));
    assert_eq!(sent.headers, header_map(&expected.headers));
    // As text, so that the order of the fields counts too.
    assert_eq!(sent.body, expected.body.to_string());
}

fn check_success(expected: &Success, answer: &Completion) {
    assert_eq!(answer.joined_text(), expected.text);
    assert_eq!(answer.model, expected.model);
    assert_eq!(answer.response_id, expected.response_id);
    assert_eq!(serde_json::to_value(answer.finish_reason).unwrap(), expected.finish_reason);
    assert_eq!(answer.usage, expected.usage.as_ref().map(Usage::from));
    assert_eq!(serde_json::to_value(answer.reported_cost).unwrap(), expected.reported_cost_usd);
}

fn check_failure(expected: &Failure, error: &Error, status: u16) {
    assert_eq!(error.category().as_str(), expected.error, "{error:?}");
    assert_eq!(error.retry_after(), expected.retry_after_ms.map(Duration::from_millis));
    assert_eq!(error.http_status(), Some(status));
    assert!(error.target().is_some(), "{error:?} names no target");
    if let Some(part) = &expected.hint_contains {
        assert!(error.hint().unwrap_or_default().contains(part), "{error:?}");
    }
}

impl From<&Tokens> for Usage {
    fn from(tokens: &Tokens) -> Self {
        Self {
            input_uncached: tokens.input_uncached,
            cache_read: tokens.cache_read,
            cache_write: tokens.cache_write,
            output: tokens.output,
            reasoning: tokens.reasoning,
        }
    }
}

impl From<Asked> for Call {
    fn from(asked: Asked) -> Self {
        let free = Prompt::from_caller(asked.system, vec![Message::user(asked.prompt)]).into();
        let prompt = match asked.schema {
            None => free,
            // A schema is a part of the program.
            Some(schema) => Prompt::answered_as(
                free,
                AnswerSchema::new("verdict", Box::leak(schema.to_string().into_boxed_str())),
            ),
        };
        let renamed = asked.reasoning.then_some(Capability::MaxCompletionTokens);
        let held = asked.json_schema.then_some(Capability::JsonSchema);
        Self {
            model: ModelId::new(&asked.model).unwrap(),
            prompt,
            max_tokens: asked.max_tokens,
            capabilities: renamed.into_iter().chain(held).collect(),
        }
    }
}

fn endpoint(dialect: Dialect, delivery: Delivery) -> Endpoint {
    let base_url = match dialect {
        // The version is a part of the base URL there: compatible servers have their own.
        Dialect::OpenAi => "https://api.test/v1",
        Dialect::Anthropic | Dialect::Gemini | Dialect::Own => "https://api.test",
    };
    Endpoint {
        provider: ProviderName::new(dialect.as_str()).unwrap(),
        dialect,
        base_url: base_url.to_owned(),
        api_key_env: Some("FIXTURE_API_KEY".to_owned()),
        headers: Vec::new(),
        delivery,
        timeout: Duration::from_secs(300),
        idle_timeout: Duration::from_secs(120),
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
    };
    headers.iter().map(header).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn fixture(file: &Path) -> Fixture {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn fixtures_of(dialect: Dialect) -> Vec<PathBuf> {
    let folder = root().join(dialect.as_str());
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
