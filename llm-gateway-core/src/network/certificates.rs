//! The places of certificates that are trusted instead of the system's, as `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name them.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::model::unusable;

const FILE: &str = "SSL_CERT_FILE";
const STDIN: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
const DIRECTORIES: &str = "SSL_CERT_DIR";

/// A file or a directory of certificates, and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificatePlace {
    pub(crate) variable: &'static str,
    /// The path, or the reason why the variable's value cannot be used as one.
    pub(crate) path: Result<PathBuf, &'static str>,
}

/// The files and directories of certificates that variables name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CertificatePlaces {
    pub(crate) file: Option<CertificatePlace>,
    pub(crate) directories: Vec<CertificatePlace>,
}

impl CertificatePlaces {
    pub(super) fn of(environment: &Environment) -> Self {
        let file = environment.written(FILE).map(|text| CertificatePlace::of(FILE, text));
        let directories = environment.written(DIRECTORIES).map(|text| {
            let paths = std::env::split_paths(text).filter(|path| !path.as_os_str().is_empty());
            match unusable(text) {
                Some(_) => vec![CertificatePlace::of(DIRECTORIES, text)],
                None => paths.map(|path| place(DIRECTORIES, &path)).collect(),
            }
        });
        let directories = directories.unwrap_or_default();
        Self { file, directories }
    }

    /// Returns every place, the file first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CertificatePlace> {
        self.file.iter().chain(&self.directories)
    }
}

impl CertificatePlace {
    /// Reads the value of a variable that names one place.
    fn of(variable: &'static str, text: &str) -> Self {
        match unusable(text) {
            Some(stands_in) => Self { variable, path: Err(stands_in.fault()) },
            None => place(variable, Path::new(text)),
        }
    }
}

fn place(variable: &'static str, path: &Path) -> CertificatePlace {
    let path = match path {
        // Nobody but a shell knows what `~` is.
        path if path.starts_with("~") => Err("nothing fills in its `~`"),
        // Certificates of whatever directory a client has open are nobody's choice.
        path if path.is_relative() => Err("it is no absolute path"),
        // A server's stdin holds the messages of its client.
        path if STDIN.iter().any(|stdin| path == Path::new(stdin)) => {
            Err("it is this program's stdin")
        }
        path => Ok(path.to_owned()),
    };
    CertificatePlace { variable, path }
}
