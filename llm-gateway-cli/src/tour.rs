//! `llm-gateway tour`: the real server, in process, and a real client; every tool, offline.

// Indexing a JSON value gives null where there is nothing.
#![allow(clippy::indexing_slicing)]

use std::process::ExitCode;

use anyhow::Context;
use llm_gateway_core::{Envelope, Environment, Gateway, NanoUsd, RouteKind, Scripted};
use llm_gateway_stdio::process::GatewayFlags;
use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::terminal::{BAD, FAINT, GOOD, STRONG, Terminal, harmless};

/// Bytes that the pipe between server and client holds.
const PIPE: usize = 64 * 1024;

/// One call of the tour.
struct Stop {
    tool: &'static str,
    /// What it shows.
    title: &'static str,
    arguments: Value,
}

/// What is asked of each tool, in the order in which it is shown.
fn stops(task_class: &str) -> Vec<Stop> {
    let question = "Name the three laws of thermodynamics.";
    vec![
        Stop { tool: "llm_routing_info", title: "what the gateway can do", arguments: json!({}) },
        Stop {
            tool: "llm_route",
            title: "a question, routed by its task class",
            arguments: json!({ "task_class": task_class, "prompt": question }),
        },
        Stop {
            tool: "llm_route",
            title: "the same, while the first provider refuses its key (401)",
            arguments: json!({ "task_class": task_class, "prompt": question }),
        },
        Stop {
            tool: "llm_route",
            title: "a mistake, answered so that an agent can mend it",
            arguments: json!({ "task_class": "quick_anwser", "promt": question, "max_tokens": 0 }),
        },
    ]
}

pub(crate) async fn run(flags: &GatewayFlags, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let script = Scripted::new()
        .answer("1. Energy is conserved. 2. Entropy never falls. 3. Absolute zero is out of reach.")
        .status(401);
    let mut builder = Gateway::builder().environment(Environment::empty());
    if let Some(path) = &flags.routing {
        builder = builder.policy_file(path);
    }
    let gateway = match builder.scripted(script).build() {
        Ok(gateway) => gateway,
        Err(problems) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let task_class = first_class_with_fallback(&gateway)?;
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
    let stops = stops(&task_class);
    if let Some(tool) = tools.iter().find(|tool| stops.iter().all(|stop| stop.tool != tool.name)) {
        anyhow::bail!("the tour does not show the tool {}", tool.name);
    }
    let mut envelopes = Vec::new();
    for (index, stop) in stops.iter().enumerate() {
        let envelope = call(&client, stop).await?;
        if !terminal.json {
            show(index + 1, stop, &envelope, terminal)?;
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

fn show(
    number: usize,
    stop: &Stop,
    envelope: &Value,
    terminal: &mut Terminal,
) -> std::io::Result<()> {
    terminal.line(&format!("\n{STRONG}{number}. {}{STRONG:#}", stop.title))?;
    terminal.line(&format!("   {FAINT}call{FAINT:#}    {} {}", stop.tool, stop.arguments))?;
    if let Some(error) = envelope["error"].as_str() {
        terminal.line(&format!("   {BAD}error{BAD:#}   {}", harmless(error)))?;
        return terminal.line(&format!(
            "   {FAINT}hint{FAINT:#}    {}",
            harmless(envelope["meta"]["hint"].as_str().unwrap_or("-"))
        ));
    }
    if let Some(classes) = envelope["data"]["task_classes"].as_array() {
        return show_classes(classes, terminal);
    }
    let meta = &envelope["meta"];
    let text = harmless(envelope["data"]["text"].as_str().unwrap_or_default());
    terminal.line(&format!("   {GOOD}answer{GOOD:#}  {text}"))?;
    terminal.line(&format!(
        "   {FAINT}cost{FAINT:#}    {} ({}): {} tokens in, {} out; at most {} was possible",
        dollars(&meta["cost_usd_approx"]),
        meta["cost_basis"].as_str().unwrap_or_default(),
        meta["tokens"]["input"],
        meta["tokens"]["output"],
        dollars(&meta["preflight"]["estimated_max_cost_usd"]),
    ))?;
    terminal.line(&format!("   {FAINT}why{FAINT:#}     {}", why(meta)))
}

fn show_classes(classes: &[Value], terminal: &mut Terminal) -> std::io::Result<()> {
    for class in classes {
        let name = class["name"].as_str().unwrap_or_default();
        let state =
            class["unavailable_because"].as_str().map(|why| format!(" {FAINT}({why}){FAINT:#}"));
        let rationale = class["rationale"].as_str().unwrap_or_default();
        terminal.line(&format!(
            "   {GOOD}{name:<22}{GOOD:#}{rationale}{}",
            state.unwrap_or_default()
        ))?;
    }
    Ok(())
}

/// An amount as a person writes it; a float would print the small ones as `1.1e-6`.
fn dollars(amount: &Value) -> String {
    match amount.as_f64().and_then(|usd| NanoUsd::parse_usd(&format!("{usd:.9}")).ok()) {
        Some(amount) => amount.to_string(),
        None => "an unknown amount".to_owned(),
    }
}

/// The story of the attempts: who was asked, and how that ended.
fn why(meta: &Value) -> String {
    let attempts = meta["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = attempts.iter().map(|attempt| {
        let text = |key: &str| attempt[key].as_str().unwrap_or_default();
        format!("{}/{} {}", text("provider"), text("model"), text("outcome"))
    });
    format!(
        "the policy's {}: {}",
        meta["task_class"].as_str().unwrap_or_default(),
        told.collect::<Vec<_>>().join(", then ")
    )
}
