//! The words for the progress of a run, which are made from its events.
//!
//! The command line shows them on its live line, and the MCP server sends them to its client. This
//! room decides what is said; the fronts decide when, and how long a line may be.

use std::time::Duration;

use crate::event::Event;
use crate::model::{Target, printable, single_spaced};

/// The longest reason of an escalation in a line.
const LONGEST_REASON: usize = 80;

/// The progress of one run: what it is doing now, by the events so far.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The step of an orchestration and its round.
    step: Option<(String, u32)>,
    /// The members of the panel that is being asked; `None` if one target is asked at a time.
    members: Option<Vec<MemberProgress>>,
    /// The target that is asked; `None` before the first.
    target: Option<Target>,
    activity: Activity,
    /// The reason why this target is asked now, in words that go on with the target.
    reason: String,
}

/// The progress of one member of a panel.
#[derive(Debug, Clone)]
struct MemberProgress {
    target: Target,
    activity: Activity,
    /// Whether the member answered; `None` while it is asked.
    answered: Option<bool>,
}

/// What happens at a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Activity {
    /// The target is asked for the first time.
    #[default]
    Asked,
    /// The target is asked again, with the number of the attempt.
    AskedAgain(usize),
    /// The call waits in line, because the policy limits the use of the provider.
    Queued,
    /// The answer has this many characters so far.
    Writing(u64),
    /// An attempt failed, and the next begins after this wait.
    Waiting(Duration),
}

impl Progress {
    /// Takes the next event of the run. Returns whether a step has changed, so that the line says
    /// something else than how long an answer is.
    pub fn take(&mut self, event: &Event) -> bool {
        // A text that grows changes no step, and grows often.
        if let Event::Writing { .. } = event {
            self.apply(event);
            return false;
        }
        let before = self.line(usize::MAX);
        self.apply(event);
        self.line(usize::MAX) != before
    }

    /// Returns what happens now as one line of at most `longest` characters, without control
    /// characters.
    pub fn line(&self, longest: usize) -> String {
        let step = match &self.step {
            Some((name, round)) => format!("round {round} · {name} · "),
            None => String::new(),
        };
        let room = longest.saturating_sub(step.chars().count());
        let words = match (&self.members, &self.target) {
            (Some(members), _) => panel_words(members, room),
            (None, Some(target)) => target_words(target, self.activity, &self.reason),
            (None, None) => "preparing".to_owned(),
        };
        cut(&(step + &words), longest)
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Attempt { target, number: 1 } => self.set(target, Activity::Asked),
            Event::Attempt { target, number } => self.set(target, Activity::AskedAgain(*number)),
            Event::Queued { target } => self.set(target, Activity::Queued),
            Event::Writing { target, characters, .. } => {
                self.set(target, Activity::Writing(*characters));
            }
            Event::Waiting { target, wait } => self.set(target, Activity::Waiting(*wait)),
            Event::Panel { members } => {
                self.members = Some(members.iter().map(MemberProgress::new).collect());
            }
            Event::Member { member, answered, .. } => {
                let members = self.members.iter_mut().flatten();
                if let Some(member) = members.into_iter().nth(member.saturating_sub(1)) {
                    member.answered = Some(*answered);
                }
            }
            Event::Step { step, round, target } => {
                self.step = Some((step.clone(), *round));
                self.turn_to(target, String::new());
            }
            // The next step follows at once, or the end of the run. What was left out shows in what
            // came after it.
            Event::StepEnded { .. } | Event::LeftOut { .. } => {}
            Event::Escalating { to, because } => {
                let because = printable(&single_spaced(because), LONGEST_REASON);
                self.turn_to(to, format!("{because}, "));
            }
            Event::Fallback { from, to } => self.turn_to(to, format!("{from} gave no answer, ")),
        }
    }

    /// Begins with another target, which is asked alone.
    fn turn_to(&mut self, target: &Target, reason: String) {
        self.members = None;
        self.target = Some(target.clone());
        self.activity = Activity::Asked;
        self.reason = reason;
    }

    /// Sets what happens at a target. Members of one panel that ask the same target cannot be told
    /// apart.
    fn set(&mut self, target: &Target, activity: Activity) {
        match &mut self.members {
            Some(members) => {
                let asked = members.iter_mut().filter(|member| member.is_asked());
                for member in asked.filter(|member| member.target == *target) {
                    member.activity = activity;
                }
            }
            None => {
                self.target = Some(target.clone());
                self.activity = activity;
            }
        }
    }
}

impl MemberProgress {
    fn new(target: &Target) -> Self {
        Self { target: target.clone(), activity: Activity::Asked, answered: None }
    }

    fn is_asked(&self) -> bool {
        self.answered.is_none()
    }

    /// Returns the member's name, with what happens at it unless it was just asked.
    fn words(&self) -> String {
        let target = &self.target;
        match self.activity {
            Activity::Asked => target.to_string(),
            Activity::AskedAgain(number) => format!("{target} (try {number})"),
            Activity::Queued => format!("{target} (in line)"),
            Activity::Writing(characters) => format!("{target} ({characters} characters)"),
            Activity::Waiting(wait) => {
                format!("{target} (failed, again in {:.1} s)", wait.as_secs_f64())
            }
        }
    }
}

/// Returns what happens at the only target that is asked.
fn target_words(target: &Target, activity: Activity, reason: &str) -> String {
    match activity {
        Activity::Asked => format!("{reason}asking {target}"),
        Activity::AskedAgain(number) => format!("asking {target} (try {number})"),
        Activity::Queued => format!("{reason}waiting in line for {target}"),
        Activity::Writing(characters) => {
            format!("{target} is writing, {characters} characters so far")
        }
        Activity::Waiting(wait) => {
            format!("{target} failed, waiting {:.1} s to try again", wait.as_secs_f64())
        }
    }
}

/// Returns what happens in a panel: how many of its members have answered, and for which of them it
/// waits, as far as there is `room`.
fn panel_words(members: &[MemberProgress], room: usize) -> String {
    let count = |answered| members.iter().filter(|it| it.answered == Some(answered)).count();
    let mut words = format!("{} of {} answered", count(true), members.len());
    if let failed @ 1.. = count(false) {
        words.push_str(&format!(", {failed} gave no answer"));
    }
    let waiting: Vec<String> =
        members.iter().filter(|it| it.is_asked()).map(MemberProgress::words).collect();
    for (index, member) in waiting.iter().enumerate() {
        let joint = if index == 0 { "; waiting for " } else { ", " };
        let left = waiting.len() - index;
        let more = format!(" and {left} more");
        let after = if left > 1 { more.len() } else { 0 };
        let length = [&words, joint, member].iter().map(|part| part.chars().count()).sum::<usize>();
        if index > 0 && length.saturating_add(after) > room {
            words.push_str(&more);
            break;
        }
        words.push_str(joint);
        words.push_str(member);
    }
    words
}

/// Shortens a line to `longest` characters, with an ellipsis where it was cut.
fn cut(line: &str, longest: usize) -> String {
    let line = printable(line, usize::MAX);
    match line.char_indices().nth(longest) {
        None => line,
        Some(_) => {
            line.chars().take(longest.saturating_sub(1)).chain(['…']).take(longest).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelId, ProviderName};

    fn target(name: &str) -> Target {
        let (provider, model) = name.split_once('/').unwrap();
        Target::new(ProviderName::new(provider).unwrap(), ModelId::new(model).unwrap())
    }

    fn attempt(name: &str, number: usize) -> Event {
        Event::Attempt { target: target(name), number }
    }

    fn writing(name: &str, characters: u64) -> Event {
        Event::Writing { target: target(name), tokens: characters / 4, characters }
    }

    fn waiting(name: &str) -> Event {
        Event::Waiting { target: target(name), wait: Duration::from_millis(1_500) }
    }

    fn panel(names: &[&str]) -> Event {
        Event::Panel { members: names.iter().map(|name| target(name)).collect() }
    }

    fn member(member: usize, answered: bool) -> Event {
        Event::Member { member, of: 3, target: target("a/one"), answered }
    }

    fn step(name: &str, round: u32, model: &str) -> Event {
        Event::Step { step: name.to_owned(), round, target: target(model) }
    }

    /// Returns the line after each event, marked by `!` if a step has changed.
    fn lines(events: &[Event]) -> Vec<String> {
        let mut progress = Progress::default();
        let mut line = |event| {
            let mark = if progress.take(event) { "! " } else { "  " };
            format!("{mark}{}", progress.line(200))
        };
        events.iter().map(&mut line).collect()
    }

    #[test]
    fn a_single_model_is_told_from_the_line_before_it_to_the_next_target() {
        let told = lines(&[
            Event::Queued { target: target("a/one") },
            attempt("a/one", 1),
            writing("a/one", 1_200),
            waiting("a/one"),
            attempt("a/one", 2),
            Event::Fallback { from: target("a/one"), to: target("b/two") },
            attempt("b/two", 1),
            writing("b/two", 8),
        ]);
        insta::assert_snapshot!(told.join("\n"), @r"
        ! waiting in line for a/one
        ! asking a/one
          a/one is writing, 1200 characters so far
        ! a/one failed, waiting 1.5 s to try again
        ! asking a/one (try 2)
        ! a/one gave no answer, asking b/two
          a/one gave no answer, asking b/two
          b/two is writing, 8 characters so far
        ");
    }

    #[test]
    fn the_line_of_a_panel_speaks_of_all_members() {
        let told = lines(&[
            panel(&["a/one", "b/two", "c/three"]),
            attempt("a/one", 1),
            Event::Queued { target: target("b/two") },
            member(1, true),
            attempt("b/two", 1),
            writing("c/three", 90),
            waiting("b/two"),
            attempt("b/two", 2),
            member(2, false),
            member(3, true),
            Event::Escalating { to: target("d/strong"), because: "they\ndiffer".to_owned() },
            attempt("d/strong", 1),
            attempt("d/strong", 2),
        ]);
        insta::assert_snapshot!(told.join("\n"), @r"
        ! 0 of 3 answered; waiting for a/one, b/two, c/three
          0 of 3 answered; waiting for a/one, b/two, c/three
        ! 0 of 3 answered; waiting for a/one, b/two (in line), c/three
        ! 1 of 3 answered; waiting for b/two (in line), c/three
        ! 1 of 3 answered; waiting for b/two, c/three
          1 of 3 answered; waiting for b/two, c/three (90 characters)
        ! 1 of 3 answered; waiting for b/two (failed, again in 1.5 s), c/three (90 characters)
        ! 1 of 3 answered; waiting for b/two (try 2), c/three (90 characters)
        ! 1 of 3 answered, 1 gave no answer; waiting for c/three (90 characters)
        ! 2 of 3 answered, 1 gave no answer
        ! they differ, asking d/strong
          they differ, asking d/strong
        ! asking d/strong (try 2)
        ");
    }

    #[test]
    fn an_orchestration_names_its_step_and_its_round() {
        let ended = Event::StepEnded { step: "plan".to_owned(), round: 1, answered: true };
        let told = lines(&[
            step("plan", 1, "a/one"),
            attempt("a/one", 1),
            writing("a/one", 90),
            ended,
            step("execute", 1, "b/two"),
            step("verify", 2, "a/one"),
            attempt("a/one", 2),
        ]);
        insta::assert_snapshot!(told.join("\n"), @r"
        ! round 1 · plan · asking a/one
          round 1 · plan · asking a/one
          round 1 · plan · a/one is writing, 90 characters so far
          round 1 · plan · a/one is writing, 90 characters so far
        ! round 1 · execute · asking b/two
        ! round 2 · verify · asking a/one
        ! round 2 · verify · asking a/one (try 2)
        ");
    }

    #[test]
    fn every_line_fits_whatever_the_names() {
        let long = format!("{}/{}", "p".repeat(32), "m".repeat(128));
        let crowd: Vec<String> = (0..64).map(|n| format!("provider/model-{n}")).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        let because = "\u{1b}[31m密🙂 ".repeat(500);
        for events in [
            vec![],
            vec![attempt(&long, 1)],
            vec![attempt(&long, usize::MAX)],
            vec![writing(&long, u64::MAX)],
            vec![Event::Fallback { from: target(&long), to: target(&long) }],
            vec![panel(&crowd)],
            vec![panel(&[&long, &long])],
            vec![panel(&[])],
            vec![step(&"s".repeat(300), u32::MAX, &long)],
            vec![step("plan", 1, &long), panel(&crowd)],
            vec![Event::Escalating { to: target(&long), because }],
            vec![member(usize::MAX, true), member(0, false)],
            vec![panel(&["a/one"]), member(0, true), member(9, true)],
        ] {
            let mut progress = Progress::default();
            for event in &events {
                progress.take(event);
            }
            for longest in [0, 1, 2, 40, 200, usize::MAX] {
                let line = progress.line(longest);
                assert!(line.chars().count() <= longest, "{longest}: {line}");
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
        let mut progress = Progress::default();
        progress.take(&panel(&crowd));
        let line = progress.line(120);
        insta::assert_snapshot!(line, @"0 of 64 answered; waiting for provider/model-0, provider/model-1, provider/model-2, provider/model-3 and 60 more");
    }
}
