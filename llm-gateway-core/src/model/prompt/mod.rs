//! Messages of a conversation, and prompts whose parts know who wrote them.
//!
//! A caller writes [`Message`]s. The gateway turns them into a [`Prompt`], where the type of each
//! [`Part`] says who wrote it: the caller, the policy, another model, or the gateway itself. A
//! panel takes a [`Prompt<Blind>`], and code that puts another model's text into one does not
//! compile.
//!
//! ```
//! use llm_gateway_core::prompt::{Message, Part, Prompt};
//! use llm_gateway_core::{Gateway, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A conversation, oldest turn first: the caller quotes an earlier answer.
//! let conversation = vec![
//!     Message::user("Name a capital."),
//!     Message::assistant("Paris."),
//!     Message::user("Of which country?"),
//! ];
//! let gateway = Gateway::builder().offline().build()?;
//! let answer = gateway.route(Request::conversation("quick_answer", conversation.clone())).await?;
//! # assert!(!answer.text().is_empty());
//!
//! // What a provider is asked: all of it was written by the caller, the quoted answer too.
//! let prompt = Prompt::from_messages(conversation);
//! let mut parts = prompt.turns().iter().flat_map(|turn| &turn.parts);
//! assert!(parts.all(|part| matches!(part, Part::Caller(_))));
//! # Ok(())
//! # }
//! ```

mod answer_schema;
mod fewest;
pub(crate) mod frame;
mod provenance;

use std::marker::PhantomData;

use self::fewest::fewest_tokens;
pub use answer_schema::AnswerSchema;
// `certificate` exports `Ask`: its evidence holds it.
pub(crate) use frame::{Ask, Frame, Framed, PLANNER_ASK, VERDICT_SCHEMA, planner_ask};
pub use provenance::{Blind, CallerText, FrameText, Grant, ModelText, Open, PolicyText};

/// The most tokens that a provider puts around a message; see [`Prompt::token_bound`].
const MARGIN_PER_MESSAGE: u64 = 64;

/// The speaker of a turn in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The user: the person or program that asks.
    User,
    /// The assistant: a model, in an earlier answer that the caller quotes.
    Assistant,
}

/// One piece of a caller's message. Text is the only kind so far.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentPart {
    /// A piece of a caller's message that is plain text.
    Text(String),
}

/// One turn of a conversation, as a caller writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The speaker of the turn.
    pub role: Role,
    /// The pieces of the message, in order.
    pub parts: Vec<ContentPart>,
}

impl Message {
    /// Creates a message of the user, the person or program that asks.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, parts: vec![ContentPart::Text(text.into())] }
    }

    /// Creates a message that quotes an earlier answer of a model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, parts: vec![ContentPart::Text(text.into())] }
    }
}

/// One piece of a prompt, whose variant says who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A text that the caller wrote.
    Caller(CallerText),
    /// A text that the policy holds: an instruction.
    Policy(PolicyText),
    /// A text that a model wrote.
    Model(ModelText),
    /// A text of the gateway's own words, around a text that a model wrote.
    Frame(FrameText),
}

impl Part {
    /// Returns the text of a prompt's part.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Caller(text) => text.as_str(),
            Self::Policy(text) => text.as_str(),
            Self::Model(text) => text.as_str(),
            Self::Frame(text) => text.as_str(),
        }
    }
}

/// One turn of a prompt: its speaker and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// The speaker of the turn.
    pub role: Role,
    /// The pieces of the turn that a model is shown, in order.
    pub parts: Vec<Part>,
}

/// A prompt: everything that a model is shown. Clones share the text.
///
/// The type parameter says what a prompt can hold. A [`Blind`] prompt holds texts of the caller and
/// the policy, an [`Open`] one can hold texts of models too. A blind prompt converts into an open
/// one. The other way does not compile:
///
/// ```compile_fail,E0308
/// # use llm_gateway_core::prompt::{Blind, Prompt};
/// fn ask_panel(_: &Prompt<Blind>) {}
/// fn with_an_open_prompt(prompt: &Prompt) {
///     ask_panel(prompt);
/// }
/// ```
///
/// An open prompt has a method that adds a model's text. A blind prompt has none:
///
/// ```
/// # use llm_gateway_core::prompt::{Grant, ModelText, Prompt};
/// fn show(prompt: Prompt, text: ModelText, grant: &Grant) -> Prompt {
///     prompt.show(text, grant)
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use llm_gateway_core::prompt::{Blind, Grant, ModelText, Prompt};
/// fn contaminate(prompt: Prompt<Blind>, text: ModelText, grant: &Grant) {
///     prompt.show(text, grant);
/// }
/// ```
///
/// The fields of a prompt are private:
///
/// ```compile_fail,E0616
/// # use llm_gateway_core::prompt::{Blind, Prompt, Turn};
/// fn contaminate(prompt: &mut Prompt<Blind>, turn: Turn) {
///     prompt.turns.push(turn);
/// }
/// ```
#[derive(Debug)]
pub struct Prompt<S = Open> {
    system: Option<Part>,
    turns: Vec<Turn>,
    schema: Option<AnswerSchema>,
    sight: PhantomData<fn() -> S>,
}

impl Prompt<Blind> {
    /// Creates a blind prompt from a caller's messages. All of its parts are marked as the
    /// caller's.
    pub(crate) fn from_caller(system: Option<String>, messages: Vec<Message>) -> Self {
        let part = |text| Part::Caller(CallerText::mint(text));
        let turn = |message: Message| Turn {
            role: message.role,
            parts: message.parts.into_iter().map(|ContentPart::Text(text)| part(text)).collect(),
        };
        // Some providers refuse an empty system text.
        let system = system.filter(|text| !text.trim().is_empty()).map(part);
        let turns = messages.into_iter().map(turn).collect();
        Self { system, turns, schema: None, sight: PhantomData }
    }
}

impl Prompt<Open> {
    /// Creates a prompt from messages that a caller wrote.
    ///
    /// The gateway makes its own prompts from a [`Request`](crate::Request). This constructor is
    /// for a program that tests a [`Provider`](crate::provider::Provider) of its own:
    ///
    /// ```
    /// use llm_gateway_core::prompt::{Message, Prompt};
    ///
    /// let prompt = Prompt::from_messages([Message::user("hello")]).with_system("Be brief.");
    /// assert_eq!(prompt.texts().collect::<Vec<_>>(), ["Be brief.", "hello"]);
    /// ```
    ///
    /// The prompt is never blind, because messages may quote a model:
    ///
    /// ```compile_fail,E0308
    /// # use llm_gateway_core::prompt::{Blind, Message, Prompt};
    /// let blind: Prompt<Blind> = Prompt::from_messages([Message::assistant("an answer")]);
    /// ```
    pub fn from_messages(messages: impl IntoIterator<Item = Message>) -> Self {
        Prompt::from_caller(None, messages.into_iter().collect()).into()
    }

    /// Sets the system text that a caller puts above the conversation. A blank text removes it.
    #[must_use]
    pub fn with_system(self, text: impl Into<String>) -> Self {
        let Prompt { system, .. } = Prompt::from_caller(Some(text.into()), Vec::new());
        Self { system, ..self }
    }

    /// Adds another model's text to the prompt, at the end of the user's turn. The grant proves
    /// that a checked workflow allows it.
    #[must_use]
    pub fn show(self, text: ModelText, _grant: &Grant) -> Self {
        self.with_part(Part::Model(text))
    }

    /// Adds words of the gateway to the prompt, at the end of the user's turn.
    pub(crate) fn with_frame(self, words: FrameText) -> Self {
        self.with_part(Part::Frame(words))
    }

    /// Sets the instruction that the policy puts above the conversation.
    pub(crate) fn with_instruction(self, instruction: PolicyText) -> Self {
        Self { system: Some(Part::Policy(instruction)), ..self }
    }

    /// Removes the caller's texts from the prompt, for a step that may not see the task.
    pub(crate) fn without_task(self) -> Self {
        Self { turns: Vec::new(), ..self }
    }

    /// Adds a part to the prompt, in the user's turn. Everything goes into one turn, because some
    /// APIs refuse two turns of one speaker in a row.
    fn with_part(mut self, part: Part) -> Self {
        match self.turns.last_mut() {
            Some(turn) if turn.role == Role::User => turn.parts.push(part),
            _ => self.turns.push(Turn { role: Role::User, parts: vec![part] }),
        }
        self
    }

    /// Sets the schema that the model's answer is asked to follow. The provider sends the schema to
    /// a model whose API can constrain answers, so the words of the prompt have to ask for the form
    /// too.
    ///
    /// Members of a panel are asked for free text, so a blind prompt takes no schema:
    ///
    /// ```compile_fail,E0599
    /// # use llm_gateway_core::prompt::{AnswerSchema, Blind, Prompt};
    /// fn ask_panel(prompt: Prompt<Blind>, schema: AnswerSchema) {
    ///     prompt.answered_as(schema);
    /// }
    /// ```
    #[must_use]
    pub fn answered_as(self, schema: AnswerSchema) -> Self {
        Self { schema: Some(schema), ..self }
    }
}

impl From<Prompt<Blind>> for Prompt<Open> {
    fn from(blind: Prompt<Blind>) -> Self {
        Self { system: blind.system, turns: blind.turns, schema: None, sight: PhantomData }
    }
}

impl<S> Prompt<S> {
    /// Returns the prompt's instructions above the conversation, if there are any. Each wire format
    /// has a place of its own for them.
    pub fn system(&self) -> Option<&Part> {
        self.system.as_ref()
    }

    /// Returns the turns of the prompt's conversation, oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Returns the schema that the answer is asked to follow, if there is one.
    pub fn schema(&self) -> Option<&AnswerSchema> {
        self.schema.as_ref()
    }

    /// Returns a number of input tokens that no tokenizer exceeds for this prompt. A token is at
    /// least one byte of text, so the bytes bound the text. The margin bounds what a provider puts
    /// around each message (role marks and separators, under ten tokens in every published
    /// format). A schema counts as one more message, because providers show it to the model with
    /// words of their own
    /// (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
    pub(crate) fn token_bound(&self) -> u64 {
        let bytes: u64 = self.billed_texts().map(|text| text.len() as u64).sum();
        let above = u64::from(self.system.is_some()) + u64::from(self.schema.is_some());
        let messages = self.turns.len() as u64 + above;
        bytes.saturating_add(messages.saturating_mul(MARGIN_PER_MESSAGE))
    }

    /// Returns the least [`token_bound`](Self::token_bound) of any prompt of this many `messages`. No
    /// prompt is sent without a text.
    pub(crate) const fn least_token_bound(messages: u64) -> u64 {
        messages.saturating_mul(MARGIN_PER_MESSAGE).saturating_add(1)
    }

    /// Returns a number of input tokens that every tokenizer reaches for this prompt.
    pub(crate) fn fewest_tokens(&self) -> u64 {
        self.texts().map(fewest_tokens).sum()
    }

    /// Returns the number of characters of the prompt, those of its schema included.
    pub(crate) fn characters(&self) -> usize {
        self.billed_texts().map(|text| text.chars().count()).sum()
    }

    /// Returns every text of the prompt in order, the instructions first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.system.iter().chain(self.turns.iter().flat_map(|turn| &turn.parts)).map(Part::as_str)
    }

    /// Returns every text that may be billed as input: the texts of the prompt, and its schema,
    /// although not every model is sent the schema.
    pub(crate) fn billed_texts(&self) -> impl Iterator<Item = &str> {
        self.texts().chain(self.schema.as_ref().map(|schema| schema.json()))
    }
}

// A derived impl would ask the marker type `S` to implement the same trait.
impl<S> Clone for Prompt<S> {
    fn clone(&self) -> Self {
        let (system, turns) = (self.system.clone(), self.turns.clone());
        Self { system, turns, schema: self.schema, sight: PhantomData }
    }
}

impl<S> PartialEq for Prompt<S> {
    fn eq(&self, other: &Self) -> bool {
        (&self.system, &self.turns, &self.schema) == (&other.system, &other.turns, &other.schema)
    }
}

impl<S> Eq for Prompt<S> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Completion;

    #[test]
    fn an_open_prompt_shows_what_it_is_granted() {
        let blind = Prompt::from_caller(None, vec![Message::user("judge this")]);
        let text = Completion::text("an answer").model_text();
        let open = Prompt::<Open>::from(blind.clone()).show(text, &Grant::for_test());
        assert_eq!(open.texts().collect::<Vec<_>>(), ["judge this", "an answer"]);
        assert!(matches!(open.turns()[0].parts[..], [Part::Caller(_), Part::Model(_)]));
        assert!(
            blind
                .turns()
                .iter()
                .flat_map(|turn| &turn.parts)
                .all(|part| matches!(part, Part::Caller(_)))
        );
    }

    #[test]
    fn a_schema_is_kept_and_bounded_like_a_message_of_its_own() {
        const SCHEMA: AnswerSchema = AnswerSchema::new("word", "{\"enum\": [\"\u{e9}\"]}");
        let free = Prompt::<Open>::from(Prompt::from_caller(None, vec![Message::user("judge")]));
        let held = free.clone().answered_as(SCHEMA);
        assert_eq!((free.schema(), held.schema()), (None, Some(&SCHEMA)));
        assert_ne!(free, held);
        assert_eq!(held.clone(), held);
        let bytes = SCHEMA.json().len() as u64;
        assert!(bytes > SCHEMA.json().chars().count() as u64);
        assert_eq!(held.token_bound(), free.token_bound() + bytes + 64);
        assert_eq!(held.texts().collect::<Vec<_>>(), ["judge"], "it is no text of the prompt");
    }
}
