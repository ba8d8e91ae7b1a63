//! What is asked, and where each piece of it comes from.
//!
//! A [`Message`] is what a caller hands in. At the door the gateway turns it into a
//! [`Prompt`], whose every part carries its provenance as a type. A [`Prompt<Blind>`] cannot be
//! built from another model's text: that does not compile.

mod answer_schema;
mod frame;
mod provenance;

use std::marker::PhantomData;

pub use answer_schema::AnswerSchema;
pub use frame::Ask;
pub(crate) use frame::{Frame, Framed, PLANNER_ASK, VERDICT_SCHEMA, planner_ask};
pub use provenance::{Blind, CallerText, FrameText, Grant, ModelText, Open, PolicyText};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The person or agent that asks.
    User,
    /// An earlier answer that the caller quotes.
    Assistant,
}

/// One piece of a caller's message. Text today; images and files have their place here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentPart {
    /// Plain text.
    Text(String),
}

/// A turn of conversation as a caller hands it in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<ContentPart>,
}

impl Message {
    /// A user's turn of plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, parts: vec![ContentPart::Text(text.into())] }
    }

    /// An earlier answer, quoted by the caller.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, parts: vec![ContentPart::Text(text.into())] }
    }
}

/// One piece of a prompt, with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The caller wrote it.
    Caller(CallerText),
    /// The policy says it.
    Policy(PolicyText),
    /// A model wrote it.
    Model(ModelText),
    /// The gateway's own words around a model's text.
    Frame(FrameText),
}

impl Part {
    /// The text of the part.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Caller(text) => text.as_str(),
            Self::Policy(text) => text.as_str(),
            Self::Model(text) => text.as_str(),
            Self::Frame(text) => text.as_str(),
        }
    }
}

/// A turn of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// Everything that a model is shown. Cheap to clone: the text is shared.
///
/// `S` says what its parts may be: [`Blind`] is the caller's and the policy's text alone,
/// [`Open`] may hold a model's. A blind prompt can be taken for an open one, never the other
/// way round:
///
/// ```compile_fail,E0308
/// # use llm_gateway_core::prompt::{Blind, Prompt};
/// fn ask_panel(_: &Prompt<Blind>) {}
/// fn with_an_open_prompt(prompt: &Prompt) {
///     ask_panel(prompt);
/// }
/// ```
///
/// An open prompt may be shown a model's text; no method of a blind one takes any:
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
/// And its fields are nobody's:
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
    /// Takes in what a caller wrote, and marks all of it as theirs.
    pub(crate) fn from_caller(system: Option<String>, messages: Vec<Message>) -> Self {
        let part = |text| Part::Caller(CallerText::mint(text));
        let turn = |message: Message| Turn {
            role: message.role,
            parts: message.parts.into_iter().map(|ContentPart::Text(text)| part(text)).collect(),
        };
        // An empty system text says nothing, and some providers refuse it.
        let system = system.filter(|text| !text.trim().is_empty()).map(part);
        let turns = messages.into_iter().map(turn).collect();
        Self { system, turns, schema: None, sight: PhantomData }
    }
}

impl Prompt<Open> {
    /// Creates a prompt from what a caller wrote.
    ///
    /// The gateway makes its own prompts from a [`Request`](crate::Request). This one is for a
    /// program that tests a [`Provider`](crate::provider::Provider) of its own:
    ///
    /// ```
    /// use llm_gateway_core::prompt::{Message, Prompt};
    ///
    /// let prompt = Prompt::from_messages([Message::user("hello")]).with_system("Be brief.");
    /// assert_eq!(prompt.texts().collect::<Vec<_>>(), ["Be brief.", "hello"]);
    /// ```
    ///
    /// It is never blind, because messages may quote a model:
    ///
    /// ```compile_fail,E0308
    /// # use llm_gateway_core::prompt::{Blind, Message, Prompt};
    /// let blind: Prompt<Blind> = Prompt::from_messages([Message::assistant("an answer")]);
    /// ```
    pub fn from_messages(messages: impl IntoIterator<Item = Message>) -> Self {
        Prompt::from_caller(None, messages.into_iter().collect()).into()
    }

    /// Puts a caller's system text above the conversation. A blank text removes the one there is.
    #[must_use]
    pub fn with_system(self, text: impl Into<String>) -> Self {
        let Prompt { system, .. } = Prompt::from_caller(Some(text.into()), Vec::new());
        Self { system, ..self }
    }

    /// Shows the model another one's text, at the end of the user's turn. The grant says that a
    /// validated workflow allows it.
    #[must_use]
    pub fn show(self, text: ModelText, _grant: &Grant) -> Self {
        self.with_part(Part::Model(text))
    }

    /// Adds the gateway's own words about a text that is shown.
    pub(crate) fn with_frame(self, words: FrameText) -> Self {
        self.with_part(Part::Frame(words))
    }

    /// Puts the policy's instruction above the conversation.
    pub(crate) fn with_instruction(self, instruction: PolicyText) -> Self {
        Self { system: Some(Part::Policy(instruction)), ..self }
    }

    /// The same without what the caller wrote, for a step that may not see it.
    pub(crate) fn without_task(self) -> Self {
        Self { turns: Vec::new(), ..self }
    }

    /// One turn of the user holds everything: some APIs refuse two in a row.
    fn with_part(mut self, part: Part) -> Self {
        match self.turns.last_mut() {
            Some(turn) if turn.role == Role::User => turn.parts.push(part),
            _ => self.turns.push(Turn { role: Role::User, parts: vec![part] }),
        }
        self
    }

    /// Asks for an answer of this shape, where the model can be held to one; the prompt itself
    /// has to ask for it too. A panel's members are asked for free text:
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
    /// Instructions that stand above the conversation; each dialect has its own place for
    /// them.
    pub fn system(&self) -> Option<&Part> {
        self.system.as_ref()
    }

    /// The conversation, oldest turn first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The shape that the answer is asked for in.
    pub fn schema(&self) -> Option<&AnswerSchema> {
        self.schema.as_ref()
    }

    /// More input tokens than any tokenizer makes of this prompt. A token is at least one byte
    /// of text, so bytes bound the text; the margin bounds what a provider puts around each
    /// message (role marks, separators: under ten tokens in every published format). A schema
    /// counts as one more message: providers show it to the model, with words of their own
    /// (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
    pub(crate) fn token_bound(&self) -> u64 {
        const MARGIN_PER_MESSAGE: u64 = 64;
        let bytes: u64 = self.billed_texts().map(|text| text.len() as u64).sum();
        let above = u64::from(self.system.is_some()) + u64::from(self.schema.is_some());
        let messages = self.turns.len() as u64 + above;
        bytes.saturating_add(messages.saturating_mul(MARGIN_PER_MESSAGE))
    }

    /// How many characters the prompt has, the schema's included.
    pub(crate) fn characters(&self) -> usize {
        self.billed_texts().map(|text| text.chars().count()).sum()
    }

    /// Every text of the prompt, in order, the system text first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.system.iter().chain(self.turns.iter().flat_map(|turn| &turn.parts)).map(Part::as_str)
    }

    /// Every text that may be billed as input: those of the prompt, and the schema's, which a
    /// model that cannot be held to it is not sent.
    pub(crate) fn billed_texts(&self) -> impl Iterator<Item = &str> {
        self.texts().chain(self.schema.as_ref().map(|schema| schema.json()))
    }
}

// Derived, these would ask the same of the marker.
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
