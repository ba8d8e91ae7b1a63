//! Tests of the end of a session: nothing hangs or is left running, and an answer that is about to
//! arrive is not lost.

use std::time::Duration;

use serde_json::json;
use test_support::{FakeProvider, FakeSocket, Place, Wire};

use crate::{asking, question, server, session};

#[tokio::test]
async fn end_of_input_before_initialize_exits_0() {
    let ending = server().spawn().leave().await;
    assert!(ending.status.success(), "{}", ending.status);
    assert!(ending.stdout.is_empty());
}

#[tokio::test]
async fn a_signal_before_initialize_exits_0() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut session = server().spawn();
        // The answer shows that the server listens for signals.
        session.initialize_as("2025-11-25").await;
        session.signal(signal);
        let ending = session.exit().await;
        assert!(ending.status.success(), "{signal}: {}", ending.status);
    }
}

#[tokio::test]
async fn end_of_input_with_nothing_in_flight_exits_0() {
    let (_place, session) = session(&asking("http://127.0.0.1:9/v1")).await;
    let ending = session.leave().await;
    assert!(ending.status.success(), "{}", ending.status);
}

#[tokio::test]
async fn a_call_that_is_about_to_finish_is_answered_after_the_end_of_input() {
    let soon = Duration::from_millis(100);
    let fake = FakeProvider::answering_after(soon, Wire::OpenAi, "gpt-test", "just in time").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    let ending = session.leave().await;
    assert!(ending.status.success(), "{}", ending.status);
    assert_eq!(ending.replies_to(id), 1);
    assert!(ending.stdout.iter().any(|line| line.contains("just in time")), "{:?}", ending.stdout);
}

#[tokio::test]
async fn a_slow_call_is_cancelled_after_the_end_of_input() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    fake.asked(1).await;
    let ending = session.leave().await;
    assert!(ending.status.success(), "{}", ending.status);
    assert_eq!(ending.replies_to(id), 0, "it did not really come");
    fake.left(1).await;
}

/// What really came is answered, what did not is not, also of one batch.
#[tokio::test]
async fn a_batch_that_is_cut_short_answers_what_came() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let call = |id: &str, name: &str, arguments: serde_json::Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": { "name": name, "arguments": arguments } })
    };
    let slow = call("slow", "llm_route", question());
    let quick = call("quick", "llm_routing_info", json!({}));
    session.raw(format!("{}\n", json!([slow, quick])));
    fake.asked(1).await;
    let ending = session.leave().await;
    let said = ending.stdout.concat();
    assert!(said.contains(r#""id":"quick""#) && !said.contains(r#""id":"slow""#), "{said}");
}

#[tokio::test]
async fn a_signal_with_work_in_flight_hangs_up_and_exits_0() {
    for signal in ["TERM", "INT", "HUP"] {
        let fake = FakeSocket::hanging().await;
        let (_place, mut session) = session(&asking(&fake.base_url())).await;
        let ids: Vec<u64> = (0..8).map(|_| session.begin_call("llm_route", question())).collect();
        fake.asked(8).await;
        session.signal(signal);
        let ending = session.exit().await;
        assert!(ending.status.success(), "{signal}: {}", ending.status);
        fake.left(8).await;
        for id in ids {
            assert!(ending.replies_to(id) <= 1);
        }
    }
}

#[tokio::test]
async fn a_cancelled_call_hangs_up_and_gets_no_reply() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let cancelled = session.begin_call("llm_route", question());
    let kept = session.begin_call("llm_route", question());
    fake.asked(2).await;
    session.notify("notifications/cancelled", json!({ "requestId": cancelled, "reason": "bored" }));
    fake.left(1).await;
    assert_eq!(fake.left_so_far(), 1, "the other call goes on");
    fake.release(&Wire::OpenAi.answer("gpt-test", "hello").to_string());
    session.result(kept).await;
    session.request("ping", json!({})).await;
    let ending = session.leave().await;
    assert_eq!((ending.replies_to(cancelled), ending.replies_to(kept)), (0, 1));
}

#[tokio::test]
async fn cancelling_what_is_unknown_or_done_is_ignored() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    session.notify("notifications/cancelled", json!({ "requestId": 999 }));
    let id = session.begin_call("llm_route", question());
    session.result(id).await;
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    session.notify("notifications/cancelled", json!({}));
    session.call("llm_route", question()).await;
}

#[tokio::test]
async fn a_client_that_stops_reading_does_not_keep_the_server_alive() {
    // Larger than any pipe, so that the server is stuck in writing.
    let text = "x".repeat(2_000_000);
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &text).await;
    let mut policy = asking(&fake.base_url());
    policy["output"] = json!({ "max_chars": 3_000_000 });
    let place = Place::with_policy(policy.to_string());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_llm-gateway-stdio"));
    command.arg("--routing").arg(place.policy()).env_clear().env("OPENAI_API_KEY", crate::KEY);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let _unread = child.stdout.take().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "deaf", "version": "1" },
    }});
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "llm_route", "arguments": question(),
    }});
    let lines = format!("{hello}\n{ready}\n{call}\n");
    tokio::io::AsyncWriteExt::write_all(&mut stdin, lines.as_bytes()).await.unwrap();
    drop(stdin);
    let status = test_support::in_time("exit with a deaf client", child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
}
