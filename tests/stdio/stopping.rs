//! A task that the server or the client ends early keeps what was paid for: in its answer, if there
//! is one, and in its receipt.

use serde_json::{Value, json};
use test_support::{Ending, FakeProvider, FakeSocket, Place, Session, Wire};

use crate::orchestrate::{GOOD, PLAN, TASK, working};
use crate::{server, with_keys};

/// A task whose planner and worker have answered while its verifier hangs.
struct Unjudged {
    place: Place,
    session: Session,
    id: u64,
    verifier: FakeSocket,
    _crew: [FakeProvider; 2],
}

impl Unjudged {
    async fn begun() -> Self {
        let planner = FakeProvider::answering(Wire::Gemini, "gemini-test", PLAN).await;
        let worker = FakeProvider::answering(Wire::OpenAi, "gpt-test", GOOD).await;
        let verifier = FakeSocket::hanging().await;
        let mut policy = working([&planner.base_url(), &worker.base_url(), &verifier.base_url()]);
        policy["receipts"] = json!({ "dir": "receipts", "bundle": true });
        let place = Place::with_policy(policy.to_string());
        let mut session = with_keys(server().at(&place)).connect().await;
        let id = session.begin_call("llm_orchestrate", json!({ "task": TASK, "depth": "complex" }));
        verifier.asked(1).await;
        Self { place, session, id, verifier, _crew: [planner, worker] }
    }
}

/// Returns the kinds of documents that were written about the only run.
fn written(place: &Place) -> Vec<String> {
    let files = place.files();
    let names = files.iter().filter_map(|(path, _)| path.file_name()?.to_str());
    let names = names.filter_map(|name| name.split_once('.').filter(|(id, _)| id.len() == 32));
    let mut kinds: Vec<String> = names.map(|(_, kind)| kind.to_owned()).collect();
    kinds.sort();
    kinds
}

/// Returns the envelope of the only reply to a call.
#[track_caller]
fn envelope(ending: &Ending, id: u64) -> Value {
    assert_eq!(ending.replies_to(id), 1);
    let replies = ending.stdout.iter().filter_map(|line| serde_json::from_str(line).ok());
    let reply: Value = replies.into_iter().find(|reply: &Value| reply["id"] == id).unwrap();
    serde_json::from_str(reply["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_server_that_a_signal_ends_answers_with_the_work_there_is() {
    for signal in ["TERM", "INT", "HUP"] {
        let Unjudged { place, session, id, verifier, _crew } = Unjudged::begun().await;
        session.signal(signal);
        let ending = session.exit().await;
        assert!(ending.status.success(), "{signal}: {}", ending.status);
        verifier.left(1).await;
        let envelope = envelope(&ending, id);
        let (data, meta) = (&envelope["data"], &envelope["meta"]);
        assert_eq!((&data["artifact"], &data["plan"]), (&json!(GOOD), &json!(PLAN)), "{signal}");
        assert_eq!(meta["error_category"], "cancelled", "{signal}");
        assert_eq!(meta["failed_stage"], "verify", "{signal}");
        assert_eq!(written(&place), ["bundle.json", "receipt.json"], "{signal}");
    }
}

/// A client that has closed its end expects no answer but those that were about to come.
#[tokio::test]
async fn a_client_that_leaves_gets_a_receipt_and_no_answer() {
    let Unjudged { place, session, id, verifier, _crew } = Unjudged::begun().await;
    let ending = session.leave().await;
    assert!(ending.status.success(), "{}", ending.status);
    verifier.left(1).await;
    assert_eq!(ending.replies_to(id), 0);
    assert_eq!(written(&place), ["bundle.json", "receipt.json"]);
}

/// Checks that a cancelled call leaves its receipt, because it gets no reply.
#[tokio::test]
async fn a_client_that_cancels_leaves_a_receipt_of_what_was_paid_for() {
    let Unjudged { place, mut session, id, verifier, _crew } = Unjudged::begun().await;
    session.notify("notifications/cancelled", json!({ "requestId": id, "reason": "bored" }));
    verifier.left(1).await;
    session.request("ping", json!({})).await;
    let ending = session.leave().await;
    assert_eq!(ending.replies_to(id), 0);
    assert_eq!(written(&place), ["bundle.json", "receipt.json"]);
}
