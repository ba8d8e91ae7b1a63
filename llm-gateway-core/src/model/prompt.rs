//! What is asked, and where each piece of it comes from.
//!
//! A [`Message`] is what a caller hands in. At the door the gateway turns it into a
//! [`Prompt`], whose every part carries its provenance as a type: today all of it is
//! [`CallerText`]. Text of the policy and text of other models get types of their own when
//! panels and orchestration need them, so that a prompt which must be blind to other
//! models cannot be built from their text.

use std::sync::Arc;

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

/// Text that the caller wrote. Minted once per request, at the gateway's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerText(Arc<str>);

impl CallerText {
    pub(crate) fn mint(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One piece of a prompt, with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The caller wrote it.
    Caller(CallerText),
}

impl Part {
    /// The text of the part.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Caller(text) => text.as_str(),
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// Instructions that stand above the conversation; each dialect has its own place for
    /// them.
    pub system: Option<Part>,
    /// The conversation, oldest turn first.
    pub turns: Vec<Turn>,
}

impl Prompt {
    /// Takes in what a caller wrote, and marks all of it as theirs.
    pub(crate) fn from_caller(system: Option<String>, messages: Vec<Message>) -> Self {
        let part = |text| Part::Caller(CallerText::mint(text));
        let turn = |message: Message| Turn {
            role: message.role,
            parts: message.parts.into_iter().map(|ContentPart::Text(text)| part(text)).collect(),
        };
        // An empty system text says nothing, and some providers refuse it.
        let system = system.filter(|text| !text.trim().is_empty()).map(part);
        Self { system, turns: messages.into_iter().map(turn).collect() }
    }

    /// More input tokens than any tokenizer makes of this prompt. A token is at least one byte
    /// of text, so bytes bound the text; the margin bounds what a provider puts around each
    /// message (role marks, separators: under ten tokens in every published format).
    pub(crate) fn token_bound(&self) -> u64 {
        const MARGIN_PER_MESSAGE: u64 = 64;
        let bytes: u64 = self.texts().map(|text| text.len() as u64).sum();
        let messages = self.turns.len() as u64 + u64::from(self.system.is_some());
        bytes.saturating_add(messages.saturating_mul(MARGIN_PER_MESSAGE))
    }

    /// Every text of the prompt, in order, the system text first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.system.iter().chain(self.turns.iter().flat_map(|turn| &turn.parts)).map(Part::as_str)
    }
}
