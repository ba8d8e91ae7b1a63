//! The servers of a generated panel, and adapters that send what they should not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use llm_gateway_core::{Category, Error};
use serde_json::{Value, json};
use test_support::Wire;

use super::recipe::{Leak, Member};

/// Servers that answer each member of a generated panel, at the host of its name.
#[derive(Clone)]
pub(super) struct Servers(pub(super) Arc<Vec<(Member, AtomicUsize)>>);

impl Servers {
    fn answer(&self, request: &HttpRequest) -> (StatusCode, HeaderMap, String) {
        let host = request.url.split(['/', '.']).nth(2).unwrap_or_default();
        let at: usize = host.trim_start_matches('p').parse().unwrap();
        let (member, asked) = &self.0[at];
        let n = asked.fetch_add(1, Ordering::Relaxed);
        if let Some(status) = member.fails_with.get(n) {
            let status = StatusCode::from_u16(*status).unwrap();
            return (status, HeaderMap::new(), "{\"error\": {\"message\": \"busy\"}}".to_owned());
        }
        let mut body = member.wire.answer(&member.model, &member.text);
        let (model, id) = match member.wire {
            Wire::Gemini => ("modelVersion", "responseId"),
            _ => ("model", "id"),
        };
        body[model] = member.answers_as.clone().map_or(Value::Null, Value::from);
        body[id] = member.response_id.clone().into();
        let mut headers = HeaderMap::new();
        for (name, value) in &member.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        (StatusCode::OK, headers, body.to_string())
    }
}

#[async_trait]
impl Transport for Servers {
    async fn send(
        &self,
        request: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let (status, headers, body) = self.answer(request);
        Ok(HttpResponse::new(status, headers, Body::whole(body.into_bytes())))
    }
}

/// A faulty adapter of OpenAI's format.
pub(super) struct Faulty {
    pub(super) at: usize,
    pub(super) leak: Leak,
    pub(super) servers: Servers,
}

#[async_trait]
impl Provider for Faulty {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        const SECRET: &str = "Member A said yes.";
        let question: String = call.prompt.texts().collect();
        let mut turns = vec![json!({"role": "user", "content": question})];
        let mut url = format!("http://p{}.test/v1/chat/completions", self.at);
        let mut headers = HeaderMap::new();
        match self.leak {
            Leak::Question => turns[0]["content"] = format!("{question} {SECRET}").into(),
            Leak::Invisible => turns[0]["content"] = format!("{question}\u{200b}").into(),
            Leak::System => turns.insert(0, json!({"role": "system", "content": SECRET})),
            Leak::Turn => turns.push(json!({"role": "assistant", "content": SECRET})),
            Leak::Header => drop(headers.insert("x-note", HeaderValue::from_static("yes"))),
            Leak::Query => url.push_str("?hint=yes"),
            Leak::Metadata | Leak::StoredState | Leak::Retry => {}
        }
        let mut body =
            json!({"model": call.model, "messages": turns, "max_tokens": call.max_tokens});
        match self.leak {
            Leak::Metadata => body["metadata"] = json!({"note": SECRET}),
            Leak::StoredState => body["previous_response_id"] = "resp_1".into(),
            _ => {}
        }
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body.to_string())))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let mut request = prepared.request.clone().unwrap();
        let asked = self.servers.0[self.at].1.load(Ordering::Relaxed);
        if self.leak == Leak::Retry && asked > 0 {
            let body = String::from_utf8(request.body.to_vec()).unwrap();
            request = HttpRequest::post(request.url, request.headers, format!("{body} "));
        }
        recorder.sent(&request);
        let (status, headers, body) = self.servers.answer(&request);
        recorder.received(status, headers, body);
        match status.is_success() {
            true => Ok(Completion::text(self.servers.0[self.at].0.text.clone())),
            false => Err(Error::new(Category::Provider5xx, "busy")),
        }
    }
}
