//! Calls that take longer than their client waits: they are answered with the id of their run, the
//! work goes on, and `llm_result` collects it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Environment, Error, Gateway};
use serde_json::{Value, json};
use test_support::{ACCEPTS, Conversation, FakeSocket, Place, Session, Wire, nanos};
use tokio::time::{Instant, timeout};

use crate::orchestrate::{Crew, TASK};
use crate::panels::asking_panel;
use crate::{asking, failure_of, question, server, session, success, text_block, with_keys};

/// A time after which calls are handed off. Nothing here is done before that, or everything is
/// waited for by its events.
const SOON: f64 = 0.05;

/// Returns the envelope of a run that goes on, the same in both copies.
pub(crate) fn running(result: &Value) -> Value {
    let envelope = text_block(result);
    assert_eq!(envelope["status"], "running", "{envelope:#}");
    assert_ne!(result["isError"], true);
    assert_eq!(result["structuredContent"], envelope);
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("llm_result"), "{envelope:#}");
    envelope
}

/// Returns the policy with calls that are handed off soon.
pub(crate) fn handing_off(mut policy: Value) -> Value {
    policy["output"] = json!({ "handoff_after_s": SOON });
    policy
}

/// Asks `llm_result` for a run until it is done.
async fn collected(session: &mut Session, run_id: &Value) -> Value {
    loop {
        let result = session.call("llm_result", json!({ "run_id": run_id })).await;
        if text_block(&result)["status"] != "running" {
            return result;
        }
    }
}

pub(crate) fn hello() -> String {
    Wire::OpenAi.answer("gpt-test", "hello").to_string()
}

/// Checks every field that a client sees of a run, as if the client had stayed.
#[tokio::test]
async fn an_answer_is_collected_as_if_the_client_had_stayed() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&handing_off(asking(&fake.base_url()))).await;
    let id = session.begin_call("llm_route", question());
    let handed = running(&session.result(id).await);
    let run_id = &handed["meta"]["run_id"];
    assert_eq!(handed["meta"]["task_class"], "ask");
    // opencode cancels every call that was answered.
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    let info = success(&session.call("llm_routing_info", json!({})).await);
    let shown = &info["data"]["runs"][0];
    assert_eq!((&shown["run_id"], &shown["state"]), (run_id, &json!("running")));
    let page = json!({ "run_id": run_id, "page": 1 });
    assert_eq!(running(&session.call("llm_result", page.clone()).await)["meta"]["run_id"], *run_id);
    assert_eq!((fake.asked_so_far(), fake.left_so_far()), (1, 0), "the work goes on");
    fake.release(&hello());
    let envelope = success(&collected(&mut session, run_id).await);
    assert_eq!(envelope["data"]["text"], "hello");
    assert_eq!(envelope["meta"]["run_id"], *run_id);
    assert_eq!(envelope["meta"]["cost_basis"], "exact");
    assert_eq!(success(&session.call("llm_result", page).await)["data"]["text"], "hello");
    assert_eq!(session.leave().await.replies_to(id), 1);
}

#[tokio::test]
async fn a_panel_is_collected_with_its_certificate() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&handing_off(asking_panel(&fake.base_url()))).await;
    let handed = running(&session.call("llm_route", question()).await);
    fake.asked(3).await;
    fake.release(&hello());
    let envelope = text_block(&collected(&mut session, &handed["meta"]["run_id"]).await);
    assert_eq!(envelope["meta"]["answered"], 3, "{envelope:#}");
    assert!(envelope["meta"]["certificate"]["receipt"]["digest"].is_string());
}

#[tokio::test]
async fn a_task_is_collected_with_its_receipt() {
    let crew = Crew::saying(&["a plan"], &["an artifact"], &[ACCEPTS]).await;
    let verifier = FakeSocket::hanging().await;
    let mut policy = handing_off(crew.policy_verified_at(&verifier.address()));
    policy["receipts"] = json!({ "dir": "receipts" });
    let (place, mut session) = session(&policy).await;
    let id = session.begin_call("llm_orchestrate", json!({ "task": TASK, "depth": "complex" }));
    let handed = running(&session.result(id).await);
    assert_eq!(handed["meta"]["task_class"], "orchestrate");
    session.notify("notifications/cancelled", json!({ "requestId": id }));
    verifier.asked(1).await;
    verifier.release(&Wire::Anthropic.answer("claude-test", ACCEPTS).to_string());
    let envelope = text_block(&collected(&mut session, &handed["meta"]["run_id"]).await);
    assert_eq!(envelope["data"]["artifact"], "an artifact", "{envelope:#}");
    assert!(envelope["meta"]["certificate"]["receipt"]["path"].is_string(), "{envelope:#}");
    assert!(place.files().iter().any(|(path, _)| path.to_string_lossy().contains("receipts")));
}

#[tokio::test]
async fn many_who_wait_get_the_same_and_one_who_leaves_takes_nothing_away() {
    let fake = FakeSocket::hanging().await;
    let mut policy = asking(&fake.base_url());
    policy["output"] = json!({ "handoff_after_s": 0.2 });
    let (_place, mut session) = session(&policy).await;
    let run_id = running(&session.call("llm_route", question()).await)["meta"]["run_id"].clone();
    let wanted = json!({ "run_id": run_id });
    let waiters: Vec<u64> =
        (0..5).map(|_| session.begin_call("llm_result", wanted.clone())).collect();
    session.notify("notifications/cancelled", json!({ "requestId": waiters[0] }));
    session.request("ping", json!({})).await;
    fake.release(&hello());
    for id in &waiters[1..] {
        let status = text_block(&session.result(*id).await)["status"].clone();
        assert!(status == "success" || status == "running", "{status}");
    }
    assert_eq!(success(&collected(&mut session, &run_id).await)["data"]["text"], "hello");
    assert_eq!(session.leave().await.replies_to(waiters[0]), 0);
}

#[tokio::test]
async fn runs_that_are_handed_off_at_once_are_all_collected() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&handing_off(asking(&fake.base_url()))).await;
    let calls: Vec<u64> = (0..60).map(|_| session.begin_call("llm_route", question())).collect();
    let mut runs = BTreeSet::new();
    for id in calls {
        let handed = running(&session.result(id).await);
        runs.insert(handed["meta"]["run_id"].as_str().unwrap().to_owned());
        session.notify("notifications/cancelled", json!({ "requestId": id }));
    }
    assert_eq!(runs.len(), 60);
    fake.asked(60).await;
    fake.release(&hello());
    for run_id in runs {
        let envelope = success(&collected(&mut session, &json!(run_id)).await);
        assert_eq!(envelope["data"]["text"], "hello");
    }
    assert_eq!(fake.left_so_far(), 0);
}

/// A client that is not listed, and a policy that says never, wait for the answer.
#[tokio::test]
async fn nobody_else_is_handed_off() {
    for rule in [None, Some(json!("auto")), Some(json!(0))] {
        let fake = FakeSocket::hanging().await;
        let mut policy = asking(&fake.base_url());
        if let Some(rule) = rule {
            policy["output"] = json!({ "handoff_after_s": rule });
        }
        let (_place, mut session) = session(&policy).await;
        let id = session.begin_call("llm_route", question());
        fake.asked(1).await;
        session.request("ping", json!({})).await;
        // A call of `llm_result` waits for the same run.
        let waiting = session.begin_call("llm_result", json!({ "run_id": "latest" }));
        session.request("ping", json!({})).await;
        fake.release(&hello());
        assert_eq!(success(&session.result(id).await)["data"]["text"], "hello");
        assert_eq!(success(&session.result(waiting).await)["data"]["text"], "hello");
    }
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_with_what_can() {
    for (rule, advice) in [
        (json!("atuo"), "did you mean `auto`"),
        (json!("later"), "use one of: auto, or a number"),
        (json!("30"), "take the quotes off: 30"),
        (json!(-1), "from 0 to 3600"),
        (json!(1e9), "from 0 to 3600"),
        (json!([30]), "write a number here"),
    ] {
        let mut policy = asking("http://127.0.0.1:9/v1");
        policy["output"] = json!({ "handoff_after_s": rule });
        let (_place, mut session) = session(&policy).await;
        let failed = failure_of("policy_invalid", &session.call("llm_route", question()).await);
        assert!(failed["data"]["problems"][0]["hint"].to_string().contains(advice), "{failed:#}");
    }
}

/// The cap of a session counts a call that was handed off while it works, and what it did cost.
#[tokio::test]
async fn what_is_handed_off_belongs_to_the_session() {
    let fake = FakeSocket::hanging().await;
    let place = Place::with_policy(handing_off(asking(&fake.base_url())).to_string());
    let launch = with_keys(server().at(&place)).variable("LLM_GATEWAY_CAP_SESSION", "1");
    let mut session = launch.connect().await;
    let begun = running(&session.call("llm_route", question()).await);
    fake.asked(1).await;
    let left = |info: &Value| nanos(&info["data"]["spend"]["caps"]["session"]["left_usd"]);
    let held = success(&session.call("llm_routing_info", json!({})).await);
    assert!(left(&held) < 1_000_000_000, "{held:#}");
    fake.release(&hello());
    let answer = success(&collected(&mut session, &begun["meta"]["run_id"]).await);
    let cost = nanos(&answer["meta"]["cost_usd_approx"]);
    let after = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!((left(&after), cost > 0), (1_000_000_000 - cost, true));
    assert_eq!(nanos(&answer["meta"]["budget"]["left_usd"]), left(&after));
}

/// An answer that comes before the time is up is no hand-off, and a failure is told at once.
#[tokio::test]
async fn what_is_done_in_time_is_answered() {
    let mut policy = asking("http://127.0.0.1:9/v1");
    policy["output"] = json!({ "handoff_after_s": 60 });
    let (_place, mut session) = session(&policy).await;
    failure_of("network", &session.call("llm_route", question()).await);
    let unknown = json!({ "task_class": "nothing", "prompt": "x" });
    failure_of("unknown_task_class", &session.call("llm_route", unknown).await);
    success(&session.call("llm_routing_info", json!({})).await);
}

/// A client that names itself in each call is known by that.
#[tokio::test]
async fn without_a_handshake_the_call_names_its_client() {
    let fake = FakeSocket::hanging().await;
    let place = Place::with_policy(handing_off(asking(&fake.base_url())).to_string());
    let mut session = with_keys(server().at(&place)).spawn();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "codex-mcp-client", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "llm_route", "arguments": question(), "_meta": meta });
    let result = session.request("tools/call", params).await["result"].clone();
    assert_eq!(result["structuredContent"]["status"], "running", "{result}");
    let line = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(line, "The result is in structuredContent; its status is running.");
}

/// A provider that never answers.
struct Silent;

#[async_trait]
impl Provider for Silent {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, _prepared: &Prepared, _recorder: &Recorder) -> Result<Completion, Error> {
        std::future::pending().await
    }
}

/// Returns the conversation of a client with a server in this process, whose clock is the test's.
async fn waiting(client: &str, output: &str) -> Conversation {
    let policy = "defaults: {ask: {provider: silent, model: any}}\nreliability: {deadline_s: 3000}\n\
        providers: {silent: {kind: openai, base_url: \"http://127.0.0.1:9\", api_key_env: null, timeout_s: 3000}}\n";
    let gateway = Gateway::builder()
        .policy_yaml(format!("{policy}{output}"))
        .environment(Environment::empty())
        .provider("silent", Arc::new(Silent))
        .build()
        .unwrap();
    let (client_reader, server_writer) = tokio::io::simplex(65_536);
    let (server_reader, client_writer) = tokio::io::simplex(65_536);
    let pending = std::future::pending();
    tokio::spawn(llm_gateway_stdio::serve(gateway, server_reader, server_writer, pending));
    let mut conversation = Conversation::over(client_reader, client_writer);
    conversation.initialize_by(client, "2025-11-25").await;
    conversation.notify("notifications/initialized", json!({}));
    conversation
}

/// Begins a call that asks for progress.
fn begin_with_progress(client: &mut Conversation) -> u64 {
    let params =
        json!({ "name": "llm_route", "arguments": question(), "_meta": { "progressToken": 1 } });
    client.begin("tools/call", params)
}

/// Checks with a paused clock that a call is handed off 10 s before its client gives up, and that
/// `llm_result` then waits for 50 s.
#[tokio::test(start_paused = true)]
async fn a_call_is_handed_off_before_its_clients_clock() {
    let mut client = waiting("opencode", "").await;
    let began = Instant::now();
    let handed = running(&client.call("llm_route", question()).await);
    assert_eq!(began.elapsed().as_secs(), 50);
    assert_eq!(handed["meta"]["age_s"], 50);
    let wanted = json!({ "run_id": handed["meta"]["run_id"] });
    assert_eq!(running(&client.call("llm_result", wanted).await)["meta"]["age_s"], 100);
    let info = client.call("llm_routing_info", json!({})).await["structuredContent"].clone();
    assert_eq!(info["data"]["runs"][0]["age_s"], 100);
}

/// Checks with a paused clock that nobody is handed off whom nothing cuts short: a client whose
/// clock progress starts anew, one that is not listed, one of a policy that says never.
#[tokio::test(start_paused = true)]
async fn a_call_without_a_hard_clock_is_not_handed_off() {
    let never = "output: {handoff_after_s: 0}";
    for (name, output) in [("opencode", ""), ("somebody", ""), ("gemini-cli-mcp-client", never)] {
        let mut client = waiting(name, output).await;
        let id = begin_with_progress(&mut client);
        let answer = async {
            while let Some(message) = client.next().await {
                if message["id"] == id {
                    return message;
                }
            }
            json!("the server left")
        };
        // Nothing may come within this time; the clock of a test's own patience is longer.
        let answer = timeout(Duration::from_secs(59), answer).await;
        assert!(answer.is_err(), "{name}: {answer:?}");
    }
}

/// Checks with a paused clock that a call is handed off whose token asks for progress in vain: a
/// token that no notification repeats, or that another call has.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_told_nothing_is_handed_off() {
    let token = |token: Value| json!({ "name": "llm_route", "arguments": question(), "_meta": { "progressToken": token } });
    let mut client = waiting("opencode", "").await;
    begin_with_progress(&mut client);
    let ids = [json!(1), json!("x".repeat(2_000))]
        .map(|unusable| client.begin("tools/call", token(unusable)));
    for id in ids {
        let answer = timeout(Duration::from_secs(59), client.result(id)).await;
        running(&answer.expect("it is handed off"));
    }
}
