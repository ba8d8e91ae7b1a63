//! Stub.
use super::*;
/// Stub.
#[derive(Clone, Default)]
pub struct Scripted(std::sync::Arc<std::sync::Mutex<std::collections::VecDeque<(u16, String)>>>);
impl Scripted {
    /// n
    pub fn new() -> Self {
        Self::default()
    }
    /// n
    pub fn answer(self, t: &str) -> Self {
        self.0.lock().unwrap().push_back((200, t.into()));
        self
    }
    /// n
    pub fn status(self, s: u16) -> Self {
        self.0.lock().unwrap().push_back((s, String::new()));
        self
    }
}
#[async_trait]
impl Transport for Scripted {
    async fn send(
        &self,
        r: &HttpRequest,
        _c: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let (s, t) = self.0.lock().unwrap().pop_front().unwrap_or((200, "offline".into()));
        let v: serde_json::Value = serde_json::from_slice(&r.body).unwrap();
        let b = if r.url.contains("generate") {
            serde_json::json!({"candidates":[{"content":{"parts":[{"text":t}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}})
        } else if r.url.contains("messages") {
            serde_json::json!({"id":"m","model":v["model"],"content":[{"type":"text","text":t}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}})
        } else {
            serde_json::json!({"id":"m","model":v["model"],"choices":[{"message":{"content":t},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})
        };
        Ok(HttpResponse {
            status: StatusCode::from_u16(s).unwrap(),
            headers: HeaderMap::new(),
            body: Box::pin(futures_util::stream::once(
                async move { Ok(Bytes::from(b.to_string())) },
            )),
        })
    }
}
