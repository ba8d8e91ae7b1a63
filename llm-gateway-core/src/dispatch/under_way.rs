//! What is noted about the money of an attempt that is under way, however it ends.

use crate::transport::Recorder;

use super::booking::Booking;

/// Watches an attempt. When it is dropped, because the attempt has ended or its caller has left, it
/// notes in the booking whether bytes of the request may have left. If none have, the money goes
/// back.
#[must_use = "an attempt is watched for as long as this lives"]
pub(super) struct UnderWay<'b, 'a> {
    booking: &'b mut Booking<'a>,
    recorder: &'b Recorder,
}

impl<'b, 'a> UnderWay<'b, 'a> {
    /// Watches an attempt whose progress `recorder` shows.
    pub(super) fn new(booking: &'b mut Booking<'a>, recorder: &'b Recorder) -> Self {
        Self { booking, recorder }
    }
}

impl Drop for UnderWay<'_, '_> {
    fn drop(&mut self) {
        if self.recorder.may_have_sent() {
            self.booking.sent();
        }
    }
}
