//! Tests of timeouts, bounds and keys while an answer arrives piece by piece.

use super::super::events::LARGEST_EVENT;
use super::*;
use crate::model::Usage;
use crate::transport::CallProgress;
#[cfg(feature = "reqwest")]
use {
    crate::transport::ReqwestTransport,
    bytes::BytesMut,
    tokio::io::{AsyncReadExt, AsyncWriteExt},
    tokio::net::TcpListener,
};

/// Returns the event of a chunk of text.
fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Returns the events that end an answer.
fn the_end() -> String {
    [END, DONE].concat()
}

fn streaming(chunks: Vec<(Duration, Chunk)>) -> Script {
    typed("text/event-stream", chunks)
}

fn typed(content_type: &'static str, chunks: Vec<(Duration, Chunk)>) -> Script {
    let mut script = Script::answering(200, chunks);
    script.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    script
}

/// Makes one attempt that asks for a stream, and returns the lengths of text that the listener
/// heard.
async fn listened(script: Script) -> (Outcome, Vec<u64>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let progress =
        CallProgress::new().with_listener(move |chars| heard.lock().unwrap().push(chars));
    let recorder = Recorder::new();
    let provider = provider_of(Delivery::Stream, script, Some(KEY));
    let prepared = provider.prepare(call()).unwrap();
    let started = Instant::now();
    let context = SendContext::new(&recorder).with_progress(Arc::new(progress));
    let result = provider.send_with(&prepared, &context).await;
    let told = told.lock().unwrap().clone();
    (Outcome { result, recorder, took: started.elapsed() }, told)
}

async fn stream_of(chunks: Vec<(Duration, Chunk)>) -> Outcome {
    listened(streaming(chunks)).await.0
}

fn reset() -> (Duration, Chunk) {
    (Duration::ZERO, Err(TransportError::new(Phase::Body, "connection reset")))
}

/// Lets all other tasks and sockets make progress.
async fn others_run() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn text_is_told_as_it_grows_and_only_then() {
    let reasoning = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
    let two = [delta("Grüße"), delta("!")].concat();
    let (outcome, told) = listened(streaming(vec![
        after(1, reasoning),
        after(1, &two),
        after(1, ": waiting\n\n"),
        after(1, &delta("")),
        after(1, &the_end()),
    ]))
    .await;
    assert_eq!(outcome.result.unwrap().joined_text(), "Grüße!");
    assert_eq!(told, [5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_stall_in_a_stream_ends_by_the_idle_clock() {
    let outcome = stream_of(vec![after(1, &delta("Hello")), after(60, &the_end())]).await;
    assert_eq!(outcome.error().category(), Category::Timeout);
    assert_eq!(
        outcome.error().message(),
        "openai fell silent in the middle of its answer within 5s (idle_timeout_s)"
    );
    assert_eq!(outcome.error().http_status(), Some(200));
    assert_eq!(outcome.took, Duration::from_secs(6));
    assert_eq!(outcome.recorded().body, delta("Hello"));
    assert_eq!(outcome.error().usage(), None);
}

#[tokio::test(start_paused = true)]
async fn a_stall_after_the_bill_costs_what_it_says() {
    let outcome = stream_of(vec![after(1, &delta("Hello")), after(1, END), after(60, DONE)]).await;
    assert_eq!(outcome.error().category(), Category::Timeout);
    assert_eq!(outcome.error().usage(), Some(&Usage::new(7, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_ends_by_the_attempt_clock() {
    let drip = (0..100).map(|_| after(4, &delta("x"))).collect();
    let (outcome, told) = listened(streaming(drip)).await;
    assert_eq!(outcome.error().message(), "openai did not finish within 30s (timeout_s)");
    assert_eq!(outcome.took, ATTEMPT);
    assert_eq!(told, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(outcome.recorded().body, delta("x").repeat(7), "what came is kept");
}

/// Checks that pings do not replace the beginning of an answer. The gateway once waited for the
/// whole attempt.
#[tokio::test(start_paused = true)]
async fn an_answer_has_to_begin_whatever_signs_of_life_there_are() {
    for ping in [
        ": still thinking\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: ping\ndata: ?\n\n",
        "data: {\"type\":\"ping\"}\n\n",
    ] {
        let outcome = stream_of((0..100).map(|_| after(1, ping)).collect()).await;
        assert_eq!(outcome.error().category(), Category::Timeout, "{ping}");
        assert_eq!(
            outcome.error().message(),
            "openai did not begin its answer within 5s (idle_timeout_s)"
        );
        assert_eq!((outcome.took, outcome.error().http_status()), (IDLE, Some(200)), "{ping}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_answer_comments_are_signs_of_life() {
    for begin in
        ["data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n", &delta("")]
    {
        let mut chunks = vec![after(2, ": soon\n\n"), after(2, begin)];
        chunks.extend((0..5).map(|_| after(4, ": still thinking\n\n")));
        chunks.push(after(4, &[delta("Hello"), the_end()].concat()));
        assert_eq!(stream_of(chunks).await.result.unwrap().joined_text(), "Hello");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_leaves_what_came_in_the_recorder() {
    let echo = delta(&format!("your key is {KEY}"));
    let script = streaming(vec![after(1, &echo), after(1, "data: {\"ch"), after(4, "")]);
    let provider = provider_of(Delivery::Stream, script, Some(KEY));
    let recorder = Recorder::new();
    let prepared = provider.prepare(call()).unwrap();
    timeout(Duration::from_secs(3), provider.send(&prepared, &recorder)).await.unwrap_err();
    let response = recorder.exchanges()[0].response.clone().unwrap();
    let expected = [&delta("your key is [redacted]"), "data: {\"ch"].concat();
    assert_eq!((response.body, response.redacted), (expected.into(), true));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_truncated() {
    let outcome = stream_of(vec![after(0, &delta("Hello")), reset()]).await;
    assert_eq!(outcome.error().category(), Category::Truncated);
    assert_eq!(
        outcome.error().message(),
        "openai broke off in the middle of its answer: connection reset"
    );
    assert_eq!(outcome.error().usage(), None);
    let outcome = stream_of(vec![after(0, &delta("Hello")), after(0, END)]).await;
    assert_eq!(outcome.error().message(), "openai ended its stream before the end of its answer");
    assert_eq!(outcome.error().usage(), Some(&Usage::new(7, 2)));
    assert_eq!(outcome.error().http_status(), Some(200));
}

/// Returns an event of Gemini's API.
fn candidate(text: &str, rest: &str) -> String {
    let content = format!(r#"{{"parts":[{{"text":"{text}"}}]}}"#);
    format!("data: {{\"candidates\":[{{\"content\":{content}{rest}}}]}}\n\n")
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_every_event_is_no_end_when_the_attempt_is_over() {
    let mut endpoint = endpoint(Delivery::Stream);
    endpoint.dialect = Dialect::Gemini;
    let part = candidate("x", r#","finishReason":"STOP""#);
    let script = streaming((0..100).map(|_| after(4, &part)).collect());
    let provider = for_endpoint(endpoint, parts(script, Some(KEY))).unwrap();
    let prepared = provider.prepare(call()).unwrap();
    let error = provider.send(&prepared, &Recorder::new()).await.unwrap_err();
    assert_eq!(error.message(), "openai did not finish within 30s (timeout_s)");
}

/// Checks that a complete answer of Gemini's without an end of its stream is not thrown away and
/// paid for again.
#[tokio::test(start_paused = true)]
async fn an_answer_of_geminis_that_is_whole_needs_no_end_of_its_body() {
    let part = |text| candidate(text, "");
    let stop = |text| candidate(text, r#","finishReason":"STOP""#);
    let length = candidate("Hi", r#","finishReason":"MAX_TOKENS""#);
    let bill = "data: {\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":2}}\n\n";
    let stall = || after(600, "");
    let second = Duration::from_secs(1);
    for (what, chunks, text, took) in [
        ("a last part", vec![after(0, &part("H")), after(0, &stop("i")), stall()], "Hi", second),
        ("another reason", vec![after(0, &length), after(0, bill), stall()], "Hi", second),
        (
            "a late bill",
            vec![after(0, &part("Hi")), after(0, &stop("")), after(0, bill), stall()],
            "Hi",
            second,
        ),
        (
            "comments",
            [after(0, &part("Hi")), after(0, &stop(""))]
                .into_iter()
                .chain((0..9).map(|_| (second / 2, Ok(Bytes::from_static(b": ping\n\n")))))
                .collect(),
            "Hi",
            second,
        ),
        // It may stand in every event: only a long silence tells.
        ("a single part", vec![after(0, &stop("Hi")), after(0, bill), stall()], "Hi", IDLE),
        (
            "each has it",
            vec![after(0, &stop("H")), after(4, &stop("i")), stall()],
            "Hi",
            IDLE + second * 4,
        ),
    ] {
        let mut endpoint = endpoint(Delivery::Stream);
        endpoint.dialect = Dialect::Gemini;
        let provider = for_endpoint(endpoint, parts(streaming(chunks), Some(KEY))).unwrap();
        let started = Instant::now();
        let prepared = provider.prepare(call()).unwrap();
        let answer = provider.send(&prepared, &Recorder::new()).await.expect(what);
        assert_eq!((answer.joined_text().as_str(), started.elapsed()), (text, took), "{what}");
        let billed = ["a late bill", "another reason", "a single part"].contains(&what);
        assert_eq!(answer.usage, billed.then(|| Usage::new(7, 2)), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_end_is_not_waited_for() {
    let whole = [delta("Hello"), the_end()].concat();
    for rest in [after(0, "data: {\"br"), after(60, ""), reset(), after(4, &delta("more"))] {
        let outcome = stream_of(vec![after(0, &whole), rest]).await;
        assert_eq!(outcome.result.unwrap().joined_text(), "Hello");
        assert_eq!(outcome.took, Duration::ZERO);
    }
    // Read to its end, so that the connection can be used again.
    let script = streaming(vec![after(0, &whole), after(0, "\n"), after(0, "\n")]);
    let pulled = Arc::clone(&script.pulled);
    let outcome = listened(script).await.0;
    assert_eq!((outcome.result.is_ok(), outcome.recorded().body), (true, whole.into()));
    others_run().await;
    assert_eq!(pulled.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn an_event_above_the_bound_is_not_held() {
    let endless = format!("data: {}", "x".repeat(LARGEST_EVENT));
    let outcome = stream_of(vec![after(0, &endless), after(0, DONE)]).await;
    assert_eq!(outcome.error().category(), Category::BadResponse);
    assert_eq!(
        outcome.error().message(),
        "openai answered 200 with a stream that is no openai answer: an event above 1048576 bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_above_the_bound_is_not_read_on() {
    // Mostly comments, which cost next to nothing to read.
    let event = "data: {\"choices\":[]}\n\n";
    let comment = format!(":{}\n", "x".repeat(1024 * 1024 - 2 - event.len()));
    let mebibyte = comment + event;
    let script = streaming((0..80).map(|_| after(0, &mebibyte)).collect());
    let pulled = Arc::clone(&script.pulled);
    let (outcome, told) = listened(script).await;
    assert_eq!(outcome.error().category(), Category::BadResponse);
    assert_eq!(outcome.error().message(), "openai answered with a body above 67108864 bytes");
    assert_eq!(pulled.load(Ordering::Relaxed), 65);
    assert!(told.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_one_piece_to_a_request_for_a_stream_is_read() {
    for content_type in ["application/json", "application/json; charset=utf-8", "text/plain"] {
        let (outcome, told) = listened(typed(content_type, vec![after(0, ANSWER)])).await;
        assert_eq!(outcome.result.unwrap().joined_text(), "hi", "{content_type}");
        assert!(told.is_empty());
    }
    let (outcome, _) = listened(Script::answering(200, vec![after(0, ANSWER)])).await;
    assert_eq!(outcome.result.unwrap().joined_text(), "hi", "no content type");
    // And the other way round, however the type is written.
    let whole = [delta("Hello"), the_end()].concat();
    for content_type in ["text/event-stream", "Text/Event-Stream;charset=utf-8"] {
        let outcome = attempt(typed(content_type, vec![after(0, &whole)])).await;
        assert_eq!(outcome.result.unwrap().joined_text(), "Hello", "{content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_cut_shows_nowhere() {
    // By the network, within one event.
    let whole = [delta(&format!("your key is {KEY}")), the_end()].concat();
    let (first, second) = whole.split_at(whole.find("0123").unwrap());
    let outcome = stream_of(vec![after(0, first), after(1, second)]).await;
    let recorded = outcome.recorded();
    assert_eq!(outcome.result.unwrap().joined_text(), "your key is [redacted]");
    assert!(recorded.redacted && !format!("{recorded:?}").contains("0123"));

    // By the provider, over two events: no half of it is left in the record either.
    let (first, second) = KEY.split_at(KEY.find("0123").unwrap());
    let events = [delta(&format!("your key is {first}")), delta(second), the_end()].concat();
    let outcome = stream_of(vec![after(0, &events)]).await;
    let recorded = outcome.recorded();
    assert_eq!(outcome.result.unwrap().joined_text(), "your key is [redacted]");
    assert!(recorded.redacted && !format!("{recorded:?}").contains("0123"), "{recorded:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_stream_is_fit_to_be_shown() {
    let error = format!("data: {{\"error\":{{\"message\":\"bad\\nkey {KEY}\",\"code\":401}}}}\n\n");
    let outcome = stream_of(vec![after(0, &delta("Hello")), after(0, &error)]).await;
    assert_eq!(outcome.error().category(), Category::Auth);
    assert_eq!(outcome.error().message(), "openai broke off with an error: bad key [redacted]");
}

/// Runs a server that answers every request, and counts connections. The end of a body is sent some
/// time after the end of its answer.
#[cfg(feature = "reqwest")]
async fn serve(listener: TcpListener, connections: Arc<AtomicUsize>) {
    while let Ok((mut socket, _)) = listener.accept().await {
        // Or the end would wait for the acknowledgement of what went before.
        socket.set_nodelay(true).unwrap();
        connections.fetch_add(1, Ordering::Relaxed);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n";
        let events = [delta("Hello"), the_end()].concat();
        let mut request = BytesMut::new();
        while let Ok(1..) = socket.read_buf(&mut request).await {
            if !request.ends_with(b"}}") {
                continue;
            }
            request.clear();
            let chunk = format!("{head}{:x}\r\n{events}\r\n", events.len());
            socket.write_all(chunk.as_bytes()).await.unwrap();
            others_run().await;
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        }
    }
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn the_connection_of_a_stream_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let server = tokio::spawn(serve(listener, Arc::clone(&connections)));
    let mut endpoint = endpoint(Delivery::Stream);
    endpoint.base_url = base_url;
    let provider = for_endpoint(endpoint, parts(ReqwestTransport::new(), Some(KEY))).unwrap();
    for _ in 0..5 {
        let prepared = provider.prepare(call()).unwrap();
        let answer = provider.send(&prepared, &Recorder::new()).await.unwrap();
        assert_eq!(answer.joined_text(), "Hello");
        others_run().await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    server.abort();
}
