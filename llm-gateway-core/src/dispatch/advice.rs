//! Advice about a refusal, in words that fit the caller's request.
//!
//! A caller with a prompt limits its own output and names a task class. A caller with a task does
//! neither, so its advice names the limits of the policy's roles.

/// The kind of request that an advice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The caller sent a prompt to a task class.
    OfPrompt,
    /// The caller gave a task to be planned, done and verified.
    OfTask,
}

impl Advice {
    /// Returns advice on how to keep the calls below a limit that the policy sets under `key`,
    /// which belongs to a task class or to `orchestration`.
    pub(super) fn below(self, key: &str) -> String {
        match self {
            Self::OfPrompt => format!("lower max_tokens, shorten the prompt, or raise {key}"),
            Self::OfTask => below_each(&format!("orchestration.{key}")),
        }
    }

    /// Returns advice on how to keep a call below `block_usd`. `fits` is the limit on its output,
    /// in tokens, that would be allowed.
    pub(crate) fn below_block(self, fits: Option<u64>) -> String {
        match (self, fits) {
            (Self::OfPrompt, Some(fits)) => format!("ask with max_tokens of at most {fits}"),
            (Self::OfPrompt, None) => {
                "shorten the prompt, name a cheaper task class, or raise block_usd".to_owned()
            }
            (Self::OfTask, _) => below_each("cost_preflight.block_usd"),
        }
    }

    /// Returns advice on how to keep a call below a provider's tokens per minute.
    pub(super) fn below_rate(self) -> String {
        match self {
            Self::OfPrompt => {
                "shorten the prompt, lower max_tokens, or raise tokens_per_minute".to_owned()
            }
            Self::OfTask => below_each("tokens_per_minute"),
        }
    }

    /// Returns advice on how to keep the calls below a cap that `setting` sets, with `another` way
    /// if there is one.
    pub(super) fn below_cap(self, setting: &str, another: Option<&str>) -> String {
        let fewer = match self {
            Self::OfPrompt => "ask for fewer tokens",
            Self::OfTask => "shorten the task, lower max_tokens of the roles in the policy",
        };
        match another {
            Some(another) => format!("{fewer}, raise the cap {setting}, or {another}"),
            None => format!("{fewer}, or raise the cap {setting}"),
        }
    }

    /// Returns advice on where to raise the deadline that has passed.
    pub(super) fn more_time(self) -> &'static str {
        match self {
            Self::OfPrompt => {
                "raise `deadline_s` of the task class or of `reliability`, in the policy"
            }
            Self::OfTask => "raise `deadline_s` of `orchestration`, in the policy",
        }
    }
}

/// Returns advice on how to keep the calls of all roles below the limit under `key`.
fn below_each(key: &str) -> String {
    format!("shorten the task; or, in the policy, lower max_tokens of the roles or raise {key}")
}
