//! Splits a streamed response into its events:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use crate::certificate::recorded::RecordedResponse;

/// The data with which OpenAI and compatible servers end a stream. It is not JSON.
pub(super) const END: &str = "[DONE]";

/// Returns whether the data of an event is [`END`].
pub(super) fn is_end(data: &str) -> bool {
    data.trim() == END
}

/// Returns whether a response is a stream, by its content type.
pub(super) fn is_stream(response: &RecordedResponse) -> bool {
    let content_type = response.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("text/event-stream")
}

/// An event of a stream that has data.
#[derive(Debug)]
pub(super) struct StreamEvent {
    /// Name of the event; empty if it has none.
    pub(super) name: String,
    /// Data of the event, its lines joined.
    pub(super) data: String,
}

/// Returns the events in order, [`END`] included. Lines may end in `\n`, `\r\n` or `\r`. Comments
/// and the fields `id` and `retry` are ignored. An event that is not ended by an empty line does
/// not count.
///
/// # Errors
/// The stream is not UTF-8, or has no event.
pub(super) fn events(body: &[u8]) -> Result<Vec<StreamEvent>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "its stream is no UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (mut events, mut data, mut name) = (Vec::new(), Vec::new(), "");
    for line in text.split_inclusive(['\n', '\r']) {
        // The last line may lack its end, and does not count then.
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
