//! A header that the policy sends with each request to a provider.

use http::HeaderName;

/// A header of `providers.NAME.headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderHeader {
    /// The header's name.
    pub name: HeaderName,
    /// The parts of the header's value, in order.
    pub value: Vec<HeaderPart>,
}

/// A part of a header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderPart {
    /// A literal text.
    Text(String),
    /// The value of the variable of this name.
    Variable(String),
}

impl ProviderHeader {
    /// Creates a header from its name and the parts of its value.
    pub fn new(name: HeaderName, value: Vec<HeaderPart>) -> Self {
        Self { name, value }
    }

    /// Returns the names of the variables in the header's value.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.value.iter().filter_map(|part| match part {
            HeaderPart::Variable(name) => Some(name.as_str()),
            HeaderPart::Text(_) => None,
        })
    }
}
