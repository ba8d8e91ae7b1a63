//! The policy and `.env` are edited while the server runs: an edit counts, a broken one does not,
//! and a client is told when its tools have changed.
//!
//! Tests wait for what the server does, and never for a time.

use std::fs;

use serde_json::{Value, json};
use test_support::{Ending, FakeProvider, FakeSocket, Place, Session, Wire, in_time};

use crate::{KEY, asking, failure_of, question, server, success, with_keys};

const CHANGED: &str = "notifications/tools/list_changed";

/// What a client of the version without a handshake says with each request.
fn inline() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "conversation", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// Saves a policy in place. Its length must differ from before, or a second save within one tick of
/// the file system's clock would not show.
fn save(place: &Place, policy: &Value) {
    fs::write(place.policy(), policy.to_string()).unwrap();
}

/// Saves a policy as many editors do: into another file, which then takes the place of the first.
fn save_by_rename(place: &Place, policy: &Value) {
    let other = place.path("policy/.routing.yaml.swp");
    fs::write(&other, policy.to_string()).unwrap();
    fs::rename(other, place.policy()).unwrap();
}

/// Returns a policy with one more class, which asks what `ask` asks.
fn with_class(mut policy: Value, name: &str) -> Value {
    policy["defaults"][name] = policy["defaults"]["ask"].clone();
    policy
}

/// Waits until the server says that its tools have changed.
async fn told(session: &mut Session) -> Value {
    let message = session.next().await.expect("the server is there");
    assert_eq!(message["method"], CHANGED, "{message}");
    message
}

/// Asks for `llm_routing_info` until it is as wanted, and returns it.
async fn info(session: &mut Session, wanted: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let info = success(&session.call("llm_routing_info", json!({})).await);
            if wanted(&info["data"]) {
                return info["data"].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    in_time("another description", asked).await
}

async fn classes(session: &mut Session) -> Value {
    let tools = session.request("tools/list", json!({})).await["result"]["tools"].clone();
    tools[0]["inputSchema"]["properties"]["task_class"]["enum"].clone()
}

fn times_told(ending: &Ending) -> usize {
    ending.messages().iter().filter(|message| message["method"] == CHANGED).count()
}

#[tokio::test]
async fn an_edit_counts_and_is_told_once() {
    let provider = FakeProvider::answering(Wire::OpenAi, "gpt-test", "Hello.").await;
    let policy = asking(&provider.base_url());
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).connect().await;
    save(&place, &with_class(policy.clone(), "another"));
    told(&mut session).await;
    // A client that never lists again, as Codex, may use the new class.
    let question_of = |class| json!({ "task_class": class, "prompt": "What is a monad?" });
    success(&session.call("llm_route", question_of("another")).await);
    assert_eq!(classes(&mut session).await, json!(["ask", "another"]));

    let mut without = with_class(policy, "additional");
    without["defaults"].as_object_mut().unwrap().remove("ask");
    save_by_rename(&place, &without);
    told(&mut session).await;
    assert_eq!(classes(&mut session).await, json!(["additional"]));
    success(&session.call("llm_route", question_of("additional")).await);
    for near in ["aditional", "Additional", "ADDITIONAL"] {
        let gone = session.call("llm_route", question_of(near)).await;
        let gone = failure_of("unknown_task_class", &gone).to_string();
        assert!(gone.contains("did you mean `additional`?"), "the nearest is named: {gone}");
    }
    let ending = session.leave().await;
    assert_eq!(times_told(&ending), 2);
    assert!(ending.stderr.contains("the policy was read anew"), "{}", ending.stderr);
}

#[tokio::test]
async fn a_broken_edit_is_told_and_the_last_good_policy_stays() {
    let provider = FakeProvider::answering(Wire::OpenAi, "gpt-test", "Hello.").await;
    let policy = asking(&provider.base_url());
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).connect().await;
    let before = info(&mut session, |_| true).await;
    assert_eq!(before.get("policy_error"), None);

    fs::write(place.policy(), "defaults:\n  ask: {provider: opnai, model: gpt-test}\n").unwrap();
    let broken = info(&mut session, |data| data.get("policy_error").is_some()).await;
    let error = &broken["policy_error"];
    assert_eq!(error["file"], json!(place.policy()));
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(19)), "{error}");
    assert!(error["message"].as_str().unwrap().contains("opnai"), "{error}");
    assert_eq!(error["hint"], "did you mean `openai`?");
    assert_eq!(broken["policy_digest"], before["policy_digest"]);
    success(&session.call("llm_route", question()).await);

    fs::remove_file(place.policy()).unwrap();
    let is_gone = |data: &Value| data["policy_error"].to_string().contains("no such file");
    info(&mut session, is_gone).await;
    success(&session.call("llm_route", question()).await);

    save_by_rename(&place, &policy);
    info(&mut session, |data| data.get("policy_error").is_none()).await;
    let ending = session.leave().await;
    assert_eq!(times_told(&ending), 0, "what a client sees has not changed");
    let lines = ending.stderr.matches("the last good policy stays in force").count();
    assert_eq!(lines, 2, "{}", ending.stderr);
}

#[tokio::test]
async fn a_policy_that_was_broken_at_the_start_is_mended() {
    let provider = FakeProvider::answering(Wire::OpenAi, "gpt-test", "Hello.").await;
    let place = Place::with_policy("defaults: [");
    let mut session = with_keys(server().at(&place)).connect().await;
    failure_of("policy_invalid", &session.call("llm_route", question()).await);
    save(&place, &asking(&provider.base_url()));
    told(&mut session).await;
    success(&session.call("llm_route", question()).await);
    assert_eq!(classes(&mut session).await, json!(["ask"]));
}

#[tokio::test]
async fn a_call_under_way_ends_on_the_policy_it_began_with() {
    let slow = FakeSocket::hanging().await;
    let quick = FakeProvider::answering(Wire::OpenAi, "gpt-test", "From the new one.").await;
    let place = Place::with_policy(asking(&slow.base_url()).to_string());
    let mut session = with_keys(server().at(&place)).connect().await;
    let under_way = session.begin_call("llm_route", question());
    slow.asked(1).await;
    let mut other = with_class(asking(&quick.base_url()), "other");
    other["output"] = json!({ "max_chars": 2000 });
    save(&place, &other);
    told(&mut session).await;
    let after = success(&session.call("llm_route", question()).await);
    assert_eq!(after["data"]["text"], "From the new one.");

    let message = json!({ "role": "assistant", "content": "From the old one." });
    let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
    slow.release(&json!({ "model": "gpt-test", "choices": [choice], "usage": usage }).to_string());
    let before = success(&session.result(under_way).await);
    assert_eq!(before["data"]["text"], "From the old one.");
}

/// The size of a page belongs to its run, or the caller is told to begin again.
#[tokio::test]
async fn pages_join_although_their_bound_changes() {
    let text = format!("HEAD {} TAIL", "\"äö\u{1F980}\n words ".repeat(2_000));
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", &text).await;
    for (first, later) in [(3_000, 20_000), (20_000, 3_000)] {
        let mut policy = asking(&fake.base_url());
        policy["output"] = json!({ "max_chars": first });
        let place = Place::with_policy(policy.to_string());
        let mut session = with_keys(server().at(&place)).connect().await;
        let meta = success(&session.call("llm_route", question()).await)["meta"].clone();
        policy["output"] = json!({ "max_chars": later });
        let page = |page: u64| json!({ "run_id": meta["run_id"], "page": page });
        let mut pages = meta["pages"].as_u64().unwrap();
        let mut joined = String::new();
        let mut at = 1;
        while at <= pages {
            let envelope = success(&session.call("llm_result", page(at)).await);
            assert_eq!(envelope["meta"]["pages"], pages);
            joined.push_str(envelope["data"]["text"].as_str().unwrap());
            at += 1;
            if at != 2 || policy["defaults"]["other"].is_object() {
                continue;
            }
            policy = with_class(policy, "other");
            save(&place, &policy);
            told(&mut session).await;
            if later < first {
                let result = session.call("llm_result", page(2)).await;
                let told = failure_of("invalid_request", &result);
                assert!(told["meta"]["hint"].as_str().unwrap().contains("page 1"), "{told}");
                let again = success(&session.call("llm_result", page(1)).await);
                pages = again["meta"]["pages"].as_u64().unwrap();
                assert!(told["error"].as_str().unwrap().contains(&format!("there are {pages}")));
                (at, joined) = (1, String::new());
            }
        }
        assert!(joined == text, "{} of {} characters", joined.len(), text.len());
    }
}

#[tokio::test]
async fn a_breaker_stays_open() {
    let down = FakeProvider::refusing(Wire::OpenAi, "gpt-test", 503, "down", "It is down.").await;
    let mut policy = asking(&down.base_url());
    policy["reliability"]["breaker"] = json!({ "failure_threshold": 1, "cooldown_s": 600 });
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).connect().await;
    failure_of("provider_5xx", &session.call("llm_route", question()).await);
    save(&place, &with_class(policy, "other"));
    told(&mut session).await;
    failure_of("breaker_open", &session.call("llm_route", question()).await);
    let breakers = info(&mut session, |_| true).await["circuit_breakers"].clone();
    assert_eq!(breakers["openai/gpt-test"]["state"], "open", "{breakers}");
    assert_eq!(down.requests().await.len(), 1);
}

#[tokio::test]
async fn a_policy_and_keys_that_appear_count() {
    let provider = FakeProvider::answering(Wire::OpenAi, "gpt-test", "Hello.").await;
    let place = Place::empty();
    let mut session = server().inside(&place).connect().await;
    let policy = asking(&provider.base_url()).to_string();
    let place = place.file("home/.config/llm-gateway/routing.yaml", policy);
    told(&mut session).await;
    failure_of("missing_key", &session.call("llm_route", question()).await);
    let place = place.file("home/.config/llm-gateway/.env", format!("OPENAI_API_KEY={KEY}\n"));
    told(&mut session).await;
    success(&session.call("llm_route", question()).await);
    fs::remove_file(place.path("home/.config/llm-gateway/.env")).unwrap();
    info(&mut session, |data| data.get("policy_error").is_some()).await;
    success(&session.call("llm_route", question()).await);
    let ending = session.leave().await;
    assert!(!ending.stderr.contains(KEY), "{}", ending.stderr);
}

/// Checks that a client which completes the handshake again is told of each change once.
#[tokio::test]
async fn a_handshake_that_is_completed_twice_is_told_once() {
    let policy = asking("http://127.0.0.1:9/v1");
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).connect().await;
    for _ in 0..3 {
        session.notify("notifications/initialized", json!({}));
    }
    // The server has read them when it answers what came after them.
    info(&mut session, |_| true).await;
    save(&place, &with_class(policy.clone(), "another"));
    told(&mut session).await;
    save(&place, &with_class(policy, "additional"));
    told(&mut session).await;
    info(&mut session, |data| data.to_string().contains("additional")).await;
    let ending = session.leave().await;
    assert_eq!(times_told(&ending), 2);
}

#[tokio::test]
async fn a_client_of_the_newest_version_is_told_on_its_streams_alone() {
    let provider = FakeProvider::answering(Wire::OpenAi, "gpt-test", "Hello.").await;
    let policy = asking(&provider.base_url());
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).spawn();
    let wanted = json!({ "toolsListChanged": true, "promptsListChanged": true });
    let listen = json!({ "_meta": inline(), "notifications": wanted });
    let stream = |message: &Value| {
        message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone()
    };
    let ids = [session.begin("subscriptions/listen", listen.clone()), {
        session.begin("subscriptions/listen", listen.clone())
    }];
    for _ in ids {
        let accepted = session.next().await.unwrap();
        assert_eq!(accepted["method"], "notifications/subscriptions/acknowledged", "{accepted}");
        assert_eq!(accepted["params"]["notifications"], json!({ "toolsListChanged": true }));
    }
    save(&place, &with_class(policy.clone(), "another"));
    let both = [told(&mut session).await, told(&mut session).await];
    let mut streams = both.each_ref().map(|message| stream(message).as_u64().unwrap());
    streams.sort_unstable();
    assert_eq!(streams, ids, "each stream is told by the id that its client gave it");

    session.notify("notifications/cancelled", json!({ "requestId": ids[0], "_meta": inline() }));
    save(&place, &with_class(policy, "additional"));
    assert_eq!(stream(&told(&mut session).await), ids[1]);
    let ending = session.leave().await;
    assert!(ending.status.success());
    assert_eq!(times_told(&ending), 3);
    assert!(ids.iter().all(|id| ending.replies_to(*id) == 0), "a client that left gets no answer");
}

#[tokio::test]
async fn a_stream_ends_well_when_the_server_does_and_keeps_no_batch_waiting() {
    let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string());
    let mut session = with_keys(server().at(&place)).spawn();
    let request = |id: &str, method: &str, more: &str| {
        let meta = inline();
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{meta}{more}}}}}"#
        )
    };
    let wanted = r#","notifications":{"toolsListChanged":true}"#;
    let listen = request("15.0", "subscriptions/listen", wanted);
    let list = request("\"list\"", "tools/list", "");
    session.raw(format!("[{listen},{list}]\n"));
    session.raw(format!("{}\n", request("7", "subscriptions/listen", "")));
    session.raw(format!("{}\n", request("8", "subscriptions/listen", r#","notifications":5"#)));
    for id in [7, 8] {
        assert_eq!(session.reply(id).await["error"]["code"], -32602);
    }
    let mut seen = Vec::new();
    while !seen.iter().any(|message: &Value| message["id"] == "list") {
        seen.push(session.next().await.unwrap());
    }
    session.signal("TERM");
    let ending = session.exit().await;
    assert!(ending.status.success());
    let end = ending.stdout.last().unwrap();
    assert!(end.starts_with(r#"{"jsonrpc":"2.0","id":15.0,"result":"#), "{end}");
    assert!(end.contains(r#""io.modelcontextprotocol/subscriptionId":15.0"#), "{end}");
}

#[tokio::test]
async fn a_crowd_of_streams_is_told_within_bounds() {
    let policy = asking("http://127.0.0.1:9/v1");
    let place = Place::with_policy(policy.to_string());
    let mut session = with_keys(server().at(&place)).spawn();
    let wanted = json!({ "toolsListChanged": true });
    let listen = json!({ "_meta": inline(), "notifications": wanted });
    let mut told_of = 0;
    for _ in 0..100 {
        session.begin("subscriptions/listen", listen.clone());
        let accepted = session.next().await.unwrap();
        told_of += usize::from(accepted["params"]["notifications"] == wanted);
    }
    // Streams that are opened at once may be accepted before those before them are counted.
    assert!((64..100).contains(&told_of), "{told_of}");
    save(&place, &with_class(policy, "another"));
    for _ in 0..told_of {
        told(&mut session).await;
    }
    let ending = session.leave().await;
    assert!(ending.status.success());
    assert_eq!(times_told(&ending), told_of);
}
