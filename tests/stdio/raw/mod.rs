//! What SDKs hide: lines in pieces, both eras in one session, odd ids and tokens, cancellations of
//! everything, and all of it at once. Each id is answered exactly once, and nothing else is
//! written.
//!
//! `LLM_GATEWAY_LINES=1000000 cargo test -p llm-gateway-stdio --test stdio raw` runs the long form
//! of the random conversations.

mod driver;
mod utterance;

use llm_gateway_core::Gateway;
use serde_json::json;

use driver::{Cut, Driver, served};
use utterance::{Speaker, cancel, ping};

use crate::server;

/// Returns lines of every kind in one conversation, and adds what they are owed.
fn of_every_kind(driver: &mut Driver) -> Vec<u8> {
    let mut speaker = Speaker::new(0x1234_5678_9abc_def1);
    let mut bytes: Vec<u8> = (0..120).flat_map(|_| speaker.say(&mut driver.owed)).collect();
    bytes.extend(speaker.cancel_all().into_bytes());
    bytes
}

#[tokio::test]
async fn lines_may_come_in_pieces_of_every_size() {
    for bytes in [1, 2, 3, 5, 7, 64, 1000] {
        let mut driver = Driver::started(Cut::Every(bytes));
        driver.initialize();
        let lines = of_every_kind(&mut driver);
        driver.send(lines);
        driver.settle().await;
        driver.leave().await;
    }
}

#[tokio::test]
async fn a_real_server_answers_what_comes_byte_by_byte() {
    let mut session = server().argument("--offline").spawn();
    let mut driver = Driver::over(std::mem::replace(&mut *session, nobody()));
    driver.initialize();
    driver.owed.answer("\"é\"");
    for byte in ping("\"é\"").into_bytes().into_iter().chain(*b"\r\n") {
        driver.send([byte]);
    }
    driver.settle().await;
    driver.leave().await;
    assert!(session.exit().await.status.success());
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_answered_once_each() {
    let mut session = server().argument("--offline").spawn();
    let mut driver = Driver::over(std::mem::replace(&mut *session, nobody()));
    driver.initialize();
    let mut lines = String::new();
    for n in 0..1000 {
        let id = match n % 3 {
            0 => n.to_string(),
            1 => format!("\"{n}\""),
            _ => format!("-{n}"),
        };
        let (method, params) = match n % 4 {
            0 => ("ping", json!({})),
            1 => ("tools/list", json!({})),
            2 => ("tools/call", json!({ "name": "llm_routing_info" })),
            _ => {
                let arguments = json!({ "task_class": "quick_answer", "prompt": "hi" });
                ("tools/call", json!({ "name": "llm_route", "arguments": arguments }))
            }
        };
        driver.owed.answer(&id);
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        lines.push_str(&line);
        lines.push('\n');
    }
    driver.send(lines);
    driver.settle().await;
    driver.leave().await;
    assert!(session.exit().await.status.success());
}

/// Returns a conversation with nobody, in place of one that a driver took.
fn nobody() -> test_support::Conversation {
    test_support::Conversation::over(tokio::io::empty(), tokio::io::sink())
}

#[tokio::test]
async fn a_session_may_begin_in_either_era_and_change_it() {
    let new = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let request = |id: &str, method: &str, params: &serde_json::Value| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#) + "\n"
    };
    let of_new = json!({ "_meta": new });
    let old = json!({});
    for begin in ["server/discover", "tools/list", "initialize"] {
        let mut driver = Driver::started(Cut::Whole);
        match begin {
            "initialize" => driver.initialize(),
            method => {
                driver.owed.answer("\"begin\"");
                driver.send(request("\"begin\"", method, &of_new));
            }
        }
        for (n, (method, params)) in [
            ("tools/list", &of_new),
            ("tools/list", &old),
            ("server/discover", &of_new),
            ("server/discover", &old),
            ("ping", &of_new),
            ("ping", &old),
        ]
        .into_iter()
        .enumerate()
        {
            driver.owed.answer(&n.to_string());
            driver.send(request(&n.to_string(), method, params));
        }
        driver.initialize();
        driver.settle().await;
        driver.initialize();
        driver.settle().await;
        driver.leave().await;
    }
}

#[tokio::test]
async fn every_beginning_of_a_line_gets_one_answer_at_most_and_harms_no_other_line() {
    let whole = r#"{"jsonrpc":"2.0","id":"é","method":"tools/call","params":{"name":"llm_route","arguments":{"task_class":"quick","prompt":"\ud83d\ude00 \\"}}}"#;
    let mut driver = Driver::started(Cut::Whole);
    driver.initialize();
    driver.settle().await;
    for end in 1..whole.len() {
        // Whether an id can be read from what there is, is for the server to say; the next line is
        // answered whatever it says.
        let is_told = heard_of(&whole.as_bytes()[..end]).await;
        assert!(is_told <= 1, "{is_told} answers to the first {end} bytes");
    }
    driver.leave().await;
}

/// Returns how many answers a last line without an end gets.
async fn heard_of(line: &[u8]) -> usize {
    let gateway = Gateway::builder().offline().build().unwrap();
    let mut client = served(gateway, 65_536);
    client.initialize().await;
    client.raw(line);
    client.raw(*b"\n{\"jsonrpc\":\"2.0\",\"id\":\"next\",\"method\":\"ping\"}");
    client.close_stdin();
    let mut told = Vec::new();
    while let Some(message) = client.next().await {
        told.push(message);
    }
    assert!(told.iter().any(|message| message["id"] == "next"), "{told:?}");
    told.len() - 1
}

#[tokio::test]
async fn cancelling_what_is_answered_or_unknown_changes_nothing() {
    let mut driver = Driver::started(Cut::Whole);
    driver.initialize();
    for id in ["1", "\"1\"", "-1", "\"hello\"", "18446744073709551615"] {
        driver.owed.answer(id);
        driver.send(format!("{}\n", ping(id)));
        driver.settle().await;
        driver.send(format!("{}\n", cancel(id)).repeat(20));
        driver.owed.answer(id);
        driver.send(format!("{}\n", ping(id)));
        driver.settle().await;
    }
    driver.leave().await;
}

#[tokio::test]
async fn anything_at_once_is_answered_once() {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is for who runs it")]
    let lines = std::env::var("LLM_GATEWAY_LINES").ok().and_then(|lines| lines.parse().ok());
    let lines: u64 = lines.unwrap_or(6000);
    for seed in 1..=4_u64 {
        let mut speaker = Speaker::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut driver = Driver::started(Cut::Whole);
        driver.initialize();
        for _ in 0..(lines / 4).div_ceil(100) {
            for _ in 0..100 {
                let line = speaker.say(&mut driver.owed);
                driver.send(line);
            }
            driver.send(speaker.cancel_all());
            driver.settle().await;
        }
        driver.leave().await;
    }
}
