//! The guard that decides about the money of an attempt under way, however the attempt ends.

use crate::transport::CallProgress;

use super::booking::Booking;

/// A guard that watches an attempt. When it is dropped, because the attempt has ended or its caller
/// has left, it records in the booking whether bytes of the request may have left. If none have,
/// the money is returned.
#[must_use = "an attempt is watched for as long as this lives"]
pub(super) struct UnderWay<'b, 'a> {
    booking: &'b mut Booking<'a>,
    progress: &'b CallProgress,
}

impl<'b, 'a> UnderWay<'b, 'a> {
    /// Creates the guard of an attempt whose `progress` is known.
    pub(super) fn new(booking: &'b mut Booking<'a>, progress: &'b CallProgress) -> Self {
        Self { booking, progress }
    }
}

impl Drop for UnderWay<'_, '_> {
    fn drop(&mut self) {
        if self.progress.may_have_sent() {
            self.booking.sent();
        }
    }
}
