//! The way of a panel: its members are asked, their answers compared and certified, the receipt is
//! written, and the policy's rules decide whether the result is an answer or a failure.

use crate::certificate::{
    Certificate, Claim, ClaimResult, Claims, Kinship, Lineage, Receipt, Rules,
};
use crate::dispatch::{Booking, Context, PreparedCall};
use crate::error::{Category, Error};
use crate::model::{Blind, Prompt, Target};
use crate::outcome::{Answer, Failure, FailureParts, PanelAnswer, Reply};
use crate::panel::{self, Agreement, MemberAnswer, PanelRun};
use crate::policy::{Enforce, PlannedPanel, Policy};

use super::active::ActiveRun;

impl ActiveRun<'_> {
    /// Answers a request by a panel.
    pub(super) async fn panel(
        &self,
        context: &Context<'_>,
        plan: &PlannedPanel,
        prompt: &Prompt<Blind>,
    ) -> Result<Reply, Failure> {
        if let Some(error) = self.in_vain(plan) {
            return Err(self.failure(error));
        }
        let allowance = panel::allowance(plan);
        let context = &Context { allowance: allowance.as_ref(), ..*context };
        let (answer, _) = self.ask_panel(context, plan, prompt, None).await?;
        let stopped = self.stopped(context, &answer);
        match stopped.or_else(|| self.refusal(plan, &answer)) {
            Some(error) => {
                let attempts = answer.attempts().cloned().collect();
                let panel = Some(Box::new(answer));
                Err(Failure::new(FailureParts { panel, attempts, ..self.parts(error) }))
            }
            None => Ok(Reply::Panel(Box::new(answer))),
        }
    }

    /// Returns the error of a panel that its caller stopped before all members had answered or
    /// failed.
    pub(super) fn stopped(&self, context: &Context<'_>, answer: &PanelAnswer) -> Option<Error> {
        let mut failures = answer.members.iter().filter_map(|member| member.as_ref().err());
        let is_cut = failures.any(|failure| failure.category() == Category::Cancelled);
        let who = || format!("all members of `{}`", self.task_class);
        (is_cut && context.is_stopped()).then(|| context.stopped_before(&who()))
    }

    /// Returns the error of a panel that must be certified and never can be, as its models are
    /// declared. No member of such a panel is asked, because its answers would be paid for in vain.
    fn in_vain(&self, plan: &PlannedPanel) -> Option<Error> {
        let why = plan.never_certified.as_ref()?;
        let class = &self.task_class;
        let required = plan.visibility.require.as_str();
        let error = Error::new(
            Category::Independence,
            format!("nobody was asked: {why}, so `{class}` never reaches {required}"),
        );
        let hint = format!(
            "name models that differ more, or change `require`, `quorum` or `enforce` under \
             visibility.{class}"
        );
        (plan.visibility.enforce == Enforce::Hard).then(|| error.with_hint(hint))
    }

    /// Asks all members, compares and certifies their answers, and writes the receipt. Whether the
    /// result is an answer is decided by the caller. The booking that is returned is that of the
    /// call `beside` the members.
    pub(super) async fn ask_panel<'b>(
        &self,
        context: &Context<'b>,
        plan: &PlannedPanel,
        prompt: &Prompt<Blind>,
        beside: Option<&PreparedCall>,
    ) -> Result<(PanelAnswer, Option<Booking<'b>>), Failure> {
        let keyless = |target: &Target| self.missing_key(context.policy, target, "member");
        let said = panel::ask(context, plan, prompt, beside, keyless).await;
        let mut said = said.map_err(|error| self.failure(error))?;
        let booking = said.beside.take();
        let mut answer = self.compare(context.policy, plan, said);
        for member in answer.answers() {
            self.state.lasting.recent_answers.add(&member.text());
        }
        let PanelAnswer { receipt, bundle, .. } = &answer;
        answer.receipt_path = self.archive(context.policy, receipt, bundle).await;
        Ok((answer, booking))
    }

    /// Compares the answers of a panel and certifies them.
    fn compare(&self, policy: &Policy, plan: &PlannedPanel, said: PanelRun<'_>) -> PanelAnswer {
        let PanelRun { courses, mut evidence, spent, .. } = said;
        evidence.earlier_answers = self.state.lasting.recent_answers.all();
        let particulars = self.particulars(policy, spent);
        let rules = Rules::new(plan.visibility.require, plan.visibility.quorum);
        let kinship = self.state.kinship(policy);
        let (receipt, bundle) = Receipt::issue(particulars, evidence, &rules, kinship, self.salt());
        let members: Vec<_> = courses
            .into_iter()
            .map(|course| {
                let instead = "name another member in the policy";
                self.outcome(course.result, course.attempts, course.latency, instead)
            })
            .collect();
        PanelAnswer {
            task_class: self.task_class.clone(),
            agreement: agreement(plan, kinship, &receipt.certificate().claims, &members),
            targets: plan.members.iter().map(|member| member.target.clone()).collect(),
            members,
            visibility: plan.visibility,
            cost_cap: plan.cost_cap,
            budget: None,
            receipt,
            bundle,
            receipt_path: None,
            latency: self.started.elapsed(),
            run_id: self.run_id,
            offline: self.state.offline,
        }
    }

    /// Returns why the panel's result is a failure, if it is one: too few answers, or a certificate
    /// that the policy demands and that could not be issued.
    fn refusal(&self, plan: &PlannedPanel, answer: &PanelAnswer) -> Option<Error> {
        let class = &self.task_class;
        let asked = answer.members.len();
        let answered = answer.answers().count();
        let quorum = plan.quorum().max(1);
        if answered < quorum {
            let message =
                format!("{answered} of {asked} members of `{class}` answered, and {quorum} must");
            let error = Error::new(Category::Quorum, message);
            let mut failed = answer.members.iter().filter(|member| !is_spared(member));
            let first = failed.find_map(|member| member.as_ref().err());
            return Some(match first {
                Some(failure) => error.with_hint(self.quorum_hint(failure)),
                None => error,
            });
        }
        if plan.visibility.enforce == Enforce::Soft || answer.independence_certified() {
            return None;
        }
        let why = why_not_certified(answer.certificate());
        let message = format!("the independence of `{class}` is not certified");
        Some(Error::new(Category::Independence, message).with_hint(why))
    }

    /// Returns advice about the first member that did not answer, or about the quorum.
    fn quorum_hint(&self, first: &Failure) -> String {
        let advice = first.error().hint().map(|hint| format!(": {hint}")).unwrap_or_default();
        let class = &self.task_class;
        format!(
            "the first that did not: {first}{advice}; or let fewer answer by `quorum` under \
             visibility.{class}"
        )
    }
}

/// Returns whether a member was not asked because too few others could be asked. The failure of
/// such a member does not show the cause.
pub(super) fn is_spared(member: &Result<Answer, Failure>) -> bool {
    matches!(member, Err(failure) if failure.category() == Category::Quorum)
}

/// Returns why a panel is not certified: the first claim that failed, else the first that is
/// unknown. An unknown `fresh` does not keep a panel from being certified.
pub(super) fn why_not_certified(certificate: &Certificate) -> String {
    let is = |result| move |(_, claim): &(&str, &Claim)| claim.result == result;
    let failed = certificate.claims.named().into_iter().filter(is(ClaimResult::Fail));
    let unknown = certificate.claims.named().into_iter().filter(is(ClaimResult::Unknown));
    let mut blocking = failed.chain(unknown.filter(|(name, _)| *name != "fresh"));
    let first = blocking.next().map(|(name, claim)| format!("{name}: {}", claim.because));
    first.unwrap_or_else(|| format!("{:?} is required", certificate.required))
}

/// Compares the answers of the members that answered. How much their agreement is worth depends on
/// the certified claims.
fn agreement(
    plan: &PlannedPanel,
    kinship: &Kinship,
    claims: &Claims,
    members: &[Result<Answer, Failure>],
) -> Agreement {
    let texts: Vec<_> =
        members.iter().map(|member| member.as_ref().ok().map(Answer::text)).collect();
    let members = members.iter().zip(&plan.members).zip(&texts).zip(1..);
    let answers = members.filter_map(|(((member, planned), text), position)| {
        let (answer, text) = (member.as_ref().ok()?, text.as_deref()?);
        let is_whole = answer.completion.ended_by_itself(planned.max_tokens);
        Some(MemberAnswer { member: position, text, is_whole, lineage: lineage(kinship, answer) })
    });
    panel::agreement(&answers.collect::<Vec<_>>(), plan.agree, claims)
}

/// Returns the known lineage of the model that answered, looked up by the name that the API
/// reported.
fn lineage<'k>(kinship: &'k Kinship, answer: &Answer) -> Option<&'k Lineage> {
    let Target { provider, model, .. } = &answer.target;
    let answered = answer.completion.model.as_deref().unwrap_or(model.as_str());
    kinship.read(provider.as_str(), model.as_str(), answered).0
}
