//! Junk, large messages, many calls at once and panics affect at most their own call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Environment, Error, Gateway};
use serde_json::{Value, json};
use test_support::{Conversation, FakeProvider, FakeSocket, Launch, Place, Wire, in_time};
use tokio::sync::Notify;

use crate::{asking, asking_of, failure_of, question, server, session, success, with_keys};

#[tokio::test]
async fn junk_on_stdin_is_passed_over() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    session.raw("\n\n   \r\n");
    session.raw("hello?\n{\n}{\nnull\n[]\n42\n\"text\"\n");
    session
        .raw("{\"jsonrpc\": \"2.0\"}\n{\"jsonrpc\": \"1.0\", \"id\": 900, \"method\": \"ping\"}\n");
    session.raw("{\"jsonrpc\": \"2.0\", \"id\": {}, \"method\": 7}\n");
    session.raw(vec![0x00, 0xff, 0xfe, 0x80, b'{', 0xc3, 0x28, b'\n']);
    session.raw(format!("{}\n", "[".repeat(100_000)));
    assert!(session.request("ping", json!({})).await["result"].is_object());
    success(&session.call("llm_routing_info", json!({})).await);
    assert!(session.leave().await.status.success());
}

#[tokio::test]
async fn junk_before_initialize_is_passed_over() {
    let mut session = server().spawn();
    session.raw("npm warn: something\n\n");
    session.raw(vec![0xff, 0x00, b'\n']);
    let reply = session.initialize().await;
    assert!(reply["result"].is_object(), "{reply}");
}

#[tokio::test]
async fn lines_may_end_as_on_windows_and_arrive_in_pieces() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    session.raw("{\"jsonrpc\": \"2.0\", \"id\": 700, ");
    tokio::task::yield_now().await;
    session.raw("\"method\": \"ping\"}\r\n");
    assert!(session.reply(700).await["result"].is_object());
}

#[tokio::test]
async fn two_megabytes_travel_whole_in_both_directions() {
    let large = "äö\"\\\n\u{1F980} words ".repeat(120_000);
    assert!(large.len() > 2_000_000);
    for (wire, provider) in
        [(Wire::OpenAi, "openai"), (Wire::Anthropic, "anthropic"), (Wire::Gemini, "gemini")]
    {
        let fake = FakeProvider::answering(wire, "m-test", &large).await;
        let mut policy = asking_of(provider, "m-test", &fake.base_url());
        policy["output"] = json!({ "max_chars": 10_000_000 });
        let (_place, mut session) = session(&policy).await;
        let arguments = json!({ "task_class": "ask", "prompt": large });
        let envelope = success(&session.call("llm_route", arguments).await);
        assert!(envelope["data"]["text"] == large.as_str(), "{provider}: the answer was changed");
        let body: Value = fake.request().await.body_json().unwrap();
        let sent = match wire {
            Wire::Gemini => &body["contents"][0]["parts"][0]["text"],
            _ => &body["messages"][0]["content"],
        };
        assert!(*sent == large.as_str(), "{provider}: the prompt was changed");
    }
}

#[tokio::test]
async fn a_long_answer_keeps_its_head_and_its_tail_within_the_bound() {
    let text = format!("HEAD {} TAIL", "\"quoted\" \\ \u{1F980} ".repeat(50_000));
    for max_chars in [Some(2_000), None] {
        let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &text).await;
        let mut policy = asking(&fake.base_url());
        if let Some(max_chars) = max_chars {
            policy["output"] = json!({ "max_chars": max_chars });
        }
        let (_place, mut session) = session(&policy).await;
        let result = session.call("llm_route", question()).await;
        let envelope = success(&result);
        let length = result["content"][0]["text"].as_str().unwrap().chars().count();
        let bound = max_chars.unwrap_or(30_000);
        assert!(length <= bound, "{length} characters, {bound} allowed");
        assert!(length > bound / 2, "only {length} of {bound} characters were used");
        let shown = envelope["data"]["text"].as_str().unwrap();
        assert!(shown.starts_with("HEAD") && shown.ends_with("TAIL"), "{shown}");
        assert_eq!(envelope["meta"]["truncated"], true);
        assert!(envelope["meta"]["run_id"].is_string() && envelope["meta"]["tokens"].is_object());
    }
}

#[tokio::test]
async fn a_bound_that_is_too_small_is_kept_or_refused() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &"x".repeat(5_000)).await;
    for max_chars in [0, 1, 100, 500, 1_000] {
        let mut policy = asking(&fake.base_url());
        policy["output"] = json!({ "max_chars": max_chars });
        let (_place, mut session) = session(&policy).await;
        let result = session.call("llm_route", question()).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        if result["isError"] == true {
            failure_of("policy_invalid", &result);
        } else {
            success(&result);
            assert!(text.chars().count() <= max_chars, "{} of {max_chars}", text.chars().count());
        }
    }
}

#[tokio::test]
async fn an_answer_within_the_bound_is_not_called_truncated() {
    let text = "x".repeat(20_000);
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &text).await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(envelope["data"]["text"], text);
    assert_ne!(envelope["meta"]["truncated"], true);
}

#[tokio::test]
async fn the_description_of_a_huge_policy_stays_within_the_bound() {
    let mut policy = asking("http://127.0.0.1:9/v1");
    for n in 0..500 {
        policy["defaults"][format!("class_{n}")] = json!({
            "provider": "openai", "model": "gpt-test", "rationale": "For this and that. ".repeat(20),
        });
    }
    let (_place, mut session) = session(&policy).await;
    let result = session.call("llm_routing_info", json!({})).await;
    success(&result);
    let length = result["content"][0]["text"].as_str().unwrap().chars().count();
    assert!(length <= 30_000, "{length} characters");
}

#[tokio::test]
async fn a_crowd_of_slow_calls_delays_nobody_and_each_is_answered_once() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let ids: Vec<u64> = (0..64).map(|_| session.begin_call("llm_route", question())).collect();
    fake.asked(64).await;
    // All 64 are held open while these are answered.
    assert!(session.request("ping", json!({})).await["result"].is_object());
    success(&session.call("llm_routing_info", json!({})).await);
    assert!(session.request("tools/list", json!({})).await["result"]["tools"].is_array());
    assert_eq!((fake.asked_so_far(), fake.left_so_far()), (64, 0), "they are held still");
    fake.release(&Wire::OpenAi.answer("gpt-test", "hello").to_string());
    let mut runs = std::collections::BTreeSet::new();
    for &id in &ids {
        let envelope = success(&session.result(id).await);
        runs.insert(envelope["meta"]["run_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(runs.len(), 64, "each call is a run of its own");
    let ending = session.leave().await;
    assert!(ids.into_iter().all(|id| ending.replies_to(id) == 1));
    assert_eq!(fake.asked_so_far(), 64, "identical calls are not merged or repeated");
}

/// A provider that panics in `prepare` on the prompt `early`, in `send` on the prompt `late`, and
/// there on the prompt `held` once it is notified.
struct Panicking(Arc<Notify>);

#[async_trait]
impl Provider for Panicking {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        assert!(!format!("{:?}", call.prompt).contains("early"), "a panic in prepare");
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _recorder: &Recorder) -> Result<Completion, Error> {
        let prompt = format!("{:?}", prepared.call.prompt);
        if prompt.contains("held") {
            self.0.notified().await;
        }
        assert!(!prompt.contains("late") && !prompt.contains("held"), "a panic in send");
        Ok(Completion::text("calm"))
    }
}

#[tokio::test]
async fn a_panic_is_that_calls_error_and_the_server_goes_on() {
    let (mut client, serving) = nervous("", Arc::default()).await;
    for when in ["early", "late"] {
        let arguments = json!({ "task_class": "ask", "prompt": when });
        let result = client.call("llm_route", arguments).await;
        let envelope = failure_of("internal", &result);
        assert!(!envelope.to_string().contains("a panic in"), "no internals: {envelope:#}");
        // A run for which nobody was asked is not kept.
        let latest = client.call("llm_result", json!({ "run_id": "latest" })).await;
        assert_eq!(latest == result, when == "late", "{latest}");
    }
    let envelope = success(&client.call("llm_route", question()).await);
    assert_eq!(envelope["data"]["text"], "calm");
    assert!(client.request("ping", json!({})).await["result"].is_object());
    client.close_stdin();
    drop(client);
    serving.abort();
    let _ = in_time("the server's end", serving).await;
}

/// Checks that a panic in a run whose call was handed off is its result, for all who wait for it.
#[tokio::test]
async fn a_panic_after_the_hand_off_is_the_result_of_its_run() {
    let release = Arc::new(Notify::new());
    let more = "output: {handoff_after_s: 0.05}";
    let (mut client, serving) = nervous(more, Arc::clone(&release)).await;
    let arguments = json!({ "task_class": "ask", "prompt": "held" });
    let handed = client.call("llm_route", arguments).await["structuredContent"].clone();
    assert_eq!(handed["status"], "running", "{handed}");
    release.notify_one();
    let wanted = json!({ "run_id": handed["meta"]["run_id"] });
    let mut result = client.call("llm_result", wanted.clone()).await;
    while result["structuredContent"]["status"] == "running" {
        result = client.call("llm_result", wanted.clone()).await;
    }
    let envelope = failure_of("internal", &result);
    assert_eq!(envelope["meta"]["run_id"], wanted["run_id"]);
    serving.abort();
    let _ = in_time("the server's end", serving).await;
}

/// Serves a gateway whose provider may panic. `more` is added to its policy.
async fn nervous(more: &str, release: Arc<Notify>) -> (Conversation, tokio::task::JoinHandle<()>) {
    let gateway = Gateway::builder()
        .policy_yaml(format!("defaults: {{ask: {{provider: nervous, model: any}}}}\n{more}"))
        .environment(Environment::empty())
        .provider("nervous", Arc::new(Panicking(release)))
        .build()
        .unwrap();
    let (client_reader, server_writer) = tokio::io::simplex(65_536);
    let (server_reader, client_writer) = tokio::io::simplex(65_536);
    let serving =
        llm_gateway_stdio::serve(gateway, server_reader, server_writer, std::future::pending());
    let serving = tokio::spawn(serving);
    let mut client = Conversation::over(client_reader, client_writer);
    client.initialize().await;
    (client, serving)
}

#[tokio::test]
async fn stdout_carries_only_messages_however_much_is_logged() {
    let fake = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 500, "x", "sorry").await;
    let place = test_support::Place::with_policy(asking(&fake.base_url()).to_string());
    for level in ["debug", "trace", "no=such=filter"] {
        let launch = crate::with_keys(server().at(&place)).argument("--log").argument(level);
        let mut session = launch.variable("RUST_LOG", "trace").connect().await;
        session.raw("junk\n");
        session.call("llm_route", question()).await;
        session.call("llm_routing_info", json!({})).await;
        // `leave` fails on any line that is no JSON-RPC.
        assert!(session.leave().await.stdout.len() >= 3);
    }
}

/// Checks that a process without a free descriptor fails the calls that need one, and blames no
/// provider.
#[cfg(unix)]
#[tokio::test]
async fn a_want_of_descriptors_opens_no_breaker() {
    const CALLS: usize = 40;
    const SLOW: Duration = Duration::from_millis(400);
    let fake = FakeProvider::answering_after(SLOW, Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string());
    let few = Launch::of("/bin/sh")
        .argument("-c")
        .argument("ulimit -n 24; exec \"$0\" \"$@\"")
        .argument(env!("CARGO_BIN_EXE_llm-gateway-stdio"));
    let mut session = with_keys(few.at(&place)).connect().await;
    let ids: Vec<_> = (0..CALLS).map(|_| session.begin_call("llm_route", question())).collect();
    let mut failed = 0;
    for id in ids {
        let result = session.result(id).await;
        if result["isError"] == true {
            failure_of("internal", &result);
            failed += 1;
        }
    }
    assert!((1..CALLS).contains(&failed), "{failed} of {CALLS}");
    success(&session.call("llm_route", question()).await);
}
