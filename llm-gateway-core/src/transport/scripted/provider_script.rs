//! The script as the transport of one provider, whose calls take the steps of their target.

use async_trait::async_trait;

use super::Scripted;
use super::play::play;
use super::request::ParsedRequest;
use crate::model::ProviderName;
use crate::transport::{
    Credential, HttpRequest, HttpResponse, SentMark, Transport, TransportError,
};

/// A script that answers in the name of one provider.
pub(crate) struct ProviderScript {
    pub(super) script: Scripted,
    pub(super) provider: ProviderName,
}

#[async_trait]
impl Transport for ProviderScript {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.send_marked(request, credential, &SentMark::new()).await
    }

    async fn send_marked(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
        mark: &SentMark,
    ) -> Result<HttpResponse, TransportError> {
        let target = format!("{}/{}", self.provider, ParsedRequest::read(request).model);
        play(self.script.begin(request, &target), request, credential, mark).await
    }
}
