//! `llm-gateway tour`: calls every tool of the real server with a real client, in one process and
//! offline.

mod show;

use std::process::ExitCode;

use anyhow::Context;
use llm_gateway_core::model::StepRole;
use llm_gateway_core::policy::{Orchestration, RouteKind};
use llm_gateway_core::{Envelope, Environment, Gateway, Scripted};
use llm_gateway_process::GatewayFlags;
use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, Tool};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::layout::name;
use crate::terminal::{FAINT, STRONG, Terminal};

/// The capacity of the pipe between the tour's server and its client, in bytes.
const PIPE: usize = 64 * 1024;

/// A question for the tour's panel that models can answer with a letter, so that their answers can
/// be compared.
const CHOICE: &str = "Which law of thermodynamics says that entropy never falls? A: the first. \
    B: the second. C: the third. Answer with one letter.";

/// A small task for the tour's orchestration that can still be done badly.
const TASK: &str = "Write one sentence on why entropy grows, for a child of ten.";

const PLAN: &str = "1. Find an everyday scene that a child knows. 2. Say with it that there are far \
    more messy ways than tidy ones. 3. Cut it to one sentence.";

const ARTIFACT: &str = "A room gets messy by itself because there are a thousand ways to be messy \
    and only a few to be tidy.";

/// One tool call of the tour, and what the offline models reply.
struct Demo {
    tool: &'static str,
    /// The title of the call: what it shows.
    title: &'static str,
    arguments: Value,
    /// The function that adds the models' answers to the offline script.
    replies: fn(Scripted) -> Scripted,
}

/// The task classes and the depth of a policy that the tour shows.
struct Selection {
    single: String,
    panel: Option<String>,
    depth: String,
    has_plan: bool,
}

/// Returns the calls of the tour, in the order in which they are shown.
fn demos(selection: &Selection) -> Vec<Demo> {
    let question = "Name the three laws of thermodynamics.";
    let task_class = &selection.single;
    let panel = selection.panel.as_ref().map(|class| Demo {
        tool: "llm_route",
        title: "a panel: several models, none of which sees another's answer",
        arguments: json!({ "task_class": class, "prompt": CHOICE }),
        replies: |script| script.answer("B").answer("**C**").answer("The answer is B."),
    });
    let orchestration = Demo {
        tool: "llm_orchestrate",
        title: "work, judged by a model that never sees the plan",
        arguments: json!({ "task": TASK, "depth": selection.depth }),
        replies: match selection.has_plan {
            true => |script| script.answer(PLAN).answer(ARTIFACT),
            false => |script| script.answer(ARTIFACT),
        },
    };
    let singles = [
        Demo {
            tool: "llm_routing_info",
            title: "what the gateway can do",
            arguments: json!({}),
            replies: |script| script,
        },
        Demo {
            tool: "llm_route",
            title: "a question, routed by its task class",
            arguments: json!({ "task_class": task_class, "prompt": question }),
            replies: |script| {
                script.answer(
                    "1. Energy is conserved. 2. Entropy never falls. 3. Absolute zero is out of reach.",
                )
            },
        },
        Demo {
            tool: "llm_route",
            title: "the same, while the first provider refuses its key (401)",
            arguments: json!({ "task_class": task_class, "prompt": question }),
            replies: |script| script.status(401),
        },
    ];
    singles.into_iter().chain(panel).chain([orchestration]).chain(last_demos(question)).collect()
}

/// Returns the calls at the end of the tour, which ask no model.
fn last_demos(question: &str) -> [Demo; 2] {
    let collected = Demo {
        tool: "llm_result",
        title: "the same work once more, page by page",
        arguments: json!({ "run_id": "latest", "page": 1 }),
        replies: |script| script,
    };
    let mistake = Demo {
        tool: "llm_route",
        title: "a mistake, answered so that an agent can mend it",
        arguments: json!({ "task_class": "quick_anwser", "promt": question, "max_tokens": 0 }),
        replies: |script| script,
    };
    [collected, mistake]
}

/// The variable that caps the tour's session, and its value in US dollars.
const CAP: &str = "LLM_GATEWAY_CAP_SESSION";
const CAP_USD: &str = "5";

pub(crate) async fn run(flags: &GatewayFlags, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let script = Scripted::new();
    // The shipped policy is shown under a cap. Under another, a model without a price would be
    // refused.
    let builder = match &flags.routing {
        Some(path) => Gateway::builder().environment(Environment::empty()).policy_file(path),
        None => Gateway::builder().environment(Environment::empty().with(CAP, CAP_USD)),
    };
    let gateway = match builder.scripted(script.clone()).build() {
        Ok(gateway) => gateway,
        Err(problems) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let selection = select(&gateway)?;
    let client = connect(gateway).await?;
    let tools = client.list_all_tools().await?;
    if !terminal.json {
        introduce(&tools, terminal)?;
    }
    let demos = demos(&selection);
    if let Some(tool) = tools.iter().find(|tool| demos.iter().all(|demo| demo.tool != tool.name)) {
        anyhow::bail!("the tour does not show the tool {}", tool.name);
    }
    let mut envelopes = Vec::new();
    for (index, demo) in demos.iter().enumerate() {
        // The gateway shares this script and takes these steps next.
        drop((demo.replies)(script.clone()));
        let envelope = call(&client, demo).await?;
        if !terminal.json {
            show::demo(index + 1, demo, &envelope, terminal)?;
        }
        envelopes
            .push(json!({ "tool": demo.tool, "arguments": demo.arguments, "envelope": envelope }));
    }
    client.cancel().await?;
    if terminal.json {
        let data = json!({ "calls": envelopes });
        terminal.document(&Envelope::success(data))?;
    } else {
        show_what_next(&selection, terminal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn introduce(tools: &[Tool], terminal: &mut Terminal) -> anyhow::Result<()> {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    terminal.line(&format!(
        "{STRONG}llm-gateway{STRONG:#} serves {} tools over MCP: {}.\n\
         Server and client are real; only the models are scripted, so nothing leaves\n\
         your machine and nothing costs money.",
        names.len(),
        names.join(", ")
    ))?;
    Ok(())
}

fn show_what_next(selection: &Selection, terminal: &mut Terminal) -> anyhow::Result<()> {
    // The program is named as it was called, because after `cargo run` it is not on the PATH.
    let program = std::env::args().next().unwrap_or_else(|| "llm-gateway".to_owned());
    terminal.line(&format!("\n{STRONG}Next{STRONG:#}"))?;
    for (what, arguments) in [
        ("which task classes can run with your keys", "check"),
        ("the entry for your MCP client", "client-config claude-code"),
        ("a real answer, once a key is set", &format!("route {} \"...\"", selection.single)),
    ] {
        let program = name(&program);
        terminal.line(&format!("   {program} {arguments}   {FAINT}{what}{FAINT:#}"))?;
    }
    Ok(())
}

/// Selects the task classes and the depth that show most of a policy: a single model with a
/// fallback, a panel of three (which can split without a tie), and the depth with the most steps.
fn select(gateway: &Gateway) -> anyhow::Result<Selection> {
    let description = gateway.describe().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let of = |kind| description.task_classes.iter().filter(move |class| class.kind == kind);
    let mut singles = of(RouteKind::Single);
    let single = singles.clone().find(|class| class.targets.len() > 1).or_else(|| singles.next());
    let mut panels = of(RouteKind::Panel);
    let panel = panels.clone().find(|class| class.targets.len() == 3).or_else(|| panels.next());
    let depths = description.orchestration.iter().flat_map(|it| &it.depths);
    let deepest = depths.max_by_key(|depth| depth.steps.len());
    Ok(Selection {
        single: single.context("the policy has no task class of a single model")?.name.clone(),
        panel: panel.map(|class| class.name.clone()),
        depth: deepest.map_or(Orchestration::DEFAULT_DEPTH, |depth| &depth.name).to_owned(),
        has_plan: deepest.is_some_and(|depth| depth.roles.contains(&StepRole::Planner)),
    })
}

/// Serves the gateway on one end of a pipe and connects an MCP client to the other end.
async fn connect(gateway: Gateway) -> anyhow::Result<RunningService<RoleClient, ()>> {
    let (near, far) = tokio::io::duplex(PIPE);
    let (reader, writer) = tokio::io::split(far);
    tokio::spawn(llm_gateway_stdio::serve(gateway, reader, writer, std::future::pending()));
    Ok(().serve(near).await?)
}

async fn call(client: &RunningService<RoleClient, ()>, demo: &Demo) -> anyhow::Result<Value> {
    let arguments = demo.arguments.as_object().cloned().unwrap_or_default();
    let request = CallToolRequestParams::new(demo.tool).with_arguments(arguments);
    let result: CallToolResult = client.call_tool(request).await?;
    let text = result
        .content
        .first()
        .and_then(ContentBlock::as_text)
        .context("the answer holds no text")?;
    Ok(serde_json::from_str(&text.text)?)
}
