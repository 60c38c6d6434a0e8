//! TLS to servers that the platform's certificate authorities vouch for.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Why no server can be reached over https.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTls {
    #[error("this machine has no root certificates")]
    NoRoots,
    #[error(transparent)]
    Settings(#[from] rustls::Error),
}

/// Whom the platform trusts, or `SSL_CERT_FILE` names. Reading it takes some milliseconds.
///
/// # Errors
///
/// Where there is nobody.
pub(crate) fn platform_roots() -> Result<RootCertStore, NoTls> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(usable, ignored, errors = ?found.errors, "read the platform's root certificates");
    if usable == 0 {
        tracing::warn!(errors = ?found.errors, "this machine has no root certificates, so nothing can be reached over https; install them, or set SSL_CERT_FILE");
        return Err(NoTls::NoRoots);
    }
    Ok(roots)
}

/// Connects to servers with certificates of these authorities, for HTTP/1.1.
///
/// # Errors
///
/// Where the settings fit no version of TLS, which they do.
pub(crate) fn connector(roots: RootCertStore) -> Result<TlsConnector, NoTls> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
