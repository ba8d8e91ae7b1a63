//! Splits a streamed response into its events:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

use crate::certificate::effort;

/// An event of a stream that has data.
#[derive(Debug)]
pub(super) struct StreamEvent {
    /// Name of the event; empty if it has none.
    pub(super) name: String,
    /// Data of the event, its lines joined.
    pub(super) data: String,
    /// Whether the body ended before the empty line that ends an event, so that its data may be
    /// cut.
    pub(super) may_be_cut: bool,
}

impl StreamEvent {
    /// Creates an event from a document without an event around it.
    pub(super) fn of(document: &str) -> Self {
        Self { name: String::new(), data: document.to_owned(), may_be_cut: false }
    }
}

/// Returns the events in order. Lines may end in `\n`, `\r\n` or `\r`, and the end of the body
/// ends the last line and its event. Comments and the fields `id` and `retry` are ignored.
pub(super) fn events(body: &str) -> Vec<StreamEvent> {
    effort::add(body.len());
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut blocks = body.split("\n\n").peekable();
    let mut events = Vec::new();
    while let Some(block) = blocks.next() {
        let values = |name| block.lines().filter_map(move |line| field(line, name));
        let data: Vec<&str> = values("data").collect();
        if !data.is_empty() {
            events.push(StreamEvent {
                name: values("event").next_back().unwrap_or_default().to_owned(),
                data: data.join("\n"),
                may_be_cut: blocks.peek().is_none(),
            });
        }
    }
    events
}

/// Returns the value of a line that is the field `name`.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let behind = line.strip_prefix(name)?;
    if behind.is_empty() {
        return Some(behind);
    }
    let value = behind.strip_prefix(':')?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}
