//! What can be done about a refusal, in the words of what was asked.
//!
//! A caller with a prompt bounds its own output and names a task class; one with a task does
//! neither: there the policy's roles are bounded.

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// A prompt of a task class.
    OfPrompt,
    /// A task, to be planned, worked on and verified.
    OfTask,
}

impl Advice {
    /// How the calls come below a limit of the policy, which it has under `key`: of a task class,
    /// or of `orchestration`.
    pub(super) fn below(self, key: &str) -> String {
        match self {
            Self::OfPrompt => format!("lower max_tokens, shorten the prompt, or raise {key}"),
            Self::OfTask => below_each(&format!("orchestration.{key}")),
        }
    }

    /// How a call comes below `block_usd`; `fits` is the bound on its output that would pass.
    pub(crate) fn below_block(self, fits: Option<u64>) -> String {
        match (self, fits) {
            (Self::OfPrompt, Some(fits)) => format!("ask with max_tokens of at most {fits}"),
            (Self::OfPrompt, None) => {
                "shorten the prompt, name a cheaper task class, or raise block_usd".to_owned()
            }
            (Self::OfTask, _) => below_each("cost_preflight.block_usd"),
        }
    }

    /// How a call takes no more than a provider's tokens of a minute.
    pub(super) fn below_rate(self) -> String {
        match self {
            Self::OfPrompt => {
                "shorten the prompt, lower max_tokens, or raise tokens_per_minute".to_owned()
            }
            Self::OfTask => below_each("tokens_per_minute"),
        }
    }

    /// How the calls come below a monthly cap.
    pub(super) fn below_cap(self) -> &'static str {
        match self {
            Self::OfPrompt => {
                "ask for fewer tokens, raise the cap, or see `llm-gateway spend` for what is held"
            }
            Self::OfTask => {
                "shorten the task, lower max_tokens of the roles in the policy, raise the cap, or \
                 see `llm-gateway spend` for what is held"
            }
        }
    }

    /// Whose deadline it was.
    pub(super) fn more_time(self) -> &'static str {
        match self {
            Self::OfPrompt => {
                "raise `deadline_s` of the task class or of `reliability`, in the policy"
            }
            Self::OfTask => "raise `deadline_s` of `orchestration`, in the policy",
        }
    }
}

/// How the calls of each role come below a limit.
fn below_each(key: &str) -> String {
    format!("shorten the task; or, in the policy, lower max_tokens of the roles or raise {key}")
}
