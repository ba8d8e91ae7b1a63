//! The way of a request: it is resolved against the policy, and goes the way of its task class.
//!
//! A task class of one model is answered here. The ways of panels and cascades are in the files
//! named after them.

use crate::dispatch::{self, Context, SingleOnly};
use crate::error::{Category, Error};
use crate::model::{Blind, Prompt};
use crate::outcome::{Failure, Reply};
use crate::policy::{PlanShape, PlannedTarget, RouteKind};
use crate::stream::ContentSink;

use super::Request;
use super::active::ActiveRun;

/// The kind of reply that the caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AcceptedReply {
    /// A reply of any kind.
    Anything,
    /// The answer of a single model.
    Answer,
    /// The answers of a panel.
    Panel,
    /// The answer of a cascade.
    Cascade,
}

impl ActiveRun<'_> {
    /// Answers the request.
    pub(super) async fn reply(
        &self,
        request: Request,
        wanted: AcceptedReply,
        content: Option<ContentSink>,
    ) -> Result<Reply, Failure> {
        let failed = |error| self.failure(error);
        let policy = self.policy()?;
        request.check_by(policy).map_err(failed)?;
        let plan = policy.plan(request.as_plan_request()).map_err(failed)?;
        if policy.spending().is_capped() {
            self.caps_left.plan(plan.shape.targets());
        }
        let prompt = Prompt::from_caller(request.system, request.messages);
        let context = self.context(policy, &plan.task_class, plan.deadline, request.deadline);
        if context.is_stopped() {
            return Err(failed(context.stopped_before("anybody")));
        }
        match (&plan.shape, wanted) {
            (PlanShape::Single(chain), AcceptedReply::Anything | AcceptedReply::Answer) => {
                let single =
                    SingleOnly { content: content.as_ref(), cache: self.state.cache.as_deref() };
                self.single(&context, single, chain, prompt).await
            }
            (PlanShape::Panel(panel), AcceptedReply::Anything | AcceptedReply::Panel) => {
                self.panel(&context, panel, &prompt).await
            }
            (
                PlanShape::Cascade { gate, otherwise },
                AcceptedReply::Anything | AcceptedReply::Cascade,
            ) => self.cascade(&context, gate, otherwise, &prompt).await,
            (shape, _) => Err(failed(self.other_kind(shape.kind()))),
        }
    }

    /// Asks the targets of a chain in order, until one answers.
    async fn single(
        &self,
        context: &Context<'_>,
        single: SingleOnly<'_>,
        chain: &[PlannedTarget],
        prompt: Prompt<Blind>,
    ) -> Result<Reply, Failure> {
        let mut attempts = Vec::new();
        let prompt = prompt.into();
        let result = dispatch::dispatch(context, chain, &prompt, single, &mut attempts).await;
        let instead = "give the class a fallback";
        let mut answer = self.outcome(result, attempts, self.started.elapsed(), instead)?;
        self.state.lasting.recent_answers.add(&answer.text());
        let first = chain.first().map(|planned| planned.target.clone());
        answer.fallback_from = first.filter(|first| *first != answer.target);
        Ok(Reply::Single(Box::new(answer)))
    }

    /// Returns the error of a task class that is of another `kind` than the caller accepts.
    fn other_kind(&self, kind: RouteKind) -> Error {
        let class = &self.task_class;
        let (is, door) = match kind {
            RouteKind::Single => ("a single model's", "route"),
            RouteKind::Panel => ("a panel", "panel"),
            RouteKind::Cascade => ("a cascade", "cascade"),
        };
        Error::new(Category::InvalidRequest, format!("task class `{class}` is {is}")).with_hint(
            format!("ask it with `Gateway::{door}`, or a class of any kind with `start`"),
        )
    }
}
