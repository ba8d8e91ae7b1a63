//! What a random client says, each with what it is owed for it.

use serde_json::{Value, json};

use super::driver::Owed;
use crate::fuzz::Numbers;

/// What stands before a line, and is passed over.
const BEFORE: [&str; 6] = ["", "", "", " ", "\t \t", "\u{feff}"];

/// How a line ends.
const AFTER: [&str; 5] = ["\n", "\n", "\r\n", " \r\n", "\n\r\n\n"];

/// Methods that are asked for without parameters, among them some that do not exist.
const METHODS: [&str; 8] = [
    "ping",
    "tools/list",
    "server/discover",
    "no/such",
    "",
    "prompts/list",
    "resources/list",
    "notifications/initialized",
];

/// A client that says anything.
pub(super) struct Speaker {
    pub(super) numbers: Numbers,
    said: u64,
    /// The ids of calls that never end by themselves, as they were written.
    stuck: Vec<String>,
}

impl Speaker {
    pub(super) fn new(seed: u64) -> Self {
        Self { numbers: Numbers(seed), said: 0, stuck: Vec::new() }
    }

    /// Returns the next line, and adds to what is owed.
    pub(super) fn say(&mut self, owed: &mut Owed) -> Vec<u8> {
        let line = match self.numbers.next(20) {
            0..=6 => self.request(owed).into_bytes(),
            7 => self.batch(owed).into_bytes(),
            8 => self.stuck(owed).into_bytes(),
            9 => self.cancel().into_bytes(),
            10 => self.cancel_nothing().into_bytes(),
            11 => self.twice(owed).into_bytes(),
            12 => self.notification().into_bytes(),
            13 => self.answer().into_bytes(),
            14 => self.broken(owed).into_bytes(),
            15 => self.bytes(owed),
            16 => self.deep(owed).into_bytes(),
            17 => self.without_id(owed).into_bytes(),
            18 => self.again(owed).into_bytes(),
            _ => Vec::new(),
        };
        let (before, after) = (self.numbers.pick(&BEFORE), self.numbers.pick(&AFTER));
        [before.as_bytes(), &line, after.as_bytes()].concat()
    }

    /// Returns the cancellations of all calls that are stuck, so that a round can end.
    pub(super) fn cancel_all(&mut self) -> String {
        self.stuck.drain(..).map(|id| cancel(&id) + "\n").collect()
    }

    /// Returns an id that was not used before, of any kind, as it is written.
    fn id(&mut self) -> String {
        self.said += 1;
        let said = self.said;
        match self.numbers.next(8) {
            0..=2 => said.to_string(),
            3 => format!("-{said}"),
            4 => (u64::MAX - said).to_string(),
            5 => format!("\"{said}\""),
            6 => format!("\"ü\\n\\\"{said}\""),
            _ => format!("\"{}{said}\"", "long ".repeat(40)),
        }
    }

    /// Returns a request that is answered.
    fn request(&mut self, owed: &mut Owed) -> String {
        let id = self.id();
        owed.answer(&id);
        self.request_as(&id, owed)
    }

    fn request_as(&mut self, id: &str, owed: &mut Owed) -> String {
        match self.numbers.next(4) {
            0 => {
                let (params, token) = (self.era(), self.token());
                call("quick", id, params, token, owed)
            }
            1 => self.odd_call(id),
            _ => {
                let method = self.numbers.pick(&METHODS);
                let params = self.era();
                match self.numbers.next(2) {
                    0 => format!(
                        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
                    ),
                    // As Python's SDK writes it, and with a member that nobody knows.
                    _ => format!(
                        r#"{{"method":"{method}","params":{params},"x":"id","jsonrpc":"2.0","id":{id}}}"#
                    ),
                }
            }
        }
    }

    /// Returns a token, which may be of a kind that no token has.
    fn token(&mut self) -> Option<Value> {
        let unique = self.said;
        Some(match self.numbers.next(10) {
            0 => json!(unique),
            1 => json!(format!("token {unique}")),
            2 => json!(""),
            3 => json!(-1),
            4 => json!(1.5),
            5 => json!(null),
            6 => json!({ "a": [unique] }),
            7 => json!([[], true]),
            8 => json!("t".repeat(10_000)),
            _ => return None,
        })
    }

    /// Returns parameters of either era of the protocol, or of one that does not exist.
    fn era(&mut self) -> Value {
        let version = match self.numbers.next(8) {
            0 | 1 => "2026-07-28",
            2 => "2999-12-31",
            _ => return json!({}),
        };
        json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        }})
    }

    /// Returns a call whose parameters are wrong.
    fn odd_call(&mut self, id: &str) -> String {
        let params = [
            r#"{"name":"llm_route"}"#,
            r#"{"name":"llm_route","arguments":[]}"#,
            r#"{"name":"llm_route","arguments":{"task_class":7,"prompt":{},"max_tokens":-1e9,"x":null}}"#,
            r#"{"name":"no_such_tool","arguments":{}}"#,
            r#"{"name":null}"#,
            r#"{"name":"llm_routing_info","arguments":{},"_meta":[]}"#,
            r#"{"name":"llm_routing_info","_meta":{"progressToken":{}}}"#,
            r#""llm_route""#,
            "[]",
            "null",
        ];
        let params = self.numbers.pick(&params);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
    }

    /// Returns a call that goes on until it is cancelled.
    fn stuck(&mut self, owed: &mut Owed) -> String {
        let id = self.id();
        self.stuck.push(id.clone());
        // What is refused would be answered.
        let token = [None, Some(json!(self.said)), Some(json!(id))];
        let token = token[self.numbers.next(3) as usize].clone();
        call("stuck", &id, json!({}), token, owed)
    }

    /// Returns a cancellation of a call under way, or a line without a meaning.
    fn cancel(&mut self) -> String {
        if self.stuck.is_empty() {
            return self.notification();
        }
        let one = self.numbers.next(self.stuck.len() as u64);
        cancel(&self.stuck.swap_remove(one as usize))
    }

    /// Returns a cancellation that has no effect: of an id that was answered, or never used.
    fn cancel_nothing(&mut self) -> String {
        let ids = ["\"hello\"", "\"never\"", "0", "null", "{}", "[1]", "1.5", "\"\"", "true"];
        cancel(self.numbers.pick(&ids))
    }

    /// Returns a call that is stuck, and another request under its id, which is refused.
    fn twice(&mut self, owed: &mut Owed) -> String {
        let first = self.stuck(owed);
        let Some(id) = self.stuck.last().cloned() else { return first };
        owed.answer(&id);
        // The refusal is the answer to the second; the first goes on.
        format!("{first}\n{}", ping(&id))
    }

    /// Returns a call that is cancelled, and a request under its id, which is answered.
    fn again(&mut self, owed: &mut Owed) -> String {
        let first = self.stuck(owed);
        let Some(id) = self.stuck.pop() else { return first };
        owed.answer(&id);
        format!("{first}\n{}\n{}", cancel(&id), ping(&id))
    }

    /// Returns a notification of any kind, which gets no answer.
    fn notification(&mut self) -> String {
        let methods = [
            "notifications/initialized",
            "notifications/progress",
            "notifications/cancelled",
            "notifications/roots/list_changed",
            "notifications/no/such",
            "ping",
            "tools/call",
            "$/cancelRequest",
            "",
        ];
        let method = self.numbers.pick(&methods);
        let all = ["{}", "[]", "null", "5", r#""x""#, r#"{"requestId":null}"#, r#"{"_meta":5}"#];
        let params = self.numbers.pick(&all);
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
    }

    /// Returns an answer of the client, which gets none.
    fn answer(&mut self) -> String {
        let id = self.id();
        let what = ["\"result\":{}", "\"result\":null", r#""error":{"code":1,"message":"no"}"#];
        format!(r#"{{"jsonrpc":"2.0","id":{id},{}}}"#, self.numbers.pick(&what))
    }

    /// Returns a request whose JSON is wrong, but whose id can be read.
    fn broken(&mut self, owed: &mut Owed) -> String {
        let id = self.id();
        owed.answer(&id);
        let rest = [
            r#""method":"ping""#,
            r#""method":"ping"}}"#,
            r#""method":"ping",}"#,
            r#""method":"ping","params":{"a":NaN}}"#,
            r#""method":"ping","params":{"a":1e999}}"#,
            r#""method":"ping"} {"jsonrpc":"2.0"}"#,
            r#""method":"ping","a":"\x"}"#,
            r#""method":"ping","method":"ping"}"#,
            r#""method":{}}"#,
        ];
        format!(r#"{{"jsonrpc":"2.0","id":{id},{}"#, self.numbers.pick(&rest))
    }

    /// Returns a request with bytes that are no text, behind an id that can be read.
    fn bytes(&mut self, owed: &mut Owed) -> Vec<u8> {
        let id = self.id();
        owed.answer(&id);
        let all: [&[u8]; 6] =
            [b"\xff\xfe", b"\xc3", b"\0", b"\xed\xa0\x80", b"\xf8\x88", b"\x1b[31m"];
        let bytes = all[self.numbers.next(6) as usize];
        let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","x":""#);
        [head.as_bytes(), bytes, b"\"}"].concat()
    }

    /// Returns a request that is nested deeply.
    fn deep(&mut self, owed: &mut Owed) -> String {
        let id = self.id();
        owed.answer(&id);
        let depth = 1 << self.numbers.next(14);
        let (open, close) = match self.numbers.next(2) {
            0 => ("[", "]"),
            _ => (r#"{"a":"#, "}"),
        };
        let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{{"x":{inner}}}}}"#)
    }

    /// Returns a line that is wrong, and from which no id can be read.
    fn without_id(&mut self, owed: &mut Owed) -> String {
        owed.nameless();
        let all = [
            "hello?",
            "{",
            "[",
            "[]",
            "42",
            "null",
            "\"text\"",
            "Content-Length: 52",
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0"}"#,
        ];
        self.numbers.pick(&all).to_owned()
    }

    /// Returns a batch: requests, notifications, wrong ones, and perhaps a call that is stuck.
    fn batch(&mut self, owed: &mut Owed) -> String {
        let count = 1 + self.numbers.next(6);
        let mut items = Vec::new();
        for _ in 0..count {
            let item = match self.numbers.next(6) {
                0..=2 => self.request(owed),
                3 => self.notification(),
                4 => {
                    owed.nameless();
                    self.numbers.pick(&["3", "[]", "null", r#"{"jsonrpc":"2.0"}"#]).to_owned()
                }
                _ => self.stuck(owed),
            };
            items.push(item);
        }
        format!("[{}]", items.join(","))
    }
}

/// Returns a call of a class, and allows its progress.
fn call(class: &str, id: &str, mut params: Value, token: Option<Value>, owed: &mut Owed) -> String {
    params["name"] = json!("llm_route");
    params["arguments"] = json!({ "task_class": class, "prompt": "a\u{0}b\u{2028}\n" });
    if let Some(token) = token {
        owed.progress(token.clone(), (class == "quick").then_some(id));
        params["_meta"]["progressToken"] = token;
    }
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
}

/// Returns the cancellation of an id, as it is written.
pub(super) fn cancel(id: &str) -> String {
    let params = format!(r#"{{"requestId":{id},"reason":"no more"}}"#);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#)
}

/// Returns a ping with an id, as it is written.
pub(super) fn ping(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}
