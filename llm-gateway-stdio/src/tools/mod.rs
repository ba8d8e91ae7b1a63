//! Defines what an MCP client sees of each tool: its name, its arguments and its description.
//!
//! All three follow from the policy in force. `task_class` is an enum of the policy's classes, and
//! the description says what each class is for, so that an agent can choose without asking first.
//! `server` runs the tools.

mod result;
mod schema;

use llm_gateway_core::Gateway;
use llm_gateway_core::describe::{Description, TaskClassDescription};
use llm_gateway_core::policy::RouteKind;
use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};

use crate::arguments::{Argument, Kind};
pub(crate) use result::{LLM_RESULT, LLM_RESULT_ARGUMENTS};
use schema::schema;

/// The name of the tool that asks the model, the panel or the cascade of a task class.
pub(crate) const LLM_ROUTE: &str = "llm_route";

/// The name of the tool that has a task planned, executed and verified.
pub(crate) const LLM_ORCHESTRATE: &str = "llm_orchestrate";

/// The name of the tool that describes what the gateway can do now.
pub(crate) const LLM_ROUTING_INFO: &str = "llm_routing_info";

/// The arguments of the tool [`LLM_ROUTE`].
pub(crate) static LLM_ROUTE_ARGUMENTS: [Argument; 5] = [
    Argument {
        name: "task_class",
        kind: Kind::Text,
        required: true,
        description: "What kind of task it is; the policy picks the model.",
    },
    Argument {
        name: "prompt",
        kind: Kind::FullText,
        required: true,
        description: "The whole question: the model sees nothing else.",
    },
    Argument {
        name: "system",
        kind: Kind::Text,
        required: false,
        description: "Instructions that stand above the prompt.",
    },
    Argument {
        name: "max_tokens",
        kind: Kind::Integer,
        required: false,
        description: "Bound on the answer's tokens, reasoning included.",
    },
    Argument {
        name: "override_model",
        kind: Kind::ModelId,
        required: false,
        description: "Another model id of the class's provider; not for a panel or a cascade.",
    },
];

/// The arguments of the tool [`LLM_ORCHESTRATE`].
static LLM_ORCHESTRATE_ARGUMENTS: [Argument; 2] = [
    Argument {
        name: "task",
        kind: Kind::FullText,
        required: true,
        description: "The whole task: the models see nothing else.",
    },
    Argument {
        name: "depth",
        kind: Kind::Text,
        required: false,
        description: "How deep it is worked on.",
    },
];

/// Returns the arguments of the tool `name`.
pub(crate) fn arguments_of(name: &str) -> &'static [Argument] {
    match name {
        LLM_ROUTE => &LLM_ROUTE_ARGUMENTS,
        LLM_ORCHESTRATE => &LLM_ORCHESTRATE_ARGUMENTS,
        LLM_RESULT => &LLM_RESULT_ARGUMENTS,
        _ => &[],
    }
}

/// The largest number of characters of a tool's description. Clients cut descriptions at two
/// kilobytes, and each costs tokens in every conversation.
const LONGEST_DESCRIPTION: usize = 1_500;

/// Returns every tool of the server, described by the policy in force.
pub(crate) fn all(gateway: &Gateway) -> Vec<Tool> {
    let description = gateway.describe().ok();
    let description = description.as_ref();
    vec![route(description), orchestrate(description), routing_info(), result::result()]
}

fn route(gateway: Option<&Description>) -> Tool {
    let schema = schema(&LLM_ROUTE_ARGUMENTS, gateway);
    let title = "Ask a model by task class";
    // Claude Code shows its model the names of tools alone, until the model searches for them, but
    // this tool whole from the beginning.
    let always = JsonObject::from_iter([("anthropic/alwaysLoad".to_owned(), true.into())]);
    Tool::new(LLM_ROUTE, route_description(gateway), schema)
        .with_annotations(ToolAnnotations::with_title(title).read_only(true).open_world(true))
        .with_meta(MetaObject(always))
}

fn orchestrate(gateway: Option<&Description>) -> Tool {
    let schema = schema(&LLM_ORCHESTRATE_ARGUMENTS, gateway);
    Tool::new(LLM_ORCHESTRATE, orchestrate_description(gateway), schema).with_annotations(
        ToolAnnotations::with_title("Plan, execute, verify").read_only(true).open_world(true),
    )
}

fn routing_info() -> Tool {
    let text = "Tells which task classes can run now, which keys are missing, the providers, the \
                policy in force, and what this month has cost. Costs nothing.";
    Tool::new(LLM_ROUTING_INFO, text, schema(&[], None)).with_annotations(
        ToolAnnotations::with_title("What the gateway can do").read_only(true).open_world(false),
    )
}

/// The beginning of the description of `llm_route`, for task classes of any kind.
const INTRODUCTION: &str = "Asks another language model, which the policy picks by task class: a \
    second opinion, a review, a cheap or bulk answer. Answers text, cost and a trace as JSON.";

/// The part of the description of `llm_route` about panels, if the policy has any.
const PANELS: &str = " A class of kind panel asks several models, none of which sees another's \
    answer, and gives members, agreement (dissent first) and a certificate of how independent \
    they are: for decisions where being wrong is dear.";

/// The part of the description of `llm_route` about cascades, if the policy has any.
const CASCADES: &str = " A class of kind cascade asks cheap models first, and a strong one where \
    they do not agree; it answers as a single model does.";

/// Returns the description of `llm_route`: the task classes with their rationales, each cut to an
/// equal share of the space that is left.
fn route_description(gateway: Option<&Description>) -> String {
    let Some(gateway) = gateway else {
        return "Asks the model that the policy names for a task class. The policy is invalid now: \
                a call tells what is wrong with it."
            .to_owned();
    };
    let classes = &gateway.task_classes;
    let has = |kind| classes.iter().any(|class| class.kind == kind);
    let mut text = INTRODUCTION.to_owned();
    for (kind, told) in [(RouteKind::Panel, PANELS), (RouteKind::Cascade, CASCADES)] {
        if has(kind) {
            text.push_str(told);
        }
    }
    text.push_str(" Task classes:");
    let share = LONGEST_DESCRIPTION.saturating_sub(text.len()) / classes.len().max(1);
    for (number, class) in classes.iter().enumerate() {
        let line = described(class, share);
        if text.chars().count() + line.chars().count() > LONGEST_DESCRIPTION {
            let more = classes.len() - number;
            return format!("{text}\n- and {more} more: see {LLM_ROUTING_INFO}");
        }
        text.push_str(&line);
    }
    text
}

/// Describes a task class in one line of about `room` characters: its whole name, its kind unless
/// it asks a single model, its rationale as far as there is space, and why it cannot run if it
/// cannot.
fn described(class: &TaskClassDescription, room: usize) -> String {
    let state = match &class.unavailable_because {
        Some(why) => format!(" (unavailable: {why})"),
        None => String::new(),
    };
    let kind = match class.kind {
        RouteKind::Single => String::new(),
        kind => format!(" ({})", kind.as_str()),
    };
    let fixed = format!("\n- {}{kind}: ", class.name);
    let room = room.saturating_sub(fixed.len() + state.len());
    format!("{fixed}{}{state}", cut(&class.rationale, room))
}

/// The part of the description of `llm_orchestrate` about the steps of a task and the status of its
/// answer.
const ORCHESTRATION: &str = "Has one model do a task and, by depth, another plan it and a third \
    verify the result; the verifier sees task and artifact, never the plan. Answers artifact, plan, \
    verdict with reasons, steps and cost as JSON. Status: success = accepted, or nobody was asked \
    to verify; needs_human_review = refused to the end; unverified = the verifier could not be had. \
    The last two still carry the artifact: do not take it as checked. Depths:";

/// Returns the description of `llm_orchestrate`: the depths with their steps.
fn orchestrate_description(gateway: Option<&Description>) -> String {
    let Some(gateway) = gateway else {
        return "Plans, executes and verifies a task. The policy is invalid now: a call tells what \
                is wrong with it."
            .to_owned();
    };
    let Some(orchestration) = &gateway.orchestration else {
        return "Plans, executes and verifies a task. The policy describes no orchestration, so a \
                call fails and tells what it lacks."
            .to_owned();
    };
    orchestration.depths.iter().fold(ORCHESTRATION.to_owned(), |text, depth| {
        let again = match depth.max_replans {
            0 => String::new(),
            1 => "; a refusal is worked on once more".to_owned(),
            times => format!("; a refusal is worked on up to {times} times more"),
        };
        let state = match (&depth.unavailable_because, &depth.unverified_because) {
            (Some(why), _) => format!(" (unavailable: {why})"),
            (None, Some(why)) => format!(" (ends unverified: {why})"),
            (None, None) => String::new(),
        };
        format!("{text}\n- {}: {}{again}{state}", depth.name, depth.steps.join(", "))
    })
}

/// Shortens a text to `longest` characters, with an ellipsis where it was cut.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}
