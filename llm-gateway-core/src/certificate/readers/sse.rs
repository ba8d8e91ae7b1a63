//! The events of a streamed response:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use crate::certificate::recorded::RecordedResponse;

/// How OpenAI and the servers that speak like it end a stream. It is no JSON.
pub(super) const END: &str = "[DONE]";

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

/// An event with data.
#[derive(Debug)]
pub(super) struct StreamEvent {
    /// What it calls itself; empty where it does not.
    pub(super) name: String,
    pub(super) data: String,
}

/// The events, in order, [`END`] included. Lines may end in `\n`, `\r\n` or `\r`; comments and the fields
/// `id` and `retry` carry nothing that is read here. An event that no empty line ends is none.
pub(super) fn events(body: &[u8]) -> Result<Vec<StreamEvent>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "its stream is no UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (mut events, mut data, mut name) = (Vec::new(), Vec::new(), "");
    for line in text.split_inclusive(['\n', '\r']) {
        // The last line may lack its end, and is none then.
        let Some(line) = line.strip_suffix(['\n', '\r']) else { continue };
        if line.is_empty() {
            let event = StreamEvent { name: name.to_owned(), data: data.join("\n") };
            if !event.data.is_empty() {
                events.push(event);
            }
            (data, name) = (Vec::new(), "");
        } else if let Some(value) = field(line, "data:") {
            data.push(value);
        } else if let Some(value) = field(line, "event:") {
            name = value;
        }
    }
    if events.is_empty() { Err("its stream holds no event".to_owned()) } else { Ok(events) }
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}
