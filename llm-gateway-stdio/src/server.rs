//! Runs the MCP tools: turns a tool call into a call of the gateway, and the outcome into an
//! envelope.
//!
//! A call of a model becomes a run, which `runs` works on. A call that panics is answered here.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use llm_gateway_core::policy::{HandOff, ORCHESTRATE};
use llm_gateway_core::{Envelope, Gateway, Request, Stop, Task};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, SubscriptionFilter,
    Tool,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::arguments::{Arguments, shown};
use crate::client::{Client, Clients};
use crate::current::Current;
use crate::faults;
use crate::lines::Teller;
use crate::progress::Reporter;
use crate::runs::{Found, Runs, Started, panicked};
use crate::tools::{LLM_ORCHESTRATE, LLM_RESULT, LLM_ROUTE};
use crate::wire::ResultForm;

/// The server's instructions, which an MCP client gets when it connects.
///
/// Some clients show their model the first 247 characters and the names of the tools, and nothing
/// else until it searches. So the first 240 say when to call which tool, in words that a search
/// looks for. Others cut at two kilobytes.
const INSTRUCTIONS: &str = "Ask another model (LLM): second opinion, panel, review, verify, cheap or \
    bulk answers. llm_route: ask by task class. llm_orchestrate: a task planned, done, \
    verified. llm_routing_info: models, keys, cost. llm_result: late or long ones. The gateway picks the model \
    by its policy, checks the price first, and answers with text, cost and a trace. A task class \
    of kind panel asks several models blind and says how far they agree. llm_orchestrate has a \
    task done by one model and judged by another that sees task and artifact alone: read its \
    status, it may have been refused. llm_routing_info tells which task classes can run and which \
    keys are missing.";

/// The MCP handler: the tools of the gateway in force.
pub(crate) struct Server {
    current: Current,
    clients: Clients,
    runs: Runs,
    teller: Teller,
}

/// A call of a tool: the gateway on which it begins and ends, who makes it, who is told of its
/// progress, and in which form it is answered.
struct Call {
    gateway: Gateway,
    context: RequestContext<RoleServer>,
    client: Client,
    reporter: Reporter,
    hand_off: HandOff,
    form: ResultForm,
}

impl Server {
    pub(crate) fn new(current: Current, runs: Runs, teller: Teller) -> Self {
        Self { current, clients: Clients::known(), runs, teller }
    }

    /// Returns the call that a client makes of `gateway`, by its policy; without a valid policy, by
    /// the defaults.
    fn call(&self, gateway: Gateway, context: RequestContext<RoleServer>) -> Call {
        let reporter = Reporter::of(&context.id, &self.teller);
        let client = self.clients.client_of(&context, reporter.is_telling());
        let output = gateway.policy().map(|policy| policy.output().clone());
        let output = output.unwrap_or_default();
        let form = ResultForm::of(&output, &client);
        Call { gateway, context, client, reporter, hand_off: output.hand_off, form }
    }

    /// Runs one tool and returns its envelope.
    ///
    /// Dropping the future cancels any tool without an answer.
    async fn answer(&self, tool: &str, arguments: JsonObject, call: &Call) -> Found {
        if tool == LLM_RESULT {
            return self.result(arguments, call).await;
        }
        let Call { gateway, context, .. } = call;
        let arguments = match faults::checked(gateway, tool, arguments) {
            Ok(arguments) => arguments,
            Err(error) => return Envelope::from(&error).into(),
        };
        let client = call.client.name().to_owned();
        let started = match tool {
            LLM_ROUTE => route(gateway, arguments, client),
            LLM_ORCHESTRATE => orchestrate(gateway, arguments, client),
            _ => return self.runs.unless_cancelled(self.routing_info(gateway), context).await,
        };
        let hand_off = call.client.hand_off_after(call.hand_off);
        self.runs.answer(started, context, &call.reporter, hand_off).await
    }

    async fn result(&self, arguments: JsonObject, call: &Call) -> Found {
        let max_chars = call.form.max_chars();
        let wanted = match self.runs.wanted(arguments, max_chars).await {
            Ok(wanted) => wanted,
            Err(error) => return Envelope::from(&error).into(),
        };
        let longest = call.client.waits(call.hand_off);
        let collected = self.runs.collect(&wanted, longest);
        let collected = call.reporter.while_waiting(self.runs.awaited(&wanted), collected);
        self.runs.unless_cancelled(collected, &call.context).await
    }

    async fn routing_info(&self, gateway: &Gateway) -> Found {
        let envelope = match gateway.describe_with_spend().await {
            Ok(description) => self.with_runs(Envelope::from(&description)),
            Err(problems) => Envelope::from(&problems),
        };
        envelope.into()
    }

    /// Adds the newest runs to a description, if there are any.
    fn with_runs(&self, mut envelope: Envelope) -> Envelope {
        let runs = self.runs.describe();
        if let (Some(Value::Object(fields)), false) = (&mut envelope.data, runs.is_empty()) {
            fields.insert("runs".to_owned(), json!(runs));
        }
        envelope
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build(),
        )
        .with_server_info(
            Implementation::new("llm-gateway", env!("CARGO_PKG_VERSION")).with_title("LLM gateway"),
        )
        .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult {
            tools: self.current.now().tools.to_vec(),
            ..ListToolsResult::default()
        })
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.current.now().tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let ends = self.runs.ends();
        tokio::select! {
            () = self.current.tell_session(context) => {}
            () = ends.ended.cancelled() => {}
            () = ends.calls.cancelled() => {}
        }
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(self.current.changes_told())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let ends = self.runs.ends();
        tokio::select! {
            biased;
            // A client that has left wants no answer.
            () = ends.ended.cancelled() => ends.unanswered.add(context.sink().id()),
            () = ends.calls.cancelled() => {}
            () = self.current.tell_subscriber(&context) => {}
        }
        Ok(())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let now = self.current.now();
        if !now.tools.iter().any(|tool| tool.name == name) {
            let known: Vec<&str> = now.tools.iter().map(|tool| tool.name.as_ref()).collect();
            let message =
                format!("no tool is called `{}`; there are: {}", shown(name), known.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        }
        // The call ends on the policy that it begins with.
        let call = self.call(now.gateway.clone(), context);
        // Whoever comes back for a result wants all of it.
        let form = if name == LLM_RESULT { call.form.in_full() } else { call.form };
        let arguments = request.arguments.unwrap_or_default();
        let answer = async {
            let found = self.answer(name, arguments, &call).await;
            found.shown(name, form.detail(), form.max_chars()).await
        };
        // An uncaught panic would end the task and leave the call without a reply.
        let answer = AssertUnwindSafe(answer).catch_unwind().await;
        let envelope = answer.unwrap_or_else(|_| Envelope::from(&panicked(name)));
        Ok(form.tool_result(&envelope).into())
    }
}

/// Starts the run of a call of `llm_route`.
fn route(gateway: &Gateway, mut arguments: Arguments, client: String) -> Started {
    let task_class = arguments.text("task_class").unwrap_or_default();
    let prompt = arguments.text("prompt").unwrap_or_default();
    let stop = Stop::new();
    let mut request = Request::new(task_class.clone(), prompt).stopped_by(&stop);
    if let Some(system) = arguments.text("system") {
        request = request.system(system);
    }
    if let Some(max_tokens) = arguments.integer("max_tokens") {
        request = request.max_tokens(max_tokens);
    }
    if let Some(model) = arguments.text("override_model") {
        request = request.override_model(model);
    }
    let run = gateway.start(request);
    Started { tool: LLM_ROUTE, gateway: gateway.clone(), client, task_class, run, stop }
}

/// Starts the run of a call of `llm_orchestrate`.
fn orchestrate(gateway: &Gateway, mut arguments: Arguments, client: String) -> Started {
    let stop = Stop::new();
    let mut task = Task::new(arguments.text("task").unwrap_or_default()).stopped_by(&stop);
    if let Some(depth) = arguments.text("depth") {
        task = task.depth(depth);
    }
    let run = gateway.start_orchestration(task);
    let task_class = ORCHESTRATE.to_owned();
    Started { tool: LLM_ORCHESTRATE, gateway: gateway.clone(), client, task_class, run, stop }
}
