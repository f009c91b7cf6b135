//! How TLS is spoken: rustls, trusting the system's certificates and those that the configuration adds.
//! Nothing here ever accepts a certificate that does not verify.

use crate::settings::SettingRefused;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// TLS for every endpoint; `roots_pem` is trusted besides the system's roots.
pub(crate) fn connector(roots_pem: &[u8]) -> Result<TlsConnector, SettingRefused> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (taken, _) = roots.add_parsable_certificates(system.certs);
    let added = add_configured(&mut roots, roots_pem)?;
    if taken + added == 0 {
        tracing::warn!(
            "no trusted certificates were found: endpoints with https cannot be reached"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add_configured(roots: &mut RootCertStore, pem: &[u8]) -> Result<usize, SettingRefused> {
    if pem.is_empty() {
        return Ok(0);
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|_| SettingRefused::Roots)?;
    let count = read.len();
    for certificate in read {
        roots.add(certificate).map_err(|_| SettingRefused::Roots)?;
    }
    if count == 0 { Err(SettingRefused::Roots) } else { Ok(count) }
}
