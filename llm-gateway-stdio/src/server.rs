//! Runs the MCP tools: turns a tool call into a call of the gateway, and the outcome into an
//! envelope.
//!
//! This module also ends calls: when the client cancels a call, when the server goes down, and when
//! a call panics.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use llm_gateway_core::policy::Output;
use llm_gateway_core::{Category, Envelope, Error, Gateway, Request, Stop, Task};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Arguments, shown};
use crate::lines::{Teller, Unanswered};
use crate::progress::Reporter;
use crate::tools::{LLM_ORCHESTRATE, LLM_ROUTE};
use crate::{clients, faults, tools, wire};

/// The server's instructions, which an MCP client gets when it connects.
///
/// Some clients show their model the first 247 characters and the names of the tools, and nothing
/// else until it searches. So the first 240 say when to call which tool, in words that a search
/// looks for. Others cut at two kilobytes.
const INSTRUCTIONS: &str = "Ask another model (LLM): second opinion, panel, review, verify, cheap or \
    bulk answers. llm_route: ask by task class. llm_orchestrate: a task planned, done, \
    verified. llm_routing_info: models, keys, cost. The gateway picks the model \
    by its policy, checks the price first, and answers with text, cost and a trace. A task class \
    of kind panel asks several models blind and says how far they agree. llm_orchestrate has a \
    task done by one model and judged by another that sees task and artifact alone: read its \
    status, it may have been refused. llm_routing_info tells which task classes can run and which \
    keys are missing.";

/// The time that an orchestration may take to end after it was stopped: to book the call that it
/// broke off, to certify its steps and to write its receipt. It is shorter than the time that
/// [`serve`](crate::serve) gives the last answers.
const STOPPING: Duration = Duration::from_millis(400);

/// The MCP handler: the tools of one gateway.
pub(crate) struct Server {
    gateway: Gateway,
    tools: Arc<[Tool]>,
    /// The token that cancels all calls when the server goes down.
    calls: CancellationToken,
    /// Cancelled when the client has closed its end. A call that is cancelled then gets no answer.
    ended: CancellationToken,
    unanswered: Unanswered,
    teller: Teller,
}

impl Server {
    pub(crate) fn new(
        gateway: Gateway,
        calls: CancellationToken,
        ended: CancellationToken,
        unanswered: Unanswered,
        teller: Teller,
    ) -> Self {
        let tools = tools::all(&gateway).into();
        Self { gateway, tools, calls, ended, unanswered, teller }
    }

    /// Runs one tool and returns its envelope.
    ///
    /// `stop` ends an orchestration, which then answers with the steps that it has completed.
    /// Dropping the future cancels any tool without an answer.
    async fn answer(
        &self,
        tool: &str,
        arguments: JsonObject,
        stop: &Stop,
        reporter: &Reporter,
    ) -> Envelope {
        let arguments = match faults::checked(&self.gateway, tool, arguments) {
            Ok(arguments) => arguments,
            Err(error) => return Envelope::from(&error),
        };
        match tool {
            LLM_ROUTE => self.route(arguments, reporter).await,
            LLM_ORCHESTRATE => self.orchestrate(arguments, stop, reporter).await,
            _ => self.routing_info().await,
        }
    }

    async fn route(&self, mut arguments: Arguments, reporter: &Reporter) -> Envelope {
        let task_class = arguments.text("task_class").unwrap_or_default();
        let prompt = arguments.text("prompt").unwrap_or_default();
        let mut request = Request::new(task_class, prompt);
        if let Some(system) = arguments.text("system") {
            request = request.system(system);
        }
        if let Some(max_tokens) = arguments.integer("max_tokens") {
            request = request.max_tokens(max_tokens);
        }
        if let Some(model) = arguments.text("override_model") {
            request = request.override_model(model);
        }
        Envelope::from(&reporter.outcome_of(self.gateway.start(request)).await)
    }

    async fn orchestrate(
        &self,
        mut arguments: Arguments,
        stop: &Stop,
        reporter: &Reporter,
    ) -> Envelope {
        let mut task = Task::new(arguments.text("task").unwrap_or_default()).stopped_by(stop);
        if let Some(depth) = arguments.text("depth") {
            task = task.depth(depth);
        }
        Envelope::from(&reporter.outcome_of(self.gateway.start_orchestration(task)).await)
    }

    async fn routing_info(&self) -> Envelope {
        match self.gateway.describe_with_spend().await {
            Ok(description) => Envelope::from(&description),
            Err(problems) => Envelope::from(&problems),
        }
    }

    /// Returns the largest number of characters of an envelope, by the policy; without a valid
    /// policy, the default.
    fn max_chars(&self) -> usize {
        self.gateway.policy().map_or(Output::DEFAULT_MAX_CHARS, |policy| policy.output().max_chars)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new("llm-gateway", env!("CARGO_PKG_VERSION"))
                    .with_title("LLM gateway"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult { tools: self.tools.to_vec(), ..ListToolsResult::default() })
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        if !self.tools.iter().any(|tool| tool.name == name) {
            let known: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_ref()).collect();
            let message =
                format!("no tool is called `{}`; there are: {}", shown(name), known.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        }
        let max_chars = self.max_chars();
        let arguments = request.arguments.unwrap_or_default();
        let (stop, reporter) = (Stop::new(), Reporter::of(&context.id, &self.teller));
        let client = context.client_info().map(|client| client.name);
        let work = async {
            let envelope = self.answer(name, arguments, &stop, &reporter).await;
            clients::with_advice(envelope, client.as_deref()).bounded(max_chars)
        };
        // An uncaught panic would end the task and leave the call without a reply.
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        let done = tokio::select! {
            biased;
            done = &mut work => Ok(done),
            // A server that goes down cancels the calls of its clients.
            () = self.calls.cancelled() => {
                if self.ended.is_cancelled() {
                    self.unanswered.add(&context.id);
                }
                Err("the server is going down")
            }
            // rmcp sends no reply to a call that its client cancelled.
            () = context.ct.cancelled() => Err("the client cancelled the call"),
        };
        let done = match done {
            // The completed steps were paid for, so they go into the receipt, and into the answer
            // if there is one.
            Err(why) if name == LLM_ORCHESTRATE => {
                stop.stop();
                timeout(STOPPING, work).await.map_err(|_| why)
            }
            done => done,
        };
        let envelope = match done {
            Ok(done) => done.unwrap_or_else(|_| Envelope::from(&panicked(name))),
            Err(why) => Envelope::from(&cancelled(why)),
        };
        Ok(wire::tool_result(envelope).into())
    }
}

fn panicked(tool: &str) -> Error {
    Error::new(Category::Internal, format!("`{tool}` failed inside the gateway"))
        .with_hint("this is a bug of llm-gateway; the server's stderr says more")
}

fn cancelled(why: &str) -> Error {
    Error::new(Category::Cancelled, why)
}
