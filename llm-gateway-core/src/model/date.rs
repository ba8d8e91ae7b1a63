//! Calendar dates in UTC.

use std::time::Duration;

/// Returns the calendar date in UTC of a time since 1970-01-01T00:00:00 UTC, as `YYYY-MM-DD`.
/// Such dates compare as text in their order in time.
pub(crate) fn date_utc(since_epoch: Duration) -> String {
    i64::try_from(since_epoch.as_secs())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|now| now.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
        // Every date in the model data is before the year 9999.
        .unwrap_or_else(|| "9999-12-31".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_calendar_day_in_utc() {
        assert_eq!(date_utc(Duration::ZERO), "1970-01-01");
        assert_eq!(date_utc(Duration::from_secs(1_795_305_599)), "2026-11-21");
        assert_eq!(date_utc(Duration::MAX), "9999-12-31");
    }
}
