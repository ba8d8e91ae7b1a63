//! Checks a receipt of a panel or of an orchestration. No other file knows both kinds.

use super::kind::ReceiptKind;
use super::orchestration::OrchestrationSubject;
use super::panel::PanelSubject;
use super::receipt::{Verification, VerifyOptions, check_as, kind_of};

/// Checks a receipt of any kind and returns the findings. The function is pure, accepts any bytes,
/// does bounded work and never panics.
///
/// ```
/// use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
///
/// assert_eq!(verify(b"{}", VerifyOptions::default()).result, VerifyResult::NoReceipt);
/// ```
pub fn verify(receipt: &[u8], against: VerifyOptions<'_>) -> Verification {
    match kind_of(receipt) {
        Ok(ReceiptKind::Panel) => check_as::<PanelSubject>(receipt, against),
        Ok(ReceiptKind::Orchestration) => check_as::<OrchestrationSubject>(receipt, against),
        Err(verification) => verification,
    }
}
