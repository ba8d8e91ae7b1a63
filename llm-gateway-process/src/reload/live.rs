//! The gateway that is in force now, for a front that serves many requests.

use std::fmt;

use llm_gateway_core::Gateway;
use tokio::sync::watch;

/// A handle to the gateway that is in force, which another may replace at any time. Clones show the
/// same gateway.
///
/// A request asks for it once, at its beginning, and ends with the gateway that it got.
///
/// ```
/// use llm_gateway_core::Gateway;
/// use llm_gateway_process::LiveGateway;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A gateway alone stays in force.
/// let live = LiveGateway::from(Gateway::builder().offline().build()?);
/// assert!(live.now().policy().is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LiveGateway(watch::Receiver<Gateway>);

impl LiveGateway {
    /// Returns a handle that shows what is sent.
    pub(super) fn of(gateways: &watch::Sender<Gateway>) -> Self {
        Self(gateways.subscribe())
    }

    /// Returns the gateway that is in force.
    pub fn now(&self) -> Gateway {
        self.0.borrow().clone()
    }

    /// Waits until another gateway is in force than the one that this handle knew of, and returns
    /// it. If none will come any more, it waits for ever.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call returns the newest gateway.
    pub async fn next(&mut self) -> Gateway {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }
}

impl From<Gateway> for LiveGateway {
    fn from(gateway: Gateway) -> Self {
        Self(watch::Sender::new(gateway).subscribe())
    }
}

impl fmt::Debug for LiveGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveGateway").field(&*self.0.borrow()).finish()
    }
}
