//! The keys that are known, which become more while answers are under way.
//!
//! A key may be changed while a provider is asked, and the answer may hold the new key. So all
//! scrubbers of a program share one list of keys, and look into it whenever they read a text.

use std::sync::{Arc, Mutex, PoisonError};

use super::spellings;
use super::windows::Spellings;
use crate::credential::Secret;
use crate::model::KeyKind;

/// The most keys that are remembered. Keys are changed by hand, and each costs time in every
/// answer.
const MOST_SECRETS: usize = 256;

/// The keys at one time, with what is searched for them.
#[derive(Clone, Default)]
pub(super) struct KnownKeys {
    /// The keys, the newest last.
    pub(super) secrets: Vec<Secret>,
    /// The spellings of the keys; `None` if none of them counts as a secret.
    pub(super) spellings: Option<Arc<Spellings>>,
}

impl KnownKeys {
    /// Creates the set of these keys. Those that are no secret are not searched.
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        let keys = secrets.iter().map(Secret::expose);
        let keys = keys.filter(|key| matches!(KeyKind::of(key), KeyKind::Secret | KeyKind::Word));
        let spellings = Spellings::new(keys.flat_map(spellings::spellings).collect());
        Self { spellings: spellings.map(Arc::new), secrets }
    }

    /// Returns whether `secret` is one of the keys.
    pub(super) fn hold(&self, secret: &Secret) -> bool {
        holds(&self.secrets, secret)
    }
}

/// A list of every key that was ever in force, which scrubbers share. It holds each key once, and
/// only the newest of too many.
#[derive(Default)]
pub(crate) struct KnownSecrets(Mutex<Arc<KnownKeys>>);

impl KnownSecrets {
    /// Creates a list of these keys, however many.
    pub(super) fn of(secrets: Vec<Secret>) -> Self {
        Self(Mutex::new(Arc::new(KnownKeys::new(secrets))))
    }

    /// Adds the keys that are in force now, for texts under way as well.
    pub(crate) fn learn(&self, now: &[Secret]) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = keys.secrets.iter().filter(|old| !holds(now, old)).cloned();
        let mut all: Vec<Secret> = old.collect();
        for secret in now {
            if !holds(&all, secret) {
                all.push(secret.clone());
            }
        }
        let surplus = all.len().saturating_sub(MOST_SECRETS);
        all.drain(..surplus);
        let is_same = all.len() == keys.secrets.len() && all.iter().all(|it| keys.hold(it));
        *keys = Arc::new(match is_same {
            true => KnownKeys { secrets: all, spellings: keys.spellings.clone() },
            false => KnownKeys::new(all),
        });
    }

    /// Returns the keys that are known now.
    pub(super) fn keys(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns whether `secret` is one of these keys.
pub(super) fn holds(secrets: &[Secret], secret: &Secret) -> bool {
    secrets.iter().any(|known| known.expose() == secret.expose())
}

/// The keys of one call, which are searched beside the shared ones: a vault may lease a new key for
/// each call, and these must not drive the others out of the list.
#[derive(Default)]
pub(super) struct OwnKeys {
    pub(super) secrets: Vec<Secret>,
    /// What was searched at the last reading.
    joined: Mutex<Option<Joined>>,
}

/// The keys of a call and the shared ones together.
struct Joined {
    /// The shared keys.
    shared: Arc<KnownKeys>,
    /// The spellings of all keys; `None` if there are none.
    spellings: Option<Arc<Spellings>>,
}

impl OwnKeys {
    /// Creates the keys of a call.
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets, joined: Mutex::default() }
    }

    /// Returns the spellings of these keys and the shared ones.
    pub(super) fn spellings_with(&self, shared: &Arc<KnownKeys>) -> Option<Arc<Spellings>> {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(joined) = joined.as_ref().filter(|it| Arc::ptr_eq(&it.shared, shared)) {
            return joined.spellings.clone();
        }
        let new = || self.secrets.iter().filter(|own| !shared.hold(own));
        let spellings = match new().next() {
            None => shared.spellings.clone(),
            Some(_) => {
                KnownKeys::new(shared.secrets.iter().chain(new()).cloned().collect()).spellings
            }
        };
        *joined = Some(Joined { shared: Arc::clone(shared), spellings: spellings.clone() });
        spellings
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scrubber;
    use super::*;

    fn key(number: usize) -> Secret {
        Secret::new(format!("sk-test-{number:08}"))
    }

    #[test]
    fn keys_are_remembered_once_each_and_not_without_end() {
        let known = KnownSecrets::default();
        for number in 0..3 * MOST_SECRETS {
            known.learn(&[key(number), key(number / 2), key(number)]);
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
}
