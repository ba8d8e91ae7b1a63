//! `llm-gateway tour`: the real server, in process, and a real client; every tool, offline.

mod show;

use std::process::ExitCode;

use anyhow::Context;
use llm_gateway_core::{Envelope, Environment, Gateway, RouteKind, Scripted};
use llm_gateway_stdio::process::GatewayFlags;
use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::terminal::{FAINT, STRONG, Terminal};

/// Bytes that the pipe between server and client holds.
const PIPE: usize = 64 * 1024;

/// A question that three models can answer with a letter, so that their answers compare.
const CHOICE: &str = "Which law of thermodynamics says that entropy never falls? A: the first. \
    B: the second. C: the third. Answer with one letter.";

/// One call of the tour.
struct Stop {
    tool: &'static str,
    /// What it shows.
    title: &'static str,
    arguments: Value,
    /// What the models answer, added to a script.
    replies: fn(Scripted) -> Scripted,
}

/// What is asked of each tool, in the order in which it is shown.
fn stops(task_class: &str, panel: Option<&str>) -> Vec<Stop> {
    let question = "Name the three laws of thermodynamics.";
    let panel = panel.map(|class| Stop {
        tool: "llm_route",
        title: "a panel: several models, none of which sees another's answer",
        arguments: json!({ "task_class": class, "prompt": CHOICE }),
        replies: |script| script.answer("B").answer("**C**").answer("The answer is B."),
    });
    let singles = [
        Stop {
            tool: "llm_routing_info",
            title: "what the gateway can do",
            arguments: json!({}),
            replies: |script| script,
        },
        Stop {
            tool: "llm_route",
            title: "a question, routed by its task class",
            arguments: json!({ "task_class": task_class, "prompt": question }),
            replies: |script| {
                script.answer(
                    "1. Energy is conserved. 2. Entropy never falls. 3. Absolute zero is out of reach.",
                )
            },
        },
        Stop {
            tool: "llm_route",
            title: "the same, while the first provider refuses its key (401)",
            arguments: json!({ "task_class": task_class, "prompt": question }),
            replies: |script| script.status(401),
        },
    ];
    let mistake = Stop {
        tool: "llm_route",
        title: "a mistake, answered so that an agent can mend it",
        arguments: json!({ "task_class": "quick_anwser", "promt": question, "max_tokens": 0 }),
        replies: |script| script,
    };
    singles.into_iter().chain(panel).chain([mistake]).collect()
}

pub(crate) async fn run(flags: &GatewayFlags, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let script = Scripted::new();
    let mut builder = Gateway::builder().environment(Environment::empty());
    if let Some(path) = &flags.routing {
        builder = builder.policy_file(path);
    }
    let gateway = match builder.scripted(script.clone()).build() {
        Ok(gateway) => gateway,
        Err(problems) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let task_class = first_class_with_fallback(&gateway)?;
    let panel = panel_of_three(&gateway);
    let client = connect(gateway).await?;
    let tools = client.list_all_tools().await?;
    if !terminal.json {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        terminal.line(&format!(
            "{STRONG}llm-gateway{STRONG:#} serves {} tools over MCP: {}.\n\
             Server and client are real; only the models are scripted, so nothing leaves\n\
             your machine and nothing costs money.",
            names.len(),
            names.join(", ")
        ))?;
    }
    let stops = stops(&task_class, panel.as_deref());
    if let Some(tool) = tools.iter().find(|tool| stops.iter().all(|stop| stop.tool != tool.name)) {
        anyhow::bail!("the tour does not show the tool {}", tool.name);
    }
    let mut envelopes = Vec::new();
    for (index, stop) in stops.iter().enumerate() {
        // Shared with the gateway, which takes these steps next.
        drop((stop.replies)(script.clone()));
        let envelope = call(&client, stop).await?;
        if !terminal.json {
            show::stop(index + 1, stop, &envelope, terminal)?;
        }
        envelopes
            .push(json!({ "tool": stop.tool, "arguments": stop.arguments, "envelope": envelope }));
    }
    client.cancel().await?;
    if terminal.json {
        let data = json!({ "calls": envelopes });
        terminal.document(&Envelope::success(data))?;
    } else {
        // As it was called: after `cargo run` the program is on nobody's path.
        let program = std::env::args().next().unwrap_or_else(|| "llm-gateway".to_owned());
        terminal.line(&format!("\n{STRONG}Next{STRONG:#}"))?;
        for (what, arguments) in [
            ("which task classes can run with your keys", "check"),
            ("the entry for your MCP client", "client-config claude-code"),
            ("a real answer, once a key is set", &format!("route {task_class} \"...\"")),
        ] {
            terminal.line(&format!("   {program} {arguments}   {FAINT}{what}{FAINT:#}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The class that shows most: a single model with somewhere to fall back to.
fn first_class_with_fallback(gateway: &Gateway) -> anyhow::Result<String> {
    let description = gateway.describe().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let singles =
        || description.task_classes.iter().filter(|class| class.kind == RouteKind::Single);
    singles()
        .find(|class| class.targets.len() > 1)
        .or_else(|| singles().next())
        .map(|class| class.name.clone())
        .context("the policy has no task class of a single model")
}

/// The panel that shows most: three members can split without a tie.
fn panel_of_three(gateway: &Gateway) -> Option<String> {
    let description = gateway.describe().ok()?;
    let panels = || description.task_classes.iter().filter(|class| class.kind == RouteKind::Panel);
    let panel = panels().find(|panel| panel.targets.len() == 3).or_else(|| panels().next());
    panel.map(|class| class.name.clone())
}

/// Serves the gateway on one end of a pipe and connects a client to the other.
async fn connect(gateway: Gateway) -> anyhow::Result<RunningService<RoleClient, ()>> {
    let (near, far) = tokio::io::duplex(PIPE);
    let (reader, writer) = tokio::io::split(far);
    tokio::spawn(llm_gateway_stdio::serve(gateway, reader, writer, std::future::pending()));
    Ok(().serve(near).await?)
}

async fn call(client: &RunningService<RoleClient, ()>, stop: &Stop) -> anyhow::Result<Value> {
    let arguments = stop.arguments.as_object().cloned().unwrap_or_default();
    let request = CallToolRequestParams::new(stop.tool).with_arguments(arguments);
    let result: CallToolResult = client.call_tool(request).await?;
    let text = result
        .content
        .first()
        .and_then(ContentBlock::as_text)
        .context("the answer holds no text")?;
    Ok(serde_json::from_str(&text.text)?)
}
