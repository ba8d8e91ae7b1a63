//! The words by which providers and the proxies in front of them name their errors, with what
//! each means: data for [`classify`](mod@super::classify).

use crate::error::Category;
use crate::error::Category::{
    Auth, ContentFilter, ContextLength, InvalidRequest, ModelNotFound, Overloaded, Provider5xx,
    Quota, RateLimit, Timeout,
};

/// The beginnings of documented messages, for failures that a provider distinguishes by nothing
/// else. No other code reads messages to classify an error. Only the beginning counts, because a
/// message may quote the prompt further on. `…` stands for a name or a number.
///
/// Sources: Anthropic <https://platform.claude.com/docs/en/api/errors>,
/// <https://platform.claude.com/docs/en/api/rate-limits>; Gemini
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>; xAI
/// <https://docs.x.ai/docs/key-information/debugging>; Z.ai
/// <https://docs.z.ai/api-reference/api-code>; MiniMax
/// <https://platform.minimax.io/docs/api-reference/errorcode>; DeepSeek
/// <https://api-docs.deepseek.com/quick_start/error_codes>; the sources of vLLM, SGLang,
/// llama.cpp, LM Studio and Ollama.
pub(super) const SENTENCES: &[(&str, Category)] = &[
    ("your credit balance is too low", Quota),
    ("you have reached your specified api usage limits", Quota),
    ("your prepayment credits are depleted", Quota),
    ("your newly created team doesn't have any credits", Quota),
    ("your team … either used all available credits", Quota),
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
    ("the input length exceeds the context length", ContextLength),
    ("input length exceeds the context length", ContextLength),
    ("the number of tokens to keep from the initial prompt", ContextLength),
    ("trying to keep the first", ContextLength),
    ("the request exceeds the available context size", ContextLength),
    ("request (… exceeds the available context size", ContextLength),
    ("context window error", ContextLength),
    ("requested token count exceeds the model's maximum context length", ContextLength),
    ("the input (… is longer than the model's context length", ContextLength),
    ("range of input length should be", ContextLength),
    ("content violates usage guidelines", ContentFilter),
    ("content exists risk", ContentFilter),
    ("model not exist", ModelNotFound),
    ("invalid model name passed in", ModelNotFound),
    ("incorrect api key provided", Auth),
    ("api key not valid", Auth),
    ("no connected db", Auth),
    ("authentication error", Auth),
    ("invalid authentication", Auth),
];

/// The exceptions whose class names LiteLLM puts before the sentence:
/// <https://docs.litellm.ai/docs/exception_mapping>. Any other name of an error or exception adds
/// nothing to the sentence behind it.
pub(super) const EXCEPTIONS: &[(&str, Category)] = &[
    ("contextwindowexceedederror", ContextLength),
    ("contentpolicyviolationerror", ContentFilter),
    ("authenticationerror", Auth),
    ("callercredentialauthenticationerror", Auth),
    ("permissiondeniederror", Auth),
    ("notfounderror", ModelNotFound),
    ("budgetexceedederror", Quota),
    ("paymentrequirederror", Quota),
    ("ratelimiterror", RateLimit),
    ("callercredentialratelimiterror", RateLimit),
    ("timeout", Timeout),
    ("serviceunavailableerror", Overloaded),
    ("internalservererror", Provider5xx),
    ("apiconnectionerror", Provider5xx),
    ("badgatewayerror", Provider5xx),
    ("apierror", Provider5xx),
];

/// The routes that LiteLLM names before a sentence if it does not write a path: its entries for the
/// dialects of Anthropic and Gemini (`route_llm_request.py`).
pub(super) const ROUTES: &[&str] =
    &["anthropic_messages", "agenerate_content", "agenerate_content_stream"];

/// Codes that are words, compared without case and with `_` for a blank or a dash. A code that adds
/// nothing to its status is not listed: `invalid_request_error` comes with 401 and 402 from
/// DeepSeek, `RESOURCE_EXHAUSTED` with 402 and 429 from Gemini, `timeout_error` with 408 and 504.
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
pub(super) const WORDS: &[(&str, Category)] = &[
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
    ("unavailable_error", Overloaded),
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

/// The meanings of unknown words that contain all of these pieces.
pub(super) const STEMS: &[(&[&str], Category)] = &[
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

/// Numbers of Z.ai, which writes them as text (<https://docs.z.ai/api-reference/api-code>), and of
/// MiniMax, behind the name that `base_code` puts before them
/// (<https://platform.minimax.io/docs/api-reference/errorcode>).
pub(super) const NUMBERS: &[(&str, Category)] = &[
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

/// General names, which count only if no status says more: inside an answer with 200.
pub(super) const GENERAL: &[(&str, Category)] = &[
    ("invalid_request_error", InvalidRequest),
    ("server_error", Provider5xx),
    ("api_error", Provider5xx),
    ("internal_server_error", Provider5xx),
    ("internalservererror", Provider5xx),
    ("timeout_error", Timeout),
    ("timeout", Timeout),
];
