//! Checks the arguments of a tool call: their kinds and, where the policy is valid, what it says of
//! them. One error names everything that is wrong.

use llm_gateway_core::front::{GivenQuestion, empty_prompt, empty_task, question_faults};
use llm_gateway_core::policy::Policy;
use llm_gateway_core::{Error, Gateway};
use rmcp::model::JsonObject;

use crate::arguments::Arguments;
use crate::tools::{LLM_ORCHESTRATE, LLM_ROUTE, arguments_of};

/// Reads the arguments of a call. Under an invalid policy they are not looked at, because every
/// call is answered with what is wrong with the policy.
///
/// # Errors
/// Fails with everything that is wrong with the arguments.
pub(crate) fn checked(
    gateway: &Gateway,
    tool: &str,
    given: JsonObject,
) -> Result<Arguments, Error> {
    let has_depth = given.contains_key("depth");
    let (arguments, mut faults) = Arguments::read(given, arguments_of(tool));
    let Ok(policy) = gateway.policy() else { return Ok(arguments) };
    // Without a fault of their kinds, the gateway itself finds those that the policy finds.
    if !faults.is_empty() {
        faults.extend(match tool {
            LLM_ROUTE => faults_of_question(policy, &arguments),
            LLM_ORCHESTRATE => {
                let is_read = arguments.get_text("depth").is_some() || !has_depth;
                faults_of_task(policy, &arguments, is_read)
            }
            _ => Vec::new(),
        });
    }
    Error::of_all(faults).map_or(Ok(arguments), Err)
}

/// Returns what the policy finds wrong with the arguments of `llm_route` that could be read.
fn faults_of_question(policy: &Policy, arguments: &Arguments) -> Vec<Error> {
    let (task_class, override_model) =
        (arguments.get_text("task_class"), arguments.get_text("override_model"));
    let given = GivenQuestion { task_class, override_model, ..GivenQuestion::default() };
    let is_empty = arguments.get_text("prompt").is_some_and(|prompt| prompt.trim().is_empty());
    question_faults(policy, &given).into_iter().chain(is_empty.then(empty_prompt)).collect()
}

/// Returns what the policy finds wrong with the arguments of `llm_orchestrate` that could be read.
fn faults_of_task(policy: &Policy, arguments: &Arguments, is_depth_read: bool) -> Vec<Error> {
    let depth = arguments.get_text("depth");
    let depth = is_depth_read.then(|| policy.plan_orchestration(depth).err()).flatten();
    let is_empty = arguments.get_text("task").is_some_and(|task| task.trim().is_empty());
    depth.into_iter().chain(is_empty.then(empty_task)).collect()
}
