//! Everything that is wrong with what a caller asks for, by the policy.
//!
//! `Policy::plan` ends at the first fault. A model that calls a tool should need one more try and
//! not four, so this module looks at each argument by itself, as far as it could be read.

use crate::error::{Category, Error};

use super::Policy;
use super::plan::{model_id, no_tokens, overriding_target};

/// The arguments of a question. An argument that is absent, or that could not be read, is `None`
/// and has no fault here.
#[derive(Debug, Clone, Copy, Default)]
pub struct GivenQuestion<'a> {
    /// The task class that the caller asks for.
    pub task_class: Option<&'a str>,
    /// The bound on output tokens that the caller asks for.
    pub max_tokens: Option<u64>,
    /// The model that the caller asks for.
    pub override_model: Option<&'a str>,
}

/// Returns everything that is wrong with the arguments of a question, except with its text.
pub fn question_faults(policy: &Policy, given: &GivenQuestion<'_>) -> Vec<Error> {
    let found = given.task_class.map(|class| policy.known_route(class));
    let bound = given.max_tokens.filter(|tokens| *tokens == 0).map(|_| no_tokens());
    let model = given.override_model.and_then(|model| match &found {
        Some(Ok(route)) => overriding_target(route, model).err(),
        Some(Err(_)) | None => model_id(model).err(),
    });
    let class = found.and_then(Result::err);
    class.into_iter().chain(bound).chain(model).collect()
}

/// Returns the error of a question without any text.
pub fn empty_prompt() -> Error {
    Error::new(Category::InvalidRequest, "`prompt` is empty").with_hint("say what you want to know")
}

/// Returns the error of a task without any text.
pub fn empty_task() -> Error {
    Error::new(Category::InvalidRequest, "`task` is empty").with_hint("say what is to be done")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gateway;

    #[test]
    fn each_argument_is_looked_at_by_itself() {
        let policy = "defaults: {ask: {provider: openai, model: m}}";
        let gateway = Gateway::builder().policy_yaml(policy).offline().build().unwrap();
        let given = |task_class, max_tokens, override_model| GivenQuestion {
            task_class,
            max_tokens,
            override_model,
        };
        for (given, faults) in [
            (given(Some("ask"), Some(1), Some("m")), [].as_slice()),
            (given(None, None, None), &[]),
            (given(Some("ask"), Some(0), None), &["`max_tokens` is 0"]),
            (given(None, Some(0), None), &["`max_tokens` is 0"]),
            (
                given(Some("Ask"), Some(0), Some("..")),
                &["task class is called `Ask`", "`max_tokens` is 0", "`override_model` is no"],
            ),
        ] {
            let told = question_faults(gateway.policy().unwrap(), &given);
            assert_eq!(told.len(), faults.len(), "{given:?}: {told:?}");
            for (told, fault) in told.iter().zip(faults) {
                assert!(told.message().contains(fault), "{given:?}: {told:?}");
            }
        }
    }
}
