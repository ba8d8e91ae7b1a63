//! A gateway belongs to no runtime: whichever polls a call, the call works, on a connection that
//! this runtime drives. A runtime that ends or rests takes nothing of another's with it.

use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use llm_gateway_core::{Category, Request};
use tokio::runtime::{Builder, Handle, Runtime};

use super::server::{Manner, Server, asked, canberra, comes_to};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn with_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_rests_does_not_hold_up_another() {
    let server = Server::start();
    let gateway = server.gateway();
    let (first, second) = (runtime(), with_threads());
    // Each rests while the other works: a synchronous wrapper between two calls.
    for round in 0..3 {
        for runtime in [&first, &second] {
            assert_eq!(runtime.block_on(asked(gateway.clone())), canberra(), "{round}");
        }
    }
    assert_eq!(server.opened.load(Ordering::SeqCst), 2, "each used its connection again");
    drop((first, second));
    assert!(comes_to(&server.open, 0), "the connections end with their runtimes");
}

#[test]
fn a_runtime_that_ends_in_mid_answer_takes_nothing_along() {
    let server = Server::of(Manner { waits: Duration::ZERO, unfinished: 3 });
    let gateway = server.gateway();
    let ends: [fn(Runtime); 2] = [drop, Runtime::shutdown_background];
    for (number, end) in (1..).zip(ends) {
        let first = with_threads();
        let call = first.spawn(asked(gateway.clone()));
        assert!(comes_to(&server.asked, number));
        end(first);
        drop(call);
    }
    // One whose runtime rests in mid-answer.
    let resting = runtime();
    let call = resting.spawn(asked(gateway.clone()));
    resting.block_on(async {
        while server.asked.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await
        }
    });
    assert_eq!(runtime().block_on(asked(gateway.clone())), canberra());
    drop((call, resting));
    assert!(comes_to(&server.open, 0));
}

#[test]
fn many_runtimes_at_once_share_a_gateway() {
    let server = Server::start();
    let gateway = server.gateway();
    let programs: Vec<_> = (0..12)
        .map(|n| {
            let gateway = gateway.clone();
            thread::spawn(move || {
                let runtime = if n % 2 == 0 { runtime() } else { with_threads() };
                (0..8).all(|_| runtime.block_on(asked(gateway.clone())) == canberra())
            })
        })
        .collect();
    assert!(programs.into_iter().all(|program| program.join().unwrap()));
    assert_eq!(server.asked.load(Ordering::SeqCst), 96);
    assert!(comes_to(&server.open, 0));
}

/// More runtimes than clients are kept for: a suite of tests, each with a runtime of its own.
#[test]
fn a_hundred_runtimes_one_after_the_other_leave_nothing_open() {
    let server = Server::start();
    let gateway = server.gateway();
    let oldest = runtime();
    for n in 0..100 {
        assert_eq!(runtime().block_on(asked(gateway.clone())), canberra(), "{n}");
    }
    assert_eq!(oldest.block_on(asked(gateway.clone())), canberra());
    drop(oldest);
    assert!(comes_to(&server.open, 0));
}

/// The gateway of a whole suite of tests.
static SHARED: LazyLock<(Server, llm_gateway_core::Gateway)> = LazyLock::new(|| {
    let server = Server::start();
    let gateway = server.gateway();
    (server, gateway)
});

#[tokio::test]
async fn a_static_gateway_in_one_test() {
    assert_eq!(asked(SHARED.1.clone()).await, canberra());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_gateway_in_another_test() {
    assert_eq!(asked(SHARED.1.clone()).await, canberra());
}

#[tokio::test(start_paused = true)]
async fn a_static_gateway_in_a_test_with_a_paused_clock() {
    assert_eq!(asked(SHARED.1.clone()).await, canberra());
}

#[test]
fn a_thread_that_may_block_can_wait_for_a_call() {
    let server = Server::start();
    let gateway = server.gateway();
    for runtime in [runtime(), with_threads()] {
        runtime.block_on(async {
            assert_eq!(asked(gateway.clone()).await, canberra());
            let (handle, gateway) = (Handle::current(), gateway.clone());
            let other = tokio::task::spawn_blocking(move || {
                let here = handle.block_on(asked(gateway.clone()));
                // A wrapper that makes a runtime of its own, within another's thread.
                (here, self::runtime().block_on(asked(gateway)))
            });
            assert_eq!(other.await.unwrap(), (canberra(), canberra()));
        });
    }
    with_threads().block_on(async {
        let (handle, again) = (Handle::current(), gateway.clone());
        let spawned =
            tokio::spawn(
                async move { tokio::task::block_in_place(|| handle.block_on(asked(again))) },
            );
        assert_eq!(spawned.await.unwrap(), canberra());
    });
}

/// A run may be started anywhere and sent on. It belongs to the runtime that polls it first.
#[test]
fn a_run_that_is_started_on_one_runtime_may_be_awaited_on_another() {
    let gateway = Server::start().gateway();
    let run = runtime().block_on(async { gateway.start(Request::new("q", "Capital?")) });
    let outside = gateway.start(Request::new("q", "Capital?"));
    for run in [run, outside] {
        assert_eq!(with_threads().block_on(run.outcome).unwrap().text(), "Canberra");
    }
}

/// A call that has begun cannot go elsewhere: its timers and its connection stay behind.
#[test]
fn a_call_that_has_begun_is_refused_on_another_runtime() {
    let server = Server::of(Manner { waits: Duration::ZERO, unfinished: usize::MAX });
    let gateway = server.gateway();
    for place in ["a runtime", "a runtime, the first has ended", "no runtime"] {
        let first = runtime();
        let mut call = Box::pin(gateway.route(Request::new("q", "Capital?")));
        first.block_on(async {
            let poll = tokio::time::timeout(Duration::from_millis(50), &mut call).await;
            assert!(poll.is_err());
        });
        let failure = match place {
            "no runtime" => {
                let mut context = Context::from_waker(Waker::noop());
                let mut call = pin!(call);
                match call.as_mut().poll(&mut context) {
                    std::task::Poll::Ready(it) => it.unwrap_err(),
                    std::task::Poll::Pending => panic!("it waits"),
                }
            }
            _ => {
                let kept = (place == "a runtime").then_some(first);
                let failure = with_threads().block_on(call).unwrap_err();
                drop(kept);
                failure
            }
        };
        assert_eq!(failure.category(), Category::Internal, "{place}");
        assert!(failure.to_string().contains("polled on another"), "{failure}");
    }
    assert!(comes_to(&server.open, 0));
}
