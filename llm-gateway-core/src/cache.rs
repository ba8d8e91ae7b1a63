//! The port for answers that need not be asked for again.
//!
//! It is asked once for each call of a task class of a single model, between the moment at which
//! the bytes of the request are fixed and the moment at which money is set aside. A hit costs
//! nothing and holds nothing. The members of panels, the gates and strong models of cascades and
//! the steps of orchestrations have no way to it: their certificates are about answers that were
//! given for this question now.

use async_trait::async_trait;

use crate::model::Completion;
use crate::transport::HttpRequest;

/// A cache of answers, by the request that was prepared. A call whose provider does not show its
/// bytes cannot be asked for here, because nothing says what was asked.
#[async_trait]
pub(crate) trait AnswerCache: Send + Sync {
    /// Returns the answer that was kept for this request, if there is one.
    async fn find(&self, request: &HttpRequest) -> Option<Completion>;

    /// Keeps the answer to this request.
    async fn keep(&self, request: &HttpRequest, answer: &Completion);
}
