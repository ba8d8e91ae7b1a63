//! Splits bytes into lines, and stores no more than the bound of a line that does not end.

use super::glance::Glance;

/// The most bytes that one line may have.
pub(crate) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// A line that was read.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// A line above the bound. Its bytes are lost, and only the glance at them is left.
    TooLong(Glance),
}

/// The state between two reads: the line that has begun, if any.
#[derive(Debug)]
pub(crate) struct Splitter {
    longest: usize,
    begun: Vec<u8>,
    /// The glance at a line that already exceeds the bound.
    skipped: Option<Glance>,
}

impl Splitter {
    /// Returns a splitter for lines of at most `longest` bytes.
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, begun: Vec::new(), skipped: None }
    }

    /// Reads bytes up to the end of the first line in them. Returns how many were read, and the
    /// line if it is complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (line, taken) = match end {
            Some(end) => (bytes.get(..end).unwrap_or_default(), end + 1),
            None => (bytes, bytes.len()),
        };
        self.append(line);
        (taken, end.and_then(|_| self.end()))
    }

    /// Ends the line that has begun, at the end of the input. Returns `None` if no line has begun.
    pub(crate) fn end(&mut self) -> Option<Line> {
        let begun = std::mem::take(&mut self.begun);
        match self.skipped.take() {
            Some(glance) => Some(Line::TooLong(glance)),
            None => (!begun.is_empty()).then_some(Line::Whole(begun)),
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if let Some(glance) = &mut self.skipped {
            return glance.look(bytes);
        }
        if self.begun.len().saturating_add(bytes.len()) <= self.longest {
            return self.begun.extend_from_slice(bytes);
        }
        let mut glance = Glance::default();
        glance.look(&std::mem::take(&mut self.begun));
        glance.look(bytes);
        self.skipped = Some(glance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], step: usize) -> Vec<String> {
        let mut splitter = Splitter::new(10);
        let mut lines = Vec::new();
        for mut piece in input.chunks(step) {
            while !piece.is_empty() {
                let (taken, line) = splitter.feed(piece);
                lines.extend(line);
                piece = &piece[taken..];
            }
        }
        lines.extend(splitter.end());
        let told = |line| match line {
            Line::Whole(bytes) => String::from_utf8(bytes).unwrap(),
            Line::TooLong(_) => "too long".to_owned(),
        };
        lines.into_iter().map(told).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let input = b"one\n\ntwo\r\n0123456789\n01234567890\n0123456789012345678901234567\nlast";
        for step in 1..=input.len() {
            let expected = ["one", "two\r", "0123456789", "too long", "too long", "last"];
            assert_eq!(lines(input, step), expected, "{step}");
        }
        assert_eq!(lines(b"0123456789too long, and no end", 3), ["too long"]);
        assert!(lines(b"", 1).is_empty() && lines(b"\n\n", 1).is_empty());
    }
}
