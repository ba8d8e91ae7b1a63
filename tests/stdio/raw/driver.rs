//! A client that sends bytes and knows what each id is owed. It judges all that the server writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Environment, Error, Gateway};
use serde_json::{Value, json};
use test_support::{Conversation, PATIENCE};

/// The line by which a round ends.
const END: &str = r#"{"jsonrpc":"2.0","id":"the end","method":"ping"}"#;

/// What the server owes its client.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// How often each id is still to be answered. A request under the id of another is answered,
    /// too.
    answers: BTreeMap<String, usize>,
    /// How many errors without an id are still to come.
    nameless: usize,
    /// The tokens of progress, each with the id of its request if that will be answered.
    tokens: Vec<(Value, Option<String>)>,
}

impl Owed {
    /// Adds an answer to a request with this id, as it is written.
    pub(super) fn answer(&mut self, id: &str) {
        *self.answers.entry(id.to_owned()).or_default() += 1;
    }

    /// Adds an error that no id can be read for.
    pub(super) fn nameless(&mut self) {
        self.nameless += 1;
    }

    /// Allows progress with this token until the request is answered, or ever if it never is.
    pub(super) fn progress(&mut self, token: Value, answered: Option<&str>) {
        self.tokens.push((token, answered.map(str::to_owned)));
    }

    /// Returns whether nothing is owed.
    fn is_settled(&self) -> bool {
        self.answers.is_empty() && self.nameless == 0
    }

    /// Takes what the server wrote off what it owes.
    ///
    /// # Panics
    /// Panics on everything that it does not owe.
    fn hear(&mut self, message: &Value) {
        if let Some(method) = message.get("method") {
            assert_eq!(message.get("id"), None, "the server asks for nothing: {message}");
            assert_eq!(method, "notifications/progress", "{message}");
            let token = &message["params"]["progressToken"];
            let is_given = self.tokens.iter().any(|(given, _)| given == token);
            assert!(is_given, "progress that nobody asked for, or after the answer: {message}");
            return;
        }
        let is_result = message.get("result").is_some_and(Value::is_object);
        let is_error = message["error"]["code"].is_i64() && message["error"]["message"].is_string();
        assert!(is_result != is_error, "no answer: {message}");
        let Some(id) = message.get("id").filter(|id| !id.is_null()) else {
            assert!(is_error && self.nameless > 0, "an error that nothing caused: {message}");
            self.nameless -= 1;
            return;
        };
        let id = id.to_string();
        let Some(left) = self.answers.get_mut(&id) else {
            panic!("answered once more than asked: {message}")
        };
        *left -= 1;
        if *left == 0 {
            self.answers.remove(&id);
            self.tokens.retain(|(_, request)| request.as_ref() != Some(&id));
        }
    }
}

/// How bytes are cut on their way to the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// As they are sent.
    Whole,
    /// So that the server reads as many at a time.
    Every(usize),
}

/// A client of a server in this process.
pub(super) struct Driver {
    client: Conversation,
    pub(super) owed: Owed,
}

impl Driver {
    /// Starts a server whose class `quick` answers at once, and whose class `stuck` never does.
    pub(super) fn started(cut: Cut) -> Self {
        let gateway = Gateway::builder()
            .policy_yaml(
                "defaults: {quick: {provider: p, model: quick}, stuck: {provider: p, model: stuck}}",
            )
            .environment(Environment::empty())
            .provider("p", Arc::new(Scripted))
            .build()
            .unwrap();
        let at_once = match cut {
            Cut::Whole => 65_536,
            Cut::Every(bytes) => bytes,
        };
        Self::over(served(gateway, at_once))
    }

    /// Drives a server over a conversation.
    pub(super) fn over(client: Conversation) -> Self {
        Self { client, owed: Owed::default() }
    }

    /// Sends the handshake of the era that has one.
    pub(super) fn initialize(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "raw", "version": "1" },
        });
        let hello =
            json!({ "jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": params });
        self.owed.answer("\"hello\"");
        self.send(format!("{hello}\n"));
        self.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    }

    /// Sends bytes as they are.
    pub(super) fn send(&mut self, bytes: impl Into<Vec<u8>>) {
        self.client.raw(bytes);
    }

    /// Ends a round: waits until everything that is owed has come, and a last answer after it, so
    /// that what is too much shows, too.
    ///
    /// # Panics
    /// Panics on a message that is not owed, and on one that does not come.
    pub(super) async fn settle(&mut self) {
        while !self.owed.is_settled() {
            self.hear().await;
        }
        self.owed.answer("\"the end\"");
        self.send(format!("{END}\n"));
        while !self.owed.is_settled() {
            self.hear().await;
        }
        self.client.forget();
    }

    /// Closes stdin, and hears the server to its end.
    pub(super) async fn leave(mut self) {
        self.client.close_stdin();
        while let Some(message) = self.client.next().await {
            self.owed.hear(&message);
        }
        assert!(self.owed.is_settled(), "the server left owing {:?}", self.owed);
    }

    async fn hear(&mut self) {
        let message = tokio::time::timeout(PATIENCE / 2, self.client.next()).await;
        let message = message.unwrap_or_else(|_| panic!("hung, and owes {:?}", self.owed.answers));
        self.owed.hear(&message.expect("the server is there"));
    }
}

/// Returns a client of a gateway's server, which reads so many bytes at a time. Each way is a pipe
/// of its own that ends when either side leaves it.
pub(super) fn served(gateway: Gateway, at_once: usize) -> Conversation {
    let (client_reader, server_writer) = tokio::io::duplex(65_536);
    let (server_reader, client_writer) = tokio::io::duplex(at_once);
    let forever = std::future::pending();
    tokio::spawn(llm_gateway_stdio::serve(gateway, server_reader, server_writer, forever));
    Conversation::over(client_reader, client_writer)
}

/// A provider whose model `stuck` never answers.
struct Scripted;

#[async_trait]
impl Provider for Scripted {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _recorder: &Recorder) -> Result<Completion, Error> {
        if prepared.call.model.as_str() == "stuck" {
            std::future::pending::<()>().await;
        }
        Ok(Completion::text("calm"))
    }
}
