//! The options and subcommands of the command line.
//!
//! The comments on options, subcommands and values are the help texts that a user reads.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use llm_gateway_core::Environment;
use llm_gateway_core::certificate::ReceiptDigest;
use llm_gateway_core::ledger::{Day, Month, SpendBy};
use llm_gateway_process::GatewayFlags;

use crate::layout::{width_of, wrapped};

/// The exit code of a command line that was used wrongly.
pub(crate) const USAGE: u8 = 2;

/// Routes questions to language models by a policy: price checked first, every try on record.
#[derive(Parser)]
#[command(name = "llm-gateway", version, arg_required_else_help = true)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Options {
    /// Reads the options of this process.
    ///
    /// # Errors
    /// Where there is nothing to run, the help text or what is wrong has been shown, and the exit
    /// code is returned.
    pub(crate) fn read(environment: &Environment) -> Result<Self, ExitCode> {
        let width = width_of(io::stdout(), environment);
        let matches = Self::command().term_width(width).try_get_matches();
        let options = matches.and_then(|matches| Self::from_arg_matches(&matches));
        options.map_err(|error| show(&error, environment))
    }
}

/// Shows a help text on stdout or a mistake on stderr, and returns the exit code.
fn show(error: &clap::Error, environment: &Environment) -> ExitCode {
    let text = error.render().ansi().to_string();
    // Nobody is left to be told where this cannot be written.
    let _ = match error.use_stderr() {
        true => {
            write!(anstream::stderr(), "{}", wrapped(&text, width_of(io::stderr(), environment)))
        }
        false => {
            write!(anstream::stdout(), "{}", wrapped(&text, width_of(io::stdout(), environment)))
        }
    };
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The flags of every subcommand.
#[derive(Args)]
pub(crate) struct Global {
    #[command(flatten)]
    pub(crate) gateway: GatewayFlags,
    /// Print one JSON document in place of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// See every tool work, offline, in a second: start here.
    Tour,
    /// Check the policy file and the keys; tell which task classes can run.
    Check(Check),
    /// Ask the model, the panel or the cascade of models that the policy names for a task class.
    Route(Route),
    /// Have a task planned, executed and verified. Exit code 0: accepted, or nobody was asked to
    /// verify; 3: refused, or nobody could be had to verify.
    Orchestrate(Orchestrate),
    /// Tell task classes, providers and keys.
    Info,
    /// Tell what a month or a day has cost, and what the caps leave.
    Spend(Spend),
    /// Re-check a receipt, offline. Exit code 0: it holds; 1: it is contradicted, or a file cannot
    /// be read; 2: the bundle is needed to decide; 3: it is no receipt.
    Verify(Verify),
    /// Print the JSON Schema of routing.yaml, for editors.
    Schema,
    /// Print the entry that makes an MCP client start the server.
    ClientConfig(ClientConfig),
}

#[derive(Args)]
pub(crate) struct Check {
    /// Count warnings as errors.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Warn of what is set here and would not reach the server that this MCP client starts.
    #[arg(long, value_enum)]
    pub(crate) client: Option<Client>,
}

#[derive(Clone, Args)]
pub(crate) struct Route {
    /// What kind of task it is.
    pub(crate) task_class: String,
    /// The question; `-` or nothing reads it from stdin. What is piped to stdin beside it comes
    /// behind it.
    pub(crate) prompt: Option<String>,
    /// Instructions that stand above the prompt.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Bound on the answer's tokens, reasoning included.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_tokens: Option<u64>,
    /// Another model id of the class's provider.
    #[arg(long, value_name = "ID")]
    pub(crate) override_model: Option<String>,
    #[command(flatten)]
    pub(crate) documents: Documents,
}

#[derive(Clone, Args)]
pub(crate) struct Orchestrate {
    /// What is to be done; `-` or nothing reads it from stdin. What is piped to stdin beside it
    /// comes behind it.
    pub(crate) task: Option<String>,
    /// How deep it is worked on, as the policy has it.
    #[arg(long, value_enum, default_value_t = Depth::Standard)]
    pub(crate) depth: Depth,
    #[command(flatten)]
    pub(crate) documents: Documents,
}

/// How many steps a task gets. The policy decides what each depth runs; the help texts describe the
/// built-in policy.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Depth {
    /// Execute.
    Trivial,
    /// Execute, verify.
    Standard,
    /// Plan, execute, verify; what is refused is worked on once more.
    Complex,
}

impl Depth {
    /// Returns the name of the depth in a policy.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Standard => "standard",
            Self::Complex => "complex",
        }
    }
}

/// The files that receipt and bundle are written to.
#[derive(Clone, Args)]
pub(crate) struct Documents {
    /// Write the receipt of a panel, a cascade's gate or an orchestration to this file, for
    /// `verify`.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// Write the recorded bytes behind it to this file. They hold prompt and answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Replace a file that is there even if it is no receipt, or no bundle.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The receipt; `-` reads it from stdin.
    pub(crate) receipt: PathBuf,
    /// Its bundle: with it, what the receipt says is certified again, and tokens are counted
    /// again. `-` reads it from stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// The digest that you were given, as in `meta.certificate.receipt.digest`: with it, the
    /// receipt is the one that was issued, or contradicted.
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<ReceiptDigest>,
}

#[derive(Args)]
pub(crate) struct Spend {
    /// The month, in UTC; else the current one.
    #[arg(long, value_name = "YYYY-MM", value_parser = Month::parse)]
    pub(crate) month: Option<Month>,
    /// A day, in UTC, in place of a month; without a value, today.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = Day::parse, conflicts_with_all = ["month", "drop_unsettled"])]
    pub(crate) day: Option<Option<Day>>,
    /// What to group the calls by.
    #[arg(long, value_enum, default_value_t = Grouping::Provider)]
    pub(crate) by: Grouping,
    /// Give back what processes held when they died. What their calls did cost is then counted
    /// nowhere.
    #[arg(long)]
    pub(crate) drop_unsettled: bool,
    /// Do not ask before that.
    #[arg(long, requires = "drop_unsettled")]
    pub(crate) yes: bool,
}

/// The column that `spend` groups calls by.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Grouping {
    /// By provider.
    Provider,
    /// By model, whoever serves it.
    Model,
    /// By task class.
    TaskClass,
}

impl From<Grouping> for SpendBy {
    fn from(grouping: Grouping) -> Self {
        match grouping {
            Grouping::Provider => Self::Provider,
            Grouping::Model => Self::Model,
            Grouping::TaskClass => Self::TaskClass,
        }
    }
}

#[derive(Args)]
pub(crate) struct ClientConfig {
    /// The client.
    #[arg(value_enum)]
    pub(crate) client: Client,
}

/// An MCP client whose configuration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code
    ClaudeCode,
    /// Codex CLI
    Codex,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
    /// Gemini CLI
    Gemini,
    /// opencode
    Opencode,
}

fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| "use a whole number of at least 1".to_owned())
}
