//! Progress, as a client that asks for it by a token is told: words, order, and when it is silent.
//!
//! The clock is paused, and moves on by itself whenever nobody has anything to do.

use std::time::Duration;

use llm_gateway_core::{Gateway, Scripted};
use serde_json::{Value, json};
use test_support::Conversation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

/// A class of one model with a fallback, a panel, a class behind a limit, and an orchestration.
const POLICY: &str = "
defaults:
  ask: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  review:
    members: [{provider: openai, model: gpt-6-luna}, {provider: anthropic, model: claude-haiku-5-5}]
    max_tokens: 100
  slow: {provider: deepseek, model: deepseek-flash, max_tokens: 100}
fallback: {ask: [{provider: anthropic, model: claude-haiku-5-5}]}
reliability: {retry: {max_retries: 1, base_delay_s: 2, max_delay_s: 2}, deadline_s: 3000}
orchestration:
  deadline_s: 3000
  roles:
    planner: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 100}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
providers:
  openai: {idle_timeout_s: 3000, timeout_s: 3000}
  anthropic: {idle_timeout_s: 3000, timeout_s: 3000}
  deepseek: {limits: {concurrent: 1}, idle_timeout_s: 3000, timeout_s: 3000}
";

/// Returns a client of a server in this process, whose models say what the script says. A pipe
/// between them holds `room` bytes.
fn client_behind(room: usize, script: Scripted) -> Conversation {
    client_of(POLICY, room, script)
}

/// Returns a client as [`client_behind`] does, whose server obeys this policy.
fn client_of(policy: &str, room: usize, script: Scripted) -> Conversation {
    let gateway = Gateway::builder().policy_yaml(policy).scripted(script).build().unwrap();
    let (client_reader, server_writer) = tokio::io::simplex(room);
    let (server_reader, client_writer) = tokio::io::simplex(65_536);
    let forever = std::future::pending();
    tokio::spawn(llm_gateway_stdio::serve(gateway, server_reader, server_writer, forever));
    Conversation::over(client_reader, client_writer)
}

/// Returns a client after its handshake.
async fn client(script: Scripted) -> Conversation {
    let mut client = client_behind(65_536, script);
    client.initialize().await;
    client
}

/// Returns the parameters of a call whose progress is told under `token`.
fn told_under(token: Value, tool: &str, arguments: Value) -> Value {
    json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": token } })
}

/// Returns the parameters of a question whose progress is told under the token "t".
fn ask(class: &str) -> Value {
    told_under(json!("t"), "llm_route", json!({ "task_class": class, "prompt": "Why?" }))
}

/// Waits for the next message, which must tell of progress. Returns what it says.
async fn next_told(client: &mut Conversation, token: &Value) -> Value {
    let message = client.next().await.unwrap();
    assert_eq!(message["method"], "notifications/progress", "{message}");
    assert_eq!(message["params"]["progressToken"], *token, "{message}");
    message["params"].clone()
}

/// Returns every message about progress until the answer to `id`, and checks what holds of all. The
/// answer must be the last message for an hour.
async fn told_until(client: &mut Conversation, id: u64) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let message = client.next().await.unwrap();
        if message["id"] == id {
            assert!(message.get("result").is_some(), "{message}");
            break;
        }
        assert_eq!(message["method"], "notifications/progress", "{message}");
        assert_eq!(message["params"]["progressToken"], "t");
        let text = message["params"]["message"].as_str().unwrap().to_owned();
        assert!(text.chars().count() <= 200, "{text}");
        told.push((message["params"]["progress"].as_f64().unwrap(), text));
    }
    assert!(told.is_sorted_by(|a, b| a.0 < b.0), "it only grows: {told:?}");
    is_silent(client).await;
    told.into_iter().map(|(_, text)| text).collect()
}

/// Asserts that nothing comes for an hour but the answer to a ping.
async fn is_silent(client: &mut Conversation) {
    sleep(Duration::from_secs(3600)).await;
    let ping = client.begin("ping", json!({}));
    let message = client.next().await.unwrap();
    assert_eq!((&message["id"], message.get("method")), (&json!(ping), None), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_silent_is_told_of_until_the_client_cancels() {
    let mut client = client(Scripted::new().hang()).await;
    let id = client.begin("tools/call", ask("ask"));
    for number in 0..100 {
        let told = next_told(&mut client, &json!("t")).await;
        assert_eq!(told["progress"], json!(number + 1));
        assert_eq!(told["message"], format!("asking openai/gpt-6-luna · {} s", 5 * number));
    }
    client.notify("notifications/cancelled", json!({ "requestId": id }));
    is_silent(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn every_change_of_step_is_told_and_nothing_after_the_result() {
    let mut client = client(Scripted::new().status(500).status(500).answer("Because.")).await;
    let id = client.begin("tools/call", ask("ask"));
    let told = told_until(&mut client, id).await;
    let waits = |text: &&String| text.starts_with("openai/gpt-6-luna failed, waiting ");
    assert_eq!(told.iter().filter(waits).count(), 1, "{told:#?}");
    let steps: Vec<&str> = told
        .iter()
        .filter(|text| !waits(text))
        .map(|text| text.split_once(" · ").unwrap().0)
        .collect();
    assert_eq!(
        steps,
        [
            "asking openai/gpt-6-luna",
            "asking openai/gpt-6-luna (try 2)",
            "openai/gpt-6-luna gave no answer, asking anthropic/claude-haiku-5-5",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panel_is_told_of_as_a_whole() {
    let mut client = client(Scripted::new().hang().answer("Because.")).await;
    let id = client.begin("tools/call", ask("review"));
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(next_told(&mut client, &json!("t")).await["message"].clone());
    }
    assert_eq!(
        told,
        [
            "0 of 2 answered; waiting for openai/gpt-6-luna, anthropic/claude-haiku-5-5 · 0 s",
            "1 of 2 answered; waiting for openai/gpt-6-luna · 0 s",
            "1 of 2 answered; waiting for openai/gpt-6-luna · 5 s",
        ]
    );
    client.notify("notifications/cancelled", json!({ "requestId": id }));
    is_silent(&mut client).await;
}

/// Checks that whoever comes back for a run is told what happens in it, whether the call that began
/// it was told or not.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_run_is_told_what_happens_in_it() {
    let policy = format!("{POLICY}\noutput: {{handoff_after_s: 7}}\n");
    for is_told in [true, false] {
        let script = Scripted::new().delay(Duration::from_secs(22)).answer("No.").hang();
        let mut client = client_of(&policy, 65_536, script);
        client.initialize().await;
        let review = json!({ "task_class": "review", "prompt": "Why?" });
        if is_told {
            let id = client.begin("tools/call", ask("review"));
            told_until_running(&mut client, id).await;
        } else {
            client.call("llm_route", review).await;
        }
        let mut told = Vec::new();
        for _ in 0..3 {
            let again = told_under(json!("t"), "llm_result", json!({ "run_id": "latest" }));
            let id = client.begin("tools/call", again);
            told.push(told_until_running(&mut client, id).await);
        }
        let both = "openai/gpt-6-luna, anthropic/claude-haiku-5-5";
        assert_eq!(
            told.concat(),
            [
                format!("0 of 2 answered; waiting for {both} · 12 s"),
                format!("0 of 2 answered; waiting for {both} · 19 s"),
                "1 of 2 answered; waiting for anthropic/claude-haiku-5-5 · 22 s".to_owned(),
                "1 of 2 answered; waiting for anthropic/claude-haiku-5-5 · 27 s".to_owned(),
            ],
            "{is_told}"
        );
    }
}

/// Returns what is told until a call is answered that its run goes on.
async fn told_until_running(client: &mut Conversation, id: u64) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let message = client.next().await.unwrap();
        if message["id"] == id {
            assert_eq!(message["result"]["structuredContent"]["status"], "running", "{message}");
            return told;
        }
        told.push(message["params"]["message"].as_str().unwrap().to_owned());
    }
}

#[tokio::test(start_paused = true)]
async fn an_orchestration_tells_of_each_role_and_round() {
    let script = Scripted::new().answer("A plan.").answer("It is Lyon.").revise("it is Paris");
    let mut client = client(script).await;
    let task = json!({ "task": "Name the capital of France.", "depth": "complex" });
    let id = client.begin("tools/call", told_under(json!("t"), "llm_orchestrate", task));
    let told = told_until(&mut client, id).await;
    let steps: Vec<&str> =
        told.iter().map(|text| text.rsplit_once(" · ").unwrap().0).take(4).collect();
    assert_eq!(
        steps,
        [
            "round 1 · plan · asking anthropic/claude-haiku-5-5",
            "round 1 · execute · asking openai/gpt-6-luna",
            "round 1 · verify · asking anthropic/claude-haiku-5-5",
            "round 2 · plan · asking anthropic/claude-haiku-5-5",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_line_says_so() {
    let mut client = client(Scripted::new().hang().answer("Because.")).await;
    let question = json!({ "task_class": "slow", "prompt": "Why?" });
    let first = client.begin_call("llm_route", question);
    let second = client.begin("tools/call", ask("slow"));
    let told = next_told(&mut client, &json!("t")).await;
    assert_eq!(told["message"], "waiting in line for deepseek/deepseek-flash · 0 s");
    client.notify("notifications/cancelled", json!({ "requestId": first }));
    let told = told_until(&mut client, second).await;
    assert!(told.contains(&"asking deepseek/deepseek-flash · 0 s".to_owned()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_repeated_as_it_came_in_both_eras() {
    let inline = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "conversation", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for meta in [json!({}), inline] {
        let mut client = client_behind(65_536, Scripted::new());
        if meta == json!({}) {
            client.initialize().await;
        }
        for token in [json!("t"), json!(""), json!("7"), json!(7), json!(-1), json!(1.5)] {
            let mut params = ask("ask");
            params["_meta"] = meta.clone();
            params["_meta"]["progressToken"] = token.clone();
            let id = client.begin("tools/call", params);
            next_told(&mut client, &token).await;
            client.result(id).await;
        }
        for none in [json!(null), json!(true), json!([7]), json!({ "a": 7 })] {
            let mut params = ask("ask");
            params["_meta"] = meta.clone();
            params["_meta"]["progressToken"] = none.clone();
            let id = client.begin("tools/call", params);
            assert_eq!(client.next().await.unwrap()["id"], id, "no progress under {none}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_calls_under_one_token_do_not_mix() {
    let mut client = client(Scripted::new().hang().hang()).await;
    for _ in 0..2 {
        client.begin("tools/call", ask("ask"));
    }
    for number in 1..20 {
        let told = next_told(&mut client, &json!("t")).await;
        assert_eq!(told["progress"], json!(number));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_told() {
    let mut client = client(Scripted::new()).await;
    let question = json!({ "task_class": "review", "prompt": "Why?" });
    let id = client.begin_call("llm_route", question);
    assert_eq!(client.next().await.unwrap()["id"], id);
    is_silent(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_misses_progress_and_no_answer() {
    let gateway = Gateway::builder().policy_yaml(POLICY).scripted(Scripted::new().hang());
    let (mut client_reader, server_writer) = tokio::io::simplex(64);
    let (server_reader, mut client_writer) = tokio::io::simplex(65_536);
    let forever = std::future::pending();
    let gateway = gateway.build().unwrap();
    tokio::spawn(llm_gateway_stdio::serve(gateway, server_reader, server_writer, forever));
    let line = |id: u64, method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string() + "\n"
    };
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "deaf", "version": "1" } });
    let lines = line(1, "initialize", hello) + &line(2, "tools/call", ask("ask"));
    client_writer.write_all(lines.as_bytes()).await.unwrap();
    sleep(Duration::from_secs(2_000)).await;
    client_writer.write_all(line(3, "ping", json!({})).as_bytes()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let mut read = String::new();
    while !read.contains("\"id\":3") {
        let count = client_reader.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        read = String::from_utf8_lossy(&bytes).into_owned();
    }
    let told = read.lines().filter(|line| line.contains("notifications/progress")).count();
    assert!((1..=20).contains(&told), "{told} of 400 messages waited to be read");
}
