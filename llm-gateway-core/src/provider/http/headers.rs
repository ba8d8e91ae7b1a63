//! The headers that the policy sends with each request.
//!
//! A record shows their names and never their values, which are filled in at the last moment, in a
//! copy of the request that is not kept.

use http::{HeaderMap, HeaderValue};

use crate::credential::Secret;
use crate::model::{Endpoint, HeaderPart};
use crate::transport::{HttpRequest, REDACTED};

/// The values of an endpoint's headers.
#[derive(Default)]
pub(super) struct HeaderValues {
    headers: HeaderMap,
    /// The values of the environment variables that the headers name. They count as keys.
    pub(super) secrets: Vec<Secret>,
}

/// The reason why a header has no value.
pub(super) enum NoValue<'a> {
    /// The variable is not set.
    Missing(&'a str),
    /// The variable holds a character that no header can carry.
    Unfit(&'a str),
}

/// Adds the endpoint's headers with redacted values, as records show them.
pub(super) fn add_redacted(endpoint: &Endpoint, headers: &mut HeaderMap) {
    for header in &endpoint.headers {
        headers.insert(header.name.clone(), HeaderValue::from_static(REDACTED));
    }
}

impl HeaderValues {
    /// Returns the values of the endpoint's headers, in which `value` is asked for variables.
    ///
    /// # Errors
    /// Fails with the first variable that has no usable value.
    pub(super) fn of(
        endpoint: &Endpoint,
        value: impl Fn(&str) -> Option<Secret>,
    ) -> Result<Self, NoValue<'_>> {
        let mut values = Self::default();
        for header in &endpoint.headers {
            let mut text = String::new();
            let mut last = "";
            for part in &header.value {
                match part {
                    HeaderPart::Text(part) => text.push_str(part),
                    HeaderPart::Variable(variable) => {
                        let secret = value(variable).ok_or(NoValue::Missing(variable))?;
                        text.push_str(secret.expose());
                        values.secrets.push(secret);
                        last = variable;
                    }
                }
            }
            // More is allowed by the type, and read differently by each server.
            let is_plain = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            let value = HeaderValue::from_str(&text).ok().filter(|_| is_plain);
            let mut value = value.ok_or(NoValue::Unfit(last))?;
            value.set_sensitive(true);
            values.headers.insert(header.name.clone(), value);
        }
        Ok(values)
    }

    /// Returns a copy of the request with the values of its headers filled in.
    pub(super) fn put_into(self, request: &HttpRequest) -> HttpRequest {
        let mut request = request.clone();
        request.headers.extend(self.headers);
        request
    }
}
