//! The requests whose clients want to be told of their progress, and the way to tell them.
//!
//! What is told goes straight to the outbox, and not through rmcp, which would send it after the
//! answer as well as before. A notification repeats the client's token as it came: text stays text,
//! and a number stays a number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::RequestId;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::id::number;
use super::outbox::WeakOutbox;
use crate::arguments::is_exact;

/// The longest token in bytes. Each notification repeats it, and clients use a number or a UUID.
const LONGEST_TOKEN: usize = 1024;

/// A progress token, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// Returns the progress token among the parameters of a request. A value that cannot be
    /// repeated is no token: its request is answered, and its progress is not told.
    pub(crate) fn of(params: Option<&Map<String, Value>>) -> Option<Self> {
        let token = match params?.get("_meta")?.get("progressToken")? {
            Value::Number(number) if is_exact(number) => number.to_string(),
            text @ Value::String(_) => text.to_string(),
            _ => return None,
        };
        (token.len() <= LONGEST_TOKEN).then_some(Self(token))
    }
}

/// The requests under way whose progress is told. Clones are one list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToldRequests(Arc<Mutex<HashMap<i64, Told>>>);

/// A request whose progress is told.
#[derive(Debug)]
struct Told {
    token: Token,
    /// The number of notifications so far, which is also the progress that they tell.
    times: u64,
}

impl ToldRequests {
    /// Adds a request. A token belongs to one request at a time, or what is told under it would not
    /// grow.
    pub(super) fn begin(&self, number: i64, token: Token) {
        let mut told = self.lock();
        if told.values().all(|told| told.token != token) {
            told.insert(number, Told { token, times: 0 });
        }
    }

    /// Removes a request, of which nothing is told from here on.
    pub(super) fn end(&self, number: i64) {
        self.lock().remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to tell a client of the progress of its requests.
#[derive(Clone)]
pub(crate) struct Teller {
    told: ToldRequests,
    outbox: WeakOutbox,
    /// Cancelled when the client has closed its end.
    ended: CancellationToken,
}

impl Teller {
    /// Creates a teller that writes to `outbox` until `ended` is cancelled.
    pub(crate) fn new(told: ToldRequests, outbox: WeakOutbox, ended: CancellationToken) -> Self {
        Self { told, outbox, ended }
    }

    /// Returns whether the client of a request wants to be told of its progress.
    pub(crate) fn is_wanted(&self, id: &RequestId) -> bool {
        number(id).is_some_and(|number| self.told.lock().contains_key(&number))
    }

    /// Tells the client of a request what happens, without waiting. Nothing is told once the
    /// request was answered or cancelled, or the client has left, and a client that does not read
    /// misses it.
    pub(crate) fn tell(&self, id: &RequestId, message: &str) {
        let Some(number) = number(id) else { return };
        // The lock is held until the line is in the outbox, so that no answer comes before it.
        let mut told = self.told.lock();
        let Some(told) = told.get_mut(&number).filter(|_| !self.ended.is_cancelled()) else {
            return;
        };
        told.times = told.times.saturating_add(1);
        let (Token(token), times, message) = (&told.token, told.times, json!(message));
        let params =
            format!(r#"{{"progressToken":{token},"progress":{times},"message":{message}}}"#);
        self.outbox.put_if_read(format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{params}}}"#
        ));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::outbox::outbox;
    use super::*;

    fn taken(token: Value) -> Option<String> {
        let params = json!({ "_meta": { "progressToken": token, "other": 1 } });
        Token::of(params.as_object()).map(|token| token.0)
    }

    #[test]
    fn a_token_is_repeated_as_it_came_or_is_none() {
        for token in ["0", "-1", "7", "1.5", "9223372036854775807", "18446744073709551615"] {
            let value = serde_json::from_str(token).unwrap();
            assert_eq!(taken(value).as_deref(), Some(token));
        }
        for token in ["", "7", "a\"b\n", "密", "\u{2028}", &"x".repeat(1000)] {
            assert_eq!(taken(json!(token)), Some(json!(token).to_string()));
        }
        for token in [
            json!(null),
            json!(true),
            json!([1]),
            json!({ "a": 1 }),
            json!(1e300),
            json!(123_456_789_012_345_678_901_234_567_890_f64),
            json!("x".repeat(1_100)),
        ] {
            assert_eq!(taken(token.clone()), None, "{token}");
        }
        for params in [json!({}), json!({ "_meta": 5 }), json!({ "_meta": {} })] {
            assert_eq!(Token::of(params.as_object()), None);
        }
        assert_eq!(Token::of(None), None);
    }

    /// Returns what a client has read after `tell` has told it of the request 1.
    async fn read_after(tell: impl FnOnce(&ToldRequests, &Teller, &CancellationToken)) -> String {
        let (mut reader, writer) = tokio::io::duplex(1_000_000);
        let (outbox, writing) = outbox(writer);
        let (told, ended) = (ToldRequests::default(), CancellationToken::new());
        told.begin(1, Token("\"t\"".to_owned()));
        let teller = Teller::new(told.clone(), outbox.weak(), ended.clone());
        tell(&told, &teller, &ended);
        drop(outbox);
        writing.run().await;
        drop(teller);
        let mut read = String::new();
        reader.read_to_string(&mut read).await.unwrap();
        read
    }

    const ONE: RequestId = RequestId::Number(1);

    #[tokio::test]
    async fn what_is_told_is_one_line_that_can_be_read() {
        let read = read_after(|_, teller, _| {
            teller.tell(&ONE, "a \"b\"\n\u{1b}");
            teller.tell(&ONE, "");
        });
        let read = read.await;
        let lines: Vec<Value> =
            read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |progress: u64, message: &str| {
            json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                "params": { "progressToken": "t", "progress": progress, "message": message } })
        };
        assert_eq!(lines, [told(1, "a \"b\"\n\u{1b}"), told(2, "")]);
    }

    #[tokio::test]
    async fn nothing_is_told_after_the_end_of_a_request_or_of_the_session() {
        let nothing = [
            read_after(|told, teller, _| {
                told.end(1);
                teller.tell(&ONE, "late");
                assert!(!teller.is_wanted(&ONE));
            })
            .await,
            read_after(|_, teller, ended| {
                ended.cancel();
                teller.tell(&ONE, "late");
            })
            .await,
            read_after(|_, teller, _| teller.tell(&RequestId::Number(2), "of another")).await,
            read_after(|_, teller, _| teller.tell(&RequestId::String("1".into()), "of text")).await,
        ];
        assert_eq!(nothing, ["", "", "", ""]);
    }

    #[tokio::test]
    async fn an_outbox_that_nobody_empties_takes_few_and_a_closed_one_none() {
        let read = read_after(|_, teller, _| (0..1_000).for_each(|_| teller.tell(&ONE, "more")));
        assert_eq!(read.await.lines().count(), 16);
        let (outbox, _writing) = outbox(tokio::io::sink());
        let told = ToldRequests::default();
        told.begin(1, Token("1".to_owned()));
        let teller = Teller::new(told, outbox.weak(), CancellationToken::new());
        drop(outbox);
        teller.tell(&ONE, "gone");
    }
}
