//! The model that the server asks: an answer at once for every question, and a count of what it
//! cost.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

/// A model behind Chat Completions, with a bill that depends on the question.
pub(super) struct Model {
    /// The base URL for the policy.
    pub(super) address: String,
    /// How many requests were answered.
    pub(super) served: Arc<AtomicU64>,
    /// What the answers cost, in nano-dollars.
    pub(super) cost: Arc<AtomicU64>,
}

impl Model {
    /// Serves on a free port of the loopback address until the program ends.
    pub(super) fn serve() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}/v1", listener.local_addr()?);
        let (served, cost) = (Arc::default(), Arc::default());
        let model = Self { address, served: Arc::clone(&served), cost: Arc::clone(&cost) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (served, cost) = (Arc::clone(&served), Arc::clone(&cost));
                std::thread::spawn(move || answer_all(&stream, &served, &cost));
            }
        });
        Ok(model)
    }
}

/// Answers the requests of one connection, until it ends.
fn answer_all(stream: &TcpStream, served: &AtomicU64, cost: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    stream.set_nodelay(true).ok()?;
    loop {
        let id = asked(&mut reader)?;
        let (input, output) = (5 + id % 7, 1 + id % 5);
        let body = json!({
            "id": format!("chatcmpl-{id}"), "object": "chat.completion", "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": format!("answer {id}")}}],
            "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
        });
        let body = body.to_string();
        served.fetch_add(1, Ordering::Relaxed);
        cost.fetch_add(input * 1_000 + output * 2_000, Ordering::Relaxed);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        write!(writer, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

/// Reads a request. Returns the number in its question, or `None` at the end of the connection.
fn asked(reader: &mut impl BufRead) -> Option<u64> {
    let mut length = 0;
    let mut line = String::new();
    while {
        line.clear();
        reader.read_line(&mut line).ok()? > 2
    } {
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let (_, behind) = body.split_once("soak ")?;
    behind.split_once('.')?.0.parse().ok()
}
