//! Tests of the advice about a failure, by its category, the provider's words and its address.

use super::*;

/// Returns the failure of a call to `base_url`, which answers `status` and `body`.
async fn refused_at(base_url: &str, dialect: Dialect, status: u16, body: &str) -> Error {
    let endpoint = Endpoint { base_url: base_url.to_owned(), dialect, ..endpoint(Delivery::Whole) };
    failing(endpoint, call(), status, body).await
}

async fn failing(endpoint: Endpoint, call: Call, status: u16, body: &str) -> Error {
    let script = Script::answering(status, vec![after(0, body)]);
    let provider = for_endpoint(endpoint, parts(script, Some(KEY))).unwrap();
    let prepared = provider.prepare(call).unwrap();
    provider.send(&prepared, &Recorder::new()).await.unwrap_err()
}

/// Checks a base URL without its `/v1`, which was once answered with advice about the model.
#[tokio::test(start_paused = true)]
async fn a_404_that_speaks_of_no_model_leads_to_the_base_url() {
    use Dialect::{Anthropic, Gemini, OpenAi};
    for (dialect, base_url, asked, body) in [
        (OpenAi, "https://h", "/chat/completions", "404 page not found"),
        (OpenAi, "https://h", "/chat/completions", r#"{"detail":"Not Found"}"#),
        (OpenAi, "https://h", "/chat/completions", ""),
        (OpenAi, "https://h", "/chat/completions", "<html><h1>No such model page</h1></html>"),
        (OpenAi, "https://h/v1", "/v1/chat/completions", r#"{"error":"Resource not found"}"#),
        (
            OpenAi,
            "https://h/v1/x",
            "/v1/x/chat/completions",
            r#"{"error":{"message":"Invalid URL (POST /v1/x/chat/completions)","type":"invalid_request_error"}}"#,
        ),
        (Anthropic, "https://h/v1", "/v1/v1/messages", r#"{"type":"error","message":"not found"}"#),
        (
            Gemini,
            "https://h/v1beta",
            "/v1beta/v1beta/models/gpt-4o-mini:generateContent",
            "Cannot POST /v1beta/v1beta/models/gpt-4o-mini:generateContent",
        ),
    ] {
        let error = refused_at(base_url, dialect, 404, body).await;
        assert_eq!(error.category(), Category::ModelNotFound, "{body}");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("check the base URL of openai"), "{body}: {hint}");
        assert!(hint.contains(&format!(": {asked} was asked for")), "{body}: {hint}");
        let lacks = dialect == OpenAi && base_url == "https://h";
        assert_eq!(hint.contains("ends in /v1 at most servers"), lacks, "{hint}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_404_that_speaks_of_a_model_leads_to_the_model() {
    for body in [
        r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
        r#"{"error":{"code":404,"message":"models/x is not found for API version v1beta"}}"#,
        r#"{"error":{"code":"DeploymentNotFound","message":"It does not exist."}}"#,
        r#"{"error":{"message":"No endpoints found matching your data policy","code":404}}"#,
        r#"{"error":"'gpt-4o-mini' is not here"}"#,
    ] {
        let error = refused_at("https://h", Dialect::OpenAi, 404, body).await;
        assert_eq!(error.category(), Category::ModelNotFound, "{body}");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("check the model id `gpt-4o-mini`"), "{body}: {hint}");
    }
}

#[tokio::test(start_paused = true)]
async fn advice_about_a_path_shows_no_key() {
    let base_url = format!("https://h/{KEY}");
    let error = refused_at(&base_url, Dialect::OpenAi, 404, "404 page not found").await;
    assert!(!error.hint().unwrap().contains(KEY), "{:?}", error.hint());
}

#[tokio::test(start_paused = true)]
async fn a_400_about_the_bound_on_output_says_what_to_declare() {
    const RENAMED: &[Capability] = &[Capability::MaxCompletionTokens];
    let openai = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
    let fastapi = r#"{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}"#;
    let old =
        r#"{"error":{"message":"Unrecognized request argument supplied: max_completion_tokens"}}"#;
    let too_large = r#"{"error":{"message":"max_tokens is too large: 9. This model supports at most 8 completion tokens","param":"max_tokens"}}"#;
    for (capabilities, status, body, says) in [
        (&[][..], 400, openai, Some("{capabilities: [max_completion_tokens]}")),
        (RENAMED, 422, fastapi, Some("leave max_completion_tokens out")),
        (RENAMED, 400, old, Some("leave max_completion_tokens out")),
        (&[], 400, too_large, None),
        (RENAMED, 400, too_large, None),
    ] {
        let call = call().with_capabilities(capabilities.iter().copied());
        let error = failing(endpoint(Delivery::Whole), call, status, body).await;
        assert_eq!(error.category(), Category::InvalidRequest, "{body}");
        let hint = error.hint().unwrap();
        match says {
            Some(says) => assert!(hint.contains(says), "{body}: {hint}"),
            None => assert_eq!(hint, Category::InvalidRequest.usual_hint()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_on_this_machine_that_drops_connections_is_led_to_fewer_at_once() {
    let dropped = |phase| (Duration::ZERO, Err(TransportError::new(phase, "reset by peer")));
    for (base_url, is_led) in [
        ("http://127.0.0.1:8080/v1", true),
        ("http://localhost:8080", true),
        ("http://[::1]:8080/v1", true),
        ("https://127.0.0.1.example.com/v1", false),
    ] {
        let script = Script::answering(200, vec![after(0, "{"), dropped(Phase::Body)]);
        let endpoint = Endpoint { base_url: base_url.to_owned(), ..endpoint(Delivery::Whole) };
        let provider = for_endpoint(endpoint, parts(script, Some(KEY))).unwrap();
        let prepared = provider.prepare(call()).unwrap();
        let error = provider.send(&prepared, &Recorder::new()).await.unwrap_err();
        assert_eq!(error.category(), Category::Truncated);
        let led = error.hint().unwrap().contains("providers.openai.limits: {concurrent: 1}");
        assert_eq!(led, is_led, "{base_url}");
    }
}
