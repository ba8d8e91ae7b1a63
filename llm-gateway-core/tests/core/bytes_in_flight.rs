//! The bytes of answers that are being read are bounded over all requests. An answer that does not
//! fit waits within its deadline, and half-read answers never wait for each other. Time is paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, StatusCode};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Answer, Failure, Gateway};
use tokio::time::{Instant, sleep};

use crate::support::{ask, obeying, outcomes};

const MIB: usize = 1024 * 1024;

/// The size of a chunk, in bytes.
const CHUNK: usize = 32 * 1024;

/// A provider of answers of one size, a chunk every 10 ms, which counts their bytes that are read
/// and not yet decoded.
#[derive(Clone)]
struct Large {
    bytes: usize,
    is_stream: bool,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// The bytes of one answer that are counted until it is dropped.
struct Counted(Large, usize);

impl Counted {
    fn add(&mut self, bytes: usize) {
        self.1 += bytes;
        let now = self.0.now.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.0.most.fetch_max(now, Ordering::SeqCst);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(self.1, Ordering::SeqCst);
    }
}

impl Large {
    fn new(bytes: usize, is_stream: bool) -> Self {
        Self { bytes, is_stream, now: Arc::default(), most: Arc::default() }
    }

    fn text(&self) -> String {
        let text = "x".repeat(self.bytes);
        match self.is_stream {
            false => format!(
                r#"{{"choices":[{{"index":0,"message":{{"content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1}}}}"#
            ),
            true => {
                let events = text.as_bytes().chunks(1_000).map(|piece| {
                    let piece = str::from_utf8(piece).unwrap();
                    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n")
                });
                let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
                events.collect::<String>() + end
            }
        }
    }
}

#[async_trait]
impl Transport for Large {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let chunks: Vec<_> = self.text().into_bytes().chunks(CHUNK).map(<[u8]>::to_vec).collect();
        let counted = Counted(self.clone(), 0);
        let state = (chunks.into_iter(), counted);
        let body = Body::unfold(state, |(mut chunks, mut counted)| async move {
            sleep(Duration::from_millis(10)).await;
            match chunks.next() {
                Some(chunk) => {
                    counted.add(chunk.len());
                    Some((Ok(chunk.into()), (chunks, counted)))
                }
                None => None,
            }
        });
        let kind = if self.is_stream { "text/event-stream" } else { "application/json" };
        let headers = HeaderMap::from_iter([(
            "content-type".parse().unwrap(),
            HeaderValue::from_static(kind),
        )]);
        Ok(HttpResponse::new(StatusCode::OK, headers, body))
    }
}

fn gateway(large: &Large, output: &str, more: &str, deadline_s: u64) -> Gateway {
    let policy = format!(
        "
providers: {{local: {{kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, models: {{m: {{in: 1, out: 10}}}}{more}}}}}
defaults: {{ask: {{provider: local, model: m, max_tokens: 100}}}}
reliability: {{deadline_s: {deadline_s}, retry: {{max_retries: 0}}}}
output: {{{output}}}
"
    );
    obeying(policy).transport(Arc::new(large.clone())).build().unwrap()
}

async fn crowd(gateway: &Gateway, of: usize) -> Vec<Result<Answer, Failure>> {
    join_all((0..of).map(|_| ask(gateway, "ask"))).await
}

#[tokio::test(start_paused = true)]
async fn many_large_answers_stay_within_the_bound_and_all_arrive() {
    for is_stream in [false, true] {
        let large = Large::new(MIB, is_stream);
        let gateway = gateway(&large, "max_bytes_in_flight_mb: 4", "", 600);
        for outcome in crowd(&gateway, 24).await {
            assert_eq!(outcome.unwrap().text().len(), MIB);
        }
        let most = large.most.load(Ordering::SeqCst);
        assert!(most <= 4 * MIB + 24 * CHUNK, "{most} bytes at once");
        assert!(most > 3 * MIB, "the room is used: {most}");
        // The end of a stream is read on for a moment.
        sleep(Duration::from_secs(1)).await;
        assert_eq!(large.now.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_the_bound_is_read_one_at_a_time() {
    let large = Large::new(3 * MIB, false);
    let gateway = gateway(&large, "max_bytes_in_flight_mb: 1", "", 600);
    for outcome in crowd(&gateway, 5).await {
        assert_eq!(outcome.unwrap().text().len(), 3 * MIB);
    }
    let most = large.most.load(Ordering::SeqCst);
    assert!(most <= 4 * MIB, "one, and half of the bound beside it: {most}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_room_is_nobodys_silence() {
    // Each answer takes 0.3 s alone, and the last ones wait for longer than the provider may be
    // silent or take.
    for is_stream in [false, true] {
        let large = Large::new(MIB, is_stream);
        let gateway =
            gateway(&large, "max_bytes_in_flight_mb: 1", ", idle_timeout_s: 1, timeout_s: 2", 600);
        let began = Instant::now();
        for outcome in crowd(&gateway, 20).await {
            assert_eq!(outcomes(&outcome.unwrap().attempts), ["ok"]);
        }
        assert!(began.elapsed() > Duration::from_secs(4), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn small_answers_wait_for_nobody() {
    let small = Large::new(2_000, true);
    let gateway = gateway(&small, "", "", 600);
    let began = Instant::now();
    for outcome in crowd(&gateway, 1_000).await {
        assert_eq!(outcome.unwrap().text().len(), 2_000);
    }
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_before_the_deadline_ends_there_and_counts_for_no_breaker() {
    let large = Large::new(16 * MIB - 1_000, false);
    let gateway = gateway(&large, "max_bytes_in_flight_mb: 1", ", idle_timeout_s: 1", 4);
    let outcomes_of = crowd(&gateway, 3).await;
    assert!(outcomes_of.iter().all(Result::is_err), "each takes five seconds");
    let breaker = gateway.describe().unwrap().circuit_breakers["local/m"];
    // One of the three had the lane and was read for as long as the deadline allows.
    assert_eq!(breaker.consecutive_failures, 1);
    assert_eq!(large.now.load(Ordering::SeqCst), 0, "everything is given back");
}
