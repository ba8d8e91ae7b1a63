//! Servers that break the rules of HTTP, over real sockets: the category of the failure, the number
//! of tries, the effect on breaker and ledger, and that the connection is closed. Small time limits
//! end what would never end, and no test measures time.
//!
//! Tested elsewhere: a refused port, a host without TLS and a redirect (`transport/reqwest`,
//! `tests/stdio/errors.rs`), a caller who leaves (`cancellation.rs`), and how some of these servers
//! look through the whole program (`tests/stdio/{errors,streams}.rs`).

use std::sync::Arc;

use futures_util::future::join_all;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::{Answer, Failure, Gateway, Request};
use test_support::{FakeSocket, Wire, in_time};

use crate::support::{WORST_CASE, obeying, outcomes, spent};

/// The most bytes of a body.
const BOUND: usize = 16 * 1024 * 1024;

/// The most bytes of a streamed body, whose events take up to 400 bytes a token.
const STREAM_BOUND: usize = 4 * BOUND;

/// A gateway with two tries, and the socket that it asks.
struct World {
    socket: FakeSocket,
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
}

impl World {
    /// Creates a world with time limits that never end a test.
    fn patient(socket: FakeSocket) -> Self {
        Self::new(socket, 300.0, 300.0)
    }

    fn new(socket: FakeSocket, timeout_s: f64, idle_timeout_s: f64) -> Self {
        let policy = format!(
            "
providers:
  local:
    kind: openai
    base_url: {}
    api_key_env: null
    stream: true
    timeout_s: {timeout_s}
    idle_timeout_s: {idle_timeout_s}
    models: {{m: {{in: 1, out: 10}}}}
defaults: {{ask: {{provider: local, model: m, max_tokens: 100}}}}
reliability: {{deadline_s: 600, retry: {{max_retries: 1, base_delay_s: 0.001}}}}
",
            socket.base_url()
        );
        let ledger = Arc::new(MemoryLedger::new());
        let gateway = obeying(policy).ledger(ledger.clone()).build().unwrap();
        Self { socket, gateway, ledger }
    }

    async fn ask(&self) -> Result<Answer, Failure> {
        in_time("the request", self.gateway.route(Request::new("ask", "hi"))).await
    }

    /// Asserts that both tries fail as `category`, count for the breaker, and cost their whole
    /// hold.
    async fn fails_twice(&self, what: &str, category: &str) -> Failure {
        let failure = self.ask().await.expect_err(what);
        assert_eq!(outcomes(failure.attempts()), [category, category], "{what}: {failure}");
        assert_eq!(failure.category().as_str(), category, "{what}");
        self.socket.asked(2).await;
        assert_eq!(self.socket.asked_so_far(), 2, "{what}");
        let breaker = self.gateway.describe().unwrap().circuit_breakers["local/m"];
        assert_eq!(breaker.consecutive_failures, 2, "{what}");
        let spent = spent(&self.ledger, SpendBy::Model).await;
        assert_eq!(
            (spent.settled.as_nanos(), spent.held.as_nanos()),
            (2 * WORST_CASE, 0),
            "{what}"
        );
        failure
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

/// Returns a response whose head promises a body of `length` bytes, followed by `body`.
fn response(content_type: &str, length: usize, body: &str) -> String {
    format!("{OK}content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Returns a complete answer.
fn json() -> String {
    Wire::OpenAi.answer("m", "hello").to_string()
}

/// Returns an answer as a stream of events.
fn events() -> String {
    Wire::OpenAi.stream("m", "an answer of several words")
}

/// Checks servers that stay connected after their last byte, so that the gateway has to leave.
#[tokio::test]
async fn what_is_no_answer_is_left() {
    let page = "<!doctype html><title>Sign in</title>";
    let chunked = format!("{OK}transfer-encoding: chunked\r\n\r\n");
    let cases = [
        ("a corrupt chunk", format!("{chunked}5\r\n{{\"id\"\r\nzz\r\n"), "truncated"),
        ("a page", response("text/html", page.len(), page), "bad_response"),
        // A head that cannot be read ends the connection, as a reset would.
        ("many headers", format!("{OK}{}\r\n", "x-filling: 1\r\n".repeat(1_000)), "network"),
        ("a long header", format!("{OK}x-filling: {}\r\n\r\n", "x".repeat(1 << 20)), "network"),
    ];
    for (what, bytes, category) in cases {
        let world = World::patient(FakeSocket::sending(bytes).await);
        world.fails_twice(what, category).await;
        world.socket.left(2).await;
    }
}

#[tokio::test]
async fn events_by_a_wrong_name_are_read() {
    let lines = events();
    let bytes = response("text/plain", lines.len(), &lines);
    let world = World::patient(FakeSocket::sending(bytes).await);
    assert_eq!(world.ask().await.unwrap().text(), "an answer of several words");
    world.socket.left(1).await;
}

/// Checks servers that promise more than they send, so that only the bound can end the body.
#[tokio::test]
async fn what_is_too_large_is_left() {
    let body = " ".repeat(BOUND + 1);
    // The stream is mostly comments, which are fast to read.
    let event = format!(":{}\n\ndata: {{\"choices\": []}}\n\n", "x".repeat(1_000_000));
    let stream = event.repeat(STREAM_BOUND / event.len() + 1);
    let line = format!("data: {}", "x".repeat(2 << 20));
    for (what, content_type, sent) in [
        ("a body", "application/json", body),
        ("a stream", "text/event-stream", stream),
        ("a line of a stream", "text/event-stream", line),
    ] {
        let bytes = response(content_type, 2 * STREAM_BOUND, &sent);
        let world = World::patient(FakeSocket::sending(bytes).await);
        let failure = world.fails_twice(what, "bad_response").await;
        assert!(failure.to_string().contains("above"), "{what}: {failure}");
        world.socket.left(2).await;
    }
}

#[tokio::test]
async fn a_body_of_just_the_bound_is_read() {
    // Each answer has an id of its own, whose length may differ from the next one's.
    let mut body = json();
    body.push_str(&" ".repeat(BOUND - body.len()));
    let world =
        World::patient(FakeSocket::sending(response("application/json", BOUND, &body)).await);
    assert_eq!(world.ask().await.unwrap().text(), "hello");
    world.socket.left(1).await;
}

/// Checks that headers behind the body are recorded, also behind a stream: a certificate reads what
/// a cache writes there.
#[tokio::test]
async fn headers_behind_the_body_are_recorded() {
    for (media_type, body) in [("application/json", json()), ("text/event-stream", events())] {
        let head = format!("{OK}content-type: {media_type}\r\ntransfer-encoding: chunked\r\n");
        let chunk = format!("{:x}\r\n{body}\r\n0\r\n", body.len());
        let trailers = "age: 7\r\nx-cache: HIT\r\n\r\n";
        let bytes = format!("{head}trailer: age, x-cache\r\nage: 0\r\n\r\n{chunk}{trailers}");
        let sockets = [FakeSocket::sending(bytes).await, {
            let other = Wire::OpenAi.answer("n", "hello").to_string();
            FakeSocket::sending(response("application/json", other.len(), &other)).await
        }];
        let [one, two] = sockets.each_ref().map(FakeSocket::base_url);
        let policy = format!(
            "
providers:
  a: {{kind: openai, base_url: {one}, api_key_env: null, models: {{m: {{in: 1, out: 1}}}}}}
  b: {{kind: openai, base_url: {two}, api_key_env: null, models: {{n: {{in: 1, out: 1}}}}}}
defaults: {{pair: {{members: [{{provider: a, model: m}}, {{provider: b, model: n}}]}}}}
"
        );
        let gateway = obeying(policy).build().unwrap();
        let panel = gateway.panel(Request::new("pair", "hi"));
        let panel = in_time("the panel", panel).await.unwrap();
        let because = &panel.certificate().claims.fresh.because;
        assert!(because.contains("age: 7"), "{media_type}: {because}");
        assert!(because.contains("x-cache: HIT"), "{media_type}: {because}");
    }
}

#[tokio::test]
async fn what_breaks_off_is_tried_again() {
    for (what, socket, category) in [
        ("a reset", FakeSocket::resetting().await, "network"),
        ("half a body", FakeSocket::breaking_off(&json()).await, "truncated"),
        ("half a stream", FakeSocket::streaming_half(&events()).await, "truncated"),
    ] {
        World::patient(socket).fails_twice(what, category).await;
    }
}

/// Checks servers that fall silent, all at once, because each of them waits for a real clock.
#[tokio::test]
async fn what_falls_silent_is_left_by_the_idle_clock() {
    let cases = [
        ("no head", FakeSocket::hanging().await),
        ("half a stream", FakeSocket::stalling(&events()).await),
    ];
    join_all(cases.map(|(what, socket)| async move {
        let world = World::new(socket, 300.0, 0.5);
        let failure = world.fails_twice(what, "timeout").await;
        assert!(failure.to_string().contains("(idle_timeout_s)"), "{what}: {failure}");
        world.socket.left(2).await;
    }))
    .await;
}

/// Checks servers that send for ever, all at once, because each of them waits for a real clock.
#[tokio::test]
async fn what_drips_is_left_by_the_clock_of_the_attempt() {
    let cases = [
        ("comments", ": still here\n\n"),
        ("words", "data: {\"choices\": [{\"delta\": {\"content\": \"and \"}}]}\n\n"),
        ("letters", "x"),
    ];
    join_all(cases.map(|(what, drop)| async move {
        let world = World::new(FakeSocket::dripping(drop).await, 0.5, 300.0);
        let failure = world.fails_twice(what, "timeout").await;
        assert!(failure.to_string().contains("(timeout_s)"), "{what}: {failure}");
        world.socket.left(2).await;
    }))
    .await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_costs_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let policy = format!(
        "
providers:
  local: {{kind: openai, base_url: 'https://{address}/v1', api_key_env: null, idle_timeout_s: 0.2, models: {{m: {{in: 1, out: 10}}}}}}
defaults: {{ask: {{provider: local, model: m, max_tokens: 100}}}}
reliability: {{retry: {{max_retries: 0}}}}
"
    );
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = obeying(policy).ledger(ledger.clone()).build().unwrap();
    let asked = in_time("the request", gateway.route(Request::new("ask", "hi")));
    let (outcome, _silent) = tokio::join!(asked, listener.accept());
    let failure = outcome.unwrap_err();
    assert_eq!(outcomes(failure.attempts()), ["network"]);
    assert_eq!(failure.attempts()[0].cost.unwrap().as_nanos(), 0);
    let spent = spent(&ledger, SpendBy::Model).await;
    assert_eq!((spent.settled.as_nanos(), spent.held.as_nanos()), (0, 0));
    let breaker = gateway.describe().unwrap().circuit_breakers["local/m"];
    assert_eq!(breaker.consecutive_failures, 1, "it counts all the same");
}
