//! TLS to the local service.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Code, Error, Result};

/// How a TLS connection is made, and the name that the service's certificate must have.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    /// `host`: name or IP address of the service. `roots`: PEM certificates that are trusted instead of the system's.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT`.
    pub(super) fn new(host: &str, roots: Option<&str>) -> Result<Self> {
        let invalid = |text: String| Error::new(Code::InvalidArgument, text);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid(format!("{host:?} cannot be the name in a certificate")))?;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(error.to_string()))?;
        let mut config = match roots {
            None => builder
                .with_platform_verifier()
                .map_err(|error| invalid(format!("the system has no certificates to trust: {error}")))?
                .with_no_client_auth(),
            Some(pem) => builder.with_root_certificates(store(pem)?).with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), name })
    }

    pub(super) fn without_http2(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Arc::new(config), name: self.name.clone() }
    }
}

fn store(pem: &str) -> Result<RootCertStore> {
    let invalid =
        |text: String| Error::new(Code::InvalidArgument, format!("the trusted certificates are invalid: {text}"));
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
        store.add(certificate).map_err(|error| invalid(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(invalid("there is no PEM certificate".to_owned()));
    }
    Ok(store)
}
