//! From what a panel's members said to what a caller gets: agreement, certificate, receipt, and
//! whether that is an answer.

use crate::certificate::{
    Certificate, Claim, ClaimResult, Claims, Kinship, Lineage, Receipt, Rules,
};
use crate::dispatch::Context;
use crate::error::{Category, Error};
use crate::model::{Blind, FinishReason, Prompt, Target};
use crate::outcome::{Answer, Failure, FailureParts, PanelAnswer, Reply};
use crate::panel::{self, Agreement, MemberAnswer, PanelRun};
use crate::policy::{Enforce, PlannedPanel, Policy};

use super::active::ActiveRun;

impl ActiveRun<'_> {
    /// Answers by a panel.
    pub(super) async fn panel(
        &self,
        context: &Context<'_>,
        plan: &PlannedPanel,
        prompt: &Prompt<Blind>,
    ) -> Result<Reply, Failure> {
        let answer = self.certified(context, plan, prompt).await?;
        match self.refusal(plan, &answer) {
            Some(error) => {
                let attempts = answer.attempts().cloned().collect();
                let panel = Some(Box::new(answer));
                Err(Failure::new(FailureParts { panel, attempts, ..self.parts(error) }))
            }
            None => Ok(Reply::Panel(Box::new(answer))),
        }
    }

    /// Asks all members, certifies what came, and writes the receipt; whether that is an answer is
    /// another question.
    pub(super) async fn certified(
        &self,
        context: &Context<'_>,
        plan: &PlannedPanel,
        prompt: &Prompt<Blind>,
    ) -> Result<PanelAnswer, Failure> {
        let keyless = |target: &Target| self.keyless(context.policy, target, "member");
        let said = panel::ask(context, plan, prompt, keyless).await;
        let said = said.map_err(|error| self.failure(error))?;
        let mut answer = self.compared(context.policy, plan, said);
        for member in answer.answers() {
            self.state.recent_answers.add(&member.text());
        }
        let PanelAnswer { receipt, bundle, .. } = &answer;
        answer.receipt_path = self.archived(context.policy, receipt, bundle).await;
        Ok(answer)
    }

    /// Compares the answers and certifies them.
    fn compared(&self, policy: &Policy, plan: &PlannedPanel, said: PanelRun) -> PanelAnswer {
        let PanelRun { courses, mut evidence, spent } = said;
        evidence.earlier_answers = self.state.recent_answers.all();
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
            agreement: agreement(kinship, &receipt.certificate().claims, &members),
            targets: plan.members.iter().map(|member| member.target.clone()).collect(),
            members,
            visibility: plan.visibility,
            cost_cap: plan.cost_cap,
            receipt,
            bundle,
            receipt_path: None,
            latency: self.started.elapsed(),
            run_id: self.run_id,
            offline: self.state.offline,
        }
    }

    /// Why the panel is no answer, if it is none.
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
                Some(failure) => error.with_hint(format!("the first that did not: {failure}")),
                None => error,
            });
        }
        if plan.visibility.enforce == Enforce::Soft || answer.independence_certified() {
            return None;
        }
        let why = blocking(answer.certificate());
        let message = format!("the independence of `{class}` is not certified");
        Some(Error::new(Category::Independence, message).with_hint(why))
    }
}

/// Whether a member was not asked because others could not be. That says nothing of why.
pub(super) fn is_spared(member: &Result<Answer, Failure>) -> bool {
    matches!(member, Err(failure) if failure.category() == Category::Cancelled)
}

/// What keeps a panel from being certified: what failed first, then what is unknown. That
/// `fresh` is unknown keeps nobody.
pub(super) fn blocking(certificate: &Certificate) -> String {
    let is = |result| move |(_, claim): &(&str, &Claim)| claim.result == result;
    let failed = certificate.claims.named().into_iter().filter(is(ClaimResult::Fail));
    let unknown = certificate.claims.named().into_iter().filter(is(ClaimResult::Unknown));
    let mut blocking = failed.chain(unknown.filter(|(name, _)| *name != "fresh"));
    let first = blocking.next().map(|(name, claim)| format!("{name}: {}", claim.because));
    first.unwrap_or_else(|| format!("{:?} is required", certificate.required))
}

/// How far the members that answered agree, and what that is worth by what was certified.
fn agreement(kinship: &Kinship, claims: &Claims, members: &[Result<Answer, Failure>]) -> Agreement {
    let texts: Vec<_> =
        members.iter().map(|member| member.as_ref().ok().map(Answer::text)).collect();
    let answers = members.iter().zip(&texts).zip(1..).filter_map(|((member, text), position)| {
        let (answer, text) = (member.as_ref().ok()?, text.as_deref()?);
        let is_whole = answer.completion.finish_reason == FinishReason::Stop;
        Some(MemberAnswer { member: position, text, is_whole, kin: kin(kinship, answer) })
    });
    panel::agreement(&answers.collect::<Vec<_>>(), claims)
}

/// What is known of the model that answered, by the name that the API gave it.
fn kin<'k>(kinship: &'k Kinship, answer: &Answer) -> Option<&'k Lineage> {
    let Target { provider, model, .. } = &answer.target;
    let answered = answer.completion.model.as_deref().unwrap_or(model.as_str());
    kinship.find(provider.as_str(), answered)
}
