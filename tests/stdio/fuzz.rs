//! Tests of random lines, each with a known answer.
//!
//! `LLM_GATEWAY_LINES=1000000 cargo test -p llm-gateway-stdio --test stdio fuzz` runs the long
//! form. The numbers are seeded, so a failure can be seen again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lines::in_memory;

/// A small generator of numbers, which are the same for one seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len() as u64) as usize]
    }
}

const PADS: [&str; 5] = ["", " ", "\t", "\u{feff}", "  "];
const ENDS: [&str; 4] = ["\n", "\r\n", " \n", "\n\n"];
const TEXTS: [&str; 8] =
    ["x", r"\ud83d", r"\ude00\ud83d", r"\ud83d\ude00", r"\u0000", "é", r#"\"}],"#, r"\\\\"];

/// Returns a line, and whether it is answered with its id, without an id, or not at all.
fn line(numbers: &mut Numbers, id: u64) -> (String, Expected) {
    let text = numbers.pick(&TEXTS);
    let methods = ["ping", "tools/list", "no/such", "prompts/list"];
    let method = numbers.pick(&methods);
    let (line, expected) = match numbers.next(17) {
        0..=2 => (format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#), Expected::Id),
        3 => (
            format!(r#"{{"method":"{method}","x":"{text}","jsonrpc":"2.0","id":{id}}}"#),
            Expected::Id,
        ),
        4 => (
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{text}"}}}}"#
            ),
            Expected::Id,
        ),
        5 => (
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":"{text}"}}"#),
            Expected::Id,
        ),
        6 => (format!(r#"{{"id":{id},"x":"{text}","y":1e999"#), Expected::Id),
        7 => (
            format!(
                r#"{{"id":{id},"y":{}{}}}"#,
                "[".repeat(300),
                "]".repeat(numbers.next(301) as usize)
            ),
            Expected::Id,
        ),
        8 => (format!(r#"{{"id":{id},"a":1,"a":"{text}","method":"{method}"}}"#), Expected::Id),
        9 => (format!(r#"{{"jsonrpc":"2.0","id":{id}.5,"method":"{method}"}}"#), Expected::Half),
        10 => (format!(r#"[{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}]"#), Expected::Id),
        11 => (format!(r#"{{"jsonrpc":"2.0","id":[{id}],"method":"{method}"}}"#), Expected::NoId),
        12 => (format!(r#"nonsense {text} {id}"#), Expected::NoId),
        13 => (
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{text}","params":[{id}]}}"#),
            Expected::Nothing,
        ),
        14 => (format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{text}"}}"#), Expected::Nothing),
        15 => (
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"{text}{id}"}}}}"#
            ),
            Expected::Nothing,
        ),
        _ => (String::new(), Expected::Nothing),
    };
    // A mark before the line is passed over; one within a text would be of the text.
    (format!("{}{line}{}", numbers.pick(&PADS), numbers.pick(&ENDS)), expected)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Id,
    Half,
    NoId,
    Nothing,
}

#[tokio::test]
async fn each_of_many_lines_is_answered_once() {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is for who runs it")]
    let count = std::env::var("LLM_GATEWAY_LINES").ok().and_then(|count| count.parse().ok());
    let count: u64 = count.unwrap_or(3000);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut client = in_memory();
    client.initialize().await;
    let (mut begun, mut without) = (0, 0);
    while begun < count {
        let mut waiting = BTreeMap::new();
        let mut lines = String::new();
        for id in begun..count.min(begun + 500) {
            // The ids of the handshake come before.
            let (line, expected) = line(&mut numbers, id + 1000);
            match expected {
                Expected::Id => drop(waiting.insert((id + 1000).to_string(), line.clone())),
                Expected::Half => drop(waiting.insert(format!("{}.5", id + 1000), line.clone())),
                Expected::NoId => without += 1,
                Expected::Nothing => {}
            }
            lines.push_str(&line);
        }
        begun += 500;
        client.forget();
        client.raw(lines);
        // The last line of each round is a ping, so that what is too much shows, too.
        client.raw("{\"jsonrpc\":\"2.0\",\"id\":\"end\",\"method\":\"ping\"}\n");
        let mut ended = false;
        while !ended || !waiting.is_empty() || without > 0 {
            let message: Value = client.next().await.expect("the server is there");
            match message.get("id") {
                Some(Value::String(end)) if end == "end" => ended = true,
                Some(id) => {
                    let known = waiting.remove(&id.to_string());
                    assert!(known.is_some(), "answered twice, or never asked: {message}");
                }
                None if without > 0 => without -= 1,
                None => panic!("more errors without an id than lines: {message}"),
            }
        }
    }
}
