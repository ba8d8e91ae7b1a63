//! Builds a gateway from the choices of its builder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::config::{self, Diagnostic, LoadRequest, Loaded, PipeTexts, PolicyProblems};
use crate::credential::{CredentialSource, EnvironmentCredentials};
use crate::environment::Environment;
use crate::gateway::lending::ScrubbedCredentials;
use crate::gateway::origin::{LedgerFile, Origin, SizedRoom, limiters_for, remembered};
use crate::gateway::providers::{http_providers, own_providers};
use crate::gateway::scripts::script_problems;
use crate::gateway::secrets::{SecretRule, ask_whenever_read, reader};
use crate::gateway::{Gateway, adapters, own_parts};
use crate::ledger::{Ledger, MemoryLedger};
use crate::model::{InvalidName, ProviderName};
use crate::network::Network;
use crate::policy::{Policy, Spending};
use crate::provider::Provider;
use crate::random::Random;
use crate::run::{LastingState, SharedState};
use crate::transport::{KnownSecrets, Scrubber, Transport};

use super::GatewayBuilder;

impl GatewayBuilder {
    /// Builds the gateway.
    ///
    /// # Errors
    /// [`PolicyProblems`] lists everything that makes the policy unusable, each with its line, its
    /// column and a hint. A provider's name that is not valid, and an adapter that this build lacks
    /// but the policy needs, are listed as well.
    pub fn build(self) -> Result<Gateway, PolicyProblems> {
        let gateway = self.build_always();
        match &gateway.state.policy {
            Ok(_) => Ok(gateway),
            Err(problems) => Err(problems.clone()),
        }
    }

    /// Builds the gateway even if the policy cannot be used.
    ///
    /// Every request then fails with [`Category::PolicyInvalid`](crate::Category::PolicyInvalid)
    /// and the problems of the policy. A server, which has to start before anybody can read its
    /// errors, builds its gateway this way.
    pub fn build_always(mut self) -> Gateway {
        let before = self.before.take();
        let origin = before.as_ref().map(|before| &*before.origin);
        let process = self.environment.take().unwrap_or_else(Environment::from_process);
        let given = Self { environment: Some(process.clone()), ..self.clone() };
        let pipes = origin.map(|it| Arc::clone(&it.pipes)).unwrap_or_default();
        let Loaded { policy, problems, environment, env_file, .. } =
            self.load(process, origin, &pipes);
        let (network, transport) = self.network_for(&environment, origin);
        let spending = policy.as_ref().ok().map(Policy::spending).filter(|it| it.counts);
        let ledger_file = self.ledger_file(spending, origin);
        let in_file = ledger_file.as_ref().filter(|_| spending.is_some());
        let in_file = in_file.map(|it| Arc::clone(&it.ledger));
        let missing = self.missing(policy.as_ref().ok(), transport.is_some(), in_file.is_some());
        let moved = ledger_file.as_ref().and_then(|it| it.moved(spending?));
        let policy = policy.ok().filter(|_| missing.is_empty()).map(Arc::new);
        let of_network = network.iter().flat_map(|it| adapters::network_problems(it.remarks()));
        let problems: Vec<Diagnostic> =
            problems.into_iter().chain(missing).chain(of_network).chain(moved).collect();
        let policy = policy.ok_or_else(|| PolicyProblems::new(problems.clone()));
        let reader = reader(policy.as_ref().ok(), before.as_ref());
        let used = policy.as_deref().ok();
        let secrets = remembered(origin, network.as_deref());
        let scrubber = Scrubber::sharing(Arc::clone(&secrets));
        let ledger = self.ledger.take().map(|own| own_parts::ledger(own, &scrubber)).or(in_file);
        let credentials = self.credentials_for(reader.clone(), &environment, &secrets);
        let room = used.map(|policy| SizedRoom::of(origin, policy.output().max_bytes_in_flight));
        let parts = Origin { network, transport, ledger_file, room, secrets, env_file, pipes };
        let providers = self.providers_for(used, &credentials, &parts);
        let limiters = before.as_ref().map(|before| &before.state.limiters);
        let lasting = before.as_ref().map(|before| Arc::clone(&before.state.lasting));
        let state = SharedState {
            providers,
            limiters: used.map(|policy| limiters_for(policy, limiters)).unwrap_or_default(),
            policy,
            problems,
            credentials,
            scrubber,
            ledger,
            cache: self.cache,
            clock: self.clock,
            observer: self.observer,
            lasting: lasting.unwrap_or_else(|| Arc::new(LastingState::new(Random::new(self.seed)))),
            kinship: OnceLock::new(),
            offline: self.offline,
            is_hermetic: self.is_hermetic,
        };
        let (given, origin) = (Arc::new(given), Arc::new(parts));
        Gateway { state: Arc::new(state), given, origin, policy_error: None }
    }

    /// Returns the providers of the policy: those of the program, and one over HTTP for each other.
    fn providers_for(
        &mut self,
        policy: Option<&Policy>,
        credentials: &Arc<dyn CredentialSource>,
        parts: &Origin,
    ) -> BTreeMap<ProviderName, Arc<dyn Provider>> {
        let script = self.script.as_ref();
        let over_http = |policy| http_providers(policy, credentials, &self.clock, script, parts);
        let mut providers = policy.map(over_http).unwrap_or_default();
        let own = own_parts::providers(policy, std::mem::take(&mut self.providers));
        providers.extend(own_providers(own, &parts.secrets));
        providers
    }

    /// Returns the problems of what the policy needs and this build, or the program, lacks.
    fn missing(
        &self,
        policy: Option<&Policy>,
        has_transport: bool,
        has_ledger_file: bool,
    ) -> Vec<Diagnostic> {
        let mut missing = self.invalid_provider_names();
        if let Some(script) = &self.script {
            missing.extend(script_problems(script, policy, self.providers.keys()));
        }
        let Some(policy) = policy else { return missing };
        if !has_transport {
            missing.extend(adapters::missing_network(policy, self.providers.keys()));
        }
        if policy.spending().counts && !has_ledger_file && self.ledger.is_none() {
            missing.push(adapters::missing_file_ledger());
        }
        missing
    }

    /// Returns the program's transport, else that over the network, with the network's settings. A
    /// transport of the program's own has its own, and that of `before` keeps its connections.
    fn network_for(
        &mut self,
        environment: &Environment,
        before: Option<&Origin>,
    ) -> (Option<Arc<Network>>, Option<Arc<dyn Transport>>) {
        if let Some(before) = before {
            return (before.network.clone(), before.transport.clone());
        }
        if let Some(own) = self.transport.take() {
            return (None, Some(own));
        }
        let network = Arc::new(Network::of(environment));
        let transport = adapters::network(&network);
        (transport.is_some().then_some(network), transport)
    }

    /// Returns the program's source of keys, or the variables that the policy names. What it knows
    /// and lends is added to `secrets`.
    fn credentials_for(
        &mut self,
        policy: Option<Arc<Policy>>,
        environment: &Environment,
        secrets: &Arc<KnownSecrets>,
    ) -> Arc<dyn CredentialSource> {
        let rule = SecretRule::new(policy.clone(), environment.clone());
        let source = self.credentials.take().inspect(|own| {
            ask_whenever_read(secrets, rule.clone(), own);
        });
        let source = source.unwrap_or_else(|| {
            let specs = policy.iter().flat_map(|policy| policy.providers().values());
            let variables = specs.flat_map(|spec| spec.endpoint.variables()).map(str::to_owned);
            Arc::new(EnvironmentCredentials::new(environment.clone(), variables))
        });
        let source = ScrubbedCredentials::new(source, Arc::clone(secrets), policy);
        secrets.learn(&rule.known(&source));
        Arc::new(source)
    }

    /// Reads and compiles the policy that the builder was given.
    fn load(&self, process: Environment, before: Option<&Origin>, pipes: &PipeTexts) -> Loaded {
        let own_providers: Vec<_> = self.providers.keys().cloned().collect();
        let request = LoadRequest::new(&self.source, self.clock.now())
            .with_environment(process)
            .with_env_file(self.env_file.as_deref())
            .with_own_providers(&own_providers)
            .with_caps(self.caps.clone())
            .with_pipes(pipes)
            .after_env_file(before.and_then(|it| it.env_file.as_deref()));
        let has_file = !self.offline && self.ledger.is_none();
        config::load(if has_file { request } else { request.counting_elsewhere() })
    }

    /// Returns the ledger that was opened before, else the one that `spending` asks for, unless the
    /// program brings a ledger of its own.
    fn ledger_file(
        &self,
        spending: Option<&Spending>,
        before: Option<&Origin>,
    ) -> Option<LedgerFile> {
        if let Some(open) = before.and_then(|it| it.ledger_file.clone()) {
            return Some(open);
        }
        let spending = spending.filter(|_| self.ledger.is_none())?;
        let path = spending.ledger.clone();
        self.ledger_at(path.clone()).map(|ledger| LedgerFile { path, ledger })
    }

    /// Returns the problems of names that were given to [`provider`](Self::provider) and are not
    /// valid.
    fn invalid_provider_names(&self) -> Vec<Diagnostic> {
        let problem = |invalid: &InvalidName| {
            let hint = "give `GatewayBuilder::provider` a name such as `in_house`";
            Diagnostic::of_build(invalid.to_string(), hint)
        };
        self.invalid_names.iter().map(problem).collect()
    }

    /// Returns the ledger for the file at `path`, if this build can open one. Scripted answers cost
    /// nothing, so offline the user's own file stays untouched; the rules still hold, in memory.
    fn ledger_at(&self, path: Option<PathBuf>) -> Option<Arc<dyn Ledger>> {
        match self.offline {
            true => Some(Arc::new(MemoryLedger::new())),
            false => path.and_then(adapters::file_ledger),
        }
    }
}
