//! Decides from look to look whether files are to be read: a pure state machine, whose only clock
//! is the number of looks.

/// The most looks at files that keep changing before they are read all the same. With two looks a
/// second an edit is read within 1.5 s, even if another program writes the file without end.
const MOST_RESTLESS: u32 = 3;

/// The looks after which a file is read again if its file system counts whole seconds: a later edit
/// in the same second cannot be seen.
const SECOND_THOUGHTS: u32 = 4;

/// What was seen so far, and whether it is still to be read. `S` is what one look sees.
#[derive(Debug)]
pub(super) struct Settling<S> {
    seen: S,
    /// The number of looks since the first change that was not read; 0 if everything was read.
    restless: u32,
    /// The number of looks until what did not change is read again; 0 for never.
    again: u32,
}

impl<S: PartialEq> Settling<S> {
    /// Begins with what was seen before the files were read first.
    pub(super) fn new(seen: S) -> Self {
        Self { seen, restless: 0, again: 0 }
    }

    /// Takes what a look has seen, and returns whether the files are to be read now. `is_coarse`
    /// says that a change may not show.
    pub(super) fn look(&mut self, now: S, is_coarse: bool) -> bool {
        let has_changed = now != self.seen;
        self.seen = now;
        if has_changed {
            self.restless += 1;
        }
        let is_settled = self.restless > 0 && !has_changed;
        if is_settled || self.restless >= MOST_RESTLESS {
            self.restless = 0;
            self.again = if is_coarse { SECOND_THOUGHTS } else { 0 };
            return true;
        }
        let was_due = self.again;
        self.again = self.again.saturating_sub(1);
        was_due == 1 && self.restless == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns at which looks the files are read.
    fn reads(looks: &[u32], is_coarse: bool) -> Vec<usize> {
        let mut settling = Settling::new(0);
        let is_read = |(_, seen): &(usize, &u32)| settling.look(**seen, is_coarse);
        looks.iter().enumerate().filter(is_read).map(|(at, _)| at).collect()
    }

    #[test]
    fn what_changed_is_read_when_it_has_settled() {
        for (looks, expected) in [
            (&[0, 0, 0][..], &[][..]),
            (&[1, 1, 1, 1], &[1]),
            (&[0, 1, 1, 0, 0], &[2, 4]),
            (&[1, 2, 2, 2], &[2]),
            (&[1, 0, 0], &[2]),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 8, 8], &[2, 5, 8]),
            (&[1, 2, 3, 3, 3, 3], &[2]),
        ] {
            assert_eq!(reads(looks, false), expected, "{looks:?}");
        }
    }

    #[test]
    fn a_file_with_whole_seconds_is_read_once_more() {
        assert_eq!(reads(&[0; 20], true), [0; 0]);
        assert_eq!(reads(&[1; 20], true), [1, 5]);
        assert_eq!(reads(&[1, 1, 1, 2, 2, 2, 2, 2, 2, 2], true), [1, 4, 8]);
        assert_eq!(reads(&[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2], true), [1, 6, 10]);
    }

    proptest! {
        /// Checks that after any history the last state is read at the next look, that nothing is
        /// read without a change, and that no two reads follow each other at once.
        #[test]
        fn every_change_is_read_and_nothing_else(looks in proptest::collection::vec(0..3_u32, 1..60)) {
            let mut all = looks.clone();
            all.extend([*looks.last().unwrap(); 3]);
            let reads = reads(&all, false);
            let changes: Vec<usize> = (0..all.len())
                .filter(|&at| all[at] != if at == 0 { 0 } else { all[at - 1] })
                .collect();
            if let Some(last) = changes.last() {
                let covering = reads.iter().find(|read| *read >= last);
                prop_assert!(covering.is_some_and(|read| read - last <= 1), "{all:?}: {reads:?}");
            }
            for pair in reads.windows(2) {
                prop_assert!(pair[1] - pair[0] >= 2, "{all:?}: {reads:?}");
            }
            prop_assert!(reads.len() <= changes.len());
        }
    }
}
