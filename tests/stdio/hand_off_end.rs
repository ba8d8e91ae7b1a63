//! Runs that were handed off, when the server or its client ends.

use std::time::Duration;

use serde_json::json;
use test_support::{ACCEPTS, FakeSocket, Place, Wire};

use crate::hand_off::{handing_off, hello, running};
use crate::orchestrate::{Crew, TASK};
use crate::{asking, question, server, session, success, with_keys};

/// What is handed off ends with the server, its connection closed and its money booked.
#[tokio::test]
async fn work_that_was_handed_off_ends_with_the_server() {
    for signal in [None, Some("TERM"), Some("INT")] {
        let fake = FakeSocket::hanging().await;
        let place = Place::with_policy(handing_off(asking(&fake.base_url())).to_string());
        let launch = with_keys(server().at(&place)).variable("LLM_GATEWAY_LEDGER", "1");
        let mut session = launch.connect().await;
        let id = session.begin_call("llm_route", question());
        running(&session.result(id).await);
        fake.asked(1).await;
        let ending = match signal {
            Some(signal) => {
                session.signal(signal);
                session.exit().await
            }
            None => session.leave().await,
        };
        assert!(ending.status.success(), "{signal:?}: {}", ending.status);
        assert_eq!(ending.replies_to(id), 1);
        fake.left(1).await;
        let launch = with_keys(server().at(&place)).variable("LLM_GATEWAY_LEDGER", "1");
        let info = success(&launch.connect().await.call("llm_routing_info", json!({})).await);
        let spend = &info["data"]["spend"];
        assert_eq!(
            (&spend["held_usd"], spend["total_usd"].as_f64() > Some(0.0)),
            (&json!(0.0), true),
            "{spend}"
        );
    }
}

#[tokio::test]
async fn a_task_that_was_handed_off_leaves_a_receipt_when_the_server_ends() {
    for signal in [None, Some("TERM")] {
        let crew = Crew::saying(&["a plan"], &["an artifact"], &[ACCEPTS]).await;
        let verifier = FakeSocket::hanging().await;
        let mut policy = handing_off(crew.policy_verified_at(&verifier.address()));
        policy["receipts"] = json!({ "dir": "receipts", "bundle": true });
        let (place, mut session) = session(&policy).await;
        let arguments = json!({ "task": TASK, "depth": "complex" });
        running(&session.call("llm_orchestrate", arguments).await);
        verifier.asked(1).await;
        let ending = match signal {
            Some(signal) => {
                session.signal(signal);
                session.exit().await
            }
            None => session.leave().await,
        };
        assert!(ending.status.success());
        verifier.left(1).await;
        let written = place.files();
        let receipts =
            written.iter().filter(|(path, _)| path.to_string_lossy().ends_with(".receipt.json"));
        assert_eq!(receipts.count(), 1, "{signal:?}");
    }
}

/// A call that waits for a handed-off task gets what was paid for when a signal ends the server.
#[tokio::test]
async fn whoever_waits_gets_what_the_run_had_when_a_signal_ends_the_server() {
    for signal in ["TERM", "INT"] {
        let crew = Crew::saying(&["a plan"], &["an artifact"], &[ACCEPTS]).await;
        let verifier = FakeSocket::hanging().await;
        let mut policy = crew.policy_verified_at(&verifier.address());
        // `llm_result` waits as long, which is time enough for a signal.
        policy["output"] = json!({ "handoff_after_s": 2 });
        let (_place, mut session) = session(&policy).await;
        let begun = running(&session.call("llm_orchestrate", json!({ "task": TASK })).await);
        verifier.asked(1).await;
        let waiting =
            session.begin_call("llm_result", json!({ "run_id": begun["meta"]["run_id"] }));
        session.request("ping", json!({})).await;
        session.signal(signal);
        let ending = session.exit().await;
        assert!(ending.status.success());
        let answers = ending.messages();
        let answer = answers.iter().find(|message| message["id"] == waiting).unwrap();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("an artifact"), "{signal}: {text}");
    }
}

/// After its client has left, no call is answered `running`: nobody would come back for it.
#[tokio::test]
async fn nothing_is_handed_off_to_a_client_that_has_left() {
    let fake = FakeSocket::hanging().await;
    let mut policy = asking(&fake.base_url());
    policy["output"] = json!({ "handoff_after_s": 0.4 });
    let (_place, mut session) = session(&policy).await;
    let id = session.begin_call("llm_route", question());
    fake.asked(1).await;
    session.close_stdin();
    tokio::time::sleep(Duration::from_millis(600)).await;
    fake.release(&hello());
    let ending = session.exit().await;
    assert_eq!(ending.replies_to(id), 1);
    let answers = ending.messages();
    let answer = answers.iter().find(|message| message["id"] == id).unwrap();
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("hello") && !text.contains("running"), "{text}");
}

/// The server waits for a handed-off run within the second that calls in flight have.
#[tokio::test]
async fn a_run_that_is_about_to_finish_may_do_so() {
    let crew = Crew::saying(&["a plan"], &["an artifact"], &[ACCEPTS]).await;
    let verifier = FakeSocket::hanging().await;
    let mut policy = handing_off(crew.policy_verified_at(&verifier.address()));
    policy["receipts"] = json!({ "dir": "receipts" });
    let (place, mut session) = session(&policy).await;
    running(&session.call("llm_orchestrate", json!({ "task": TASK })).await);
    verifier.asked(1).await;
    session.close_stdin();
    verifier.release(&Wire::Anthropic.answer("claude-test", ACCEPTS).to_string());
    session.exit().await;
    let receipt = place
        .files()
        .into_iter()
        .find(|(path, _)| path.to_string_lossy().ends_with(".receipt.json"));
    assert!(receipt.is_some());
    assert_eq!(verifier.left_so_far(), 0, "it was answered");
}
