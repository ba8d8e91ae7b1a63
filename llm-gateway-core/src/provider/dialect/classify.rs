//! What a provider's error means: one set of tables over all dialects, since proxies hand on
//! each other's words.
//!
//! In the order in which they are asked: the documented sentences of providers that send no
//! code; the codes that are words; the stems of such words; the parameter that is at fault; the
//! HTTP status; a general name, where no status says more. Codes that are bare numbers count in
//! the wrapping of the API that defines them only.

use http::StatusCode;

use super::ErrorReport;
use crate::error::Category;
use crate::error::Category::{
    Auth, BadResponse, ContentFilter, ContextLength, InvalidRequest, ModelNotFound, Overloaded,
    Provider5xx, Quota, RateLimit, Timeout,
};

/// How the documented messages of providers begin that tell a failure apart by nothing else.
/// Nobody else reads messages. The beginning only: a message may quote the prompt further on.
///
/// Sources: Anthropic <https://platform.claude.com/docs/en/api/errors>,
/// <https://platform.claude.com/docs/en/api/rate-limits>; Gemini
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>; xAI
/// <https://docs.x.ai/docs/key-information/debugging>; Z.ai
/// <https://docs.z.ai/api-reference/api-code>; MiniMax
/// <https://platform.minimax.io/docs/api-reference/errorcode>; DeepSeek
/// <https://api-docs.deepseek.com/quick_start/error_codes>; the sources of vLLM, SGLang,
/// llama.cpp and LM Studio.
const SENTENCES: &[(&str, Category)] = &[
    ("your credit balance is too low", Quota),
    ("you have reached your specified api usage limits", Quota),
    ("your prepayment credits are depleted", Quota),
    ("your newly created team doesn't have any credits", Quota),
    ("your team has either used all available credits", Quota),
    ("your team has run out of credits", Quota),
    ("insufficient balance", Quota),
    ("[1113]", Quota),
    ("budget has been exceeded", Quota),
    ("prompt is too long", ContextLength),
    ("input length and `max_tokens` exceed context limit", ContextLength),
    ("input is too long for requested model", ContextLength),
    ("the input token count", ContextLength),
    ("this model's maximum context length is", ContextLength),
    ("this model's maximum prompt length is", ContextLength),
    ("input does not fit in context length", ContextLength),
    ("the number of tokens to keep from the initial prompt", ContextLength),
    ("trying to keep the first", ContextLength),
    ("the request exceeds the available context size", ContextLength),
    ("requested token count exceeds the model's maximum context length", ContextLength),
    ("the input is longer than the model's context length", ContextLength),
    ("range of input length should be", ContextLength),
    ("content violates usage guidelines", ContentFilter),
    ("content exists risk", ContentFilter),
    ("model not exist", ModelNotFound),
    ("invalid model name passed in", ModelNotFound),
    ("incorrect api key provided", Auth),
    ("api key not valid", Auth),
    ("no connected db", Auth),
];

/// The exceptions whose class names LiteLLM puts before the sentence:
/// <https://docs.litellm.ai/docs/exception_mapping>. A general one says no more than the
/// sentence behind it.
const EXCEPTIONS: &[(&str, Option<Category>)] = &[
    ("contextwindowexceedederror", Some(ContextLength)),
    ("contentpolicyviolationerror", Some(ContentFilter)),
    ("authenticationerror", Some(Auth)),
    ("permissiondeniederror", Some(Auth)),
    ("notfounderror", Some(ModelNotFound)),
    ("budgetexceedederror", Some(Quota)),
    ("ratelimiterror", Some(RateLimit)),
    ("timeout", Some(Timeout)),
    ("serviceunavailableerror", Some(Overloaded)),
    ("internalservererror", Some(Provider5xx)),
    ("apiconnectionerror", Some(Provider5xx)),
    ("badgatewayerror", Some(Provider5xx)),
    ("apierror", Some(Provider5xx)),
    ("badrequesterror", None),
    ("unprocessableentityerror", None),
    ("unsupportedparamserror", None),
];

/// Codes that are words, compared as [`word`] writes them. A code that says no more than its
/// status has no place here: `invalid_request_error` comes with 401 and 402 from DeepSeek,
/// `RESOURCE_EXHAUSTED` with 402 and 429 from Gemini, `timeout_error` with 408 and 504.
///
/// - OpenAI, Azure: <https://platform.openai.com/docs/guides/error-codes>
/// - Anthropic: <https://platform.claude.com/docs/en/api/errors>
/// - Gemini: <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://google.aip.dev/193>
/// - DashScope: <https://help.aliyun.com/zh/model-studio/error-code>
/// - Moonshot: <https://platform.moonshot.ai/docs/api/errors>
/// - Bedrock: <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>
/// - Groq: <https://console.groq.com/docs/errors>
/// - Mistral: <https://docs.mistral.ai/>; GitHub: <https://docs.github.com/en/github-models>
/// - Volcengine: <https://www.volcengine.com/docs/82379/1299023>
/// - LiteLLM: <https://docs.litellm.ai/docs/exception_mapping>; New API: its source
const WORDS: &[(&str, Category)] = &[
    ("insufficient_quota", Quota),
    ("billing_hard_limit_reached", Quota),
    ("billing_not_active", Quota),
    ("billing_error", Quota),
    ("exceeded_current_quota_error", Quota),
    ("insufficient_user_quota", Quota),
    ("pre_consume_token_quota_failed", Quota),
    ("insufficient_balance_error", Quota),
    ("arrearage", Quota),
    ("allocationquota.freetieronly", Quota),
    ("accountoverdueerror", Quota),
    ("budget_exceeded", Quota),
    ("payment_required", Quota),
    ("rate_limit_exceeded", RateLimit),
    ("rate_limit_error", RateLimit),
    ("rate_limit_reached_error", RateLimit),
    ("too_many_requests", RateLimit),
    ("throttlingexception", RateLimit),
    ("server_is_overloaded", Overloaded),
    ("server_overloaded", Overloaded),
    ("slow_down", Overloaded),
    ("overloaded_error", Overloaded),
    ("engine_overloaded_error", Overloaded),
    ("unavailable", Overloaded),
    ("modelnotreadyexception", Overloaded),
    ("serviceunavailableexception", Overloaded),
    ("context_length_exceeded", ContextLength),
    ("exceed_context_size_error", ContextLength),
    ("model_max_prompt_tokens_exceeded", ContextLength),
    ("tokens_limit_reached", ContextLength),
    ("string_above_max_length", ContextLength),
    ("request_too_large", ContextLength),
    ("content_filter", ContentFilter),
    ("content_policy_violation", ContentFilter),
    ("invalid_prompt", ContentFilter),
    ("data_inspection_failed", ContentFilter),
    ("datainspectionfailed", ContentFilter),
    ("responsibleaipolicyviolation", ContentFilter),
    ("moderation_blocked", ContentFilter),
    // Written by the reader of an error's metadata: OpenRouter's `reasons`.
    ("moderation", ContentFilter),
    ("invalid_api_key", Auth),
    ("invalidapikey", Auth),
    ("authentication_error", Auth),
    ("invalid_authentication_error", Auth),
    ("permission_error", Auth),
    // A wrong key is a 400 INVALID_ARGUMENT of Gemini's; only its reason tells.
    ("api_key_invalid", Auth),
    // Gemini's free tier does not serve the key's country: not the caller's doing.
    ("failed_precondition", Auth),
    // LiteLLM's answer to a key that is not its own, where it has no database.
    ("no_db_connection", Auth),
    ("model_not_found", ModelNotFound),
    ("not_found_error", ModelNotFound),
    ("model_not_supported", ModelNotFound),
    ("model_decommissioned", ModelNotFound),
    ("invalid_model", ModelNotFound),
    ("unknown_model", ModelNotFound),
    ("deploymentnotfound", ModelNotFound),
];

/// What a word says that has all of these pieces in it, where the word itself is not known.
const STEMS: &[(&[&str], Category)] = &[
    (&["throttl"], RateLimit),
    (&["rate", "limit"], RateLimit),
    (&["insufficient", "quota"], Quota),
    (&["insufficient", "balance"], Quota),
    (&["insufficient", "credit"], Quota),
    (&["insufficient", "fund"], Quota),
    (&["credit", "exhaust"], Quota),
    (&["spend", "limit"], Quota),
    (&["arrear"], Quota),
    (&["overdue"], Quota),
    (&["billing"], Quota),
    (&["overload"], Overloaded),
    (&["context", "length"], ContextLength),
    (&["context", "window"], ContextLength),
    (&["context", "size"], ContextLength),
    (&["prompt", "too", "long"], ContextLength),
    (&["content", "filter"], ContentFilter),
    (&["content", "policy"], ContentFilter),
    (&["inspection", "fail"], ContentFilter),
    (&["invalid", "api", "key"], Auth),
    (&["invalid", "token"], Auth),
    (&["unauthorized"], Auth),
    (&["unauthenticated"], Auth),
    (&["model", "not", "found"], ModelNotFound),
    (&["model", "not", "exist"], ModelNotFound),
    (&["model", "not", "support"], ModelNotFound),
    (&["model", "not", "available"], ModelNotFound),
    (&["unknown", "model"], ModelNotFound),
    (&["invalid", "model"], ModelNotFound),
    (&["deprecated", "model"], ModelNotFound),
];

/// Numbers of Z.ai, which writes them as text (<https://docs.z.ai/api-reference/api-code>), and
/// of MiniMax, behind the name that the reader of `base_resp` puts before them
/// (<https://platform.minimax.io/docs/api-reference/errorcode>).
const NUMBERS: &[(&str, Category)] = &[
    ("1000", Auth),
    ("1001", Auth),
    ("1002", Auth),
    ("1003", Auth),
    ("1004", Auth),
    ("1112", Quota),
    ("1113", Quota),
    ("1211", ModelNotFound),
    ("1261", ContextLength),
    ("1301", ContentFilter),
    ("1302", RateLimit),
    ("1303", RateLimit),
    ("1305", Overloaded),
    ("base_resp_1002", RateLimit),
    ("base_resp_1004", Auth),
    ("base_resp_1008", Quota),
    ("base_resp_1026", ContentFilter),
    ("base_resp_1027", ContentFilter),
    ("base_resp_1039", ContextLength),
    ("base_resp_1041", Overloaded),
    ("base_resp_2013", InvalidRequest),
    ("base_resp_2049", Auth),
];

/// General names, which count where no status says more: inside an answer with 200.
const GENERAL: &[(&str, Category)] = &[
    ("invalid_request_error", InvalidRequest),
    ("server_error", Provider5xx),
    ("api_error", Provider5xx),
    ("internal_server_error", Provider5xx),
    ("internalservererror", Provider5xx),
    ("timeout_error", Timeout),
    ("timeout", Timeout),
];

/// What an error means.
pub(crate) fn classify(status: StatusCode, report: &ErrorReport) -> Category {
    let words: Vec<String> = report.codes.iter().map(|code| word(code)).collect();
    let told = report
        .message
        .as_deref()
        .and_then(by_sentence)
        .or_else(|| by_word(WORDS, &words))
        .or_else(|| by_number(report))
        .or_else(|| by_stem(&words))
        .or_else(|| by_parameter(status, report));
    match told {
        // The limit of a minute is smaller than this request, which no waiting changes (Groq).
        Some(RateLimit) if status == StatusCode::PAYLOAD_TOO_LARGE => Quota,
        Some(category) => category,
        // Fireworks: a suspended account.
        None if status == StatusCode::PRECONDITION_FAILED
            && words.iter().any(|word| word == "precondition_failed") =>
        {
            Quota
        }
        None => match by_status(report.status_in(status)) {
            BadResponse if !status.is_client_error() => {
                by_word(GENERAL, &words).unwrap_or(BadResponse)
            }
            by_status => by_status,
        },
    }
}

/// A code as the tables write it: without case, and with `_` for a blank or a dash.
fn word(code: &str) -> String {
    code.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

fn by_sentence(message: &str) -> Option<Category> {
    let message = message.trim_start().to_lowercase();
    let mut sentence = message.as_str();
    let mut told = None;
    // A proxy's route, class names and the names of the exceptions that they wrap.
    while let Some((before, behind)) = wrapped(sentence) {
        let class = before.rsplit('.').next().unwrap_or_default();
        let exception = EXCEPTIONS.iter().find(|(known, _)| *known == class);
        told = told.or(exception.and_then(|(_, category)| *category));
        sentence = behind;
    }
    let said = SENTENCES.iter().find(|(start, _)| sentence.starts_with(start));
    said.map(|(_, category)| *category).or(told)
}

/// The word that a proxy puts before a sentence, and the sentence: `litellm.Timeout: …`,
/// `OpenAIException - …`, `/chat/completions: …`.
fn wrapped(sentence: &str) -> Option<(&str, &str)> {
    let (before, behind) = sentence.split_once([':', ' '])?;
    let behind = behind.trim_start().trim_start_matches('-').trim_start();
    let class = before.rsplit('.').next().unwrap_or_default();
    let is_known = EXCEPTIONS.iter().any(|(known, _)| *known == class)
        || (class.ends_with("exception") && !class.is_empty())
        || before.starts_with("/");
    is_known.then_some((before, behind))
}

fn by_word(table: &[(&str, Category)], words: &[String]) -> Option<Category> {
    let meaning = |word: &String| table.iter().find(|(known, _)| known == word);
    words.iter().find_map(meaning).map(|(_, category)| *category)
}

fn by_number(report: &ErrorReport) -> Option<Category> {
    let mut numbers = report.numbers.iter();
    numbers.find_map(|number| by_word(NUMBERS, std::slice::from_ref(number)))
}

fn by_stem(words: &[String]) -> Option<Category> {
    // A sentence in a code's place is no word.
    let names = |word: &&String| word.len() <= 64;
    words.iter().filter(names).find_map(|word| {
        let has_all = |pieces: &&[&str]| pieces.iter().all(|piece| word.contains(piece));
        STEMS.iter().find(|(pieces, _)| has_all(pieces)).map(|(_, category)| *category)
    })
}

/// A request is refused over the name of its model.
fn by_parameter(status: StatusCode, report: &ErrorReport) -> Option<Category> {
    let of_the_caller = matches!(status.as_u16(), 400 | 422);
    (of_the_caller && report.parameter.as_deref() == Some("model")).then_some(ModelNotFound)
}

/// What a status means where no code says more.
fn by_status(status: StatusCode) -> Category {
    match status.as_u16() {
        400 | 422 => InvalidRequest,
        401 | 403 => Auth,
        402 => Quota,
        404 => ModelNotFound,
        408 => Timeout,
        413 => ContextLength,
        // The provider's moment: a conflict, a lock, a dependency, too early. The others are
        // not registered: proxies write them for a connection that was closed.
        409 | 421 | 423..=425 | 444 | 449 | 460 | 498 | 499 => Overloaded,
        429 => RateLimit,
        // Not registered either; Anthropic's "overloaded".
        529 => Overloaded,
        500..=599 => Provider5xx,
        // Another 4xx, a redirect, or an error object in a 200.
        _ => BadResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, codes: &[&str], message: &str) -> Category {
        let report = ErrorReport {
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            message: Some(message.to_owned()).filter(|message| !message.is_empty()),
            ..ErrorReport::default()
        };
        classify(StatusCode::from_u16(status).unwrap(), &report)
    }

    #[test]
    fn a_word_counts_in_any_spelling_and_whatever_the_status() {
        for (known, category) in WORDS {
            for spelling in [known.to_ascii_uppercase(), known.replace('_', "-")] {
                for status in [400, 403, 429, 500] {
                    assert_eq!(meaning(status, &[&spelling], ""), *category, "{spelling} {status}");
                }
            }
        }
    }

    #[test]
    fn a_sentence_counts_behind_the_names_that_proxies_put_before_it() {
        let sentence = "This model's maximum context length is 128000 tokens.";
        for before in [
            "",
            "litellm.BadRequestError: ",
            "litellm.BadRequestError: OpenAIException - ",
            "litellm.exceptions.ContextWindowExceededError: litellm.BadRequestError: ",
            "/chat/completions: ",
        ] {
            let message = format!("{before}{sentence}");
            assert_eq!(meaning(400, &["None", "400"], &message), ContextLength, "{message}");
        }
        for (class, category) in EXCEPTIONS {
            let message = format!("litellm.{class}: something happened");
            assert_eq!(by_sentence(&message), *category, "{message}");
        }
        let model = "/chat/completions: Invalid model name passed in model=gpt-x";
        assert_eq!(meaning(400, &["400"], model), ModelNotFound);
        let quoted = "invalid value: 'Your credit balance is too low'";
        assert_eq!(meaning(400, &[], quoted), InvalidRequest);
    }

    #[test]
    fn relatives_of_known_words_are_known() {
        for (code, category) in [
            ("Throttling.RateQuota", RateLimit),
            ("InsufficientBalance", Quota),
            ("insufficient_credits", Quota),
            ("PrepaidBillOverdue", Quota),
            ("ModelNotFound", ModelNotFound),
            ("model_not_available", ModelNotFound),
            ("ContentPolicyViolation", ContentFilter),
            ("ContextWindowExceeded", ContextLength),
        ] {
            assert_eq!(meaning(400, &[code], ""), category, "{code}");
        }
        assert_eq!(
            meaning(400, &["invalid_request_error"], "insufficient quotation"),
            InvalidRequest
        );
    }

    #[test]
    fn only_400_and_422_are_the_callers_doing() {
        for status in 400..=499_u16 {
            let is_callers = meaning(status, &[], "") == InvalidRequest;
            assert_eq!(is_callers, [400, 422].contains(&status), "{status}");
        }
        for status in [409, 421, 423, 424, 425, 499] {
            assert_eq!(meaning(status, &["invalid_request_error"], ""), Overloaded, "{status}");
        }
        for status in [405, 410, 415, 418, 451] {
            assert_eq!(meaning(status, &["invalid_request_error"], ""), BadResponse, "{status}");
        }
    }

    #[test]
    fn a_number_counts_in_the_wrapping_of_its_api_only() {
        let numbered = |number: &str| ErrorReport {
            numbers: vec![number.to_owned()],
            ..ErrorReport::default()
        };
        let bad_request = StatusCode::BAD_REQUEST;
        assert_eq!(classify(bad_request, &numbered("1113")), Quota);
        assert_eq!(classify(bad_request, &numbered("base_resp_1008")), Quota);
        assert_eq!(meaning(400, &["1113"], ""), InvalidRequest, "a bare number");
    }
}
