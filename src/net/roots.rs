//! Whom TLS trusts: the host's roots, Mozilla's where the host has none, and those that somebody names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The TLS configuration with the certificates of a PEM file beside the host's roots.
pub(super) fn tls_trusting(path: &Path) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::clone(&host_roots());
    for certificate in certificates_in(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    Ok(tls_with(roots))
}

/// The certificates in a PEM file, at least one.
fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| unusable(path, &error))?;
    if found.is_empty() { Err(unusable(path, &"there is none")) } else { Ok(found) }
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("the certificates in {}: {why}", path.display())
}

/// The roots that calls over https trust, for whoever speaks TLS otherwise: the host's and those in a PEM file, each understood.
/// None where the host has none: Mozilla's are trusted then.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub fn trusted(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = ca.map(certificates_in).transpose()?.unwrap_or_default();
    each_of_host(|certificate| {
        let understood = rustls::RootCertStore::empty().add(certificate.clone()).is_ok();
        found.extend(understood.then_some(certificate));
        understood
    });
    Ok(found)
}

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
    each_of_host(|certificate| roots.add(certificate).is_ok());
    let of_host = !roots.is_empty();
    if !of_host {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    (roots, of_host)
}

/// Hands over the host's roots; `take` says whether one was understood.
fn each_of_host(mut take: impl FnMut(CertificateDer<'static>) -> bool) {
    // Where the host has all its roots in one file (SSL_CERT_FILE may name it), that is enough: beside it stand hundreds of
    // files with the same certificates. One at a time, so that they are never all in memory beside their roots.
    let mut any = false;
    if let Some(file) = bundle()
        && let Ok(certificates) = CertificateDer::pem_file_iter(file)
    {
        // As elsewhere, one root that is not understood does not count against the others.
        certificates.flatten().for_each(|certificate| any |= take(certificate));
    }
    if !any {
        rustls_native_certs::load_native_certs().certs.into_iter().for_each(|certificate| {
            take(certificate);
        });
    }
}

/// The file with all of the host's roots, unless SSL_CERT_DIR says that they are to be found elsewhere.
fn bundle() -> Option<PathBuf> {
    let found = openssl_probe::probe();
    let named_folder = found.cert_dir.len() > openssl_probe::candidate_cert_dirs().count();
    found.cert_file.filter(|_| !named_folder)
}

pub(super) fn tls_with(roots: impl Into<Arc<rustls::RootCertStore>>) -> rustls::ClientConfig {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions();
    #[expect(clippy::expect_used, reason = "ring supports the default versions; every test that uses TLS shows it")]
    let builder = builder.expect("the ring provider supports TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}
