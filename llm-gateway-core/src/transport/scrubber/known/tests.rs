//! Tests of what is known and for how long.

use super::super::{REDACTED, Scrubber};
use super::*;

fn key(number: usize) -> Secret {
    Secret::new(format!("sk-test-{number:08}"))
}

#[test]
fn keys_are_remembered_once_each_and_not_without_end() {
    let known = KnownSecrets::default();
    for number in 0..3 * MOST_SECRETS {
        known.learn(&[key(number), key(number / 2), key(number)]);
        // Looking takes much longer than learning. An odd step looks at even and at odd numbers.
        if number % 23 > 0 {
            continue;
        }
        let secrets = &known.keys().secrets;
        let last: Vec<_> = secrets.iter().rev().take(2).map(Secret::expose).collect();
        assert!(number == 0 || last == [key(number / 2).expose(), key(number).expose()]);
        assert!(secrets.len() <= MOST_SECRETS);
        let mut each: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        each.sort_unstable();
        each.dedup();
        assert_eq!(each.len(), secrets.len(), "{number}: a key twice");
    }
    assert_eq!(known.keys().secrets.len(), MOST_SECRETS);
}

#[test]
fn a_key_that_is_learned_is_removed_by_every_scrubber_there_is() {
    let known = Arc::new(KnownSecrets::default());
    let plain = Scrubber::sharing(Arc::clone(&known));
    let (leased, copy) = (plain.knowing(&key(1)), plain.clone());
    let text = format!("{} {} {}", key(1).expose(), key(2).expose(), key(3).expose());
    let [one, two, three] = [key(1), key(2), key(3)].map(|it| it.expose().to_owned());
    assert_eq!(plain.scrub(&text), text);
    assert_eq!(leased.scrub(&text), format!("[redacted] {two} {three}"));
    known.learn(&[key(2)]);
    for scrubber in [&plain, &copy] {
        assert_eq!(scrubber.scrub(&text), format!("{one} [redacted] {three}"));
    }
    assert_eq!(leased.scrub(&text), format!("[redacted] [redacted] {three}"));
    // Others drive the key of a call out of the list, but not out of the call.
    known.learn(&[key(1), key(3)]);
    for number in 0..MOST_SECRETS {
        known.learn(&[key(100 + number)]);
    }
    assert_eq!(plain.scrub(&text), text);
    assert_eq!(leased.scrub(&text), format!("[redacted] {two} {three}"));
}

#[test]
fn a_stream_under_way_learns_a_key() {
    let known = Arc::new(KnownSecrets::default());
    let scrubber = Scrubber::sharing(Arc::clone(&known));
    let secret = key(7);
    let (begin, end) = secret.expose().split_at(6);
    for begun in ["", "a ", "sk-", "é\\u00"] {
        let mut stream = scrubber.stream();
        let mut written = stream.push(begun) + &stream.push(" ");
        known.learn(std::slice::from_ref(&secret));
        written += &stream.push(begin);
        assert_eq!(written, format!("{begun} "), "{begun}");
        written += &stream.push(end);
        written += &stream.finish();
        assert_eq!(written, format!("{begun} [redacted]"), "{begun}");
    }
}

#[test]
fn what_a_stream_holds_back_comes_although_its_keys_are_forgotten() {
    let known = Arc::new(KnownSecrets::default());
    known.learn(&[key(7)]);
    let mut stream = Scrubber::sharing(Arc::clone(&known)).stream();
    let written = stream.push("a sk-te");
    assert_eq!(written, "a ");
    for number in 0..MOST_SECRETS {
        // None of these counts as a secret.
        known.learn(&[Secret::new(format!("{number}"))]);
    }
    assert_eq!(stream.push("a") + &stream.finish(), "sk-tea");
}

fn lent(known: &KnownSecrets) -> usize {
    known.lists().lent.len()
}

#[test]
fn a_key_that_is_lent_is_known_for_as_long_as_anybody_holds_it() {
    let known = Arc::new(KnownSecrets::default());
    known.learn(&[key(0)]);
    let kept: Vec<_> = (1..=300).map(|number| known.lend(&key(number))).collect();
    let other = Arc::clone(&kept[0]);
    let scrubber = Scrubber::sharing(Arc::clone(&known));
    let hides = |number: usize| !scrubber.scrub(key(number).expose()).contains("sk-");
    for number in 1_000..2_000 {
        drop(known.lend(&key(number)));
        assert!(lent(&known) <= kept.len().max(MOST_SECRETS) + 1, "{number}");
    }
    assert!((0..=300).chain([1_999]).all(hides));
    // Those that nobody holds any more go with the next ones, and not those that were named.
    drop(kept);
    for number in 2_000..2_300 {
        drop(known.lend(&key(number)));
    }
    assert!(hides(1) && hides(0) && hides(2_299) && !hides(2) && !hides(1_500));
    assert_eq!(lent(&known), MOST_SECRETS);
    drop(other);
    // The same key again, a thousand times, drives nothing out.
    for _ in 0..1_000 {
        drop(known.lend(&key(1)));
    }
    assert!(hides(1) && hides(2_299) && lent(&known) == MOST_SECRETS);
}

#[test]
fn keys_that_are_lent_again_and_again_are_searched_as_before() {
    let known = KnownSecrets::default();
    known.learn(&[key(0)]);
    (0..3).for_each(|number| drop(known.lend(&key(number))));
    let before = known.keys();
    assert_eq!(before.secrets.len(), 3);
    (0..3).rev().for_each(|number| drop(known.lend(&key(number))));
    assert!(Arc::ptr_eq(&before, &known.keys()));
}

#[test]
fn a_source_is_asked_whenever_a_text_is_read() {
    let known = Arc::new(KnownSecrets::default());
    let now = Arc::new(Mutex::new(vec![key(1)]));
    let source = Arc::clone(&now);
    known.ask(move || {
        let keys = source.lock().unwrap().clone();
        assert!(!keys.is_empty(), "the vault is sealed");
        keys
    });
    let scrubber = Scrubber::sharing(Arc::clone(&known));
    let mut stream = scrubber.stream();
    let text = |number: usize| key(number).expose().to_owned();
    assert_eq!(scrubber.scrub(&text(1)), REDACTED);
    // A rotation in the middle of a stream.
    let mut written = stream.push("a ");
    *now.lock().unwrap() = vec![key(2)];
    let (begin, end) = (&text(2)[..5], &text(2)[5..]);
    written += &stream.push(begin);
    written += &stream.push(end);
    assert_eq!(written + &stream.finish(), format!("a {REDACTED}"));
    assert_eq!(scrubber.scrub(&format!("{} {}", text(1), text(2))), "[redacted] [redacted]");
    // A source that panics names nothing new and takes nothing away.
    now.lock().unwrap().clear();
    assert_eq!(
        scrubber.scrub(&format!("{} {}", text(1), text(3))),
        format!("[redacted] {}", text(3))
    );
    // More than are remembered: all that are in force now.
    *now.lock().unwrap() = (0..3 * MOST_SECRETS).map(key).collect();
    for number in [0, 1, 3 * MOST_SECRETS - 1] {
        assert_eq!(scrubber.scrub(&text(number)), REDACTED);
    }
    let fixed = scrubber.fixed();
    *now.lock().unwrap() = vec![key(9_000)];
    assert_eq!(fixed.scrub(&text(9_000)), text(9_000));
    assert_eq!(fixed.scrub(&text(5)), REDACTED);
    let except = scrubber
        .except_keys_in([format!("my {}", text(9_000)), text(5)].iter().map(String::as_str));
    assert_eq!(
        except.scrub(&format!("{} {}", text(9_000), text(700))),
        format!("{} {REDACTED}", text(9_000))
    );
}
