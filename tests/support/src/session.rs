//! A client of an MCP server that sends and reads raw lines of JSON, so that no SDK checks or
//! repairs anything in between.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Place, in_time};

/// The launch of a server: in a place's project, with only the given variables.
pub struct Launch {
    binary: PathBuf,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    directory: Option<PathBuf>,
}

impl Launch {
    /// Creates the launch of the server at `binary`, which a test gets from
    /// `env!("CARGO_BIN_EXE_…")`.
    pub fn of(binary: &str) -> Self {
        let binary = PathBuf::from(binary);
        Self { binary, arguments: Vec::new(), variables: BTreeMap::new(), directory: None }
    }

    /// Starts the server in the place's project, with the place's home and `--routing` with its
    /// policy.
    #[must_use]
    pub fn at(self, place: &Place) -> Self {
        let policy = place.policy();
        self.inside(place).argument("--routing").argument(policy.to_str().unwrap_or_default())
    }

    /// Starts the server in the place's project with the place's home, without naming a policy.
    #[must_use]
    pub fn inside(mut self, place: &Place) -> Self {
        self.directory = Some(place.path("project"));
        self.variable("HOME", place.path("home").to_string_lossy())
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Starts the server without a handshake.
    ///
    /// # Panics
    /// Panics if the binary cannot be started.
    pub fn spawn(self) -> Session {
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).env_clear().envs(&self.variables).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir(self.directory.as_deref().unwrap_or(Path::new("/")));
        crate::heed_signals();
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let errors = tokio::spawn(async move {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).await.unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        Session { child, errors, conversation: Conversation::over(reader, writer) }
    }

    /// Starts the server and completes the handshake.
    pub async fn connect(self) -> Session {
        let mut session = self.spawn();
        session.initialize().await;
        session
    }

    /// Starts the server and completes the handshake as the client of this name.
    pub async fn connect_as(self, client: &str) -> Session {
        let mut session = self.spawn();
        session.initialize_by(client, "2025-11-25").await;
        session.notify("notifications/initialized", json!({}));
        session
    }
}

/// A running server and the conversation with it. Dropping it kills the server.
pub struct Session {
    child: Child,
    errors: JoinHandle<String>,
    conversation: Conversation,
}

/// The remains of a server that has exited.
pub struct Ending {
    /// The exit status.
    pub status: ExitStatus,
    /// Every line of stdout, in order.
    pub stdout: Vec<String>,
    /// The whole of stderr.
    pub stderr: String,
}

impl Ending {
    /// Returns how many replies to the request `id` were written.
    pub fn replies_to(&self, id: u64) -> usize {
        self.messages()
            .iter()
            .filter(|reply| reply["id"] == id && reply.get("method").is_none())
            .count()
    }

    /// Returns every message of stdout, in order. The messages of a list are messages of their own.
    ///
    /// # Panics
    /// Panics if a line is not JSON.
    pub fn messages(&self) -> Vec<Value> {
        self.stdout.iter().flat_map(|line| messages(line)).collect()
    }
}

impl Session {
    /// Sends a signal such as `TERM` or `INT` to the server.
    ///
    /// # Panics
    /// Panics if the server has exited already.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("the server is running");
        let mut kill = std::process::Command::new("sh");
        kill.arg("-c").arg(format!("kill -{name} {id}"));
        assert!(kill.status().unwrap().success());
    }

    /// Waits until the server exits by itself.
    ///
    /// # Panics
    /// Panics if it does not exit, or if it wrote anything but JSON-RPC to stdout.
    pub async fn exit(mut self) -> Ending {
        let status = in_time("exit of the server", self.child.wait()).await.unwrap();
        let stderr = in_time("end of stderr", self.errors).await.unwrap();
        let stdout = in_time("end of stdout", self.conversation.rest()).await;
        Ending { status, stdout, stderr }
    }

    /// Closes stdin and waits until the server exits.
    pub async fn leave(mut self) -> Ending {
        self.close_stdin();
        self.exit().await
    }
}

impl Deref for Session {
    type Target = Conversation;
    fn deref(&self) -> &Conversation {
        &self.conversation
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Conversation {
        &mut self.conversation
    }
}

/// A JSON-RPC conversation over a pair of streams. Every line that arrives must be a JSON-RPC
/// message.
pub struct Conversation {
    writer: Option<mpsc::UnboundedSender<Vec<u8>>>,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
    waiting: Vec<Value>,
    next_id: u64,
}

impl Conversation {
    /// Begins a conversation over a reader and a writer.
    pub fn over<R, W>(reader: R, mut writer: W) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (to_server, mut outgoing) = mpsc::unbounded_channel::<Vec<u8>>();
        let (incoming, lines) = mpsc::unbounded_channel();
        // Writing has a task of its own, so that a large message never waits for a server that
        // waits to be read.
        tokio::spawn(async move {
            while let Some(bytes) = outgoing.recv().await {
                // If the server has exited, whoever waits for its reply notices.
                let _ = writer.write_all(&bytes).await;
                let _ = writer.flush().await;
            }
        });
        tokio::spawn(async move {
            let mut reader = BufReader::new(reader).lines();
            while let Some(line) = reader.next_line().await.expect("stdout is text") {
                let _ = incoming.send(line);
            }
        });
        let seen = Vec::new();
        Self { writer: Some(to_server), lines, seen, waiting: Vec::new(), next_id: 1 }
    }

    /// Completes the handshake of the newest version that has one. Returns the server's answer.
    pub async fn initialize(&mut self) -> Value {
        let answer = self.initialize_as("2025-11-25").await;
        self.notify("notifications/initialized", json!({}));
        answer
    }

    /// Sends `initialize` for a version of the protocol, without completing the handshake. Returns
    /// the answer.
    pub async fn initialize_as(&mut self, version: &str) -> Value {
        self.initialize_by("conversation", version).await
    }

    /// Sends `initialize` as the client of this name. Returns the answer.
    pub async fn initialize_by(&mut self, client: &str, version: &str) -> Value {
        let client = json!({ "name": client, "version": "1" });
        let params = json!({
            "protocolVersion": version, "capabilities": {}, "clientInfo": client,
        });
        self.request("initialize", params).await
    }

    /// Sends bytes as they are, without adding the end of the line.
    ///
    /// # Panics
    /// Panics if stdin was closed before.
    pub fn raw(&mut self, bytes: impl Into<Vec<u8>>) {
        // A failure to send shows as a reply that never comes.
        let _ = self.writer.as_ref().expect("stdin is open").send(bytes.into());
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.raw(format!("{message}\n"));
    }

    /// Sends a request without waiting for the reply. Returns its id.
    pub fn begin(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.raw(format!("{message}\n"));
        id
    }

    /// Calls a tool without waiting for the result. Returns the request's id.
    pub fn begin_call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.begin("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Forgets the lines that were read, so that a long conversation needs no more memory.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Waits for the next line, and returns it as it was written.
    ///
    /// # Panics
    /// Panics if the server has left.
    pub async fn line(&mut self) -> String {
        in_time("another line", self.lines.recv()).await.expect("the server is there")
    }

    /// Waits for the next message, whatever it is; `None` if the server has left.
    pub async fn next(&mut self) -> Option<Value> {
        while self.waiting.is_empty() {
            let line = in_time("another message", self.lines.recv()).await?;
            self.keep(line);
        }
        Some(self.waiting.remove(0))
    }

    /// Waits for the reply to `id`. Other messages are kept for later.
    ///
    /// # Panics
    /// Panics if the reply does not come.
    pub async fn reply(&mut self, id: u64) -> Value {
        loop {
            if let Some(at) = self.waiting.iter().position(|message| message["id"] == id) {
                return self.waiting.remove(at);
            }
            let line = in_time(&format!("the reply to request {id}"), self.lines.recv()).await;
            let line = line.unwrap_or_else(|| panic!("the server left before reply {id}"));
            self.keep(line);
        }
    }

    /// Sends a request and returns the whole reply.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.reply(id).await
    }

    /// Calls a tool and returns its result.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.begin_call(tool, arguments);
        self.result(id).await
    }

    /// Waits for the result of a call.
    ///
    /// # Panics
    /// Panics if the reply is a JSON-RPC error.
    pub async fn result(&mut self, id: u64) -> Value {
        let reply = self.reply(id).await;
        reply.get("result").unwrap_or_else(|| panic!("no result: {reply}")).clone()
    }

    /// Closes stdin once everything has been written.
    pub fn close_stdin(&mut self) {
        self.writer = None;
    }

    async fn rest(mut self) -> Vec<String> {
        while let Some(line) = self.lines.recv().await {
            self.keep(line);
        }
        self.seen
    }

    fn keep(&mut self, line: String) {
        for message in messages(&line) {
            assert_eq!(message["jsonrpc"], "2.0", "stdout carries something else: {line}");
            self.waiting.push(message);
        }
        self.seen.push(line);
    }
}

/// Returns the messages of a line: one, or those of a list.
fn messages(line: &str) -> Vec<Value> {
    match serde_json::from_str(line) {
        Ok(Value::Array(list)) => list,
        Ok(message) => vec![message],
        Err(error) => panic!("stdout carries {error}: {line:?}"),
    }
}
