//! Whom TLS connections trust: the host's certificate authorities, or those that are built in.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificate authorities that servers are trusted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// How many there are.
    pub authorities: usize,
    /// They are the host's; else those built in, as the host has none.
    pub of_host: bool,
}

/// Whom this process trusts, as far as no account names certificates of its own. Reads the host's certificates where no https was
/// spoken yet.
#[must_use]
pub fn trust() -> Trust {
    let (roots, of_host) = known_roots();
    Trust { authorities: roots.len(), of_host: *of_host }
}

/// The host's roots, or Mozilla's where the host has none.
pub(super) fn host_roots() -> Arc<rustls::RootCertStore> {
    Arc::clone(&known_roots().0)
}

/// The roots, and whether they are the host's. Read once: it takes milliseconds and memory.
fn known_roots() -> &'static (Arc<rustls::RootCertStore>, bool) {
    static ROOTS: OnceLock<(Arc<rustls::RootCertStore>, bool)> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let (roots, of_host) = read_host_roots();
        (Arc::new(roots), of_host)
    })
}

fn read_host_roots() -> (rustls::RootCertStore, bool) {
    let mut roots = rustls::RootCertStore::empty();
    // Where the host has all its roots in one file (SSL_CERT_FILE may name it), that is enough: beside it stand hundreds of
    // files with the same certificates. One at a time, so that they are never all in memory beside their roots.
    if let Some(file) = bundle()
        && let Ok(certificates) = CertificateDer::pem_file_iter(file)
    {
        // As elsewhere, one root that is not understood does not count against the others.
        certificates.flatten().for_each(|certificate| drop(roots.add(certificate)));
    }
    if roots.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let of_host = !roots.is_empty();
    if !of_host {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    (roots, of_host)
}

/// The file with all of the host's roots, unless SSL_CERT_DIR says that they are to be found elsewhere.
fn bundle() -> Option<PathBuf> {
    let found = openssl_probe::probe();
    let named_folder = found.cert_dir.len() > openssl_probe::candidate_cert_dirs().count();
    found.cert_file.filter(|_| !named_folder)
}
