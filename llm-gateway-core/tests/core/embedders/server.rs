//! A server over threads and plain sockets, which no runtime of a test drives. It keeps its
//! connections open, as servers do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use llm_gateway_core::{Environment, Gateway, GatewayBuilder, Request};

const ANSWER: &str = r#"{"id":"c-1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Canberra"},"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#;

/// How a server answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// The time before the head of an answer, and between the halves of its body.
    pub(super) waits: Duration,
    /// How many of its first answers are never finished.
    pub(super) unfinished: usize,
}

/// The server, and what it has counted.
#[derive(Clone, Default)]
pub(super) struct Server {
    port: u16,
    pub(super) asked: Arc<AtomicUsize>,
    pub(super) opened: Arc<AtomicUsize>,
    pub(super) open: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::slow(Duration::ZERO)
    }

    pub(super) fn slow(waits: Duration) -> Self {
        Self::of(Manner { waits, unfinished: 0 })
    }

    pub(super) fn of(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, ..Self::default() };
        let counted = server.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map(Result::unwrap) {
                let counted = counted.clone();
                counted.opened.fetch_add(1, Ordering::SeqCst);
                counted.open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    let _ = counted.keep_answering(connection, manner);
                    counted.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    #[allow(clippy::disallowed_methods)] // a slow server takes real time
    fn keep_answering(&self, mut to: TcpStream, manner: Manner) -> std::io::Result<()> {
        while heard(&mut to)? {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            thread::sleep(manner.waits);
            let length = ANSWER.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            );
            let (first, second) = ANSWER.split_at(length / 2);
            to.write_all(format!("{head}{first}").as_bytes())?;
            if number < manner.unfinished {
                // Nothing more comes, until the other side has gone.
                let _ = to.read(&mut [0]);
                return Ok(());
            }
            thread::sleep(manner.waits);
            to.write_all(second.as_bytes())?;
        }
        Ok(())
    }

    pub(super) fn policy(&self) -> String {
        let port = self.port;
        format!(
            "defaults: {{q: {{provider: here, model: m, max_tokens: 10}}}}
providers: {{here: {{kind: openai, stream: false, base_url: \"http://127.0.0.1:{port}/v1\", api_key_env: null, models: {{m: {{in: 1, out: 1}}}}}}}}
reliability: {{deadline_s: 20, retry: {{max_retries: 0}}}}"
        )
    }

    pub(super) fn builder(&self) -> GatewayBuilder {
        Gateway::builder().policy_yaml(self.policy()).environment(Environment::empty())
    }

    pub(super) fn gateway(&self) -> Gateway {
        self.builder().build().unwrap()
    }
}

/// Reads one request; returns whether there was one.
fn heard(from: &mut TcpStream) -> std::io::Result<bool> {
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    let mut end = None;
    while end.is_none_or(|end| heard.len() < end) {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Ok(false);
        }
        heard.extend_from_slice(&piece[..read]);
        let head = heard.windows(4).position(|at| at == b"\r\n\r\n");
        end = head.map(|head| {
            let text = String::from_utf8_lossy(&heard[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            head + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap())
        });
    }
    Ok(true)
}

/// Asks, and returns the answer's text or what went wrong.
pub(super) async fn asked(gateway: Gateway) -> Result<String, String> {
    let answer = gateway.route(Request::new("q", "Capital of Australia?")).await;
    answer.map(|it| it.text()).map_err(|it| it.to_string())
}

/// Returns what a server answers, as [`asked`] does.
pub(super) fn canberra() -> Result<String, String> {
    Ok("Canberra".to_owned())
}

/// Waits until a count is `wanted`, for as long as a slow machine may take.
#[allow(clippy::disallowed_methods)] // threads and sockets end in real time
pub(super) fn comes_to(count: &AtomicUsize, wanted: usize) -> bool {
    (0..2_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        count.load(Ordering::SeqCst) == wanted
    })
}
