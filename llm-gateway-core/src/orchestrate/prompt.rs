//! Builds the prompt of an orchestration's step from what the step declares that it sees, and from
//! nothing else.

use crate::certificate;
use crate::error::{Category, Error};
use crate::model::{
    AnswerSchema, Ask, Blind, Frame, Framed, ModelText, Prompt, StepRole, VERDICT_SCHEMA,
    planner_ask,
};
use crate::policy::{PlannedStep, Sight, VerdictForm, Workflow};

use super::roles;

/// The JSON schema of a verdict, for models whose output can be made to follow a schema.
const VERDICT: AnswerSchema = AnswerSchema::new("verdict", VERDICT_SCHEMA);

/// The output of an orchestration's step, which is shown to the steps that may see it.
#[derive(Debug, Clone)]
pub(super) struct StepOutput {
    /// Name of the step that made the output.
    pub(super) step: String,
    /// Role of the step that made the output.
    pub(super) role: StepRole,
    /// Position of the step among all steps that ran, counted from 1.
    pub(super) position: u32,
    /// Text that the step's model returned.
    pub(super) text: ModelText,
}

/// The material that a step can be shown: the task, earlier outputs, and reasons for a revision.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// Task of the caller that the orchestration is for.
    pub(super) task: &'a Prompt<Blind>,
    /// Outputs of the earlier steps in the same round.
    pub(super) outputs: &'a [StepOutput],
    /// Reasons why the artifact of the last round was refused; `None` in the first round.
    pub(super) reasons: Option<&'a ModelText>,
}

/// The prompt of a step, and the artifact that the prompt asks a verifier to judge.
pub(super) struct StepPrompt {
    pub(super) prompt: Prompt,
    pub(super) judged: Option<JudgedArtifact>,
}

/// An artifact that is shown to a verifier.
pub(super) struct JudgedArtifact {
    /// Position of the step that made the artifact.
    pub(super) position: u32,
    /// Text of the artifact.
    pub(super) artifact: ModelText,
    /// The lines that the gateway writes around the artifact.
    pub(super) frame: Frame,
}

impl JudgedArtifact {
    /// Returns the judged artifact in the form that the certificate reads.
    pub(super) fn as_evidence(&self, ask: Ask) -> certificate::JudgementEvidence {
        let judged = certificate::JudgementEvidence::new(self.position, self.frame.nonce(), ask);
        match ask {
            Ask::Structured | Ask::StructuredAgain => judged.with_schema(),
            Ask::Plain | Ask::PlainAgain => judged,
        }
    }
}

/// Returns the question that a verifier is asked the first time, in a form of verdict.
pub(super) fn ask(form: VerdictForm) -> Ask {
    match form {
        VerdictForm::Structured => Ask::Structured,
        VerdictForm::Plain => Ask::Plain,
    }
}

/// Returns the question that a verifier is asked again after a reply that was not a verdict.
pub(super) fn ask_again(form: VerdictForm) -> Ask {
    match form {
        VerdictForm::Structured => Ask::StructuredAgain,
        VerdictForm::Plain => Ask::PlainAgain,
    }
}

/// Builds the prompt of an orchestration's step. `ask` is the question to a verifier; `draw`
/// returns 128 random bits.
///
/// # Errors
/// [`Category::Internal`] for a step that sees an output that is not there, which cannot happen in
/// a sound workflow.
pub(super) fn build(
    workflow: &Workflow,
    planned: &PlannedStep,
    view: View<'_>,
    ask: Option<Ask>,
    mut draw: impl FnMut() -> u128,
) -> Result<StepPrompt, Error> {
    let step = &planned.step;
    let built_in = || match step.role {
        StepRole::Planner => roles::planner(),
        StepRole::Worker => roles::worker(),
        StepRole::Verifier => roles::verifier(),
    };
    let instruction = planned.instruction.clone().unwrap_or_else(built_in);
    let mut prompt = Prompt::from(view.task.clone()).with_instruction(instruction);
    if !step.sees.contains(&Sight::Task) {
        prompt = prompt.without_task();
    }
    // Set for a verifier: a sound workflow shows it the task and one output, the artifact.
    let mut judged = None;
    for sight in &step.sees {
        let Some((kind, position, text)) = seen(&step.name, sight, view)? else { continue };
        let grant = workflow.grant(step, sight).ok_or_else(|| missing_output(&step.name))?;
        let frame = Frame::around(kind, text.as_str(), &mut draw);
        prompt = prompt
            .with_frame(frame.opening())
            .show(text.clone(), &grant)
            .with_frame(frame.closing());
        judged = Some(JudgedArtifact { position, artifact: text.clone(), frame });
    }
    Ok(match step.role {
        StepRole::Planner => StepPrompt { prompt: prompt.with_frame(planner_ask()), judged: None },
        StepRole::Worker => StepPrompt { prompt, judged: None },
        StepRole::Verifier => {
            let (judged, ask) = judged.zip(ask).ok_or_else(|| missing_output(&step.name))?;
            let prompt = prompt.with_frame(judged.frame.ask(ask));
            let prompt = match ask {
                Ask::Structured | Ask::StructuredAgain => prompt.answered_as(VERDICT),
                Ask::Plain | Ask::PlainAgain => prompt,
            };
            StepPrompt { prompt, judged: Some(judged) }
        }
    })
}

/// Returns the framed text that a sight shows to a step: its kind, the position of the step that
/// wrote it, and the text itself. Returns `None` if the sight has no text to frame.
fn seen<'a>(
    step: &str,
    sight: &Sight,
    view: View<'a>,
) -> Result<Option<(Framed, u32, &'a ModelText)>, Error> {
    match sight {
        Sight::Task => Ok(None),
        Sight::Reasons => Ok(view.reasons.map(|reasons| (Framed::Reasons, 0, reasons))),
        Sight::Output(name) => {
            let output = view.outputs.iter().find(|output| output.step == *name);
            let output = output.ok_or_else(|| missing_output(step))?;
            let kind = match output.role {
                StepRole::Planner => Framed::Plan,
                StepRole::Worker | StepRole::Verifier => Framed::Artifact,
            };
            Ok(Some((kind, output.position, &output.text)))
        }
    }
}

/// Returns the error of a step that declares to see an output that does not exist.
fn missing_output(step: &str) -> Error {
    Error::new(Category::Internal, format!("step `{step}` sees what is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Completion, Message, ModelId, ProviderName, Target};
    use crate::policy::{PlannedTarget, Step};

    #[test]
    fn a_step_that_may_not_see_the_task_is_not_shown_it() {
        let planner = Step::new("plan", StepRole::Planner, [Sight::Task]);
        let blind = Step::new("work", StepRole::Worker, [Sight::Output("plan".to_owned())]);
        let workflow = Workflow::new(vec![planner, blind]).unwrap();
        let (provider, model) = (ProviderName::new("openai"), ModelId::new("gpt-6-luna"));
        let target = Target::new(provider.unwrap(), model.unwrap());
        let outputs = [StepOutput {
            step: "plan".to_owned(),
            role: StepRole::Planner,
            position: 1,
            text: Completion::text("say a word").model_text(),
        }];
        let task = Prompt::from_caller(None, vec![Message::user("Name a capital.")]);
        let view = View { task: &task, outputs: &outputs, reasons: None };
        let shown = |step: &Step| {
            let planned = PlannedTarget { target: target.clone(), facts: None, max_tokens: 1 };
            let planned = PlannedStep { step: step.clone(), planned, instruction: None };
            let shown = build(&workflow, &planned, view, None, || 7).ok().unwrap();
            shown.prompt.texts().collect::<Vec<_>>().concat()
        };
        let [planner, worker] = [0, 1].map(|index| shown(&workflow.steps()[index]));
        assert!(
            planner.contains("Name a capital.") && !planner.contains("say a word"),
            "{planner}"
        );
        assert!(worker.contains("say a word") && !worker.contains("Name a capital."), "{worker}");
    }
}
