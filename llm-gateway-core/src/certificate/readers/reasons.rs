//! The reasons why a model stopped, as far as a certificate needs them: whether the answer ended,
//! or the provider failed.
//!
//! The words of all APIs are in one table, because proxies pass on the words of other APIs. They
//! are compared without case, and with `_` for a blank or a dash.

/// The ending of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerEnd {
    /// The model stopped by itself, at a limit, or at a filter.
    Finished,
    /// The provider failed in the middle of the answer.
    Failed,
}

/// The words of a failure, at the beginning of a reason or behind one of its `_`: OpenRouter's
/// `error`, Z.ai's `network_error`, the `abort` of SGLang and vLLM, DeepSeek's
/// `insufficient_system_resource`, Cohere's `user_cancel`, and what proxies write.
const FAILURES: [&str; 16] = [
    "abort",
    "cancel",
    "capacity",
    "deadline",
    "disconnect",
    "error",
    "exception",
    "fail",
    "interrupt",
    "overload",
    "preempt",
    "rate_limit",
    "resource",
    "time_out",
    "timed_out",
    "timeout",
];

/// Cohere's words for an answer that was too long or was blocked, which are no failures:
/// <https://docs.cohere.com/reference/chat>.
const NO_FAILURES: [&str; 2] = ["error_limit", "error_toxic"];

/// Words that give no reason.
const NOTHING: [&str; 4] = ["", "none", "null", "unspecified"];

/// Returns the ending of an answer by the reason that it states; `None` if it states none.
pub(super) fn ending(reason: &str) -> Option<AnswerEnd> {
    let word = reason.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    // Python prints an enumeration as `FinishReason.STOP`, Protocol Buffers as
    // `FINISH_REASON_STOP`.
    let word = word.rsplit_once('.').map_or(word.as_str(), |(_, word)| word);
    let word = word.strip_prefix("finish_reason_").unwrap_or(word);
    if NOTHING.contains(&word) {
        return None;
    }
    let padded = format!("_{word}");
    let fails = FAILURES.iter().any(|failure| padded.contains(&format!("_{failure}")));
    Some(if fails && !NO_FAILURES.contains(&word) {
        AnswerEnd::Failed
    } else {
        AnswerEnd::Finished
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_how_an_answer_ended() {
        for word in [
            "stop",
            "STOP",
            "end_turn",
            "max-tokens",
            "FinishReason.SAFETY",
            "pause_turn",
            "ERROR_LIMIT",
            "terror",
        ] {
            assert_eq!(ending(word), Some(AnswerEnd::Finished), "{word}");
        }
        for word in [
            "error",
            "Network-Error",
            "abort",
            "user cancel",
            "timeout",
            "timed out",
            "FINISH_REASON_ERROR",
            "insufficient_system_resource",
            "engine_overloaded",
            "request_failed",
        ] {
            assert_eq!(ending(word), Some(AnswerEnd::Failed), "{word}");
        }
        for word in ["", " ", "null", "None", "FINISH_REASON_UNSPECIFIED", "FinishReason."] {
            assert_eq!(ending(word), None, "{word:?}");
        }
    }
}
