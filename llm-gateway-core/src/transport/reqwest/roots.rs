//! Reads the certificates that are trusted: those that variables name, else the system's.
//!
//! Certificates that a variable names are never replaced by others: a call fails and names the
//! variable.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::oneshot;

use crate::error::{has_no_descriptor, is_own_want};
use crate::network::{CertificatePlace, CertificatePlaces, Network, NetworkRemark};
use crate::runtime::in_real_time;
use crate::transport::{Phase, TransportError};
use crate::user_file::read_file;

use super::unbuilt;

/// Advice on the values that the variables of certificates may have.
const FORMS: &str = "SSL_CERT_FILE takes the absolute path of a PEM file with the trusted \
    certificates, SSL_CERT_DIR that of a directory of such files; without both, the system's count";

/// The certificates and faults that were found at the places that variables name.
struct Found {
    store: RootCertStore,
    /// The places that cannot be used, and why.
    faults: Vec<(&'static str, String)>,
    /// The resource that this process has run out of, such as descriptors.
    want: Option<String>,
}

/// The roots that are trusted, once they were read. Those of a pipe can be read once only.
#[derive(Default)]
pub(super) struct Roots(Mutex<Option<Reading>>);

/// The reading of roots, which any number of calls may wait for, on whichever runtimes: none of
/// them has to go on for another's sake.
type Reading = Shared<BoxFuture<'static, Result<Arc<RootCertStore>, TransportError>>>;

impl Roots {
    /// Returns the roots that are trusted, read if this is their first use. They are read on a
    /// thread of their own: files are slow, and a pipe is waited for.
    ///
    /// # Errors
    /// Fails if a variable names certificates that cannot be used. Also fails if this process
    /// cannot open their files at this moment: a client that trusted fewer roots would do so until
    /// the process ends. A failure is not kept.
    pub(super) async fn get(
        &self,
        network: &Network,
    ) -> Result<Arc<RootCertStore>, TransportError> {
        let begin = || begin_reading(network.certificates.clone());
        let reading = self.lock().get_or_insert_with(begin).clone();
        let read = in_real_time(reading.clone()).await;
        if read.is_err() {
            self.lock().take_if(|kept| kept.ptr_eq(&reading));
        }
        read
    }

    /// Returns whether the roots were read, or are being read.
    #[cfg(test)]
    pub(super) fn were_read(&self) -> bool {
        self.lock().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin_reading(places: CertificatePlaces) -> Reading {
    let (tell, told) = oneshot::channel();
    let read = move || drop(tell.send(trusted(&places).map(Arc::new)));
    let thread = std::thread::Builder::new().name("llm-gateway-roots".to_owned()).spawn(read);
    let reading = async move {
        thread.map_err(|error| TransportError::new(Phase::OutOfResources, error.to_string()))?;
        told.await.unwrap_or_else(|_| Err(unbuilt("the certificates were not read")))
    };
    reading.boxed().shared()
}

/// Returns remarks about the certificates that variables name and that cannot be used.
pub(crate) fn certificate_remarks(network: &Network) -> Vec<NetworkRemark> {
    let places = &network.certificates;
    let found = found(places);
    let is_fatal = is_fatal(places, &found);
    let message = |(variable, why): &(&'static str, String)| match is_fatal {
        true => format!("{variable}: {why}, so calls to other machines fail"),
        false => format!("{variable}: {why}, so it is left out"),
    };
    let messages = found.faults.iter().map(message);
    messages.map(|message| NetworkRemark { message, hint: FORMS }).collect()
}

fn trusted(places: &CertificatePlaces) -> Result<RootCertStore, TransportError> {
    if places.all().next().is_none() {
        return of_system();
    }
    let found = found(places);
    if let Some(want) = found.want {
        return Err(TransportError::new(Phase::OutOfResources, want));
    }
    if !is_fatal(places, &found) {
        return Ok(found.store);
    }
    let told = found.faults.iter().map(|(variable, why)| format!("{variable}: {why}"));
    let told = told.collect::<Vec<_>>().join("; ");
    let message = format!("no certificates can be trusted: {told}");
    Err(TransportError::new(Phase::Setting, message).with_hint(FORMS))
}

/// Returns whether the certificates that were found may not be used alone. A directory that cannot
/// be read may be left out, beside a file that was read or another directory; a file may not.
fn is_fatal(places: &CertificatePlaces, found: &Found) -> bool {
    let of_file = places.file.as_ref().map(|place| place.variable);
    let is_of_file = |(variable, _): &(&'static str, String)| Some(*variable) == of_file;
    found.faults.iter().any(is_of_file) || (found.store.is_empty() && !found.faults.is_empty())
}

/// Reads every place that variables name.
fn found(places: &CertificatePlaces) -> Found {
    let mut found = Found { store: RootCertStore::empty(), faults: Vec::new(), want: None };
    if let Some(place) = &places.file {
        found.add(place, of_file);
    }
    for place in &places.directories {
        found.add(place, of_directory);
    }
    found
}

/// The certificates of a place, or the fault that hides them.
type Certificates = Result<Vec<CertificateDer<'static>>, Fault>;

/// The reason why no certificates were read at a place.
enum Fault {
    /// This process has run out of descriptors or memory.
    Want(String),
    Unusable(String),
}

impl Found {
    fn add(&mut self, place: &CertificatePlace, read: impl Fn(&Path) -> Certificates) {
        let certificates = match &place.path {
            Ok(path) => read(path).map_err(|fault| match fault {
                Fault::Unusable(why) => Fault::Unusable(format!("{}: {why}", path.display())),
                want => want,
            }),
            Err(why) => Err(Fault::Unusable((*why).to_owned())),
        };
        let added = certificates.map(|it| self.store.add_parsable_certificates(it).0);
        match (added, &place.path) {
            (Ok(0), Ok(path)) => {
                let why = format!("{}: no certificate in it can be read", path.display());
                self.faults.push((place.variable, why));
            }
            (Ok(_), _) => {}
            (Err(Fault::Unusable(why)), _) => self.faults.push((place.variable, why)),
            (Err(Fault::Want(want)), _) => self.want = Some(want),
        }
    }
}

/// Reads the certificates of a PEM file.
fn of_file(path: &Path) -> Certificates {
    let bytes = read_file(path).map_err(|why| match has_no_descriptor() {
        true => Fault::Want("this process can open no more files".to_owned()),
        false => Fault::Unusable(why),
    })?;
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::Unusable("it is empty".to_owned()));
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(text).filter_map(Result::ok).collect();
    match certificates.is_empty() {
        true => Err(Fault::Unusable("it holds no certificate in PEM".to_owned())),
        false => Ok(certificates),
    }
}

/// Reads the certificates of the files of a directory.
fn of_directory(path: &Path) -> Certificates {
    let found = rustls_native_certs::load_certs_from_paths(None, Some(path));
    if let Some(want) = found.errors.iter().find_map(want_of) {
        return Err(Fault::Want(want.to_string()));
    }
    if !found.certs.is_empty() {
        return Ok(found.certs);
    }
    Err(Fault::Unusable(match std::fs::metadata(path) {
        Ok(kind) if !kind.is_dir() => "it is no directory".to_owned(),
        Ok(_) => "it holds no certificate in PEM".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "there is no such directory".to_owned()
        }
        Err(error) => error.kind().to_string(),
    }))
}

/// Returns the system's roots, so that a company's own roots are trusted. Returns Mozilla's if the
/// system has none, as in a container without CA files.
fn of_system() -> Result<RootCertStore, TransportError> {
    let found = system_certificates();
    if let Some(error) = found.errors.iter().find_map(want_of) {
        return Err(TransportError::new(Phase::OutOfResources, error.to_string()));
    }
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    Ok(store)
}

/// The files in which systems keep their trusted certificates, as openssl-probe lists them. The
/// first that exists counts. The list stands here because openssl-probe and `load_native_certs`
/// read the process's variables first, and variables are read in one place.
#[cfg(all(unix, not(target_os = "macos")))]
const SYSTEM_FILES: [&str; 15] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Gentoo, most others
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7 and newer
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/ssl/cert.pem",                  // Alpine, OpenBSD
    "/opt/etc/ssl/certs/ca-certificates.crt", // Entware
    "/etc/ssl/certs/cacert.pem",          // OpenHarmony
    "/usr/local/etc/ssl/cert.pem",        // FreeBSD
    "/usr/local/share/certs/ca-root-nss.crt", // DragonFly BSD
    "/etc/openssl/certs/ca-certificates.crt", // NetBSD
    "/etc/certs/ca-certificates.crt",     // Solaris, OpenIndiana
    "/etc/ssl/cacert.pem",                // OmniOS
    "/data/data/com.termux/files/usr/etc/tls/cert.pem", // Termux
    "/boot/system/data/ssl/CARootCertificates.pem", // Haiku
];

/// Returns the system's certificates, whatever the process's variables say.
#[cfg(all(unix, not(target_os = "macos")))]
fn system_certificates() -> rustls_native_certs::CertificateResult {
    let file = SYSTEM_FILES.iter().map(Path::new).find(|path| path.exists());
    let mut found = rustls_native_certs::load_certs_from_paths(file, None);
    for directory in openssl_probe::candidate_cert_dirs() {
        let more = rustls_native_certs::load_certs_from_paths(None, Some(directory));
        found.certs.extend(more.certs);
        found.errors.extend(more.errors);
    }
    found
}

/// Returns the certificates of the system's store. On macOS and Windows the variables of the
/// process take their place, because the store cannot be asked without them.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn system_certificates() -> rustls_native_certs::CertificateResult {
    rustls_native_certs::load_native_certs()
}

/// Returns the system's error if a root was not read because this process has run out of
/// descriptors or memory.
fn want_of(error: &rustls_native_certs::Error) -> Option<&std::io::Error> {
    match &error.kind {
        rustls_native_certs::ErrorKind::Io { inner, .. } if is_own_want(inner) => Some(inner),
        _ => None,
    }
}
