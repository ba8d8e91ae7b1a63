//! Decides how wide the lines of a stream may be.

use std::io::IsTerminal;

use llm_gateway_core::Environment;

/// The width of a stream that is no terminal, or whose terminal reports no width.
const USUAL: usize = 80;

/// The smallest width that is believed. Nobody reads on a terminal that reports less.
const LEAST: usize = 10;

/// The largest width that is used: wider lines are no easier to read, and `COLUMNS` can hold any
/// number.
const LARGEST: usize = 400;

/// Returns the number of columns that a line of a stream may take: the width of its terminal, else
/// `COLUMNS` where the terminal does not tell, else 80.
#[cfg(unix)]
pub(crate) fn width_of(
    stream: impl IsTerminal + std::os::fd::AsFd,
    environment: &Environment,
) -> usize {
    let window = stream
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(&stream).map_or(0, |size| usize::from(size.ws_col)));
    width(window, environment.get("COLUMNS"))
}

/// Returns the number of columns that a line of a stream may take: `COLUMNS` where the stream is a
/// terminal, else 80.
#[cfg(not(unix))]
pub(crate) fn width_of(stream: impl IsTerminal, environment: &Environment) -> usize {
    width(stream.is_terminal().then_some(0), environment.get("COLUMNS"))
}

/// Returns the width for a window of this many columns, which is `None` where there is no terminal.
fn width(window: Option<usize>, variable: Option<&str>) -> usize {
    let believed = |width: &usize| *width >= LEAST;
    let width = window.and_then(|window| {
        let variable = variable.and_then(|text| text.trim().parse().ok());
        Some(window).filter(believed).or(variable.filter(believed))
    });
    width.unwrap_or(USUAL).min(LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_that_is_none_is_80() {
        let cases = [
            (None, None, 80),
            (None, Some("200"), 80),
            (Some(80), None, 80),
            (Some(20), Some("100"), 20),
            (Some(0), None, 80),
            (Some(0), Some("0"), 80),
            (Some(0), Some("100"), 100),
            (Some(0), Some("-5"), 80),
            (Some(0), Some("wide"), 80),
            (Some(0), Some("99999999999999999999999"), 80),
            (Some(0), Some("99999999"), 400),
            (Some(1), None, 80),
            (Some(9), None, 80),
            (Some(10), None, 10),
            (Some(65_535), None, 400),
        ];
        for (window, variable, expected) in cases {
            assert_eq!(width(window, variable), expected, "{window:?} {variable:?}");
        }
    }
}
