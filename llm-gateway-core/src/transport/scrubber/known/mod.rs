//! The keys that are known, which become more while answers are under way.
//!
//! A key may be changed while a provider is asked, and the answer may hold the new key. So all
//! scrubbers of a program share one list of keys, and look into it whenever they read a text.
//!
//! The list has two parts, so that a vault that lends a new key for each call drives no other key
//! out: the keys that were named, and the keys that were lent. Each part keeps the newest 256. A
//! key that is in force, and a key whose lease is held by anybody, is kept beyond that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::spellings;
use super::windows::Spellings;
use crate::credential::Secret;
use crate::isolation::caught;
use crate::model::KeyKind;

/// The most keys of each part that are remembered beside those in use. Keys are changed by hand,
/// and each costs time in every answer.
const MOST_SECRETS: usize = 256;

/// The keys at one time, with what is searched for them.
#[derive(Default)]
pub(super) struct KnownKeys {
    /// The keys, in whichever order: all of them are searched.
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

/// A source that names the keys in force whenever it is asked.
type KeysInForce = Arc<dyn Fn() -> Vec<Secret> + Send + Sync>;

/// A list of every key that was ever in force or lent, which scrubbers share. It holds each key
/// once, and only the newest of too many.
#[derive(Default)]
pub(crate) struct KnownSecrets {
    lists: Mutex<Lists>,
    /// The source that is asked whenever a text is read; `None` if keys do not change by
    /// themselves.
    source: Mutex<Option<KeysInForce>>,
}

/// The two parts of the list, and what is searched for both.
#[derive(Default)]
struct Lists {
    /// The keys that were named, the newest last.
    named: Vec<Secret>,
    /// The keys that were lent, the newest last.
    lent: Vec<LentSecret>,
    /// What is searched, as it was when a text was last read.
    keys: Arc<KnownKeys>,
    /// Whether a key was added since.
    is_stale: bool,
}

/// A key that was lent. It is in use while anybody else holds it too.
struct LentSecret(Arc<Secret>);

impl LentSecret {
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Lists {
    /// Returns what is searched. It is made when a text is read, because many keys may be lent
    /// before the next one is.
    fn keys(&mut self) -> Arc<KnownKeys> {
        if std::mem::take(&mut self.is_stale) {
            self.refresh();
        }
        Arc::clone(&self.keys)
    }

    /// Replaces what is searched, unless the keys are the same.
    fn refresh(&mut self) {
        let lent = self.lent.iter().map(|lent| &*lent.0);
        let lent = lent.filter(|secret| !holds(&self.named, secret));
        let all: Vec<Secret> = self.named.iter().chain(lent).cloned().collect();
        let before = &self.keys;
        let is_same = all.len() == before.secrets.len() && all.iter().all(|it| before.hold(it));
        if !is_same {
            self.keys = Arc::new(KnownKeys::new(all));
        }
    }
}

impl KnownSecrets {
    /// Creates a list of these keys, however many.
    pub(super) fn of(secrets: Vec<Secret>) -> Self {
        let keys = Arc::new(KnownKeys::new(secrets.clone()));
        let lists = Lists { named: secrets, keys, ..Lists::default() };
        Self { lists: Mutex::new(lists), source: Mutex::default() }
    }

    /// Returns a list of the keys that are known now, which learns nothing.
    pub(super) fn fixed(&self) -> Self {
        let lists = Lists { keys: self.keys(), ..Lists::default() };
        Self { lists: Mutex::new(lists), source: Mutex::default() }
    }

    /// Asks `source` from now on, whenever a text is read, which keys are in force. A panic of the
    /// source names no key, and what was known before stays known.
    pub(crate) fn ask(&self, source: impl Fn() -> Vec<Secret> + Send + Sync + 'static) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(source));
    }

    /// Adds the keys that are in force now, for texts under way as well. However many they are, all
    /// of them are kept.
    pub(crate) fn learn(&self, now: &[Secret]) {
        let mut lists = self.lists();
        let old = lists.named.iter().filter(|old| !holds(now, old)).cloned();
        let mut all: Vec<Secret> = old.collect();
        let old = all.len();
        for secret in now {
            if !holds(all.get(old..).unwrap_or_default(), secret) {
                all.push(secret.clone());
            }
        }
        let surplus = all.len().saturating_sub(MOST_SECRETS).min(old);
        all.drain(..surplus);
        lists.named = all;
        lists.is_stale = true;
    }

    /// Adds a key that is lent, and returns what keeps it known for as long as it lives.
    pub(crate) fn lend(&self, secret: &Secret) -> Arc<Secret> {
        let mut lists = self.lists();
        let found = lists.lent.iter().position(|lent| lent.0.expose() == secret.expose());
        let lent = match found {
            Some(index) => lists.lent.remove(index).0,
            None => Arc::new(secret.clone()),
        };
        let before = lists.lent.len();
        let mut surplus = (before + 1).saturating_sub(MOST_SECRETS);
        lists.lent.retain(|lent| {
            let goes = surplus > 0 && !lent.is_in_use();
            surplus -= usize::from(goes);
            !goes
        });
        // The same key is lent for attempt after attempt, and then the same is searched as before.
        let is_searched = found.is_some() || holds(&lists.named, secret);
        lists.is_stale |= !is_searched || lists.lent.len() < before;
        lists.lent.push(LentSecret(Arc::clone(&lent)));
        lent
    }

    /// Returns the keys that are known now.
    pub(super) fn keys(&self) -> Arc<KnownKeys> {
        self.look();
        self.lists().keys()
    }

    /// Asks the source which keys are in force, and learns those that are new. No list is locked
    /// while the source is asked.
    fn look(&self) {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(source) = source else { return };
        let Ok(now) = caught(|| source()) else { return };
        let is_known = {
            let lists = self.lists();
            now.iter().all(|secret| holds(&lists.named, secret))
        };
        if !is_known {
            self.learn(&now);
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        // Nothing between two changes panics, so a poisoned list is still whole.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
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
mod tests;
