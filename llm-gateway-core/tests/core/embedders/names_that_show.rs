//! Values that have a name in envelopes and policies are printed by it.

use std::fmt::Display;

use llm_gateway_core::Category;
use llm_gateway_core::ledger::{Per, SpendBy};
use llm_gateway_core::model::{Dialect, FinishReason, StepRole};
use llm_gateway_core::outcome::AttemptOutcome;
use llm_gateway_core::policy::{BaseUrlFrom, Level, RouteKind};

#[test]
fn what_has_a_name_is_printed_by_it() {
    let shown: [(&dyn Display, &str); 11] = [
        (&Category::RateLimit, "rate_limit"),
        (&Level::VendorDistinct, "vendor_distinct"),
        (&Level::None, "none"),
        (&RouteKind::Panel, "panel"),
        (&BaseUrlFrom::Policy, "policy"),
        (&Per::Session, "session"),
        (&SpendBy::TaskClass, SpendBy::TaskClass.as_str()),
        (&Dialect::Anthropic, "anthropic"),
        (&FinishReason::Length, FinishReason::Length.as_str()),
        (&StepRole::Verifier, StepRole::Verifier.as_str()),
        (&AttemptOutcome::Failed(Category::Auth), "auth"),
    ];
    for (value, name) in shown {
        assert_eq!(value.to_string(), name);
    }
}
