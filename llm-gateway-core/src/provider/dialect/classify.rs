//! Classifies the errors of providers, by one set of tables for all dialects, because proxies pass
//! on the words of other APIs.
//!
//! The tables are consulted in this order: the documented sentences of providers that send no code;
//! the codes that are words; the stems of such words; the parameter at fault; the HTTP status; a
//! general name, if no status says more. Codes that are bare numbers count only in the wrapping of
//! the API that defines them.

use http::StatusCode;

use super::ErrorReport;
use super::error_words::{EXCEPTIONS, GENERAL, NUMBERS, ROUTES, SENTENCES, STEMS, WORDS};
use super::lenient::table_word;
use crate::error::Category;
use crate::error::Category::{
    Auth, BadResponse, ContextLength, InvalidRequest, ModelNotFound, Overloaded, Provider5xx,
    Quota, RateLimit, Timeout,
};

/// Returns the category of an error.
pub(crate) fn classify(status: StatusCode, report: &ErrorReport) -> Category {
    let words = words(report);
    match told(report, &words).or_else(|| by_parameter(status, report)) {
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

/// Returns the category that an error's own words show, whatever its status: its sentences, then
/// its codes.
fn told(report: &ErrorReport, words: &[String]) -> Option<Category> {
    let mut sentences = [&report.cause, &report.message].into_iter().flatten();
    sentences
        .find_map(|sentence| by_sentence(sentence))
        .or_else(|| by_word(WORDS, words))
        .or_else(|| by_word(NUMBERS, &report.numbers))
        .or_else(|| by_stem(words))
}

/// Returns the codes as the tables write them: without case, and with `_` for a blank or a dash.
/// The code before a sentence, if any, comes last.
fn words(report: &ErrorReport) -> Vec<String> {
    let sentences = [&report.cause, &report.message].into_iter().flatten();
    let before = sentences.filter_map(|sentence| code_before(sentence));
    report.codes.iter().map(String::as_str).chain(before).map(table_word).collect()
}

/// Returns the code before a sentence, as in `overloaded_error: Overloaded`. A word without `_` is
/// not a code.
fn code_before(sentence: &str) -> Option<&str> {
    let (code, _) = sentence.trim_start().split_once(':')?;
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (code.contains('_') && code.bytes().all(is_code)).then_some(code)
}

fn by_sentence(message: &str) -> Option<Category> {
    let message = message.trim_start().to_lowercase();
    let mut sentence = message.as_str();
    let mut told = None;
    let said = |sentence: &str| {
        let documented = SENTENCES.iter().find(|(start, _)| begins_with(sentence, start));
        documented.map(|(_, category)| *category)
    };
    // A proxy's route, class names and the names of the exceptions that they wrap.
    while let Some((before, behind)) = wrapped(sentence).filter(|_| said(sentence).is_none()) {
        let exception = EXCEPTIONS.iter().find(|(known, _)| *known == class_of(before));
        told = told.or(exception.map(|(_, category)| *category));
        sentence = behind;
    }
    // A sentence that nothing wraps is the error itself, and no quotation.
    let is_wrapped = sentence.len() < message.len();
    said(sentence).or_else(|| is_wrapped.then(|| quoted(sentence)).flatten()).or(told)
}

/// Returns the category of an error that a proxy quotes behind its own words: a document, perhaps
/// as Python prints bytes, perhaps with more words behind it. Each nested quotation is shorter, and
/// its escapes double, so the search ends soon.
fn quoted(sentence: &str) -> Option<Category> {
    let text = sentence.trim_start_matches("b'").trim_start_matches("b\"");
    let document = text.starts_with('{').then(|| {
        let mut documents =
            serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        documents.next()
    });
    let document = document.flatten()?.ok()?;
    let report = ErrorReport::from_body(document.to_string().as_bytes());
    told(&report, &words(&report))
}

/// Returns whether a sentence begins as documented, with any short text in the place of `…`.
fn begins_with(sentence: &str, start: &str) -> bool {
    let Some((first, second)) = start.split_once('…') else { return sentence.starts_with(start) };
    let rest = sentence.strip_prefix(first).and_then(|rest| rest.find(second));
    rest.is_some_and(|between| between <= LONGEST_GAP)
}

/// The longest name or number in the place of `…`, in bytes.
const LONGEST_GAP: usize = 80;

/// Splits a sentence into the word that a proxy puts before it and the rest: `litellm.Timeout: …`,
/// `OpenAIException - …`, `AnthropicError - …`, `/chat/completions: …`, `openai error: …`.
fn wrapped(sentence: &str) -> Option<(&str, &str)> {
    let (before, behind) = sentence.split_once([':', ' '])?;
    let behind = behind.trim_start().trim_start_matches('-').trim_start();
    let class = class_of(before);
    let is_class = |end: &str| class.ends_with(end);
    let is_known = EXCEPTIONS.iter().any(|(known, _)| *known == class)
        || ROUTES.contains(&before)
        || is_class("exception")
        || is_class("error")
        || before.starts_with('/')
        || behind.starts_with("error: ");
    is_known.then_some((before, behind))
}

/// Returns the name of a class without its module.
fn class_of(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn by_word(table: &[(&str, Category)], words: &[String]) -> Option<Category> {
    let meaning = |word: &String| table.iter().find(|(known, _)| known == word);
    words.iter().find_map(meaning).map(|(_, category)| *category)
}

fn by_stem(words: &[String]) -> Option<Category> {
    // A sentence in a code's place is no word.
    let names = |word: &&String| word.len() <= 64;
    words.iter().filter(names).find_map(|word| {
        let has_all = |pieces: &&[&str]| pieces.iter().all(|piece| word.contains(piece));
        STEMS.iter().find(|(pieces, _)| has_all(pieces)).map(|(_, category)| *category)
    })
}

/// Returns the category of a request that is refused because of the parameter `model`.
fn by_parameter(status: StatusCode, report: &ErrorReport) -> Option<Category> {
    let of_the_caller = matches!(status.as_u16(), 400 | 422);
    (of_the_caller && report.parameter.as_deref() == Some("model")).then_some(ModelNotFound)
}

/// Returns the category of a status, for errors without a code that says more.
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
    use crate::error::Category::ContentFilter;

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
    fn a_code_counts_before_a_sentence_as_well() {
        for (known, category) in WORDS.iter().filter(|(known, _)| known.contains('_')) {
            for code in [(*known).to_owned(), known.to_ascii_uppercase()] {
                let message = format!(" {code}: something happened");
                assert_eq!(meaning(200, &[], &message), *category, "{message}");
                assert_eq!(meaning(400, &["server_error"], &message), *category, "{message}");
                let callers = format!("cannot read: {code}: something happened");
                assert_eq!(meaning(400, &[], &callers), InvalidRequest, "{callers}");
            }
        }
        assert_eq!(meaning(200, &[], "api_error: Internal server error"), Provider5xx);
        assert_eq!(meaning(400, &[], "model_not_available: x"), ModelNotFound);
        assert_eq!(meaning(400, &[], "overloaded: with words"), InvalidRequest);
        assert_eq!(meaning(429, &["insufficient_quota"], "rate_limit_error: wait"), Quota);
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
            "anthropic_messages: ",
            "openai error: ",
            "litellm.BadRequestError: AnthropicError - ",
            "litellm.MidStreamFallbackError: Timeout Error: OpenAIException - ",
            "AzureException BadRequestError - ",
        ] {
            let message = format!("{before}{sentence}");
            assert_eq!(meaning(400, &["None", "400"], &message), ContextLength, "{message}");
        }
        for (class, category) in EXCEPTIONS {
            let message = format!("litellm.{class}: something happened");
            assert_eq!(by_sentence(&message), Some(*category), "{message}");
        }
        for route in ROUTES.iter().chain(&["/chat/completions", "/v1beta/agents"]) {
            let model = format!("{route}: Invalid model name passed in model=gpt-x");
            assert_eq!(meaning(400, &["400"], &model), ModelNotFound, "{route}");
        }
        assert_eq!(by_sentence("Authentication Error: no"), Some(Auth));
        let quoted = "invalid value: 'Your credit balance is too low'";
        assert_eq!(meaning(400, &[], quoted), InvalidRequest);
    }

    #[test]
    fn an_error_that_a_proxy_quotes_behind_its_own_words_is_read() {
        let credit = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        let length =
            r#"{"error":{"code":400,"message":"too many","type":"exceed_context_size_error"}}"#;
        let nothing = r#"{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}"#;
        for (document, category) in
            [(credit, Quota), (length, ContextLength), (nothing, InvalidRequest)]
        {
            for (before, behind) in [
                ("litellm.BadRequestError: AnthropicException - ", ""),
                ("litellm.BadRequestError: AnthropicError - ", "\nmodel=x. fallbacks=None."),
                ("litellm.BadRequestError: Vertex_aiException BadRequestError - b'", "'"),
            ] {
                let message = format!("{before}{document}{behind}");
                assert_eq!(
                    meaning(400, &["invalid_request_error"], &message),
                    category,
                    "{message}"
                );
            }
            let callers = format!("cannot read the prompt: {document}");
            assert_eq!(meaning(400, &[], &callers), InvalidRequest, "{callers}");
            assert_eq!(by_sentence(document), None, "{document}");
        }
        let nested = format!(
            "litellm.BadRequestError: {}",
            serde_json::json!({"error": format!("OpenAIException - {credit}")})
        );
        assert_eq!(meaning(400, &[], &nested), Quota);
        assert_eq!(meaning(429, &[], "litellm.RateLimitError: AzureException - {cut"), RateLimit);
        // A document of which nothing is known is shown as it is, and ends the search.
        for before in ["", "litellm.BadRequestError: ", "openai error: openai error: "] {
            let message = format!(r#"{before}{{"html-message":"error: fetch failed"}}"#);
            assert_eq!(meaning(400, &[], &message), InvalidRequest, "{message}");
        }
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

    /// Checks the table of statuses in `docs/servers.md`.
    #[test]
    fn the_page_about_servers_has_the_meaning_of_every_status() {
        let root = env!("CARGO_MANIFEST_DIR");
        let page = std::fs::read_to_string(format!("{root}/../docs/servers.md")).unwrap();
        let rows = page.split("| status | category").nth(1).unwrap().lines().skip(2);
        let mut named: Vec<(u16, &str)> = Vec::new();
        let mut others = Vec::new();
        for row in rows.take_while(|row| row.starts_with('|')) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let category = cells[1].trim_matches('`');
            match cells[0].strip_prefix("other ") {
                Some(rest) => others.push((rest.chars().next().unwrap(), category)),
                None => named.extend(cells[0].split(", ").map(|s| (s.parse().unwrap(), category))),
            }
        }
        for status in 400..600_u16 {
            let first = status.to_string().chars().next().unwrap();
            let other = || others.iter().find(|(digit, _)| *digit == first).unwrap().1;
            let stated = named.iter().find(|(known, _)| *known == status).map(|(_, told)| *told);
            assert_eq!(meaning(status, &[], "").as_str(), stated.unwrap_or_else(other), "{status}");
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
