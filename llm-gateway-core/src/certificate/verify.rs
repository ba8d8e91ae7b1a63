//! Checks a receipt of a panel or of an orchestration. Only this file knows both kinds.

use super::kind::ReceiptKind;
use super::orchestration::OfOrchestration;
use super::panel::OfPanel;
use super::receipt::{Against, Verification, check_as, kind_of};

/// Checks a receipt of any kind and returns what was found. The function is pure, accepts any
/// bytes, does bounded work and never panics.
///
/// ```
/// use llm_gateway_core::certificate::{Against, VerifyResult, verify};
///
/// assert_eq!(verify(b"{}", Against::default()).result, VerifyResult::NoReceipt);
/// ```
pub fn verify(receipt: &[u8], against: Against<'_>) -> Verification {
    match kind_of(receipt) {
        Ok(ReceiptKind::Panel) => check_as::<OfPanel>(receipt, against),
        Ok(ReceiptKind::Orchestration) => check_as::<OfOrchestration>(receipt, against),
        Err(verification) => verification,
    }
}
