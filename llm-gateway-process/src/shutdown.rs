//! Ends a gateway cleanly: its ledger writes all bookings before the process exits.

use std::time::Duration;

use llm_gateway_core::Gateway;
use tokio::time::timeout;

/// Waits until the gateway's ledger has written every booking, for at most `limit`.
///
/// A booking that cannot be written in time stays counted against the caps, because its hold is
/// never released.
pub async fn write_last_bookings(gateway: &Gateway, limit: Duration) {
    let _ = timeout(limit, gateway.drain()).await;
}
