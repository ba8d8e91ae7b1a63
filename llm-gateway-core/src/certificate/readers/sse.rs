//! The events of a streamed response:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use crate::certificate::recorded::RecordedResponse;

/// How OpenAI and the servers that speak like it end a stream. It is no JSON.
const END: &str = "[DONE]";

/// Whether the data of an event is that end.
pub(super) fn is_end(data: &str) -> bool {
    data.trim() == END
}

/// Whether a response is a stream, by its content type.
pub(super) fn is_stream(response: &RecordedResponse) -> bool {
    let content_type = response.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("text/event-stream")
}

/// The data of each event, in order, [`END`] included. Lines may end in `\n`, `\r\n` or `\r`; comments and the
/// fields `event`, `id` and `retry` carry nothing that is read here.
pub(super) fn events(body: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "its stream is no UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut events = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    for line in text.split(['\n', '\r']).chain([""]) {
        if line.is_empty() {
            let event = std::mem::take(&mut data).join("\n");
            if !event.is_empty() {
                events.push(event);
            }
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    if events.is_empty() { Err("its stream holds no event".to_owned()) } else { Ok(events) }
}
