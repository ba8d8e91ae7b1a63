//! The flags that every front has, and the gateway that they choose.

use std::path::PathBuf;

use clap::Args;
use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Environment, Gateway};

use crate::reload::{PolicyWatch, report_start};

/// The flags that choose a gateway and its logs. The comments of the fields are their help texts.
#[derive(Args)]
pub struct GatewayFlags {
    /// The policy file; else $LLM_GATEWAY_ROUTING, else routing.yaml in the user's
    /// configuration directory, else the built-in policy.
    #[arg(long, global = true, value_name = "FILE")]
    pub routing: Option<PathBuf>,
    /// Read variables from this file in place of .env beside the policy.
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Answer from a script: nothing leaves the machine, no key is needed.
    #[arg(long, global = true)]
    pub offline: bool,
    /// What is logged to stderr: error, warn, info, debug, trace, or levels by target such as
    /// warn,llm_gateway=debug; else $RUST_LOG.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
}

impl GatewayFlags {
    /// Builds the gateway that the flags choose.
    ///
    /// The gateway is built even if the policy is invalid, so that a front can start and report the
    /// problems in its own way: see [`Gateway::problems`].
    pub fn gateway(&self, environment: Environment) -> Gateway {
        self.gateway_of(self.source(&environment), environment)
    }

    /// Builds the gateway that the flags choose, as [`gateway`](Self::gateway) does, tells its
    /// problems on stderr, and returns a watch that replaces it when its files change.
    pub fn watched_gateway(&self, environment: Environment) -> PolicyWatch {
        let (source, env_file) = (self.source(&environment), self.env_file.clone());
        PolicyWatch::over(source, env_file, environment, |source, environment| {
            let gateway = self.gateway_of(source, environment);
            report_start(&gateway);
            gateway
        })
    }

    /// Returns the source of the policy that the flags choose.
    fn source(&self, environment: &Environment) -> PolicySource {
        match &self.routing {
            Some(path) => PolicySource::File(path.clone()),
            None => PolicySource::discover(environment),
        }
    }

    fn gateway_of(&self, source: PolicySource, environment: Environment) -> Gateway {
        if let PolicySource::EmbeddedInPlaceOf(path) = &source {
            tracing::info!("the built-in policy is used: nothing is at {}", path.display());
        }
        let mut builder = Gateway::builder().policy(source).environment(environment);
        if let Some(path) = &self.env_file {
            builder = builder.env_file(path);
        }
        if self.offline {
            builder = builder.offline();
        }
        builder.build_always()
    }
}
