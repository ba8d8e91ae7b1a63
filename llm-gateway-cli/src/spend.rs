//! `llm-gateway spend`: shows what a month or a day has cost and what the caps leave.

use std::process::ExitCode;

use llm_gateway_core::ledger::{DroppedHolds, Period};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::spend::SpendReport;
use llm_gateway_core::{Envelope, Error, Gateway};
use serde_json::json;

use crate::options::{Spend, USAGE};
use crate::render;
use crate::terminal::{FAINT, STRONG, Terminal};

/// The output of the command `spend`, which is shown as text or as JSON.
struct SpendOutput {
    report: SpendReport,
    /// The unsettled holds that were released; `None` if that was not asked for.
    dropped: Option<DroppedHolds>,
}

pub(crate) async fn run(
    spend: &Spend,
    gateway: &Gateway,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    if spend.drop_unsettled && !spend.yes && (terminal.json || !terminal.can_ask()) {
        terminal.complain("nobody can be asked here: `--drop-unsettled` needs `--yes`");
        return Ok(ExitCode::from(USAGE));
    }
    // An invalid policy is shown with all its places, as every command shows it.
    if let Err(problems) = gateway.policy() {
        terminal.failure(&Envelope::from(&problems))?;
        return Ok(ExitCode::FAILURE);
    }
    match collect(spend, gateway, terminal).await {
        Ok(Some(told)) => {
            told.show(terminal)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(None) => {
            terminal.note("nothing was given back")?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Reads the ledger, and releases unsettled holds if that is asked for and the person agrees.
///
/// Returns `None` if the person does not agree.
async fn collect(
    spend: &Spend,
    gateway: &Gateway,
    terminal: &mut Terminal,
) -> Result<Option<SpendOutput>, Error> {
    let by = spend.by.into();
    let day = spend.day.map(|day| day.unwrap_or_else(|| gateway.today()).into());
    let period = day.or_else(|| spend.month.map(Period::from));
    let report = gateway.spent(period, by).await?;
    if !spend.drop_unsettled {
        return Ok(Some(SpendOutput { report, dropped: None }));
    }
    // The month stays the same to the end, even if the next one begins meanwhile.
    let (month, unsettled) = (report.spent.period.month(), report.spent.unsettled);
    if unsettled == NanoUsd::ZERO {
        return Ok(Some(SpendOutput { report, dropped: Some(DroppedHolds::default()) }));
    }
    let question = format!(
        "{unsettled} of {month} is held by processes that ended. What their calls did cost would \
         be counted nowhere. Give it back?"
    );
    if !spend.yes && !terminal.confirms(&question) {
        return Ok(None);
    }
    let dropped = gateway.drop_unsettled(Some(month)).await?;
    let report = gateway.spent(Some(month.into()), by).await?;
    Ok(Some(SpendOutput { report, dropped: Some(dropped) }))
}

impl SpendOutput {
    fn show(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        match terminal.json {
            true => terminal.document(&self.envelope()),
            false => self.tables(terminal),
        }
    }

    fn envelope(&self) -> Envelope {
        let mut data = json!(self.report);
        if let (Some(dropped), Some(data)) = (self.dropped, data.as_object_mut()) {
            data.insert("dropped".to_owned(), json!(dropped));
        }
        Envelope::success(data)
    }

    fn tables(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        let spent = &self.report.spent;
        if let Some(DroppedHolds { holds, amount, .. }) = self.dropped {
            terminal.line(&format!("{amount} given back, of {holds} calls that nobody settled"))?;
        }
        terminal.line(&format!("{STRONG}{}{STRONG:#} {FAINT}(UTC){FAINT:#}", spent.period))?;
        match spent.rows.is_empty() {
            true => terminal.line("no call was booked")?,
            false => terminal.laid_out(&render::spent_rows(&self.report, terminal.width()))?,
        }
        terminal.laid_out(&render::spent_totals(spent, terminal.width()))?;
        if !self.report.caps.is_empty() {
            terminal.laid_out(&render::caps(&self.report.caps, terminal.width()))?;
        }
        if spent.unsettled > NanoUsd::ZERO {
            terminal.hint(
                "unsettled money is held by a process that ended, and counts against the caps until \
                 the month ends; `llm-gateway spend --drop-unsettled` gives it back",
            )?;
        }
        Ok(())
    }
}
