//! What a run is begun with, before anybody waits for it.

use std::sync::Arc;

use crate::error::Error;
use crate::event::{self, EventSender, Events, EventsEnd};
use crate::model::RunId;
use crate::observe::RunObserver;
use crate::random::Random;
use crate::stop::Stop;

use super::SharedState;
use super::under_way::RunUnderWay;

/// A run that was begun: its id, its own randomness, and the place where it reports events.
pub(super) struct BegunRun {
    pub(super) state: Arc<SharedState>,
    pub(super) id: RunId,
    /// The run's own generator, so that what it draws depends on no other run.
    pub(super) random: Random,
    pub(super) task_class: String,
    pub(super) events: EventSender,
    /// The observer of the run, if the program has one.
    pub(super) observer: Option<RunObserver>,
    /// Ends the run if its caller stops it or the gateway shuts down.
    pub(super) stop: Stop,
    /// Ends the events with the run.
    _end: EventsEnd,
}

impl BegunRun {
    /// Begins a run, and returns it with the reader of its events.
    pub(super) fn new(
        state: &Arc<SharedState>,
        task_class: &str,
        stop: Option<&Stop>,
    ) -> (Self, Events) {
        let random = &state.lasting.random;
        let id = RunId::from_bits(random.bits());
        let observer = state.observer.clone();
        let observer = observer.map(|observer| RunObserver::new(observer, id, task_class));
        let (sender, events) = event::channel(observer.as_ref().map(RunObserver::listener));
        let begun = Self {
            state: Arc::clone(state),
            id,
            random: random.child(),
            task_class: task_class.to_owned(),
            stop: state.lasting.runs.stop_beside(stop),
            observer,
            _end: sender.ends_here(),
            events: sender,
        };
        (begun, events)
    }

    /// Lets the run begin its work, and counts it as under way until the guard is dropped.
    ///
    /// # Errors
    /// [`Category::Cancelled`](crate::Category::Cancelled) if the gateway is shut down.
    pub(super) fn enter(&self) -> Result<RunUnderWay<'_>, Error> {
        self.state.lasting.runs.begin()
    }
}
