//! The key and the headers of an attempt, from what was leased for it.

use super::HttpProvider;
use super::headers::{HeaderValues, NoValue};
use crate::credential::{AttemptLeases, Secret};
use crate::error::Error;
use crate::model::{Completion, Target};
use crate::provider::dialect::WireFormat;
use crate::provider::{Call, Prepared, Provider, SendContext};

impl<W: WireFormat> HttpProvider<W> {
    /// Returns the key to send; `None` if the endpoint needs none.
    pub(super) fn key(
        &self,
        call: &Call,
        context: &SendContext<'_>,
    ) -> Result<Option<Secret>, Error> {
        let Some(variable) = &self.endpoint.api_key_env else { return Ok(None) };
        let missing = || {
            let keys = &*self.parts.credentials;
            self.reporter(call, &self.parts.scrubber).missing_key(variable, keys)
        };
        context.lease(variable).map(|lease| Some(lease.secret.clone())).ok_or_else(missing)
    }

    /// Returns the values of the headers that the policy sends.
    pub(super) fn header_values(
        &self,
        call: &Call,
        context: &SendContext<'_>,
    ) -> Result<HeaderValues, Error> {
        let reporter = self.reporter(call, &self.parts.scrubber);
        let value = |variable: &str| context.lease(variable).map(|lease| lease.secret.clone());
        HeaderValues::of(&self.endpoint, value).map_err(|why| match why {
            NoValue::Missing(variable) => reporter.missing_key(variable, &*self.parts.credentials),
            NoValue::Unfit(variable) => reporter.unfit_header(variable),
        })
    }

    /// Leases what the endpoint needs for an attempt for which nobody has, and makes the attempt.
    pub(super) async fn send_leased(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let target = Target::new(self.endpoint.provider.clone(), prepared.call.model.clone());
        let mut leases = AttemptLeases::new(&*self.parts.credentials, &target);
        for variable in self.endpoint.variables() {
            leases.take(variable, None).await;
        }
        let context = context.clone().with_leases(leases.taken());
        let result = self.send_with(prepared, &context).await;
        leases.ended(&result);
        result
    }
}
