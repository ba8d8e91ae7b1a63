//! The wait that a provider asks for before the next attempt.
//!
//! Providers state it in many places: in a header of HTTP, in a header of their own, in the body,
//! or as the moment at which a limit is reset. This module converts all of them into one duration
//! from now. Whether the wait fits into the request's deadline is decided in dispatch.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use crate::error::Category;
use crate::model::single_spaced;

/// The longest wait that is returned. No limit of any provider lasts longer; a longer wait is a
/// mistake in a unit.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The name of a header that holds milliseconds, beside a `Retry-After` that can only hold whole
/// seconds: <https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py>.
const RETRY_AFTER_MS: &str = "retry-after-ms";

/// The largest number of a reset header that counts as a wait in seconds. A larger number is a
/// moment, in seconds or milliseconds since 1970: OpenRouter and GitHub Models write moments
/// (<https://openrouter.ai/docs/api/reference/limits>).
const LONGEST_IN_SECONDS: f64 = 1e9;

/// The largest number of a reset header that counts as a moment in seconds. A larger number is in
/// milliseconds.
const LATEST_IN_SECONDS: f64 = 1e11;

/// Returns the wait that a failure asks for. A wait that is stated in the headers or in the body
/// (`in_body`) decides; the longest, if several are stated. If none is stated, a rate limit waits
/// until the exhausted limits are reset. `now` is the time since 1970 in UTC.
pub(super) fn requested_wait(
    category: Category,
    headers: &HeaderMap,
    in_body: Option<Duration>,
    now: Duration,
) -> Option<Duration> {
    let stated = stated_wait(headers, now).max(in_body);
    let limited = || (category == Category::RateLimit).then(|| used_up_until(headers, now))?;
    stated.or_else(limited).map(|wait| wait.min(LONGEST_WAIT))
}

/// Reads a number of seconds, whole or fractional, as `Retry-After` and Google's
/// `RetryInfo` write it.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    scaled(text.trim(), 1.0)
}

/// Returns the wait that a header states.
pub(super) fn stated_wait(headers: &HeaderMap, now: Duration) -> Option<Duration> {
    let milliseconds = text(headers, RETRY_AFTER_MS).and_then(|text| scaled(text, 1e-3));
    let after = text(headers, RETRY_AFTER.as_str());
    milliseconds.max(after.and_then(|after| seconds(after).or_else(|| until_http_date(after, now))))
}

/// Returns the time until the last exhausted limit is reset; `None` if the headers show no
/// exhausted limit.
///
/// Each provider has its own names, and all names come in pairs, one with `remaining` and one with
/// `reset`. OpenAI and compatible servers write `x-ratelimit-remaining-requests`
/// (<https://platform.openai.com/docs/guides/rate-limits>), Anthropic
/// `anthropic-ratelimit-tokens-remaining` (<https://platform.claude.com/docs/en/api/rate-limits>),
/// others `x-ratelimit-remaining-tokens-minute` or `ratelimit-remaining`. The headers come with
/// every answer, so a limit counts only if nothing of it remains.
fn used_up_until(headers: &HeaderMap, now: Duration) -> Option<Duration> {
    let ends = headers.iter().filter_map(|(name, remaining)| {
        let name = name.as_str();
        let is_limit = name.contains("ratelimit") && name.contains("remaining");
        let remaining = remaining.to_str().ok().filter(|_| is_limit)?.trim();
        let is_used_up = remaining.parse::<f64>().is_ok_and(|left| left <= 0.0);
        let reset = text(headers, &name.replace("remaining", "reset")).filter(|_| is_used_up)?;
        until(reset, now).or_else(|| in_seconds(reset, now)).or_else(|| go_duration(reset))
    });
    ends.max()
}

/// Reads a time from now: a small number is in seconds, a large number is a moment.
fn in_seconds(text: &str, now: Duration) -> Option<Duration> {
    match text.parse::<f64>() {
        Ok(number) if number > LATEST_IN_SECONDS => moment(text, 1e-3, now),
        Ok(number) if number > LONGEST_IN_SECONDS => moment(text, 1.0, now),
        _ => seconds(text),
    }
}

/// Returns the time from now until a number of units of `unit_s` seconds since 1970.
fn moment(text: &str, unit_s: f64, now: Duration) -> Option<Duration> {
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let since_1970 = text.parse::<f64>().ok().filter(|_| is_plain)? * unit_s;
    Some(Duration::try_from_secs_f64(since_1970).ok()?.saturating_sub(now))
}

/// Returns a header as text; `None` if it is absent or not UTF-8.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    str::from_utf8(headers.get(name)?.as_bytes()).ok().map(str::trim)
}

/// Returns the time from now until a date of RFC 9110, section 5.6.7, in the current form or in an
/// obsolete one: RFC 850's or asctime's. The day of the week is not checked.
fn until_http_date(text: &str, now: Duration) -> Option<Duration> {
    let date = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == ',');
    let date = single_spaced(date);
    let obsolete = |format| {
        let date = strtime::parse(format, &date).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let parser = rfc2822::DateTimeParser::new();
    let moment = parser.parse_timestamp(&date).ok();
    let moment = moment.or_else(|| obsolete("%d-%b-%y %H:%M:%S GMT"));
    Some(from_now(moment.or_else(|| obsolete("%b %d %H:%M:%S %Y"))?, now))
}

/// Returns the time from now until a moment in RFC 3339.
fn until(text: &str, now: Duration) -> Option<Duration> {
    Some(from_now(text.parse().ok()?, now))
}

/// Returns the time from now until a moment; zero if it has passed.
fn from_now(moment: Timestamp, now: Duration) -> Duration {
    let since_1970 = Duration::try_from(moment.as_duration()).unwrap_or_default();
    since_1970.saturating_sub(now)
}

/// Reads a duration as Go prints it, such as `1h2m3.5s` or `20ms`:
/// <https://pkg.go.dev/time#Duration.String>.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = None;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| c.is_alphabetic())?);
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let unit_s = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = Some(scaled(number, unit_s)?.saturating_add(total.unwrap_or_default()));
        rest = next;
    }
    total
}

/// Reads a decimal number of units of `unit_s` seconds each. Returns at most [`LONGEST_WAIT`].
fn scaled(number: &str, unit_s: f64) -> Option<Duration> {
    // Rust would also read "inf", "NaN" and "-1" as a float.
    if !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let seconds = number.parse::<f64>().ok()? * unit_s;
    Some(Duration::from_secs_f64(seconds.min(LONGEST_WAIT.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// The time of the tests: Wednesday, 21 October 2026, 07:28:00 UTC.
    const NOW: Duration = Duration::from_secs(1_792_567_680);

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(header).collect()
    }

    /// Returns the wait in milliseconds that a rate limit with these headers asks for.
    fn wait_ms(lines: &[(&'static str, &'static str)]) -> Option<u128> {
        requested_wait(Category::RateLimit, &headers(lines), None, NOW).map(|wait| wait.as_millis())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (text, expected) in [
            ("7", Some(7_000)),
            ("0", Some(0)),
            (" 1.5 ", Some(1_500)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", Some(30_000)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", Some(0)),
            // The obsolete forms, and days of the week that are wrong.
            ("Wednesday, 21-Oct-26 07:28:30 GMT", Some(30_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(0)),
            ("Wed Oct 21 07:28:30 2026", Some(30_000)),
            ("Sun Nov  1 07:28:00 2026", Some(86_400_000)),
            ("Sun Nov  6 08:49:37 1994", Some(0)),
            ("Mon, 21 Oct 2026 07:28:30 GMT", Some(30_000)),
            ("21 Oct 2026 07:28:30 GMT", Some(30_000)),
            ("Monday, 21-Oct-26 07:28:30 GMT", Some(30_000)),
            ("Mon Oct 21 07:28:30 2026", Some(30_000)),
            // In the past, and before 1970.
            ("Tue, 20 Oct 2026 07:28:00 GMT", Some(0)),
            ("Mon, 20 Oct 1969 07:28:00 GMT", Some(0)),
            // More than a day is a mistake of somebody's.
            ("86401", Some(86_400_000)),
            ("999999999999999999999999999999999999999999", Some(86_400_000)),
            ("Fri, 01 Jan 9999 23:59:59 GMT", Some(86_400_000)),
            ("", None),
            ("-1", None),
            ("inf", None),
            ("NaN", None),
            ("1e3", None),
            (".", None),
            ("soon", None),
            ("Wed, 99 Oct 2026 07:28:30 GMT", None),
            // No zone: not a date of RFC 9110.
            ("Wed, 21 Oct 2026 07:28:30", None),
        ] {
            assert_eq!(wait_ms(&[("retry-after", text)]), expected, "{text:?}");
        }
        let infinite: &'static str = "9".repeat(400).leak();
        assert_eq!(wait_ms(&[("retry-after", infinite)]), Some(86_400_000));
        let bytes =
            HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_bytes(b"\xff").unwrap())]);
        assert_eq!(requested_wait(Category::RateLimit, &bytes, None, NOW), None);
    }

    #[test]
    fn the_longer_word_wins() {
        let both = |seconds| wait_ms(&[("retry-after-ms", "1234"), ("retry-after", seconds)]);
        assert_eq!((both("2"), both("1")), (Some(2_000), Some(1_234)));
        assert_eq!(wait_ms(&[("retry-after-ms", "soon"), ("retry-after", "2")]), Some(2_000));
        assert_eq!(wait_ms(&[("retry-after-ms", "0.5")]), Some(0));
    }

    #[test]
    fn what_is_said_outright_counts_on_every_failure_and_before_any_limit() {
        let said = headers(&[("retry-after", "7"), ("x-ratelimit-reset-requests", "9s")]);
        let shorter = headers(&[("retry-after", "2"), ("x-ratelimit-reset-requests", "9s")]);
        let in_body = Some(Duration::from_secs(5));
        for category in [Category::RateLimit, Category::Provider5xx, Category::InvalidRequest] {
            let wait = requested_wait(category, &said, in_body, NOW);
            assert_eq!(wait, Some(Duration::from_secs(7)), "{category}");
            assert_eq!(requested_wait(category, &shorter, in_body, NOW), in_body, "{category}");
            let limits = headers(&[("x-ratelimit-reset-requests", "9s")]);
            assert_eq!(requested_wait(category, &limits, in_body, NOW), in_body, "{category}");
        }
        let days = Some(LONGEST_WAIT * 3);
        assert_eq!(
            requested_wait(Category::RateLimit, &HeaderMap::new(), days, NOW),
            Some(LONGEST_WAIT)
        );
    }

    #[test]
    fn a_limit_counts_only_where_it_was_hit() {
        let used_up = ("x-ratelimit-remaining-requests", "0");
        let limits = headers(&[used_up, ("x-ratelimit-reset-requests", "9s")]);
        assert_eq!(requested_wait(Category::Overloaded, &limits, None, NOW), None);
        assert_eq!(
            requested_wait(Category::RateLimit, &limits, None, NOW),
            Some(Duration::from_secs(9)),
            "the sentence of a limit"
        );
    }

    #[test]
    fn retry_after_decides_whatever_the_limits_say() {
        let limit = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")];
        for said in ["1", "20", "500"] {
            let lines = headers(&[limit[0], limit[1], ("retry-after", said)]);
            for category in [Category::RateLimit, Category::Overloaded] {
                let wait = requested_wait(category, &lines, None, NOW);
                assert_eq!(wait, said.parse().map(Duration::from_secs).ok(), "{category}");
            }
        }
        let in_body = Some(Duration::from_secs(1));
        let wait = requested_wait(Category::RateLimit, &headers(&limit), in_body, NOW);
        assert_eq!(wait, in_body, "so does the body");
    }

    #[test]
    fn of_several_limits_only_those_used_up_count_and_the_last_of_them() {
        for (lines, expected) in [
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-remaining-tokens", "1200"),
                    ("x-ratelimit-reset-tokens", "6m0s"),
                ][..],
                Some(1_000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-remaining-tokens", "-3"),
                    ("x-ratelimit-reset-tokens", "6m0s"),
                ],
                Some(360_000),
            ),
            // Nothing at zero, or no counts: nothing says which one it was, if any.
            (
                &[
                    ("x-ratelimit-remaining-requests", "3"),
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-reset-tokens", "20ms"),
                ],
                None,
            ),
            // What is used up says nothing readable.
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "soon"),
                    ("x-ratelimit-reset-tokens", "20ms"),
                ],
                None,
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-remaining", "49"),
                    ("anthropic-ratelimit-requests-reset", "2026-10-21T08:28:00Z"),
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-10-21T07:28:10Z"),
                    ("anthropic-ratelimit-input-tokens-remaining", "0"),
                    ("anthropic-ratelimit-input-tokens-reset", "2026-10-21T07:28:12.5Z"),
                    ("anthropic-ratelimit-output-tokens-remaining", "0"),
                    ("anthropic-ratelimit-output-tokens-reset", "2026-10-21T07:27:00Z"),
                ],
                Some(12_500),
            ),
            (
                &[
                    ("anthropic-priority-ratelimit-input-tokens-remaining", "0"),
                    (
                        "anthropic-priority-ratelimit-input-tokens-reset",
                        "2026-10-21T09:28:20+02:00",
                    ),
                ],
                Some(20_000),
            ),
            // Moments as OpenRouter and GitHub write them, and the names of other servers.
            (
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792567690000")],
                Some(10_000),
            ),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792567690")], Some(10_000)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792567670")], Some(0)),
            (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")], Some(7_000)),
            (
                &[
                    ("x-ratelimit-remaining-tokens-minute", "0"),
                    ("x-ratelimit-reset-tokens-minute", "3.5"),
                ],
                Some(3_500),
            ),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1e99")], None),
            (&[], None),
        ] {
            assert_eq!(wait_ms(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_reset_is_written_as_go_prints_a_duration() {
        for (text, expected) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("20ms", Some(20)),
            ("1h2m3.5s", Some(3_723_500)),
            ("7.66s", Some(7_660)),
            ("500µs", Some(0)),
            ("0s", Some(0)),
            // Some compatible servers write plain seconds.
            ("10", Some(10_000)),
            ("99999999999999999999h", Some(86_400_000)),
            ("20h20h", Some(86_400_000)),
            ("", None),
            ("s", None),
            ("1", Some(1_000)),
            ("1d", None),
            ("1m30", None),
            ("-1s", None),
            ("1.2.3s", None),
            ("1 s", None),
        ] {
            let used_up = ("x-ratelimit-remaining-requests", "0");
            let lines = [used_up, ("x-ratelimit-reset-requests", text)];
            assert_eq!(wait_ms(&lines), expected, "{text:?}");
        }
    }
}
