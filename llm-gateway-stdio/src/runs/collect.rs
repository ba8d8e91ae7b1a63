//! The way back to the result of a run: the tool `llm_result`.

use std::time::Duration;

use llm_gateway_core::kept::KeptRun;
use llm_gateway_core::model::RunId;
use llm_gateway_core::{Category, Error};
use rmcp::model::JsonObject;
use tokio::time::{Instant, sleep};

use super::found::looked_at;
use super::{Found, Runs, running};
use crate::arguments::{Arguments, shown};
use crate::progress::WaitedRun;
use crate::tools::{LLM_RESULT, arguments_of};

/// The word for the run that was started last.
const LATEST: &str = "latest";

/// The hint of a run that is not kept.
const KEPT: &str = "results are kept in the memory of this server's process, those of the newest \
    256 runs and at most 64 MiB: see `runs` of llm_routing_info, or ask for \"latest\"";

/// What a call of `llm_result` asks for.
pub(crate) struct Wanted {
    run: KeptRun,
    page: Option<u64>,
}

impl Runs {
    /// Reads what a call of `llm_result` asks for. Its pages have at most `max_chars` characters.
    ///
    /// # Errors
    /// Fails with [`Category::InvalidRequest`] if the arguments are wrong or there is no such run.
    pub(crate) async fn wanted(
        &self,
        given: JsonObject,
        max_chars: usize,
    ) -> Result<Wanted, Error> {
        let has_page = given.get("page").is_some_and(|page| !page.is_null());
        let (mut arguments, faults) = Arguments::read(given, arguments_of(LLM_RESULT));
        match Error::of_all(faults) {
            None => {
                let run = self.named(&arguments.text("run_id").unwrap_or_default())?;
                Ok(Wanted { run, page: arguments.integer("page") })
            }
            Some(error) if has_page => {
                let named = arguments.get_text("run_id").unwrap_or_default();
                Err(match self.range(named, max_chars).await {
                    Some(range) => error.with_hint(range),
                    None => error,
                })
            }
            Some(error) => Err(error),
        }
    }

    /// Returns the progress of the run that is asked for.
    pub(crate) fn awaited(&self, wanted: &Wanted) -> WaitedRun {
        let (now, progress) = (Instant::now(), self.followed.progress(wanted.run.id()));
        WaitedRun { began: now.checked_sub(wanted.run.age(now)).unwrap_or(now), progress }
    }

    /// Waits for a run for at most `longest`, and returns its result, or a page of that.
    pub(crate) async fn collect(&self, wanted: &Wanted, longest: Duration) -> Found {
        let Wanted { run, page } = wanted;
        tokio::select! {
            biased;
            _ = run.done() => Found::Run { run: run.clone(), page: *page },
            () = self.still_wanted(longest) => running(run).into(),
        }
    }

    /// Waits for `time`; for ever if the client has left by then, because it asks for nothing
    /// again.
    async fn still_wanted(&self, time: Duration) {
        sleep(time).await;
        if self.ends.ended.is_cancelled() {
            std::future::pending().await
        }
    }

    /// Returns the run that a call names.
    fn named(&self, name: &str) -> Result<KeptRun, Error> {
        let error = |message| Error::new(Category::InvalidRequest, message);
        if name.trim().eq_ignore_ascii_case(LATEST) {
            let none = || error("no run was started yet".to_owned()).with_hint(KEPT);
            return self.kept.newest().ok_or_else(none);
        }
        let shown = shown(name);
        let Some(id) = RunId::parse(name) else {
            let message = format!("`run_id` is `{shown}`, which is no id of a run");
            return Err(error(message).with_hint("it is `meta.run_id` of an answer, or \"latest\""));
        };
        let none = || error(format!("no run `{shown}` is kept")).with_hint(KEPT);
        self.kept.find(id).ok_or_else(none)
    }

    /// Returns the sentence on which pages a run has, if it is done.
    async fn range(&self, name: &str, max_chars: usize) -> Option<String> {
        let run = self.named(name).ok()?;
        let pages = looked_at(run, move |run| run.page_count(max_chars)).await??;
        Some(format!("`page` is a number from 1 to {pages}, the last page of this run"))
    }
}
