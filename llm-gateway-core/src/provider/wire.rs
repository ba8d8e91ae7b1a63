//! A wire format as pure functions, and the rules that every format shares.
//!
//! Each dialect ([`openai`](super::openai), [`anthropic`](super::anthropic),
//! [`gemini`](super::gemini)) implements [`Wire`]: bytes out, bytes in, no I/O, no clock. Its
//! decoder brings an answer into a [`Draft`] and a refusal into a [`Refusal`]; what those
//! mean (success, or which [`Category`]) is decided here, once, for all of them.

use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Call;
use super::assembly::Assembly;
use super::refusal::Refusal;
use crate::credential::Secret;
use crate::error::Category;
use crate::model::{Completion, Delivery, FinishReason, NanoUsd, OutputPart, Usage};
use crate::transport::Credential;

/// A wire format.
pub(crate) trait Wire: Send + Sync + 'static {
    /// What puts a streamed answer together.
    type Stream: Assembly;

    /// What the provider's error codes mean. A code that says no more than its status has
    /// no place here.
    const CODES: &'static [(&'static str, Category)];

    /// What a general name means where no status says more: in the middle of a stream.
    const GENERAL: &'static [(&'static str, Category)] = &[];

    /// Failures that the provider tells apart by their sentence alone: the general code they
    /// come with, how the sentence starts, what it means. The only place where anyone reads
    /// message text; each row has a fixture.
    const MESSAGES: &'static [(&'static str, &'static str, Category)];

    /// What stands behind the endpoint's base URL.
    fn path(call: &Call, delivery: Delivery) -> String;

    /// The headers that the format wants, besides the content type.
    fn headers() -> HeaderMap;

    /// How the key travels.
    fn credential(secret: Secret) -> Credential;

    /// The body of the request. Fields stand in a fixed order, so equal calls are equal bytes.
    fn encode(call: &Call, delivery: Delivery) -> serde_json::Result<Vec<u8>>;

    /// Reads a whole answer. A body that ended too early is an error for which
    /// [`is_eof`](serde_json::Error::is_eof) is true.
    fn decode(body: &[u8]) -> serde_json::Result<Draft>;

    /// Reads the error object of a body or of an event, whatever the status; `None` when it
    /// has none.
    fn decode_error(body: &[u8]) -> Option<Refusal>;

    /// What a refusal means: by its documented sentence, else by its code, else by the status.
    fn classify(status: StatusCode, refusal: &Refusal) -> Category {
        by_message(Self::MESSAGES, refusal)
            .or_else(|| by_code(Self::CODES, refusal))
            .unwrap_or_else(|| match by_status(refusal.status_in(status)) {
                Category::BadResponse => {
                    by_code(Self::GENERAL, refusal).unwrap_or(Category::BadResponse)
                }
                told => told,
            })
    }
}

fn by_message(
    table: &[(&'static str, &'static str, Category)],
    refusal: &Refusal,
) -> Option<Category> {
    let message = refusal.message.as_deref()?;
    // The start, because a message may quote the prompt further on.
    let row = table.iter().find(|(code, start, _)| {
        message.starts_with(start) && refusal.codes.iter().any(|known| known == code)
    })?;
    Some(row.2)
}

fn by_code(table: &[(&'static str, Category)], refusal: &Refusal) -> Option<Category> {
    let meaning = |code: &String| table.iter().find(|(known, _)| known == code);
    refusal.codes.iter().find_map(meaning).map(|&(_, category)| category)
}

/// What a status means when no code says more.
fn by_status(status: StatusCode) -> Category {
    match status.as_u16() {
        401 | 403 => Category::Auth,
        402 => Category::Quota,
        404 => Category::ModelNotFound,
        408 => Category::Timeout,
        413 => Category::ContextLength,
        429 => Category::RateLimit,
        400..=499 => Category::InvalidRequest,
        // Not registered with IANA; Anthropic's "overloaded".
        529 => Category::Overloaded,
        500..=599 => Category::Provider5xx,
        // A redirect, or an error object in a 200.
        _ => Category::BadResponse,
    }
}

/// An answer as it was decoded, before anyone asked whether it is of use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The pieces of text, reasoning excluded.
    pub(crate) texts: Vec<String>,
    /// Why the model stopped; [`FinishReason::Other`] when the body does not say.
    pub(crate) finish_reason: FinishReason,
    /// What the provider says about its refusal to answer.
    pub(crate) refusal: Option<String>,
    /// The model that answered, as the body names it.
    pub(crate) model: Option<String>,
    /// The provider's id of the response.
    pub(crate) response_id: Option<String>,
    /// Tokens, in the shape that all dialects share.
    pub(crate) usage: Option<Usage>,
    /// What the provider says that it bills.
    pub(crate) reported_cost: Option<NanoUsd>,
}

/// Why an answer without text is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// What it counts as.
    pub(crate) category: Category,
    /// What happened, as the end of a sentence that begins with the provider's name.
    pub(crate) message: String,
    /// Advice that only this answer can give.
    pub(crate) hint: Option<String>,
    /// The tokens that are billed all the same.
    pub(crate) usage: Option<Usage>,
    /// The model that is billed.
    pub(crate) model: Option<String>,
}

impl Draft {
    /// Any text makes an answer, whatever stopped it; without text, the reason decides.
    pub(crate) fn complete(mut self, max_tokens: u64) -> Result<Completion, Box<Unusable>> {
        if self.texts.iter().all(|text| text.trim().is_empty()) {
            return Err(Box::new(self.unusable(max_tokens)));
        }
        self.texts.retain(|text| !text.is_empty());
        Ok(Completion {
            parts: self.texts.into_iter().map(OutputPart::Text).collect(),
            finish_reason: self.finish_reason,
            model: self.model,
            response_id: self.response_id,
            usage: self.usage,
            reported_cost: self.reported_cost,
        })
    }

    fn unusable(self, max_tokens: u64) -> Unusable {
        let (category, message, hint) = match (self.finish_reason, self.refusal) {
            (_, Some(refusal)) => {
                (Category::ContentFilter, format!("refused to answer: {refusal}"), None)
            }
            (FinishReason::ContentFilter, None) => {
                (Category::ContentFilter, "refused to answer".to_owned(), None)
            }
            (FinishReason::Length, None) => (
                Category::OutputBudgetExhausted,
                format!("used up all {max_tokens} output tokens before any text"),
                Some(larger_bound(self.usage.unwrap_or_default().reasoning, max_tokens)),
            ),
            _ => (Category::EmptyOutput, "answered without any text".to_owned(), None),
        };
        Unusable { category, message, hint, usage: self.usage, model: self.model }
    }
}

/// The bound that would have been enough is unknown: the model was cut while it thought.
/// Room for as much thinking again, and for as much text as was asked for, is a fair guess.
fn larger_bound(reasoning: u64, max_tokens: u64) -> String {
    let thinking = if reasoning > 0 { reasoning } else { max_tokens };
    let enough = thinking.saturating_mul(2).saturating_add(max_tokens);
    if reasoning > 0 {
        format!(
            "{reasoning} tokens went into reasoning under a bound of {max_tokens}; \
             set max_tokens to {enough}"
        )
    } else {
        format!("the bound was {max_tokens} tokens; set max_tokens to {enough}")
    }
}

/// Reads what can be read, and takes the rest for absent: a paid answer is not thrown away for
/// an odd id or an odd count beside it.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Reads the name of a model or a response as leniently. An empty one names nothing: proxies write it
/// where they know none, Azure beside what its filter says.
pub(crate) fn name<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(lenient::<D, String>(deserializer)?.filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::anthropic::Anthropic;
    use super::super::gemini::Gemini;
    use super::super::openai::OpenAi;
    use super::*;
    use crate::model::{ContentPart, Message, ModelId, Prompt};

    /// A question in two parts, an earlier answer, and one more question.
    fn conversation<W: Wire>() -> Value {
        let mut question = Message::user("one");
        question.parts.push(ContentPart::Text("two".to_owned()));
        let messages = vec![question, Message::assistant("three"), Message::user("four")];
        let call = Call {
            model: ModelId::new("m").unwrap(),
            prompt: Prompt::from_caller(None, messages).into(),
            max_tokens: 8,
            capabilities: Vec::new(),
        };
        serde_json::from_slice(&W::encode(&call, Delivery::Whole).unwrap()).unwrap()
    }

    #[test]
    fn every_turn_and_every_part_is_sent() {
        let messages = |question: Value| {
            json!([
                {"role": "user", "content": question},
                {"role": "assistant", "content": "three"},
                {"role": "user", "content": "four"},
            ])
        };
        assert_eq!(conversation::<OpenAi>()["messages"], messages("onetwo".into()));
        let parts = json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]);
        assert_eq!(conversation::<Anthropic>()["messages"], messages(parts));
        let contents = json!([
            {"role": "user", "parts": [{"text": "one"}, {"text": "two"}]},
            {"role": "model", "parts": [{"text": "three"}]},
            {"role": "user", "parts": [{"text": "four"}]},
        ]);
        assert_eq!(conversation::<Gemini>()["contents"], contents);
    }

    #[test]
    fn a_key_travels_in_the_header_that_its_provider_reads() {
        fn header<W: Wire>() -> String {
            let sent = W::credential(Secret::new("key".to_owned()));
            format!("{}: {}{}", sent.header, sent.prefix, sent.secret.expose())
        }
        assert_eq!(header::<OpenAi>(), "authorization: Bearer key");
        assert_eq!(header::<Anthropic>(), "x-api-key: key");
        assert_eq!(header::<Gemini>(), "x-goog-api-key: key");
    }

    #[test]
    fn a_status_inside_a_200_counts() {
        let body = br#"{"error": {"code": 429, "message": "slow down"}}"#;
        let refusal = OpenAi::decode_error(body).unwrap();
        assert_eq!(OpenAi::classify(StatusCode::OK, &refusal), Category::RateLimit);
        // The status of the response itself, where it is an error, is the better witness.
        assert_eq!(OpenAi::classify(StatusCode::BAD_GATEWAY, &refusal), Category::Provider5xx);
    }

    #[test]
    fn the_hint_leaves_room_for_thinking_and_text() {
        let hint = larger_bound(1_984, 2_048);
        assert!(hint.contains("1984") && hint.contains("2048") && hint.contains("6016"), "{hint}");
        assert!(larger_bound(0, 100).contains("set max_tokens to 300"));
    }
}
