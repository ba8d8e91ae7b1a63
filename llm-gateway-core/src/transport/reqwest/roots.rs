//! Reads the certificates that are trusted: those that variables name, else the system's.
//!
//! Certificates that a variable names are never replaced by others: a call fails and names the
//! variable.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::{has_no_descriptor, is_own_want};
use crate::network::{CertificatePlace, CertificatePlaces, Network, NetworkRemark};
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

/// Reads the roots that are trusted.
///
/// # Errors
/// Fails if a variable names certificates that cannot be used. Also fails if this process cannot open
/// their files at this moment: a client that trusted fewer roots would do so until the process ends.
pub(super) async fn read(network: &Network) -> Result<RootCertStore, TransportError> {
    let places = network.certificates.clone();
    if places.file.is_none() {
        return trusted(&places);
    }
    // The file may be a pipe, which is waited for.
    let read = tokio::task::spawn_blocking(move || trusted(&places)).await;
    read.unwrap_or_else(|error| Err(unbuilt(error)))
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
        return of_system(places.is_emptied);
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
fn of_system(is_emptied: bool) -> Result<RootCertStore, TransportError> {
    let found = match is_emptied {
        true => beside_empty_variables(),
        false => rustls_native_certs::load_native_certs(),
    };
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

/// Returns the system's certificates where a variable is there without a value. It counts as missing,
/// as in curl, but `load_native_certs` would read nothing but the value.
#[cfg(all(unix, not(target_os = "macos")))]
fn beside_empty_variables() -> rustls_native_certs::CertificateResult {
    let places = openssl_probe::probe();
    let mut found = rustls_native_certs::load_certs_from_paths(places.cert_file.as_deref(), None);
    for directory in &places.cert_dir {
        let more = rustls_native_certs::load_certs_from_paths(None, Some(directory));
        found.certs.extend(more.certs);
        found.errors.extend(more.errors);
    }
    found
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn beside_empty_variables() -> rustls_native_certs::CertificateResult {
    rustls_native_certs::load_native_certs()
}

/// Returns the system's error if a root was not read because this process has run out of descriptors
/// or memory.
fn want_of(error: &rustls_native_certs::Error) -> Option<&std::io::Error> {
    match &error.kind {
        rustls_native_certs::ErrorKind::Io { inner, .. } if is_own_want(inner) => Some(inner),
        _ => None,
    }
}
