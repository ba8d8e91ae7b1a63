//! Tests of timeouts, bounds and keys, as conversations with a scripted transport and paused time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep};

use bytes::Bytes;

use super::reading::{LARGEST_BODY, LARGEST_ERROR, LONGEST_ERROR};
use super::*;
use crate::clock::FixedClock;
use crate::credential::{Lease, Secret};
use crate::model::{Capability, Delivery, Message, ModelId, Prompt, ProviderName};
use crate::transport::{Body, HttpResponse, Phase, Response, TransportError};

const KEY: &str = "sk-canary-0123456789abcdef";
const IDLE: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(30);
const ANSWER: &str = r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;

type Chunk = Result<Bytes, TransportError>;

/// A script of what the provider sends: a head after a wait, then chunks, each after a wait.
struct Script {
    head_after: Duration,
    status: u16,
    headers: HeaderMap,
    chunks: Mutex<Option<Vec<(Duration, Chunk)>>>,
    pulled: Arc<AtomicUsize>,
}

impl Script {
    fn answering(status: u16, chunks: Vec<(Duration, Chunk)>) -> Self {
        Self {
            head_after: Duration::ZERO,
            status,
            headers: HeaderMap::new(),
            chunks: Mutex::new(Some(chunks)),
            pulled: Arc::default(),
        }
    }

    fn body(&self) -> impl Stream<Item = Chunk> + Send + use<> {
        let pulled = Arc::clone(&self.pulled);
        let chunks = self.chunks.lock().unwrap().take().unwrap();
        stream::iter(chunks).then(move |(wait, chunk)| {
            pulled.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(wait).await;
                chunk
            }
        })
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(
        &self,
        _request: &HttpRequest,
        _credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        sleep(self.head_after).await;
        Ok(HttpResponse {
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: self.headers.clone(),
            body: Body::from_stream(self.body()),
        })
    }
}

struct Keys(Option<&'static str>);

#[async_trait]
impl CredentialSource for Keys {
    async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
        self.0.map(|key| Lease::new(variable, Secret::new(key.to_owned())))
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        self.0.is_some()
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// The result of one attempt, its record and its duration.
struct Outcome {
    result: Result<Completion, Error>,
    recorder: Recorder,
    took: Duration,
}

impl Outcome {
    fn error(&self) -> &Error {
        self.result.as_ref().unwrap_err()
    }

    fn recorded(&self) -> Response {
        let exchanges = self.recorder.exchanges();
        assert_eq!(exchanges.len(), 1);
        exchanges[0].response.clone().unwrap()
    }
}

/// Returns a provider that is asked for whole answers.
fn provider(script: Script, key: Option<&'static str>) -> Arc<dyn Provider> {
    provider_of(Delivery::Whole, script, key)
}

fn provider_of(delivery: Delivery, script: Script, key: Option<&'static str>) -> Arc<dyn Provider> {
    for_endpoint(endpoint(delivery), parts(script, key)).unwrap()
}

fn endpoint(delivery: Delivery) -> Endpoint {
    Endpoint {
        provider: ProviderName::new("openai").unwrap(),
        dialect: Dialect::OpenAi,
        base_url: "https://api.test/v1".to_owned(),
        api_key_env: Some("OPENAI_API_KEY".to_owned()),
        headers: Vec::new(),
        delivery,
        timeout: ATTEMPT,
        idle_timeout: IDLE,
    }
}

fn parts(transport: impl Transport + 'static, key: Option<&'static str>) -> ProviderParts {
    ProviderParts::new(
        Arc::new(transport),
        Arc::new(Keys(key)),
        Scrubber::default(),
        Arc::new(FixedClock::new(Duration::ZERO)),
        AnswerRoom::of(1 << 27),
    )
}

fn call() -> Call {
    Call {
        model: ModelId::new("gpt-4o-mini").unwrap(),
        prompt: Prompt::from_caller(None, vec![Message::user("hello")]).into(),
        max_tokens: 64,
        capabilities: Vec::new(),
    }
}

async fn attempt_with(script: Script, key: Option<&'static str>) -> Outcome {
    let provider = provider(script, key);
    let recorder = Recorder::new();
    let prepared = provider.prepare(call()).unwrap();
    let started = Instant::now();
    let result = provider.send(&prepared, &recorder).await;
    Outcome { result, recorder, took: started.elapsed() }
}

async fn attempt(script: Script) -> Outcome {
    attempt_with(script, Some(KEY)).await
}

fn after(seconds: u64, text: &str) -> (Duration, Chunk) {
    (Duration::from_secs(seconds), Ok(Bytes::copy_from_slice(text.as_bytes())))
}

#[tokio::test(start_paused = true)]
async fn a_hang_before_the_head_ends_by_the_idle_clock() {
    let script = Script { head_after: ATTEMPT * 2, ..Script::answering(200, vec![]) };
    let outcome = attempt(script).await;
    assert_eq!(outcome.error().category(), Category::Timeout);
    assert_eq!(outcome.error().message(), "openai sent nothing within 5s (idle_timeout_s)");
    assert_eq!(outcome.took, IDLE);
    assert!(outcome.recorder.exchanges()[0].response.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_drip_ends_by_the_attempt_clock() {
    let outcome = attempt(Script::answering(200, (0..100).map(|_| after(4, " ")).collect())).await;
    assert_eq!(outcome.error().category(), Category::Timeout);
    assert_eq!(outcome.error().message(), "openai did not finish within 30s (timeout_s)");
    assert_eq!(outcome.took, ATTEMPT);
    assert_eq!(outcome.error().http_status(), Some(200));
    assert_eq!(outcome.recorded().body, " ".repeat(7), "what came is kept");
}

/// Checks that a body that stalls does not cost the error its status and its `Retry-After`.
#[tokio::test(start_paused = true)]
async fn an_error_stands_whatever_becomes_of_its_body() {
    let error = r#"{"error":{"message":"slow down"}}"#;
    let filler = " ".repeat(LARGEST_ERROR / 2);
    for (what, chunks, head_after, took) in [
        ("it stalls", vec![after(0, error), after(60, "")], 0, LONGEST_ERROR),
        ("nothing comes", vec![after(60, error)], 0, LONGEST_ERROR),
        (
            "it drips",
            (0..100).map(|_| after(0, error)).chain([after(60, "")]).collect(),
            0,
            LONGEST_ERROR,
        ),
        ("it is endless", (0..100).map(|_| after(0, &filler)).collect(), 0, Duration::ZERO),
        ("the attempt ends", vec![after(60, "")], 2, LONGEST_ERROR / 2),
    ] {
        let mut script = Script::answering(429, chunks);
        script.headers.insert("retry-after", HeaderValue::from_static("7"));
        script.head_after = Duration::from_secs(head_after);
        let pulled = Arc::clone(&script.pulled);
        let mut endpoint = endpoint(Delivery::Stream);
        endpoint.timeout = Duration::from_millis(2_500);
        let provider = for_endpoint(endpoint, parts(script, Some(KEY))).unwrap();
        let (recorder, started) = (Recorder::new(), Instant::now());
        let error = provider.send(&provider.prepare(call()).unwrap(), &recorder).await.unwrap_err();
        assert_eq!(error.category(), Category::RateLimit, "{what}: {error}");
        assert_eq!(error.http_status(), Some(429), "{what}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{what}");
        assert_eq!(started.elapsed(), Duration::from_secs(head_after) + took, "{what}");
        assert!(what != "it is endless" || pulled.load(Ordering::Relaxed) == 2, "{what}");
        assert!(recorder.exchanges()[0].response.is_some(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stall_in_the_body_ends_by_the_idle_clock() {
    let (head, tail) = ANSWER.split_at(20);
    let outcome = attempt(Script::answering(200, vec![after(1, head), after(60, tail)])).await;
    assert_eq!(
        outcome.error().message(),
        "openai fell silent in the middle of its answer within 5s (idle_timeout_s)"
    );
    assert_eq!(outcome.error().http_status(), Some(200));
    assert_eq!(outcome.took, Duration::from_secs(6));
    assert_eq!(outcome.recorded().body, head);
}

#[tokio::test(start_paused = true)]
async fn slow_but_steady_is_an_answer() {
    let (head, tail) = ANSWER.split_at(20);
    let outcome = attempt(Script::answering(200, vec![after(4, head), after(4, tail)])).await;
    assert_eq!(outcome.result.unwrap().joined_text(), "hi");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_what_came_in_the_recorder() {
    let script =
        Script::answering(200, vec![after(1, &format!("{{\"echo\":\"{KEY}\"")), after(4, "")]);
    let provider = provider(script, Some(KEY));
    let recorder = Recorder::new();
    let prepared = provider.prepare(call()).unwrap();
    timeout(Duration::from_secs(2), provider.send(&prepared, &recorder)).await.unwrap_err();
    let exchanges = recorder.exchanges();
    assert_eq!(exchanges[0].response.as_ref().unwrap().body, r#"{"echo":"[redacted]""#);
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_bound_is_not_read_on() {
    let half = " ".repeat(LARGEST_BODY / 2);
    let chunks = vec![after(0, &half), after(0, &half), after(0, " "), after(0, ANSWER)];
    let script = Script::answering(200, chunks);
    let pulled = Arc::clone(&script.pulled);
    let outcome = attempt(script).await;
    assert_eq!(outcome.error().category(), Category::BadResponse);
    assert_eq!(outcome.error().http_status(), Some(200));
    assert_eq!(pulled.load(Ordering::Relaxed), 3, "the fourth chunk was pulled");
    assert_eq!(outcome.recorded().body.len(), LARGEST_BODY);
}

#[tokio::test(start_paused = true)]
async fn a_body_at_the_bound_is_read() {
    let padding = " ".repeat(LARGEST_BODY - ANSWER.len());
    let outcome = attempt(Script::answering(200, vec![after(0, ANSWER), after(0, &padding)])).await;
    assert_eq!(outcome.result.unwrap().joined_text(), "hi");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_echoed_shows_nowhere() {
    // Plain, in a header, behind a JSON escape, and split over two chunks.
    let escaped = KEY.replacen('s', "\\u0073", 1);
    let body = format!(
        r#"{{"error":{{"message":"Incorrect\nAPI key\u001b[31m provided: {KEY} {escaped}."}}}}"#
    );
    let (first, second) = body.split_at(body.find("0123").unwrap());
    let mut script = Script::answering(401, vec![after(0, first), after(0, second)]);
    script.headers.insert("x-debug", HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap());
    let outcome = attempt(script).await;
    assert_eq!(outcome.error().category(), Category::Auth);
    assert_eq!(
        outcome.error().message(),
        "openai answered 401: Incorrect API key[31m provided: [redacted] [redacted]."
    );
    assert_eq!(outcome.error().hint(), Some("check the key in OPENAI_API_KEY and what it may use"));
    let recorded = outcome.recorded();
    assert!(recorded.redacted);
    assert!(!format!("{recorded:?} {:?}", outcome.error()).contains(KEY));
    assert_eq!(recorded.headers["x-debug"], "Bearer [redacted]");
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_sends_nothing() {
    let outcome = attempt_with(Script::answering(200, vec![]), None).await;
    assert_eq!(outcome.error().category(), Category::MissingKey);
    assert_eq!(outcome.error().message(), "openai needs a key, and OPENAI_API_KEY is not set");
    assert_eq!(
        outcome.error().hint(),
        Some("set OPENAI_API_KEY in the environment or in .env beside the policy file")
    );
    assert!(outcome.recorder.exchanges().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_truncated() {
    let reset = || (Duration::ZERO, Err(TransportError::new(Phase::Body, "connection reset")));
    let outcome = attempt(Script::answering(200, vec![after(0, ANSWER), reset()])).await;
    assert_eq!(outcome.error().category(), Category::Truncated);
    assert_eq!(outcome.recorded().body, ANSWER);
    // An error status stands, whatever became of its body.
    let outcome = attempt(Script::answering(429, vec![after(0, "{"), reset()])).await;
    assert_eq!(outcome.error().category(), Category::RateLimit);
}

#[tokio::test(start_paused = true)]
async fn a_long_sentence_is_cut() {
    let outcome = attempt(Script::answering(502, vec![after(0, &"ä".repeat(1000))])).await;
    assert_eq!(outcome.error().message(), format!("openai answered 502: {}…", "ä".repeat(300)));
    let outcome = attempt(Script::answering(502, vec![after(0, "<html>bad</html>")])).await;
    assert_eq!(outcome.error().message(), "openai answered 502: bad gateway");
}

#[tokio::test]
async fn a_key_behind_json_escapes_in_an_answer_is_replaced() {
    let hidden = KEY.replace("sk-", "\\u0073k-");
    let body = ANSWER.replace("hi", &format!("your key is {hidden}"));
    let outcome = attempt(Script::answering(200, vec![after(0, &body)])).await;
    assert_eq!(outcome.result.unwrap().joined_text(), "your key is [redacted]");
}

mod advice;
mod live;
mod so_far;
mod streams;
