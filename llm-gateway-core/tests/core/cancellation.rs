//! A caller may drop a call at any moment. The call is polled k times and dropped, for k = 1, 2, …
//! until it ends. Each time the connection must be closed, the hold settled, and the permit of the
//! breaker and the place at the provider returned.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use llm_gateway_core::ledger::{MemoryLedger, PeriodSpend, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::{Answer, Failure, Gateway, Request};
use test_support::in_time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{obeying, spent};

/// The requests that the provider has seen so far.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    open_connections: usize,
    requests: usize,
    /// Requests that may have been billed, because they were not answered with an error status.
    billed: usize,
}

/// A provider that fails its first `failures` requests and answers the rest, piece by piece.
struct Provider {
    address: String,
    seen: watch::Receiver<Seen>,
}

impl Provider {
    async fn failing_first(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, seen) = watch::channel(Seen::default());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tell.send_modify(|seen| seen.open_connections += 1);
                let tell = tell.clone();
                tokio::spawn(async move {
                    serve(stream, failures, &tell).await;
                    tell.send_modify(|seen| seen.open_connections -= 1);
                });
            }
        });
        Self { address, seen }
    }

    async fn all_closed(&self) -> Seen {
        let mut seen = self.seen.clone();
        let closed = seen.wait_for(|seen| seen.open_connections == 0);
        *in_time("the connection to close", closed).await.unwrap()
    }
}

/// Answers one request, and waits until the client has closed the connection.
async fn serve(mut stream: TcpStream, failures: usize, tell: &watch::Sender<Seen>) {
    let mut request = vec![0; 65_536];
    // The request is small, so one read returns all of it.
    if stream.read(&mut request).await.unwrap_or(0) == 0 {
        return;
    }
    tell.send_modify(|seen| seen.requests += 1);
    let fails = tell.borrow().requests <= failures;
    tell.send_modify(|seen| seen.billed += usize::from(!fails));
    let (status, body) = match fails {
        true => ("500 Oops", r#"{"error": {"message": "oops"}}"#.to_owned()),
        false => (
            "200 OK",
            r#"{"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5}}"#
                .to_owned(),
        ),
    };
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    for piece in response.as_bytes().chunks(40) {
        if stream.write_all(piece).await.is_err() {
            return;
        }
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    let _ = stream.shutdown().await;
    while stream.read(&mut request).await.unwrap_or(0) > 0 {}
}

/// Polls `future` at most `times` times, then drops it.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

struct World {
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
    provider: Provider,
}

/// Builds a gateway that allows one call at a time, at a provider with prices.
async fn world(failures: usize, retries: usize, threshold: usize) -> World {
    let provider = Provider::failing_first(failures).await;
    let policy = format!(
        "
providers:
  local:
    kind: openai
    base_url: http://{}/v1
    api_key_env: null
    limits: {{concurrent: 1, requests_per_minute: 1000, tokens_per_minute: 1000000}}
    models: {{m: {{in: 1, out: 10}}}}
defaults: {{quick: {{provider: local, model: m, max_tokens: 100}}}}
reliability:
  deadline_s: 30
  retry: {{max_retries: {retries}, base_delay_s: 0.001}}
  breaker: {{failure_threshold: {threshold}, cooldown_s: 0.001}}
",
        provider.address
    );
    let ledger = Arc::new(MemoryLedger::new());
    let gateway = obeying(policy).ledger(ledger.clone()).build().unwrap();
    World { gateway, ledger, provider }
}

impl World {
    async fn ask(&self) -> Result<Answer, Failure> {
        self.gateway.route(Request::new("quick", "hi")).await
    }

    async fn spent(&self) -> PeriodSpend {
        spent(&self.ledger, SpendBy::Model).await
    }

    /// Asserts that nothing is left behind, and that the next call has everything that this one
    /// had.
    async fn is_clean(&self, polls: usize) {
        let seen = self.provider.all_closed().await;
        let spent = self.spent().await;
        assert_eq!(spent.held, NanoUsd::ZERO, "{polls} polls left a hold");
        let calls: u64 = spent.rows.iter().map(|row| row.calls).sum();
        assert!(calls >= seen.billed as u64, "{polls} polls lost a call that may be billed");
        assert!(calls <= seen.billed as u64 + 1, "{polls} polls booked too much");
        let next = in_time("the place and the permit", self.ask()).await;
        assert_eq!(next.unwrap().text(), "hello", "after {polls} polls");
    }
}

#[tokio::test]
async fn a_caller_may_leave_at_any_await() {
    let mut polls = 0;
    let answer = loop {
        polls += 1;
        // Two failures make waits and retries part of the moments.
        let world = world(2, 3, 100).await;
        match polled(world.ask(), polls).await {
            Some(answer) => break answer.unwrap(),
            None => world.is_clean(polls).await,
        }
    };
    assert_eq!(answer.attempts.len(), 3);
    assert!(polls > 10, "the call was only polled {polls} times");
}

#[tokio::test]
async fn a_caller_who_leaves_a_trial_lets_the_next_one_try() {
    let mut polls = 0;
    loop {
        polls += 1;
        let world = world(1, 0, 1).await;
        world.ask().await.unwrap_err();
        let breaker = || world.gateway.describe().unwrap().circuit_breakers["local/m"];
        let state = || breaker().state;
        assert_eq!(state(), "open");
        while breaker().cooldown_remaining_s > 0.0 {
            tokio::task::yield_now().await;
        }
        match polled(world.ask(), polls).await {
            Some(answer) => {
                assert_eq!((answer.unwrap().attempts.len(), state()), (1, "closed"));
                break;
            }
            None => world.is_clean(polls).await,
        }
    }
    assert!(polls > 3, "the trial was only polled {polls} times");
}
