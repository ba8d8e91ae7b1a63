//! Outside of a runtime, and on one without timers or sockets, a call fails and says what to do.
//! What needs no runtime works.

use std::future::Future;
use std::sync::Arc;

use llm_gateway_core::ledger::{Ledger, MemoryLedger, SpendBy};
use llm_gateway_core::{Category, Environment, Failure, Gateway, Request, Task};
use tokio::runtime::Builder;

use crate::support::{SHAPES, without_runtime};

fn on_runtime<T>(builder: &mut Builder, work: impl Future<Output = T>) -> T {
    builder.build().unwrap().block_on(work)
}

fn gateway(ledger: Arc<dyn Ledger>) -> Gateway {
    let builder = Gateway::builder().policy_yaml(SHAPES).environment(Environment::empty());
    builder.offline().ledger(ledger).build().unwrap()
}

/// Calls every door, and returns the failures by their doors.
async fn every_door(gateway: &Gateway) -> Vec<(&'static str, Option<Failure>)> {
    let ask = |class| Request::new(class, "?");
    vec![
        ("route", gateway.route(ask("one")).await.err()),
        ("panel", gateway.panel(ask("three")).await.err()),
        ("cascade", gateway.cascade(ask("sums")).await.err()),
        ("orchestrate", gateway.orchestrate(Task::new("?")).await.err()),
        ("start", gateway.start(ask("three")).await.err()),
        ("start_orchestration", gateway.start_orchestration(Task::new("?")).await.err()),
        ("unknown class", gateway.route(ask("none")).await.err()),
    ]
}

fn all_refuse(failures: Vec<(&'static str, Option<Failure>)>, word: &str, hint: &str) {
    for (door, failure) in failures {
        let failure = failure.unwrap_or_else(|| panic!("{door} answered"));
        assert_eq!(failure.category(), Category::Internal, "{door}: {failure}");
        assert!(failure.to_string().contains(word), "{door}: {failure}");
        assert!(failure.error().hint().is_some_and(|it| it.contains(hint)), "{door}");
        assert!(failure.attempts().is_empty(), "{door}");
    }
}

async fn shutdown_refuses(gateway: &Gateway, word: &str) {
    for grace in [0, 1, u64::MAX] {
        let error = gateway.shutdown(std::time::Duration::from_secs(grace)).await.unwrap_err();
        assert_eq!(error.category(), Category::Internal, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

async fn nothing_was_spent(gateway: &Gateway) {
    let report = gateway.spent(None, SpendBy::Model).await.unwrap();
    assert!(report.spent.rows.is_empty(), "{report:?}");
    gateway.drain().await.unwrap();
    assert!(gateway.describe_with_spend().await.unwrap().spend.is_some());
    gateway.drop_unsettled(None).await.unwrap();
}

/// A ledger, and the folder of its file, if it has one.
type Kept = (Arc<dyn Ledger>, Option<tempfile::TempDir>);

fn ledgers() -> Vec<Kept> {
    let memory: Kept = (Arc::new(MemoryLedger::new()), None);
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let ledger = llm_gateway_core::ledger::SqliteLedger::at(folder.path().join("ledger.db"));
        vec![memory, (Arc::new(ledger), Some(folder))]
    }
    #[cfg(not(feature = "sqlite"))]
    vec![memory]
}

#[test]
fn outside_of_a_runtime_every_door_says_so_and_the_ledger_answers() {
    for (ledger, _folder) in ledgers() {
        let gateway = gateway(ledger);
        all_refuse(
            without_runtime(every_door(&gateway)),
            "outside of a tokio runtime",
            "tokio::main",
        );
        without_runtime(shutdown_refuses(&gateway, "outside of a tokio runtime"));
        without_runtime(nothing_was_spent(&gateway));
    }
}

#[test]
fn without_timers_every_door_says_so_and_the_ledger_answers() {
    for (ledger, _folder) in ledgers() {
        let gateway = gateway(ledger);
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let builder = builder.worker_threads(1);
            all_refuse(on_runtime(builder, every_door(&gateway)), "no timers", "enable_all");
            on_runtime(builder, shutdown_refuses(&gateway, "no timers"));
            on_runtime(builder, nothing_was_spent(&gateway));
        }
        // The same gateway works where there are timers.
        let failures =
            on_runtime(Builder::new_current_thread().enable_time(), every_door(&gateway));
        let failed: Vec<_> =
            failures.iter().filter(|(_, it)| it.is_some()).map(|it| it.0).collect();
        assert_eq!(failed, ["unknown class"], "no sockets are needed offline");
    }
}

#[test]
fn without_timers_a_shutdown_says_so_and_closes_nothing() {
    use std::time::Duration;
    let gateway = gateway(Arc::new(MemoryLedger::new()));
    for refused in [
        without_runtime(gateway.shutdown(Duration::ZERO)),
        on_runtime(&mut Builder::new_current_thread(), gateway.shutdown(Duration::MAX)),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.category(), Category::Internal, "{refused}");
    }
    let mut runtime = Builder::new_current_thread();
    let asked = gateway.route(Request::new("one", "?"));
    on_runtime(runtime.enable_time(), asked).unwrap();
    let stopped = on_runtime(runtime.enable_time(), gateway.shutdown(Duration::ZERO));
    assert_eq!(stopped.unwrap(), 0);
}

#[cfg(feature = "reqwest")]
#[test]
fn without_sockets_a_request_over_the_network_says_so_once() {
    use super::server::{Server, asked, canberra};
    let server = Server::start();
    let ledger = Arc::new(MemoryLedger::new());
    let policy = server.policy().replace("max_retries: 0", "max_retries: 3");
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    let gateway = builder.ledger(ledger).build().unwrap();
    let call = gateway.route(Request::new("q", "?"));
    let failure = on_runtime(Builder::new_current_thread().enable_time(), call).unwrap_err();
    assert!(failure.to_string().contains("no sockets"), "{failure}");
    assert!(failure.error().hint().is_some_and(|it| it.contains("enable_all")), "{failure:?}");
    assert_eq!(failure.attempts().len(), 1, "another try could only fail again");
    without_runtime(nothing_was_spent(&gateway));
    // It is no failure of the provider.
    let answer = on_runtime(Builder::new_current_thread().enable_all(), asked(gateway));
    assert_eq!(answer, canberra());
}

/// The transport alone is a door too: a program wraps it.
#[cfg(feature = "reqwest")]
#[test]
fn the_transport_alone_says_so_too() {
    use llm_gateway_core::transport::{HttpRequest, Phase, ReqwestTransport, Transport};
    let transport = ReqwestTransport::with_environment(&Environment::empty());
    for url in ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "https://llm.invalid/"] {
        let request = HttpRequest::post(url.to_owned(), http::HeaderMap::new(), "{}");
        let send = || transport.send(&request, None);
        let failures = [
            without_runtime(send()),
            on_runtime(&mut Builder::new_current_thread(), send()),
            on_runtime(Builder::new_current_thread().enable_time(), send()),
            on_runtime(Builder::new_current_thread().enable_io(), send()),
        ];
        for (at, failure) in failures.into_iter().enumerate() {
            let failure = failure.unwrap_err();
            assert_eq!(failure.phase, Phase::Setting, "{url}, {at}: {failure}");
            assert!(failure.to_string().contains("runtime"), "{url}, {at}: {failure}");
        }
    }
}
