//! A paused clock makes neither the network nor the ledger time out: it goes at the machine's pace
//! while they are waited for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use llm_gateway_core::{Category, Environment, Gateway, Request};
use tokio::time::{Instant, advance, pause, resume, sleep};

use super::server::{Manner, Server, asked, canberra};

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_waited_for() {
    for waits in [0, 1, 40, 300] {
        let gateway = Server::slow(Duration::from_millis(waits)).gateway();
        let began = Instant::now();
        assert_eq!(asked(gateway).await, canberra(), "{waits} ms");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_are_waited_for() {
    let gateway = Server::slow(Duration::from_millis(30)).gateway();
    let calls = (0..60).map(|_| asked(gateway.clone()));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.into_iter().all(|it| it == canberra()));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_moved_or_resumed_is_no_other() {
    let server = Server::slow(Duration::from_millis(40));
    let gateway = server.gateway();
    assert_eq!(asked(gateway.clone()).await, canberra());
    advance(Duration::from_secs(86_400)).await;
    assert_eq!(asked(gateway.clone()).await, canberra());
    resume();
    assert_eq!(asked(gateway.clone()).await, canberra());
    pause();
    assert_eq!(asked(gateway.clone()).await, canberra());
}

#[tokio::test]
async fn a_clock_may_be_paused_while_a_call_is_under_way() {
    let server = Server::slow(Duration::from_millis(200));
    let pauses = async {
        while server.asked.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        pause();
    };
    assert_eq!(tokio::join!(asked(server.gateway()), pauses).0, canberra());
}

/// Timers of the program's own do not run ahead either, and a server that never answers is given
/// up.
#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_times_out_in_real_time() {
    let server = Server::of(Manner { waits: Duration::ZERO, unfinished: usize::MAX });
    let policy = server.policy().replace("stream: false", "stream: false, timeout_s: 1");
    let gateway = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    let call = gateway.build().unwrap();
    tokio::select! {
        () = sleep(Duration::from_secs(10)) => panic!("the clock ran ahead"),
        failure = call.route(Request::new("q", "Capital?")) => {
            assert_eq!(failure.unwrap_err().category(), Category::Timeout);
        }
    }
}

/// A fake of the test's own, which sleeps on the same paused clock, is not waited for in vain.
#[tokio::test(start_paused = true)]
async fn a_server_on_the_same_clock_may_sleep() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut to, _) = listener.accept().await.unwrap();
        let _ = to.read(&mut [0; 65_536]).await;
        sleep(Duration::from_millis(150)).await;
        let head = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
        to.write_all(head.as_bytes()).await.unwrap();
    });
    let policy = format!(
        "defaults: {{q: {{provider: here, model: m}}}}
providers: {{here: {{kind: openai, base_url: \"http://127.0.0.1:{port}/v1\", api_key_env: null, models: {{m: {{in: 1, out: 1}}}}}}}}
reliability: {{retry: {{max_retries: 0}}}}"
    );
    let gateway = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    let failure = gateway.build().unwrap().route(Request::new("q", "?")).await.unwrap_err();
    assert_eq!(failure.category(), Category::RateLimit, "{failure}");
}

/// A test whose clock ran ahead leaves breaker and limits sound for the next one.
#[test]
fn a_runtime_whose_clock_is_ahead_does_not_stop_the_next() {
    let server = Server::start();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let policy = server.policy()
        .replace("stream: false,", "stream: false, limits: {requests_per_minute: 1000000},")
        .replace("defaults: {", "defaults: {d: {provider: dead, model: m, max_tokens: 10}, ")
        .replace("providers: {", &format!("providers: {{dead: {{kind: openai, base_url: \"http://127.0.0.1:{dead}/v1\", api_key_env: null, models: {{m: {{in: 1, out: 1}}}}}}, "))
        + "\n";
    let policy = policy.replace(
        "retry: {max_retries: 0}",
        "retry: {max_retries: 0}, breaker: {failure_threshold: 1, cooldown_s: 1}",
    );
    let gateway =
        Gateway::builder().policy_yaml(policy).environment(Environment::empty()).build().unwrap();
    let runtime = |paused| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(paused)
            .build()
            .unwrap()
    };
    runtime(true).block_on(async {
        advance(Duration::from_secs(360_000)).await;
        assert_eq!(asked(gateway.clone()).await, canberra());
        let failure = gateway.route(Request::new("d", "?")).await.unwrap_err();
        assert_eq!(failure.category(), Category::Network, "{failure}");
    });
    runtime(false).block_on(async {
        assert_eq!(asked(gateway.clone()).await, canberra());
        let failure = gateway.route(Request::new("d", "?")).await.unwrap_err();
        assert_eq!(failure.category(), Category::BreakerOpen, "{failure}");
        sleep(Duration::from_millis(1_500)).await;
        let failure = gateway.route(Request::new("d", "?")).await.unwrap_err();
        assert_eq!(failure.category(), Category::Network, "{failure}");
    });
}

#[cfg(feature = "sqlite")]
#[tokio::test(start_paused = true)]
async fn a_ledger_in_a_file_is_waited_for() {
    use llm_gateway_core::ledger::SpendBy;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db").display().to_string();
    let server = Server::start();
    for round in 1..=5 {
        let environment = Environment::empty()
            .with("LLM_GATEWAY_CAP_TOTAL_DAILY", "5")
            .with("LLM_GATEWAY_LEDGER_PATH", &path);
        let gateway = server.builder().environment(environment).build().unwrap();
        let answer = gateway.route(Request::new("q", "?")).await.unwrap();
        assert!(answer.budget.is_some());
        let report = gateway.spent(None, SpendBy::Model).await.unwrap();
        assert_eq!(report.spent.rows.iter().map(|row| row.calls).sum::<u64>(), round);
        assert_eq!(report.spent.held, llm_gateway_core::model::NanoUsd::ZERO);
        gateway.describe_with_spend().await.unwrap();
        gateway.drain().await.unwrap();
    }
}
