//! The session with one client: it converts lines into messages for rmcp and immediate answers, and
//! rmcp's answers into lines.
//!
//! The session does no input and output: it takes a line, and returns messages and lines.

use std::collections::VecDeque;

use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, GetMeta, JsonRpcMessage, ProtocolVersion, RequestId,
    RequestMetaObject, ServerJsonRpcMessage, ServerResult,
};
use serde_json::{Map, Value, json};

use super::calls::{BatchNumber, Calls};
use super::glance::Glance;
use super::id::{Id, number};
use super::json::{Unreadable, read};
use super::message::{INVALID_PARAMS, INVALID_REQUEST, Message, PARSE_ERROR, Refusal, check};
use super::splitter::{LONGEST_LINE, Line};
use super::told::{Token, ToldRequests};
use super::{initialize, params};

/// The most messages of one batch.
const LONGEST_BATCH: usize = 1000;

/// The beginning of the names under which a request of the newest versions carries what
/// `initialize` stated before.
const INLINE: &str = "io.modelcontextprotocol/";

/// The result of reading a line.
#[derive(Default)]
pub(crate) struct Taken {
    /// The messages for rmcp.
    pub(crate) messages: VecDeque<ClientJsonRpcMessage>,
    /// The lines to write.
    pub(crate) lines: Vec<String>,
}

/// The state of the conversation with one client.
pub(crate) struct Session {
    calls: Calls,
    /// The versions that the server speaks.
    versions: Vec<ProtocolVersion>,
    /// Whether rmcp has received the request with which a session begins. An earlier notification
    /// would end the session.
    begun: bool,
}

impl Session {
    /// Returns a session that has not begun. Its requests whose progress is wanted are in `told`.
    pub(crate) fn new(versions: Vec<ProtocolVersion>, told: ToldRequests) -> Self {
        Self { calls: Calls::telling(told), versions, begun: false }
    }

    /// Returns how many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.calls.under_way()
    }

    /// Reads a line.
    pub(crate) fn take(&mut self, line: Line) -> Taken {
        let mut taken = Taken::default();
        match line {
            Line::TooLong(glance) => {
                let most = LONGEST_LINE / (1024 * 1024);
                let why = format!("a line may have {most} MiB ({LONGEST_LINE} bytes) at most");
                taken.lines.extend(unread(&glance, INVALID_REQUEST, why));
            }
            Line::Whole(line) => self.take_whole(&line, &mut taken),
        }
        taken
    }

    /// Returns the line for a message of rmcp; `None` if its request was cancelled.
    pub(crate) fn outgoing(&mut self, message: ServerJsonRpcMessage) -> Option<String> {
        match message {
            JsonRpcMessage::Response(response) => {
                let result = serde_json::to_string(&response.result).ok()?;
                let is_stream_end =
                    matches!(response.result, ServerResult::SubscriptionsListenResult(_));
                let result = match is_stream_end {
                    true => self.calls.addressed(result)?,
                    false => result,
                };
                self.calls.answer(number(&response.id)?, |id| {
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
                })
            }
            JsonRpcMessage::Error(error) => match &error.id {
                Some(id) => self.calls.answer(number(id)?, |id| {
                    let error = json!(error.error);
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
                }),
                None => Some(json!(error).to_string()),
            },
            other => self.calls.addressed(serde_json::to_string(&other).ok()?),
        }
    }

    /// Ends a request of rmcp's without an answer. Returns the answers of its batch, if it was the
    /// last one of that.
    pub(crate) fn unanswered(&mut self, id: &RequestId) -> Option<String> {
        self.calls.cancel(number(id)?)
    }

    /// Returns the lines that remain when the session ends.
    pub(crate) fn end(&mut self) -> Vec<String> {
        self.calls.break_off()
    }

    fn take_whole(&mut self, line: &[u8], taken: &mut Taken) {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
        if line.is_empty() {
            return;
        }
        match read(line) {
            Ok(Value::Array(batch)) => self.take_batch(batch, taken),
            Ok(value) => self.take_value(value, || Glance::at(line).id(), None, taken),
            Err(error) => {
                let (code, why) = match error {
                    Unreadable::NotJson(why) => (PARSE_ERROR, format!("not JSON: {why}")),
                    Unreadable::Ambiguous(why) => (INVALID_REQUEST, why),
                };
                taken.lines.extend(unread(&Glance::at(line), code, why));
            }
        }
    }

    /// Reads a batch, which the version 2025-03-26 has and no other version forbids.
    fn take_batch(&mut self, batch: Vec<Value>, taken: &mut Taken) {
        if !(1..=LONGEST_BATCH).contains(&batch.len()) {
            let message = format!("a batch has 1 to {LONGEST_BATCH} messages, not {}", batch.len());
            let refusal = Refusal { id: None, code: INVALID_REQUEST, message };
            return taken.lines.push(refusal.to_line());
        }
        let number = self.calls.begin_batch();
        for value in batch {
            self.take_value(value, || None, Some(number), taken);
        }
        taken.lines.extend(self.calls.end_batch(number));
    }

    fn take_value(
        &mut self,
        value: Value,
        written: impl FnOnce() -> Option<String>,
        batch: Option<BatchNumber>,
        taken: &mut Taken,
    ) {
        let done = match check(value, written) {
            Ok(Message::Request { id, method, object }) => {
                self.request(id, &method, object, batch, taken)
            }
            Ok(Message::Notification { method, object }) => {
                self.notification(&method, object, taken);
                Ok(())
            }
            Ok(Message::Answer(object)) => {
                self.hand_on(object, taken);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = done {
            taken.lines.extend(self.calls.collect(refusal.to_line(), batch));
        }
    }

    fn request(
        &mut self,
        id: Id,
        method: &str,
        mut object: Map<String, Value>,
        batch: Option<BatchNumber>,
        taken: &mut Taken,
    ) -> Result<(), Refusal> {
        let written = id.written().to_owned();
        let refuse = |code, message| Refusal { id: Some(written.clone()), code, message };
        let mut params = match object.shift_remove("params") {
            Some(Value::Object(params)) => Some(params),
            _ => None,
        };
        let checked = match method {
            "initialize" => initialize::taken(params.as_ref()).map(|taken| params = Some(taken)),
            _ => params::check(method, params.as_mut()),
        };
        checked.map_err(|why| refuse(INVALID_PARAMS, why))?;
        if self.calls.of(id.key()).is_some() {
            let why = format!("a request with the id {written} is under way");
            return Err(refuse(INVALID_REQUEST, why));
        }
        let token = Token::of(params.as_ref());
        let request = request(method, params).map_err(|(code, why)| refuse(code, why))?;
        self.opens(&request).map_err(|(code, why)| refuse(code, why))?;
        // A stream lasts as long as its client wants, and the other answers do not wait for it.
        let is_stream = matches!(request, ClientRequest::SubscriptionsListenRequest(_));
        let number = self.calls.begin(id, batch.filter(|_| !is_stream), token);
        taken.messages.push_back(JsonRpcMessage::request(request, RequestId::Number(number)));
        Ok(())
    }

    /// Decides whether a request may pass: the session has begun, or rmcp does not end the session
    /// over the request.
    fn opens(&mut self, request: &ClientRequest) -> Result<(), (i64, String)> {
        let meta = request.get_meta();
        let passes = match request {
            _ if self.begun => true,
            ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => true,
            ClientRequest::InitializeRequest(_) => {
                self.begun = true;
                true
            }
            _ => {
                self.begun = self.is_inline(meta);
                self.begun || meta.keys().any(|name| name.starts_with(INLINE))
            }
        };
        if passes {
            return Ok(());
        }
        Err((INVALID_REQUEST, "the session has not begun: `initialize` comes first".to_owned()))
    }

    /// Returns whether rmcp accepts a request as the beginning of a session without `initialize`.
    fn is_inline(&self, meta: &RequestMetaObject) -> bool {
        let version = meta.protocol_version();
        meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
            && version.is_some_and(|version| self.versions.contains(&version))
    }

    fn notification(&mut self, method: &str, mut object: Map<String, Value>, taken: &mut Taken) {
        if method == "notifications/cancelled" {
            let request = object.get("params").and_then(|params| params.get("requestId"));
            let id = request.and_then(|request| Id::read(request, || None).ok().flatten());
            let Some(number) = id.and_then(|id| self.calls.of(id.key())) else {
                return;
            };
            // Nothing else is needed, and another member that rmcp cannot read would keep the call.
            object.insert("params".to_owned(), json!({ "requestId": number }));
            taken.lines.extend(self.calls.cancel(number));
        }
        self.hand_on(object, taken);
    }

    /// Passes a message that gets no answer on to rmcp. A message that rmcp cannot read, or that
    /// comes before the session has begun, is ignored.
    fn hand_on(&self, object: Map<String, Value>, taken: &mut Taken) {
        if !self.begun {
            return;
        }
        match serde_json::from_value(Value::Object(object)) {
            Ok(message) => taken.messages.push_back(message),
            Err(error) => tracing::debug!(%error, "a message without an answer was passed over"),
        }
    }
}

/// Returns a request in the form that rmcp reads, with only the members of a request.
fn request(
    method: &str,
    params: Option<Map<String, Value>>,
) -> Result<ClientRequest, (i64, String)> {
    let mut object = Map::from_iter([("method".to_owned(), json!(method))]);
    object.extend(params.map(|params| ("params".to_owned(), Value::Object(params))));
    let is_custom = |request: &ClientRequest| matches!(request, ClientRequest::CustomRequest(_));
    match serde_json::from_value::<ClientRequest>(Value::Object(object)) {
        Ok(request) if !params::is_known(method) || !is_custom(&request) => Ok(request),
        _ => {
            let why = format!("the parameters of `{method}` are missing, or of a wrong kind");
            Err((INVALID_PARAMS, why))
        }
    }
}

/// Returns the answer to a line that could not be read. An answer of the client gets none, and
/// neither does a line that may be one.
fn unread(glance: &Glance, code: i64, message: String) -> Option<String> {
    let refusal = Refusal { id: glance.id(), code, message };
    (!glance.is_answer()).then(|| refusal.to_line())
}
