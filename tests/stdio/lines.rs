//! Every line gets its answer: a result, an error with the id of its request, or an error without
//! one where none can be read. The server goes on.

use llm_gateway_core::{Gateway, GatewayBuilder};
use serde_json::{Value, json};
use test_support::{Conversation, FakeSocket, Wire};

use crate::{asking, question, server, session, success};

/// Returns the handshake of a version, as lines.
fn handshake(version: &str) -> String {
    let hello = json!({ "jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {},
        "clientInfo": { "name": "t", "version": "1" },
    }});
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    format!("{hello}\n{ready}\n")
}

/// Sends bytes to a server without a network, and then closes stdin. Returns its messages.
async fn told(input: impl Into<Vec<u8>>) -> Vec<Value> {
    let mut session = server().argument("--offline").spawn();
    session.raw(input);
    let ending = session.leave().await;
    assert!(ending.status.success(), "{}: {}", ending.status, ending.stderr);
    ending.messages()
}

/// Returns a message in short: its id, and its code if it is an error.
fn short(message: &Value) -> String {
    let id = message.get("id").map(Value::to_string).unwrap_or("none".to_owned());
    match message["error"]["code"].as_i64() {
        Some(code) => format!("{id} {code}"),
        None if message["result"]["isError"] == true => format!("{id} failed"),
        None => format!("{id} ok"),
    }
}

/// Sends a line after the handshake, and a ping after it. Returns the messages in between.
async fn answer(line: impl AsRef<[u8]>) -> String {
    let ping = "\n{\"jsonrpc\":\"2.0\",\"id\":\"last\",\"method\":\"ping\"}\n";
    let input = [handshake("2025-06-18").as_bytes(), line.as_ref(), ping.as_bytes()].concat();
    let told: Vec<String> = told(input).await.iter().map(short).collect();
    assert!(told.contains(&"\"last\" ok".to_owned()), "the server goes on: {told:?}");
    told.into_iter()
        .filter(|told| told != "\"last\" ok" && told != "\"init\" ok")
        .collect::<Vec<_>>()
        .join(", ")
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"llm_route","arguments":{arguments}}}}}"#
    )
}

#[tokio::test]
async fn a_line_is_answered_with_its_id_whatever_is_wrong_with_it() {
    let asked =
        |prompt: &str| call(&format!(r#"{{"task_class":"quick_answer","prompt":"{prompt}"}}"#));
    let deep = format!("{{\"prompt\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    for (line, expected) in [
        (asked(r"cut \ud83d"), "7 ok"),
        (asked(r"\ude00 cut"), "7 ok"),
        (asked(r"\ud83d\ude00"), "7 ok"),
        (call("{\"max_tokens\":1e999}"), "7 -32700"),
        (call("{\"max_tokens\":NaN}"), "7 -32700"),
        (call(&deep), "7 -32700"),
        (call("{\"prompt\":\"a\",\"prompt\":\"b\"}"), "7 -32600"),
        (call("\"{}\""), "7 -32602"),
        (call("[]"), "7 -32602"),
        (call("null"), "7 failed"),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"arguments":{}}}"#.into(),
            "7 -32602",
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":null}"#.into(), "7 -32602"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#.into(), "7 -32602"),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":5}}"#.into(),
            "7 -32602",
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]}"#.into(), "7 -32602"),
        (r#"{"id":7,"method":"tools/list","params":{}}"#.into(), "7 -32600"),
        (r#"{"jsonrpc":"1.0","id":7,"method":"tools/list"}"#.into(), "7 -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"method":5}"#.into(), "7 -32600"),
        (r#"{"jsonrpc":"2.0","id":7}"#.into(), "7 -32600"),
        (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":7,"method":"ping"}"#.into(), "7 -32600"),
        (
            r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#.into(),
            "9223372036854775808 ok",
        ),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.into(), "1.5 -32600"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.into(), "none -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"no/such"}"#.into(), "7 -32601"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping""#.into(), "7 -32700"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}{}"#.into(), "7 -32700"),
        ("hello?".into(), "none -32700"),
        ("[]".into(), "none -32600"),
        ("42".into(), "none -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.into(), ""),
        (r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no"}}"#.into(), ""),
        (r#"{"jsonrpc":"2.0","method":"notifications/hello","params":[]}"#.into(), ""),
        (r#"{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}"#.into(), ""),
        ("   \t".into(), ""),
    ] {
        let shown: String = line.chars().take(150).collect();
        assert_eq!(answer(&line).await, expected, "{shown}");
    }
    let bytes =
        [br#"{"jsonrpc":"2.0","id":7,"method":"ping","x":""#.as_slice(), b"\xe9\"}"].concat();
    assert_eq!(answer(bytes).await, "7 -32700");
}

#[tokio::test]
async fn a_line_above_the_bound_is_refused_by_the_bound_and_by_its_id() {
    let prompt = "x".repeat(17 * 1024 * 1024);
    let first = call(&format!("{{\"prompt\":\"{prompt}\"}}"));
    // Python's SDK writes the id last.
    let last = format!(
        r#"{{"method":"tools/call","params":{{"name":"llm_route","arguments":{{"id":1,"prompt":"{prompt}"}}}},"jsonrpc":"2.0","id":"q"}}"#
    );
    let input = format!("{}{first}\n{last}\n", handshake("2025-11-25"));
    let told = told(input).await;
    let shown: Vec<String> = told.iter().map(short).collect();
    assert_eq!(shown, ["\"init\" ok", "7 -32600", "\"q\" -32600"]);
    assert!(told[1]["error"]["message"].as_str().unwrap().contains("16 MiB"), "{}", told[1]);
}

#[tokio::test]
async fn a_last_line_without_an_end_counts() {
    let input =
        format!("{}{}", handshake("2025-11-25"), r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    let told: Vec<String> = told(input).await.iter().map(short).collect();
    assert_eq!(told, ["\"init\" ok", "7 ok"]);
    let lone = told_before(r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#).await;
    assert_eq!(lone, ["7 -32600"], "the session has not begun");
}

async fn told_before(input: &str) -> Vec<String> {
    told(input).await.iter().map(short).collect()
}

#[tokio::test]
async fn what_comes_before_initialize_does_no_harm() {
    for early in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/hello"}"#,
        r#"{"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-1,"message":"x"}}"#,
    ] {
        let input = format!("{early}\n{early}\n{}", handshake("2025-06-18"));
        assert_eq!(told_before(&input).await, ["\"init\" ok"], "{early}");
    }
    let early = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let input = format!("{early}\n{}", handshake("2025-06-18"));
    assert_eq!(told_before(&input).await, ["1 -32600", "\"init\" ok"]);
}

#[tokio::test]
async fn an_odd_initialize_is_taken_or_refused_by_the_name_of_the_field() {
    let client = json!({ "name": "t", "version": "1" });
    for params in [
        json!({ "protocolVersion": "2025-06-18", "capabilities": {} }),
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": null }),
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t" } }),
        json!({ "protocolVersion": "2025-06-18", "clientInfo": client }),
        json!({ "protocolVersion": "2025-06-18", "capabilities": null, "clientInfo": client }),
        json!({ "protocolVersion": "2025-06-18", "capabilities": { "sampling": true }, "clientInfo": client }),
        json!({ "protocolVersion": "2025-06-18", "capabilities": [], "clientInfo": "t", "_meta": 5 }),
    ] {
        let mut session = server().argument("--offline").spawn();
        let reply = session.request("initialize", params.clone()).await;
        assert_eq!(reply["result"]["protocolVersion"], "2025-06-18", "{params}: {reply}");
        session.notify("notifications/initialized", json!({}));
        assert!(session.request("tools/list", json!({})).await["result"].is_object());
    }
    for params in [
        json!({ "capabilities": {}, "clientInfo": client }),
        json!({ "protocolVersion": 20250618, "capabilities": {}, "clientInfo": client }),
        json!({}),
    ] {
        let mut session = server().argument("--offline").spawn();
        let reply = session.request("initialize", params.clone()).await;
        assert_eq!(reply["error"]["code"], -32602, "{params}: {reply}");
        assert!(
            reply["error"]["message"].as_str().unwrap().contains("`protocolVersion`"),
            "{reply}"
        );
        assert!(session.initialize().await["result"].is_object(), "another try is taken");
    }
}

#[tokio::test]
async fn a_batch_is_answered_by_one_list() {
    let batch = r#"[{"jsonrpc":"2.0","id":7,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/hello"},{"jsonrpc":"2.0","id":8,"method":"tools/list"},{"id":9},3,[],{"jsonrpc":"2.0","id":7,"method":"ping"}]"#;
    let mut session = server().argument("--offline").spawn();
    session.raw(format!("{}{batch}\n", handshake("2025-03-26")));
    let ending = session.leave().await;
    assert_eq!(ending.stdout.len(), 2, "{:?}", ending.stdout);
    let mut told: Vec<String> = ending.messages()[1..].iter().map(short).collect();
    told.sort();
    assert_eq!(told, ["7 -32600", "7 ok", "8 ok", "9 -32600", "none -32600", "none -32600"]);
    assert_eq!(answer(r#"[{"jsonrpc":"2.0","method":"notifications/hello"}]"#).await, "");
    assert_eq!(answer(format!("[{}1]", "1,".repeat(1000))).await, "none -32600");
}

#[tokio::test]
async fn two_calls_under_one_id_are_both_answered_and_one_is_made() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    fake.asked(1).await;
    for id in [format!("{id}"), format!("{id}.0")] {
        session.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n"));
        let refused = session.next().await.unwrap();
        assert_eq!(refused["error"]["code"], -32600, "{refused}");
    }
    // The text is another id than the number.
    session.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"ping\"}}\n"));
    assert!(session.next().await.unwrap()["result"].is_object());
    fake.release(&Wire::OpenAi.answer("gpt-test", "hello").to_string());
    success(&session.result(id).await);
    assert_eq!(fake.asked_so_far(), 1);
}

#[tokio::test]
async fn an_id_that_was_cancelled_can_be_used_again_at_once() {
    let fake = FakeSocket::hanging().await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    let id = session.begin_call("llm_route", question());
    fake.asked(1).await;
    for _ in 0..50 {
        let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
        let again = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "llm_route", "arguments": question() } });
        session.raw(format!("{cancel}\n{again}\n"));
    }
    // The last one counts, once every cancellation before it was read: one that comes after its
    // answer changes nothing. Most of the others were cancelled before they left.
    session.request("ping", json!({})).await;
    fake.left(1).await;
    fake.release(&Wire::OpenAi.answer("gpt-test", "hello").to_string());
    success(&session.result(id).await);
    assert_eq!(session.leave().await.replies_to(id), 1);
}

#[tokio::test]
async fn ids_are_repeated_as_they_were_written() {
    let mut client: Conversation = in_memory();
    client.initialize().await;
    for id in
        ["7.0", "-0", "\"\\ud83d\"", "\"\\u0061\"", "\"\"", "18446744073709551616", "\"a\\\"b\""]
    {
        client.raw(format!("{{\"id\":{id},\"method\":\"ping\",\"jsonrpc\":\"2.0\"}}\n"));
        let line = client.line().await;
        assert!(line.contains(&format!("\"id\":{id},")), "{id}: {line}");
    }
}

/// Returns a client of a server without a network, in this process.
pub(crate) fn in_memory() -> Conversation {
    in_memory_over(Gateway::builder().offline())
}

/// Returns a client of a server without a network, in this process, under a policy.
pub(crate) fn in_memory_of(policy: &str) -> Conversation {
    in_memory_over(Gateway::builder().offline().policy_yaml(policy))
}

fn in_memory_over(builder: GatewayBuilder) -> Conversation {
    let gateway = builder.build().unwrap();
    let (client_reader, server_writer) = tokio::io::simplex(65_536);
    let (server_reader, client_writer) = tokio::io::simplex(65_536);
    tokio::spawn(llm_gateway_stdio::serve(
        gateway,
        server_reader,
        server_writer,
        std::future::pending(),
    ));
    Conversation::over(client_reader, client_writer)
}
